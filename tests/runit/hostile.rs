//! What an attacker may try: names from the air, numbers in files that name another process, and values in files that end up in
//! a command to the modem. None of them reaches a terminal, a log, the modem's command line or another process.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use cellscan::report::clean::is_unsafe;
use cellscan_sim::modem::{ModemEvent, Network, Profile, Select};
use cellscan_tests::support::{Bench, StandIn, Supervised, Workbench, processes};
use rustix::process::Signal;

use super::SOON;
use super::ends::must_be_up_again;
use super::running::{Running, quick_modem, run_dir, scan, text};

/// Names with escapes of a terminal, in both forms, a character that turns text, one that looks like more of a line, and a command.
const NAMES: [&str; 5] = [
    "\x1b]0;owned\x07\x1b[2J",
    "\u{9b}31mred\u{9b}0m",
    "\u{202e}lacol\u{2066}\u{200b}",
    "T (310410) best",
    "x;+CFUN=0",
];

/// The quick modem, whose operators have such names; one has a number that holds a command as well.
fn hostile_modem() -> Profile {
    let mut modem = quick_modem();
    let selectable = modem.networks.iter().filter(|network| network.plmn == "310410").cloned();
    let mut networks: Vec<Network> = selectable.collect();
    for (index, name) in NAMES.into_iter().enumerate() {
        let plmn = format!("31026{index}");
        let network = Network { select: Select::Accept { after_ms: 50 }, ..Network::new(&plmn, name, 9) };
        networks.push(Network { registration_ms: 40, ..network });
    }
    networks.push(Network::new("310;+CFUN=0", "y", 30));
    networks.push(Network::new("310\"\r+CF", "z", 30));
    modem.networks = networks;
    modem
}

fn up(modem: Profile) -> (Bench, u32) {
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(modem).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    (bench, before)
}

/// Lines that a terminal shows, and nothing that it obeys.
#[track_caller]
fn must_be_harmless(what: &str, bytes: &[u8]) {
    let said = str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = said.chars().find(|c| is_unsafe(*c) && *c != '\n');
    assert_eq!(found, None, "{what}: {}", said.escape_debug());
}

#[track_caller]
fn both_must_be_harmless(what: &str, output: &Output) {
    must_be_harmless(what, &output.stdout);
    must_be_harmless(what, &output.stderr);
}

/// Whether it is a command of a scan, whole: of what came from outside only digits are in one.
fn is_ours(command: &str) -> bool {
    let selects = command.strip_prefix("AT+COPS=1,2,\"").and_then(|rest| rest.strip_suffix('"'));
    let digits = |text: &str| matches!(text.len(), 5 | 6) && text.bytes().all(|byte| byte.is_ascii_digit());
    let fixed = [
        "",
        "AT",
        "ATI",
        "ATH",
        "+++",
        "AT+CMEE?",
        "AT+CMEE=0",
        "AT+CMEE=1",
        "AT+CMEE=2",
        "AT+CPIN?",
        "AT+COPS=3,0",
        "AT+COPS=3,1",
        "AT+COPS=3,2",
        "AT+COPS?",
        "AT+COPS=2",
        "AT+COPS=?",
        "AT+COPS=0",
        "AT+CREG?",
        "AT+CGREG?",
        "AT+CEREG?",
        "AT+C5GREG?",
        "AT+CSQ",
        "AT+CESQ",
    ];
    fixed.contains(&command) || selects.is_some_and(digits)
}

#[track_caller]
fn nothing_else_was_sent(bench: &Bench) {
    for entry in bench.modem().log() {
        if let ModemEvent::Received(command) = entry.what {
            assert!(is_ours(&command), "{command:?}");
        }
    }
}

#[test]
fn names_from_the_air_reach_neither_terminal_nor_log_nor_command() {
    let (bench, before) = up(hostile_modem());
    for more in [&["-vv"][..], &["-vv", "--quiet"]] {
        let mut command = bench.cellscan();
        command.arg("scan").arg("--service").arg(bench.service()).arg("--port").arg(bench.port());
        command.arg("--lock-dir").arg(bench.locks()).arg("--state-dir").arg(bench.root().join("state"));
        command.arg("--run-dir").arg(run_dir(&bench)).args(["--link", "none"]).args(more);
        let output = command.stdin(Stdio::null()).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        both_must_be_harmless("for people", &output);
        assert!(text(&output).contains("lacol"), "the name is shown: {}", text(&output));
    }
    let mut command = scan(&bench);
    command.arg("--record").arg(bench.root().join("scan.atlog"));
    let output = command.output().expect("it starts");
    both_must_be_harmless("--json", &output);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("\"T (310410) best\" (310263)"), "a name that could be more is quoted: {said}");
    must_be_harmless("a recording", &fs::read(bench.root().join("scan.atlog")).expect("it was recorded"));
    nothing_else_was_sent(&bench);
    must_be_up_again(&bench, before);
}

