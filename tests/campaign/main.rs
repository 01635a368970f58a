//! Campaigns on the real `runsv`: killed scans, scans with failing system calls, and scans on a busy machine. After each the
//! service must be wanted up and running, and no process, lock or lease of cellscan may be left.

#![expect(clippy::expect_used, reason = "a campaign that cannot be set up fails loudly")]

mod both;
mod calls;
mod faults;
mod kills;
mod load;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use cellscan_tests::support::clock::monotonic_ms;
use cellscan_tests::support::processes::{argument, comm};
use cellscan_tests::support::{Bench, StandIn, Workbench, leases, quick_modem, run_dir};

/// The campaign under load has the machine to itself: its load would spread the instants of the others over another time than they
/// measured.
static LOADED: RwLock<()> = RwLock::new(());

/// Held by a campaign without a load of its own. The failure of another campaign does not fail this one.
fn beside_others() -> RwLockReadGuard<'static, ()> {
    LOADED.read().unwrap_or_else(PoisonError::into_inner)
}

/// Scans that may have ended before the instant of one kill: the machine is less busy with each, or more.
const TRIES: usize = 60;

/// The part, of so many, that the kill with this number takes: neighbours lie apart, and each part is taken once.
fn scattered(number: usize, of: usize) -> usize {
    let shares_no_divisor = |step: &usize| {
        let (mut one, mut other) = (*step, of);
        while other > 0 {
            (one, other) = (other, one % other);
        }
        one == 1
    };
    let step = (11..=of + 11)
        .find(shares_no_divisor)
        .expect("among so many numbers one is a multiple of `of`, plus 1");
    number * step % of
}

#[test]
fn each_part_is_taken_once_whatever_their_number_is() {
    for of in [1, 7, 11, 64, 80, 200, 220, 280, 1_100, 5_000] {
        let mut parts: Vec<usize> = (0..of).map(|number| scattered(number, of)).collect();
        parts.sort_unstable();
        assert!(parts.into_iter().eq(0..of), "{of}");
    }
}

/// The known duration of a scan: a machine that is less busy than during the measurement takes less.
struct Whole(AtomicU64);

impl Whole {
    fn measured(span: Duration) -> Self {
        Self(AtomicU64::new(u64::try_from(span.as_millis()).expect("not that long")))
    }

    /// The `part`th of `of` instants in it.
    fn instant(&self, part: usize, of: usize) -> Duration {
        let part = self.0.load(Ordering::Relaxed) * part as u64 / of as u64;
        Duration::from_millis(part)
    }

    /// A scan had ended by this instant.
    fn had_ended_by(&self, instant: Duration) {
        let shorter = u64::try_from(instant.as_millis()).expect("not that long") * 9 / 10;
        self.0.fetch_min(shorter.max(200), Ordering::Relaxed);
    }

    /// What `kill` returns for an instant of its own, or for earlier ones until it meets a running scan (`Some`).
    fn until_met<T>(&self, number: usize, of: usize, kill: impl Fn(Duration) -> Option<T>) -> T {
        let part = scattered(number, of);
        let try_once = |_| {
            let instant = self.instant(part, of);
            let met = kill(instant);
            if met.is_none() {
                self.had_ended_by(instant);
            }
            met
        };
        (0..TRIES).find_map(try_once).expect("no scan ended before its kill in the last of so many tries")
    }
}

/// Benches in parallel. They mostly wait.
const WORKERS: usize = 8;
/// The deadline of the recovery: runsv sleeps off a crash for a second, and the machine may be busy. It is the deadline of
/// a condition, and costs nothing where that holds sooner.
const SOON: Duration = Duration::from_secs(90);

/// A number from the environment, or the default.
fn number_in(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("it is a number"))
}

