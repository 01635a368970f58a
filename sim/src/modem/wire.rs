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
    pieces: VecDeque<Piece>,
    waiting: usize,
    lost: u64,
}

/// Bytes that arrive together.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) due: Instant,
    pub(crate) bytes: Vec<u8>,
}

impl Wire {
    /// Sends `bytes`, the first piece at `due` or after the arrival of all earlier pieces.
    pub(crate) fn send(&mut self, due: Instant, bytes: &[u8], fragments: Fragments) {
        if self.waiting.saturating_add(bytes.len()) > WAITING_BYTES_MAX {
            self.lost = self.lost.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            return;
        }
        let size = if fragments.size == 0 { bytes.len().max(1) } else { fragments.size };
        let mut due = self.pieces.back().map_or(due, |last| due.max(last.due));
        for (index, piece) in bytes.chunks(size).enumerate() {
            // Each piece keeps the gap to the one before it, also to one of an earlier message.
            if index > 0 || (fragments.size != 0 && self.pieces.back().is_some()) {
                due = due + Duration::from_millis(fragments.gap_ms);
            }
            self.pieces.push_back(Piece { due, bytes: piece.to_vec() });
            self.waiting += piece.len();
        }
    }

    /// The next piece that has arrived by `now`.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Piece> {
        if self.next_due()? > now {
            return None;
        }
        let piece = self.pieces.pop_front()?;
        self.waiting -= piece.bytes.len();
        Some(piece)
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.pieces.front().map(|piece| piece.due)
    }

    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.waiting = 0;
    }

    /// Bytes that did not fit.
    pub(crate) const fn lost(&self) -> u64 {
        self.lost
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
        while let Some(piece) = wire.take_due(at(100)) {
            seen.push((piece.due.as_millis(), piece.bytes));
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
        assert_eq!(wire.take_due(at(0)).map(|piece| piece.bytes.len()), Some(WAITING_BYTES_MAX));
        wire.send(at(0), b"yz", Fragments::default());
        assert_eq!(wire.lost(), 2);
    }
}
