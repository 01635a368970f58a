//! The unlock rule: a modem that a scan has set to one carrier, outside of that carrier's coverage.

use std::fs;
use std::process::Command;

use cellscan::clock::Clock;
use cellscan_sim::modem::{ModemFault, Profile, Selection};
use cellscan_tests::support::{Bench, StandIn, Supervised, Want, Workbench, leases, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use super::ends::must_be_up_again;
use super::lease::guard_of;
use super::running::{Running, quick_modem, run_dir, scan_waiting_for_link, text};
use super::{SCAN, SOON};

/// No interface has such a name: the link is seen to be away.
const DARK: &[&str] = &["--link", "nolink*", "--link-timeout", "1s"];

fn bench_with(modem: Profile) -> (Bench, u32) {
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(modem).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    (bench, before)
}

/// A scan without a daemon, which leaves the modem on AT&T by `AT+COPS=1`.
pub(super) fn scanned(bench: &Bench, before: u32, unlock_after: &str) -> u32 {
    let mut command = scan_waiting_for_link(bench);
    command.args(DARK).args(["--unlock-after", unlock_after]);
    Running::start(command).end().must_be_complete(bench);
    must_be_up_again(bench, before);
    assert_eq!(registered(bench), (Some("310410".to_owned()), Selection::Manual));
    bench.wait_for_holder(SOON, Some(before))
}

fn registered(bench: &Bench) -> (Option<String>, Selection) {
    bench.modem().with(|modem, _now| (modem.registered().map(str::to_owned), modem.selection()))
}

/// It drives out of the coverage of that carrier.
pub(super) fn leave(bench: &Bench) {
    bench.modem().apply(ModemFault::NetworkGone("310410".to_owned()));
    assert_eq!(registered(bench), (None, Selection::Manual));
}

pub(super) fn told_automatic(bench: &Bench) -> usize {
    bench.modem().log().iter().filter(|entry| entry.what.to_string() == "> AT+COPS=0").count()
}

/// On another carrier, of its own choice, and the service given back.
#[track_caller]
pub(super) fn must_be_unlocked(bench: &Bench, before: u32) {
    bench.wait_until(SCAN, "it is registered elsewhere", || {
        registered(bench) == (Some("311480".to_owned()), Selection::Automatic)
    });
    must_be_up_again(bench, before);
    bench.wait_until(SOON, "the record is removed", || records(bench).is_empty());
    assert_eq!(told_automatic(bench), 1, "{}", bench.story());
}

fn records(bench: &Bench) -> Vec<Value> {
    let entries = fs::read_dir(bench.root().join("state")).into_iter().flatten().flatten();
    let records = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".json"));
    let texts = records.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    texts.map(|text| serde_json::from_str(&text).expect("JSON")).collect()
}

fn of_bench(bench: &Bench, command: &str) -> Command {
    let mut restore = bench.cellscan();
    restore.args([command, "--json"]).arg("--state-dir").arg(bench.root().join("state"));
    restore.arg("--run-dir").arg(run_dir(bench));
    restore
}

/// Runs `restore`, and returns what it says of the selection; null: there is none on record.
#[track_caller]
fn restored(bench: &Bench) -> Value {
    let output = of_bench(bench, "restore").output().expect("it starts");
    let objects = text(&output);
    let mut objects = objects.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    objects.find(|object| object["kind"] == "selection").unwrap_or_default()
}

#[track_caller]
fn restore_until(bench: &Bench, outcome: &str) {
    let mut last = Value::Null;
    bench.wait_until(SOON, outcome, || {
        last = restored(bench);
        last["outcome"] == outcome
    });
}

#[test]
fn a_daemon_unlocks_a_modem_outside_of_the_coverage_of_its_carrier() {
    let (bench, before) = bench_with(quick_modem());
    let more = format!("{} --unlock-after 10s", DARK.join(" "));
    let daemon = Supervised::start(&bench, &run_dir(&bench), &more);
    let asked = daemon.ask(&["scan"]).output().expect("it starts");
    assert_eq!(asked.status.code(), Some(2), "{}", String::from_utf8_lossy(&asked.stderr));
    let scanned = bench.wait_for_holder(SOON, Some(before));
    leave(&bench);
    wait_until(SOON, "the daemon tells when", || {
        let status = daemon.ask(&["status", "--json"]).arg("--service").arg(bench.service()).output();
        let status: Value = serde_json::from_str(&text(&status.expect("it starts"))).expect("one object");
        status["daemon"]["unlock_in_s"].as_f64().is_some_and(|left| left <= 10.0)
    });
    must_be_unlocked(&bench, scanned);
    let alive = daemon.ask(&["status"]).arg("--service").arg(bench.service()).output().expect("it starts");
    assert!(text(&alive).contains("idle, 1 scan;"), "{}", text(&alive));
}

