//! Carries out what the scan decides: the only place with generics, and the only one that touches a port.
//!
//! [`Driver::poll`] does what can be done now and answers with an [`Event`] or `WouldBlock`. Call it again when the port
//! is readable, when something about the service changed, and when [`Driver::next_deadline`] has passed: that deadline
//! is the waker that `nb` lacks.
//!
//! An error that lasts is told once, when it begins, and again when it begins anew: it never keeps `poll` from `WouldBlock`.
//! Damaged bytes (an error of the kind `InvalidData`, or `Interrupted`) tear the line under way and no more; any other error
//! of the port is its loss.

use core::fmt;
use core::time::Duration;

use crate::at::line::Lines;
use crate::port::Port;
use crate::scan::gate::Request;
use crate::scan::scanner::sooner;
use crate::scan::{Event, Input, Policy, Refused, Scanner};
use crate::selection::Selection;
use crate::supervisor::Supervisor;
use crate::time::Instant;

mod hands;

use hands::{Hands, Received};

/// Bytes read at once.
const READ_LEN_MAX: usize = 64;

/// Reads in one poll, at most: 115,200 baud bring 64 bytes in 5.6 ms, so this is more than a poll's worth, and a port
/// that never runs dry cannot keep a poll from ending.
const READS_MAX: usize = 64;

/// Until an action is tried again that answered `WouldBlock`, where nothing wakes the caller before.
pub const PENDING_AGAIN: Duration = Duration::from_millis(250);

/// Until the supervisor is asked again for a status that it failed to give, where nothing wakes the caller before.
pub const STATUS_AGAIN: Duration = Duration::from_secs(1);

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

/// A scan, its port and its supervisor.
///
/// One thing is fed to the scan at a time, and all that it asks for is tried before the next: an action that fails does
/// not keep the ones behind it from being carried out (giving the service back is often the second).
#[derive(Debug)]
pub struct Driver<P: Port, S: Supervisor> {
    /// Beside the rest: it lends its bytes to the scan.
    lines: Lines,
    hands: Hands<P, S>,
}

impl<P: Port, S: Supervisor> Driver<P, S> {
    /// Idle.
    pub fn new(port: P, supervisor: S, policy: Policy) -> Self {
        Self::resume(port, supervisor, Scanner::new(policy))
    }

    /// With a machine that remembers the scans before.
    pub fn resume(port: P, supervisor: S, scanner: Scanner) -> Self {
        Self { lines: Lines::new(), hands: Hands::new(port, supervisor, scanner) }
    }

    /// Asks for a scan; whether it is served comes as an event.
    pub fn request(&mut self, now: Instant, request: Request) {
        self.hands.feed(now, Input::Start(request));
    }

    /// Restores the registration of a modem that a dead scan has left: state 12 alone. [`Report::restored`] tells
    /// what came of it.
    ///
    /// [`Report::restored`]: crate::scan::Report::restored
    pub fn restore(&mut self, now: Instant, selection: Selection) {
        self.hands.feed(now, Input::Restore(selection));
    }

    /// Ends the scan under way, as soon as all is given back.
    pub fn abort(&mut self, now: Instant) {
        self.hands.feed(now, Input::Abort);
    }

    /// Does what can be done now, a bounded amount of it.
    ///
    /// # Errors
    /// `WouldBlock` until there is an event. Any other error is one of the port or the supervisor; the scan has been
    /// told of it and the next call goes on.
    pub fn poll(&mut self, now: Instant) -> nb::Result<Event, Error<P::Error, S::Error>> {
        self.hands.carry_out(now);
        self.hands.look(now);
        self.read(now);
        if self.hands.scanner.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.hands.feed(now, Input::Timeout);
            // What it asked for may have brought it to where it wants to know how things stand.
            self.hands.look(now);
        }
        if let Some(event) = self.hands.events.pop_front() {
            return Ok(event);
        }
        Err(self.hands.error.take().map_or(nb::Error::WouldBlock, nb::Error::Other))
    }

    /// When [`Driver::poll`] is to be called at the latest: the scan's own deadline, [`PENDING_AGAIN`] and [`STATUS_AGAIN`].
    /// Once `poll` has answered `WouldBlock` it lies ahead.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let again_at = sooner(self.hands.pending_again_at, self.hands.status_again_at);
        sooner(self.hands.scanner.next_deadline(), again_at)
    }

    /// The machine.
    #[must_use]
    pub const fn scanner(&self) -> &Scanner {
        &self.hands.scanner
    }

    /// The machine, to remember carriers in.
    pub const fn scanner_mut(&mut self) -> &mut Scanner {
        &mut self.hands.scanner
    }

    /// The port, to wait on.
    #[must_use]
    pub const fn port(&self) -> &P {
        &self.hands.port
    }

    /// The supervisor, to wait on.
    #[must_use]
    pub const fn supervisor(&self) -> &S {
        &self.hands.supervisor
    }

    /// The supervisor, to take in what woke the caller.
    pub const fn supervisor_mut(&mut self) -> &mut S {
        &mut self.hands.supervisor
    }

    /// Whether all that was decided has been carried out. After the end of a scan the release may still be waiting behind
    /// a slow backend.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.hands.is_settled()
    }

    /// Whether the port is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.hands.open
    }

    /// Gives the port and the supervisor back.
    pub fn into_parts(self) -> (P, S) {
        (self.hands.port, self.hands.supervisor)
    }

    fn read(&mut self, now: Instant) {
        for _ in 0..READS_MAX {
            if !self.hands.open {
                return;
            }
            if core::mem::take(&mut self.hands.fresh) {
                self.lines.clear();
            }
            let mut buffer = [0; READ_LEN_MAX];
            let count = match self.hands.receive(now, &mut buffer) {
                Received::Bytes(count) => count,
                Received::Damaged => {
                    self.lines.tear();
                    0
                }
                Received::Nothing => return,
            };
            let mut bytes = buffer.get(..count).unwrap_or_default();
            while let Some(line) = self.lines.next(&mut bytes) {
                self.hands.feed(now, Input::Line(line));
            }
        }
    }
}

#[cfg(test)]
mod tests;
