//! Whether another client has asked for down, from evidence that cannot be late.
//!
//! `runsv` rewrites its record for every `d`, also for one that changes nothing (runsv.c: `ctrl`). While the service is at rest
//! nothing but a byte in `supervise/control` makes it do so. So a rewrite from rest to rest is answered for by one of our own
//! bytes that is not answered yet, or it is another client's: an operator who typed `sv down`. (`sv cont` and `sv pause` look the
//! same; the client who uses them on a service that is down gets the same respect.)
//!
//! A byte of ours counts as answered by what was *seen*, never by time:
//!
//! - The FIFO was empty, then `runsv` was asleep, then the record was read ([`Reading::settled`]).
//! - The FIFO was empty before a record was read, and a later reading shows another record. `runsv` takes out one byte, rewrites the
//!   record for it, and only then does anything else (runsv.c: `main`), so whatever it wrote later came after the
//!   answer to the last byte, or is that answer.
//! - It was the only one outstanding, "wanted up" became "wanted down", and the FIFO was empty.
//!
//! A rewrite alone answers nothing: another client's byte may have made it, with ours still behind (`sv restart` writes three).
//! In doubt a byte stays unanswered and explains one rewrite more than it caused: another client's down may then be overlooked and
//! the service is brought up. The other way round a service would stay down by mistake, and its gateway could not be
//! reached.

use crate::{Identity, Reading};

/// What was seen of the record since the service was taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    last: Option<Reading>,
    /// Bytes of ours whose answer was not seen.
    unanswered: u32,
    /// The FIFO was empty before `last` was read.
    drained: bool,
    at_ask: Option<Identity>,
    foreign_down: bool,
}

impl Evidence {
    /// A byte of ours was written to `supervise/control`.
    pub const fn asked(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
        self.drained = false;
        self.at_ask = match self.last {
            Some(last) => Some(last.identity),
            None => None,
        };
    }

    /// The supervisor is gone, and its FIFO's bytes with it: the next one answers nothing of what was asked.
    pub const fn restart(&mut self) {
        self.last = None;
        self.unanswered = 0;
        self.drained = false;
        self.at_ask = None;
    }

    /// Takes in one reading of the record of a supervisor that is there.
    pub fn observe(&mut self, reading: Reading) {
        if let Some(last) = self.last {
            let rewritten = last.identity != reading.identity
                || (last.want_up, last.at_rest, last.runs)
                    != (reading.want_up, reading.at_rest, reading.runs);
            if rewritten {
                self.rewritten(last, reading);
            }
        }
        if reading.want_up {
            // Whoever asked for down has been overruled since.
            self.foreign_down = false;
        }
        self.drained = reading.unread == Some(0);
        if reading.settled {
            self.unanswered = 0;
        } else if self.drained {
            // All but the last of those taken out are answered.
            self.unanswered = self.unanswered.min(1);
        }
        self.last = Some(reading);
    }

    const fn rewritten(&mut self, last: Reading, reading: Reading) {
        let from_rest_to_rest = last.at_rest && reading.at_rest;
        if from_rest_to_rest && self.unanswered == 0 {
            self.foreign_down = true;
        }
        let is_obeyed = last.want_up && !reading.want_up && matches!(reading.unread, Some(0));
        if self.drained || (self.unanswered == 1 && is_obeyed) {
            self.unanswered = 0;
        }
    }

    /// Another client has asked for down, and none for up since.
    #[must_use]
    pub const fn foreign_down(&self) -> bool {
        self.foreign_down
    }

    /// The record was rewritten since the last byte of ours.
    #[must_use]
    pub fn any_since_asked(&self) -> bool {
        self.last.map(|last| last.identity) != self.at_ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Reading = Reading {
        identity: file(1),
        want_up: true,
        at_rest: false,
        runs: true,
        unread: Some(0),
        settled: false,
    };
    const ENDING: Reading = Reading { want_up: false, runs: false, ..UP };
    const REST: Reading = Reading {
        identity: file(9),
        want_up: false,
        at_rest: true,
        runs: false,
        unread: Some(0),
        settled: false,
    };

    const fn file(inode: u64) -> Identity {
        Identity { device: 1, inode, modified: (0, 0) }
    }

    const fn at(reading: Reading, inode: u64) -> Reading {
        Reading { identity: file(inode), ..reading }
    }

    const fn waiting(reading: Reading, bytes: u64) -> Reading {
        Reading { unread: Some(bytes), ..reading }
    }

    /// Taken up, asked down once, then these.
    fn after_asking(readings: &[Reading]) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.observe(UP);
        evidence.asked();
        for reading in readings {
            evidence.observe(*reading);
        }
        evidence
    }

