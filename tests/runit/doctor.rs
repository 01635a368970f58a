//! `doctor` and `status` on a real service.

use std::process::{Child, Command, Output, Stdio};

use cellscan_sim::pty::PtyModem;
use cellscan_tests::support::{Bench, RunScript, StandIn, Workbench};
use rustix::process::{Pid, kill_process};
use serde_json::Value;

use super::running::{Running, quick_modem, run_dir, scan, text};
use super::{SCAN, SOON};

pub(super) fn sound() -> Workbench {
    Workbench::new().modem(quick_modem()).pppd(StandIn { lock: true, ..StandIn::default() })
}

pub(super) fn up(bench: Bench) -> Bench {
    let _pppd = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    bench
}

fn looking(bench: &Bench, word: &str) -> Command {
    let mut command = bench.cellscan();
    command.arg(word).arg("--service").arg(bench.service()).args(["--link", "none"]);
    command.arg("--lock-dir").arg(bench.locks());
    command
}

pub(super) fn doctor(bench: &Bench) -> Command {
    let mut command = looking(bench, "doctor");
    command.arg("--ppp-port").arg(bench.port()).arg("--run-dir").arg(run_dir(bench));
    command.arg("--state-dir").arg(bench.root().join("state"));
    command
}

pub(super) fn run(mut command: Command) -> Output {
    command.output().expect("the built cellscan starts")
}

#[track_caller]
pub(super) fn must_say(output: &Output, code: i32, starts: &[(&str, &str)]) {
    let said = text(output);
    assert_eq!(output.status.code(), Some(code), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for (start, part) in starts {
        let holds = |line: &str| line.starts_with(start) && line.contains(part);
        assert!(said.lines().any(holds), "{start} … {part}:\n{said}");
    }
}

#[test]
fn a_healthy_service_has_no_error_and_no_warning() {
    let bench = up(sound().start());
    bench.wait_until(SOON, "pppd has locked its port", || {
        std::fs::read_dir(bench.locks()).is_ok_and(|locks| locks.count() > 0)
    });
    let output = run(doctor(&bench));
    must_say(
        &output,
        0,
        &[
            ("ok       supervision", "runsv"),
            ("ok       status", "run, wanted up"),
            ("ok       process", "is pppd itself"),
            ("ok       lock: ", "pppd has locked"),
            ("ok       port holder", "of the service has"),
            ("ok       modem", "not asked: the port is in use"),
            ("ok       lease", "none"),
            ("ok       permissions", "open to no other user: "),
            ("ok       sv", "runit's"),
            ("0 errors, 0 warnings", ""),
        ],
    );
}

#[test]
fn a_modem_on_a_port_of_its_own_is_asked_while_the_link_is_up() {
    let bench = up(sound().start());
    let at = PtyModem::spawn(quick_modem(), 7, None).expect("a second port");
    let mut command = doctor(&bench);
    command.arg("--port").arg(at.path());
    must_say(&run(command), 0, &[("ok       modem", "answers AT with OK")]);
    assert!(bench.status().is_up());
}

#[test]
fn a_run_script_without_exec_is_warned_of() {
    let bench = sound().run(RunScript::Shell).script("finish", "#!/bin/sh\nsleep 1\n").start();
    let _pppd = bench.wait_for_holder(SOON, None);
    let output = run(doctor(&bench));
    must_say(
        &output,
        0,
        &[
            ("warning  process", "not pppd"),
            ("warning  run", "looks like it starts pppd without exec"),
            ("warning  nodetach", "looks like"),
            ("warning  finish", "sleeps 1 s"),
        ],
    );
}

#[test]
fn without_root_doctor_reports_what_it_cannot_see() {
    let bench = up(sound().start());
    let mut command = Command::new("setpriv");
    let inner = doctor(&bench);
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg("--");
    command.arg(inner.get_program()).args(inner.get_args());
    // Where the tests run as root, the program and the bench are below directories that only root may enter.
    let open = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    };
    open(bench.root());
    let output = run(command);
    must_say(
        &output,
        1,
        &[
            ("warning  user", "not root"),
            ("ok       sv", "runit's"),
            ("error    supervision", "run it as root"),
            ("warning  port holder", "run it as root"),
            ("error    lock directory", ""),
            ("4 errors", ""),
        ],
    );
    assert!(bench.status().is_up(), "and nothing has changed");
}

