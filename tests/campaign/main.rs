//! The kill campaign: `cellscan scan` on the real `runsv` is killed with SIGKILL at instants spread over the whole scan. After
//! each the service must be wanted up and running, with nothing of ours left behind.
//!
//! `CELLSCAN_KILLS=5000 cargo test --release -p cellscan-tests --test campaign -- --nocapture` makes it longer.

#![expect(clippy::expect_used, reason = "a campaign that cannot be set up fails loudly")]

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cellscan_sim::modem::{Delays, Profile, Select};
use cellscan_tests::support::clock::monotonic_ms;
use cellscan_tests::support::processes::comm;
use cellscan_tests::support::{Bench, StandIn, Want, Workbench};

/// Kills of a run that nobody asked to be longer.
const KILLS: usize = 500;
/// Benches at once. They mostly wait.
const WORKERS: usize = 8;
/// Within this time all must be well: runsv sleeps off a crash for a second, and the machine may be busy.
const SOON: Duration = Duration::from_secs(15);

fn quick_modem() -> Profile {
    let mut profile = Profile {
        delays: Delays { signal: 20, deregister: 60, automatic: 50, search: 400, ..Delays::default() },
        automatic_registration_ms: 200,
        signal_settle_ms: 100,
        ..Profile::default()
    };
    for network in &mut profile.networks {
        network.registration_ms = 20;
        network.select = Select::Accept { after_ms: 60 };
    }
    profile
}

/// What one kill came to.
#[derive(Clone, Copy)]
struct Killed {
    /// From the kill to the record that wants the service up.
    wanted_up: Duration,
    /// The scan had ended by itself before.
    late: bool,
}

fn start(bench: &Bench) -> std::process::Child {
    let mut command = bench.cellscan();
    command.arg("scan").arg("--service").arg(bench.service()).arg("--port").arg(bench.port());
    command.arg("--lock-dir").arg(bench.locks()).arg("--state-dir").arg(bench.root().join("state"));
    command
        .args(["--link", "none", "--quiet"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("the built cellscan starts")
}

fn up() -> Bench {
    let pppd = StandIn { lock: true, dies_after_ms: 30, ..StandIn::default() };
    let bench = Workbench::new().modem(quick_modem()).pppd(pppd).start();
    wait_until_well(&bench);
    bench
}

#[track_caller]
fn wait_until_well(bench: &Bench) {
    bench.wait_until(SOON, "wanted up, running, and pppd alone has the port", || {
        let status = bench.status();
        status.is_up() && bench.holders() == [status.pid]
    });
    bench.wait_until(SOON, "nothing of ours is left", || {
        !bench.processes().into_iter().any(|pid| comm(pid).as_deref() == Some("cellscan"))
    });
}

/// Until `pppd` has lived for longer than the second within which `runsv` would sleep off its end: what is measured is the
/// guard, and not that sleep.
#[track_caller]
fn wait_until_settled(bench: &Bench) {
    bench.wait_until(SOON, "pppd has lived for a second", || {
        let events = bench.events();
        let last = events.iter().rev().find(|event| event.what == "start");
        last.is_some_and(|start| monotonic_ms() > start.at_ms + 1_100)
    });
}

/// Starts a scan, kills it `after` so long, and waits until all is well.
fn kill(bench: &Bench, after: Duration) -> Killed {
    wait_until_settled(bench);
    let mut scan = start(bench);
    let begin = Instant::now();
    // The instant is the stimulus, not a wait for something to happen.
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
fn killed_at_any_instant_the_service_is_wanted_up_and_runs() {
    let kills = std::env::var("CELLSCAN_KILLS")
        .map_or(KILLS, |text| text.parse().expect("CELLSCAN_KILLS is a number"));
    let first = up();
    let begin = Instant::now();
    assert!(start(&first).wait().expect("it ends").success());
    let whole = begin.elapsed();
    drop(first);
    let next = AtomicUsize::new(0);
    let mut killed: Vec<Killed> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                scope.spawn(|| {
                    let bench = up();
                    let mut killed = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= kills {
                            return killed;
                        }
                        let part = u32::try_from(number).expect("not that many");
                        let of = u32::try_from(kills).expect("not that many");
                        killed.push(kill(&bench, whole * part / of));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a bench failed: it is above")).collect()
    });
    let late = killed.iter().filter(|killed| killed.late).count();
    killed.retain(|killed| !killed.late);
    killed.sort_by_key(|killed| killed.wanted_up);
    let at = |share: usize| {
        killed.get((killed.len() * share / 100).min(killed.len() - 1)).expect("some").wanted_up
    };
    println!("{} kills over {whole:?}, {late} more after its end; no service was left down", killed.len());
    println!("from death to \"wanted up\": median {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100));
    assert!(killed.len() * 10 >= kills * 8, "most must meet a running scan");
}
