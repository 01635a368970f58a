//! A value that counts the accesses that may have changed it.

use core::ops::{Deref, DerefMut};

/// Counts each mutable access. Readers that see the same count twice see the same value: they need not look again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched<T> {
    value: T,
    changes: u64,
}

impl<T> Watched<T> {
    /// The number of mutable accesses so far.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    /// An access that is not counted: for what no reader looks at, such as the clock.
    pub(crate) const fn unseen(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Deref for Watched<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Watched<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.changes = self.changes.wrapping_add(1);
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use super::Watched;

    #[test]
    fn every_mutable_access_counts_and_no_other() {
        let mut watched = Watched::<Vec<u8>>::default();
        assert_eq!((watched.len(), watched.changes()), (0, 0));
        watched.push(1);
        assert_eq!((watched.len(), watched.changes()), (1, 1));
    }
}