#[test]
fn names_from_the_air_that_the_daemon_passes_on_are_harmless_to_who_asked() {
    let (bench, before) = up(hostile_modem());
    let daemon = Supervised::start(&bench, &run_dir(&bench), "--link none");
    for words in [&["scan"][..], &["scan", "--json"]] {
        let output = daemon.ask(words).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        both_must_be_harmless("of the daemon", &output);
    }
    must_be_harmless("its log", &fs::read(bench.root().join("cellscan.log")).expect("it has one"));
    nothing_else_was_sent(&bench);
    must_be_up_again(&bench, before);
}

#[test]
fn remembered_carriers_that_hold_commands_reach_no_command() {
    let (bench, before) = up(quick_modem());
    let state = bench.root().join("state");
    fs::create_dir(&state).expect("it is ours");
    for carriers in ["310410\";+CFUN=0\n", "310410\r+CFUN=0\n", "31041\0\n", "310410;+CFUN=0\n"] {
        private(&state.join("carriers"), carriers);
        let mut command = scan(&bench);
        command.arg("--quick");
        let ended = Running::start(command).end();
        assert_ne!(ended.code, None, "it ends by itself");
        ended.lines.iter().for_each(|line| must_be_harmless(carriers, line.as_bytes()));
        nothing_else_was_sent(&bench);
    }
    must_be_up_again(&bench, before);
}

#[track_caller]
fn private(path: &Path, content: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, content).expect("it is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
}

/// An uninvolved process, which a signal would end.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
        let child = Command::new("sleep").arg("600").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Self(child.expect("it starts"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    #[track_caller]
    fn must_live(&mut self) {
        assert_eq!(self.0.try_wait().expect("it is our child"), None, "it was signalled");
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The status record names this process, and says that it runs.
#[track_caller]
fn record_names(bench: &Bench, pid: u32) {
    let path = bench.service().join("supervise/status");
    let mut record = fs::read(&path).expect("a record");
    record[12..16].copy_from_slice(&pid.to_le_bytes());
    record[19] = 1;
    fs::write(&path, record).expect("it is ours");
}

#[test]
fn a_process_that_record_and_pid_file_name_falsely_is_not_signalled() {
    for backend in ["native", "sv"] {
        let (bench, before) = up(quick_modem());
        let mut bystander = Bystander::start();
        record_names(&bench, bystander.pid());
        fs::write(bench.service().join("supervise/pid"), format!("{}\n", bystander.pid()))
            .expect("it is ours");
        let mut command = scan(&bench);
        command.args(["--backend", backend]);
        Running::start(command).end().must_be_complete(&bench);
        bystander.must_live();
        must_be_up_again(&bench, before);
    }
}

#[test]
fn a_process_that_the_record_of_a_frozen_supervisor_names_falsely_is_not_signalled() {
    let (bench, before) = up(quick_modem());
    let mut bystander = Bystander::start();
    let runsv = bench.runsv_pid().expect("it runs");
    assert!(processes::signal(runsv, Signal::STOP));
    record_names(&bench, bystander.pid());
    let ended = Running::start(scan(&bench)).end();
    assert_eq!(ended.code, Some(111), "{:#?}", ended.lines);
    bystander.must_live();
    assert!(processes::signal(runsv, Signal::CONT));
    // Another one where the supervisor was asked for down before the scan gave it up, else the same.
    bench.wait_until(
        SOON,
        &format!("a pppd has the port, {before} or its successor: {:#?}", ended.lines),
        || {
            let running =
                |pid: u32| processes::comm(pid).as_deref() == Some("pppd") && bench.status().is_up();
            let known = |pid: u32| [pid, bystander.pid()].contains(&bench.status().pid);
            matches!(bench.holders()[..], [pid] if running(pid) && known(pid))
        },
    );
    bystander.must_live();
}

#[test]
fn a_process_that_a_lock_on_the_port_names_is_not_signalled() {
    let (bench, before) = up(quick_modem());
    let mut bystander = Bystander::start();
    let name = bench.port().file_name().expect("a name").to_string_lossy().into_owned();
    let real = fs::canonicalize(bench.port()).expect("it is there");
    let number = real.file_name().expect("a name").to_string_lossy().into_owned();
    for lock in [format!("LCK..{name}"), format!("LCK..{number}"), format!("LCK..pts_{number}")] {
        fs::write(bench.locks().join(lock), format!("{:>10}\n", bystander.pid())).expect("it is ours");
    }
    let ended = Running::start(scan(&bench)).end();
    assert_eq!(ended.code, Some(111), "{:#?}", ended.lines);
    bystander.must_live();
    assert!(processes::is_alive(before), "and the link was not touched");
}
