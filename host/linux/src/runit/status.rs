//! The 20 bytes of `supervise/status` (runit 2.1.2 and 2.3.0, `runsv.c:update_status`; busybox writes the same).
//!
//! | offset | length | meaning |
//! | --- | --- | --- |
//! | 0 | 8 | TAI64 label of the last change, big endian: Unix seconds + 2^62 + 10 |
//! | 8 | 4 | nanoseconds, big endian |
//! | 12 | 4 | process id, little endian, 0 = none; of `./finish` while that runs |
//! | 16 | 1 | paused, 0 or 1 |
//! | 17 | 1 | wanted: `u` or `d` (told to exit is `d` too) |
//! | 18 | 1 | TERM was sent and nothing came of it yet, 0 or 1 |
//! | 19 | 1 | 0 down, 1 `./run`, 2 `./finish` |
//!
//! Odd combinations are real and accepted: finish without a process id (between the death of `./run` and the fork),
//! down with one (after `k`), paused while down, TERM sent while wanted up (after `t`). The stamp is wall clock and
//! jumps with it, so nothing is ever computed from it.

use std::fmt;
use std::num::NonZeroU32;

use cellscan_core::supervisor::ServiceState;

/// The length of the record, in bytes.
pub const STATUS_LEN: usize = 20;

/// What `runsv` last wrote.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StatusRecord {
    /// TAI64 label (seconds) of the start or of the last death. Wall clock.
    pub tai_seconds: u64,
    /// Nanoseconds to go with it.
    pub nanos: u32,
    /// The process, if there is one.
    pub pid: Option<NonZeroU32>,
    /// Stopped with `SIGSTOP` (`p`).
    pub paused: bool,
    /// Wanted up (`u`); otherwise wanted down, once, or told to exit.
    pub want_up: bool,
    /// TERM was sent, and the process has not ended since.
    pub got_term: bool,
    /// What the service does.
    pub state: ServiceState,
}

impl StatusRecord {
    /// It runs, and was not sent TERM.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.state == ServiceState::Run && !self.got_term
    }

    /// Down, wanted down, and no process.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.state == ServiceState::Down && !self.want_up && self.pid.is_none()
    }
}

/// Why bytes are no status record of `runsv`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StatusError {
    /// Not 20 bytes.
    Length {
        /// The bytes found; one more than 64 stands for any number.
        found: usize,
    },
    /// Byte 16 (paused) or 18 (TERM) is neither 0 nor 1. daemontools-encore has its state in byte 18.
    Flag {
        /// Which byte.
        offset: usize,
        /// What it is.
        found: u8,
    },
    /// Byte 17 is neither `u` nor `d`. daemontools has 0 there for "once".
    Want {
        /// What it is.
        found: u8,
    },
    /// Byte 19 is none of 0, 1, 2.
    State {
        /// What it is.
        found: u8,
    },
    /// No Linux process has this id (above 2^22, `proc_sys_kernel(5)`).
    Pid {
        /// What it is.
        found: u32,
    },
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found } => {
                let whose = match found {
                    0 => ", it is empty",
                    18 => ", as daemontools writes it",
                    35 => ", as s6 writes it",
                    40 => ", as daemontools-encore writes it with a log",
                    _ => "",
                };
                write!(f, "the status record has {found} bytes{whose}; runsv writes {STATUS_LEN}")
            }
            Self::Flag { offset, found } => {
                write!(f, "byte {offset} of the status record is {found}; runsv writes 0 or 1")
            }
            Self::Want { found } => {
                write!(f, "byte 17 of the status record is {found}; runsv writes 'u' or 'd'")
            }
            Self::State { found } => {
                write!(f, "byte 19 of the status record is {found}; runsv writes 0, 1 or 2")
            }
            Self::Pid { found } => write!(f, "the status record names process {found}, there is no such id"),
        }
    }
}

impl std::error::Error for StatusError {}

/// Ids are below this on every Linux (`PID_MAX_LIMIT`, include/linux/threads.h).
const PID_LIMIT: u32 = 1 << 22;

