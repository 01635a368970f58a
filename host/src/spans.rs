//! Spans of time as numbers: what JSON, CSV and the time line show.

use std::time::Duration;

/// A span in milliseconds; [`i64::MAX`] where it is longer.
#[must_use]
pub fn millis(span: impl Into<Duration>) -> i64 {
    i64::try_from(span.into().as_millis()).unwrap_or(i64::MAX)
}

/// Milliseconds as seconds, divided once: `59.516` and never `59.51600000000001`.
#[must_use]
pub fn seconds(millis: i64) -> f64 {
    // Beyond 2^53 ms, some 285,000 years, a millisecond would be lost.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let millis = millis as f64;
    millis / 1_000.0
}

/// A span in seconds.
#[must_use]
pub fn in_seconds(span: impl Into<Duration>) -> f64 {
    seconds(millis(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_no_more_digits_than_milliseconds() {
        for millis in [302, 59_512, 99_012, 117_023] {
            let written = serde_json::to_string(&in_seconds(Duration::from_millis(millis))).unwrap();
            assert!(written.len() <= 7, "{written}");
        }
    }
}