    #[test]
    fn a_rewrite_at_rest_that_none_of_our_bytes_explains_is_another_clients_down() {
        // All rewrites of the stop seen as one, as they are on a machine that is busy.
        assert!(!after_asking(&[at(REST, 4)]).foreign_down());
        assert!(after_asking(&[at(REST, 4), at(REST, 5)]).foreign_down());
        // Each seen by itself.
        let each = [at(ENDING, 2), at(ENDING, 3), at(REST, 4)];
        assert!(!after_asking(&each).foreign_down());
        assert!(after_asking(&[each[0], each[1], each[2], at(REST, 5)]).foreign_down());
    }

    #[test]
    fn a_record_that_is_read_late_or_again_is_no_alarm() {
        let evidence = after_asking(&[UP, UP, at(ENDING, 2), at(ENDING, 2), at(REST, 4), at(REST, 4)]);
        assert!(!evidence.foreign_down());
    }

    #[test]
    fn a_second_byte_that_is_answered_long_after_the_first_is_no_alarm() {
        let mut evidence = Evidence::default();
        evidence.observe(UP);
        evidence.asked();
        evidence.asked();
        // The first is answered, the service ends within its first second, and runsv sleeps that off.
        for reading in [waiting(at(ENDING, 2), 1), waiting(at(ENDING, 3), 1), waiting(at(REST, 4), 1)] {
            evidence.observe(reading);
        }
        evidence.observe(at(REST, 4));
        evidence.observe(at(REST, 5));
        assert!(!evidence.foreign_down(), "the second of ours");
        evidence.observe(at(REST, 6));
        assert!(evidence.foreign_down(), "there was no third");
    }

    #[test]
    fn a_supervisor_asleep_beside_an_empty_fifo_has_answered_all_of_ours() {
        let mut evidence = Evidence::default();
        evidence.observe(UP);
        evidence.asked();
        evidence.observe(at(ENDING, 2));
        // Asked again, and the service ends: seen as one.
        evidence.asked();
        evidence.observe(Reading { settled: true, ..at(REST, 5) });
        assert!(!evidence.foreign_down());
        evidence.observe(at(REST, 6));
        assert!(evidence.foreign_down(), "both of ours were answered before");
    }

    #[test]
    fn a_crash_of_a_service_that_runs_once_does_not_answer_our_byte() {
        let once = Reading { want_up: false, ..UP };
        let mut evidence = Evidence::default();
        evidence.observe(once);
        evidence.asked();
        evidence.observe(waiting(at(REST, 2), 1));
        evidence.observe(Reading { settled: true, ..at(REST, 3) });
        assert!(!evidence.foreign_down(), "that is the answer to ours");
        evidence.observe(at(REST, 4));
        assert!(evidence.foreign_down());
    }

    #[test]
    fn bytes_of_another_client_before_ours_answer_none_of_ours() {
        // Seed 195254: `sv restart` of another client while the service ends, ours behind it, and ours once more.
        let mut evidence = Evidence::default();
        evidence.observe(UP);
        evidence.asked();
        evidence.observe(waiting(at(REST, 2), 2));
        evidence.observe(waiting(at(REST, 3), 1));
        evidence.observe(waiting(at(UP, 4), 1));
        evidence.asked();
        evidence.observe(waiting(at(ENDING, 5), 1));
        evidence.observe(at(REST, 6));
        evidence.observe(at(REST, 7));
        assert!(!evidence.foreign_down(), "the second of ours");
    }

    #[test]
    fn a_wish_for_up_takes_a_foreign_down_back() {
        let mut evidence = after_asking(&[at(REST, 4), at(REST, 5)]);
        assert!(evidence.foreign_down());
        evidence.observe(at(UP, 6));
        assert!(!evidence.foreign_down());
    }

    #[test]
    fn a_record_that_is_rewritten_in_an_inode_that_was_used_before_is_another() {
        let mut evidence = after_asking(&[at(REST, 4)]);
        evidence.observe(Reading { identity: Identity { modified: (7, 0), ..file(4) }, ..at(REST, 4) });
        assert!(evidence.foreign_down());
    }

    #[test]
    fn another_supervisor_answers_nothing_of_what_was_asked() {
        let mut evidence = after_asking(&[at(REST, 4)]);
        evidence.asked();
        evidence.restart();
        evidence.observe(at(REST, 7));
        assert!(!evidence.foreign_down());
        evidence.observe(at(REST, 8));
        assert!(evidence.foreign_down());
    }

    #[test]
    fn a_request_counts_as_read_once_the_record_is_another() {
        let mut evidence = after_asking(&[UP]);
        assert!(!evidence.any_since_asked());
        evidence.observe(at(ENDING, 2));
        assert!(evidence.any_since_asked());
    }
}
