//! The event queue, with a single order of events.

use std::collections::BTreeMap;

use cellscan_core::time::Instant;
use core::time::Duration;

use crate::lateness::Lateness;

/// Events ordered by time and, within one millisecond, by the order in which they were entered.
///
/// The sequence number makes a run repeatable: no order depends on a hash table or on threads.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    events: BTreeMap<(Instant, u64), Entry<E>>,
    sequence: u64,
    /// Draws the delay of a due event.
    pub lateness: Lateness,
}

#[derive(Clone, Debug)]
struct Entry<E> {
    event: E,
    /// The event was due once already, and its delay was drawn then.
    delayed: bool,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self { events: BTreeMap::new(), sequence: 0, lateness: Lateness::default() }
    }
}

impl<E> Queue<E> {
    /// Enters `event` for the time `at`, after the events already entered for that time.
    pub fn push(&mut self, at: Instant, event: E) {
        self.enter(at, Entry { event, delayed: false });
    }

    fn enter(&mut self, at: Instant, entry: Entry<E>) {
        self.events.insert((at, self.sequence), entry);
        self.sequence += 1;
    }

    /// Takes the next event out if it is due at `now`, with its time. While the machine is late a due event is first
    /// put off, once.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, E)> {
        loop {
            let first = self.events.first_entry()?;
            if first.key().0 > now {
                return None;
            }
            let ((at, _), entry) = first.remove_entry();
            let late = if entry.delayed { Duration::ZERO } else { self.lateness.draw() };
            if late.is_zero() {
                return Some((at, entry.event));
            }
            self.enter(at + late, Entry { delayed: true, ..entry });
        }
    }

    /// When the next event is due; `None` when the queue is empty. The event may be put off when its time has come.
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
    fn no_event_comes_before_its_time() {
        let mut queue = Queue::default();
        queue.push(Instant::from_millis(2), ());
        assert_eq!(queue.pop_due(Instant::from_millis(1)), None);
    }

    #[test]
    fn late_events_come_once_each_after_their_time_and_in_another_order() {
        let mut queue = Queue { lateness: Lateness::new(3), ..Queue::default() };
        queue.lateness.begin(Duration::from_millis(50));
        for at in 0..40 {
            queue.push(Instant::from_millis(at), at);
        }
        let mut came = Vec::new();
        for now in 0..=90 {
            while let Some((at, event)) = queue.pop_due(Instant::from_millis(now)) {
                assert!(at.as_millis() >= event && at.as_millis() <= event + 50);
                came.push(event);
            }
        }
        assert_eq!((came.len(), queue.next_at()), (40, None));
        assert!(!came.is_sorted());
        came.sort_unstable();
        assert!(came.into_iter().eq(0..40));
    }
}
