//! The shipped daemon under a `runsv` of its own: its guard is killed first and then the daemon, at instants spread over a
//! whole scan. By its next start the service is wanted up.
//!
//! Longer: `CELLSCAN_BOTH=1000 cargo test --release -p cellscan-tests --test campaign guard -- --nocapture`.

use std::time::Instant;

use cellscan_tests::support::{Supervised, Want, processes};
use rustix::process::Signal;

use super::*;

/// Kills of a run of the default length.
const KILLS: usize = 80;

/// Of so many kills, one comes at any instant after the request, before the service is taken, too. The others come while it is.
const AT_ONCE: usize = 8;

/// The result of one kill.
struct Killed {
    /// From the death of the daemon to the record that wants the service up.
    wanted_up: Duration,
    /// From there to a daemon that answers.
    started: Duration,
}

/// Kills daemon and guard `after` this time since the request, or since the service was taken. `None`: the scan had ended before.
fn kill(bench: &Bench, daemon: &Supervised, after: Duration, when_taken: bool) -> Option<Killed> {
    wait_until_settled(bench);
    let first = daemon.wait_until_it_listens(bench, None);
    let mut asked = daemon.ask(&["scan", "--quiet"]);
    asked.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut asked = asked.spawn().expect("the built cellscan starts");
    if when_taken {
        let mut has_ended = || asked.try_wait().expect("it is our child").is_some();
        bench.wait_until(SOON, "a guard", || {
            !processes::children_with(first, "guard").is_empty() || has_ended()
        });
    }
    // The sleep sets the instant of the kill; it waits for no condition.
    std::thread::sleep(after);
    // A running daemon would start another guard.
    assert!(processes::signal(first, Signal::STOP), "it lives until it is told to end");
    let guards = processes::children_with(first, "guard");
    for guard in &guards {
        assert!(processes::signal(*guard, Signal::KILL) || !processes::is_alive(*guard));
    }
    assert!(processes::signal(first, Signal::KILL), "it lives until it is told to end");
    let died = Instant::now();
    bench.wait_until(SOON, "wanted up", || bench.status().want == Want::Up);
    let wanted_up = died.elapsed();
    daemon.wait_until_it_listens(bench, Some(first));
    let started = died.elapsed();
    asked.wait().expect("it has ended");
    wait_until_well(bench);
    (!when_taken || !guards.is_empty()).then_some(Killed { wanted_up, started })
}

#[test]
fn a_daemon_killed_with_its_guard_at_any_instant_leaves_the_service_wanted_up_by_its_next_start() {
    let _loaded_by_none = beside_others();
    let kills = number_in("CELLSCAN_BOTH", KILLS);
    let bench = up();
    let daemon = Supervised::start(&bench, &run_dir(&bench), "--link none");
    let begin = Instant::now();
    assert!(daemon.ask(&["scan", "--quiet"]).output().expect("it starts").status.success());
    let measured = begin.elapsed();
    let whole = Whole::measured(measured);
    drop((daemon, bench));
    let mut killed = over_prepared(
        kills,
        |bench| Supervised::start(bench, &run_dir(bench), "--link none"),
        |bench, daemon, number| {
            let when_taken = number % AT_ONCE != 0;
            whole.until_met(number, kills, |instant| kill(bench, daemon, instant, when_taken))
        },
    );
    for killed in &killed {
        assert!(killed.wanted_up <= killed.started, "not before the next start");
    }
    killed.sort_by_key(|killed| killed.wanted_up);
    let (median, longest) = (&killed[killed.len() / 2], &killed[killed.len() - 1]);
    let taken = killed.len() - killed.len().div_ceil(AT_ONCE);
    println!(
        "{} kills of daemon and guard over {measured:?} or less, {taken} of them with the service taken; no service was left down",
        killed.len()
    );
    println!("from death to \"wanted up\": median {:?}, longest {:?}", median.wanted_up, longest.wanted_up);
    assert_eq!(killed.len(), kills);
}
