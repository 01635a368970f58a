//! A scanner that a test drives by hand, without a driver.

use cellscan_core::at::command::{Command, Outgoing};
use cellscan_core::at::line::Line;
use cellscan_core::at::settings::{ErrorFormat, NameFormat};
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::{Action, Input, Policy, Report, Scanner};
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Want};
use cellscan_core::time::Instant;

/// The service before the scan.
const UP: ServiceStatus = ServiceStatus::new(ServiceState::Run, Want::Up);
/// The service that the scan has stopped.
const DOWN: ServiceStatus = ServiceStatus::new(ServiceState::Down, Want::Down);

/// A scanner, its time, and the commands that it sent.
#[derive(Clone, Debug)]
pub struct Driven {
    /// The scanner.
    pub scanner: Scanner,
    /// The time of the next input.
    pub now: Instant,
    /// Every command that the scanner sent.
    pub sent: Vec<Command>,
    /// The scanner has asked to open the port since the last [`Driven::open`].
    pub opens: bool,
    /// The fold of its events.
    pub report: Report,
}

impl Driven {
    /// An idle scanner.
    #[must_use]
    pub const fn new(scanner: Scanner, now: Instant) -> Self {
        Self { scanner, now, sent: Vec::new(), opens: false, report: Report::EMPTY }
    }

    /// In state 1b: the scan has taken a service that was up, and asked for down.
    #[must_use]
    pub fn stopping(policy: Policy, now: Instant) -> Self {
        Self::stopping_with(Scanner::new(policy), now)
    }

    /// The same with a scanner that remembers carriers.
    #[must_use]
    pub fn stopping_with(scanner: Scanner, now: Instant) -> Self {
        let mut driven = Self::new(scanner, now);
        driven.give(Input::Start(Request { id: 1, origin: Origin::Manual }));
        driven.give(Input::Taken(UP.into()));
        driven
    }

    /// Feeds an input, and records the commands that follow.
    pub fn give(&mut self, input: Input<'_>) {
        for action in self.scanner.step(self.now, input) {
            if let Action::Send(Outgoing::Command(command)) = action {
                self.sent.push(command);
            }
            if let Action::Report(event) = action {
                self.report.apply(&event);
            }
            self.opens |= action == Action::OpenPort;
        }
    }

    /// The modem sends a line.
    pub fn line(&mut self, text: &str) {
        self.give(Input::Line(Line::whole(text.as_bytes())));
    }

    /// The service goes down, and no process holds the port.
    pub fn stop(&mut self) {
        self.give(Input::Service(DOWN));
        self.give(Input::Remains(Remains::default()));
    }

    /// The port opens, and no other process holds it.
    pub fn open(&mut self) {
        self.opens = false;
        self.give(Input::PortOpened);
        self.give(Input::Remains(Remains::default()));
    }

    /// Advances to the next deadline.
    ///
    /// # Panics
    /// When there is none.
    pub fn pass(&mut self) {
        self.now = self.scanner.next_deadline().expect("a deadline").max(self.now);
        self.give(Input::Timeout);
    }

    /// Lets time pass until `command` is in flight.
    ///
    /// # Panics
    /// When the scanner does not send it.
    #[track_caller]
    pub fn until(&mut self, command: Command) {
        for _ in 0..50 {
            if self.sent.last() == Some(&command) {
                return;
            }
            self.pass();
        }
        panic!("{command:?} was never sent, but {:?}", self.sent);
    }

    /// From 1b to the query of the modem's operator.
    pub fn prepare(&mut self) {
        self.stop();
        self.open();
        let commands = [
            Command::Attention,
            Command::ErrorFormat,
            Command::SetErrorFormat(ErrorFormat::Numeric),
            Command::Sim,
            Command::CurrentOperator,
            Command::SetNameFormat(NameFormat::Numeric),
        ];
        for command in commands {
            self.until(command);
            self.line("OK");
        }
        self.until(Command::CurrentOperator);
    }
}
