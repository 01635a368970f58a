//! The cost of a process so far: its wake-ups and its processor time.

use std::fs;
use std::ops::Sub;

/// Counted by the kernel, over all threads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spent {
    /// How often one of its threads waited and was woken (`voluntary_ctxt_switches`).
    pub wakes: u64,
    /// Processor time in hundredths of a second, user and system (`USER_HZ` is 100 on every Linux that this runs on).
    pub ticks: u64,
}

impl Spent {
    /// Up to now; `None`: the process is gone.
    #[must_use]
    pub fn by(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in brackets and may contain anything; utime and stime are the 12th and 13th word behind it.
        let (_, behind) = stat.rsplit_once(')')?;
        let times = behind.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = times.sum::<Result<u64, _>>().ok()?;
        let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
        let wakes = threads
            .filter_map(|thread| {
                let status = fs::read_to_string(thread.path().join("status")).ok()?;
                let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
                line.trim().parse::<u64>().ok()
            })
            .sum();
        Some(Self { wakes, ticks })
    }
}

impl Sub for Spent {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            wakes: self.wakes.saturating_sub(before.wakes),
            ticks: self.ticks.saturating_sub(before.ticks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_wakes_and_working_takes_time() {
        let me = std::process::id();
        let before = Spent::by(me).unwrap();
        for _ in 0..20 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let mut spent = Spent::by(me).unwrap() - before;
        assert!(spent.wakes >= 20, "{spent:?}");
        while spent.ticks < 2 {
            spent = Spent::by(me).unwrap() - before;
        }
        assert_eq!(Spent::by(0), None);
    }
}
