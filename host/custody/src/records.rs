//! Which supervisor wrote a status record, and what the records of the present one prove.
//!
//! A supervisor that died leaves its last record behind. That record says "down" while the successor, which `runsvdir` starts after 3 to
//! 6 s and which knows no earlier request, is about to start the service: nothing is concluded from it.

use cellscan_core::supervisor::Want;

use crate::evidence::Evidence;
use crate::{Identity, Reading};

/// The records of a service since it was taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Records {
    evidence: Evidence,
    /// The last record of the present supervisor.
    last: Option<Identity>,
    /// The last record of a supervisor that is dead.
    left_behind: Option<Identity>,
}

impl Records {
    /// What the records of the present supervisor prove.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Takes note of a byte of ours written to `supervise/control`.
    pub const fn asked(&mut self, want: Want) {
        self.evidence.asked(want);
    }

    /// The supervisor has died: its last record stays until the successor writes another.
    pub const fn supervisor_died(&mut self) {
        self.left_behind = self.last;
        self.evidence.restart();
    }

    /// A successor was found, which answers no earlier request.
    pub const fn supervisor_found(&mut self) {
        self.evidence.restart();
    }

    /// Takes in a reading. `is_supervised`: a supervisor has the FIFOs open; `is_known`: its process was found. Returns whether the
    /// record is one of the present supervisor.
    pub fn read(&mut self, reading: Reading, is_supervised: bool, is_known: bool) -> bool {
        if !is_supervised {
            // The successor writes another before it obeys.
            self.left_behind = Some(reading.identity);
        }
        let is_its_own = is_supervised && self.left_behind != Some(reading.identity);
        if is_its_own {
            self.left_behind = None;
            if is_known {
                self.last = Some(reading.identity);
            }
            self.evidence.observe(reading);
        } else {
            self.evidence.restart();
        }
        is_its_own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(inode: u64) -> Reading {
        let identity = Identity { inode, ..Identity::default() };
        Reading { identity, want_up: true, at_rest: false, runs: true, unread: Some(0), settled: false }
    }

    #[test]
    fn a_record_that_a_dead_supervisor_left_is_not_its_successors() {
        let mut records = Records::default();
        assert!(records.read(record(1), true, true));
        records.supervisor_died();
        records.supervisor_found();
        assert!(!records.read(record(1), true, true), "the successor has not written yet");
        assert!(records.read(record(2), true, true));
        assert!(records.read(record(1), true, true), "an inode number is used again");
    }

    #[test]
    fn a_record_read_without_a_supervisor_is_left_behind() {
        let mut records = Records::default();
        assert!(!records.read(record(1), false, false));
        assert!(!records.read(record(1), true, true));
        assert!(records.read(record(2), true, true));
    }

    #[test]
    fn the_record_of_a_supervisor_that_was_not_found_is_not_taken_for_a_dead_ones() {
        let mut records = Records::default();
        assert!(records.read(record(1), true, false));
        records.supervisor_died();
        assert!(records.read(record(1), true, false));
    }
}
