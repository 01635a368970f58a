//! One gateway: one scan at a time, and its events.

use std::collections::VecDeque;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};

use cellscan_core::scan::gate::Request;
use cellscan_core::scan::{Event as CoreEvent, Report, Scanner};
use cellscan_core::time::Instant;
use cellscan_linux::audience::Audience;
use cellscan_linux::clock::Clock;
use cellscan_linux::error::chain;
use cellscan_linux::event_loop::WAIT_MAX;
use cellscan_linux::gateway::GatewayScan;
use cellscan_linux::gateway::plan::GatewayPlan;
use cellscan_machine::code::Code;
use cellscan_machine::event::{Event, EventKind};

use crate::waker::Waker;

/// Events that the application has not fetched.
#[derive(Debug, Default)]
struct Told {
    waiting: VecDeque<(Event, Option<String>)>,
    /// The end of the scan, until everything is released.
    end: Option<Event>,
    last_warning: Option<String>,
}

impl Told {
    fn line(&mut self, kind: EventKind, text: &str) {
        self.waiting.push_back((Event::line(kind), Some(text.to_owned())));
    }
}

impl Audience for Told {
    fn event(&mut self, _at: Instant, event: CoreEvent, _scanner: &Scanner) {
        let event = Event::from(event);
        if matches!(event.kind, EventKind::Finished | EventKind::Declined) {
            self.end = Some(event);
        } else {
            self.waiting.push_back((event, None));
        }
    }

    fn note(&mut self, text: &str) {
        self.line(EventKind::Note, text);
    }

    /// A repeated text is reported once.
    fn warn(&mut self, text: &str) {
        if self.last_warning.as_deref() != Some(text) {
            self.line(EventKind::Warning, text);
            self.last_warning = Some(text.to_owned());
        }
    }
}

/// One gateway.
#[derive(Debug)]
pub struct Gateway {
    plan: GatewayPlan,
    clock: Clock,
    /// The state machine between scans: it remembers carriers that failed, and the end of the last scan.
    scanner: Scanner,
    /// The report of the last scan.
    report: Report,
    scan: Option<GatewayScan>,
    told: Told,
    waker: Waker,
    /// The text of the last note or warning.
    text: CString,
    /// The text of the last failed call.
    error: CString,
}

/// Text for C, up to a NUL in it.
fn c_text(text: &str) -> CString {
    let upto = text.split('\0').next().unwrap_or_default();
    CString::new(upto).unwrap_or_default()
}

impl Gateway {
    /// A new gateway. Nothing is touched yet.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub fn new(plan: GatewayPlan) -> Result<Self, (Code, String)> {
        let waker =
            Waker::new().map_err(|error| (Code::System, format!("unable to make an epoll: {error}")))?;
        let scanner = Scanner::new(plan.policy);
        let (text, error) = (CString::default(), CString::default());
        Ok(Self {
            plan,
            clock: Clock::new(),
            scanner,
            report: Report::EMPTY,
            scan: None,
            told: Told::default(),
            waker,
            text,
            error,
        })
    }

    /// Finds port and service and requests a scan.
    ///
    /// # Errors
    /// A scan is in progress, or they are not available, and nothing was touched.
    pub fn request(&mut self, request: Request) -> Result<(), (Code, String)> {
        if self.is_scanning() {
            return Err((Code::Busy, "a scan is under way".to_owned()));
        }
        self.told = Told::default();
        let scan =
            GatewayScan::begin(&self.plan, self.scanner.clone(), request, None, self.clock, &mut self.told);
        self.scan = Some(scan.map_err(|error| {
            let code = if error.is_of_configuration() { Code::Config } else { Code::System };
            (code, chain(&error))
        })?);
        // The first poll is due at once.
        let now = self.clock.now();
        self.wake_at(now, Some(now));
        Ok(())
    }

    /// Does everything that is due, and returns an event; `None`: no more for now.
    pub fn poll(&mut self) -> Option<Event> {
        if self.told.waiting.is_empty() && self.scan.is_some() {
            self.turn();
        }
        let told = self.told.waiting.pop_front().or_else(|| {
            // When the application learns of the end, everything is released.
            let end = if self.scan.is_none() { self.told.end.take() } else { None };
            end.map(|end| (end, None))
        });
        let (event, text) = told?;
        if let Some(text) = text {
            self.text = c_text(&text);
        }
        Some(event)
    }

    fn turn(&mut self) {
        let Some(scan) = &mut self.scan else { return };
        scan.turn(&mut self.told);
        if scan.is_over() {
            if scan.declined().is_none() {
                scan.keep(&self.plan, &mut self.told);
                self.report = scan.report().clone();
            }
            self.scanner = scan.scanner().clone();
            self.scan = None;
            let now = self.clock.now();
            return self.wake_at(now, None);
        }
        let now = self.clock.now();
        let deadline = scan.deadline(&self.told);
        if self.waker.wait_for(&scan.wake_fds(), now, Some(soonest(now, deadline))).is_err() {
            // Only time can be waited for now.
            scan.look_again();
            let deadline = scan.deadline(&self.told);
            self.wake_at(now, Some(soonest(now, deadline)));
        }
    }

    fn wake_at(&mut self, now: Instant, at: Option<Instant>) {
        if let Err(error) = self.waker.wait_for(&[], now, at) {
            self.told.warn(&format!("unable to wait for what happens: {error}"));
        }
    }

    /// Asks the scan in progress to end, and to give the service back.
    pub fn abort(&mut self) {
        if let Some(scan) = &mut self.scan {
            scan.end();
            let now = self.clock.now();
            self.wake_at(now, Some(now));
        }
    }

    /// Whether a scan is in progress, or its end has not been fetched.
    #[must_use]
    pub fn is_scanning(&self) -> bool {
        self.scan.is_some() || self.told.end.is_some()
    }

    /// The state machine of the scan in progress or of the last.
    #[must_use]
    pub fn scanner(&self) -> &Scanner {
        self.scan.as_ref().map_or(&self.scanner, GatewayScan::scanner)
    }

    /// The report of the scan in progress or of the last.
    #[must_use]
    pub fn report(&self) -> &Report {
        self.scan.as_ref().map_or(&self.report, GatewayScan::report)
    }

    /// The text of the last note or warning.
    #[must_use]
    pub const fn text(&self) -> &CString {
        &self.text
    }

    /// The text of the last failed call.
    #[must_use]
    pub const fn error(&self) -> &CString {
        &self.error
    }

    /// Keeps the text of a failed call.
    pub fn failed(&mut self, what: &str) {
        self.error = c_text(what);
    }
}

/// Polls at least once a minute even without a deadline, in case a bug lost it.
fn soonest(now: Instant, deadline: Option<Instant>) -> Instant {
    let limit = now + WAIT_MAX;
    deadline.map_or(limit, |deadline| deadline.min(limit))
}

impl AsFd for Gateway {
    /// Readable when a poll is due.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.waker.as_fd()
    }
}
