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
/// use cellscan_core::time::{Instant, Span};
/// use core::time::Duration;
/// let start = Instant::from_millis(1_000);
/// let later = start + Span::from_millis(500);
/// assert_eq!(later.saturating_since(start), Span::from_millis(500));
/// assert_eq!((start + Duration::from_micros(1_500)).as_millis(), 1_002, "a timer never fires early");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// Later than any time that occurs; additions saturate here.
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

    /// How long after `earlier` this is: [`Span::ZERO`] where it is not after it, at most [`Span::MAX`].
    #[must_use]
    #[inline(never)]
    pub const fn saturating_since(self, earlier: Self) -> Span {
        Span::of_millis(self.0.saturating_sub(earlier.0))
    }

    /// The same where it may be more than [`Span::MAX`]: how long a program of weeks has run.
    #[must_use]
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The instant `span` before this one; the origin where there is none.
    #[must_use]
    #[inline(never)]
    pub fn saturating_sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(u64::from(span.0)))
    }
}

impl Add<Span> for Instant {
    type Output = Self;

    /// Saturates at [`Instant::MAX`].
    // Not inlined: all code with a deadline calls it.
    #[inline(never)]
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(u64::from(span.0)))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Rounds the duration up to whole milliseconds and saturates at [`Instant::MAX`].
    fn add(self, duration: Duration) -> Self {
        let part = u64::from(duration.subsec_nanos().div_ceil(1_000_000));
        Self(self.0.saturating_add(duration.as_secs().saturating_mul(1_000).saturating_add(part)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// A span of time in whole milliseconds, at most 49 days: a third of a [`Duration`], and without its 64-bit divisions.
///
/// ```
/// use cellscan_core::time::Span;
/// use core::time::Duration;
/// assert_eq!(Span::from_secs(3).as_millis(), 3_000);
/// assert_eq!(Duration::from(Span::from_millis(1_500)), Duration::from_millis(1_500));
/// assert_eq!(Span::rounded_up(Duration::from_micros(1_500)), Span::from_millis(2));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Span(u32);

impl Span {
    /// No time.
    pub const ZERO: Self = Self(0);
    /// 49 days and 17 hours.
    pub const MAX: Self = Self(u32::MAX);

    /// A span of `millis` milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u32) -> Self {
        Self(millis)
    }

    /// A span of `seconds`, at most [`Span::MAX`].
    #[must_use]
    pub const fn from_secs(seconds: u32) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// The shortest span that is not shorter than `duration`; [`Span::MAX`] where there is none.
    #[must_use]
    pub fn rounded_up(duration: Duration) -> Self {
        let part = duration.subsec_nanos().div_ceil(1_000_000);
        Self::of_millis(duration.as_secs().saturating_mul(1_000).saturating_add(u64::from(part)))
    }

    const fn of_millis(millis: u64) -> Self {
        match millis.to_be_bytes() {
            [0, 0, 0, 0, a, b, c, d] => Self(u32::from_be_bytes([a, b, c, d])),
            _ => Self::MAX,
        }
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u32 {
        self.0
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> u32 {
        self.0 / 1_000
    }

    /// Whether this is [`Span::ZERO`].
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, at most [`Span::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least [`Span::ZERO`].
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `times` this span, at most [`Span::MAX`].
    #[must_use]
    pub const fn saturating_mul(self, times: u32) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

impl Add for Span {
    type Output = Self;

    /// As [`Span::saturating_add`].
    fn add(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(u64::from(span.0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_up_and_saturate() {
        assert_eq!((Instant::ZERO + Duration::from_nanos(1)).as_millis(), 1);
        assert_eq!((Instant::ZERO + Duration::from_millis(7)).as_millis(), 7);
        assert_eq!(Instant::from_millis(5) + Duration::MAX, Instant::MAX);
        assert_eq!(Span::rounded_up(Duration::from_nanos(1)), Span::from_millis(1));
        assert_eq!(Span::rounded_up(Duration::from(Span::MAX)), Span::MAX);
        assert_eq!(Span::rounded_up(Duration::MAX), Span::MAX);
    }

    #[test]
    fn spans_saturate() {
        assert_eq!(Instant::from_millis(u64::MAX - 1) + Span::from_millis(7), Instant::MAX);
        assert_eq!(Instant::from_millis(5).saturating_sub(Span::from_secs(1)), Instant::ZERO);
        assert_eq!(Instant::MAX.saturating_since(Instant::ZERO), Span::MAX);
        assert_eq!(Instant::from_millis(1 << 32).saturating_since(Instant::ZERO), Span::MAX);
        assert_eq!(
            Instant::from_millis((1 << 32) - 2).saturating_since(Instant::ZERO).as_millis(),
            u32::MAX - 1
        );
        assert_eq!(Instant::ZERO.saturating_since(Instant::MAX), Span::ZERO);
        assert_eq!(Span::from_secs(u32::MAX), Span::MAX);
        assert_eq!(Span::MAX.saturating_add(Span::from_millis(1)), Span::MAX);
        assert_eq!(Span::from_secs(1).saturating_sub(Span::from_secs(2)), Span::ZERO);
        assert_eq!(Span::from_secs(5).saturating_mul(u32::MAX), Span::MAX);
    }
}
