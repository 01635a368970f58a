//! Carries out what the scan decides: the only place with generics, and the only one that touches a port.
//!
//! [`Driver::poll`] does what can be done now and answers with an [`Event`] or `WouldBlock`. Call it again when the port
//! is readable, when something about the service changed, and when [`Driver::next_deadline`] has passed: that deadline
//! is the waker that `nb` lacks.

use core::fmt;

use heapless::Deque;

use crate::at::line::Lines;
use crate::port::Port;
use crate::scan::gate::Request;
use crate::scan::{Action, Event, Input, Policy, Refused, Scanner, Selection, Watch};
use crate::supervisor::{ServiceStatus, Supervisor};
use crate::time::Instant;

/// Bytes read at once.
const READ_LEN_MAX: usize = 64;

/// Reads in one poll, at most: 115,200 baud bring 64 bytes in 5.6 ms, so this is more than a poll's worth, and a port
/// that never runs dry cannot keep a poll from ending.
const READS_MAX: usize = 64;

/// Actions that wait for a slow one (a backend that runs a program), at most: those of two steps.
const PENDING_MAX: usize = 48;

/// Events that nobody has fetched, at most; the oldest goes, the state tells itself.
const EVENTS_MAX: usize = 32;

/// What went wrong while an action was carried out. The scan was told and goes on; this is for whoever keeps a log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<P, S> {
    /// Of the port.
    Port(P),
    /// Of the supervisor, asked to do this.
    Supervisor(Refused, S),
    /// Of the supervisor, asked how things stand.
    Status(S),
}

impl<P: fmt::Display, S: fmt::Display> fmt::Display for Error<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(error) => write!(f, "port: {error}"),
            Self::Supervisor(Refused::Take, error) => write!(f, "unable to take the service: {error}"),
            Self::Supervisor(Refused::Ask, error) => write!(f, "unable to ask the supervisor: {error}"),
            Self::Supervisor(Refused::Signal, error) => write!(f, "unable to signal what remains: {error}"),
            Self::Supervisor(Refused::Release, error) => write!(f, "unable to release the lease: {error}"),
            Self::Status(error) => write!(f, "unable to tell how the service stands: {error}"),
        }
    }
}

impl<P: core::error::Error + 'static, S: core::error::Error + 'static> core::error::Error for Error<P, S> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Port(error) => Some(error),
            Self::Supervisor(_, error) | Self::Status(error) => Some(error),
        }
    }
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

/// A scan, its port and its supervisor.
///
/// One thing is fed to the scan at a time, and all that it asks for is tried before the next: an action that fails does
/// not keep the ones behind it from being carried out (giving the service back is often the second).
#[derive(Debug)]
pub struct Driver<P: Port, S: Supervisor> {
    port: P,
    supervisor: S,
    scanner: Scanner,
    lines: Lines,
    open: bool,
    last_service: Option<ServiceStatus>,
    last_link: bool,
    pending: Deque<Action, PENDING_MAX>,
    events: Deque<Event, EVENTS_MAX>,
    error: Option<Error<P::Error, S::Error>>,
}

impl<P: Port, S: Supervisor> Driver<P, S> {
    /// Idle.
    pub fn new(port: P, supervisor: S, policy: Policy) -> Self {
        Self::resume(port, supervisor, Scanner::new(policy))
    }

    /// With a machine that remembers the scans before.
    pub fn resume(port: P, supervisor: S, scanner: Scanner) -> Self {
        Self {
            port,
            supervisor,
            scanner,
            lines: Lines::new(),
            open: false,
            last_service: None,
            last_link: false,
            pending: Deque::new(),
            events: Deque::new(),
            error: None,
        }
    }

    /// Asks for a scan; whether it is served comes as an event.
    pub fn request(&mut self, now: Instant, request: Request) {
        self.feed(now, Input::Start(request));
    }

    /// Restores the registration of a modem that a dead scan has left: state 12 alone. [`Report::restored`] tells
    /// what came of it.
    ///
    /// [`Report::restored`]: crate::scan::Report::restored
    pub fn restore(&mut self, now: Instant, selection: Selection) {
        self.feed(now, Input::Restore(selection));
    }

    /// Ends the scan under way, as soon as all is given back.
    pub fn abort(&mut self, now: Instant) {
        self.feed(now, Input::Abort);
    }

