//! `AT> ` and `AT< `: Quectel-CM, and the vendor daemons of Android's radio layer in logcat.
//!
//! ```text
//! line = [stamp …] ("AT> " command | "AT< " one line of a reply, or unsolicited) | other text
//! ```

use super::event::{Event, What};
use super::text::split_once;
use super::{Importer, Sink};

/// Reads `AT> ` and `AT< `.
#[derive(Debug, Default)]
pub struct Ril;

impl Importer for Ril {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        let what = match split_once(line, b"AT> ") {
            Some((_, command)) => What::Sent(command),
            None => match split_once(line, b"AT< ") {
                Some((_, reply)) => What::Received(reply),
                None => What::Other(line),
            },
        };
        sink(Event::new(number, None, what));
    }
}
