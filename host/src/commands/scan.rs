//! `scan`: a real port and a real service, one `poll(2)` over all that can happen.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use cellscan_core::carrier::Plmn;
use cellscan_core::driver::Driver;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::{Event, Outcome, Strategy};
use cellscan_core::time::Instant;

use super::record::{self, Listening, To};
use crate::clock::Clock;
use crate::event_loop::{self, Signals};
use crate::exit::{Exit, Fatal, chain};
use crate::guard::GuardOptions;
use crate::link::Link;
use crate::plan::GatewayPlan;
use crate::recording::{Taped, words};
use crate::remembered;
use crate::report::{Ended, Reporter, Style};
use crate::serial::SerialLine;
use crate::service::locate::{self, Choice, LocateOptions};
use crate::service::{LeaseOptions, Service, ServiceError};

/// Failures in a row that are taken in before the loop waits again: a status that cannot be read fails at each look.
const FAILURES_MAX: u32 = 8;
/// After such failures nothing may wake the loop, and it looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// After the end of a scan: how long its release may wait behind a slow backend. What is not released by then is honoured
/// by the guard, which sees the end of this process.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);

type Gateway = Driver<Taped<SerialLine>, Taped<Service>>;

/// Scans on this gateway.
///
/// # Errors
/// The service or the port cannot be had; nothing was touched then. Or the output failed, after all was given back.
pub fn run(
    plan: &GatewayPlan,
    record: Option<&To>,
    json: bool,
    quiet: bool,
    verbose: bool,
) -> Result<Exit, Fatal> {
    let clock = Clock::new();
    // Before anything is taken: from here on a signal is asked for, and ends nothing by itself.
    let signals =
        Signals::catch().map_err(|error| Fatal::system(format!("unable to catch signals: {error}")))?;
    check_port(plan)?;
    let choice = choose(plan)?;
    let origin = clock.now();
    let mut reporter = Reporter::new(Style { json, quiet, bar: !verbose }, origin);
    reporter.note(&choice.why);
    let known = remembered(plan, &mut reporter);
    let listening = record.map(|to| Listening::begin(to, plan, &known)).transpose()?;
    let port = record::taped(SerialLine::new(plan.serial.clone()), listening.as_ref());
    let service = record::taped(choice.service, listening.as_ref());
    let mut driver = Driver::new(port, service, plan.policy);
    for plmn in known {
        driver.scanner_mut().remember(plmn);
    }
    let mut turns = Turns { driver, signals, clock, reporter, listening, ended: None, asked_to_end: false };
    turns.run();
    let Turns { driver, mut reporter, listening, .. } = turns;
    record::finish(listening.as_ref().map(Listening::tape), &mut reporter);
    let report = driver.scanner().report();
    if report.outcome == Some(Outcome::Complete) {
        let kept = remembered::write(&plan.state_dir, driver.scanner().carriers(), report.selected);
        if let Err(error) = kept {
            reporter.warn(&format!("the carriers are not remembered: {}", chain(&error)));
        }
    }
    let exit = Exit::of(report);
    reporter.finish(&Ended {
        scanner: driver.scanner(),
        exit,
        reason: None,
        given_back: report.given_back,
        watches_link: plan.link.is_some(),
        simulated: None,
        virtual_time: None,
    })?;
    Ok(exit)
}

/// A wrong name is better known before the link goes down than after.
fn check_port(plan: &GatewayPlan) -> Result<(), Fatal> {
    for port in [&plan.serial.path, &plan.ppp_port] {
        if let Err(error) = port.metadata() {
            return Err(Fatal::system(format!("unable to find {}: {error}", port.display())));
        }
    }
    Ok(())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not known to be a matter of configuration may be gone at the next attempt"
)]
fn choose(plan: &GatewayPlan) -> Result<Choice, Fatal> {
    let link = match &plan.link {
        None => Link::none(),
        Some(pattern) => Link::new(pattern)
            .map_err(|error| Fatal::system(format!("unable to watch the link: {}", chain(&error))))?,
    };
    let options = LocateOptions {
        backend: plan.backend,
        service: plan.service.clone(),
        ppp_port: Some(plan.ppp_port.clone()),
        start: plan.start.clone(),
        guard: Some(GuardOptions { program: None, lock_dirs: plan.serial.lock_dirs.clone() }),
        lease: Some(LeaseOptions { run_dir: plan.run_dir.clone(), lock_dirs: plan.serial.lock_dirs.clone() }),
        link,
        ..LocateOptions::new()
    };
    locate::choose(options).map_err(|error| {
        let message = format!("unable to find the service of pppd: {}", chain(&error));
        match error {
            ServiceError::NoService { .. }
            | ServiceError::Ambiguous { .. }
            | ServiceError::NeverSupervised { .. }
            | ServiceError::NotRunit { .. }
            | ServiceError::NoStartCommand => Fatal::usage(message),
            _ => Fatal::system(message),
        }
    })
}

