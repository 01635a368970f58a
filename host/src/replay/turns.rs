//! The dialogue as turns: a command, its answer, its final result, its duration.
//!
//! Which command does an answer belong to? With echo, the lines after an echo answer the echoed command, also where the
//! host gave that command up long ago and sent another. Without echo, the last command sent.

use std::collections::{BTreeMap, VecDeque};

use crate::import::event::Millis;
use crate::import::text::{final_result, shown};
use crate::import::{Event, What};

/// Largest number of lines kept of an answer; more are counted.
pub const ANSWER_LINES_MAX: usize = 256;
/// Largest number of bytes kept of one line of an answer or of a command.
pub const TEXT_LEN_MAX: usize = 8 * 1024;
/// Largest number of open commands in one dialogue: a host that gives up and continues has one or two.
const WAITING_MAX: usize = 8;
/// Largest number of dialogues at once; with more, the oldest ends.
const CHANNELS_MAX: usize = 64;
/// Largest number of turns held back to keep their order.
const DONE_MAX: usize = 256;
/// Largest number of bytes before an echo: the rest of a line buffer (`RDATE0Q0V1`).
const LEFTOVER_LEN_MAX: usize = 4;

/// The final result of a command that was given up.
pub const TIMEOUT: &str = "TIMEOUT";

/// A command and its result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// The line of the command or, without a command, of the result.
    pub line: u64,
    /// The dialogue.
    pub channel: u32,
    /// When the host sent it.
    pub at: Option<Millis>,
    /// The command; `None`: a final result that belongs to no command in the log.
    pub command: Option<String>,
    /// The lines between the echo and the final result.
    pub answer: Vec<String>,
    /// The number of further lines.
    pub left_out: u32,
    /// The final result in the modem's words, [`TIMEOUT`] if the host gave up, `None` if the log holds none.
    pub result: Option<String>,
    /// When the modem could begin: it had answered the commands before. `None` without a result.
    pub begun: Option<Millis>,
    /// When the final result came, or the host gave up.
    pub ended: Option<Millis>,
    /// The line of the final result.
    pub ended_line: u64,
    /// The modem echoed the command.
    pub echoed: bool,
    /// When the modem echoed it.
    pub echoed_at: Option<Millis>,
    /// The result came after the host had given the command up or sent another: the host took it for the other's.
    pub late: bool,
    /// The log does not hold the final result; its own words, or an omission, show that the command ended so.
    pub inferred: bool,
}

impl Turn {
    /// From the command to its end, in milliseconds.
    #[must_use]
    pub fn took(&self) -> Option<Millis> {
        Some(self.ended? - self.at?).filter(|took| *took >= 0)
    }

    /// From when the modem could begin to the end, in milliseconds; without a result as [`took`](Self::took).
    #[must_use]
    pub fn own(&self) -> Option<Millis> {
        let begun = self.begun.or(self.at)?;
        Some(self.ended? - begun).filter(|took| *took >= 0)
    }

    /// Whether this is the command, in any case.
    #[must_use]
    pub fn is(&self, command: &str) -> bool {
        self.command.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(command))
    }

    /// Whether the result is `OK`.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.result.as_deref() == Some("OK")
    }
}

/// Which part of a log is shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shown {
    /// Only the parts that a scan needs.
    #[default]
    Redacted,
    /// The whole text.
    AsItIs,
}

impl Shown {
    /// Lines that belong to no turn, as they are shown.
    #[must_use]
    pub(super) fn lines(self, mut lines: Vec<String>) -> Vec<String> {
        if self == Self::Redacted {
            for line in &mut lines {
                cellscan_redact::turn(&mut None, core::slice::from_mut(line), &mut None);
            }
        }
        lines
    }

    /// The turn as it is shown.
    #[must_use]
    pub(super) fn turn(self, mut turn: Turn) -> Turn {
        if self == Self::Redacted {
            cellscan_redact::turn(&mut turn.command, &mut turn.answer, &mut turn.result);
        }
        turn
    }
}

