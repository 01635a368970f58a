//! A 32-bit counter as a clock that never wraps, as the core requires.

/// Counts the wraps of a 32-bit counter. It must be read at least once between two wraps.
#[derive(Debug, Default)]
pub struct Wide {
    last: u32,
    turns: u32,
}

impl Wide {
    /// A counter that has not wrapped.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: 0, turns: 0 }
    }

    /// The 64-bit value of the counter, which now shows `count`.
    pub fn extend(&mut self, count: u32) -> u64 {
        if count < self.last {
            self.turns = self.turns.wrapping_add(1);
        }
        self.last = count;
        (u64::from(self.turns) << 32) | u64::from(count)
    }
}

#[cfg(test)]
mod tests {
    use super::Wide;

    #[test]
    fn a_counter_that_wraps_keeps_counting() {
        let mut wide = Wide::new();
        assert_eq!(wide.extend(u32::MAX), u64::from(u32::MAX));
        assert_eq!(wide.extend(3), u64::from(u32::MAX) + 4);
        assert_eq!(wide.extend(3), u64::from(u32::MAX) + 4);
    }
}
