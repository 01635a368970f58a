//! Carries out the scan's actions: the only place with generics, and the only one that touches a port.
//!
//! [`Driver::poll`] does what can be done now and answers with an [`Event`] or `WouldBlock`. Call it again when the port
//! is readable, when something about the service changed, and when [`Driver::next_deadline`] has passed: that deadline
//! is the waker that `nb` lacks.
//!
//! A persistent error is reported once, when it begins, and again when it recurs: it never keeps `poll` from `WouldBlock`.
//! Damaged bytes (an error of the kind `InvalidData`, or `Interrupted`) discard the current line and no more; any other
//! error of the port counts as the loss of the port.

use core::fmt;

use crate::at::line::Lines;
use crate::carrier::Remembered;
use crate::port::{Port, SansIo};
use crate::scan::deny::Denied;
use crate::scan::gate::Request;
use crate::scan::scanner::sooner;
use crate::scan::{Event, Input, Policy, Refused, Report, Scanner};
use crate::selection::Selection;
use crate::supervisor::Supervisor;
use crate::time::{Instant, Span};

mod executor;

use executor::{Executor, Received};

/// Bytes read at once.
const READ_LEN_MAX: usize = 64;

/// Reads in one poll, at most: 115,200 baud bring 64 bytes in 5.6 ms, so this is more than one poll needs, and a port
/// that always has bytes cannot keep a poll from ending.
const READS_MAX: usize = 64;

/// Time until the driver retries an action that answered `WouldBlock`, where nothing wakes the caller before.
pub const PENDING_AGAIN: Span = Span::from_millis(250);

/// Time until the driver reads a status again that the supervisor failed to give, where nothing wakes the caller before.
pub const STATUS_AGAIN: Span = Span::from_secs(1);

/// An error while an action was carried out. The scan already knows it and goes on; this is for the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<P, S> {
    /// Error of the port.
    Port(P),
    /// Error of the supervisor on this request.
    Supervisor(Refused, S),
    /// Error of the supervisor on a status query.
    Status(S),
}

impl<P: fmt::Display, S: fmt::Display> fmt::Display for Error<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(error) => write!(f, "port: {error}"),
            Self::Supervisor(Refused::Take, error) => write!(f, "unable to take the service: {error}"),
            Self::Supervisor(Refused::Ask, error) => write!(f, "unable to ask the supervisor: {error}"),
            Self::Supervisor(Refused::Signal, error) => {
                write!(f, "unable to signal the remaining processes: {error}")
            }
            Self::Supervisor(Refused::Release, error) => write!(f, "unable to release the lease: {error}"),
            Self::Status(error) => write!(f, "unable to read the status of the service: {error}"),
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
/// The driver feeds one input at a time to the scan, and tries all actions of a step before the next input: an action that
/// fails does not keep the later ones from being carried out (giving the service back is often the second).
///
/// Over any port with the traits of `embedded-io`:
///
/// ```
/// # use cellscan_core::scan::{Event, Outcome, Policy, gate::{Origin, Request}};
/// # use cellscan_core::{driver::Driver, port::{AlwaysOpen, Port}, supervisor::{Levels, OwnPpp, Supervisor}, time::Instant};
/// # use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
/// fn scan<P: Port, S: Supervisor>(driver: &mut Driver<P, S>, mut wait: impl FnMut(Instant) -> Instant) -> Outcome {
///     let mut now = wait(Instant::ZERO);
///     driver.request(now, Request { id: 1, origin: Origin::Manual });
///     loop {
///         match driver.poll(now) {
///             Ok(Event::Finished(outcome)) => return outcome,
///             Ok(_event) => {}
///             // For the log: the scan knows it, and goes on.
///             Err(nb::Error::Other(_error)) => {}
///             // Until a byte has come, or this instant.
///             Err(nb::Error::WouldBlock) => now = wait(driver.next_deadline().unwrap_or(Instant::MAX)),
///         }
///     }
/// }
/// # struct Silent;
/// # impl ErrorType for Silent { type Error = ErrorKind; }
/// # impl ReadReady for Silent { fn read_ready(&mut self) -> Result<bool, ErrorKind> { Ok(false) } }
/// # impl Read for Silent { fn read(&mut self, _: &mut [u8]) -> Result<usize, ErrorKind> { Ok(0) } }
/// # impl Write for Silent {
/// #     fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> { Ok(bytes.len()) }
/// #     fn flush(&mut self) -> Result<(), ErrorKind> { Ok(()) }
/// # }
/// # let mut driver = Driver::new(AlwaysOpen(Silent), OwnPpp::new(Levels::new()), Policy::DEFAULT);
/// // A UART without a modem.
/// assert!(matches!(scan(&mut driver, |until| until), Outcome::Failed(_)));
/// assert!(driver.report().given_back);
/// ```
///
/// With [`SansIo`] as its port the caller moves the bytes, see the example of the [crate].
#[derive(Debug)]
pub struct Driver<P: Port, S: Supervisor> {
    /// Kept outside `Executor` so that a borrowed line can be passed to it.
    lines: Lines,
    executor: Executor<P, S>,
}

impl<P: Port, S: Supervisor> Driver<P, S> {
    /// An idle driver.
    pub fn new(port: P, supervisor: S, policy: Policy) -> Self {
        Self::resume(port, supervisor, Scanner::new(policy))
    }

