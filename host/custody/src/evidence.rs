//! Whether another client has asked for down, by evidence that cannot be late.
//!
//! `runsv` rewrites its record for every `d`, also for one that changes nothing (runsv.c: `ctrl`). While the service is at rest
//! only a byte in `supervise/control` makes it do so. So either one of our own unanswered bytes explains a rewrite from rest to
//! rest, or another client sent one: an operator who typed `sv down`. (`sv cont` and `sv pause` look the
//! same; a client that uses them on a service that is down is respected in the same way.)
//!
//! A byte of ours counts as answered by what was *seen*, never by time:
//!
//! - The FIFO was empty, then `runsv` was asleep, then the record was read ([`Reading::settled`]).
//! - The FIFO was empty before a record was read, and a later reading shows another record. `runsv` takes out one byte, rewrites
//!   the record for it, and only then does anything else (runsv.c: `main`), so whatever it wrote later came after the
//!   answer to the last byte, or is that answer.
//! - It was the only unanswered one, "wanted up" became "wanted down", and the FIFO was empty.
//!
//! A rewrite alone answers nothing: another client's byte may have caused it, with ours still waiting (`sv restart` writes three).
//! In doubt a byte stays unanswered and explains one rewrite more than it caused: then another client's down may be missed, and
//! the service is brought up. In the other direction a service would stay down by mistake, and its gateway could not be
//! reached.

use cellscan_core::supervisor::Want;

use crate::{Identity, Reading};

/// What was seen of the record since the service was taken.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact")]
pub struct Evidence {
    last: Option<Reading>,
    /// Bytes of ours without an answer so far.
    unanswered: u32,
    /// The FIFO was empty before `last` was read.
    drained: bool,
    /// The last request to this supervisor.
    asked: Option<Want>,
    /// There was a request, perhaps to a supervisor that is dead by now.
    ever_asked: bool,
    at_ask: Option<Identity>,
    /// Down was requested, and the record has shown it since.
    down_seen: bool,
    given_back: bool,
    foreign_down: bool,
}

impl Evidence {
    const NONE: Self = Self {
        last: None,
        unanswered: 0,
        drained: false,
        asked: None,
        ever_asked: false,
        at_ask: None,
        down_seen: false,
        given_back: false,
        foreign_down: false,
    };

    /// Takes note of a byte of ours written to `supervise/control`.
    pub const fn asked(&mut self, want: Want) {
        (self.asked, self.ever_asked, self.given_back) = (Some(want), true, false);
        self.down_seen = self.down_seen && !matches!(want, Want::Down);
        self.unanswered = self.unanswered.saturating_add(1);
        self.drained = false;
        self.at_ask = match self.last {
            Some(last) => Some(last.identity),
            None => None,
        };
    }

    /// The supervisor is gone, and the bytes in its FIFO with it: the next supervisor answers no earlier request.
    pub const fn restart(&mut self) {
        *self = Self { foreign_down: self.foreign_down, ever_asked: self.ever_asked, ..Self::NONE };
    }

