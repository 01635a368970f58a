//! The clock of the host: the core takes time as an argument, and the host gets it here.

use cellscan_core::time::Instant;
use rustix::time::{ClockId, DynamicClockId, clock_gettime, clock_gettime_dynamic};

/// Milliseconds since boot, time asleep included (`CLOCK_BOOTTIME`, `clock_gettime(2)`).
///
/// The link of a suspended gateway is away for that long, so time asleep counts against every deadline.
/// Wall time does not work here: it jumps at the first time synchronisation, which comes with the link.
///
/// ```
/// let clock = cellscan_linux::clock::Clock::new();
/// let first = clock.now();
/// assert!(clock.now() >= first);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    boottime: bool,
}

impl Clock {
    /// The clock over `CLOCK_BOOTTIME`, or over `CLOCK_MONOTONIC` where the kernel or a sandbox has no other.
    #[must_use]
    pub fn new() -> Self {
        Self { boottime: clock_gettime_dynamic(DynamicClockId::Boottime).is_ok() }
    }

    /// A clock as on a kernel without `CLOCK_BOOTTIME`.
    #[cfg(test)]
    pub(crate) const fn monotonic() -> Self {
        Self { boottime: false }
    }

    /// Whether time asleep counts: the clock is `CLOCK_BOOTTIME`, and its milliseconds are those of a timer on that clock.
    pub(crate) const fn is_boottime(self) -> bool {
        self.boottime
    }

    /// The time now. Rounded down, while deadlines round up: no timer fires early.
    #[must_use]
    pub fn now(&self) -> Instant {
        let boottime =
            if self.boottime { clock_gettime_dynamic(DynamicClockId::Boottime).ok() } else { None };
        let now = boottime.unwrap_or_else(|| clock_gettime(ClockId::Monotonic));
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
        Instant::from_millis(seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_agrees_with_the_uptime_of_the_kernel() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let millis = Clock::new().now().as_millis();
        #[expect(clippy::cast_precision_loss, reason = "an uptime in milliseconds is far below 2^52")]
        let apart = (millis as f64 - seconds * 1_000.0).abs();
        assert!(apart < 60_000.0, "clock {millis} ms, /proc/uptime {seconds} s");
    }
}
