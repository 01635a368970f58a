//! Makes a dialogue with a modem unreadable except for what a scan needs.
//!
//! Of commands and answers it keeps: the names; all of `+COPS`, `+CSQ`, `+CESQ`, `+CREG`, `+CGREG`, `+CEREG`, `+C5GREG`,
//! `+CMEE`, results and their errors; the vendors' signal commands; the words of `+CPIN`; the settings of the modem,
//! with context, type and access point of `+CGDCONT`; vendor and model of the modem. The list is `TABLE` in `kept.rs`. Even there a
//! number is kept only up to the length that it can have: seven digits of a PLMN, ten of a cell, four of a signal.
//!
//! In everything else each digit becomes `0` and each letter after the name `*`, except for one digit at the beginning of a
//! parameter outside quotes (a mode, the number of a context) and for the words of a line without a name. Nothing is kept of the
//! text of a message, of the values of commands that take a PIN or a password, and of a dial string except a service code (`*99#`).
//! Between
//! `CONNECT` and the end of data mode bytes are only counted. Lengths stay, and a parser reads the same structure.
//!
//! Each byte is decided by the bytes before it: no byte is held back until its line is complete, and the result does not depend on
//! the pieces in which the bytes come.

mod bytes;
mod context;
mod data;
mod kept;
mod line;
#[cfg(test)]
mod tests;

use context::{Context, Direction, Ended, Inside};
use data::Data;
use line::Line;

/// What was made unreadable, for the header of a recording.
pub const KINDS: &str = "all but what a scan needs";

/// The output for some bytes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Passed {
    /// Text of the dialogue.
    pub text: Vec<u8>,
    /// Number of bytes of data mode left out, less those counted earlier that turned out to be its end.
    pub data: i64,
    /// Data mode ended in these bytes: the count is complete.
    pub ended: bool,
}

/// The state of both directions of a dialogue.
#[derive(Clone, Debug)]
pub struct Redactor {
    sent: Line,
    received: Line,
    context: Context,
    data: Option<Data>,
}

impl Default for Redactor {
    fn default() -> Self {
        Self {
            sent: Line::new(Direction::Sent),
            received: Line::new(Direction::Received),
            context: Context::default(),
            data: None,
        }
    }
}

impl Redactor {
    /// Starts at the beginning of a dialogue, in command mode.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The port was closed or opened: the next byte begins a line, as it does for the scan.
    pub fn begin_line(&mut self) {
        let _lost = (self.sent.end(), self.received.end());
    }

    /// Takes bytes to the modem.
    pub fn sent(&mut self, bytes: &[u8]) -> Passed {
        self.pass(Direction::Sent, bytes)
    }

    /// Takes bytes from the modem.
    pub fn received(&mut self, bytes: &[u8]) -> Passed {
        self.pass(Direction::Received, bytes)
    }

    fn pass(&mut self, direction: Direction, bytes: &[u8]) -> Passed {
        let mut passed = Passed::default();
        for byte in bytes {
            if let Some(data) = &mut self.data {
                passed.data += 1;
                let said = match direction {
                    Direction::Sent => data.sent(*byte),
                    Direction::Received => data.received(*byte),
                };
                if let Some(said) = said {
                    (self.data, passed.ended) = (None, true);
                    self.begin_line();
                    passed.data -= i64::try_from(said.len()).unwrap_or(i64::MAX);
                    for byte in said {
                        let kept = self.dialogue(direction, *byte);
                        passed.text.push(kept);
                    }
                }
                continue;
            }
            let kept = self.dialogue(direction, *byte);
            passed.text.push(kept);
        }
        passed
    }

    /// Takes a byte in command mode.
    fn dialogue(&mut self, direction: Direction, byte: u8) -> u8 {
        let line = match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        };
        if !matches!(byte, b'\r' | b'\n') {
            // Ctrl-Z sends a text, Escape drops it (3GPP TS 27.005 §3.5.1).
            self.context.text_sent &= direction == Direction::Received || !matches!(byte, 0x1a | 0x1b);
            let kept = line.byte(byte, &self.context);
            if direction == Direction::Sent && line.is_escape() {
                // No line end follows: it would violate the guard time of the escape.
                let _escape = line.end();
            }
            let may_prompt = matches!(self.context.asked, kept::Asked::Text | kept::Asked::Other);
            if direction == Direction::Received && may_prompt && line.is_prompt() {
                (self.context.text_received, self.context.text_sent) = (true, true);
            }
            return kept;
        }
        if !line.is_empty() {
            let (ended, text) = line.end();
            match direction {
                Direction::Sent if self.context.text_sent => {}
                Direction::Sent => {
                    self.context.sent = text;
                    if let Ended::Command(asked) = ended {
                        self.context.asked = asked;
                        self.context.list = Inside::default();
                        self.context.text_sent = asked == kept::Asked::Text;
                    }
                }
                Direction::Received => self.answered(ended),
            }
        }
        byte
    }

    fn answered(&mut self, ended: Ended) {
        match ended {
            Ended::Result => {
                (self.context.text_received, self.context.text_sent) = (false, false);
                self.context.list = Inside::default();
            }
            Ended::Kept => self.context.text_received = false,
            Ended::List(inside) => (self.context.text_received, self.context.list) = (false, inside),
            Ended::BeforeText => self.context.text_received = true,
            Ended::Connect => {
                (self.context.text_received, self.context.text_sent) = (false, false);
                self.data = Some(Data::default());
            }
            Ended::Command(_) | Ended::Other => {}
        }
    }
}

/// Makes a command of a log, the lines of its answer and its result unreadable, in place.
pub fn turn(command: &mut Option<String>, answer: &mut [String], result: &mut Option<String>) {
    let mut redactor = Redactor::new();
    let mut one = |direction, text: &mut String| {
        let passed = redactor.pass(direction, text.as_bytes());
        let _end = redactor.pass(direction, b"\r");
        // In a log anything may follow `CONNECT`; it has no bytes to be counted.
        redactor.context.text_received |= redactor.data.take().is_some();
        *text = String::from_utf8_lossy(&passed.text).into_owned();
    };
    if let Some(command) = command {
        one(Direction::Sent, command);
    }
    for line in answer.iter_mut().chain(result) {
        one(Direction::Received, line);
    }
}
