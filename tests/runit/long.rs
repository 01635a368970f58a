//! Scans that last as long as those of the field logs (searches of 59 to 101 s), beside all other tests.
//!
//! Tests start in the order of their names, and the two here last longest: `main.rs` names this module so that they start first.

use std::time::Duration;

use cellscan_sim::modem::ModemEvent;
use cellscan_tests::support::clock::monotonic_ms;
use cellscan_tests::support::{Bench, StandIn, Want, Workbench};
use rustix::process::Signal;

use super::ends::must_be_up_again;
use super::running::{Running, quick_modem, scan};
use super::{SCAN, SOON};

/// A bench whose modem searches for this long, and the `pppd` that holds the port.
fn searching_for(search: Duration) -> (Bench, u32) {
    let mut modem = quick_modem();
    modem.delays.search = u64::try_from(search.as_millis()).expect("not that long");
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(modem).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    (bench, before)
}

/// When the modem has read each `AT+COPS=?`, on the clock of all logs.
fn searches_ms(bench: &Bench) -> Vec<u64> {
    let log = bench.modem().log();
    let asked = log.iter().filter(|entry| entry.what == ModemEvent::Received("AT+COPS=?".to_owned()));
    asked.map(|entry| bench.modem().monotonic_ms(entry.at)).collect()
}

/// Whether the modem has sent the list of operators.
fn has_listed(bench: &Bench) -> bool {
    bench.modem().log().iter().any(|entry| {
        matches!(&entry.what, ModemEvent::Sent(bytes) if bytes.windows(8).any(|part| part == b"+COPS: ("))
    })
}

fn starts(bench: &Bench) -> usize {
    bench.events().iter().filter(|event| event.what == "start").count()
}

/// The search goes on until `over`, and meanwhile no process brings the service up.
#[track_caller]
fn must_be_held_down_until(bench: &Bench, limit: Duration, what: &str, over: impl Fn() -> bool) {
    bench.wait_until(limit, what, || {
        let want = bench.status().want;
        // The record was read before the modem's journal, so it is one from during the search.
        let over = over();
        assert!(over || want == Want::Down, "wanted up in the middle of the search: {}", bench.story());
        over
    });
}

#[test]
fn a_search_of_75_s_is_waited_for_and_nobody_brings_the_service_up_meanwhile() {
    let search = Duration::from_secs(75);
    let (bench, before) = searching_for(search);
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    must_be_held_down_until(&bench, search + SOON, "the modem has listed", || has_listed(&bench));
    assert_eq!(searches_ms(&bench).len(), 1, "not disturbed: {}", bench.story());
    assert_eq!(starts(&bench), 1, "{}", bench.story());
    let ended = scan.end();
    ended.must_be_complete(&bench);
    must_be_up_again(&bench, before);
    assert_eq!(searches_ms(&bench).len(), 1, "{}", bench.story());
    assert_eq!(starts(&bench), 2, "once before the scan and once at its end: {}", bench.story());
}

#[test]
fn killed_70_s_into_a_search_the_service_is_wanted_up_and_the_modem_registered() {
    let (bench, before) = searching_for(Duration::from_secs(120));
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    let asked_ms = bench.wait_for(SOON, "the modem searches", || searches_ms(&bench).first().copied());
    let so_far = || monotonic_ms() >= asked_ms + 70_000;
    must_be_held_down_until(&bench, Duration::from_secs(70) + SOON, "70 s of the search are over", so_far);
    assert!(searches_ms(&bench).len() == 1 && !has_listed(&bench), "one search goes on: {}", bench.story());
    scan.signal(Signal::KILL);
    bench.wait_until(SOON, "wanted up", || bench.status().want == Want::Up);
    // In every case the guard has to register the modem, also where it answers only after its search.
    bench.wait_until(SCAN, "the modem is registered", || {
        bench.modem().with(|modem, _now| modem.registered().is_some())
    });
    must_be_up_again(&bench, before);
}
