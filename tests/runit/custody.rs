//! The scan dies or hangs: under every backend the guard or `restore` gives the service back, with its modem registered.

use cellscan_sim::modem::{ModemEvent, Profile};
use cellscan_tests::support::{Bench, StandIn, Workbench, leases, processes, wait_until};
use rustix::process::Signal;

use super::by_hand::ByHand;
use super::ends::{must_be_up_again, started};
use super::lease::{guard_of, restore};
use super::running::{Running, quick_modem, scan};
use super::{SCAN, SOON};

fn up(pppd: StandIn) -> (Bench, u32) {
    up_with(pppd, quick_modem())
}

fn up_with(pppd: StandIn, mut modem: Profile) -> (Bench, u32) {
    modem.delays.search = 5_000;
    let bench = Workbench::new().modem(modem).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    (bench, before)
}

pub(super) fn kill_with_its_guard(bench: &Bench, scan: &Running) {
    let (pid, guard) = (scan.pid(), guard_of(bench, scan.pid()));
    // A running scan would start another guard.
    scan.signal(Signal::STOP);
    assert!(processes::signal(guard, Signal::KILL));
    scan.signal(Signal::KILL);
    bench.wait_until(SOON, "both are gone", || !processes::is_alive(pid) && !processes::is_alive(guard));
}

/// When the modem last registered, on the clock of the stand-in's log.
fn registered_ms(bench: &Bench) -> u64 {
    let log = bench.modem().log();
    let last = log.iter().rev().find(|entry| matches!(entry.what, ModemEvent::Registered(Some(_))));
    bench.modem().monotonic_ms(last.expect("it is registered").at)
}

#[test]
fn a_stopped_scan_is_killed_by_its_guard_at_the_hold_limit() {
    let (bench, before) = up(StandIn { lock: true, ..StandIn::default() });
    let mut command = scan(&bench);
    command.args(["--hold-limit", "3s"]);
    let scan = Running::start(command);
    scan.wait_for_state(&bench, "3");
    scan.signal(Signal::STOP);
    must_be_up_again(&bench, before);
    assert!(!processes::is_alive(scan.pid()));
    let said = scan.lines();
    assert!(said.iter().any(|line| line.contains("for 3 s: killed")), "{said:#?}");
}

#[test]
fn a_scan_within_the_hold_limit_is_not_killed() {
    let (bench, _before) = up(StandIn::default());
    let mut command = scan(&bench);
    command.args(["--hold-limit", "60s"]);
    Running::start(command).end().must_be_complete(&bench);
}

#[test]
fn a_pppd_with_lock_is_wanted_up_at_once_and_kept_off_the_modem_until_it_is_registered() {
    // Longer than runsv's pause, which may come before the first start.
    let modem = Profile { automatic_registration_ms: 2_500, ..quick_modem() };
    let (bench, before) = up_with(StandIn { lock: true, ..StandIn::default() }, modem);
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    let guard = guard_of(&bench, scan.pid());
    scan.signal(Signal::KILL);
    must_be_up_again(&bench, before);
    let events = bench.events();
    let refused = events.iter().find(|event| event.what == "locked").expect("it was started, and refused");
    assert_eq!(refused.detail, guard.to_string(), "{}", bench.story());
    assert!(refused.at_ms < registered_ms(&bench), "{}", bench.story());
}

#[test]
fn a_pppd_without_lock_is_wanted_up_once_the_modem_is_registered() {
    let (bench, before) = up(StandIn::default());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    scan.signal(Signal::KILL);
    must_be_up_again(&bench, before);
    let events = bench.events();
    let opened = events.iter().rev().find(|event| event.what == "opened").expect("it has the port");
    assert!(registered_ms(&bench) <= opened.at_ms, "{}", bench.story());
}

#[test]
fn a_modem_that_does_not_answer_does_not_keep_the_service_down() {
    let (bench, before) = up(StandIn::default());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    bench.modem().apply(cellscan_sim::modem::ModemFault::Silent { for_ms: 60_000 });
    scan.signal(Signal::KILL);
    // The guard waits ten seconds for the modem.
    bench.wait_until(SCAN, "up", || bench.status().is_up() && bench.status().pid != before);
    wait_until(SCAN, "it is said", || scan.lines().iter().any(|line| line.contains("was not restored: ")));
}

