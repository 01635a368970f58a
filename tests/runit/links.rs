//! Foreign links: the `ppp` interface of a second modem or of a VPN is not the link of this service.
//!
//! The interfaces are made in a network namespace in which `cellscan` runs, with a `/run` of its own for the pid files.

use std::process::{Child, Command, Stdio};

use cellscan_tests::support::{Bench, StandIn, Workbench, processes, skipped, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use super::ends::must_be_up_again;
use super::running::{Running, quick_modem, run_dir, scan_waiting_for_link, text};
use super::unlock::{leave, must_be_unlocked, scanned, told_automatic};
use super::{SCAN, SOON};

/// Makes `ppp7` with an address, a tun; then becomes its `pppd`, which keeps the namespace.
const A_LINK: &str = "\
ip tuntap add dev ppp7 mode tun
ip addr add 10.99.0.1/32 dev ppp7
ip link set ppp7 up
exec \"$@\"";

/// Runs a command with a `/run` in which process `$PPPD` has `ppp7`.
const BESIDE_IT: &str = "\
mount -t tmpfs none /run
[ -z \"$PPPD\" ] || echo $PPPD >/run/ppp7.pid
exec \"$@\"";

/// The same command where the link of a VPN is up, as `ppp7`. The pid file of that interface names `pppd`, if given.
fn beside_a_link(vpn: &OfAVpn, command: &Command, pppd: Option<u32>) -> Command {
    let mut inside = Command::new("nsenter");
    inside.arg(format!("--net=/proc/{}/ns/net", vpn.pid()));
    inside.args(["unshare", "-m", "--propagation", "private", "sh", "-ec", BESIDE_IT, "sh"]);
    inside.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        value.map(|value| inside.env(name, value));
    }
    inside.env("PPPD", pppd.map(|pid| pid.to_string()).unwrap_or_default());
    inside
}

/// Whether this user can make such a namespace; prints SKIPPED otherwise.
fn can_be_tried() -> bool {
    let script = format!("mount -t tmpfs none /run\n{A_LINK}");
    let tried = Command::new("unshare").args(["-n", "-m", "sh", "-ec", &script, "sh", "true"]).output();
    let can = tried.is_ok_and(|tried| tried.status.success());
    if !can {
        skipped("this user may not make a network namespace with an interface");
    }
    can
}

fn up(search_ms: u64) -> (Bench, u32) {
    let mut modem = quick_modem();
    modem.delays.search = search_ms;
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(modem).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    (bench, before)
}

/// The `pppd` of a VPN: a process of that name outside the service that holds no port. Its link is the only one of the
/// network namespace that it lives in.
struct OfAVpn(Child);

impl OfAVpn {
    fn start(bench: &Bench) -> Self {
        let program = bench.root().join("vpn");
        std::fs::create_dir(&program).expect("it is ours");
        let program = program.join("pppd");
        std::os::unix::fs::symlink("/bin/sleep", &program).expect("it is ours");
        let mut child = Command::new("unshare");
        child.args(["-n", "sh", "-ec", A_LINK, "sh"]).arg(&program).arg("1000");
        let child = child.stdin(Stdio::null()).spawn().expect("it starts");
        let vpn = Self(child);
        wait_until(SOON, "it is called pppd", || processes::comm(vpn.pid()).as_deref() == Some("pppd"));
        vpn
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for OfAVpn {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn scan(bench: &Bench) -> Command {
    let mut command = scan_waiting_for_link(bench);
    command.args(["--link-timeout", "1s"]);
    command
}

#[test]
fn a_scan_that_waits_for_its_link_ignores_the_link_of_a_vpn() {
    if !can_be_tried() {
        return;
    }
    // By its pid file; and without one, since it was up while the service was down.
    for has_pid_file in [true, false] {
        let (bench, before) = up(200);
        let vpn = OfAVpn::start(&bench);
        let pppd = Some(vpn.pid()).filter(|_| has_pid_file);
        let ended = Running::start(beside_a_link(&vpn, &scan(&bench), pppd)).end();
        ended.must_be_complete(&bench);
        assert_eq!(ended.json["link"], false, "pid file {has_pid_file}: {:#?}", ended.lines);
        must_be_up_again(&bench, before);
    }
}

#[test]
fn status_distinguishes_the_link_of_the_service_from_that_of_a_vpn() {
    if !can_be_tried() {
        return;
    }
    let (bench, pppd) = up(200);
    let vpn = OfAVpn::start(&bench);
    let links = |pppd: u32| {
        let mut command = bench.cellscan();
        command.args(["status", "--json"]).arg("--service").arg(bench.service());
        command.arg("--port").arg(bench.port()).arg("--run-dir").arg(run_dir(&bench));
        let output = beside_a_link(&vpn, &command, Some(pppd)).output().expect("it starts");
        let said: Value = serde_json::from_str(&text(&output)).expect("one object");
        said["link"].clone()
    };
    assert_eq!(links(vpn.pid()), Value::from(Vec::<String>::new()));
    assert_eq!(links(pppd), Value::from(vec!["ppp7"]));
}

/// A daemon that ends with the test.
struct Daemon(Child);

impl Daemon {
    fn start(bench: &Bench, vpn: &OfAVpn, pppd: u32, more: &[&str]) -> Self {
        let mut command = bench.cellscan();
        command.arg("run").arg("--service").arg(bench.service()).arg("--port").arg(bench.port());
        command.arg("--lock-dir").arg(bench.locks()).arg("--state-dir").arg(bench.root().join("state"));
        command.arg("--run-dir").arg(run_dir(bench)).args(["--link-timeout", "1s"]).args(more);
        let mut inside = beside_a_link(vpn, &command, Some(pppd));
        let child = inside
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        wait_until(SOON, "the daemon listens", || run_dir(bench).join("control").exists());
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended = processes::signal(self.0.id(), Signal::TERM);
        let _reaped = self.0.wait();
    }
}

fn automatic(bench: &Bench) -> (Option<i32>, String) {
    let mut command = bench.cellscan();
    command.args(["scan", "--automatic", "--json"]).arg("--run-dir").arg(run_dir(bench));
    let output = command.output().expect("it starts");
    (output.status.code(), text(&output))
}

#[test]
fn a_daemon_declines_no_scan_for_the_link_of_a_vpn() {
    if !can_be_tried() {
        return;
    }
    let (bench, before) = up(200);
    let vpn = OfAVpn::start(&bench);
    let _daemon = Daemon::start(&bench, &vpn, vpn.pid(), &[]);
    let (code, said) = automatic(&bench);
    assert_eq!(code, Some(2), "its own link does not come up: {said}");
    assert!(!said.contains("declined") && said.contains("\"outcome\":\"complete\""), "{said}");
    must_be_up_again(&bench, before);
    // And its own link keeps it from scanning.
    let (bench, pppd) = up(200);
    let vpn = OfAVpn::start(&bench);
    let _daemon = Daemon::start(&bench, &vpn, pppd, &[]);
    let (_, said) = automatic(&bench);
    assert!(said.contains("link_healthy"), "{said}");
}

#[test]
fn a_daemon_starts_a_scan_when_the_link_is_down_and_a_vpn_is_up() {
    if !can_be_tried() {
        return;
    }
    let (bench, before) = up(200);
    let vpn = OfAVpn::start(&bench);
    let _daemon = Daemon::start(&bench, &vpn, vpn.pid(), &["--when-link-down", "1s"]);
    bench.wait_until(SCAN, "it takes the service down", || {
        bench.events().iter().any(|event| event.what == "term")
    });
    must_be_up_again(&bench, before);
}

#[test]
fn a_daemon_unlocks_a_modem_without_a_link_of_its_own_only() {
    if !can_be_tried() {
        return;
    }
    let unlock = &["--unlock-after", "1s"];
    let (bench, before) = up(200);
    let pppd = scanned(&bench, before, "1s");
    leave(&bench);
    let vpn = OfAVpn::start(&bench);
    let own = Daemon::start(&bench, &vpn, pppd, unlock);
    super::quiet::must_be_quiet(&bench, &[("daemon", own.0.id())]);
    assert_eq!((bench.holders(), told_automatic(&bench)), (vec![pppd], 0), "its interface has an address");
    drop(own);
    let _another = Daemon::start(&bench, &vpn, vpn.pid(), unlock);
    must_be_unlocked(&bench, pppd);
}
