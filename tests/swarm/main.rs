//! The swarm: thousands of worlds drawn from seeds, each lived through twice, each rule checked in each.
//!
//! `CELLSCAN_SEEDS=FROM..TO` sets the seeds; `CELLSCAN_SEEDS=17..18` repeats one. What fails is printed with the seed, its
//! faults and the command that repeats it.

#![expect(clippy::expect_used, reason = "a swarm that cannot be set up fails loudly")]
#![expect(clippy::print_stdout, reason = "what fails is printed with the command that repeats it")]

use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};

use cellscan_core::time::Span;
use cellscan_sim::check::{Violation, examine, live_through};
use cellscan_sim::sabotage::{CountsEvents, ForgetsUp, OnlyKills, SkipsResynchronisation};
use cellscan_sim::scenario::{Builtin, Scenario};
use cellscan_sim::supervisor::{Habits, SimSupervisor};
use cellscan_sim::world::{SimPort, World};

/// Seeds of a run of the default length.
const SEEDS: std::ops::Range<u64> = 0..10_000;

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("CELLSCAN_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").expect("CELLSCAN_SEEDS is FROM..TO");
    from.trim().parse().expect("FROM is a number")..to.trim().parse().expect("TO is a number")
}

/// Runs `each` over all seeds on every core; collects the results.
fn over_seeds<T: Send>(each: impl Fn(u64) -> Option<T> + Sync) -> Vec<(u64, T)> {
    let seeds = seeds();
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut found: Vec<(u64, T)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|_| {
                scope.spawn(|| {
                    let mut found = Vec::new();
                    loop {
                        let seed = seeds.start + next.fetch_add(1, Ordering::Relaxed) as u64;
                        if seed >= seeds.end {
                            return found;
                        }
                        found.extend(each(seed).map(|value| (seed, value)));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a world panicked: its seed is above"))
            .collect()
    });
    found.sort_by_key(|(seed, _)| *seed);
    found
}

fn print(seed: u64, violations: &[Violation]) {
    let scenario = Scenario::from_seed(seed);
    println!("seed {seed}: {violations:?}");
    for timed in &scenario.faults {
        println!("    {timed}");
    }
    println!(
        "    again: CELLSCAN_SEEDS={seed}..{} cargo test -p cellscan-tests --test swarm no_seed",
        seed + 1
    );
}

#[test]
fn no_seed_breaks_a_rule() {
    let ended = AtomicUsize::new(0);
    let found = over_seeds(|seed| {
        let guard = Named(seed);
        let examination = examine(&Scenario::from_seed(seed));
        std::mem::forget(guard);
        ended.fetch_add(usize::from(examination.record.outcome.is_some()), Ordering::Relaxed);
        (!examination.violations.is_empty()).then_some(examination.violations)
    });
    for (seed, violations) in &found {
        print(*seed, violations);
    }
    println!("{} seeds, {} scans ended by themselves", seeds().count(), ended.into_inner());
    assert!(found.is_empty(), "{} seeds break a rule", found.len());
}

/// Names the seed of a world that panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        println!("seed {} panicked", self.0);
    }
}

#[test]
fn a_scanner_that_only_kills_is_caught_at_once() {
    // As in the field log: no UUCP lock stands between the two.
    let mut scenario = Builtin::find("field").expect("it is the first").scenario();
    scenario.machine.pppd.lock = false;
    let world = World::with(
        scenario,
        |port, _| port,
        |supervisor, machine| OnlyKills::new(supervisor, machine.clone()),
    );
    let violations = live_through(world).violations;
    let intrusions =
        violations.iter().filter(|violation| matches!(violation, Violation::Intrusion(_))).count();
    assert!(intrusions > 0, "the new pppd holds the port while the scan talks to the modem: {violations:?}");
}

#[test]
fn a_scanner_that_forgets_up_on_failure_is_caught() {
    let scenario = Builtin::find("no-network").expect("it is built in").scenario();
    let world = World::with(scenario, |port, _| port, |supervisor, _| ForgetsUp(supervisor));
    let violations = live_through(world).violations;
    assert!(violations.contains(&Violation::NotWantedUp), "{violations:?}");
}

