//! `wvdial`: `--> ` before the dialler's messages (1.60 and later), or `WvDial<*1>: ` and `WvDial Modem<*1>: ` (1.56).

use super::event::{Event, What};
use super::text::{contains, split_once};
use super::{Importer, Sink};

/// Reads what `wvdial` prints.
#[derive(Debug, Default)]
pub struct Wvdial;

impl Importer for Wvdial {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = line.trim_ascii();
        let mut tell = |what: What<'_>| sink(Event::new(number, None, what));
        if line.is_empty() {
            return;
        }
        if let Some(said) = line.strip_prefix(b"-->") {
            return dialler(said.trim_ascii_start(), &mut tell);
        }
        if line.starts_with(b"WvDial") {
            return match split_once(line, b">: ") {
                Some((tag, text)) if tag.starts_with(b"WvDial Modem") => tell(What::Received(text)),
                Some((_, said)) => dialler(said, &mut tell),
                None => tell(What::Other(line)),
            };
        }
        if line.starts_with(b"Caught signal") {
            return tell(What::Other(line));
        }
        tell(What::Received(line));
    }
}

fn dialler(said: &[u8], tell: &mut dyn FnMut(What<'_>)) {
    if let Some(command) = said.strip_prefix(b"Sending: ") {
        return tell(What::Sent(command));
    }
    if let Some(command) = said.strip_prefix(b"Re-Sending: ") {
        tell(What::GivenUp);
        return tell(What::Sent(command));
    }
    if said.starts_with(b"Modem not responding") || contains(said, b"Timed out while dialing") {
        return tell(What::GivenUp);
    }
    tell(What::Other(said));
}
