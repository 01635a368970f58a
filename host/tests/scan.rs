//! `cellscan scan` on a real `runsv` and a modem on a pseudo-terminal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics with its place")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use cellscan::clock::Clock;
use cellscan::event_loop;
use cellscan::runit::dir::ServiceDir;
use cellscan_core::supervisor::ServiceState;
use cellscan_sim::modem::{AbortAnswer, Network, Profile, Select, WhileBusy};
use cellscan_sim::pty::PtyModem;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// More than any wait here takes on a loaded machine.
const SOON: Duration = Duration::from_secs(20);

/// A `runsv` whose service holds the port of a modem, as `pppd` does.
struct Gateway {
    root: TempDir,
    runsv: Child,
    modem: PtyModem,
}

impl Gateway {
    fn start(search_ms: u64) -> Self {
        let mut profile = Profile::default();
        profile.delays.search = search_ms;
        profile.delays.signal = 50;
        profile.automatic_registration_ms = 200;
        profile.while_busy = WhileBusy::Abort(AbortAnswer::Aborted);
        let accept = |plmn, name, rssi| Network {
            select: Select::Accept { after_ms: 200 },
            ..Network::new(plmn, name, rssi)
        };
        profile.networks = vec![accept("310260", "T-Mobile", 16), accept("310410", "AT&T", 25)];
        let modem = PtyModem::spawn(profile, 1, None).unwrap();
        let root = tempfile::tempdir().unwrap();
        let service = root.path().join("pppd");
        fs::create_dir(&service).unwrap();
        fs::create_dir(root.path().join("lock")).unwrap();
        let run = service.join("run");
        fs::write(&run, format!("#!/bin/sh\nexec sleep 600 <>{}\n", modem.path().display())).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
        let runsv =
            Command::new("runsv").arg(&service).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let gateway = Self { root, runsv, modem };
        Self::until("the service runs", || gateway.is_up());
        gateway
    }

    fn service(&self) -> PathBuf {
        self.root.path().join("pppd")
    }

    fn is_up(&self) -> bool {
        let record = ServiceDir::open(&self.service()).and_then(|dir| dir.read_status());
        record.is_ok_and(|record| record.want_up && record.state == ServiceState::Run)
    }

    #[track_caller]
    fn until(what: &str, holds: impl Fn() -> bool) {
        let clock = Clock::new();
        let deadline = clock.now() + SOON;
        while !holds() {
            assert!(clock.now() < deadline, "not in time: {what}");
            event_loop::wait(&[], Some(clock.now() + Duration::from_millis(20)), clock).unwrap();
        }
    }

    fn scan(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cellscan"));
        command.arg("scan").arg("--port").arg(self.modem.path()).arg("--service").arg(self.service());
        command.arg("--lock-dir").arg(self.root.path().join("lock"));
        command.arg("--state-dir").arg(self.root.path().join("state"));
        command.arg("--run-dir").arg(self.root.path().join("run"));
        command.args(["--link", "none", "--json"]).args(words.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A scan that waits for its operator list.
    fn searching(&self) -> (Child, BufReader<ChildStdout>) {
        let mut child = self.scan("").spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains(r#""state":"4""#) {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "the scan ended before state 4");
        }
        assert!(!self.is_up());
        (child, out)
    }

    fn locks(&self) -> usize {
        fs::read_dir(self.root.path().join("lock")).unwrap().count()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Ok(dir) = ServiceDir::open(&self.service()) {
            let _gone = dir.send(b'x');
        }
        let _reaped = self.runsv.wait();
    }
}

fn scan_of(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_default();
    let scan = serde_json::from_str(last);
    assert!(scan.is_ok(), "{last}\n{}", String::from_utf8_lossy(&output.stderr));
    scan.unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_scan_selects_the_best_gives_back_and_remembers_carriers() {
    let gateway = Gateway::start(300);
    let output = gateway.scan("").output().unwrap();
    let scan = scan_of(&output);
    assert_eq!(output.status.code(), Some(0), "{scan}");
    assert_eq!((&scan["selected"], &scan["given_back"]), (&"310410".into(), &true.into()), "{scan}");
    assert_eq!(
        (&scan["link"], &scan["simulated"], &scan["virtual_s"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    Gateway::until("the service runs again", || gateway.is_up());
    assert_eq!(gateway.locks(), 0);
    let quick = gateway.scan("--quick").output().unwrap();
    let scan = scan_of(&quick);
    let tried: Vec<&str> =
        scan["trials"].as_array().unwrap().iter().map(|trial| trial["plmn"].as_str().unwrap()).collect();
    assert_eq!((quick.status.code(), tried), (Some(0), vec!["310260", "310410"]), "{scan}");
    assert_eq!(scan["search_s"], Value::Null);
}

#[test]
fn a_signal_ends_the_scan_and_a_second_one_does_not_prevent_giving_back() {
    let gateway = Gateway::start(60_000);
    let (child, out) = gateway.searching();
    signal(&child, Signal::TERM);
    signal(&child, Signal::INT);
    let mut last = String::new();
    for line in out.lines() {
        last = line.unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let scan: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(output.status.code(), Some(1), "{scan}");
    assert_eq!((&scan["reason"], &scan["given_back"]), (&"aborted".into(), &true.into()), "{scan}");
    Gateway::until("the service runs again", || gateway.is_up());
    assert_eq!(gateway.locks(), 0);
}

#[test]
fn the_service_comes_back_after_the_scan_was_killed() {
    let gateway = Gateway::start(60_000);
    let (mut child, _out) = gateway.searching();
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    Gateway::until("the guard gives back", || gateway.is_up() && gateway.locks() == 0);
}

#[test]
fn a_scan_with_closed_output_still_gives_back() {
    let gateway = Gateway::start(300);
    let mut child = gateway.scan("").spawn().unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    Gateway::until("the service runs again", || gateway.is_up());
}

#[test]
fn a_hostile_state_file_is_a_warning() {
    let gateway = Gateway::start(300);
    let state = gateway.root.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::write(state.join("carriers"), b"310410\n\xff\xfe../../etc\n").unwrap();
    let output = gateway.scan("--quick").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("warning") && said.contains("carriers:2"), "{said}");
    assert_eq!(scan_of(&output)["operators_listed"], 2);
}

#[test]
fn a_missing_service_is_a_configuration_error() {
    let gateway = Gateway::start(300);
    let mut command = Command::new(env!("CARGO_BIN_EXE_cellscan"));
    command.args(["scan", "--service", "/nonexistent/pppd", "--port"]).arg(gateway.modem.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(100), "{said}");
    assert!(said.contains("/nonexistent/pppd: no such service directory"), "{said}");
    assert!(gateway.is_up());
}
