//! Time as an argument: nothing in this crate reads a clock.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// Milliseconds since an origin that the caller chose; never goes back, never wraps.
///
/// A `u64` of milliseconds lasts 5·10⁸ years, so a caller whose counter is narrower extends it before it comes
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
    /// Later than any time that is reached; `Instant + Duration` saturates here.
    pub const FAR: Self = Self(u64::MAX);

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
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The instant `span` before this one; the origin where there is none.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis_rounded_up(span)))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Rounds the span up to whole milliseconds and saturates at [`Instant::FAR`].
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis_rounded_up(span)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
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
        assert_eq!(Instant::from_millis(5) + Duration::MAX, Instant::FAR);
        assert_eq!(Instant::from_millis(5).saturating_sub(Duration::from_secs(1)), Instant::ZERO);
    }
}
