//! Replay tables: `QModem`'s JSON, `ModemManager`'s fake ports, phonesim's XML.
//!
//! ```text
//! {"command": "AT+COPS?", "response_hex": "4154…", …}      one object, in one line or several
//! AT+COPS?  \r\n+COPS: 0\r\n\r\nOK\r\n                      a command, blanks, a reply with escaped line ends
//! <chat><command>AT+COPS?</command><response>+COPS: 0\nOK</response></chat>
//! ```

use serde::Deserialize;

use super::event::{Event, Unread, What};
use super::stream::Stream;
use super::text::{is_command, split_once};
use super::{Importer, Sink};

/// Largest length of one object, in bytes.
const OBJECT_MAX: usize = 1024 * 1024;

/// Reads replay tables.
#[derive(Debug, Default)]
pub struct Fixture {
    /// An incomplete JSON object or element, and the line on which it began.
    held: Vec<u8>,
    began: u64,
}

#[derive(Deserialize)]
struct Row {
    command: String,
    response_hex: Option<String>,
    response: Option<String>,
}

impl Importer for Fixture {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let text = line.trim_ascii();
        if text.is_empty() {
            return;
        }
        let is_open = !self.held.is_empty();
        if is_open || matches!(text.first(), Some(b'{' | b'[' | b'<')) {
            if !is_open {
                self.began = number;
            }
            if self.held.len() + text.len() < OBJECT_MAX {
                self.held.extend_from_slice(text);
                self.held.push(b'\n');
            }
            return self.try_held(sink);
        }
        match fake_port(text) {
            Some((command, reply)) => dialogue(number, command, &reply, sink),
            None => sink(Event::new(number, None, What::Other(text))),
        }
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        if !self.held.is_empty() && !self.held.starts_with(b"<") {
            sink(Event::unread(self.began, Unread::Malformed));
        }
    }
}

impl Fixture {
    fn try_held(&mut self, sink: &mut Sink<'_>) {
        if self.held.starts_with(b"<") {
            return self.elements(sink);
        }
        // An object ends with a brace: parse only then.
        if !matches!(self.held.trim_ascii_end().last(), Some(b'}' | b']')) {
            return;
        }
        let rows = serde_json::from_slice::<Vec<Row>>(&self.held)
            .or_else(|_| serde_json::from_slice::<Row>(&self.held).map(|row| vec![row]));
        let Ok(rows) = rows else { return };
        self.held.clear();
        for row in rows {
            let bytes = match (&row.response_hex, &row.response) {
                (Some(hex), _) => unhex(hex.as_bytes()),
                (None, Some(text)) => Some(text.clone().into_bytes()),
                (None, None) => Some(Vec::new()),
            };
            if bytes.is_none() {
                sink(Event::unread(self.began, Unread::Malformed));
            }
            dialogue(self.began, row.command.as_bytes(), &bytes.unwrap_or_default(), sink);
        }
    }

    fn elements(&mut self, sink: &mut Sink<'_>) {
        while let Some((chat, rest)) = split_once(&self.held, b"</chat>") {
            if let Some(command) = element(chat, b"<command", b"</command>") {
                let reply = element(chat, b"<response", b"</response>").unwrap_or_default();
                let mut reply = unescaped(&reply);
                reply.push(b'\n');
                dialogue(self.began, &command, &reply, sink);
            }
            self.held = rest.to_vec();
        }
    }
}

/// Each row is a separate dialogue: a command without an answer gets none from another row.
fn dialogue(number: u64, command: &[u8], reply: &[u8], sink: &mut Sink<'_>) {
    let mut tell = |what: What<'_>| sink(Event::new(number, None, what));
    tell(What::Sent(command));
    let mut stream = Stream::default();
    stream.push(reply, &mut |line| tell(What::Received(line)));
    stream.flush(&mut |line| tell(What::Received(line)));
    tell(What::Closed);
}

/// The content of an element, with the five entities of XML decoded.
fn element(text: &[u8], open: &[u8], close: &[u8]) -> Option<Vec<u8>> {
    let (_, rest) = split_once(text, open)?;
    let (_, rest) = split_once(rest, b">")?;
    let (content, _) = split_once(rest, close)?;
    let text = String::from_utf8_lossy(content);
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(plain.replace("&amp;", "&").into_bytes())
}

fn fake_port(text: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let at = text.iter().position(u8::is_ascii_whitespace)?;
    let (command, reply) = text.split_at(at);
    is_command(command).then(|| (command, unescaped(reply.trim_ascii())))
}

/// Decodes `\r`, `\n` and `\\`.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match (byte, rest.as_slice().first()) {
            (b'\\', Some(mark @ (b'r' | b'n' | b'\\'))) => {
                bytes.push(match mark {
                    b'r' => b'\r',
                    b'n' => b'\n',
                    _ => b'\\',
                });
                rest.next();
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| u8::try_from(digit(&pair[0])? * 16 + digit(&pair[1])?).ok()).collect()
}