#[test]
fn killed_under_the_sv_backend_the_guard_or_restore_gives_the_service_back() {
    for with_guard in [false, true] {
        let (bench, before) = up(StandIn { lock: true, ..StandIn::default() });
        let mut command = scan(&bench);
        command.args(["--backend", "sv"]);
        let scan = Running::start(command);
        scan.wait_for_state(&bench, "3");
        assert!(leases(&bench)[0]["way"]["sv"]["program"].is_string(), "{:?}", leases(&bench));
        if with_guard {
            kill_with_its_guard(&bench, &scan);
            assert!(bench.status().is_held_down());
            let (code, out) = restore(&bench, &[]);
            assert_eq!(code, Some(0), "{out}");
        } else {
            scan.signal(Signal::KILL);
        }
        // Its lock counts as that of a dead process also before it is reaped.
        drop(scan);
        must_be_up_again(&bench, before);
    }
}

#[test]
fn killed_without_a_supervisor_the_guard_or_restore_starts_pppd_again() {
    for with_guard in [false, true] {
        let mut modem = quick_modem();
        modem.delays.search = 5_000;
        let by_hand = ByHand::start(Workbench::new().modem(modem));
        let (bench, first) = (&by_hand.bench, by_hand.first);
        let scan = Running::start(by_hand.scan());
        scan.wait_for_state(bench, "3");
        if with_guard {
            kill_with_its_guard(bench, &scan);
            assert!(bench.holders().is_empty());
            let (code, out) = restore(bench, &[]);
            assert_eq!(code, Some(0), "{out}");
        } else {
            scan.signal(Signal::KILL);
        }
        bench.wait_until(SCAN, "the modem is registered", || {
            bench.modem().with(|modem, _now| modem.registered().is_some())
        });
        bench.wait_until(SCAN, "no lease is left", || leases(bench).is_empty());
        by_hand.must_be_started_again(first);
    }
}

#[test]
fn two_scans_of_a_port_without_a_supervisor_the_second_is_refused_by_name() {
    let mut modem = quick_modem();
    modem.delays.search = 3_000;
    let by_hand = ByHand::start(Workbench::new().modem(modem));
    let bench = &by_hand.bench;
    let first = Running::start(by_hand.scan());
    first.wait_for_state(bench, "3");
    let second = Running::start(by_hand.scan()).end();
    assert_eq!(second.code, Some(111), "{:#?}", second.lines);
    let named = format!("process {} is scanning already", first.pid());
    assert!(second.lines.iter().any(|line| line.contains(&named)), "{:#?}", second.lines);
    first.end().must_be_complete(bench);
    let before = by_hand.first;
    by_hand.must_be_started_again(before);
}

#[test]
fn restore_reports_its_result_as_json() {
    let (bench, before, scan) = started("3");
    kill_with_its_guard(&bench, &scan);
    drop(scan);
    let (code, out) = restore(&bench, &["--json"]);
    let said: serde_json::Value = serde_json::from_str(out.trim()).expect("one object");
    assert_eq!((code, &said["outcome"]), (Some(0), &"given_back".into()), "{out}");
    assert_eq!((&said["registration_restored"], &said["registration_reason"]), (&true.into(), &().into()));
    must_be_up_again(&bench, before);
}

#[test]
fn restore_accepts_a_recreated_directory_with_the_same_supervise() {
    let elsewhere = tempfile::tempdir().expect("a directory");
    let mut modem = quick_modem();
    modem.delays.search = 5_000;
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let workbench = Workbench::new().modem(modem).pppd(pppd).supervise(&elsewhere.path().join("supervise"));
    let mut bench = workbench.start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    kill_with_its_guard(&bench, &scan);
    drop(scan);
    bench.make_anew();
    bench.kill_runsv();
    // With a `down` file runsv does not start the service; only the lease knows that it was up.
    std::fs::write(bench.service().join("down"), "").expect("a down file");
    bench.start_runsv();
    assert!(bench.status().is_held_down(), "{}", bench.story());
    let (code, out) = restore(&bench, &[]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("wanted up again"), "{out}");
    must_be_up_again(&bench, before);
}
