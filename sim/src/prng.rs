//! A pseudo-random generator of our own, so that a dependency's update never changes what a seed means.

/// `SplitMix64` (Steele, Lea and Flood 2014): one word of state, every seed is valid.
///
/// ```
/// use cellscan_sim::prng::Prng;
/// let mut dice = Prng::new(7);
/// assert!((1..=6).contains(&dice.range(1, 6)));
/// assert_eq!(Prng::new(7), Prng::new(7), "equal seeds, equal sequences");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Prng {
    state: u64,
}

impl Prng {
    /// The sequence that belongs to `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `bound`; 0 where `bound` is 0. Slightly uneven, which no test here can notice.
    pub const fn below(&mut self, bound: u64) -> u64 {
        let word = self.next_u64();
        if bound == 0 { 0 } else { word % bound }
    }

    /// A number from `low` to `high`, both included; `low` where `high` is smaller.
    pub const fn range(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// True `permille` times in a thousand.
    pub const fn chance(&mut self, permille: u64) -> bool {
        self.below(1_000) < permille
    }

    /// An independent generator for a part of the world, so that one part's draws do not shift another's.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self::new(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_of_a_seed_is_the_published_one() {
        let mut prng = Prng::new(1_234_567);
        assert_eq!(prng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(prng.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn bounds_hold_at_their_edges() {
        let mut prng = Prng::new(1);
        assert_eq!(prng.below(0), 0);
        assert_eq!(prng.below(1), 0);
        assert_eq!(prng.range(9, 3), 9);
        assert!(!prng.chance(0));
        assert!(prng.chance(1_000));
        for _ in 0..1_000 {
            assert!((3..=5).contains(&prng.range(3, 5)));
        }
        let _ = prng.range(0, u64::MAX);
    }
}
