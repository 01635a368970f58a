//! `cellscan scan` is killed with SIGKILL at instants spread over the whole scan.
//!
//! Longer: `CELLSCAN_KILLS=5000 cargo test --release -p cellscan-tests --test campaign kill -- --nocapture`.

use std::process::Child;
use std::time::Instant;

use cellscan_tests::support::Want;

use super::*;

/// Kills of a run of the default length.
const KILLS: usize = 200;

fn start(bench: &Bench) -> Child {
    scan_on(bench.cellscan(), bench).spawn().expect("the built cellscan starts")
}

/// Starts a scan, kills it `after` this time, and waits for the recovery. Returns the time from the kill to the record that wants the
/// service up; `None`: the scan had ended before.
fn kill(bench: &Bench, after: Duration) -> Option<Duration> {
    wait_until_settled(bench);
    let mut scan = start(bench);
    let begin = Instant::now();
    // The sleep sets the instant of the kill; it waits for no condition.
    std::thread::sleep(after.saturating_sub(begin.elapsed()));
    let late = scan.try_wait().expect("it is our child").is_some();
    scan.kill().expect("it is our child");
    let died = Instant::now();
    bench.wait_until(SOON, "wanted up", || bench.status().want == Want::Up);
    let wanted_up = died.elapsed();
    scan.wait().expect("it has ended");
    wait_until_well(bench);
    (!late).then_some(wanted_up)
}

#[test]
fn a_scan_killed_at_any_instant_leaves_the_service_wanted_up_and_running() {
    let _loaded_by_none = beside_others();
    let kills = number_in("CELLSCAN_KILLS", KILLS);
    let first = up();
    let begin = Instant::now();
    assert!(start(&first).wait().expect("it ends").success());
    let measured = begin.elapsed();
    let whole = Whole::measured(measured);
    drop(first);
    let mut killed =
        over(kills, |bench, number| whole.until_met(number, kills, |instant| kill(bench, instant)));
    killed.sort_unstable();
    let at = |share: usize| *killed.get((killed.len() * share / 100).min(killed.len() - 1)).expect("some");
    println!("{} kills of a running scan over {measured:?} or less; no service was left down", killed.len());
    println!("from death to \"wanted up\": median {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100));
    assert_eq!(killed.len(), kills);
}
