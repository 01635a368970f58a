//! What holds soon, for tests. They run in one process: a child that another of them starts has, between fork and exec, all that
//! this process has open, a tty and a lock among it.

use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);

/// Waits until `holds`; whether it did in time.
pub(crate) fn soon(mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + LIMIT;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