    /// Takes in one reading of the record of a present supervisor.
    pub fn observe(&mut self, reading: Reading) {
        if self.last.is_none() {
            // Bytes from before, and one that may have been taken out: any of them, from any client, explains later rewrites.
            let taken_out = u32::from(!reading.settled);
            let waiting = u32::try_from(reading.unread.unwrap_or(1)).unwrap_or(u32::MAX);
            self.unanswered = self.unanswered.saturating_add(waiting).saturating_add(taken_out);
        }
        if let Some(last) = self.last {
            let rewritten = last.identity != reading.identity
                || (last.want_up, last.at_rest, last.runs)
                    != (reading.want_up, reading.at_rest, reading.runs);
            if rewritten {
                self.rewritten(last, reading);
            }
        }
        if reading.want_up {
            // Since then another client has overruled the down.
            self.foreign_down = false;
        }
        self.down_seen |= self.asked == Some(Want::Down) && !reading.want_up;
        self.drained = reading.unread == Some(0);
        self.given_back |= match self.asked {
            // A supervisor without a request has come after one that died.
            None => reading.want_up && reading.settled,
            // Once "down" was seen, "up" cannot be a leftover from before it.
            Some(Want::Up) => reading.want_up && (self.drained || self.down_seen),
            Some(Want::Once) => reading.runs && self.drained,
            Some(Want::Down) => false,
        };
        if reading.settled {
            self.unanswered = 0;
        } else if self.drained {
            // All but the last of the bytes taken out are answered.
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

    /// Whether another client has asked for down, and none for up since.
    #[must_use]
    pub const fn foreign_down(&self) -> bool {
        self.foreign_down
    }

    /// Whether the last request of this scan, other than for down, was obeyed: then any later request is another client's.
    /// `Some(false)` also while a request for down may be unread, and the record older than it; `None`: no request is open. See
    /// [`ServiceStatus::given_back`](cellscan_core::supervisor::ServiceStatus::given_back).
    #[must_use]
    pub const fn given_back(&self) -> Option<bool> {
        match self.asked {
            Some(Want::Down) if self.down_seen => None,
            None if !self.ever_asked => None,
            Some(Want::Up | Want::Once | Want::Down) | None => Some(self.given_back),
        }
    }

    /// The wanted state in the last record; see [`want_of`](crate::want_of). `None`: none was read.
    #[must_use]
    pub fn want(&self) -> Option<Want> {
        let last = self.last?;
        let obeyed = Some(last.identity) != self.at_ask;
        Some(crate::want_of(last.want_up, last.runs, self.asked, obeyed))
    }
}

impl Default for Evidence {
    fn default() -> Self {
        Self::NONE
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
    const ASLEEP: Reading = Reading { settled: true, ..UP };
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

    /// Taken up, asked down once, then these readings.
    fn after_asking(readings: &[Reading]) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.observe(ASLEEP);
        evidence.asked(Want::Down);
        for reading in readings {
            evidence.observe(*reading);
        }
        evidence
    }

    #[test]
    fn an_unexplained_rewrite_at_rest_is_another_clients_down() {
        // All rewrites of the stop seen as one, as on a busy machine.
        assert!(!after_asking(&[at(REST, 4)]).foreign_down());
        assert!(after_asking(&[at(REST, 4), at(REST, 5)]).foreign_down());
        // Each seen alone.
        let each = [at(ENDING, 2), at(ENDING, 3), at(REST, 4)];
        assert!(!after_asking(&each).foreign_down());
        assert!(after_asking(&[each[0], each[1], each[2], at(REST, 5)]).foreign_down());
    }

    #[test]
    fn a_record_read_late_or_twice_is_no_foreign_down() {
        let evidence = after_asking(&[UP, UP, at(ENDING, 2), at(ENDING, 2), at(REST, 4), at(REST, 4)]);
        assert!(!evidence.foreign_down());
    }

    #[test]
    fn a_late_answer_to_our_second_byte_is_no_foreign_down() {
        let mut evidence = Evidence::default();
        evidence.observe(ASLEEP);
        evidence.asked(Want::Down);
        evidence.asked(Want::Down);
        // The first is answered, the service ends within its first second, and runsv sleeps until that second is over.
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
    fn a_sleeping_supervisor_with_an_empty_fifo_has_answered_all_our_bytes() {
        let mut evidence = Evidence::default();
        evidence.observe(ASLEEP);
        evidence.asked(Want::Down);
        evidence.observe(at(ENDING, 2));
        // Asked again, and the service ends: seen as one rewrite.
        evidence.asked(Want::Down);
        evidence.observe(Reading { settled: true, ..at(REST, 5) });
        assert!(!evidence.foreign_down());
        evidence.observe(at(REST, 6));
        assert!(evidence.foreign_down(), "both of ours were answered before");
    }

    #[test]
    fn a_crash_of_a_service_that_runs_once_does_not_answer_our_byte() {
        let once = Reading { want_up: false, ..ASLEEP };
        let mut evidence = Evidence::default();
        evidence.observe(once);
        evidence.asked(Want::Down);
        evidence.observe(waiting(at(REST, 2), 1));
        evidence.observe(Reading { settled: true, ..at(REST, 3) });
        assert!(!evidence.foreign_down(), "that is the answer to ours");
        evidence.observe(at(REST, 4));
        assert!(evidence.foreign_down());
    }

    #[test]
    fn another_clients_bytes_before_ours_are_no_answers_to_ours() {
        // Seed 195254: another client's `sv restart` while the service ends, our byte after it, and another byte of ours.
        let mut evidence = Evidence::default();
        evidence.observe(ASLEEP);
        evidence.asked(Want::Down);
        evidence.observe(waiting(at(REST, 2), 2));
        evidence.observe(waiting(at(REST, 3), 1));
        evidence.observe(waiting(at(UP, 4), 1));
        evidence.asked(Want::Down);
        evidence.observe(waiting(at(ENDING, 5), 1));
        evidence.observe(at(REST, 6));
        evidence.observe(at(REST, 7));
        assert!(!evidence.foreign_down(), "the second of ours");
    }

    #[test]
    fn bytes_left_by_a_dead_scan_explain_their_rewrites() {
        let mut evidence = Evidence::default();
        evidence.observe(waiting(UP, 1));
        evidence.asked(Want::Down);
        // The dead scan's byte is answered, ours has been taken out.
        evidence.observe(at(REST, 2));
        evidence.observe(at(REST, 3));
        assert!(!evidence.foreign_down(), "the answer to ours");
    }

    #[test]
    fn a_request_for_up_cancels_a_foreign_down() {
        let mut evidence = after_asking(&[at(REST, 4), at(REST, 5)]);
        assert!(evidence.foreign_down());
        evidence.observe(at(UP, 6));
        assert!(!evidence.foreign_down());
    }

    #[test]
    fn a_record_in_a_reused_inode_is_another_record() {
        let mut evidence = after_asking(&[at(REST, 4)]);
        evidence.observe(Reading { identity: Identity { modified: (7, 0), ..file(4) }, ..at(REST, 4) });
        assert!(evidence.foreign_down());
    }

    #[test]
    fn a_new_supervisor_answers_no_earlier_request() {
        let mut evidence = after_asking(&[at(REST, 4)]);
        evidence.asked(Want::Down);
        evidence.restart();
        evidence.observe(Reading { settled: true, ..at(REST, 7) });
        assert!(!evidence.foreign_down());
        evidence.observe(at(REST, 8));
        assert!(evidence.foreign_down());
    }

    #[test]
    fn a_service_is_given_back_once_up_is_seen_after_down() {
        let mut evidence = after_asking(&[at(REST, 4)]);
        evidence.asked(Want::Up);
        evidence.observe(at(REST, 4));
        assert_eq!(evidence.given_back(), Some(false));
        // The second of two requests still waits; then an operator asks for down.
        evidence.observe(waiting(at(UP, 5), 1));
        evidence.observe(at(REST, 6));
        assert_eq!(evidence.given_back(), Some(true));
        evidence.asked(Want::Down);
        assert_eq!(evidence.given_back(), Some(false));
        evidence.observe(at(REST, 7));
        assert_eq!(evidence.given_back(), None, "it is down, and no request is open");
    }

    #[test]
    fn a_record_from_before_our_down_says_nothing_until_the_down_is_answered() {
        let mut evidence = Evidence::default();
        evidence.observe(ASLEEP);
        assert_eq!(evidence.given_back(), None, "nothing was asked");
        evidence.asked(Want::Down);
        evidence.observe(waiting(UP, 1));
        assert_eq!(evidence.given_back(), Some(false));
    }

    #[test]
    fn the_successor_of_a_dead_supervisor_gives_back_by_itself() {
        let mut evidence = after_asking(&[at(REST, 4)]);
        evidence.asked(Want::Up);
        evidence.restart();
        assert_eq!(evidence.given_back(), Some(false));
        evidence.observe(Reading { settled: true, ..at(UP, 5) });
        assert_eq!(evidence.given_back(), Some(true));
    }

    #[test]
    fn an_up_from_before_our_down_is_no_proof_of_giving_back() {
        let mut evidence = after_asking(&[waiting(UP, 1)]);
        evidence.asked(Want::Up);
        evidence.observe(waiting(UP, 2));
        assert_eq!(evidence.given_back(), Some(false));
        evidence.observe(at(UP, 3));
        assert_eq!(evidence.given_back(), Some(true), "all bytes were read");
    }

    #[test]
    fn a_request_counts_as_read_once_the_record_changes() {
        let once = Reading { want_up: false, ..UP };
        let mut evidence = Evidence::default();
        evidence.observe(REST);
        evidence.asked(Want::Once);
        evidence.observe(REST);
        assert_eq!(evidence.want(), Some(Want::Down));
        evidence.observe(at(once, 2));
        assert_eq!(evidence.want(), Some(Want::Once));
    }
}
