//! The listening socket, which is left alone for a while where the kernel has no connection to give.
//!
//! A connection that cannot be accepted (`EMFILE`, `ENFILE`, `ENOMEM`) stays in the backlog, and the listener stays readable: it is
//! not polled again before a deadline, which grows with each failure. The backlog is bounded by the kernel.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use cellscan_core::time::Instant;
use rustix::io::Errno;

use crate::report::console;

/// The pause after the first failure, and the longest; each is twice the one before.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The listener.
#[derive(Debug)]
pub(super) struct Door {
    listener: UnixListener,
    /// Not before this instant is it looked at again.
    shut_until: Option<Instant>,
    /// How long it is left alone the next time.
    pause: Duration,
}

/// What one attempt to accept gave.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A connection.
    Came(UnixStream),
    /// This one is of no use; there may be another behind it.
    Lost,
    /// None that could be had now.
    None,
}

impl Door {
    pub(super) const fn new(listener: UnixListener) -> Self {
        Self { listener, shut_until: None, pause: PAUSE_MIN }
    }

    /// What to wait for; `None` while it is left alone.
    pub(super) fn wake_fd(&self) -> Option<BorrowedFd<'_>> {
        self.shut_until.is_none().then(|| self.listener.as_fd())
    }

    /// When it is to be looked at again.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.shut_until
    }

    /// The next connection.
    pub(super) fn accept(&mut self, now: Instant) -> Arrival {
        if self.shut_until.is_some_and(|until| now < until) {
            return Arrival::None;
        }
        self.shut_until = None;
        let accepted = self.listener.accept().and_then(|(stream, _)| {
            stream.set_nonblocking(true)?;
            Ok(stream)
        });
        self.judge(now, accepted)
    }

    /// Leaves it alone for a while.
    pub(super) fn shut(&mut self, now: Instant) {
        self.shut_until = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    fn judge(&mut self, now: Instant, accepted: io::Result<UnixStream>) -> Arrival {
        let error = match accepted {
            Ok(stream) => {
                self.pause = PAUSE_MIN;
                return Arrival::Came(stream);
            }
            Err(error) => error,
        };
        match Errno::from_io_error(&error) {
            Some(Errno::WOULDBLOCK) => Arrival::None,
            // The client has left before it was accepted, or a signal came.
            Some(Errno::CONNABORTED | Errno::INTR | Errno::PERM) => Arrival::Lost,
            _ => {
                // Each failure of one shortage would be a line.
                if self.pause == PAUSE_MIN {
                    console::complain("warning", &format!("unable to accept a connection: {error}"));
                }
                self.shut(now);
                Arrival::None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door() -> (tempfile::TempDir, Door) {
        let root = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(root.path().join("control")).unwrap();
        listener.set_nonblocking(true).unwrap();
        (root, Door::new(listener))
    }

    fn failing(errno: Errno) -> io::Result<UnixStream> {
        Err(errno.into())
    }

    #[test]
    fn after_an_accept_error_the_listener_is_not_polled_before_a_deadline() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS] {
            let (root, mut door) = door();
            let now = Instant::ZERO;
            assert!(door.wake_fd().is_some() && door.deadline().is_none());
            assert!(matches!(door.judge(now, failing(errno)), Arrival::None));
            assert!(door.wake_fd().is_none(), "{errno}");
            assert_eq!(door.deadline(), Some(now + PAUSE_MIN));
            let _client = UnixStream::connect(root.path().join("control")).unwrap();
            assert!(matches!(door.accept(now), Arrival::None), "not before the deadline");
            let later = now + PAUSE_MIN;
            assert!(matches!(door.accept(later), Arrival::Came(_)), "and then as before");
            assert!(door.wake_fd().is_some() && door.deadline().is_none());
        }
    }

    #[test]
    fn failures_one_after_another_are_further_and_further_apart_up_to_a_bound() {
        let (_root, mut door) = door();
        let (mut now, mut turns) = (Instant::ZERO, 0);
        while now < Instant::ZERO + Duration::from_secs(60) {
            assert!(matches!(door.judge(now, failing(Errno::MFILE)), Arrival::None));
            now = door.deadline().unwrap();
            turns += 1;
        }
        assert!((55..70).contains(&turns), "{turns} in a minute");
    }

    #[test]
    fn a_connection_that_was_lost_does_not_shut_the_listener() {
        let (_root, mut door) = door();
        for errno in [Errno::CONNABORTED, Errno::INTR] {
            assert!(matches!(door.judge(Instant::ZERO, failing(errno)), Arrival::Lost));
            assert!(door.wake_fd().is_some());
        }
        assert!(matches!(door.judge(Instant::ZERO, failing(Errno::WOULDBLOCK)), Arrival::None));
        assert!(door.wake_fd().is_some());
    }
}