    /// An idle driver with a machine that remembers earlier scans.
    pub fn resume(port: P, supervisor: S, scanner: Scanner) -> Self {
        Self { lines: Lines::new(), executor: Executor::new(port, supervisor, scanner) }
    }

    /// Requests a scan; an event says when it is declined.
    pub fn request(&mut self, now: Instant, request: Request) {
        self.executor.feed(now, Input::Start(request));
    }

    /// Restores the registration of a modem after its scan died: state 12 alone. [`Report::restored`] is the result.
    ///
    /// [`Report::restored`]: crate::scan::Report::restored
    pub fn restore(&mut self, now: Instant, selection: Selection) {
        self.executor.feed(now, Input::Restore(selection));
    }

    /// Ends the current scan, as soon as modem and service are given back.
    pub fn abort(&mut self, now: Instant) {
        self.executor.feed(now, Input::Abort);
    }

    /// Does what can be done now, a bounded amount of work.
    ///
    /// # Errors
    /// `WouldBlock` until there is an event. Any other error is one of the port or the supervisor; the scan already knows
    /// it and the next call goes on.
    pub fn poll(&mut self, now: Instant) -> nb::Result<Event, Error<P::Error, S::Error>> {
        self.executor.carry_out(now);
        self.executor.look(now);
        self.read(now);
        if self.executor.scanner.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.executor.feed(now, Input::Timeout);
            // An action of that step may have led to a state that needs a new status.
            self.executor.look(now);
        }
        if let Some(event) = self.executor.events.pop_front() {
            return Ok(event);
        }
        Err(self.executor.error.take().map_or(nb::Error::WouldBlock, nb::Error::Other))
    }

    /// The latest time for the next [`Driver::poll`]: the scan's own deadline, [`PENDING_AGAIN`] or [`STATUS_AGAIN`].
    /// After `poll` has answered `WouldBlock` it is in the future.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let again_at = sooner(self.executor.pending_again_at, self.executor.status_again_at);
        sooner(self.executor.scanner.next_deadline(), again_at)
    }

    /// The report of the current scan, or of the last one.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.executor.report
    }

    /// The machine.
    #[must_use]
    pub const fn scanner(&self) -> &Scanner {
        &self.executor.scanner
    }

    /// Remembers a carrier for a quick or an adaptive scan, see [`Scanner::remember`].
    pub fn remember(&mut self, carrier: impl Into<Remembered>) {
        self.executor.scanner.remember(carrier);
    }

    /// Takes a carrier over into the deny list, see [`Scanner::deny`].
    pub fn deny(&mut self, denied: Denied) {
        self.executor.scanner.deny(denied);
    }

    /// The port, to wait on.
    #[must_use]
    pub const fn port(&self) -> &P {
        &self.executor.port
    }

    /// The supervisor, to wait on.
    #[must_use]
    pub const fn supervisor(&self) -> &S {
        &self.executor.supervisor
    }

    /// The supervisor, to hand it the event that woke the caller.
    pub const fn supervisor_mut(&mut self) -> &mut S {
        &mut self.executor.supervisor
    }

    /// Whether all actions have been carried out. After the end of a scan the release may still wait for a slow backend.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.executor.is_settled()
    }

    /// Whether the port is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.executor.open
    }

    /// Returns the port and the supervisor.
    pub fn into_parts(self) -> (P, S) {
        (self.executor.port, self.executor.supervisor)
    }

    fn read(&mut self, now: Instant) {
        for _ in 0..READS_MAX {
            if !self.executor.open {
                return;
            }
            if core::mem::take(&mut self.executor.fresh) {
                self.lines.clear();
            }
            let mut buffer = [0; READ_LEN_MAX];
            let count = match self.executor.receive(now, &mut buffer) {
                Received::Bytes(count) => count,
                Received::Damaged => {
                    self.lines.tear();
                    0
                }
                Received::Nothing => return,
            };
            self.take_in(now, buffer.get(..count).unwrap_or_default());
        }
    }

    fn take_in(&mut self, now: Instant, mut bytes: &[u8]) {
        while let Some(line) = self.lines.next(&mut bytes) {
            self.executor.feed(now, Input::Line(line));
        }
    }
}

/// For callers that move the bytes themselves.
impl<S: Supervisor> Driver<SansIo, S> {
    /// Takes in what the modem sent. Bytes that come while the port is closed are not the scan's, and are dropped. Poll until
    /// `WouldBlock` after it.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.executor.carry_out(now);
        // As in a poll: a byte that came while another process had the port is no answer.
        self.executor.look(now);
        if !self.executor.open {
            return;
        }
        if core::mem::take(&mut self.executor.fresh) {
            self.lines.clear();
        }
        self.take_in(now, bytes);
    }

    /// Bytes of the modem were lost or damaged (overrun, noise, parity): the current line is discarded.
    pub fn damaged(&mut self) {
        self.lines.tear();
    }

    /// The bytes to be sent to the modem, to be asked for after each poll. Say with [`Driver::transmitted`] how many were sent.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        self.executor.port.outgoing()
    }

    /// The first `count` bytes of [`Driver::transmit`] were sent.
    pub fn transmitted(&mut self, count: usize) {
        self.executor.port.sent(count);
    }

    /// The modem is gone, as a USB modem that resets itself: the scan opens the port again.
    pub fn lost(&mut self, now: Instant) {
        let input = self.executor.port_lost();
        self.executor.feed(now, input);
    }
}

#[cfg(test)]
mod tests;
