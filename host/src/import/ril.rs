//! `AT> ` and `AT< `: Quectel-CM, and the vendor daemons of Android's radio layer in logcat.
//!
//! ```text
//! line = [stamp …] ("AT> " command | "AT< " one line of a reply, or unsolicited) | other text
//! ```

use super::event::{Event, Millis, What};
use super::stamp::{DAY_MS, clock_with_fraction, days, number};
use super::text::split_once;
use super::{Importer, Sink};

/// Reads `AT> ` and `AT< `.
#[derive(Debug, Default)]
pub struct Ril {
    at: Option<Millis>,
}

/// `MM-DD`, a byte, and a clock, with or without a bracket before: milliseconds since the beginning of a leap year.
fn stamp(line: &[u8]) -> Option<Millis> {
    let line = line.strip_prefix(b"[").unwrap_or(line);
    let (date, rest) = line.split_at_checked(6)?;
    if date[2] != b'-' || !matches!(date[5], b'_' | b' ') {
        return None;
    }
    let days = days(2_000, number(&date[..2])?, number(&date[3..5])?) - days(2_000, 1, 1);
    let (clock, _) = clock_with_fraction(rest, b".:")?;
    Some(days * DAY_MS + clock)
}

impl Importer for Ril {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        self.at = stamp(line).or(self.at);
        let what = match split_once(line, b"AT> ") {
            Some((_, command)) => What::Sent(command),
            None => match split_once(line, b"AT< ") {
                Some((_, reply)) => What::Received(reply),
                None => What::Other(line),
            },
        };
        sink(Event::new(number, self.at, what));
    }
}
