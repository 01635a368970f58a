//! What decides the next step, and nothing else.

use crate::scan::Phase;
use crate::scan::report::Report;
use crate::time::Instant;

use super::Scanner;
use super::state::{Modem, State};

/// Everything that decides what a scan does next, times as distances from now. Two scanners with equal snapshots
/// behave alike.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Snapshot(Scanner);

impl Snapshot {
    /// Where the scan is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.0.phase()
    }
}

impl Scanner {
    /// Everything that decides the next step, seen from `now`.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let mut seen = self.clone();
        let now = seen.now.max(now);
        let distance = |instant: &mut Instant| {
            *instant = Instant::from_millis(instant.as_millis().saturating_sub(now.as_millis()));
        };
        seen.report = Report::default();
        seen.state.each_instant(distance);
        seen.dialogue.each_instant(distance);
        // It begins with a trial, and ends with the measuring.
        if !matches!(seen.state, State::Modem(Modem::TestCarrier { .. })) {
            seen.hold.settled = None;
        }
        seen.hold.settled.iter_mut().for_each(distance);
        seen.deny.each_instant(distance);
        seen.gate.each_instant(distance);
        // Only what is still ahead of the first request decides anything: the budget.
        seen.hold.asked_at = seen.hold.asked_at.map(|_| {
            let limit = self.limit();
            // A budget that never ends is as far away from everywhere.
            let left = limit.as_millis().saturating_sub(now.as_millis());
            if limit == Instant::FAR { limit } else { Instant::from_millis(left) }
        });
        seen.carriers.forget_times();
        seen.hold.given_at = None;
        seen.hold.began = Instant::ZERO;
        seen.now = Instant::ZERO;
        Snapshot(seen)
    }
}
