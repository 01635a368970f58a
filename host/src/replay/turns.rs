//! The dialogue as turns: a command, what was answered, how it ended, how long it took.
//!
//! Whose answer is it? A modem that echoes says so itself: what follows an echo is the answer to what was echoed, also
//! where the host had given that command up long before and sent another. Without an echo it is the one sent last.

use std::collections::{BTreeMap, VecDeque};

use crate::import::event::Millis;
use crate::import::text::{final_result, shown};
use crate::import::{Event, What};

/// Lines kept of an answer, at most; what is over is counted.
pub const ANSWER_LINES_MAX: usize = 256;
/// Bytes kept of one line of an answer or of a command, at most.
pub const TEXT_LEN_MAX: usize = 8 * 1024;
/// Commands that wait for an answer in one dialogue, at most: a host that gives up and goes on has one or two.
const WAITING_MAX: usize = 8;
/// Dialogues at once, at most; the oldest ends when there are more.
const CHANNELS_MAX: usize = 64;
/// Turns that are held so that they come in order, at most.
const DONE_MAX: usize = 256;
/// Bytes that may stand before an echo: what was left in a line buffer (`RDATE0Q0V1`).
const LEFTOVER_LEN_MAX: usize = 4;

/// The final result of a command that was given up.
pub const TIMEOUT: &str = "TIMEOUT";

/// A command and what came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// The line of the command or, where there is none, of the result.
    pub line: u64,
    /// Which dialogue.
    pub channel: u32,
    /// When it was sent.
    pub at: Option<Millis>,
    /// The command; `None`: a final result that belongs to none that is in the log.
    pub command: Option<String>,
    /// The lines between the echo and the final result.
    pub answer: Vec<String>,
    /// How many lines more there were.
    pub left_out: u32,
    /// The final result in the modem's words, [`TIMEOUT`] where the host gave up, `None` where the log holds none.
    pub result: Option<String>,
    /// When the modem could begin with it: it had answered what was sent before. `None` without a result.
    pub begun: Option<Millis>,
    /// When the final result came, or the command was given up.
    pub ended: Option<Millis>,
    /// The line of that.
    pub ended_line: u64,
    /// The modem echoed the command.
    pub echoed: bool,
    /// When it did.
    pub echoed_at: Option<Millis>,
    /// The host had given the command up, or gone on to another, before the result came: it was taken for another's.
    pub late: bool,
    /// The log does not hold the final result; it says in its own words that the command ended so, or leaves it out.
    pub inferred: bool,
}

impl Turn {
    /// From the command to its end, milliseconds.
    #[must_use]
    pub fn took(&self) -> Option<Millis> {
        Some(self.ended? - self.at?).filter(|took| *took >= 0)
    }

    /// From when the modem could begin with it to its end, milliseconds; without a result as [`took`](Self::took).
    #[must_use]
    pub fn own(&self) -> Option<Millis> {
        let begun = self.begun.or(self.at)?;
        Some(self.ended? - begun).filter(|took| *took >= 0)
    }

    /// Whether the command is this one, whatever its case.
    #[must_use]
    pub fn is(&self, command: &str) -> bool {
        self.command.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(command))
    }

    /// Whether the modem said yes.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.result.as_deref() == Some("OK")
    }
}

/// What of a log is shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shown {
    /// What a scan needs.
    #[default]
    Redacted,
    /// All of it.
    AsItIs,
}

impl Shown {
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
    /// The last command that ended had been echoed.
    echoes: bool,
    /// When the last result came.
    answered: Option<Millis>,
}

#[derive(Debug)]
struct Waiting {
    turn: Turn,
    given_up: bool,
    /// The host has sent another since.
    overtaken: bool,
}

/// Makes turns of events, in the order of their commands.
#[derive(Debug, Default)]
pub struct Turns {
    dialogues: BTreeMap<u32, Dialogue>,
    /// Complete, while one that began before, in another dialogue, is not.
    done: Vec<Turn>,
    /// Lines that no command asked for.
    pub unsolicited: u64,
}

impl Turns {
    /// The next event; `sink` takes each turn that is complete with it.
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

    /// The log is at its end: what has no result has none.
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
        // What an echoing modem has not echoed yet it has not begun, and what was given up may still be answered;
        // whatever else is open had its chance.
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

    /// Whether nobody had asked for it.
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

    /// The command that what comes now belongs to: the oldest, which has been echoed or is the one to be.
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
        // Whoever gives up the last one no longer waits for those before it.
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
        // What a modem does with its echo it says with the answer to this very command.
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

/// Text without control characters and blanks at its ends, cut to its length.
fn trimmed(bytes: &[u8]) -> String {
    let from = bytes.iter().take_while(|byte| **byte <= b' ').count();
    let rest = &bytes[from..];
    let to = rest.len() - rest.iter().rev().take_while(|byte| **byte <= b' ').count();
    shown(&rest[..to.min(TEXT_LEN_MAX)]).into_owned()
}
