//! What the program inherits from the process that started it, and what it does about that.
//!
//! | inherited | what the program does |
//! | --- | --- |
//! | SIGHUP ignored (`nohup`, over the very link that a scan takes) | leaves it: the end of a login ends no scan |
//! | SIGINT, SIGTERM, SIGHUP blocked | unblocks them: otherwise only SIGKILL could end a scan |
//! | a limit on the size of files (`RLIMIT_FSIZE`) | a write beyond it fails, as on a full disk, and no SIGXFSZ kills the program |
//!
//! `exec` resets handlers and keeps ignored signals: a program started from here (`sv`, a `pppd`) ignores what this program was
//! started with, and has none of them blocked.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sys::signal::{SigSet, Signal};

/// The signals that ask the program to end.
const STOPS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Sets that up. To be called first, while there is one thread.
///
/// A step that fails leaves the inherited state, in which a scan can be done as well.
pub fn put_in_order() {
    let stops: SigSet = STOPS.into_iter().collect();
    let _stay_blocked = stops.thread_unblock();
    // Caught and not ignored: a program started from here would inherit the latter.
    if !is_ignored(Signal::SIGXFSZ) {
        let seen = Arc::new(AtomicBool::new(false));
        let _kills_then = signal_hook::flag::register(Signal::SIGXFSZ as i32, seen);
    }
}

/// Whether SIGHUP is ignored: it was when the program was started, unless this process has changed that.
pub(crate) fn ignores_hang_up() -> bool {
    is_ignored(Signal::SIGHUP)
}

fn is_ignored(signal: Signal) -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| is_in(&status, "SigIgn:", signal))
}

/// Whether a set of signals in `/proc/PID/status` contains this one (`proc_pid_status(5)`): hex digits, the lowest bit is signal 1.
fn is_in(status: &str, set: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix(set));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    let bit = (signal as u32).checked_sub(1).and_then(|bit| mask.checked_shr(bit));
    bit.is_some_and(|shifted| shifted & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_signals_is_read_from_its_lowest_bit() {
        let status = "SigBlk:\t0000000000000002\nSigIgn:\t0000000001001001\n";
        for (signal, expected) in [
            (Signal::SIGHUP, true),
            (Signal::SIGPIPE, true),
            (Signal::SIGXFSZ, true),
            (Signal::SIGINT, false),
            (Signal::SIGTERM, false),
        ] {
            assert_eq!(is_in(status, "SigIgn:", signal), expected, "{signal}");
        }
        assert!(is_in(status, "SigBlk:", Signal::SIGINT));
        assert!(!is_in("", "SigIgn:", Signal::SIGHUP) && !is_in("SigIgn:\tx", "SigIgn:", Signal::SIGHUP));
    }
}
