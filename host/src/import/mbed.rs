//! mbed's cellular trace: `[00018163ms][INFO][CELL]: AT TX ( 8): AT+CPIN?`; `RX` records break anywhere.

use super::event::{Event, Millis, What};
use super::stamp::number;
use super::stream::Stream;
use super::text::{contains, split_once};
use super::{Importer, Sink};

/// Reads mbed's trace.
#[derive(Debug, Default)]
pub struct Mbed {
    at: Option<Millis>,
    incoming: Stream,
    outgoing: Stream,
    bytes: Vec<u8>,
}

impl Importer for Mbed {
    fn line(&mut self, line_number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        let stamp = line.strip_prefix(b"[").and_then(|rest| split_once(rest, b"ms]"));
        self.at = stamp.and_then(|(digits, _)| number(digits)).or(self.at);
        let at = self.at;
        let mut tell = |what: What<'_>| sink(Event::new(line_number, at, what));
        let text = |mark: &[u8]| {
            split_once(line, mark).and_then(|(_, rest)| split_once(rest, b"): ")).map(|(_, text)| text)
        };
        if let Some(shown) = text(b"AT TX (") {
            unshow(shown, &mut self.bytes);
            self.outgoing.push(&self.bytes, &mut |line| tell(What::Sent(line)));
            // Its CR is in a record of its own, or missing.
            self.outgoing.flush(&mut |line| tell(What::Sent(line)));
        } else if let Some(shown) = text(b"AT RX (") {
            unshow(shown, &mut self.bytes);
            self.incoming.push(&self.bytes, &mut |line| tell(What::Received(line)));
        } else if contains(line, b"AT TIMEOUT") {
            tell(What::GivenUp);
        } else {
            tell(What::Other(line));
        }
    }
}

fn unshow(mut shown: &[u8], bytes: &mut Vec<u8>) {
    bytes.clear();
    while let Some((first, rest)) = shown.split_first() {
        if let Some(rest) = shown.strip_prefix(b"<cr>") {
            bytes.push(b'\r');
            shown = rest;
        } else if let Some(rest) = shown.strip_prefix(b"<ln>") {
            bytes.push(b'\n');
            shown = rest;
        } else {
            bytes.push(*first);
            shown = rest;
        }
    }
}