    /// Does what can be done now, a bounded amount of it.
    ///
    /// # Errors
    /// `WouldBlock` until there is an event. Any other error is one of the port or the supervisor; the scan has been
    /// told of it and the next call goes on.
    pub fn poll(&mut self, now: Instant) -> nb::Result<Event, Error<P::Error, S::Error>> {
        self.carry_out(now);
        self.look(now);
        self.read(now);
        if self.scanner.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.feed(now, Input::Timeout);
            // What it asked for may have brought it to where it wants to know how things stand.
            self.look(now);
        }
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        Err(self.error.take().map_or(nb::Error::WouldBlock, nb::Error::Other))
    }

    /// When [`Driver::poll`] is to be called at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.scanner.next_deadline()
    }

    /// The machine.
    #[must_use]
    pub const fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// The machine, to remember carriers in.
    pub const fn scanner_mut(&mut self) -> &mut Scanner {
        &mut self.scanner
    }

    /// The port, to wait on.
    #[must_use]
    pub const fn port(&self) -> &P {
        &self.port
    }

    /// The supervisor, to wait on.
    #[must_use]
    pub const fn supervisor(&self) -> &S {
        &self.supervisor
    }

    /// The supervisor, to take in what woke the caller.
    pub const fn supervisor_mut(&mut self) -> &mut S {
        &mut self.supervisor
    }

    /// Whether all that was decided has been carried out. After the end of a scan the release may still be waiting behind
    /// a slow backend.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether the port is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Gives the port and the supervisor back.
    pub fn into_parts(self) -> (P, S) {
        (self.port, self.supervisor)
    }

    fn feed(&mut self, now: Instant, input: Input<'_>) {
        self.step(now, input);
        self.carry_out(now);
    }

    /// One step; what it asks for is queued.
    fn step(&mut self, now: Instant, input: Input<'_>) {
        // By reference: what a vector gives out by value may panic when it is dropped half way.
        for action in &self.scanner.step(now, input) {
            match *action {
                Action::Report(event) => {
                    self.tell(event);
                    continue;
                }
                Action::ClosePort => self.forget_opening(),
                Action::Take
                | Action::Ask(_)
                | Action::Signal(_)
                | Action::OpenPort
                | Action::Note(_)
                | Action::Send(_)
                | Action::Release => {}
            }
            if let Err(action) = self.pending.push_back(*action) {
                // Two steps' worth is waiting for a backend that does not end: what is asked last matters most, and
                // the oldest goes.
                self.pending.pop_front();
                let kept = self.pending.push_back(action);
                debug_assert!(kept.is_ok(), "room was made above");
            }
        }
    }

    /// A port that is still on its way must not keep what follows from being done: it is let go, not waited for.
    fn forget_opening(&mut self) {
        for _ in 0..self.pending.len() {
            if let Some(action) = self.pending.pop_front()
                && action != Action::OpenPort
            {
                let kept = self.pending.push_back(action);
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
    fn carry_out(&mut self, now: Instant) {
        for _ in 0..PENDING_MAX {
            let Some(action) = self.pending.pop_front() else { return };
            let input = match self.perform(action) {
                Done::Later => return,
                Done::Silently => continue,
                Done::With(input) => input,
            };
            self.step(now, input);
        }
    }

    fn perform(&mut self, action: Action) -> Done {
        let (done, refused) = match action {
            Action::Report(event) => {
                self.tell(event);
                return Done::Silently;
            }
            Action::ClosePort => {
                self.port.close();
                self.open = false;
                return Done::Silently;
            }
            Action::OpenPort => match self.port.open() {
                Ok(()) => {
                    self.open = true;
                    self.lines.clear();
                    return Done::With(Input::PortOpened);
                }
                Err(nb::Error::WouldBlock) => return self.put_back(action),
                Err(nb::Error::Other(error)) => return Done::With(self.port_failed(error)),
            },
            Action::Send(outgoing) => {
                if !self.open {
                    return Done::Silently;
                }
                return match self.send(&outgoing.bytes()) {
                    Ok(true) => Done::Silently,
                    Ok(false) => Done::With(self.port_lost()),
                    Err(error) => Done::With(self.port_failed(error)),
                };
            }
            Action::Take => match self.supervisor.take() {
                Ok(found) => {
                    self.last_service = None;
                    if let Some(selection) = self.supervisor.noted() {
                        self.scanner.inherit(selection);
                    }
                    return Done::With(Input::Taken(found));
                }
                Err(error) => (Err(error), Refused::Take),
            },
            Action::Ask(want) => {
                // The record is read anew behind a request: also one that changes nothing is to be seen.
                self.last_service = None;
                (self.supervisor.ask(want), Refused::Ask)
            }
            Action::Note(selection) => {
                self.supervisor.note(selection);
                return Done::Silently;
            }
            Action::Signal(signal) => (self.supervisor.signal(signal), Refused::Signal),
            Action::Release => (self.supervisor.release(), Refused::Release),
        };
        match done {
            Ok(()) => Done::Silently,
            Err(nb::Error::WouldBlock) => self.put_back(action),
            Err(nb::Error::Other(error)) => {
                self.error = Some(Error::Supervisor(refused, error));
                Done::With(Input::Refused(refused))
            }
        }
    }

    fn put_back(&mut self, action: Action) -> Done {
        let kept = self.pending.push_front(action);
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
    fn look(&mut self, now: Instant) {
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

    fn read(&mut self, now: Instant) {
        for _ in 0..READS_MAX {
            if !self.open {
                return;
            }
            let mut buffer = [0; READ_LEN_MAX];
            let read = match self.port.read_ready() {
                Ok(false) => return,
                Ok(true) => self.port.read(&mut buffer),
                Err(error) => Err(error),
            };
            match read {
                // The end of a line that does not end: the device is gone.
                Ok(0) => {
                    let lost = self.port_lost();
                    self.feed(now, lost);
                }
                Ok(count) => self.split(now, buffer.get(..count).unwrap_or_default()),
                Err(error) => {
                    let lost = self.port_failed(error);
                    self.feed(now, lost);
                }
            }
        }
    }

    fn split(&mut self, now: Instant, mut bytes: &[u8]) {
        // Taken out while it lends its bytes to the scan.
        let mut lines = core::mem::take(&mut self.lines);
        while let Some(line) = lines.next(&mut bytes) {
            self.feed(now, Input::Line(line));
        }
        self.lines = lines;
    }
}
