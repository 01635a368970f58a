//! Rows of hex dumps, and the two formats that keep a dialogue as hex dumps only: gammu's debug output and Zephyr's log.

use super::event::{Event, Millis, Unread, What};
use super::stamp::number;
use super::stream::Stream;
use super::text::{contains, split_once};
use super::{Importer, Sink};

/// Largest length of one frame, in bytes.
const FRAME_MAX: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Direction {
    Sent,
    Received,
}

/// The incomplete frame.
#[derive(Debug)]
struct Frame {
    direction: Direction,
    line: u64,
    at: Option<Millis>,
    /// The length in its header.
    len: Option<usize>,
    bytes: Vec<u8>,
}

/// Builds a dialogue from frames.
#[derive(Debug, Default)]
struct Frames {
    frame: Option<Frame>,
    outgoing: Stream,
    incoming: Stream,
}

impl Frames {
    fn begin(&mut self, frame: Frame, sink: &mut Sink<'_>) {
        self.finish(sink);
        self.frame = Some(frame);
    }

    fn add(&mut self, bytes: &[u8]) {
        if let Some(frame) = &mut self.frame {
            let room = FRAME_MAX.saturating_sub(frame.bytes.len());
            frame.bytes.extend(bytes.iter().take(room));
        }
    }

    fn finish(&mut self, sink: &mut Sink<'_>) {
        let Some(frame) = self.frame.take() else { return };
        if frame.len.is_some_and(|len| len != frame.bytes.len()) {
            sink(Event::unread(frame.line, Unread::Incomplete));
        }
        let mut tell = |what: What<'_>| sink(Event::new(frame.line, frame.at, what));
        match frame.direction {
            Direction::Sent => {
                self.outgoing.push(&frame.bytes, &mut |line| tell(What::Sent(line)));
                self.outgoing.flush(&mut |line| tell(What::Sent(line)));
            }
            Direction::Received => self.incoming.push(&frame.bytes, &mut |line| tell(What::Received(line))),
        }
    }
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let [high, low] = digits else { return None };
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// Reads gammu's debug output: cells `HHc`, joined by `|`, sixteen per row.
#[derive(Debug, Default)]
pub struct Gammu {
    frames: Frames,
    at: Option<Millis>,
}

impl Importer for Gammu {
    fn at(&mut self, at: Option<Millis>) {
        self.at = at;
    }

    fn line(&mut self, line_number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        let text = split_once(line, b"gammu: ").map_or(line, |(_, text)| text);
        let direction = if text.starts_with(b"SENDING frame") {
            Some(Direction::Sent)
        } else if text.starts_with(b"RECEIVED frame") {
            Some(Direction::Received)
        } else {
            None
        };
        if let Some(direction) = direction {
            // `length 0x26/38`
            let len = split_once(text, b"length ")
                .and_then(|(_, rest)| split_once(rest, b"/"))
                .and_then(|(_, digits)| usize::try_from(number(digits.trim_ascii())?).ok());
            let frame = Frame { direction, line: line_number, at: self.at, len, bytes: Vec::new() };
            return self.frames.begin(frame, sink);
        }
        let row = cells(text);
        if self.frames.frame.is_some() && !row.is_empty() {
            return self.frames.add(&row);
        }
        self.frames.finish(sink);
        sink(Event::new(line_number, self.at, What::Other(text)));
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        self.frames.finish(sink);
    }
}

/// The bytes of a row; none if it is not a row.
fn cells(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(byte) = rest.get(..2).and_then(hex).filter(|_| bytes.len() < 16) {
        bytes.push(byte);
        match rest.get(3) {
            Some(b'|') => rest = &rest[4..],
            Some(b' ') | None => return bytes,
            Some(_) => return Vec::new(),
        }
    }
    Vec::new()
}

/// Reads Zephyr's log: a header line names the source, rows of hex follow without a stamp. Its `modem_chat` has a line for each command
/// and each line of an answer instead.
#[derive(Debug, Default)]
pub struct Zephyr {
    frames: Frames,
    at: Option<Millis>,
}

impl Importer for Zephyr {
    fn at(&mut self, at: Option<Millis>) {
        self.at = at;
    }

    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let text = line.trim_ascii();
        if text.is_empty() {
            return;
        }
        let row = dump(text);
        if self.frames.frame.is_some() && !row.is_empty() {
            return self.frames.add(&row);
        }
        self.frames.finish(sink);
        let Some(said) = said(text) else { return sink(Event::new(number, self.at, What::Other(text))) };
        let direction = if contains(said, b"RECV") || said.ends_with(b"RX") {
            Some(Direction::Received)
        } else if contains(said, b"SENT") || contains(said, b"SEND") || said.ends_with(b"TX") {
            Some(Direction::Sent)
        } else {
            None
        };
        let what = if let Some((_, command)) = split_once(said, b": sending: ") {
            What::Sent(command)
        } else if let Some((_, line)) = split_once(said, b"received_command: ") {
            // The function and its message may both have this name.
            What::Received(line.strip_prefix(b"received_command: ").unwrap_or(line))
        } else if said.ends_with(b"timed out") && contains(said, b"modem_c") {
            What::GivenUp
        } else if let Some(direction) = direction {
            let frame = Frame { direction, line: number, at: self.at, len: None, bytes: Vec::new() };
            return self.frames.begin(frame, sink);
        } else {
            What::Other(text)
        };
        sink(Event::new(number, self.at, what));
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        self.frames.finish(sink);
    }
}

/// The text behind the level of a header line: `<dbg> modem_chat: …`.
pub(super) fn said(text: &[u8]) -> Option<&[u8]> {
    let (level, said) = text.strip_prefix(b"<")?.split_at_checked(5)?;
    matches!(level, b"err> " | b"wrn> " | b"inf> " | b"dbg> ").then_some(said)
}

/// The bytes of a row `49 6e 69 …  0a  |Init…`; none if it is not a row.
fn dump(text: &[u8]) -> Vec<u8> {
    let Some((digits, _)) = split_once(text, b"|") else { return Vec::new() };
    let cells = digits.split(|byte| *byte == b' ').filter(|cell| !cell.is_empty());
    cells.map(hex).collect::<Option<Vec<u8>>>().filter(|row| row.len() <= 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_distinguished_from_words() {
        assert_eq!(cells(b"41A|54T|7C||0D                              AT|."), b"AT|\r");
        assert!(cells(b"Checking line: OK").is_empty());
        assert_eq!(dump(b"49 6e 69 74 2e 2e 2e 0d  0a                      |Init.... ."), b"Init...\r\n");
        assert!(dump(b"[00:00:10.500,000] <err> modem: a|b").is_empty());
    }
}
