//! Snapshots: the data that decides the next step, and nothing else.

use crate::scan::Phase;
use crate::time::Instant;

use super::Scanner;
use super::state::{Modem, State};

/// The data that decides what a scan does next, with times relative to now. Two scanners with equal snapshots
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
    /// A snapshot with all times relative to `now`.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let mut seen = self.clone();
        let now = seen.now.max(now);
        let distance = |instant: &mut Instant| {
            *instant = Instant::from_millis(instant.as_millis().saturating_sub(now.as_millis()));
        };
        seen.state.each_instant(distance);
        seen.dialogue.each_instant(distance);
        // Set at the begin of a trial, unused after its measurement.
        if !matches!(seen.state, State::Modem(Modem::TestCarrier { .. })) {
            seen.context.settled = None;
        }
        seen.context.settled.iter_mut().for_each(distance);
        distance(&mut seen.context.lasting_from);
        seen.deny.each_instant(distance);
        seen.gate.each_instant(distance);
        // Of the time of the first request only the end of the budget decides anything.
        seen.context.asked_at = seen.context.asked_at.map(|_| {
            let limit = self.limit();
            // An unlimited budget is equally far from every instant.
            let left = limit.as_millis().saturating_sub(now.as_millis());
            if limit == Instant::MAX { limit } else { Instant::from_millis(left) }
        });
        seen.carriers.forget_times();
        // What is only told.
        seen.context.given_at = None;
        seen.context.dropped = 0;
        seen.context.began = Instant::ZERO;
        seen.now = Instant::ZERO;
        Snapshot(seen)
    }
}
