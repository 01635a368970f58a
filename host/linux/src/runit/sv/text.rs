//! What `sv` prints, runit's and busybox's: the words of the status are the same, those of trouble are not.

use std::io;
use std::path::Path;

use cellscan_core::supervisor::ServiceState;

use crate::runit::RunitError;
use crate::runit::status::StatusRecord;

/// Reads `run: NAME: (pid 33) 2s, want down, got TERM; run: log: …` (`sv.c: svstatus_print`). `None` for anything else.
pub(crate) fn status(line: &str, name: &str) -> Option<StatusRecord> {
    let (state, rest) = line.split_once(": ")?;
    let state = match state {
        "run" => ServiceState::Run,
        "down" => ServiceState::Down,
        "finish" => ServiceState::Finish,
        _ => return None,
    };
    let rest = rest.strip_prefix(name)?.strip_prefix(": ")?;
    let rest = rest.split(';').next()?;
    let pid = rest.strip_prefix("(pid ").and_then(|rest| rest.split_once(')')?.0.parse().ok());
    let has = |what| rest.split(", ").skip(1).any(|word| word == what);
    // `want up` is printed only without a process, `want down` only with one.
    let want_up = if state == ServiceState::Down { has("want up") } else { !has("want down") };
    let (paused, got_term) = (has("paused"), has("got TERM"));
    Some(StatusRecord { tai_seconds: 0, nanos: 0, pid, paused, want_up, got_term, state })
}

/// Why `sv` did not do as it was told, where its words are known.
///
/// | | runit (sv.c, djb's texts) | busybox (sv.c, strerror(3)) |
/// | --- | --- | --- |
/// | nobody supervises | `fail: S: runsv not running` | `warning: S: can't open supervise/ok: No such device or address` |
/// | never supervised | `warning: S: unable to open supervise/ok: file does not exist` | `…: No such file or directory` |
/// | no such directory | `fail: S: unable to change to service directory: file does not exist` | `fail: S: can't change to service directory: No such file or directory` |
/// | not allowed | `…: access denied` | `…: Permission denied` |
pub(crate) fn trouble(line: &str, dir: &Path) -> Option<RunitError> {
    let path = || dir.to_path_buf();
    let rest = line.strip_prefix("fail: ").or_else(|| line.strip_prefix("warning: "))?;
    let rest = rest.strip_prefix(&*dir.to_string_lossy())?.strip_prefix(": ")?;
    if rest == "runsv not running" {
        return Some(RunitError::NotSupervised { path: path() });
    }
    let (what, why) = rest.rsplit_once(": ")?;
    match why {
        "access denied" | "Permission denied" | "Operation not permitted" => {
            let source = io::ErrorKind::PermissionDenied.into();
            Some(RunitError::Denied { path: path(), source })
        }
        "device not configured" | "No such device or address" | "No such device" => {
            Some(RunitError::NotSupervised { path: path() })
        }
        "file does not exist" | "No such file or directory" if what.contains("service directory") => {
            Some(RunitError::NoService { path: path() })
        }
        "file does not exist" | "No such file or directory" if what.contains("supervise/") => {
            Some(RunitError::NeverSupervised { path: path() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (ServiceState, u32, bool, bool) {
        let record = status(line, "/sv/a").unwrap();
        (record.state, record.pid.map_or(0, std::num::NonZeroU32::get), record.want_up, record.got_term)
    }

    #[test]
    fn the_lines_that_sv_prints_are_read() {
        use ServiceState::{Down, Finish, Run};
        assert_eq!(read("run: /sv/a: (pid 33) 2s"), (Run, 33, true, false));
        assert_eq!(read("down: /sv/a: 0s"), (Down, 0, false, false));
        assert_eq!(read("down: /sv/a: 0s, normally up"), (Down, 0, false, false));
        assert_eq!(read("down: /sv/a: 0s, normally up, want up"), (Down, 0, true, false));
        assert_eq!(read("run: /sv/a: (pid 603) 0s, normally down"), (Run, 603, true, false));
        assert_eq!(read("run: /sv/a: (pid 343) 1s, want down, got TERM"), (Run, 343, false, true));
        assert_eq!(read("run: /sv/a: (pid 343) 1s, paused, want down"), (Run, 343, false, false));
        assert_eq!(read("finish: /sv/a: (pid 721) 2s, want down"), (Finish, 721, false, false));
        // Between the death of ./run and the fork of ./finish.
        assert_eq!(read("finish: /sv/a: (pid 0) 2s, normally up"), (Finish, 0, true, false));
        assert_eq!(read("run: /sv/a: (pid 7) 1s; run: log: (pid 6) 1s, want down"), (Run, 7, true, false));
        // A log directory that was made under its runsv: runit's words, and busybox's.
        for log in [
            "warning: /sv/a/log: unable to open supervise/ok: file does not exist",
            "warning: /sv/a/log: can't open supervise/ok: No such file or directory",
        ] {
            assert_eq!(read(&format!("run: /sv/a: (pid 845) 0s; {log}")), (Run, 845, true, false));
        }
        assert!(status("run: /sv/a: (pid 4) 1s, paused", "/sv/a").unwrap().paused);
    }

    #[test]
    fn trouble_is_told_apart_in_the_words_of_both() {
        fn kind(line: &str) -> &'static str {
            assert_eq!(status(line, "/sv/a"), None, "{line}");
            match trouble(line, Path::new("/sv/a")) {
                Some(RunitError::NotSupervised { .. }) => "not supervised",
                Some(RunitError::NeverSupervised { .. }) => "never supervised",
                Some(RunitError::NoService { .. }) => "no service",
                Some(RunitError::Denied { .. }) => "denied",
                Some(_) => "another",
                None => "unknown",
            }
        }
        for (line, wanted) in [
            ("fail: /sv/a: runsv not running", "not supervised"),
            ("warning: /sv/a: can't open supervise/ok: No such device or address", "not supervised"),
            ("warning: /sv/a: can't open supervise/control: No such device or address", "not supervised"),
            ("warning: /sv/a: unable to open supervise/ok: file does not exist", "never supervised"),
            ("warning: /sv/a: can't open supervise/ok: No such file or directory", "never supervised"),
            ("fail: /sv/a: unable to change to service directory: file does not exist", "no service"),
            ("fail: /sv/a: can't change to service directory: No such file or directory", "no service"),
            ("warning: /sv/a: unable to open supervise/ok: access denied", "denied"),
            ("warning: /sv/a: unable to open supervise/control: access denied", "denied"),
            ("warning: /sv/a: can't open supervise/ok: Permission denied", "denied"),
            ("warning: /sv/a: can't read supervise/status: bad format", "unknown"),
            ("timeout: run: /sv/a: (pid 343) 8s, want down, got TERM", "unknown"),
            ("fail: /sv/b: runsv not running", "unknown"),
            ("sv: fatal: can't open current directory: No such file or directory", "unknown"),
            ("run: b: 2s", "unknown"),
            ("", "unknown"),
        ] {
            assert_eq!(kind(line), wanted, "{line}");
        }
    }
}