#[test]
fn a_daemon_started_after_the_scan_goes_by_its_record() {
    let (bench, before) = bench_with(quick_modem());
    let before = scanned(&bench, before, "3s");
    leave(&bench);
    let _daemon = Supervised::start(&bench, &run_dir(&bench), &DARK.join(" "));
    must_be_unlocked(&bench, before);
}

#[test]
fn without_a_daemon_restore_unlocks_it_once() {
    let (bench, before) = bench_with(quick_modem());
    let before = scanned(&bench, before, "8s");
    let record = records(&bench).pop().expect("one");
    assert_eq!((&record["carrier"], &record["version"]), (&"310410".into(), &1.into()));
    assert!(record["dark"].is_object(), "the scan saw no link: {record}");
    leave(&bench);
    restore_until(&bench, "unlocked");
    must_be_unlocked(&bench, before);
    for _ in 0..2 {
        assert_eq!(restored(&bench), Value::Null);
    }
    assert_eq!(told_automatic(&bench), 1);
}

#[test]
fn before_the_time_is_over_restore_and_status_only_tell_how_long_it_takes() {
    let (bench, before) = bench_with(quick_modem());
    let before = scanned(&bench, before, "10m");
    leave(&bench);
    let said = restored(&bench);
    assert_eq!((&said["outcome"], &said["carrier"]), (&"dark".into(), &"310410".into()), "{said}");
    assert!(said["unlock_in_s"].as_f64().is_some_and(|left| (400.0..=600.0).contains(&left)), "{said}");
    let mut status = of_bench(&bench, "status");
    status.arg("--service").arg(bench.service());
    let status: Value =
        serde_json::from_str(&text(&status.output().expect("it starts"))).expect("one object");
    let selection = &status["selections"][0];
    assert_eq!(
        (&selection["carrier"], &selection["unlock_after_s"]),
        (&"310410".into(), &600.into()),
        "{status:#}"
    );
    assert!(selection["since_unix_s"].is_u64() && selection["unlock_in_s"].is_f64(), "{status:#}");
    let mut words = bench.cellscan();
    words.arg("status").arg("--state-dir").arg(bench.root().join("state"));
    words.arg("--run-dir").arg(run_dir(&bench)).arg("--service").arg(bench.service());
    let words = text(&words.output().expect("it starts"));
    assert!(words.contains("selected: 310410 on ") && words.contains("after 600 s without"), "{words}");
    assert_eq!((bench.holders(), told_automatic(&bench)), (vec![before], 0), "nothing was touched");
}

#[test]
fn a_modem_that_no_scan_has_set_is_left_alone() {
    let (bench, before) = bench_with(Profile {
        selection: Selection::Manual,
        registered: Some("310410".into()),
        ..quick_modem()
    });
    leave(&bench);
    let more = format!("{} --unlock-after 1s", DARK.join(" "));
    let daemon = Supervised::start(&bench, &run_dir(&bench), &more);
    assert_eq!(restored(&bench), Value::Null);
    super::quiet::must_be_quiet(&bench, &[("daemon", daemon.pid().expect("it listens"))]);
    assert_eq!((bench.holders(), told_automatic(&bench)), (vec![before], 0));
}

#[test]
fn the_record_is_there_before_the_scan_waits_for_its_link() {
    let (bench, before) = bench_with(quick_modem());
    let mut command = scan_waiting_for_link(&bench);
    command.args(["--link", "nolink*", "--link-timeout", "60s"]);
    let scan = Running::start(command);
    let after = bench.wait_for_holder(SCAN, Some(before));
    bench.wait_until(SOON, "given back", || bench.status().is_up() && bench.status().pid == after);
    scan.signal(Signal::KILL);
    must_be_up_again(&bench, before);
    assert_eq!(registered(&bench), (Some("310410".to_owned()), Selection::Manual));
    assert_eq!(records(&bench).len(), 1);
}

