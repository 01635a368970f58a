//! Counts the rewrites of the status record that nothing of ours explains.
//!
//! `runsv` rewrites the record for every `d`, also for one that changes nothing (runsv.c:ctrl). While a service is
//! at rest (down, wanted down, no process) and none of our bytes is unread, nothing else rewrites it: somebody has
//! typed `sv down`, and means it. (`sv cont` looks the same; whoever continues a service that is down gets the
//! same respect.)

use std::time::Duration;

use cellscan_core::time::Instant;

/// Rewrites this soon after the service came to rest belong to that: between the rename that a reader sees and its
/// inotify event lie microseconds, or a little more on a loaded box. A false alarm would leave the service down.
const QUIET: Duration = Duration::from_millis(250);

/// The count, and what is known of its meaning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rewrites {
    total: u64,
    at_ask: u64,
    rest: Option<(Instant, u64)>,
    foreign: bool,
}

impl Rewrites {
    /// Counts events.
    pub(crate) const fn add(&mut self, count: u64) {
        self.total = self.total.saturating_add(count);
    }

    /// A byte of ours is on its way: what follows may come of it.
    pub(crate) const fn asked(&mut self) {
        self.at_ask = self.total;
        self.rest = None;
    }

    /// Events were lost, or another supervisor is there: the count starts anew.
    pub(crate) const fn restart(&mut self) {
        self.rest = None;
    }

    /// Says whether the service is at rest, and whether all bytes for its supervisor have been read; to be called
    /// after every `add`.
    pub(crate) fn observe(&mut self, now: Instant, at_rest: bool, all_read: bool) {
        self.rest = match self.rest {
            _ if !at_rest => None,
            // A byte of ours may still be on its way. Later ones can only be somebody else's.
            None if !all_read => None,
            Some((since, count)) if count == self.total => Some((since, count)),
            Some((since, _)) if now.saturating_since(since) >= QUIET => {
                self.foreign = true;
                Some((since, self.total))
            }
            Some(_) | None => Some((now, self.total)),
        };
    }

    /// The record was rewritten since we last asked for something: the request has been read.
    pub(crate) const fn any_since_asked(&self) -> bool {
        self.total > self.at_ask
    }

    /// The record wants it up: whoever asked for down has been overruled since.
    pub(crate) const fn wanted_up(&mut self) {
        self.foreign = false;
    }

    /// All events counted so far.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// Somebody else asked for down.
    pub(crate) const fn foreign(&self) -> bool {
        self.foreign
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(u64) -> Instant = Instant::from_millis;

    fn at_rest_since(ms: u64) -> Rewrites {
        let mut rewrites = Rewrites::default();
        rewrites.asked();
        rewrites.add(3);
        rewrites.observe(AT(ms), true, true);
        rewrites
    }

    #[test]
    fn a_rewrite_long_after_the_service_came_to_rest_is_somebody_elses() {
        let mut rewrites = at_rest_since(1_000);
        rewrites.observe(AT(1_500), true, true);
        assert!(!rewrites.foreign());
        rewrites.add(1);
        rewrites.observe(AT(9_000), true, true);
        assert!(rewrites.foreign());
    }

    #[test]
    fn a_late_event_of_the_stop_itself_is_no_alarm() {
        let mut rewrites = at_rest_since(1_000);
        rewrites.add(1);
        rewrites.observe(AT(1_020), true, true);
        rewrites.observe(AT(60_000), true, true);
        assert!(!rewrites.foreign());
    }

    #[test]
    fn our_own_second_request_is_no_alarm() {
        let mut rewrites = at_rest_since(1_000);
        rewrites.asked();
        assert!(!rewrites.any_since_asked());
        rewrites.observe(AT(4_000), false, true);
        rewrites.add(1);
        rewrites.observe(AT(4_001), true, true);
        assert!(rewrites.any_since_asked() && !rewrites.foreign());
    }

    #[test]
    fn a_foreign_byte_that_is_seen_before_it_is_read_is_not_taken_for_ours() {
        let mut rewrites = at_rest_since(1_000);
        rewrites.observe(AT(9_000), true, false);
        rewrites.add(1);
        rewrites.observe(AT(9_001), true, true);
        assert!(rewrites.foreign());
    }

    #[test]
    fn our_own_byte_that_is_read_late_is_no_alarm() {
        let mut rewrites = at_rest_since(1_000);
        rewrites.asked();
        rewrites.observe(AT(4_000), true, false);
        rewrites.observe(AT(5_000), true, false);
        rewrites.add(1);
        rewrites.observe(AT(5_100), true, true);
        assert!(!rewrites.foreign());
    }

    #[test]
    fn a_foreign_restart_is_not_mistaken_for_a_foreign_down() {
        let mut rewrites = at_rest_since(1_000);
        rewrites.add(2);
        rewrites.observe(AT(5_000), false, true);
        rewrites.add(3);
        rewrites.observe(AT(5_100), true, true);
        assert!(!rewrites.foreign());
    }
}
