//! One line of `/proc/PID/stat`.

use std::fs;
use std::num::NonZeroU32;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};

/// The fields of `/proc/PID/stat` that are used (`proc_pid_stat(5)`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stat {
    /// Field 2 without its parentheses; at most 15 bytes, may hold anything.
    pub comm: String,
    /// Field 3: `R`, `S`, `D`, `Z` (zombie), `X` (dead), …
    pub state: u8,
    /// Field 4: the parent, 0 where there is none.
    pub parent: u32,
    /// Field 22: when it started, in clock ticks since boot. With the process id this is the process's identity.
    pub start_time: u64,
}

impl Stat {
    /// Reads one line of `/proc/PID/stat`; `None` where it is not one. The name may hold blanks and parentheses, so
    /// the last `)` ends it.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let open = line.iter().position(|byte| *byte == b'(')?;
        let close = line.iter().rposition(|byte| *byte == b')')?;
        let comm = String::from_utf8_lossy(line.get(open + 1..close)?).into_owned();
        let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        // Field 22; two of the fields after the name are taken.
        let start_time = fields.nth(17)?.parse().ok()?;
        Some(Self { comm, state, parent, start_time })
    }

    /// Reads it for a process; `None` where there is none.
    #[must_use]
    pub fn of(pid: NonZeroU32) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// How long ago it started, in whole seconds of the time since boot; `None` where the kernel tells no such time.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let since_boot = u64::try_from(clock_gettime(ClockId::Boottime).tv_sec).ok()?;
        let started = self.start_time.checked_div(clock_ticks_per_second())?;
        Some(Duration::from_secs(since_boot.saturating_sub(started)))
    }

    /// A zombie holds nothing and runs nothing; only its parent still has to hear of it.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = b"42 (a) b (c) S 7 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 98765 0 0\n";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.comm.as_str(), stat.state, stat.parent), ("a) b (c", b'S', 7));
        assert_eq!(stat.start_time, 98_765);
    }

    #[test]
    fn what_is_no_stat_line_is_none() {
        for bad in
            [&b""[..], b"()", b")(", b"1 (x", b"1 (x) S", b"1 (x) S 2 3", b"1 (x) S \xff", b"1 )x( S 1"]
        {
            assert_eq!(Stat::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_age_of_a_process_counts_from_its_start() {
        let own = NonZeroU32::new(std::process::id()).and_then(Stat::of).unwrap();
        assert!(own.age().unwrap() < Duration::from_secs(600), "{own:?}");
        let first = NonZeroU32::new(1).and_then(Stat::of).unwrap();
        assert!(first.age() >= own.age());
    }
}