#[test]
fn a_failed_scan_leaves_a_modem_whose_time_is_over_to_choose_by_itself() {
    let mut modem = quick_modem();
    modem.delays.search = 3_000;
    let (bench, before) = bench_with(modem);
    let before = scanned(&bench, before, "1s");
    leave(&bench);
    // A scan by itself sees that the time is over, as restore would.
    wait_until(SOON, "the time is over", || {
        let dark = records(&bench)[0]["dark"]["since_boot_ms"].as_u64().expect("a number");
        dark + 1_000 <= Clock::new().now().as_millis()
    });
    let mut command = scan_waiting_for_link(&bench);
    command.args(DARK);
    let scan = Running::start(command);
    scan.wait_for_state(&bench, "3");
    scan.signal(Signal::TERM);
    assert_eq!(scan.end().code, Some(1));
    must_be_unlocked(&bench, before);
}

#[test]
fn zero_keeps_no_record_and_removes_that_of_an_earlier_scan() {
    let (bench, before) = bench_with(quick_modem());
    let before = scanned(&bench, before, "1s");
    assert_eq!(records(&bench).len(), 1);
    scanned(&bench, before, "0");
    assert!(records(&bench).is_empty());
}

#[test]
fn a_service_that_another_client_has_put_down_is_not_unlocked() {
    let (bench, before) = bench_with(quick_modem());
    let before = scanned(&bench, before, "1s");
    leave(&bench);
    bench.sv(&["down"]);
    bench.wait_until(SOON, "down", || bench.status().is_held_down());
    assert_eq!(restored(&bench)["outcome"], "not_wanted");
    let more = format!("{} --unlock-after 1s", DARK.join(" "));
    let daemon = Supervised::start(&bench, &run_dir(&bench), &more);
    super::quiet::must_be_quiet(&bench, &[("daemon", daemon.pid().expect("it listens"))]);
    assert!(bench.status().is_held_down());
    assert_eq!((records(&bench).len(), told_automatic(&bench)), (1, 0));
    bench.sv(&["up"]);
    must_be_unlocked(&bench, before);
}

#[test]
fn killed_in_the_middle_the_guard_tells_the_modem_and_gives_the_service_back() {
    let mut modem = quick_modem();
    modem.delays.automatic = 3_000;
    let (bench, before) = bench_with(modem);
    let before = scanned(&bench, before, "1s");
    leave(&bench);
    restore_until_it_tells(&bench);
    must_be_up_again(&bench, before);
    bench.wait_until(SCAN, "it is registered elsewhere", || {
        registered(&bench) == (Some("311480".to_owned()), Selection::Automatic)
    });
}

/// Starts `restore` until it has sent `AT+COPS=0`, and kills it then.
fn restore_until_it_tells(bench: &Bench) {
    bench.wait_until(SCAN, "it is told", || {
        let mut restore = Running::start(of_bench(bench, "restore"));
        wait_until(SOON, "told, or over", || told_automatic(bench) > 0 || restore.has_ended());
        if told_automatic(bench) == 0 {
            return false;
        }
        assert_eq!(leases(bench)[0]["registration"], "automatic");
        let _guard = guard_of(bench, restore.pid());
        restore.signal(Signal::KILL);
        true
    });
    bench.wait_until(SOON, "wanted up", || bench.status().want == Want::Up);
}

#[test]
fn a_record_that_is_none_is_named_and_nothing_is_done() {
    let (bench, before) = bench_with(quick_modem());
    let before = scanned(&bench, before, "1s");
    leave(&bench);
    let state = bench.root().join("state");
    let entries = fs::read_dir(&state).expect("it is there").flatten();
    let record =
        entries.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "json"));
    let record = record.expect("one");
    for content in ["", "{\"version\":2}", "\u{1b}[2J"] {
        fs::write(&record, content).expect("it is ours");
        let output = of_bench(&bench, "restore").output().expect("it starts");
        assert_eq!(output.status.code(), Some(111), "{content:?}");
        let said: Value = serde_json::from_str(&text(&output)).expect("one object");
        assert_eq!(said["outcome"], "unusable", "{said}");
        assert!(
            said["reason"].as_str().is_some_and(|why| why.contains("is no record of a selection")),
            "{said}"
        );
    }
    assert_eq!((bench.holders(), told_automatic(&bench)), (vec![before], 0));
    // The next scan puts it right.
    bench.modem().apply(ModemFault::NetworkBack("310410".to_owned()));
    scanned(&bench, before, "1s");
    assert_eq!(records(&bench).len(), 1);
}
