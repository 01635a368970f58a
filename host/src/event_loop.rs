//! One `poll(2)` over the line, the supervisor, the link and the signals; the time-out is the next deadline.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cellscan_core::time::Instant;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

use crate::clock::Clock;

/// How long one wait lasts at most, so that a deadline that a bug lost costs a minute and not the gateway.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// What ended a [`wait`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ready {
    /// One entry for each descriptor given, in order: whether it is readable, hung up or in error.
    pub fds: Vec<bool>,
    /// Nothing was ready before the deadline (or before [`WAIT_MAX`]).
    pub timed_out: bool,
}

impl Ready {
    /// Whether the descriptor at `index` has something to say.
    #[must_use]
    pub fn is_ready(&self, index: usize) -> bool {
        self.fds.get(index).copied().unwrap_or(false)
    }
}

/// Waits until one of `fds` is readable, hung up or in error, or until `deadline`; `None` waits [`WAIT_MAX`].
///
/// An interrupted call (`EINTR`) is resumed with what is left of the time, so a signal is noticed through
/// [`Signals`] and never through an early return. The time-out is rounded up to milliseconds by construction:
/// `Instant` has no finer grain.
///
/// # Errors
/// What `poll(2)` fails with other than `EINTR`: too many descriptors (`EINVAL`) or no memory.
pub fn wait(fds: &[BorrowedFd<'_>], deadline: Option<Instant>, clock: Clock) -> io::Result<Ready> {
    let limit = clock.now() + WAIT_MAX;
    let until = deadline.map_or(limit, |deadline| deadline.min(limit));
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    loop {
        let left = until.saturating_since(clock.now());
        match poll(&mut polled, Some(&timespec(left))) {
            Ok(count) => {
                let fds = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
                return Ok(Ready { fds, timed_out: count == 0 });
            }
            // `left` shrinks with the clock, so that a stream of signals cannot keep this loop alive.
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// A span as `poll(2)` takes it, [`WAIT_MAX`] at most.
#[must_use]
pub(crate) fn timespec(span: Duration) -> Timespec {
    Timespec::try_from(span.min(WAIT_MAX)).unwrap_or_default()
}

/// Waits up to `limit` for one descriptor to answer to `flags`; `false` when it did not.
pub(crate) fn wait_one(
    fd: BorrowedFd<'_>,
    flags: PollFlags,
    limit: Duration,
    clock: Clock,
) -> Result<bool, Errno> {
    let until = clock.now() + limit;
    loop {
        let left = until.saturating_since(clock.now());
        match poll(&mut [PollFd::from_borrowed_fd(fd, flags)], Some(&timespec(left))) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// A signal that asks a scan to end in good order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stop {
    /// `SIGINT`: someone at the terminal.
    Interrupt,
    /// `SIGTERM`: the supervisor of the scan itself.
    Terminate,
    /// `SIGHUP`: the terminal went away.
    HangUp,
}

impl Stop {
    /// What people are told. A second signal does not skip the giving back.
    #[must_use]
    pub const fn announcement(self, again: bool) -> &'static str {
        match (self, again) {
            (_, true) => "the scan is ending already; the service is given back first",
            (Self::Interrupt, false) => "SIGINT: the scan ends, and the service is given back",
            (Self::Terminate, false) => "SIGTERM: the scan ends, and the service is given back",
            (Self::HangUp, false) => "SIGHUP: the scan ends, and the service is given back",
        }
    }
}

/// The signals of the process, as a descriptor to wait for.
///
/// While this lives, the three signals no longer end the process: whoever holds it has to ask it.
#[derive(Debug)]
pub struct Signals {
    pipe: UnixStream,
    came: [(Stop, Arc<AtomicBool>); 3],
    registered: Vec<SigId>,
}

impl Signals {
    /// Catches `SIGINT`, `SIGTERM` and `SIGHUP` from now on.
    ///
    /// # Errors
    /// The socket pair or a handler could not be made (`sigaction(2)`). Nothing is caught then.
    pub fn catch() -> io::Result<Self> {
        let (pipe, write_end) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        write_end.set_nonblocking(true)?;
        let came = [Stop::Interrupt, Stop::Terminate, Stop::HangUp]
            .map(|stop| (stop, Arc::new(AtomicBool::new(false))));
        let mut signals = Self { pipe, came, registered: Vec::new() };
        for (number, index) in [(SIGINT, 0), (SIGTERM, 1), (SIGHUP, 2)] {
            let Some((_, came)) = signals.came.get(index) else { continue };
            // The flag comes first: whoever reads the byte finds it set.
            let flag = flag::register(number, Arc::clone(came))?;
            signals.registered.push(flag);
            signals.registered.push(low_level::pipe::register(number, write_end.try_clone()?)?);
        }
        Ok(signals)
    }

    /// The signal that came since the last call, if any; of several the one that leaves the least time.
    pub fn take(&mut self) -> Option<Stop> {
        let mut buf = [0; 64];
        // A byte that stays behind only means one more, empty, wake-up.
        while matches!(self.pipe.read(&mut buf), Ok(count) if count == buf.len()) {}
        let mut found = None;
        for (stop, came) in &self.came {
            if came.swap(false, Ordering::SeqCst) {
                found = match (found, *stop) {
                    (Some(Stop::Terminate), _) | (_, Stop::Terminate) => Some(Stop::Terminate),
                    (None, other) => Some(other),
                    (Some(first), _) => Some(first),
                };
            }
        }
        found
    }
}

impl AsFd for Signals {
    /// Readable when a signal came.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.registered.drain(..) {
            low_level::unregister(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_wait_ends_at_its_deadline_and_not_before() {
        let clock = Clock::new();
        let deadline = clock.now() + Duration::from_millis(30);
        let (quiet, _other) = UnixStream::pair().unwrap();
        let ready = wait(&[quiet.as_fd()], Some(deadline), clock).unwrap();
        assert!(ready.timed_out && !ready.is_ready(0));
        assert!(clock.now() >= deadline, "a timer never fires early");
    }

    #[test]
    fn a_wait_says_which_descriptor_is_ready_and_a_past_deadline_only_looks() {
        let clock = Clock::new();
        let (quiet, _other) = UnixStream::pair().unwrap();
        let (loud, mut other) = UnixStream::pair().unwrap();
        other.write_all(b"x").unwrap();
        let ready = wait(&[quiet.as_fd(), loud.as_fd()], Some(Instant::ZERO), clock).unwrap();
        assert_eq!(ready.fds, [false, true]);
        assert!(!ready.timed_out && !ready.is_ready(7));
    }

    #[test]
    fn a_signal_wakes_the_wait_and_is_named() {
        let clock = Clock::new();
        let mut signals = Signals::catch().unwrap();
        assert_eq!(signals.take(), None);
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
        let ready = wait(&[signals.as_fd()], Some(clock.now() + Duration::from_secs(5)), clock).unwrap();
        assert!(ready.is_ready(0));
        assert_eq!(signals.take(), Some(Stop::Terminate));
        assert_eq!(signals.take(), None);
    }
}
