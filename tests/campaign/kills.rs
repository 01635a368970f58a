//! `cellscan scan` is killed with SIGKILL at instants spread over the whole scan.
//!
//! Longer: `CELLSCAN_KILLS=5000 cargo test --release -p cellscan-tests --test campaign kill -- --nocapture`.

use std::process::Child;
use std::time::Instant;

use cellscan_tests::support::Want;

use super::*;

/// Kills of a run of the default length.
const KILLS: usize = 280;

/// The result of one kill.
#[derive(Clone, Copy)]
struct Killed {
    /// From the kill to the record that wants the service up.
    wanted_up: Duration,
    /// The scan had ended before.
    late: bool,
}

fn start(bench: &Bench) -> Child {
    scan_on(bench.cellscan(), bench).spawn().expect("the built cellscan starts")
}

/// Starts a scan, kills it `after` this time, and waits for the recovery.
fn kill(bench: &Bench, after: Duration) -> Killed {
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
    Killed { wanted_up, late }
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
    let mut killed = over(kills, |bench, number| {
        let instant = whole.instant(number * 11 % kills, kills);
        let killed = kill(bench, instant);
        if killed.late {
            whole.had_ended_by(instant);
        }
        killed
    });
    let late = killed.iter().filter(|killed| killed.late).count();
    killed.retain(|killed| !killed.late);
    killed.sort_by_key(|killed| killed.wanted_up);
    let at = |share: usize| {
        killed.get((killed.len() * share / 100).min(killed.len() - 1)).expect("some").wanted_up
    };
    println!(
        "{} kills over {measured:?} or less, {late} more after its end; no service was left down",
        killed.len()
    );
    println!("from death to \"wanted up\": median {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100));
    assert!(killed.len() * 10 >= kills * 6, "most must meet a running scan: only {} did", killed.len());
}
