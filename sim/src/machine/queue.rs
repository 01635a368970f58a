//! The event queue, with a single order of events.

use cellscan_core::time::Instant;
use core::time::Duration;

use crate::lateness::Lateness;

/// Events ordered by time and, within one millisecond, by the order in which they were entered.
///
/// This single order makes a run repeatable: no order depends on a hash table or on threads. There are few events at a
/// time, so that a sorted vector costs less than a tree.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    /// The next one last.
    events: Vec<(Instant, Entry<E>)>,
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
        Self { events: Vec::new(), lateness: Lateness::default() }
    }
}

impl<E> Queue<E> {
    /// Enters `event` for the time `at`, after the events already entered for that time.
    pub fn push(&mut self, at: Instant, event: E) {
        self.enter(at, Entry { event, delayed: false });
    }

    fn enter(&mut self, at: Instant, entry: Entry<E>) {
        // It comes after all that are due at the same time.
        let place = self.events.partition_point(|(other, _)| *other > at);
        self.events.insert(place, (at, entry));
    }

    /// Takes the next event out if it is due at `now`, with its time. While the machine is late a due event is first
    /// put off, once.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, E)> {
        loop {
            let (at, entry) = self.events.pop_if(|(at, _)| *at <= now)?;
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
        self.events.last().map(|(at, _)| *at)
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
