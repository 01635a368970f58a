//! Checks of the ports cost no outage: a scan that cannot work is refused before it touches the service.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cellscan_sim::pty::PtyModem;
use cellscan_tests::support::{Bench, StandIn, Workbench, processes, wait_until};

use super::SOON;
use super::doctor::{must_say, run};
use super::running::{Running, on_bench, quick_modem, run_dir};

fn up() -> (Bench, u32) {
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(quick_modem()).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up() && bench.status().pid == before);
    (bench, before)
}

fn scan_of(bench: &Bench, port: &Path, ppp_port: &Path) -> Command {
    let mut command = bench.cellscan();
    command.arg("scan").arg("--service").arg(bench.service()).args(["--link", "none"]);
    command.arg("--port").arg(port).arg("--ppp-port").arg(ppp_port);
    on_bench(command, bench)
}

/// A scan whose modem has a port of its own, beside the one of `pppd`.
fn scan(bench: &Bench, port: &Path) -> Command {
    scan_of(bench, port, bench.port())
}

#[track_caller]
fn must_be_refused(bench: &Bench, command: Command, code: i32, said: &str) {
    let before = bench.status().pid;
    let ended = Running::start(command).end();
    assert_eq!(ended.code, Some(code), "{:#?}", ended.lines);
    assert!(ended.lines.iter().any(|line| line.contains(said)), "{said}: {:#?}", ended.lines);
    assert!(bench.status().is_up() && bench.status().pid == before, "untouched: {}", bench.story());
    assert!(bench.events().iter().all(|event| event.what != "term"), "{}", bench.story());
    assert!(!run_dir(bench).exists(), "no lease was written");
}

#[test]
fn a_port_that_is_no_tty_is_refused() {
    let (bench, _pppd) = up();
    let file = bench.root().join("file");
    std::fs::write(&file, "").expect("it is ours");
    for (port, code, said) in [
        (Path::new("/dev/null"), 100, "a character device, but no tty"),
        (bench.root(), 100, "it is a directory"),
        (file.as_path(), 100, "it is a regular file"),
        (Path::new("/dev/ttyNONE7"), 111, "unable to find /dev/ttyNONE7"),
    ] {
        must_be_refused(&bench, scan(&bench, port), code, said);
        must_be_refused(&bench, scan_of(&bench, bench.port(), port), code, said);
    }
    let mut doctor = bench.cellscan();
    doctor.args(["doctor", "--port", "/dev/null", "--link", "none", "--service"]).arg(bench.service());
    doctor.arg("--lock-dir").arg(bench.locks()).arg("--run-dir").arg(run_dir(&bench));
    must_say(&run(doctor), 1, &[("error    port", "a character device, but no tty")]);
}

/// A process outside the service, with the port as its standard input.
struct Stranger(Child);

impl Stranger {
    fn on(port: &Path) -> Self {
        let tty = std::fs::File::options().read(true).write(true).open(port).expect("a port");
        let mut sleep = Command::new("sleep");
        let child = sleep.arg("100").stdin(tty).stdout(Stdio::null()).spawn().expect("it starts");
        let stranger = Self(child);
        wait_until(SOON, "it has the port", || processes::holders(port).contains(&stranger.0.id()));
        stranger
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn a_port_of_the_modem_that_another_process_uses_is_refused() {
    let (bench, _pppd) = up();
    let modem = PtyModem::spawn(quick_modem(), 7, None).expect("a second port");
    let port = modem.path();
    {
        let stranger = Stranger::on(&port);
        let said = format!("process {} (sleep) has it open", stranger.0.id());
        must_be_refused(&bench, scan(&bench, &port), 111, &said);
    }
    let lock = lock_of(&bench, &port);
    std::fs::write(&lock, "         1\n").expect("it is ours");
    must_be_refused(&bench, scan(&bench, &port), 111, "is held by process 1 (");
    std::fs::write(&lock, "").expect("it is ours");
    must_be_refused(&bench, scan(&bench, &port), 111, "names no process");
    assert!(lock.exists(), "nothing was removed");
    // The lock of a dead process does not count.
    let mut dead = Command::new("true").spawn().expect("it starts");
    dead.wait().expect("it ends");
    std::fs::write(&lock, format!("{:>10}\n", dead.id())).expect("it is ours");
    Running::start(scan(&bench, &port)).end().must_be_complete(&bench);
}

#[test]
fn pppd_may_lock_the_port_that_it_shares_with_the_scan_and_another_process_may_not() {
    let (bench, pppd) = up();
    let one_port = || scan_of(&bench, bench.port(), bench.port());
    let lock = lock_of(&bench, &bench.modem().slave().expect("a port"));
    bench.wait_until(SOON, "pppd has locked its port", || {
        std::fs::read_to_string(&lock).is_ok_and(|text| text.trim() == pppd.to_string())
    });
    let named = lock_of(&bench, bench.port());
    std::fs::write(&named, "         1\n").expect("it is ours");
    must_be_refused(&bench, one_port(), 111, "is held by process 1 (");
    std::fs::remove_file(&named).expect("it is ours");
    Running::start(one_port()).end().must_be_complete(&bench);
}

#[test]
fn a_port_of_the_modem_that_the_service_itself_uses_is_free_when_the_service_is_down() {
    let modem = PtyModem::spawn(quick_modem(), 7, None).expect("a second port");
    let port = modem.path();
    let run = format!("#!/bin/sh\nexec 2>&1\nexec @PPPD@ <>{}\n", port.display());
    let bench = Workbench::new().modem(quick_modem());
    let bench = bench.run(cellscan_tests::support::RunScript::Custom(run)).start();
    let pppd = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "it has both ports", || processes::holders(&port).contains(&pppd));
    Running::start(scan(&bench, &port)).end().must_be_complete(&bench);
}

fn lock_of(bench: &Bench, port: &Path) -> PathBuf {
    let name = port.strip_prefix("/dev").unwrap_or(port).to_string_lossy();
    bench.locks().join(format!("LCK..{}", name.trim_start_matches('/').replace('/', "_")))
}
