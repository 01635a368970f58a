//! `ModemManager --debug`, and its tools `mmtty` and `mm-test`.
//!
//! ```text
//! record  = [stamp] [program] [level] ["[" secs "." usecs "]"] ("[" object "]" | "(" port "): ") ("-->" | "<--") " '" shown "'"
//! shown   = printable | "<CR>" | "<LF>" | "\" decimal
//! ```
//!
//! A mailer may break a line before or behind the arrow. One record is one `write()` or `read()`: a reply may span several. The apostrophe is not escaped, so the last one of
//! the record ends it.

use super::event::{Event, Millis, Unread, What};
use super::stamp::{fraction, number};
use super::stream::{Names, Stream};
use super::text::{contains, rsplit_once, split_once};
use super::{Importer, Sink};

/// Reads `ModemManager` debug logs.
#[derive(Debug, Default)]
pub struct ModemManager {
    ports: Names,
    /// Bytes of each port that are no complete line yet.
    incoming: Vec<Stream>,
    /// The port of the last record.
    last: u32,
    /// A mailer broke the last line behind its arrow: what follows was sent, or received.
    arrow: Option<Arrow>,
    at: Option<Millis>,
    bytes: Vec<u8>,
}

/// Which way the bytes of a record went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Arrow {
    Sent,
    Received,
}

/// Largest number of ports whose replies are put together.
const PORTS_MAX: usize = 64;

impl Importer for ModemManager {
    fn line(&mut self, line_number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        self.at = stamp(line).or(self.at);
        let Some((arrow, head, shown)) = record(line, self.arrow.take()) else {
            self.arrow = arrow_at_end(line);
            if self.arrow.is_some() {
                self.channel(line);
                return;
            }
            if contains(line, b"Serial command timed out") || contains(line, b"command timed out") {
                return sink(Event {
                    channel: self.channel(line),
                    ..Event::new(line_number, self.at, What::GivenUp)
                });
            }
            if contains(line, b"device open count is 0 (close)") {
                return sink(Event {
                    channel: self.channel(line),
                    ..Event::new(line_number, self.at, What::Closed)
                });
            }
            return sink(Event::new(line_number, self.at, What::Other(line)));
        };
        let channel = self.channel(head);
        let whole = rsplit_once(shown, b"'");
        if whole.is_none() {
            sink(Event::unread(line_number, Unread::Incomplete));
            if arrow == Arrow::Received {
                // The rest of the answer is not in the log as a record: what was read of it answers no other command.
                self.incoming(channel).clear();
                return sink(Event { channel, ..Event::new(line_number, self.at, What::Closed) });
            }
        }
        let shown = whole.map_or(shown, |(shown, _)| shown);
        self.bytes.clear();
        unshow(shown, &mut self.bytes);
        let at = self.at;
        let mut tell = |what: What<'_>| sink(Event { line: line_number, at, channel, what });
        if arrow == Arrow::Sent {
            return Stream::default().push_all(&self.bytes, &mut |line| tell(What::Sent(line)));
        }
        let bytes = core::mem::take(&mut self.bytes);
        self.incoming(channel).push(&bytes, &mut |line| tell(What::Received(line)));
        self.bytes = bytes;
    }
}

impl ModemManager {
    /// The incomplete line of a port.
    fn incoming(&mut self, channel: u32) -> &mut Stream {
        let index = usize::try_from(channel).unwrap_or_default().min(PORTS_MAX - 1);
        if self.incoming.len() <= index {
            self.incoming.resize_with(index + 1, Stream::default);
        }
        &mut self.incoming[index]
    }

    /// The number of the port: the last word before the arrow or the message, in its brackets.
    fn channel(&mut self, head: &[u8]) -> u32 {
        if !head.contains(&b'[') && !head.contains(&b'(') {
            // A record that was wrapped before its arrow.
            return self.last;
        }
        let port = head.rsplit(|byte| matches!(byte, b'[' | b'(')).next().unwrap_or_default();
        let port = port.split(|byte| matches!(byte, b']' | b')')).next().unwrap_or_default();
        // `modem0/ttyUSB2/at` is the same port as `ttyUSB2/at` before the modem had a number.
        let port = port.strip_suffix(b"/at").unwrap_or(port);
        self.last = self.ports.number(port.rsplit(|byte| *byte == b'/').next().unwrap_or(port));
        self.last
    }
}

impl Stream {
    fn push_all(&mut self, bytes: &[u8], line: &mut dyn FnMut(&[u8])) {
        self.push(bytes, line);
        self.flush(line);
    }
}

/// The arrow, what stands before it, and what follows the first apostrophe. `before`: the arrow that ended the last line.
fn record(line: &[u8], before: Option<Arrow>) -> Option<(Arrow, &[u8], &[u8])> {
    let of = |arrow, mark: &[u8]| split_once(line, mark).map(|(head, shown)| (arrow, head, shown));
    let behind = || Some((before?, &b""[..], line.strip_prefix(b"'")?));
    of(Arrow::Sent, b"--> '").or_else(|| of(Arrow::Received, b"<-- '")).or_else(behind)
}

/// The arrow at the end of a record without bytes.
fn arrow_at_end(line: &[u8]) -> Option<Arrow> {
    let (head, arrow) = line.split_at_checked(line.len().checked_sub(5)?)?;
    let arrow = match arrow {
        b"] -->" | b": -->" => Arrow::Sent,
        b"] <--" | b": <--" => Arrow::Received,
        _ => return None,
    };
    contains(head, b"tty").then_some(arrow)
}

/// `[1764000100.250318]`, the first in the line.
fn stamp(line: &[u8]) -> Option<Millis> {
    line.split(|byte| *byte == b'[').skip(1).find_map(|part| {
        let (inner, _) = split_once(part, b"]")?;
        let (seconds, digits) = split_once(inner, b".")?;
        (seconds.len() >= 6).then_some(())?;
        Some(number(seconds)? * 1_000 + fraction(digits)?)
    })
}

/// Decodes the bytes of the log.
pub(super) fn unshow(mut shown: &[u8], bytes: &mut Vec<u8>) {
    while let Some((first, rest)) = shown.split_first() {
        if let Some(rest) = shown.strip_prefix(b"<CR>") {
            bytes.push(b'\r');
            shown = rest;
        } else if let Some(rest) = shown.strip_prefix(b"<LF>") {
            bytes.push(b'\n');
            shown = rest;
        } else if *first == b'\\' && rest.first().is_some_and(u8::is_ascii_digit) {
            let len = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
            // The longest run of digits that fits a byte; where more digits follow, the log is ambiguous.
            let len = (1..=len)
                .rev()
                .find(|len| number(&rest[..*len]).is_some_and(|value| value < 256))
                .unwrap_or(1);
            bytes.push(number(&rest[..len]).and_then(|value| u8::try_from(value).ok()).unwrap_or(b'?'));
            shown = &rest[len..];
        } else {
            bytes.push(*first);
            shown = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_decoded_from_decimal() {
        let mut bytes = Vec::new();
        unshow(b"AT+X='a'<CR><LF>\\26\\2550\\7", &mut bytes);
        assert_eq!(bytes, b"AT+X='a'\r\n\x1a\xff0\x07");
    }
}
