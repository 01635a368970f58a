//! Time as an argument: nothing in this crate reads a clock.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// Milliseconds since an origin that the caller chooses; never goes back, never wraps.
///
/// A `u64` of milliseconds lasts 5·10⁸ years; a caller with a narrower counter extends it before it comes
/// here. A caller's clock that does go back is clamped by the [`Scanner`](crate::scan::Scanner).
///
/// ```
/// use cellscan_core::time::Instant;
/// use core::time::Duration;
/// let start = Instant::from_millis(1_000);
/// let later = start + Duration::from_micros(1_500);
/// assert_eq!(later.as_millis(), 1_002, "a timer never fires early");
/// assert_eq!(later.saturating_since(start), Duration::from_millis(2));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// Later than any time that occurs; `Instant + Duration` saturates here.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the origin.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero where it is not after it.
    #[must_use]
    #[inline(never)]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        span_of_millis(self.0.saturating_sub(earlier.0))
    }

    /// The instant `span` before this one; the origin where there is none.
    #[must_use]
    #[inline(never)]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis_rounded_up(span)))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Rounds the span up to whole milliseconds and saturates at [`Instant::MAX`].
    // Not inlined: all code with a deadline calls it, and it takes fifty bytes of flash.
    #[inline(never)]
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis_rounded_up(span)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// As `Duration::from_millis`, by 32-bit divisions: a microcontroller has no others, and the software routine
/// for 64 bits takes half a kilobyte.
#[inline(never)]
const fn span_of_millis(millis: u64) -> Duration {
    // By hand, 16 bits at a time; the remainder is below 1,000, so that each dividend has 26 bits.
    let bytes = millis.to_be_bytes();
    let (mut rest, mut seconds, mut left) = (bytes.as_chunks::<2>().0, 0_u64, 0_u32);
    while let [[high, low], behind @ ..] = rest {
        let dividend = (left << 16) | u32::from_be_bytes([0, 0, *high, *low]);
        let [_, _, high, low] = (dividend / 1_000).to_be_bytes();
        seconds = (seconds << 16) | u64::from_be_bytes([0, 0, 0, 0, 0, 0, high, low]);
        left = dividend % 1_000;
        rest = behind;
    }
    Duration::new(seconds, left.wrapping_mul(1_000_000))
}

fn millis_rounded_up(span: Duration) -> u64 {
    let part = u64::from(span.subsec_nanos().div_ceil(1_000_000));
    span.as_secs().saturating_mul(1_000).saturating_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_round_up_and_saturate() {
        assert_eq!((Instant::ZERO + Duration::from_nanos(1)).as_millis(), 1);
        assert_eq!((Instant::ZERO + Duration::from_millis(7)).as_millis(), 7);
        assert_eq!(Instant::from_millis(5) + Duration::MAX, Instant::MAX);
        assert_eq!(Instant::from_millis(5).saturating_sub(Duration::from_secs(1)), Instant::ZERO);
    }

    #[test]
    fn the_span_between_two_instants_agrees_with_the_standard_library() {
        for shift in 0..64 {
            for near in 0..3 {
                let millis = (u64::MAX >> shift).wrapping_sub(1).wrapping_add(near).wrapping_mul(999_999_937);
                let span = Instant::from_millis(millis).saturating_since(Instant::ZERO);
                assert_eq!(span, Duration::from_millis(millis));
            }
        }
        assert_eq!(Instant::MAX.saturating_since(Instant::ZERO), Duration::from_millis(u64::MAX));
        assert_eq!(Instant::ZERO.saturating_since(Instant::MAX), Duration::ZERO);
    }
}
