//! The key of a node: nodes with equal keys count as one.

use std::hash::{BuildHasher, Hash, Hasher};

use cellscan_core::scan::Snapshot;

use foldhash::quality::{FixedState, FoldHasher};

use crate::world::World;

/// The hasher: three kilobytes of small fields, some ten million times.
pub(crate) type Fold = FixedState;

/// Instants further in the future than this, ms, are equal: the times in a walk are seconds, and later ones are an unlimited
/// budget or times of the deny list and the gate, all five minutes and more.
const HORIZON_MS: u64 = 60_000;

/// A fingerprint of a snapshot, without the values that decide nothing in a walk: how long a trial took, and the distance
/// of far instants. Otherwise no two paths of different durations would ever meet, and the walk would not end. The test
/// `equal_snapshots_behave_alike` checks that it leaves out no more than that.
///
/// 64 bits: the chance that two of a million nodes are taken for one is 3 in 10⁸.
pub(crate) fn key(snapshot: &Snapshot, world: &World) -> u64 {
    let mut sieve = Sieve(Fold::default().build_hasher());
    snapshot.hash(&mut sieve);
    world.hash(&mut sieve);
    sieve.finish()
}

/// Distinguished by their width: 64 bits are instants and the whole seconds of a span; 32 bits the nanoseconds of a span,
/// process ids and the milliseconds that a trial took.
struct Sieve(FoldHasher<'static>);

impl Hasher for Sieve {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn write_u64(&mut self, instant: u64) {
        self.0.write_u64(instant.min(HORIZON_MS));
    }

    fn write_u32(&mut self, part: u32) {
        // Spans in a walk are whole milliseconds, so nonzero nanoseconds are a million and more; no other value is.
        if part >= 1_000_000 {
            self.0.write_u32(part);
        }
    }
}
