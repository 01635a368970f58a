//! `doctor --exercise`: really takes the service down and gives it back, by the state machine of a scan, up to the moment
//! at which a scan would open the port. This one never opens it.

use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use cellscan_core::driver::Driver;
use cellscan_core::port::Port;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::{Event, Phase, Policy, Report};
use cellscan_core::supervisor::ServiceState;
use cellscan_core::time::Instant;
use embedded_io::{ErrorType, Read, ReadReady, Write};
use serde::Serialize;

use crate::clock::Clock;
use crate::custody::Held;
use crate::doctor::Finding;
use crate::error::chain;
use crate::event_loop::{self, Signals};
use crate::exit::Fatal;
use crate::report::words;
use crate::runit::dir::{ServiceDir, drain};
use crate::spans::in_seconds;

/// How long the service may take to run again: runsv's pause after an early death, and a slow machine.
const UP_LIMIT: Duration = Duration::from_secs(10);
/// After a failed look no event may wake the loop, so it looks again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long to wait for the release by a slow backend.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);
const CHECK: &str = "exercise";

/// The result, for programs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Exercise {
    /// From the request for down to the status record that says so.
    pub down_s: Option<f64>,
    /// From the request for down to a free port.
    pub port_free_s: Option<f64>,
    /// From the request for down to the service being wanted up.
    pub outage_s: Option<f64>,
    /// From then to a new process.
    pub up_s: Option<f64>,
    /// The service is wanted as it was found.
    pub given_back: bool,
}

/// A port that never opens, so that no byte can go to the modem.
#[derive(Debug)]
struct NoPort;

impl ErrorType for NoPort {
    type Error = Infallible;
}

impl Port for NoPort {
    fn open(&mut self) -> nb::Result<(), Infallible> {
        Err(nb::Error::WouldBlock)
    }

    fn close(&mut self) {}
}

impl Read for NoPort {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, Infallible> {
        Ok(0)
    }
}

impl ReadReady for NoPort {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }
}

impl Write for NoPort {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Runs one cycle. The service is given back in every case, also after a signal; after SIGKILL by the guard.
///
/// # Errors
/// Signals cannot be caught. Nothing was touched.
pub fn run(service: Held, dir: &Path) -> Result<(Finding, Exercise), Fatal> {
    let signals =
        Signals::catch().map_err(|error| Fatal::system(format!("unable to catch signals: {error}")))?;
    let before = running(dir);
    let driver = Driver::new(NoPort, service, Policy::DEFAULT);
    let mut cycle = Cycle { driver, signals, clock: Clock::new(), ended: None, stopped: false, last: None };
    cycle.turn();
    let report = cycle.driver.report().clone();
    let up = if report.given_back { cycle.wait_up(dir, before) } else { None };
    let exercise = Exercise {
        down_s: report.down_after.map(in_seconds),
        port_free_s: report.free_after.map(in_seconds),
        outage_s: report.outage.map(in_seconds),
        up_s: up.map(in_seconds),
        given_back: report.given_back,
    };
    Ok((judged(&report, up, cycle.stopped, cycle.last.as_deref()), exercise))
}

/// The finding about the exercise.
fn judged(report: &Report, up: Option<Duration>, stopped: bool, last: Option<&str>) -> Finding {
    let reason = last.map(|last| format!(": {last}")).unwrap_or_default();
    if !report.given_back {
        let found = format!("the service was not seen to be given back{reason}");
        return Finding::error(CHECK, found, "look with sv status, and bring it up with sv up");
    }
    let (Some(down), Some(free)) = (report.down_after, report.free_after) else {
        let found =
            if stopped { "ended by a signal" } else { "the service did not go down, or kept its port" };
        return Finding::error(
            CHECK,
            format!("{found}; it was given back{reason}"),
            "see the lines above for what may keep it",
        );
    };
    let times = format!("down after {}, port free after {}", words::span(down), words::span(free));
    match up {
        Some(up) => {
            Finding::ok(CHECK, format!("{times}; given back, and running again after {}", words::span(up)))
        }
        None => Finding::error(
            CHECK,
            format!("{times}; given back, but not running within {} s", UP_LIMIT.as_secs()),
            "read the log of the service",
        ),
    }
}

struct Cycle {
    driver: Driver<NoPort, Held>,
    signals: Signals,
    clock: Clock,
    ended: Option<Instant>,
    stopped: bool,
    last: Option<String>,
}

impl Cycle {
    fn turn(&mut self) {
        self.driver.request(self.clock.now(), Request { id: 1, origin: Origin::Manual });
        loop {
            self.take_in();
            let over = |at| self.driver.is_settled() || self.clock.now() >= at + SETTLE_LIMIT;
            if self.ended.is_some_and(over) {
                return;
            }
            let settled = self.ended.map(|at| at + SETTLE_LIMIT);
            let deadline = [self.driver.next_deadline(), settled].into_iter().flatten().min();
            let mut fds: Vec<BorrowedFd<'_>> = vec![self.signals.as_fd()];
            fds.extend(self.driver.supervisor().wake_fds());
            if event_loop::wait(&fds, deadline, self.clock).is_err() {
                self.stop();
                let soon = Some(self.clock.now() + LOOK_AGAIN);
                let _without_even_that = event_loop::wait(&[], soon, self.clock);
            }
            self.driver.supervisor_mut().woken();
            if self.signals.take().is_some() {
                self.stop();
            }
        }
    }

    fn stop(&mut self) {
        if !core::mem::replace(&mut self.stopped, true) {
            self.driver.abort(self.clock.now());
        }
    }

    /// Takes in all events that are due.
    fn take_in(&mut self) {
        loop {
            let now = self.clock.now();
            match self.driver.poll(now) {
                Ok(Event::Moved { to: Phase::Prepare, .. }) => self.driver.abort(now),
                Ok(event) => {
                    if matches!(event, Event::Finished(_) | Event::Declined(_)) {
                        self.ended = Some(now);
                    }
                }
                Err(nb::Error::Other(error)) => self.last = Some(chain(&error)),
                Err(nb::Error::WouldBlock) => return,
            }
        }
    }

    /// Waits until the service runs with another process, and returns how long that took.
    fn wait_up(&mut self, dir: &Path, before: Option<u32>) -> Option<Duration> {
        let opened = ServiceDir::open(dir).ok()?;
        let watch = opened.watch().ok();
        let began = self.clock.now();
        while self.clock.now() < began + UP_LIMIT {
            if running(dir).is_some_and(|pid| Some(pid) != before) {
                return Some(self.clock.now().duration_since(began));
            }
            if let Some(watch) = &watch {
                drain(watch);
            }
            if self.signals.take().is_some() {
                return None;
            }
            let mut fds = vec![self.signals.as_fd()];
            fds.extend(watch.as_ref().map(AsFd::as_fd));
            let soon = self.clock.now() + LOOK_AGAIN / 10;
            let _looked_at_again = event_loop::wait(&fds, Some(soon), self.clock);
        }
        None
    }
}

/// The process of a running service.
fn running(dir: &Path) -> Option<u32> {
    let record = ServiceDir::open(dir).and_then(|opened| opened.read_status()).ok()?;
    record.pid.filter(|_| record.want_up && record.state == ServiceState::Run).map(std::num::NonZeroU32::get)
}
