//! When two nodes are one.

use std::hash::{BuildHasher, Hash, Hasher};

use cellscan_core::scan::Snapshot;

use foldhash::quality::{FixedState, FoldHasher};

use crate::world::World;

/// Hashes three kilobytes of small fields some ten million times.
pub(crate) type Fold = FixedState;

/// Instants further ahead than this, ms, are alike: the times in a walk are seconds, and what lies beyond is a budget
/// without end or one of the deny list's and the gate's times, all five minutes and more.
const HORIZON_MS: u64 = 60_000;

/// A fingerprint of what a snapshot says, but for what decides nothing in a walk: how long a trial took, and how far
/// away the far instants are. Without this no two ways that take different times would ever meet, and the walk would
/// not end. That it leaves out no more than that is checked by `equal_snapshots_behave_alike`.
///
/// 64 bits: the chance that two of a million nodes are taken for one is 3 in 10⁸.
pub(crate) fn key(snapshot: &Snapshot, world: &World) -> u64 {
    let mut sieve = Sieve(Fold::default().build_hasher());
    snapshot.hash(&mut sieve);
    world.hash(&mut sieve);
    sieve.finish()
}

/// Told by their width: of 64 bits are instants and the whole seconds of a span; of 32 bits the nanoseconds of a span,
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
        // Spans in a walk are whole milliseconds, so any nanoseconds are a million and more; nothing else is.
        if part >= 1_000_000 {
            self.0.write_u32(part);
        }
    }
}