#[derive(Debug, Default)]
struct Dialogue {
    waiting: VecDeque<Waiting>,
    /// The modem echoed the last command that ended.
    echoes: bool,
    /// When the last result came.
    answered: Option<Millis>,
    /// The last result was `CONNECT`: a call may be open.
    in_call: bool,
}

#[derive(Debug)]
struct Waiting {
    turn: Turn,
    given_up: bool,
    /// The host has sent another command since.
    overtaken: bool,
}

/// Makes turns of events, in the order of their commands.
#[derive(Debug, Default)]
pub struct Turns {
    dialogues: BTreeMap<u32, Dialogue>,
    /// Complete turns that wait for an earlier one, of another dialogue.
    done: Vec<Turn>,
    /// The number of unsolicited lines.
    pub unsolicited: u64,
}

impl Turns {
    /// Takes the next event; `sink` receives each turn that it completes.
    pub fn event(&mut self, event: &Event<'_>, sink: &mut dyn FnMut(Turn)) {
        if matches!(
            event.what,
            What::Note(_) | What::Header(_) | What::Entry(_) | What::Other(_) | What::Unread(_)
        ) {
            return;
        }
        let done = &mut self.done;
        let mut keep = |turn| done.push(turn);
        if !self.dialogues.contains_key(&event.channel)
            && self.dialogues.len() >= CHANNELS_MAX
            && let Some((_, mut oldest)) = self.dialogues.pop_first()
        {
            oldest.end(&mut keep);
        }
        let dialogue = self.dialogues.entry(event.channel).or_default();
        match event.what {
            What::Sent(command) => dialogue.sent(event, command, &mut keep),
            What::Received(line) => self.unsolicited += u64::from(dialogue.received(event, line, &mut keep)),
            What::Ended(result) => dialogue.ended(event, &shown(result), true, &mut keep),
            What::GivenUp => dialogue.given_up(event),
            What::Closed => dialogue.end(&mut keep),
            What::Note(_) | What::Header(_) | What::Entry(_) | What::Other(_) | What::Unread(_) => {}
        }
        if !self.done.is_empty() {
            self.emit(sink);
        }
    }

    fn emit(&mut self, sink: &mut dyn FnMut(Turn)) {
        let open =
            self.dialogues.values().filter_map(|dialogue| Some(dialogue.waiting.front()?.turn.line)).min();
        let open = open.filter(|_| self.done.len() < DONE_MAX).unwrap_or(u64::MAX);
        self.done.sort_by_key(|turn| turn.line);
        let ready = self.done.partition_point(|turn| turn.line <= open);
        self.done.drain(..ready).for_each(sink);
    }

    /// Ends the log: open commands stay without a result.
    pub fn end(&mut self, sink: &mut dyn FnMut(Turn)) {
        while let Some((_, mut dialogue)) = self.dialogues.pop_first() {
            dialogue.end(&mut |turn| self.done.push(turn));
        }
        self.emit(sink);
    }
}

impl Dialogue {
    fn sent(&mut self, event: &Event<'_>, command: &[u8], sink: &mut dyn FnMut(Turn)) {
        let command = trimmed(command);
        if command.is_empty() {
            return;
        }
        // An echoing modem has not begun a command that it has not echoed, and may still answer one that the host gave up;
        // any other open command gets no result any more.
        while let Some(front) = self.waiting.front() {
            let to_come = if front.turn.echoed { front.given_up } else { self.echoes };
            if to_come && self.waiting.len() < WAITING_MAX {
                break;
            }
            self.emit_front(sink);
        }
        let turn = Turn {
            line: event.line,
            channel: event.channel,
            at: event.at,
            command: Some(command),
            ..Turn::default()
        };
        for waiting in &mut self.waiting {
            waiting.overtaken = true;
        }
        self.waiting.push_back(Waiting { turn, given_up: false, overtaken: false });
    }

