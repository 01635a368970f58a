//! Logs of programs that no other importer knows: an arrow, a word or a stamp, then a command or an answer.
//!
//! ```text
//! line   = envelope marker payload       the envelope is a stamp, and the colours of a terminal
//! marker = what stands before the command or the answer, each number and each run of blanks as one
//! ```
//!
//! Which marker precedes commands and which answers is learned from the beginning of the log (`learned/survey.rs`), and then used for
//! all lines. A marker may be empty: an answer then follows on lines of its own, as in a multi-line message or in a shell.

use super::envelope::{Envelope, uncoloured};
use super::event::{Event, Millis, What};
use super::payload;
use super::stamp::Calendar;
use super::text::{final_result, is_information};
use super::{Importer, Sink, pppd};

mod marker;
mod survey;

use marker::{Commands, MARKER_MAX, Marker, stripped};
pub use survey::Survey;
use survey::{is_echoed_answer, is_status};

/// Reads a log by the markers learned from its beginning.
#[derive(Debug, Default)]
pub struct Learned {
    markers: Vec<Marker>,
    /// The log is a trace of a shell (`set -x`).
    traced: bool,
    /// The command without a final result yet, the marker that it stood behind, and whether a line answered it.
    open: Option<Open>,
    calendar: Calendar,
    at: Option<Millis>,
}

#[derive(Debug)]
struct Open {
    command: Vec<u8>,
    marker: usize,
    answered: bool,
}

/// Words before a command that make the line a message about it.
const ABOUT: [&[u8]; 9] = [
    b"timed out",
    b"timedout",
    b"timeout",
    b"failed",
    b"failure",
    b"response to",
    b"reply to",
    b"answer to",
    b"unexpected",
];

/// Words behind a command that do so.
const ABOUT_BEHIND: [&[u8]; 6] =
    [b"timed out", b"timedout", b"failed", b"no response", b"no answer", b"expired"];

/// Whether the text around a command says that the line is about it.
fn is_about(before: &[u8], command: &[u8], payload: &[u8]) -> bool {
    let has = |text: &[u8], words: &[&[u8]]| {
        let lower = text.to_ascii_lowercase();
        words.iter().any(|words| memchr::memmem::find(&lower, words).is_some())
    };
    let behind = payload.get(command.len()..).unwrap_or_default();
    has(before, &ABOUT) || has(&behind[..behind.len().min(MARKER_MAX)], &ABOUT_BEHIND)
}

/// Whether the line says that the program gave up waiting.
fn gives_up(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] =
        [b"timed out", b"timedout", b"timeout waiting", b"no response", b"no answer", b"timeout!"];
    let lower = text[..text.len().min(300)].to_ascii_lowercase();
    WORDS.iter().any(|words| memchr::memmem::find(&lower, words).is_some())
        || lower.strip_suffix(b"timeout").is_some_and(|head| head.len() < 100)
}

impl Learned {
    /// An importer for a log that begins with `head`.
    #[must_use]
    pub fn new(head: &[u8]) -> Self {
        let survey = Survey::of(head);
        let markers = survey.markers();
        let traced = markers.iter().any(|marker| marker.commands == Commands::Sent && marker.is_traced());
        Self { markers, traced, ..Self::default() }
    }
}

impl Importer for Learned {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = uncoloured(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        let (stamp, text) = stripped(line);
        if let Some(stamp) = &stamp {
            self.at = Some(self.calendar.place(stamp));
        }
        let at = self.at;
        let mut tell = |what: What<'_>| sink(Event::new(number, at, what));
        let fits = |marker: &Marker| marker.fits(stamp.is_some(), text);
        let found =
            self.markers.iter().enumerate().filter_map(|(index, marker)| Some((index, fits(marker)?)));
        let Some((index, len)) = found.max_by_key(|(_, len)| *len) else {
            return other(line, text, &mut tell);
        };
        let (before, payload) = text.split_at(len);
        let marker = &self.markers[index];
        let (commands, receives, bare) = (marker.commands, marker.receives, marker.is_empty());
        let echoed = receives && is_echoed_answer(payload);
        let sent = payload::command(before, payload).filter(|_| commands != Commands::None && !echoed);
        if let Some(command) = sent {
            if is_about(before, command, payload) {
                return other(line, text, &mut tell);
            }
            self.command(index, command, &mut tell);
            if let Some(answer) = payload::answer_behind(&payload[command.len()..]) {
                payload::lines(answer, &mut |line| _ = self.received(line, false, &mut tell));
            }
            return;
        }
        if commands == Commands::Sent && payload.trim_ascii() == b"+++" {
            return self.command(index, b"+++", &mut tell);
        }
        if payload.trim_ascii().is_empty() {
            return;
        }
        let of_shell = bare && (is_status(text) || (self.traced && text.starts_with(b"+ ")));
        if !receives || of_shell || (bare && gives_up(text)) {
            return other(line, text, &mut tell);
        }
        let mut told = false;
        payload::lines(payload, &mut |line| told |= self.received(line, bare, &mut tell));
        if !told {
            tell(What::Other(line));
        }
    }
}

/// A line of the program itself.
fn other(line: &[u8], text: &[u8], tell: &mut dyn FnMut(What<'_>)) {
    let envelope = Envelope::of(line);
    let of_pppd = envelope.tag.filter(|tag| tag.name == b"pppd").and_then(|_| pppd::note(envelope.text));
    match of_pppd {
        Some(note) => tell(What::Note(note)),
        None if gives_up(text) => tell(What::GivenUp),
        None => tell(What::Other(line)),
    }
}

impl Learned {
    fn command(&mut self, marker: usize, command: &[u8], tell: &mut dyn FnMut(What<'_>)) {
        let command: &[u8] = &payload::decoded(command);
        let role = &self.markers[marker];
        let same = self.open.as_ref().filter(|open| open.command.eq_ignore_ascii_case(command));
        // The program names a command twice, or the modem echoes it. The same marker again is a repetition of the command.
        let echo = same.is_some_and(|open| !open.answered && (open.marker != marker || role.receives));
        if echo {
            return tell(What::Received(command));
        }
        if role.commands == Commands::Repeated && (self.open.is_none() || same.is_some()) {
            return tell(What::Other(command));
        }
        self.open = Some(Open { command: command.to_vec(), marker, answered: false });
        tell(What::Sent(command));
    }

    /// Tells a line of an answer; of a log without a marker only what a modem says. Returns whether it was told.
    fn received(&mut self, line: &[u8], bare: bool, tell: &mut dyn FnMut(What<'_>)) -> bool {
        let ends = final_result(line).is_some();
        let said = line.iter().any(u8::is_ascii_alphanumeric);
        if !said || (bare && self.open.is_none() && !ends && !is_information(line)) {
            return false;
        }
        match &mut self.open {
            Some(open) if !ends => open.answered |= !open.command.eq_ignore_ascii_case(line),
            _ => self.open = None,
        }
        tell(What::Received(line));
        true
    }
}

#[cfg(test)]
mod tests;
