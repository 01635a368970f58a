//! The shipped `cellscan run`, under a `runsv` of its own beside that of `pppd`.

use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use cellscan_tests::support::{Bench, StandIn, Supervised, Want, Workbench, leases, processes, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use super::ends::must_be_up_again;
use super::lease::guard_of;
use super::recorded::must_be_decided_alike;
use super::running::{Running, quick_modem, run_dir, scan, text};
use super::{SCAN, SOON};

fn daemon(search_ms: u64, more: &str) -> (Bench, u32, Supervised) {
    let mut modem = quick_modem();
    modem.delays.search = search_ms;
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(modem).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let daemon = Supervised::start(&bench, &run_dir(&bench), more);
    (bench, before, daemon)
}

fn phase(daemon: &Supervised, bench: &Bench) -> String {
    let status = daemon.ask(&["status", "--json"]).arg("--service").arg(bench.service()).output();
    let said: Value = serde_json::from_str(&text(&status.expect("it starts"))).expect("one object");
    said["daemon"]["phase"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn it_scans_on_request_and_the_client_gets_every_event() {
    let (bench, before, daemon) = daemon(600, "--link none");
    let asked = Running::start(daemon.ask(&["scan", "--json", "--request", "7"]));
    asked.wait_for_state(&bench, "4");
    let busy = daemon.ask(&["scan"]).output().expect("it starts");
    assert_eq!(busy.status.code(), Some(111), "{}", String::from_utf8_lossy(&busy.stderr));
    assert!(String::from_utf8_lossy(&busy.stderr).contains("declines: a scan is under way"));
    let ended = asked.end();
    ended.must_be_complete(&bench);
    assert!(ended.states().ends_with(&["9b", "10", "10b", "11"]), "{:?}", ended.states());
    must_be_up_again(&bench, before);
    let again = daemon.ask(&["scan", "--json", "--request", "7"]).output().expect("it starts");
    assert_eq!(
        (again.status.code(), text(&again).trim()),
        (Some(0), r#"{"kind":"declined","reason":"repeated"}"#)
    );
    let automatic = daemon.ask(&["scan", "--automatic"]).output().expect("it starts");
    assert!(
        String::from_utf8_lossy(&automatic.stderr)
            .contains("declines: the last scan ended a short time ago; an automatic request is served in ")
    );
    let plain = daemon.ask(&["scan", "--quiet"]).output().expect("it starts");
    assert_eq!(plain.status.code(), Some(0));
    assert!(text(&plain).contains("Selected AT&T (310410)"), "{}", text(&plain));
}

#[test]
fn it_keeps_recordings_of_its_last_scans_and_each_replays_identically() {
    let recordings = tempfile::tempdir().expect("a directory");
    let path = |number: u32| recordings.path().join(format!("scan-{number:06}.atlog"));
    let more = format!("--link none --recordings {} --keep-recordings 2", recordings.path().display());
    let (_bench, _before, daemon) = daemon(200, &more);
    for number in 1..=3 {
        let id = number.to_string();
        let asked = daemon.ask(&["scan", "--request", &id]).output().expect("it starts");
        assert_eq!(asked.status.code(), Some(0), "{}", String::from_utf8_lossy(&asked.stderr));
        let again = daemon.ask(&["scan", "--request", &id]).output().expect("it starts");
        assert!(
            text(&again).is_empty()
                && String::from_utf8_lossy(&again.stderr).contains("a request with this number was served")
        );
    }
    wait_until(SOON, "only two are kept", || !path(1).exists() && path(2).exists() && path(3).exists());
    assert!(!path(4).exists(), "a declined request is no scan");
    for number in [2, 3] {
        let text = must_be_decided_alike(&path(number));
        let denied = text.lines().find_map(|line| line.strip_prefix("# denied: ")).expect("a header");
        assert!(denied.contains('/'), "the scan before had a carrier refused: {text}");
    }
}

#[test]
fn a_stray_name_among_its_recordings_is_skipped_and_named_and_each_recording_is_private() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("made/here");
    let more = format!("--link none --recordings {}", dir.display());
    let (_bench, _before, daemon) = daemon(200, &more);
    wait_until(SOON, "the directory is made", || dir.is_dir());
    let stray = dir.join("scan-99999999999999999999.atlog");
    std::fs::create_dir(&stray).expect("a directory");
    let asked = daemon.ask(&["scan"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert_eq!(asked.status.code(), Some(0), "{said}");
    assert!(said.contains("scan-99999999999999999999.atlog is no recording of this program"), "{said}");
    let bits = |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    let recording = dir.join("scan-000001.atlog");
    must_be_decided_alike(&recording);
    assert_eq!((bits(&recording), bits(&dir)), (0o600, 0o700));
}

#[test]
fn a_request_whose_scan_could_not_take_the_service_is_served_on_repetition() {
    let recordings = tempfile::tempdir().expect("a directory");
    let more = format!("--link none --recordings {}", recordings.path().display());
    let (bench, before, daemon) = daemon(1_500, &more);
    let other = Running::start(scan(&bench));
    other.wait_for_state(&bench, "3");
    let request = || daemon.ask(&["scan", "--json", "--request", "7"]).output().expect("it starts");
    let refused = request();
    assert_eq!(refused.status.code(), Some(111), "{}", String::from_utf8_lossy(&refused.stderr));
    other.end().must_be_complete(&bench);
    must_be_up_again(&bench, before);
    let served = request();
    assert_eq!(served.status.code(), Some(0), "{}", String::from_utf8_lossy(&served.stderr));
    let last = text(&served).lines().last().map(str::to_owned).unwrap_or_default();
    assert!(last.contains("\"outcome\":\"complete\""), "{last}");
    let again = request();
    assert_eq!(text(&again).trim(), r#"{"kind":"declined","reason":"repeated"}"#);
    let kept = std::fs::read_dir(recordings.path()).expect("it is there").count();
    assert_eq!(kept, 1, "a scan that touched nothing displaces no recording");
}

#[test]
fn sigterm_during_a_scan_ends_the_daemon_after_the_service_is_given_back() {
    let (bench, before, daemon) = daemon(5_000, "--link none");
    let asked = Running::start(daemon.ask(&["scan", "--json"]));
    asked.wait_for_state(&bench, "3");
    daemon.sv("down");
    let ended = asked.end();
    assert_eq!((ended.code, &ended.json["reason"]), (Some(1), &"aborted".into()), "{:#?}", ended.lines);
    must_be_up_again(&bench, before);
    wait_until(SOON, "it is down", || daemon.pid().is_none());
}

#[test]
fn a_signal_to_the_client_ends_the_scan_of_the_daemon() {
    let (bench, before, daemon) = daemon(5_000, "--link none");
    let asked = Running::start(daemon.ask(&["scan", "--json"]));
    asked.wait_for_state(&bench, "3");
    asked.signal(Signal::INT);
    let ended = asked.end();
    assert_eq!((ended.code, &ended.json["given_back"]), (Some(1), &true.into()), "{:#?}", ended.lines);
    must_be_up_again(&bench, before);
    assert_eq!(phase(&daemon, &bench), "idle");
}

#[test]
fn the_death_of_the_client_does_not_end_the_scan() {
    let (bench, before, daemon) = daemon(1_500, "--link none");
    let asked = Running::start(daemon.ask(&["scan", "--json"]));
    asked.wait_for_state(&bench, "3");
    asked.signal(Signal::KILL);
    wait_until(SCAN, "the scan is through", || phase(&daemon, &bench) == "idle");
    must_be_up_again(&bench, before);
}

#[test]
fn after_a_kill_with_its_guard_the_next_start_gives_the_service_back() {
    for state in ["1", "3", "5"] {
        let (bench, before, daemon) = daemon(2_000, "--link none");
        let asked = Running::start(daemon.ask(&["scan", "--json"]));
        asked.wait_for_state(&bench, state);
        let first = daemon.pid().expect("it runs");
        let guard = guard_of(&bench, first);
        // A running daemon would start another guard.
        assert!(processes::signal(first, Signal::STOP));
        assert!(processes::signal(guard, Signal::KILL));
        assert!(processes::signal(first, Signal::KILL));
        let died = Instant::now();
        bench.wait_until(SOON, "wanted up", || bench.status().want == Want::Up);
        println!("{state}: wanted up {:?} after the death of both", died.elapsed());
        daemon.wait_until_it_listens(&bench, Some(first));
        assert!(leases(&bench).is_empty(), "{state}: honoured before it listens");
        drop(asked);
        must_be_up_again(&bench, before);
    }
}

#[test]
fn a_link_that_stays_down_causes_one_scan() {
    let (bench, before, daemon) = daemon(600, "--link nolink* --link-timeout 1s --when-link-down 2s");
    let _started_again = bench.wait_for_holder(SCAN, Some(before));
    wait_until(SCAN, "the scan is through", || phase(&daemon, &bench) == "idle");
    let status = daemon.ask(&["status"]).arg("--service").arg(bench.service()).output().expect("it starts");
    assert!(text(&status).contains("idle, 1 scan;"), "{}", text(&status));
    assert_eq!(bench.modem().log().iter().filter(|entry| entry.what.to_string() == "> AT+COPS=?").count(), 1);
}

#[test]
fn invalid_options_are_not_retried_each_second() {
    let bench = Workbench::new().modem(quick_modem()).start();
    let output = bench.cellscan().args(["run", "--when-link-down", "1m", "--link", "none"]).output();
    let output = output.expect("it starts");
    assert_eq!(output.status.code(), Some(100), "{}", String::from_utf8_lossy(&output.stderr));
    let without_port =
        bench.cellscan().args(["scan", "--run-dir"]).arg(run_dir(&bench)).output().expect("it starts");
    assert_eq!(without_port.status.code(), Some(100));
    assert!(String::from_utf8_lossy(&without_port.stderr).contains("wanted --port TTY"));
}
