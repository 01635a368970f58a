//! The executor of a driver: carries out actions and reads the status.

use embedded_io::{Error as _, ErrorKind};
use heapless::Deque;

use crate::at::command::Outgoing;
use crate::port::Port;
use crate::scan::{Action, Actions, Event, Input, Refused, Report, Scanner, Watch};
use crate::supervisor::{ServiceStatus, Signal, Supervisor, Want};
use crate::time::Instant;

use super::{Error, PENDING_AGAIN, STATUS_AGAIN};

/// Actions queued behind a slow one (a backend that runs a program), at most: those of some steps. A step has five that are no reports.
const PENDING_MAX: usize = 16;

/// Capacity of the event queue. When full, the oldest event is dropped; callers can still read the phase.
const EVENTS_MAX: usize = 32;

/// How often an interrupted write is retried.
const INTERRUPTIONS_MAX: u8 = 16;

/// An [`Action`] that may have to wait: all but the reports and what is owed.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Take,
    Ask(Want),
    Signal(Signal),
    OpenPort,
    ClosePort,
    Send(Outgoing),
    Release,
    HandOver,
}

/// The result of an action.
enum Done {
    /// Not done yet; back at the front of the queue.
    Later,
    /// Done; the scan needs no input.
    Silently,
    /// Done or failed, with this input for the scan.
    With(Input<'static>),
}

/// The result of a read.
pub(super) enum Received {
    /// No bytes, or the port is gone.
    Nothing,
    /// This many bytes.
    Bytes(usize),
    /// Bytes were lost.
    Damaged,
}

/// Calls that may fail persistently: a bit each of [`Executor::failing`].
mod lasting {
    pub(super) const READ: u8 = 1;
    pub(super) const STATUS: u8 = 2;
    pub(super) const REMAINS: u8 = 4;
    pub(super) const LINK: u8 = 8;
}

/// A driver without its line buffer.
#[derive(Debug)]
pub(super) struct Executor<P: Port, S: Supervisor> {
    pub(super) port: P,
    pub(super) supervisor: S,
    pub(super) scanner: Scanner,
    pub(super) report: Report,
    pub(super) open: bool,
    /// The port was opened, and nothing has been read since.
    pub(super) fresh: bool,
    last_service: Option<ServiceStatus>,
    last_link: bool,
    pending: Deque<Deed, PENDING_MAX>,
    /// When to retry the first pending action.
    pub(super) pending_again_at: Option<Instant>,
    /// When to read again a status that could not be read.
    pub(super) status_again_at: Option<Instant>,
    /// Calls that fail at present, and whose error was reported.
    failing: u8,
    pub(super) events: Deque<Event, EVENTS_MAX>,
    pub(super) error: Option<Error<P::Error, S::Error>>,
}

impl<P: Port, S: Supervisor> Executor<P, S> {
    pub(super) fn new(port: P, supervisor: S, scanner: Scanner) -> Self {
        Self {
            port,
            supervisor,
            scanner,
            report: Report::EMPTY,
            open: false,
            fresh: false,
            last_service: None,
            last_link: false,
            pending: Deque::new(),
            pending_again_at: None,
            status_again_at: None,
            failing: 0,
            events: Deque::new(),
            error: None,
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn feed(&mut self, now: Instant, input: Input<'_>) {
        self.step(now, input);
        self.carry_out(now);
    }

    /// One step; its actions are queued.
    fn step(&mut self, now: Instant, input: Input<'_>) {
        let mut actions = Actions::new();
        self.scanner.step_into(now, input, &mut actions);
        // By reference: the by-value iterator of the vector may panic when it is dropped half way.
        for action in &actions {
            let deed = match *action {
                Action::Report(event) => {
                    self.tell(event);
                    continue;
                }
                // Not behind a slow request: if this process is killed meanwhile, its guard has to know.
                Action::Owe(owed) => {
                    self.supervisor.owe(owed);
                    continue;
                }
                Action::ClosePort => {
                    self.forget_opening();
                    Deed::ClosePort
                }
                Action::Take => Deed::Take,
                Action::Ask(want) => Deed::Ask(want),
                Action::Signal(signal) => Deed::Signal(signal),
                Action::OpenPort => Deed::OpenPort,
                Action::Send(outgoing) => Deed::Send(outgoing),
                Action::Release => Deed::Release,
                Action::HandOver => Deed::HandOver,
            };
            if self.pending.is_full() {
                // The actions of two steps wait for a backend that does not finish: the latest request matters most, so
                // the oldest is dropped.
                self.pending.pop_front();
            }
            let kept = self.pending.push_back(deed);
            debug_assert!(kept.is_ok(), "room was made above");
        }
    }

    /// A port that is still being opened must not delay the actions behind it: the opening is dropped.
    fn forget_opening(&mut self) {
        for _ in 0..self.pending.len() {
            if let Some(deed) = self.pending.pop_front()
                && !matches!(deed, Deed::OpenPort)
            {
                let kept = self.pending.push_back(deed);
                debug_assert!(kept.is_ok(), "it was taken out of there");
            }
        }
    }

    fn tell(&mut self, event: Event) {
        self.report.apply(&event);
        if self.events.is_full() {
            self.events.pop_front();
        }
        let kept = self.events.push_back(event);
        debug_assert!(kept.is_ok(), "room was made above");
    }

    /// Carries out the pending actions, in order, until one is not done yet. The result of an action is fed back at once, and
    /// the actions that follow from it are queued behind.
    pub(super) fn carry_out(&mut self, now: Instant) {
        self.pending_again_at = None;
        for _ in 0..PENDING_MAX {
            let Some(deed) = self.pending.pop_front() else { return };
            let input = match self.perform(deed) {
                Done::Later => {
                    self.pending_again_at = Some(now + PENDING_AGAIN);
                    return;
                }
                Done::Silently => continue,
                Done::With(input) => input,
            };
            self.step(now, input);
        }
    }

    // Not inlined: the machine's stack frames lie on top of the caller's.
    #[inline(never)]
    fn perform(&mut self, deed: Deed) -> Done {
        let (done, refused) = match deed {
            Deed::ClosePort => {
                self.port.close();
                self.open = false;
                return Done::Silently;
            }
            Deed::OpenPort => match self.port.open() {
                Ok(()) => {
                    self.open = true;
                    self.fresh = true;
                    return Done::With(Input::PortOpened);
                }
                Err(nb::Error::WouldBlock) => return self.put_back(deed),
                Err(nb::Error::Other(error)) => return Done::With(self.port_failed(error)),
            },
            Deed::Send(outgoing) => {
                if !self.open {
                    return Done::Silently;
                }
                return match self.send(&outgoing.bytes()) {
                    Ok(true) => Done::Silently,
                    Ok(false) => Done::With(self.port_lost()),
                    Err(error) => Done::With(self.port_failed(error)),
                };
            }
            Deed::Take => match self.supervisor.take() {
                Ok(taken) => {
                    self.last_service = None;
                    // A new scan: errors that persist are reported to it again.
                    self.failing = 0;
                    return Done::With(Input::Taken(taken));
                }
                Err(error) => (Err(error), Refused::Take),
            },
            Deed::Ask(want) => {
                // The record is read again after a request: also a rewrite that changes nothing must be noticed.
                self.last_service = None;
                (self.supervisor.ask(want), Refused::Ask)
            }
            Deed::Signal(signal) => (self.supervisor.signal(signal), Refused::Signal),
            Deed::Release => (self.supervisor.release(), Refused::Release),
            Deed::HandOver => (self.supervisor.hand_over(), Refused::Release),
        };
        match done {
            Ok(()) => Done::Silently,
            Err(nb::Error::WouldBlock) => self.put_back(deed),
            Err(nb::Error::Other(error)) => {
                self.failed(Error::Supervisor(refused, error));
                Done::With(Input::Refused(refused))
            }
        }
    }

    fn put_back(&mut self, deed: Deed) -> Done {
        let kept = self.pending.push_front(deed);
        debug_assert!(kept.is_ok(), "it was taken out of there");
        Done::Later
    }

    /// Writes all of it; `false` where the port takes no more. `write_all` would panic there.
    fn send(&mut self, mut bytes: &[u8]) -> Result<bool, P::Error> {
        let mut interruptions = 0_u8;
        loop {
            let done = if bytes.is_empty() {
                self.port.flush().map(|()| None)
            } else {
                self.port.write(bytes).map(Some)
            };
            match done {
                Ok(None) => return Ok(true),
                Ok(Some(0)) => return Ok(false),
                Ok(Some(count)) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted && interruptions < INTERRUPTIONS_MAX => {
                    interruptions = interruptions.saturating_add(1);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn port_failed(&mut self, error: P::Error) -> Input<'static> {
        self.failed(Error::Port(error));
        self.port_lost()
    }

    /// Reports an error of an action. It replaces a persistent error that waits to be reported, which is reported later.
    fn failed(&mut self, error: Error<P::Error, S::Error>) {
        if self.error.replace(error).is_some() {
            self.failing = 0;
        }
    }

    pub(super) fn port_lost(&mut self) -> Input<'static> {
        self.port.close();
        self.open = false;
        Input::PortLost
    }

    /// Feeds the status to the scan, as far as its [`Watch`] asks for it. The service first: a byte that came while another
    /// process had the port is no answer to the scan.
    pub(super) fn look(&mut self, now: Instant) {
        self.status_again_at = None;
        let Watch { service, .. } = self.scanner.watch();
        if service {
            let status = self.supervisor.status();
            let known = self.last_service;
            if let Some(status) = self.known(now, status, lasting::STATUS)
                && known != Some(status)
            {
                self.last_service = Some(status);
                self.feed(now, Input::Service(status));
            }
        }
        if self.scanner.watch().remains {
            let remains = self.supervisor.remains();
            if let Some(remains) = self.known(now, remains, lasting::REMAINS) {
                self.feed(now, Input::Remains(remains));
            }
        }
        if self.scanner.watch().link {
            let up = self.supervisor.link_up();
            if let Some(up) = self.known(now, up, lasting::LINK)
                && up != self.last_link
            {
                self.last_link = up;
                self.feed(now, Input::Link(up));
            }
        } else {
            self.last_link = false;
        }
    }

    /// The value of a status query; after an error a retry is scheduled.
    fn known<T>(&mut self, now: Instant, said: nb::Result<T, S::Error>, what: u8) -> Option<T> {
        match said {
            Ok(known) => {
                self.failing &= !what;
                Some(known)
            }
            Err(error) => {
                self.not_known(now, what, error);
                None
            }
        }
    }

    #[inline(never)]
    fn not_known(&mut self, now: Instant, what: u8, error: nb::Error<S::Error>) {
        // Nothing may wake the caller for a status that is not known yet: it may depend on a second look at the processes.
        let mut after = PENDING_AGAIN;
        if let nb::Error::Other(error) = error {
            after = STATUS_AGAIN;
            self.goes_on_failing(what, Error::Status(error));
        }
        self.status_again_at = Some(now + after);
    }

    /// Reports a persistent error when it begins. Where another error waits to be reported, it counts as new the next time.
    // Not inlined: the caller lies below the machine on the stack.
    #[inline(never)]
    fn goes_on_failing(&mut self, what: u8, error: Error<P::Error, S::Error>) {
        if self.failing & what == 0 && self.error.is_none() {
            self.failing |= what;
            self.error = Some(error);
        }
    }

    /// Reads the bytes that are there.
    pub(super) fn receive(&mut self, now: Instant, buffer: &mut [u8]) -> Received {
        let read = match self.port.read_ready() {
            Ok(false) => return Received::Nothing,
            Ok(true) => self.port.read(buffer),
            Err(error) => Err(error),
        };
        let lost = match read {
            // End of file on a serial line: the device is gone.
            Ok(0) => self.port_lost(),
            Ok(count) => {
                self.failing &= !lasting::READ;
                return Received::Bytes(count);
            }
            Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::Interrupted) => {
                self.goes_on_failing(lasting::READ, Error::Port(error));
                return Received::Damaged;
            }
            Err(error) => self.port_failed(error),
        };
        self.feed(now, lost);
        Received::Nothing
    }
}