#[test]
fn a_scanner_that_does_not_resynchronise_is_caught_by_the_swarm() {
    let caught = over_seeds(|seed| {
        let mut scenario = Scenario::from_seed(seed);
        scenario.modem.echo = false;
        let world =
            World::with(scenario, |port, _| SkipsResynchronisation::new(port), |supervisor, _| supervisor);
        let violations = live_through(world).violations;
        let wrong = |violation: &Violation| {
            matches!(
                violation,
                Violation::WrongCarrier { .. }
                    | Violation::FalseSignal { .. }
                    | Violation::FalseRefusal { .. }
            )
        };
        violations.iter().any(wrong).then_some(())
    });
    println!("{} of {} seeds show results that belong to another carrier", caught.len(), seeds().count());
    assert!(!caught.is_empty());
}

/// How many seeds show what is wrong with a world that is broken on purpose.
fn caught(
    world: impl Fn(Scenario) -> World<SimPort, SimSupervisor> + Sync,
    wrong: impl Fn(&Violation) -> bool + Sync,
) -> usize {
    over_seeds(|seed| {
        let violations = live_through(world(Scenario::from_seed(seed))).violations;
        violations.iter().any(&wrong).then_some(())
    })
    .len()
}

#[test]
fn a_guard_that_takes_a_minute_of_silence_for_death_is_caught_by_the_swarm() {
    let tires = |scenario| {
        World::with(
            scenario,
            |port, _| port,
            |supervisor, machine| {
                machine.borrow_mut().guards_tire_after(Duration::from_secs(60));
                supervisor
            },
        )
    };
    let caught = caught(tires, |violation| matches!(violation, Violation::GuardFought(_)));
    println!("{caught} of {} seeds: the guard fights its scan", seeds().count());
    assert!(caught > 0);
}

#[test]
fn a_rule_by_time_for_a_foreign_down_is_caught_by_the_swarm() {
    let caught = over_seeds(|seed| {
        let world = World::with(
            Scenario::from_seed(seed),
            |port, _| port,
            |supervisor, machine| CountsEvents::new(supervisor, machine.clone(), seed),
        );
        live_through(world).violations.contains(&Violation::NotWantedUp).then_some(())
    });
    println!("{} of {} seeds: left down for good", caught.len(), seeds().count());
    assert!(!caught.is_empty());
}

fn with_habits(habits: Habits) -> impl Fn(Scenario) -> World<SimPort, SimSupervisor> + Sync {
    move |scenario| World::with(scenario, |port, _| port, |supervisor, _| supervisor.with_habits(habits))
}

/// The world of a seed without its faults: the choice alone is at stake.
fn undisturbed(seed: u64) -> Scenario {
    let mut scenario = Scenario::from_seed(seed);
    scenario.faults.clear();
    scenario
}

const fn is_worse(violation: &Violation) -> bool {
    matches!(violation, Violation::WorseThanAnother { .. } | Violation::FalseSignal { .. })
}

#[test]
fn an_undisturbed_scan_ends_on_a_carrier_that_stays_best() {
    let mut worse = over_seeds(|seed| {
        let violations = live_through(World::new(undisturbed(seed))).violations;
        violations.iter().any(is_worse).then_some(violations)
    });
    worse.truncate(5);
    assert!(worse.is_empty(), "{worse:?}");
}

#[test]
fn a_choice_by_first_impressions_is_caught_by_the_swarm() {
    let caught = over_seeds(|seed| {
        let mut scenario = undisturbed(seed);
        scenario.policy.confirm = Span::ZERO;
        live_through(World::new(scenario)).violations.iter().any(is_worse).then_some(())
    });
    println!("{} of {} seeds: a worse carrier is chosen", caught.len(), seeds().count());
    assert!(!caught.is_empty());
}

#[test]
fn a_port_that_is_free_by_one_look_is_caught_by_the_swarm() {
    let habits = Habits { believes_one_look: true, ..Habits::default() };
    let caught = caught(with_habits(habits), |violation| matches!(violation, Violation::Intrusion(_)));
    println!("{caught} of {} seeds: bytes to the modem beside a holder", seeds().count());
    assert!(caught > 0);
}

#[test]
fn signals_by_working_directory_are_caught_by_the_swarm() {
    let habits = Habits { goes_by_directory: true, ..Habits::default() };
    let caught = caught(with_habits(habits), |violation| matches!(violation, Violation::StraySignal(_)));
    println!("{caught} of {} seeds: a bystander or runsv itself is signalled", seeds().count());
    assert!(caught > 0);
}
