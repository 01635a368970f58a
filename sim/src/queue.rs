//! What is going to happen, in the one order in which it happens.

use std::collections::BTreeMap;

use cellscan_core::time::Instant;

/// Events ordered by time and, within one millisecond, by the order in which they were entered.
///
/// The sequence number is what makes a run repeatable: nothing is left to the order of a hash table or of threads.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    events: BTreeMap<(Instant, u64), E>,
    sequence: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self { events: BTreeMap::new(), sequence: 0 }
    }
}

impl<E> Queue<E> {
    /// Enters `event` for the time `at`, behind whatever is entered for that time already.
    pub fn push(&mut self, at: Instant, event: E) {
        self.events.insert((at, self.sequence), event);
        self.sequence += 1;
    }

    /// Takes the next event out if it is due at `now`, with its time.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, E)> {
        let first = self.events.first_entry()?;
        if first.key().0 > now {
            return None;
        }
        let ((at, _), event) = first.remove_entry();
        Some((at, event))
    }

    /// When the next event is due; `None` when nothing is entered.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_millisecond_come_in_the_order_of_their_entry() {
        let mut queue = Queue::default();
        queue.push(Instant::from_millis(5), 'b');
        queue.push(Instant::from_millis(5), 'c');
        queue.push(Instant::from_millis(4), 'a');
        assert_eq!(queue.next_at(), Some(Instant::from_millis(4)));
        let order: String =
            std::iter::from_fn(|| queue.pop_due(Instant::from_millis(5))).map(|(_, c)| c).collect();
        assert_eq!(order, "abc");
        assert_eq!(queue.next_at(), None);
    }

    #[test]
    fn nothing_comes_before_its_time() {
        let mut queue = Queue::default();
        queue.push(Instant::from_millis(2), ());
        assert_eq!(queue.pop_due(Instant::from_millis(1)), None);
    }
}
