//! Waits for conditions, with a deadline, instead of for a fixed time.

use std::thread;
use std::time::{Duration, Instant};

/// The poll interval of a condition.
const LOOK: Duration = Duration::from_millis(3);

/// Waits until `holds`.
///
/// # Panics
///
/// When it does not hold within `limit`; the message has `what` was waited for.
#[track_caller]
pub fn wait_until(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(limit, what, || holds().then_some(()));
}

/// Waits until `look` sees something, and returns it.
///
/// # Panics
///
/// When it sees nothing within `limit`.
#[track_caller]
pub fn wait_for<T>(limit: Duration, what: &str, look: impl FnMut() -> Option<T>) -> T {
    let Some(seen) = look_for(limit, look) else {
        panic!("not within {limit:?}: {what}");
    };
    seen
}

/// As [`wait_for`], for callers with a message of their own: `None` where it did not come in time.
#[must_use]
pub fn look_for<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(LOOK);
    }
}