/// Reads a record; every 20 bytes are either one or an error.
///
/// # Errors
/// A byte holds what `runsv` never writes there.
///
/// ```
/// use cellscan_linux::runit::status::parse;
/// let mut bytes = [0; 20];
/// bytes[12..16].copy_from_slice(&347_u32.to_le_bytes());
/// bytes[17] = b'u';
/// bytes[19] = 1;
/// let record = parse(&bytes)?;
/// assert!(record.want_up && record.pid.is_some_and(|pid| pid.get() == 347));
/// # Ok::<(), cellscan_linux::runit::status::StatusError>(())
/// ```
pub fn parse(bytes: &[u8; STATUS_LEN]) -> Result<StatusRecord, StatusError> {
    let [s0, s1, s2, s3, s4, s5, s6, s7, n0, n1, n2, n3, p0, p1, p2, p3, paused, want, term, state] = *bytes;
    let flag = |offset, found| match found {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(StatusError::Flag { offset, found }),
    };
    let pid = u32::from_le_bytes([p0, p1, p2, p3]);
    if pid > PID_LIMIT {
        return Err(StatusError::Pid { found: pid });
    }
    Ok(StatusRecord {
        tai_seconds: u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
        nanos: u32::from_be_bytes([n0, n1, n2, n3]),
        pid: NonZeroU32::new(pid),
        paused: flag(16, paused)?,
        want_up: match want {
            b'u' => true,
            b'd' => false,
            found => return Err(StatusError::Want { found }),
        },
        got_term: flag(18, term)?,
        state: match state {
            0 => ServiceState::Down,
            1 => ServiceState::Run,
            2 => ServiceState::Finish,
            found => return Err(StatusError::State { found }),
        },
    })
}

/// Reads the content of a status file, whatever it is.
///
/// # Errors
/// It has not the length of a record, or is none.
pub fn parse_file(content: &[u8]) -> Result<StatusRecord, StatusError> {
    let record = content.try_into().map_err(|_| StatusError::Length { found: content.len() })?;
    parse(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(pid: u32, paused: u8, want: u8, term: u8, state: u8) -> [u8; STATUS_LEN] {
        let mut bytes = [0; STATUS_LEN];
        bytes[..8].copy_from_slice(&(4_611_686_018_427_387_914_u64 + 1_700_000_000).to_be_bytes());
        bytes[8..12].copy_from_slice(&123_500_u32.to_be_bytes());
        bytes[12..16].copy_from_slice(&pid.to_le_bytes());
        bytes[16..].copy_from_slice(&[paused, want, term, state]);
        bytes
    }

    #[test]
    fn a_running_service_reads_as_runsv_wrote_it() {
        let read = parse(&record(0x0001_0203, 0, b'u', 0, 1)).unwrap();
        assert_eq!(read.pid.unwrap().get(), 0x0001_0203);
        assert_eq!((read.state, read.want_up, read.nanos), (ServiceState::Run, true, 123_500));
        assert_eq!(read.tai_seconds - 4_611_686_018_427_387_914, 1_700_000_000);
    }

    #[test]
    fn the_odd_combinations_that_occur_are_accepted() {
        for (pid, paused, want, term, state, what) in [
            (0, 0, b'u', 0, 2, "finish before its fork"),
            (9, 0, b'd', 0, 0, "down with a process, after k"),
            (0, 1, b'd', 0, 0, "paused while down"),
            (9, 0, b'u', 1, 1, "TERM sent, wanted up"),
            (9, 1, b'd', 1, 2, "everything at once"),
        ] {
            assert!(parse(&record(pid, paused, want, term, state)).is_ok(), "{what}");
        }
    }

    #[test]
    fn only_down_wanted_down_without_a_process_is_at_rest() {
        assert!(parse(&record(0, 1, b'd', 0, 0)).unwrap().is_at_rest());
        for bytes in [record(0, 0, b'u', 0, 0), record(9, 0, b'd', 0, 0), record(0, 0, b'd', 0, 2)] {
            assert!(!parse(&bytes).unwrap().is_at_rest());
        }
    }

    #[test]
    fn what_runsv_never_writes_is_named() {
        assert_eq!(parse(&record(0, 2, b'u', 0, 0)), Err(StatusError::Flag { offset: 16, found: 2 }));
        assert_eq!(parse(&record(0, 0, b'u', 4, 0)), Err(StatusError::Flag { offset: 18, found: 4 }));
        assert_eq!(parse(&record(0, 0, 0, 0, 0)), Err(StatusError::Want { found: 0 }));
        assert_eq!(parse(&record(0, 0, b'u', 0, 3)), Err(StatusError::State { found: 3 }));
        assert_eq!(parse(&record(u32::MAX, 0, b'u', 0, 1)), Err(StatusError::Pid { found: u32::MAX }));
    }

    #[test]
    fn other_supervisors_are_told_by_the_length() {
        for (found, whose) in [(18, "daemontools"), (35, "s6"), (40, "encore"), (0, "empty")] {
            let error = parse_file(&vec![0; found]).unwrap_err();
            assert_eq!(error, StatusError::Length { found });
            assert!(error.to_string().contains(whose), "{error}");
        }
    }
}
