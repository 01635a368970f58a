//! `doctor --exercise`: the service really taken down and given back, by the same machine that scans, up to the moment at
//! which a scan would open the port. It never does.

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

/// How long the service may take until it runs again: the pause after an early death, and a slow machine.
const UP_LIMIT: Duration = Duration::from_secs(10);
/// After a failed look nothing may wake the loop, and it looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long a release may wait behind a slow backend.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);
const CHECK: &str = "exercise";

/// What came of it, for programs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Exercise {
    /// From the request for down to the record saying so.
    pub down_s: Option<f64>,
    /// From the request for down to nobody holding the port.
    pub port_free_s: Option<f64>,
    /// From the request for down to the service being wanted up.
    pub outage_s: Option<f64>,
    /// From its being wanted up to a new process.
    pub up_s: Option<f64>,
    /// The service is wanted as it was found.
    pub given_back: bool,
}

/// A port that never opens: no byte can go to the modem.
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

/// One cycle. Whatever happens, also a signal, the service is given back; after SIGKILL by the guard.
///
/// # Errors
/// Signals cannot be caught. Nothing was touched then.
pub fn run(service: Held, dir: &Path) -> Result<(Finding, Exercise), Fatal> {
    let signals =
        Signals::catch().map_err(|error| Fatal::system(format!("unable to catch signals: {error}")))?;
    let before = running(dir);
    let driver = Driver::new(NoPort, service, Policy::DEFAULT);
    let mut cycle = Cycle { driver, signals, clock: Clock::new(), ended: None, stopped: false, last: None };
    cycle.turn();
    let report = cycle.driver.scanner().report().clone();
    let up = if report.given_back { cycle.wait_up(dir, before) } else { None };
    let exercise = Exercise {
        down_s: report.down_after.map(seconds),
        port_free_s: report.free_after.map(seconds),
        outage_s: report.outage.map(seconds),
        up_s: up.map(seconds),
        given_back: report.given_back,
    };
    Ok((judged(&report, up, cycle.stopped, cycle.last.as_deref()), exercise))
}

/// What is told of it.
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

    /// Everything that can be done now.
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

    /// How long the service took to run again with another process.
    fn wait_up(&mut self, dir: &Path, before: Option<u32>) -> Option<Duration> {
        let opened = ServiceDir::open(dir).ok()?;
        let watch = opened.watch().ok();
        let began = self.clock.now();
        while self.clock.now() < began + UP_LIMIT {
            if running(dir).is_some_and(|pid| Some(pid) != before) {
                return Some(self.clock.now().saturating_since(began));
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

/// The process of a service that runs.
fn running(dir: &Path) -> Option<u32> {
    let record = ServiceDir::open(dir).and_then(|opened| opened.read_status()).ok()?;
    record.pid.filter(|_| record.want_up && record.state == ServiceState::Run).map(std::num::NonZeroU32::get)
}

fn seconds(span: Duration) -> f64 {
    f64::from(u32::try_from(span.as_millis()).unwrap_or(u32::MAX)) / 1_000.0
}
