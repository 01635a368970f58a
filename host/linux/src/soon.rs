//! Waits for conditions in tests. Tests run in one process: a child that one of them starts has, between fork and exec, all files
//! that this process has open, a tty and a lock among them.

use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);

/// Waits until `holds`; returns whether it did in time.
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
