//! A late machine: every due event comes later, by a delay of its own, and so in another order.

use core::time::Duration;

use cellscan_core::time::Instant;

use crate::prng::Prng;

/// Delays of each order of magnitude are equally likely: the bound of a draw is the maximum, halved up to this many times.
const HALVINGS_MAX: u64 = 11;

/// Draws delays. All delays are zero until [`Lateness::begin`] is called.
///
/// ```
/// use cellscan_sim::lateness::Lateness;
/// use core::time::Duration;
/// let mut lateness = Lateness::new(7);
/// assert_eq!(lateness.draw(), Duration::ZERO);
/// lateness.begin(Duration::from_secs(1));
/// assert!((0..100).map(|_| lateness.draw()).all(|late| late <= Duration::from_secs(1)));
/// lateness.end(Duration::from_secs(1));
/// assert_eq!(lateness.draw(), Duration::ZERO);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lateness {
    dice: Prng,
    /// The maxima of the periods that have begun and not ended; the largest counts.
    maxima: Vec<Duration>,
}

impl Default for Lateness {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Lateness {
    /// Without delays; later draws belong to this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { dice: Prng::new(seed), maxima: Vec::new() }
    }

    /// From now on every event may be late by up to this time.
    pub fn begin(&mut self, by_max: Duration) {
        self.maxima.push(by_max);
    }

    /// A period that began with this maximum has ended.
    pub fn end(&mut self, by_max: Duration) {
        if let Some(at) = self.maxima.iter().position(|other| *other == by_max) {
            self.maxima.remove(at);
        }
    }

    /// Ends all periods.
    pub fn heal(&mut self) {
        self.maxima.clear();
    }

    /// The delay of the next event. Without a period no random number is drawn.
    pub fn draw(&mut self) -> Duration {
        let Some(by_max) = self.maxima.iter().max() else { return Duration::ZERO };
        let by_max_ms = u64::try_from(by_max.as_millis()).unwrap_or(u64::MAX);
        let bound_ms = by_max_ms >> self.dice.range(0, HALVINGS_MAX);
        Duration::from_millis(self.dice.range(0, bound_ms))
    }
}

/// A serial line: parts arrive in the order in which they were sent, each at its time. A late part delays all parts
/// behind it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transit {
    under_way: std::collections::VecDeque<(Instant, Vec<u8>)>,
}

impl Transit {
    /// Sends bytes that arrive at this time at the earliest, and after all bytes sent before.
    pub(crate) fn send(&mut self, arrival: Instant, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            let last = self.under_way.back().map_or(arrival, |(last, _)| *last);
            self.under_way.push_back((arrival.max(last), bytes));
        }
    }

    /// The next bytes that have arrived by now.
    pub(crate) fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.next_at().filter(|at| *at <= now)?;
        self.under_way.pop_front().map(|(_, bytes)| bytes)
    }

    /// When the next bytes arrive.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.under_way.front().map(|(at, _)| *at)
    }

    /// All bytes in transit arrive at this time.
    pub(crate) fn hurry(&mut self, now: Instant) {
        for (at, _) in &mut self.under_way {
            *at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_overlapping_periods_the_largest_maximum_counts_until_it_ends() {
        let mut lateness = Lateness::new(1);
        lateness.begin(Duration::from_secs(10));
        lateness.begin(Duration::from_millis(1));
        let longest = |lateness: &mut Lateness| (0..200).map(|_| lateness.draw()).max();
        assert!(longest(&mut lateness) > Some(Duration::from_secs(5)));
        lateness.end(Duration::from_secs(10));
        assert_eq!(longest(&mut lateness), Some(Duration::from_millis(1)));
        lateness.heal();
        assert_eq!(longest(&mut lateness), Some(Duration::ZERO));
    }

    #[test]
    fn bytes_of_a_line_never_overtake_each_other() {
        let at = Instant::from_millis;
        let mut transit = Transit::default();
        transit.send(at(50), b"first".to_vec());
        transit.send(at(10), b"second".to_vec());
        assert_eq!((transit.next_at(), transit.arrived(at(49))), (Some(at(50)), None));
        assert_eq!(transit.arrived(at(50)), Some(b"first".to_vec()));
        assert_eq!(transit.arrived(at(50)), Some(b"second".to_vec()));
        assert_eq!(transit.next_at(), None);
    }
}
