//! The time from the request for down to "the port is free": the native backend and `sv -v down` in the same run.
//!
//! `cargo bench -p cellscan-tests --bench take`. Needs `runit`. The service's process ends at once on TERM, so that the
//! result is the cost of the request and the wait.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench that cannot be set up fails loudly, and prints"
)]

use std::time::{Duration, Instant};

use cellscan::clock::Clock;
use cellscan::custody::{Held, HeldOptions};
use cellscan::event_loop::wait;
use cellscan::service::Native;
use cellscan::service::native::NativeOptions;
use cellscan_core::supervisor::{ServiceState, Supervisor, Want};
use cellscan_tests::support::{Bench, StandIn, Workbench};

/// Rounds for each way. A service that lived for less than a second is restarted a second later, so each round takes one.
const ROUNDS: usize = 15;
const SOON: Duration = Duration::from_secs(8);

fn main() {
    // `cargo test --benches` and `cargo bench -- --list` measure nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let bench = Workbench::new().pppd(StandIn::default()).start();
    let (mut native, mut sv) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        settle(&bench);
        native.push(natively(&bench));
        settle(&bench);
        sv.push(by_sv(&bench));
    }
    let (native, sv) = (median(native), median(sv));
    println!("from the request to \"port free\", medians of {ROUNDS}:");
    println!("  native      {:>8.2} ms", native * 1_000.0);
    println!("  sv -v down  {:>8.2} ms", sv * 1_000.0);
    println!("  ratio       {:>8.1}", sv / native);
}

/// Waits until the service is up for longer than a second, so that runsv does not sleep.
fn settle(bench: &Bench) {
    assert!(bench.sv(&["up"]).status.success());
    let _pppd = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    std::thread::sleep(Duration::from_millis(1_100));
}

fn natively(bench: &Bench) -> f64 {
    let native =
        Native::new(NativeOptions { dir: bench.service().into(), ppp_port: Some(bench.port().into()) });
    let mut service = Held::new(Box::new(native), HeldOptions::default());
    let clock = Clock::new();
    nb::block!(service.take()).expect("it is supervised");
    let begin = Instant::now();
    nb::block!(service.ask(Want::Down)).expect("it is asked");
    loop {
        service.woken();
        let status = nb::block!(service.status()).expect("it is read");
        let down = status.state == ServiceState::Down && status.want == Want::Down && status.pid.is_none();
        if down && nb::block!(service.remains()).expect("it is known").is_free() {
            return begin.elapsed().as_secs_f64();
        }
        wait(&service.wake_fds(), Some(clock.now() + Duration::from_millis(500)), clock).expect("poll");
    }
}

fn by_sv(bench: &Bench) -> f64 {
    let begin = Instant::now();
    assert!(bench.sv(&["-v", "down"]).status.success());
    assert!(bench.holders().is_empty());
    begin.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
