//! One descriptor for everything that a scan waits for.
//!
//! ```text
//! outer epoll (the application's; always the same) ──┬── timer: the next deadline
//!                                                    └── inner epoll: what the scan waits for now
//! ```
//!
//! The descriptors of a scan change, and a closed descriptor cannot be removed from an epoll by its number any
//! more. So the inner epoll is recreated each time, and the outer one forgets it when it is closed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use cellscan_core::time::Instant;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// Wakes the application.
#[derive(Debug)]
pub struct Waker {
    outer: OwnedFd,
    timer: OwnedFd,
    inner: Option<OwnedFd>,
}

impl Waker {
    /// A waker without anything to wait for.
    ///
    /// # Errors
    /// The kernel has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let outer = epoll::create(CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        // Time asleep counts, as for the scan; a sandbox may not have that clock.
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)
            .or_else(|_| timerfd_create(TimerfdClockId::Monotonic, flags))?;
        epoll::add(&outer, &timer, EventData::new_u64(0), EventFlags::IN)?;
        Ok(Self { outer, timer, inner: None })
    }

    /// Waits for these descriptors from now on, until `deadline` at the latest.
    ///
    /// # Errors
    /// The kernel has no descriptor left, or cannot wait for one of these. Then only the timer remains.
    pub fn wait_for(
        &mut self,
        fds: &[BorrowedFd<'_>],
        now: Instant,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        self.inner = None;
        self.arm(now, deadline)?;
        if fds.is_empty() {
            return Ok(());
        }
        let inner = epoll::create(CreateFlags::CLOEXEC)?;
        for fd in fds {
            match epoll::add(&inner, fd, EventData::new_u64(0), EventFlags::IN) {
                // A descriptor named twice is waited for once.
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        epoll::add(&self.outer, &inner, EventData::new_u64(1), EventFlags::IN)?;
        self.inner = Some(inner);
        Ok(())
    }

    /// Sets a span and not a time: a past deadline fires at once, and the timer's clock may differ from the scan's.
    fn arm(&self, now: Instant, deadline: Option<Instant>) -> io::Result<()> {
        let span = deadline.map_or(0, |deadline| deadline.as_millis().saturating_sub(now.as_millis()).max(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(span / 1_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(span % 1_000 * 1_000_000).unwrap_or(0),
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval, it_value })?;
        Ok(())
    }
}

impl AsFd for Waker {
    /// Readable when a poll is due.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.outer.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    fn is_ready(waker: &Waker, limit_ms: i64) -> bool {
        let limit = Timespec { tv_sec: 0, tv_nsec: limit_ms * 1_000_000 };
        poll(&mut [PollFd::new(waker, PollFlags::IN)], Some(&limit)).unwrap() > 0
    }

    #[test]
    fn it_wakes_for_the_present_descriptors_and_deadline_only() {
        let mut waker = Waker::new().unwrap();
        assert!(!is_ready(&waker, 0));
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let now = Instant::from_millis(1_000);
        waker.wait_for(&[theirs.as_fd(), theirs.as_fd()], now, None).unwrap();
        assert!(!is_ready(&waker, 0));
        ours.write_all(b"x").unwrap();
        assert!(is_ready(&waker, 0));
        waker.wait_for(&[], now, Some(Instant::from_millis(1_020))).unwrap();
        assert!(!is_ready(&waker, 0), "an earlier descriptor wakes no more");
        assert!(is_ready(&waker, 900));
        waker.wait_for(&[], now, None).unwrap();
        assert!(!is_ready(&waker, 0), "an earlier deadline wakes no more");
        waker.wait_for(&[], now, Some(Instant::ZERO)).unwrap();
        assert!(is_ready(&waker, 900), "a past deadline wakes at once");
    }
}
