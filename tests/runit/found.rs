//! The service is found from running processes: from the port of its `pppd`, and from its `runsv`.

use std::path::Path;
use std::process::{Command, Output};

use cellscan_tests::support::{Bench, RunScript, StandIn, Workbench, skipped};

use super::SOON;
use super::doctor::{must_say, run};
use super::ends::must_be_up_again;
use super::running::{Ended, Running, on_bench, quick_modem, run_dir, text};

fn up(workbench: Workbench) -> (Bench, u32) {
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = workbench.modem(quick_modem()).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    (bench, before)
}

/// A scan with a port and without a service in its options.
fn scan(bench: &Bench) -> Command {
    let mut command = bench.cellscan();
    command.args(["scan", "--link", "none"]).arg("--port").arg(bench.port());
    command.env_remove("SVDIR");
    on_bench(command, bench)
}

#[track_caller]
fn must_be_found(ended: &Ended, bench: &Bench, how: &str) {
    ended.must_be_complete(bench);
    let dir = bench.service().canonicalize().expect("it is there");
    let said = |line: &String| line.contains(&format!("native: {}", dir.display())) && line.contains(how);
    assert!(ended.lines.iter().any(said), "{how}: {:#?}", ended.lines);
}

#[test]
fn a_service_of_any_name_anywhere_is_found_by_the_port_of_its_pppd() {
    let elsewhere = tempfile::tempdir().expect("a directory");
    for workbench in [
        Workbench::new().name("ppp-wwan0"),
        Workbench::new().name("uplink").supervise(&elsewhere.path().join("supervise")),
        Workbench::new().name("modem one").run(RunScript::Trap),
    ] {
        let (bench, before) = up(workbench);
        let ended = Running::start(scan(&bench)).end();
        must_be_found(&ended, &bench, "; found by the port: its pppd (");
        // Its record names the shell where there is one.
        let _after = bench.wait_for_holder(SOON, Some(before));
        bench.wait_until(SOON, "up", || bench.status().is_up());
    }
}

#[test]
fn of_two_services_the_one_whose_pppd_holds_the_port_is_taken() {
    let (first, before) = up(Workbench::new().name("pppd"));
    let (second, other) = up(Workbench::new().name("pppd-b"));
    // Both match by name.
    let services = first.root().join("service");
    std::os::unix::fs::symlink(second.service(), services.join("pppd-b")).expect("a link");
    let mut command = scan(&first);
    command.env("SVDIR", &services);
    let ended = Running::start(command).end();
    ended.must_be_complete(&first);
    let not = format!(", not {}", services.join("pppd-b").display());
    let said = |line: &String| line.contains("; found by the port: its pppd (") && line.contains(&not);
    assert!(ended.lines.iter().any(said), "{not}: {:#?}", ended.lines);
    must_be_up_again(&first, before);
    assert_eq!(second.holders(), [other], "the other modem was left alone");
    let mut status = first.cellscan();
    status.args(["status", "--link", "none"]).arg("--port").arg(second.port()).env("SVDIR", &services);
    status.arg("--run-dir").arg(run_dir(&first));
    let said = text(&run(status));
    assert!(
        said.contains(&format!("service: {}", second.service().canonicalize().expect("it").display())),
        "{said}"
    );
}

#[test]
fn another_supervised_program_on_the_port_is_not_taken_for_the_service_of_pppd() {
    let modem = cellscan_sim::pty::PtyModem::spawn(quick_modem(), 7, None).expect("a modem");
    let script = format!("#!/bin/sh\nexec 2>&1\nexec sleep 1000 <>{}\n", modem.path().display());
    let bench = Workbench::new().name("gpsd").run(RunScript::Custom(script)).start();
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let holds = || cellscan_tests::support::processes::holders(&modem.path()).contains(&bench.status().pid);
    bench.wait_until(SOON, "it has the port", holds);
    let mut doctor = bench.cellscan();
    doctor.args(["doctor", "--link", "none"]).arg("--port").arg(modem.path()).env_remove("SVDIR");
    doctor.arg("--run-dir").arg(run_dir(&bench)).arg("--lock-dir").arg(bench.locks());
    must_say(&run(doctor), 1, &[("error    service", "no runsv runs a pppd")]);
}

/// `cellscan doctor` in a process namespace in which only a `runsv` for each of these services runs. `None`, and a
/// line, where there may be none.
fn doctor_beside(services: &[&Path]) -> Option<Output> {
    let may = Command::new("unshare").args(["--pid", "--fork", "--mount-proc", "true"]).output();
    if !may.is_ok_and(|tried| tried.status.success()) {
        skipped("this user may not make a process namespace");
        return None;
    }
    let script = "\
for service; do runsv \"$service\" & until [ -s \"$service/supervise/pid\" ]; do sleep 0.01; done; done
\"$CELLSCAN\" doctor --link none --run-dir \"$RUN\"";
    let mut command = Command::new("unshare");
    command
        .args(["--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script, "sh"])
        .args(services);
    let program = cellscan_tests::support::binaries::cellscan();
    command.env("CELLSCAN", program.get_program()).env("RUN", services[0].join("none")).env_remove("SVDIR");
    Some(run(command))
}

#[test]
fn a_runsv_whose_pppd_holds_no_port_now_is_found_where_it_is_the_only_one() {
    let root = tempfile::tempdir().expect("a directory");
    let place = |name: &str, run: &str| {
        let service = root.path().canonicalize().expect("it is there").join(name);
        std::fs::create_dir(&service).expect("it is ours");
        // Linked: a script written here could be open in a fork of another test, and then cannot be executed.
        std::os::unix::fs::symlink(run, service.join("run")).expect("it is ours");
        service
    };
    let by_name = place("ppp-wwan0", "/bin/cat");
    let getty = place("getty", "/bin/cat");
    let Some(output) = doctor_beside(&[&getty, &by_name]) else { return };
    let found = format!("{}, found by its runsv", by_name.display());
    must_say_of(&output, &[("ok       service", found.as_str()), ("ok       supervision", "has the lock")]);
    let other = place("pppd-b", "/bin/cat");
    let Some(output) = doctor_beside(&[&by_name, &getty, &other]) else { return };
    let both = format!("several services could be meant: {} {};", by_name.display(), other.display());
    must_say_of(&output, &[("error    service", both.as_str())]);
    let Some(output) = doctor_beside(&[&getty]) else { return };
    must_say_of(&output, &[("error    service", "no runsv runs a pppd")]);
}

#[track_caller]
fn must_say_of(output: &Output, starts: &[(&str, &str)]) {
    must_say(output, output.status.code().unwrap_or(-1), starts);
}