fn remembered(plan: &GatewayPlan, reporter: &mut Reporter) -> Vec<Plmn> {
    if plan.policy.strategy != Strategy::Quick {
        return Vec::new();
    }
    let known = match &plan.carriers {
        Some(carriers) => carriers.clone(),
        None => remembered::read(&plan.state_dir).unwrap_or_else(|error| {
            reporter.warn(&format!("nothing is remembered: {}", chain(&error)));
            Vec::new()
        }),
    };
    if known.is_empty() {
        reporter.warn("no carrier is remembered: the network is searched");
    }
    known
}

/// A scan, turn by turn, until it has ended and all that it decided is done.
struct Turns {
    driver: Gateway,
    signals: Signals,
    clock: Clock,
    reporter: Reporter,
    listening: Option<Listening>,
    ended: Option<Instant>,
    asked_to_end: bool,
}

impl Turns {
    fn run(&mut self) {
        let (now, request) = (self.clock.now(), Request { id: 1, origin: Origin::Manual });
        self.hear(now, || words::request(request));
        self.driver.request(now, request);
        loop {
            let failing = self.take_in();
            for note in self.driver.supervisor_mut().inner_mut().notes() {
                self.reporter.warn(&note);
            }
            if self.is_over() {
                return;
            }
            if let Err(error) = self.wait(failing) {
                self.end(&format!("unable to wait for what happens: {error}"));
                self.wait_for_time_alone();
            }
            self.driver.supervisor_mut().inner_mut().woken();
            if let Some(stop) = self.signals.take() {
                self.end(stop.announcement(self.asked_to_end));
            }
            self.reporter.tick(self.clock.now());
        }
    }

    /// Everything that can be done now; whether it only goes on failing.
    fn take_in(&mut self) -> bool {
        let mut failures = 0;
        while failures < FAILURES_MAX {
            let now = self.clock.now();
            if let Some(listening) = &self.listening {
                listening.at(now);
            }
            if self.driver.next_deadline().is_some_and(|deadline| deadline <= now) {
                self.hear(now, || "due".to_owned());
            }
            match self.driver.poll(now) {
                Ok(event) => {
                    failures = 0;
                    self.hear(now, || words::event(&event));
                    if matches!(event, Event::Finished(_) | Event::Declined(_)) {
                        self.ended = Some(now);
                    }
                    self.reporter.event(now, event, self.driver.scanner());
                }
                Err(nb::Error::Other(error)) => {
                    failures += 1;
                    self.reporter.warn(&chain(&error));
                }
                Err(nb::Error::WouldBlock) => return false,
            }
        }
        true
    }

    fn is_over(&self) -> bool {
        self.ended.is_some_and(|at| self.driver.is_settled() || self.clock.now() >= at + SETTLE_LIMIT)
    }

    fn deadline(&self, failing: bool) -> Option<Instant> {
        let now = self.clock.now();
        [
            self.driver.next_deadline(),
            self.reporter.next_tick(),
            self.ended.map(|at| at + SETTLE_LIMIT),
            failing.then(|| now + LOOK_AGAIN),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn wait(&self, failing: bool) -> std::io::Result<()> {
        let mut fds: Vec<BorrowedFd<'_>> = vec![self.signals.as_fd()];
        fds.extend(self.driver.port().inner().fd());
        fds.extend(self.driver.supervisor().inner().wake_fds());
        event_loop::wait(&fds, self.deadline(failing), self.clock).map(|_ready| ())
    }

    /// The descriptors cannot be waited for. The scan is ending by its deadlines, and is looked at once a second.
    fn wait_for_time_alone(&self) {
        let _without_even_that = event_loop::wait(&[], self.deadline(true), self.clock);
    }

    fn end(&mut self, why: &str) {
        self.reporter.note(why);
        if !core::mem::replace(&mut self.asked_to_end, true) {
            let now = self.clock.now();
            self.hear(now, || "abort".to_owned());
            self.driver.abort(now);
        }
    }

    /// Where the scan is recorded: what it is told, and what it tells.
    fn hear(&self, now: Instant, words: impl FnOnce() -> String) {
        if let Some(listening) = &self.listening {
            listening.hear(now, words());
        }
    }
}
