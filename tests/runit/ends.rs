//! After every end of a scan the service is wanted up and runs.

use cellscan_sim::modem::{Profile, Select};
use cellscan_tests::support::{Bench, StandIn, Workbench, leases, processes};
use rustix::process::Signal;

use super::SOON;
use super::running::{Running, quick_modem, scan, scan_waiting_for_link};

/// A modem and a `pppd` that are slow in the given state.
fn slow_in(number: &str) -> (Profile, StandIn) {
    let mut modem = quick_modem();
    let mut pppd = StandIn { lock: true, ..StandIn::default() };
    match number {
        "1" => pppd.dies_after_ms = 1_500,
        "2" => modem.leftover_output = b"\r\nnoise\r\n".to_vec(),
        "2b" => modem.delays.deregister = 2_000,
        "3" => modem.delays.search = 5_000,
        "5" => {
            modem.networks.iter_mut().for_each(|network| network.select = Select::Accept { after_ms: 3_000 });
        }
        "6" => modem.delays.signal = 1_500,
        _ => {}
    }
    (modem, pppd)
}

#[track_caller]
pub(super) fn must_be_up_again(bench: &Bench, before: u32) {
    service_must_be_up_again(bench, before);
    bench.wait_until(SOON, "the modem is registered", || {
        bench.modem().with(|modem, _now| modem.registered().is_some())
    });
}

/// For a modem that cannot register.
#[track_caller]
fn service_must_be_up_again(bench: &Bench, before: u32) {
    let after = bench.wait_for_holder(SOON, Some(before));
    bench
        .wait_until(SOON, "wanted up, and running", || bench.status().is_up() && bench.status().pid == after);
    bench.wait_until(SOON, "no lock of cellscan is left", || {
        std::fs::read_dir(bench.locks()).is_ok_and(|locks| {
            let ours = |path: std::path::PathBuf| {
                let owner = std::fs::read_to_string(path).unwrap_or_default();
                owner.trim().parse() != Ok(after)
            };
            locks.filter_map(Result::ok).filter(|lock| ours(lock.path())).count() == 0
        })
    });
    bench.wait_until(SOON, "no lease is left", || leases(bench).is_empty());
    bench.wait_until(SOON, "no process of cellscan is left, except a daemon", || {
        let stays = |pid: u32| processes::argument(pid, 1).as_deref() == Some("run");
        let ours = |pid: &u32| {
            processes::comm(*pid).is_some_and(|name| name.starts_with("cellscan")) && !stays(*pid)
        };
        !bench.processes().iter().any(ours)
    });
}

/// The states in which a signal can arrive, each by the line at its entry or, for 1, at its exit.
const STATES: [&str; 6] = ["1", "2", "2b", "3", "5", "6"];

pub(super) fn started(number: &str) -> (Bench, u32, Running) {
    let (modem, pppd) = slow_in(number);
    let bench = Workbench::new().modem(modem).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, number);
    (bench, before, scan)
}

#[test]
fn ctrl_c_or_term_in_any_state_gives_the_service_back() {
    for number in STATES {
        for signal in [Signal::INT, Signal::TERM] {
            let (bench, before, scan) = started(number);
            scan.signal(signal);
            let ended = scan.end();
            assert_eq!(ended.code, Some(1), "{number}: {:#?}", ended.lines);
            assert_eq!(ended.json["reason"], "aborted", "{number}");
            assert_eq!(ended.json["given_back"], true, "{number}");
            assert_eq!(ended.states().last(), Some(&"12"));
            must_be_up_again(&bench, before);
        }
    }
}

#[test]
fn killed_in_any_state_the_guard_gives_the_service_back() {
    for number in STATES {
        let (bench, before, scan) = started(number);
        scan.signal(Signal::KILL);
        must_be_up_again(&bench, before);
    }
}

#[test]
fn a_signal_during_the_wait_for_the_link_finds_the_service_up() {
    let bench = Workbench::new().modem(quick_modem()).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let mut command = scan_waiting_for_link(&bench);
    command.args(["--link", "nolink*", "--link-timeout", "60s"]);
    let scan = Running::start(command);
    scan.wait_for_state(&bench, "10");
    scan.signal(Signal::INT);
    let ended = scan.end();
    assert_eq!(
        (ended.code, &ended.json["link"]),
        (Some(2), &serde_json::Value::Bool(false)),
        "{:#?}",
        ended.lines
    );
    must_be_up_again(&bench, before);
}

#[test]
fn a_locked_sim_ends_the_scan_before_it_changes_anything() {
    let mut modem = quick_modem();
    modem.sim = Some("SIM PIN".to_owned());
    let bench = Workbench::new().modem(modem).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let ended = Running::start(scan(&bench)).end();
    assert_eq!((ended.code, &ended.json["reason"]), (Some(1), &"sim_not_ready".into()), "{:#?}", ended.lines);
    service_must_be_up_again(&bench, before);
}

#[test]
fn a_service_found_down_is_left_down() {
    let bench = Workbench::new().modem(quick_modem()).down().start();
    let ended = Running::start(scan(&bench)).end();
    ended.must_be_complete(&bench);
    assert!(bench.status().is_held_down());
    assert!(bench.events().is_empty(), "it was never started");
}

#[test]
fn an_unsupervised_service_is_not_touched() {
    let mut bench = Workbench::new().modem(quick_modem()).start();
    let _pppd = bench.wait_for_holder(SOON, None);
    bench.kill_runsv();
    let mut command = scan(&bench);
    command.args(["--backend", "native"]);
    let ended = Running::start(command).end();
    assert_eq!(ended.code, Some(111), "{:#?}", ended.lines);
}
