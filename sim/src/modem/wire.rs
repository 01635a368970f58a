//! From the modem to its client: output cut into pieces, each with its arrival time.

use std::collections::VecDeque;
use std::time::Duration;

use cellscan_core::time::Instant;

use super::profile::Fragments;

/// Bytes that wait to be delivered, at most: four times the longest operator list in a log. Bytes
/// that do not fit are lost, as on a wire.
pub(crate) const WAITING_BYTES_MAX: usize = 16 * 1024;

/// Pieces in transit, in the order of their arrival.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    /// When each piece arrives, and its length.
    pieces: VecDeque<(Instant, usize)>,
    /// The bytes of all pieces, after those that have arrived.
    bytes: Vec<u8>,
    arrived: usize,
    lost: u64,
}

impl Wire {
    /// Sends `bytes`, the first piece at `due` or after the arrival of all earlier pieces.
    pub(crate) fn send(&mut self, due: Instant, bytes: &[u8], fragments: Fragments) {
        if self.waiting().saturating_add(bytes.len()) > WAITING_BYTES_MAX {
            self.lost = self.lost.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            return;
        }
        if self.waiting() == 0 || self.arrived > WAITING_BYTES_MAX {
            self.bytes.drain(..self.arrived);
            self.arrived = 0;
        }
        self.bytes.extend_from_slice(bytes);
        let size = if fragments.size == 0 { bytes.len().max(1) } else { fragments.size };
        let mut due = self.pieces.back().map_or(due, |(last, _)| due.max(*last));
        for (index, piece) in bytes.chunks(size).enumerate() {
            // Each piece keeps the gap to the one before it, also to one of an earlier message.
            if index > 0 || (fragments.size != 0 && !self.pieces.is_empty()) {
                due = due + Duration::from_millis(fragments.gap_ms);
            }
            self.pieces.push_back((due, piece.len()));
        }
    }

    /// The next piece that has arrived by `now`, and when it arrived.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(Instant, &[u8])> {
        let (due, length) = *self.pieces.front().filter(|(due, _)| *due <= now)?;
        self.pieces.pop_front();
        let from = self.arrived;
        self.arrived += length;
        self.bytes.get(from..self.arrived).map(|piece| (due, piece))
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.pieces.front().map(|(due, _)| *due)
    }

    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.bytes.clear();
        self.arrived = 0;
    }

    /// Bytes that did not fit.
    pub(crate) const fn lost(&self) -> u64 {
        self.lost
    }

    const fn waiting(&self) -> usize {
        self.bytes.len() - self.arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn pieces_arrive_one_gap_apart_and_in_order() {
        let mut wire = Wire::default();
        wire.send(at(10), b"abcde", Fragments { size: 2, gap_ms: 3 });
        wire.send(at(0), b"f", Fragments { size: 2, gap_ms: 3 });
        let mut seen = Vec::new();
        while let Some((due, bytes)) = wire.take_due(at(100)) {
            seen.push((due.as_millis(), bytes.to_vec()));
        }
        let expected: [(u64, &[u8]); 4] = [(10, b"ab"), (13, b"cd"), (16, b"e"), (19, b"f")];
        assert_eq!(seen, expected.map(|(due, bytes)| (due, bytes.to_vec())));
        assert_eq!(wire.next_due(), None);
    }

    #[test]
    fn a_full_wire_loses_what_comes_last_and_counts_it() {
        let mut wire = Wire::default();
        wire.send(at(0), &vec![b'x'; WAITING_BYTES_MAX], Fragments::default());
        wire.send(at(0), b"yz", Fragments::default());
        assert_eq!(wire.lost(), 2);
        assert_eq!(wire.take_due(at(0)).map(|(_, bytes)| bytes.len()), Some(WAITING_BYTES_MAX));
        wire.send(at(0), b"yz", Fragments::default());
        assert_eq!(wire.lost(), 2);
    }

    #[test]
    fn a_wire_that_is_never_empty_keeps_no_arrived_bytes() {
        let mut wire = Wire::default();
        wire.send(at(0), b"0", Fragments::default());
        for next in 1..100_u64 {
            let bytes = vec![u8::try_from(next).unwrap_or_default(); 1_000];
            wire.send(at(next), &bytes, Fragments::default());
            let arrived = wire.take_due(at(next)).map(|(_, bytes)| bytes.first().copied());
            assert_eq!(arrived, Some(Some(if next == 1 { b'0' } else { u8::try_from(next - 1).unwrap() })));
            assert!(wire.bytes.len() <= 2 * WAITING_BYTES_MAX);
        }
    }
}
