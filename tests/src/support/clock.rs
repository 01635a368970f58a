//! The clock that all logs of a bench share.

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` in milliseconds: the same in every process, and independent of the date.
#[must_use]
pub fn monotonic_ms() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000).saturating_add(u64::try_from(time.tv_nsec / 1_000_000).unwrap_or_default())
}
