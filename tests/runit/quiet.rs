//! Waiting costs nothing: wake-ups and processor time of a scan, its guard and a daemon that wait, as the kernel counts them
//! over some seconds. On a machine that is busy with other work they are fewer and never more.

use std::time::Duration;

use cellscan_tests::support::spent::Spent;
use cellscan_tests::support::{Bench, StandIn, Supervised, Workbench};

use super::SOON;
use super::ends::must_be_up_again;
use super::lease::guard_of;
use super::running::{Running, quick_modem, run_dir, scan, scan_waiting_for_link};

/// The duration of the count. A loop that never sleeps uses all of it, or its share of a busy machine.
const WINDOW: Duration = Duration::from_secs(4);
/// Wake-ups of one process in that time, at most: forty a second, for a process that polls. A process that only waits has one or
/// none. A loop around an expired timer makes tens of thousands; one around a descriptor that is always ready makes none, and is
/// detected by its processor time.
const WAKES_MAX: u64 = 160;
/// Processor time in that time, at most, in hundredths of a second. A loop that never sleeps takes 400, and still 50 beside seven
/// others on its core.
const TICKS_MAX: u64 = 10;

/// Counts over [`WINDOW`] what each of these processes costs.
#[track_caller]
pub(super) fn must_be_quiet(bench: &Bench, processes: &[(&str, u32)]) {
    let spent = |(what, pid): &(&str, u32)| {
        Spent::by(*pid).unwrap_or_else(|| panic!("{what} has ended: {}", bench.story()))
    };
    let before: Vec<Spent> = processes.iter().map(spent).collect();
    // This sleep is the window of the count, not a wait for a condition.
    std::thread::sleep(WINDOW);
    for (process, before) in processes.iter().zip(before) {
        let cost = spent(process) - before;
        assert!(cost.wakes <= WAKES_MAX && cost.ticks <= TICKS_MAX, "{}: {cost:?} in {WINDOW:?}", process.0);
    }
}

/// A bench whose modem searches for this long.
pub(super) fn searching_for(search_ms: u64) -> (Bench, u32) {
    let mut modem = quick_modem();
    modem.delays.search = search_ms;
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(modem).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    (bench, before)
}

#[track_caller]
fn wait_until_it_searches(bench: &Bench) {
    bench.wait_until(SOON, "the modem searches", || {
        bench.modem().log().iter().any(|entry| entry.what.to_string() == "> AT+COPS=?")
    });
}

#[test]
fn a_scan_in_its_search_and_its_guard_sleep() {
    let (bench, before) = searching_for(8_000);
    let mut command = scan(&bench);
    command.arg("--quiet");
    let scan = Running::start(command);
    wait_until_it_searches(&bench);
    let guard = guard_of(&bench, scan.pid());
    must_be_quiet(&bench, &[("scan", scan.pid()), ("guard", guard)]);
    scan.end().must_be_complete(&bench);
    must_be_up_again(&bench, before);
}

#[test]
fn a_scan_that_waits_for_a_link_sleeps() {
    let (bench, before) = searching_for(600);
    let mut command = scan_waiting_for_link(&bench);
    command.args(["--link", "nolink*", "--link-timeout", "8s", "--quiet"]);
    let scan = Running::start(command);
    // Given back: the link that the scan waits for does not come.
    let after = bench.wait_for_holder(SOON, Some(before));
    bench.wait_until(SOON, "the record names it", || bench.status().is_up() && bench.status().pid == after);
    must_be_quiet(&bench, &[("scan", scan.pid())]);
    let ended = scan.end();
    assert_eq!((ended.code, &ended.json["link"]), (Some(2), &serde_json::Value::Bool(false)));
}

#[test]
fn a_scan_whose_port_went_away_sleeps() {
    let (bench, _before) = searching_for(30_000);
    let mut command = scan(&bench);
    command.arg("--quiet");
    let scan = Running::start(command);
    wait_until_it_searches(&bench);
    let guard = guard_of(&bench, scan.pid());
    bench.modem().vanish().expect("the port is ours");
    must_be_quiet(&bench, &[("scan", scan.pid()), ("guard", guard)]);
    bench.modem().reappear().expect("a new pty");
    scan.signal(rustix::process::Signal::TERM);
    assert_eq!(scan.end().json["given_back"], true);
}

#[test]
fn an_idle_daemon_sleeps() {
    let (bench, _before) = searching_for(600);
    let daemon = Supervised::start(&bench, &run_dir(&bench), "--link none");
    let pid = daemon.pid().expect("it listens");
    must_be_quiet(&bench, &[("daemon", pid)]);
}
