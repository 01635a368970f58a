//! The hands of a driver: actions, and how things stand.

use heapless::Deque;

use crate::at::command::Outgoing;
use crate::port::Port;
use crate::scan::{ACTIONS_MAX, Action, Event, Input, Refused, Scanner, Selection, Watch};
use crate::supervisor::{ServiceStatus, Signal, Supervisor, Want};
use crate::time::Instant;

use super::Error;

/// Actions that wait for a slow one (a backend that runs a program), at most: those of two steps.
const PENDING_MAX: usize = 2 * ACTIONS_MAX;

/// Events that nobody has fetched, at most; the oldest goes, the state tells itself.
const EVENTS_MAX: usize = 32;

/// An [`Action`] that may have to wait: all but the reports.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Take,
    Ask(Want),
    Signal(Signal),
    OpenPort,
    ClosePort,
    Note(Option<Selection>),
    Send(Outgoing),
    Release,
    HandOver,
}

/// What came of an action.
enum Done {
    /// It is not done yet and at the front again.
    Later,
    /// There is nothing to tell.
    Silently,
    /// The scan is to know this.
    With(Input<'static>),
}

/// All of a driver but the lines.
#[derive(Debug)]
pub(super) struct Hands<P: Port, S: Supervisor> {
    pub(super) port: P,
    pub(super) supervisor: S,
    pub(super) scanner: Scanner,
    pub(super) open: bool,
    /// The port was opened, and nothing read since.
    pub(super) fresh: bool,
    last_service: Option<ServiceStatus>,
    last_link: bool,
    pending: Deque<Deed, PENDING_MAX>,
    pub(super) events: Deque<Event, EVENTS_MAX>,
    pub(super) error: Option<Error<P::Error, S::Error>>,
}

impl<P: Port, S: Supervisor> Hands<P, S> {
    pub(super) fn new(port: P, supervisor: S, scanner: Scanner) -> Self {
        Self {
            port,
            supervisor,
            scanner,
            open: false,
            fresh: false,
            last_service: None,
            last_link: false,
            pending: Deque::new(),
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

    /// One step; what it asks for is queued.
    fn step(&mut self, now: Instant, input: Input<'_>) {
        // By reference: what a vector gives out by value may panic when it is dropped half way.
        for action in &self.scanner.step(now, input) {
            let deed = match *action {
                Action::Report(event) => {
                    self.tell(event);
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
                Action::Note(selection) => Deed::Note(selection),
                Action::Send(outgoing) => Deed::Send(outgoing),
                Action::Release => Deed::Release,
                Action::HandOver => Deed::HandOver,
            };
            if self.pending.is_full() {
                // Two steps' worth is waiting for a backend that does not end: what is asked last matters most, and
                // the oldest goes.
                self.pending.pop_front();
            }
            let kept = self.pending.push_back(deed);
            debug_assert!(kept.is_ok(), "room was made above");
        }
    }

    /// A port that is still on its way must not keep what follows from being done: it is let go, not waited for.
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
        if self.events.is_full() {
            self.events.pop_front();
        }
        let kept = self.events.push_back(event);
        debug_assert!(kept.is_ok(), "room was made above");
    }

    /// Carries out what is pending, in order, until one is not done yet. What comes of an action is fed back at once, and
    /// what that asks for queues up behind.
    pub(super) fn carry_out(&mut self, now: Instant) {
        for _ in 0..PENDING_MAX {
            let Some(deed) = self.pending.pop_front() else { return };
            let input = match self.perform(deed) {
                Done::Later => return,
                Done::Silently => continue,
                Done::With(input) => input,
            };
            self.step(now, input);
        }
    }

    // Not inlined: the machine runs on top of who calls it.
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
                Ok(found) => {
                    self.last_service = None;
                    if let Some(selection) = self.supervisor.noted() {
                        self.scanner.inherit(selection);
                    }
                    return Done::With(Input::Taken(found));
                }
                Err(error) => (Err(error), Refused::Take),
            },
            Deed::Ask(want) => {
                // The record is read anew behind a request: also one that changes nothing is to be seen.
                self.last_service = None;
                (self.supervisor.ask(want), Refused::Ask)
            }
            Deed::Note(selection) => {
                self.supervisor.note(selection);
                return Done::Silently;
            }
            Deed::Signal(signal) => (self.supervisor.signal(signal), Refused::Signal),
            Deed::Release => (self.supervisor.release(), Refused::Release),
            Deed::HandOver => (self.supervisor.hand_over(), Refused::Release),
        };
        match done {
            Ok(()) => Done::Silently,
            Err(nb::Error::WouldBlock) => self.put_back(deed),
            Err(nb::Error::Other(error)) => {
                self.error = Some(Error::Supervisor(refused, error));
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
        while !bytes.is_empty() {
            match self.port.write(bytes)? {
                0 => return Ok(false),
                count => bytes = bytes.get(count..).unwrap_or_default(),
            }
        }
        self.port.flush()?;
        Ok(true)
    }

    fn port_failed(&mut self, error: P::Error) -> Input<'static> {
        self.error = Some(Error::Port(error));
        self.port_lost()
    }

    fn port_lost(&mut self) -> Input<'static> {
        self.port.close();
        self.open = false;
        Input::PortLost
    }

    /// Tells the scan how things stand, as far as it wants to know. The service first: a byte that came while
    /// somebody else had the port is nobody's answer.
    pub(super) fn look(&mut self, now: Instant) {
        let Watch { service, .. } = self.scanner.watch();
        if service {
            match self.supervisor.status() {
                Ok(status) if self.last_service == Some(status) => {}
                Ok(status) => {
                    self.last_service = Some(status);
                    self.feed(now, Input::Service(status));
                }
                Err(error) => self.status_failed(error),
            }
        }
        if self.scanner.watch().remains {
            match self.supervisor.remains() {
                Ok(remains) => self.feed(now, Input::Remains(remains)),
                Err(error) => self.status_failed(error),
            }
        }
        if self.scanner.watch().link {
            match self.supervisor.link_up() {
                Ok(up) if up == self.last_link => {}
                Ok(up) => {
                    self.last_link = up;
                    self.feed(now, Input::Link(up));
                }
                Err(error) => self.status_failed(error),
            }
        } else {
            self.last_link = false;
        }
    }

    fn status_failed(&mut self, error: nb::Error<S::Error>) {
        if let nb::Error::Other(error) = error {
            self.error.get_or_insert(Error::Status(error));
        }
    }

    /// Reads what is there: how much; `None` where nothing is, or the port is gone.
    pub(super) fn receive(&mut self, now: Instant, buffer: &mut [u8]) -> Option<usize> {
        let read = match self.port.read_ready() {
            Ok(false) => return None,
            Ok(true) => self.port.read(buffer),
            Err(error) => Err(error),
        };
        let lost = match read {
            // The end of a line that does not end: the device is gone.
            Ok(0) => self.port_lost(),
            Ok(count) => return Some(count),
            Err(error) => self.port_failed(error),
        };
        self.feed(now, lost);
        None
    }
}
