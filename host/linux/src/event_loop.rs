//! One `poll(2)` over the line, the supervisor, the link and the signals; the time-out is the next deadline.
//!
//! Deadlines are on `CLOCK_BOOTTIME`, and `poll(2)` sleeps on monotonic time, which stands still while the machine is
//! suspended: a timer on the clock of the deadline is among what is polled.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cellscan_core::time::Instant;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

use crate::clock::Clock;
use crate::starting;

/// How long one wait lasts at most, so that a deadline that a bug lost costs a minute and not the gateway.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// A shorter wait has no timer of its own: a suspension makes it late by as much at most.
const ALARM_FROM: Duration = Duration::from_secs(1);

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
/// `Instant` has no finer grain. A deadline that a suspension has passed ends the wait as soon as the machine is awake.
///
/// # Errors
/// What `poll(2)` fails with other than `EINTR`: too many descriptors (`EINVAL`) or no memory.
pub fn wait(fds: &[BorrowedFd<'_>], deadline: Option<Instant>, clock: Clock) -> io::Result<Ready> {
    let limit = clock.now() + WAIT_MAX;
    let until = deadline.map_or(limit, |deadline| deadline.min(limit));
    let polled = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    let fds = poll_until(polled, until, clock, WAIT_MAX)?;
    let timed_out = !fds.contains(&true);
    Ok(Ready { fds, timed_out })
}

/// A span as `poll(2)` takes it, [`WAIT_MAX`] at most.
#[must_use]
pub(crate) fn timespec(span: Duration) -> Timespec {
    Timespec::try_from(span.min(WAIT_MAX)).unwrap_or_default()
}

/// Waits up to `limit`, however long that is, for one descriptor to answer to `flags`; `false` when it did not.
///
/// # Errors
/// The kernel refused to wait.
pub fn wait_one(fd: BorrowedFd<'_>, flags: PollFlags, limit: Duration, clock: Clock) -> Result<bool, Errno> {
    wait_one_capped(fd, flags, limit, clock, WAIT_MAX)
}

fn wait_one_capped(
    fd: BorrowedFd<'_>,
    flags: PollFlags,
    limit: Duration,
    clock: Clock,
    cap: Duration,
) -> Result<bool, Errno> {
    let until = clock.now() + limit;
    let ready = poll_until(vec![PollFd::from_borrowed_fd(fd, flags)], until, clock, cap)?;
    Ok(ready.contains(&true))
}

/// Polls until one answers or `until` is reached; which did. One call of `poll(2)` lasts `cap` at most, and is no answer.
fn poll_until(
    polled: Vec<PollFd<'_>>,
    until: Instant,
    clock: Clock,
    cap: Duration,
) -> Result<Vec<bool>, Errno> {
    let asked = polled.len();
    let alarm = if until.duration_since(clock.now()) < ALARM_FROM { None } else { alarm(until, clock) };
    let mut polled = polled;
    polled.extend(alarm.iter().map(|alarm| PollFd::new(alarm, PollFlags::IN)));
    loop {
        let left = until.duration_since(clock.now());
        match poll(&mut polled, Some(&timespec(left.min(cap)))) {
            Ok(_) => {
                let ready: Vec<bool> = polled.iter().take(asked).map(|fd| !fd.revents().is_empty()).collect();
                if ready.contains(&true) || until <= clock.now() {
                    return Ok(ready);
                }
            }
            // `left` shrinks with the clock, so that a stream of signals cannot keep this loop alive.
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// A descriptor that is readable from `until` on, time asleep included, which the time-out of `poll(2)` leaves out; `None`
/// where the kernel has none, or the clock is another: then the wait is late by what the machine slept.
fn alarm(until: Instant, clock: Clock) -> Option<OwnedFd> {
    if !clock.is_boottime() {
        return None;
    }
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    let timer = timerfd_create(TimerfdClockId::Boottime, flags).ok()?;
    let it_value = Timespec::try_from(Duration::from_millis(until.as_millis())).ok()?;
    let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value }).ok()?;
    Some(timer)
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
/// While this lives, the three signals no longer end the process: its owner has to ask it.
#[derive(Debug)]
pub struct Signals {
    pipe: UnixStream,
    came: [(Stop, Arc<AtomicBool>); 3],
    registered: Vec<SigId>,
}

impl Signals {
    /// Catches `SIGINT`, `SIGTERM` and `SIGHUP` from now on; a `SIGHUP` that is ignored (`nohup`) stays ignored.
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
            if number == SIGHUP && starting::ignores_hang_up() {
                continue;
            }
            let Some((_, came)) = signals.came.get(index) else { continue };
            // The flag comes first: the reader of the byte finds it set.
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
    use std::fs;
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::thread;

    use super::*;
    use crate::soon::soon;

    /// `CLOCK_BOOTTIME` (`linux/time.h`).
    const BOOTTIME: &str = "clockid: 7";

    #[test]
    fn the_alarm_is_a_time_of_the_clock_that_goes_on_while_the_machine_sleeps() {
        let clock = Clock::new();
        let until = clock.now() + Duration::from_millis(50);
        let alarm = alarm(until, clock).expect("this kernel has it");
        let told = fs::read_to_string(format!("/proc/self/fdinfo/{}", alarm.as_raw_fd())).unwrap();
        let absolute = told.lines().any(|line| line == "settime flags: 01");
        assert!(told.lines().any(|line| line == BOOTTIME) && absolute, "{told}");
        assert!(wait_one(alarm.as_fd(), PollFlags::IN, Duration::from_secs(60), clock).unwrap());
        assert!(clock.now() >= until);
    }

    #[test]
    fn a_wait_has_such_an_alarm_among_what_it_polls() {
        let clock = Clock::new();
        let (quiet, mut other) = UnixStream::pair().unwrap();
        let waiting = thread::spawn(move || wait(&[quiet.as_fd()], None, clock).unwrap());
        let seen = soon(|| {
            let infos = fs::read_dir("/proc/self/fdinfo").unwrap().filter_map(Result::ok);
            let mut told = infos.filter_map(|info| fs::read_to_string(info.path()).ok());
            // Other tests have shorter ones.
            told.any(|told| told.lines().any(|line| line == BOOTTIME) && told.contains("it_value: (5"))
        });
        other.write_all(b"x").unwrap();
        let ready = waiting.join().unwrap();
        assert!(seen, "no timer on CLOCK_BOOTTIME while it waited");
        assert_eq!(
            (ready.fds, ready.timed_out),
            (vec![true], false),
            "the alarm is none of the descriptors given"
        );
    }

    #[test]
    fn a_wait_of_more_than_a_second_ends_at_its_deadline_with_an_alarm_or_without() {
        for clock in [Clock::new(), Clock::monotonic()] {
            let deadline = clock.now() + ALARM_FROM + Duration::from_millis(10);
            assert_eq!(alarm(deadline, clock).is_some(), clock.is_boottime());
            let (quiet, _other) = UnixStream::pair().unwrap();
            let ready = wait(&[quiet.as_fd()], Some(deadline), clock).unwrap();
            assert!(ready.timed_out && ready.fds == [false]);
            assert!(clock.now() >= deadline);
        }
    }

    #[test]
    fn a_wait_for_one_lasts_its_whole_limit_beyond_the_cap_of_one_poll() {
        let clock = Clock::new();
        let cap = Duration::from_millis(5);
        let limit = cap * 10;
        let (quiet, _other) = UnixStream::pair().unwrap();
        let until = clock.now() + limit;
        assert_eq!(wait_one_capped(quiet.as_fd(), PollFlags::IN, limit, clock, cap), Ok(false));
        assert!(clock.now() >= until, "the cap is no answer");
        let (loud, mut other) = UnixStream::pair().unwrap();
        let writer = thread::spawn(move || {
            thread::sleep(cap * 4);
            other.write_all(b"x").unwrap();
            other
        });
        let long = Duration::from_secs(60);
        assert_eq!(wait_one_capped(loud.as_fd(), PollFlags::IN, long, clock, cap), Ok(true));
        writer.join().unwrap();
    }

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