#[test]
fn an_unsupervised_service_is_an_error() {
    let mut bench = up(sound().start());
    bench.kill_runsv();
    must_say(&run(doctor(&bench)), 1, &[("error    supervision", "nobody supervises")]);
}

/// A `runsvdir` over one service, which ends its children on SIGHUP.
struct Runsvdir(Child);

impl Drop for Runsvdir {
    fn drop(&mut self) {
        let _gone_already = kill_process(Pid::from_child(&self.0), rustix::process::Signal::HUP);
        let _reaped = self.0.wait();
    }
}

#[test]
fn the_runsvdir_that_restarts_runsv_is_named() {
    let bench = up(sound().start());
    must_say(&run(doctor(&bench)), 0, &[("ok       supervision", "no runsvdir is over it")]);
    let services = tempfile::tempdir().expect("a directory");
    let service = services.path().join("ppp");
    std::fs::create_dir(&service).expect("it is ours");
    // Linked: a script written here could be open in a fork of another test, and then cannot be executed.
    std::os::unix::fs::symlink("/bin/cat", service.join("run")).expect("it is ours");
    let mut command = Command::new("runsvdir");
    command.arg("-P").arg(services.path()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let runsvdir = Runsvdir(command.spawn().expect("runit is installed"));
    let looking = || {
        let mut command = bench.cellscan();
        command.args(["doctor", "--service", "ppp", "--link", "none"]).env("SVDIR", services.path());
        command.arg("--run-dir").arg(run_dir(&bench)).arg("--lock-dir").arg(bench.locks());
        run(command)
    };
    let line = format!("; runsvdir {} starts another if it dies", runsvdir.0.id());
    bench.wait_until(SOON, &line, || text(&looking()).contains(&line));
}

#[test]
fn exercise_takes_it_down_once_and_up_once_and_no_byte_goes_to_the_modem() {
    let bench = up(sound().start());
    let before = bench.status().pid;
    let mut command = doctor(&bench);
    command.args(["--exercise", "--json"]);
    let output = run(command);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let sum = lines.last().expect("a sum");
    println!("{}", sum["exercise"]);
    assert_eq!((&sum["kind"], &sum["errors"]), (&"doctor".into(), &0.into()), "{said}");
    assert_eq!(sum["exercise"]["given_back"], true);
    for key in ["down_s", "port_free_s", "outage_s", "up_s"] {
        assert!(sum["exercise"][key].is_f64(), "{key}: {said}");
    }
    let check = lines.iter().find(|line| line["check"] == "exercise").expect("its line");
    assert_eq!((&check["level"], &check["do"]), (&"ok".into(), &Value::Null));
    assert!(bench.status().is_up() && bench.status().pid != before);
    let count = |what: &str| bench.events().iter().filter(|event| event.what == what).count();
    bench.wait_until(SOON, "it has started again", || count("start") == 2);
    assert_eq!(count("term"), 1, "{}", bench.story());
    assert!(
        bench
            .modem()
            .log()
            .iter()
            .all(|entry| { !matches!(entry.what, cellscan_sim::modem::ModemEvent::Received(_)) })
    );
}

#[test]
fn exercise_ended_by_a_signal_gives_back() {
    let slow = StandIn { lock: true, dies_after_ms: 3_000, ..StandIn::default() };
    let bench = up(sound().pppd(slow).start());
    let mut command = doctor(&bench);
    command.args(["--exercise", "--json"]);
    let doctor = Running::start(command);
    bench.wait_until(SOON, "it was told to end", || bench.events().iter().any(|event| event.what == "term"));
    doctor.signal(rustix::process::Signal::INT);
    let ended = doctor.end();
    assert_eq!(
        (ended.code, &ended.json["exercise"]["given_back"]),
        (Some(1), &true.into()),
        "{:?}",
        ended.json
    );
    bench.wait_until(SOON, "up", || bench.status().is_up());
}

#[test]
fn leases_in_hand_orphaned_and_invalid_are_distinguished() {
    let mut modem = quick_modem();
    modem.delays.search = 2_000;
    let bench = up(sound().modem(modem).start());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    must_say(&run(doctor(&bench)), 0, &[("ok       lease", "in hand")]);
    // Beside it is the file that is locked for the claim.
    let files = || {
        let paths =
            std::fs::read_dir(run_dir(&bench)).expect("it is there").flatten().map(|entry| entry.path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"))
    };
    let path = files().next().expect("a lease");
    let mut lease: Value =
        serde_json::from_str(&std::fs::read_to_string(&path).expect("it is there")).expect("JSON");
    scan.end().must_be_complete(&bench);
    must_say(&run(doctor(&bench)), 0, &[("ok       lease", "none in")]);

    let place = |name: &std::path::Path, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(name, text).expect("it is ours");
        std::fs::set_permissions(name, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    };
    // As if that scan had been killed, and its guard with it.
    place(&path, &lease.to_string());
    must_say(
        &run(doctor(&bench)),
        0,
        &[("warning  lease", "give it back with `cellscan restore --run-dir ")],
    );
    lease["service"] = "/nowhere/pppd".into();
    place(&path, &lease.to_string());
    must_say(
        &run(doctor(&bench)),
        0,
        &[("warning  lease", "a directory that is gone; remove the lease with")],
    );
    place(&path, "no lease");
    must_say(&run(doctor(&bench)), 0, &[("warning  lease", "then remove the file")]);
    assert_eq!(files().count(), 1, "nothing was removed");
}

#[test]
fn status_before_and_during_a_scan() {
    let bench = up(sound().start());
    let look = || {
        let mut command = looking(&bench, "status");
        command.arg("--port").arg(bench.port()).arg("--state-dir").arg(bench.root().join("state"));
        let human = run(command);
        let mut command = looking(&bench, "status");
        command
            .arg("--port")
            .arg(bench.port())
            .arg("--state-dir")
            .arg(bench.root().join("state"))
            .arg("--json");
        let output = run(command);
        assert_eq!((human.status.code(), output.status.code()), (Some(0), Some(0)));
        (text(&human), serde_json::from_slice::<Value>(&output.stdout).expect("one object"))
    };
    let (human, json) = look();
    assert!(human.contains(": run, wanted up, process ") && human.contains("scan: none"), "{human}");
    assert_eq!((&json["service"]["state"], &json["scan"]), (&"run".into(), &Value::Null), "{json}");
    assert_eq!(json["port"]["holders"][0]["comm"], "pppd");
    assert_eq!(json["carriers"].as_array().map(Vec::len), Some(0));

    let mut modem = quick_modem();
    modem.delays.search = 3_000;
    let bench = up(sound().modem(modem).start());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    let mut command = looking(&bench, "status");
    command.arg("--port").arg(bench.port()).arg("--json");
    let json: Value = serde_json::from_slice(&run(command).stdout).expect("one object");
    assert_eq!(
        (&json["service"]["state"], &json["service"]["want"]),
        (&"down".into(), &"down".into()),
        "{json}"
    );
    assert_eq!(json["scan"]["comm"], "cellscan", "{json}");
    let during = run(doctor(&bench));
    must_say(
        &during,
        0,
        &[
            ("ok       claim", "is scanning"),
            ("ok       lease", "in hand"),
            ("ok       modem", "not asked: a scan runs"),
        ],
    );
    scan.end().must_be_complete(&bench);
    bench.wait_until(SCAN, "up", || bench.status().is_up());
    let mut command = looking(&bench, "status");
    command.arg("--state-dir").arg(bench.root().join("state"));
    assert!(text(&run(command)).contains("likeliest last: "));
}

#[test]
fn status_reads_the_port_from_the_options_where_the_service_holds_none() {
    let script = "#!/bin/sh\nfalse && exec pppd ttyUSB77 nodetach\nexec @PPPD@\n";
    let bench = sound().run(RunScript::Custom(script.to_owned())).down().start();
    let mut command = looking(&bench, "status");
    command.arg("--json").arg("--run-dir").arg(run_dir(&bench));
    let json: Value = serde_json::from_slice(&run(command).stdout).expect("one object");
    assert_eq!(json["port"]["path"], "/dev/ttyUSB77", "{json}");
}