/// The arguments of a scan on a bench, after the program that runs it.
fn scan_on(mut command: Command, bench: &Bench) -> Command {
    command.arg("scan").arg("--service").arg(bench.service()).arg("--port").arg(bench.port());
    command.arg("--lock-dir").arg(bench.locks()).arg("--state-dir").arg(bench.root().join("state"));
    command.arg("--run-dir").arg(run_dir(bench));
    command
        .args(["--link", "none", "--quiet", "--confirm", "1s"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn up() -> Bench {
    up_under(&["runsv"])
}

/// The same under another supervisor: a program and its first arguments.
fn up_under(supervisor: &[&str]) -> Bench {
    let pppd = StandIn { lock: true, dies_after_ms: 30, ..StandIn::default() };
    let bench = Workbench::new().modem(quick_modem()).pppd(pppd).runsv(supervisor).start();
    wait_until_well(&bench);
    bench
}

#[track_caller]
fn wait_until_well(bench: &Bench) {
    bench.wait_until(SOON, "wanted up, running, and pppd alone has the port", || {
        let status = bench.status();
        status.is_up() && bench.holders() == [status.pid]
    });
    bench.wait_until(SOON, "the modem is registered", || {
        bench.modem().with(|modem, _now| modem.registered().is_some())
    });
    bench.wait_until(SOON, "no process, lock or lease of cellscan is left", || {
        // Before it sets its name the guard is called like the link that it is started through; a daemon stays.
        let ours = |pid: &u32| comm(*pid).is_some_and(|name| name.starts_with("cellscan") || name == "exe");
        let stays = |pid: &u32| argument(*pid, 1).as_deref() == Some("run");
        !bench.processes().iter().any(|pid| ours(pid) && !stays(pid))
    });
    // A scan killed between the lease and the guard, a window of some three milliseconds, leaves a lease and has touched
    // nothing: `restore` handles that.
    if !leases(bench).is_empty() {
        let mut restore = bench.cellscan();
        restore.arg("restore").arg("--run-dir").arg(run_dir(bench)).stdout(Stdio::null());
        assert!(restore.status().expect("it starts").success(), "{}", bench.story());
        assert!(leases(bench).is_empty(), "a lease is left: {}", bench.story());
    }
}

/// `strace` for the program of a bench: add its options, then [`with_program`].
fn traced(bench: &Bench) -> Command {
    let mut strace = Command::new("strace");
    for (name, value) in bench.cellscan().get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    strace
}

fn with_program(mut strace: Command, bench: &Bench) -> Command {
    strace.arg(bench.cellscan().get_program());
    strace
}

/// Waits until `pppd` has lived for longer than the second within which `runsv` would sleep off its end, so that the test
/// measures the guard and not that sleep.
#[track_caller]
fn wait_until_settled(bench: &Bench) {
    bench.wait_until(SOON, "pppd has lived for a second", || {
        let events = bench.events();
        let last = events.iter().rev().find(|event| event.what == "start");
        last.is_some_and(|start| monotonic_ms() > start.at_ms + 1_100)
    });
}

/// Runs `each` `count` times, on benches of their own; returns the results.
fn over<T: Send>(count: usize, each: impl Fn(&Bench, usize) -> T + Sync) -> Vec<T> {
    over_prepared(count, |_bench| (), |bench, (), number| each(bench, number))
}

/// The same, with a value for each bench.
fn over_prepared<P, T: Send>(
    count: usize,
    prepare: impl Fn(&Bench) -> P + Sync,
    each: impl Fn(&Bench, &P, usize) -> T + Sync,
) -> Vec<T> {
    over_benches(count, |_worker| up(), prepare, each)
}

/// The same, on benches chosen by the number of the worker.
fn over_benches<P, T: Send>(
    count: usize,
    bench: impl Fn(usize) -> Bench + Sync,
    prepare: impl Fn(&Bench) -> P + Sync,
    each: impl Fn(&Bench, &P, usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let (next, bench, prepare, each) = (&next, &bench, &prepare, &each);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                scope.spawn(move || {
                    let bench = bench(worker);
                    let prepared = prepare(&bench);
                    let mut done = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return done;
                        }
                        done.push(each(&bench, &prepared, number));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a bench failed: it is above")).collect()
    })
}