    /// Takes a line of the modem. Returns whether it is unsolicited.
    fn received(&mut self, event: &Event<'_>, line: &[u8], sink: &mut dyn FnMut(Turn)) -> bool {
        let line = line.trim_ascii();
        if line.is_empty() {
            return false;
        }
        if let Some(index) =
            self.waiting.iter().rposition(|waiting| !waiting.turn.echoed && is_echo(line, waiting))
        {
            for _ in 0..index {
                self.emit_front(sink);
            }
            if let Some(front) = self.waiting.front_mut() {
                front.turn.echoed = true;
                front.turn.echoed_at = event.at;
                front.turn.answer.clear();
            }
            return false;
        }
        if let Some(result) = final_result(line) {
            if self.waiting.is_empty() && self.in_call && result == "NO CARRIER" {
                // The end of a call answers no command (V.250, 6.3.1).
                self.in_call = false;
                return true;
            }
            self.ended(event, &result, false, sink);
            return false;
        }
        let Some(current) = self.current() else { return true };
        if current.turn.answer.len() < ANSWER_LINES_MAX {
            current.turn.answer.push(trimmed(line));
        } else {
            current.turn.left_out = current.turn.left_out.saturating_add(1);
        }
        false
    }

    /// The command that the next line belongs to: the oldest that is echoed, or the one to be echoed next.
    fn current(&mut self) -> Option<&mut Waiting> {
        self.waiting.front_mut()
    }

    fn ended(&mut self, event: &Event<'_>, result: &str, inferred: bool, sink: &mut dyn FnMut(Turn)) {
        let Some(mut waiting) = self.waiting.pop_front() else {
            if !inferred {
                sink(Turn {
                    line: event.line,
                    channel: event.channel,
                    result: Some(result.to_owned()),
                    ended: event.at,
                    ended_line: event.line,
                    ..Turn::default()
                });
            }
            return;
        };
        self.in_call = result == "CONNECT";
        waiting.turn.late = waiting.given_up || waiting.overtaken;
        waiting.turn.begun = waiting.turn.at.max(self.answered);
        self.answered = event.at;
        waiting.turn.result = Some(result.to_owned());
        waiting.turn.ended = event.at;
        waiting.turn.ended_line = event.line;
        waiting.turn.inferred = inferred;
        self.emit(waiting, sink);
    }

    fn given_up(&mut self, event: &Event<'_>) {
        // A host that gives up the last command no longer waits for those before it.
        for waiting in self.waiting.iter_mut().filter(|waiting| !waiting.given_up) {
            waiting.given_up = true;
            waiting.turn.ended = event.at;
            waiting.turn.ended_line = event.line;
        }
    }

    fn emit_front(&mut self, sink: &mut dyn FnMut(Turn)) {
        if let Some(front) = self.waiting.pop_front() {
            self.emit(front, sink);
        }
    }

    fn emit(&mut self, mut waiting: Waiting, sink: &mut dyn FnMut(Turn)) {
        if waiting.turn.result.is_none() && waiting.given_up {
            waiting.turn.result = Some(TIMEOUT.to_owned());
        }
        // The answer to this command shows whether the modem echoes.
        if waiting.turn.result.is_some() && !waiting.turn.inferred {
            self.echoes = waiting.turn.echoed;
        }
        sink(waiting.turn);
    }

    fn end(&mut self, sink: &mut dyn FnMut(Turn)) {
        while !self.waiting.is_empty() {
            self.emit_front(sink);
        }
    }
}

fn is_echo(line: &[u8], waiting: &Waiting) -> bool {
    let Some(command) = waiting.turn.command.as_deref() else { return false };
    let Some(before) = line.len().checked_sub(command.len()).filter(|len| *len <= LEFTOVER_LEN_MAX) else {
        return false;
    };
    line[before..].eq_ignore_ascii_case(command.as_bytes())
}

/// The text without control characters and surrounding blanks, cut to [`TEXT_LEN_MAX`].
fn trimmed(bytes: &[u8]) -> String {
    let from = bytes.iter().take_while(|byte| **byte <= b' ').count();
    let rest = &bytes[from..];
    let to = rest.len() - rest.iter().rev().take_while(|byte| **byte <= b' ').count();
    shown(&rest[..to.min(TEXT_LEN_MAX)]).into_owned()
}
