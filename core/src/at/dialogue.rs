//! The dialogue: which command is in flight, which lines answer it, and which belong to another command.
//!
//! ```text
//!  open ──CR──► Clearing ──quiet──► Asking ──OK──► Settling ──quiet──► Ready
//!                  ▲                  │ no answer: CR again, then +++, then dead
//!                  │                                                    │ start
//!                  └── final or 5 s ── Aborting ◄──CR── time is up ── Waiting ──final──► Ready
//! ```
//!
//! A late answer is the main hazard (field logs: after one, every answer went to the wrong carrier). So after a time-out
//! the dialogue sends nothing until the line was quiet and the modem answered `AT`. It recognises an answer that is late
//! all the same by three marks: it comes before the echo of the command in flight (where the modem echoes), its lines have
//! another shape, or it is a bare `OK` where a line is expected. Where none of them applies, and a command that timed out
//! still has no result, the dialogue sends the command again until two answers agree.

use crate::time::{Instant, Span};

use super::answer::{Answer, Outcome};
use super::command::{Command, Outgoing};
use super::line::{Line, Part};
use super::operators::{ListReader, ListedOperator, begins_list};
use super::reply::FinalResult;

mod attention;
mod late;
mod marks;
mod state;
mod times;

use late::LateResult;
use marks::{begins_cops, is_echo, whole};
use state::{Attempt, Continuation, Echo, State, Waiting};
use times::REPEATS_MAX;
pub use times::{
    ABORT_DRAIN, ATTENTION_TIMEOUT, ATTENTION_TRIES_BUSY_MAX, ATTENTION_TRIES_MAX, ESCAPE_GUARD,
    FIRST_ATTENTION_TIMEOUT, LULL, LULL_AFTER_OK, NETWORK_ANSWER_MIN, NOISE_MAX, QUIET,
};

/// The result of one call: bytes to send, an outcome, or neither.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[must_use = "a command that is not sent gets no answer"]
pub struct Turn {
    /// Write this to the modem.
    pub send: Option<Outgoing>,
    /// The outcome of the command, or of opening the line.
    pub outcome: Option<Outcome>,
    /// Line ignored: unsolicited, or part of another command's answer.
    pub dropped: bool,
}

impl Turn {
    fn sending(outgoing: Outgoing) -> Self {
        Self { send: Some(outgoing), ..Self::default() }
    }

    fn ended(outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), ..Self::default() }
    }

    fn dropping() -> Self {
        Self { dropped: true, ..Self::default() }
    }
}

/// One dialogue over one line.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the line; the state is in `State`"
)]
pub struct Dialogue {
    state: State,
    echo: Echo,
    /// Late results that may still come, of commands that timed out.
    late: LateResult,
    /// How often the dialogue sends `AT` before it gives up.
    patience: u8,
    /// The modem gives results in digits (`ATV0`), as learned from `AT`.
    digits: bool,
    /// Since the opening the line has brought nothing but the answer to `AT`. Reset once that answer has come.
    clean: bool,
    /// The last command was refused, and the line was not cleared since: the modem may send the same error again.
    refused: bool,
    /// The last `AT` was answered by an error.
    denied: bool,
    list: ListReader,
}

impl Default for Dialogue {
    fn default() -> Self {
        Self::new()
    }
}

impl Dialogue {
    /// A closed line.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Closed,
            echo: Echo::Unknown,
            late: LateResult::NOTHING,
            patience: ATTENTION_TRIES_MAX,
            digits: false,
            clean: false,
            refused: false,
            denied: false,
            list: ListReader::new(),
        }
    }

    /// Begins to synchronise with the modem; ends in [`Outcome::Ready`] or [`Outcome::Dead`].
    pub fn open(&mut self, now: Instant) -> Turn {
        *self = Self::new();
        self.clean = true;
        self.clear_line(now, 0, Continuation::Ready)
    }

    /// The line is gone; a command in flight gets no outcome.
    pub fn close(&mut self) {
        self.state = State::Closed;
    }

    /// Whether the caller may start a command.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready)
    }

    /// Sends `command`; ends in an [`Outcome`] other than `Ready`. On a line that is not ready that is `Dead`.
    pub fn start(&mut self, now: Instant, command: Command, timeout: Span) -> Turn {
        if !self.is_ready() {
            debug_assert!(false, "{command:?} was started on a line that is not ready: {:?}", self.state);
            return Turn::ended(Outcome::Dead);
        }
        self.send(now, Attempt { command, timeout, repeats: 0, said_ok: false })
    }

    fn send(&mut self, now: Instant, attempt: Attempt) -> Turn {
        let Attempt { command, timeout, .. } = attempt;
        self.list = ListReader::new();
        self.state = State::Waiting(Waiting {
            attempt,
            deadline: now + timeout,
            echoed: false,
            skip_final: false,
            answer: None,
        });
        Turn::sending(Outgoing::Command(command))
    }

    /// Gives up the command in flight, or about to be sent again, as a time-out does. Does nothing where there is none.
    pub fn abort(&mut self, now: Instant) -> Turn {
        match &mut self.state {
            State::Waiting(_) => self.give_up(now),
            State::Clearing { then, .. }
            | State::GuardBefore { then, .. }
            | State::GuardAfter { then, .. }
            | State::Asking { then, .. }
            | State::Settling { then, .. } => {
                // The command is not sent again.
                if matches!(then, Continuation::Again(..)) {
                    *then = Continuation::TimedOut;
                }
                Turn::default()
            }
            State::Closed | State::Ready | State::Aborting { .. } => Turn::default(),
        }
    }

    /// When [`Dialogue::timeout`] is due.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Closed | State::Ready => None,
            State::Clearing { quiet_at: until, .. }
            | State::Settling { quiet_at: until, .. }
            | State::GuardBefore { until, .. }
            | State::GuardAfter { until, .. }
            | State::Asking { deadline: until, .. }
            | State::Aborting { until } => Some(*until),
            State::Waiting(waiting) => Some(waiting.deadline),
        }
    }

    /// Handles a passed deadline. Does nothing before [`Dialogue::next_deadline`].
    #[inline(never)]
    pub fn timeout(&mut self, now: Instant) -> Turn {
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return Turn::default();
        }
        match self.state {
            State::Closed | State::Ready => Turn::default(),
            State::Clearing { tries, then, .. } => self.ask(now, tries, then),
            State::GuardBefore { tries, then, .. } => {
                self.state = State::GuardAfter { until: now + ESCAPE_GUARD, tries, then };
                Turn::sending(Outgoing::Escape)
            }
            State::GuardAfter { tries, then, .. } => {
                self.clear(now, tries, then);
                Turn::sending(Outgoing::HangUp)
            }
            State::Asking { .. } => self.attention_timeout(now),
            State::Settling { then, .. } => {
                self.state = State::Ready;
                self.refused = false;
                match then {
                    Continuation::Ready => Turn::ended(Outcome::Ready),
                    Continuation::TimedOut => Turn::ended(Outcome::TimedOut),
                    Continuation::Listed => Turn::ended(Outcome::Answered(Answer::Operators)),
                    Continuation::Again(attempt) => self.send(now, attempt),
                }
            }
            State::Waiting(_) => self.give_up(now),
            State::Aborting { .. } => {
                self.clear(now, 0, Continuation::TimedOut);
                Turn::default()
            }
        }
    }

    /// Takes a line. Calls `operator` with each operator of a requested list.
    // Not inlined: the frames of its consequences lie on top of the caller's.
    #[inline(never)]
    pub fn line(
        &mut self,
        now: Instant,
        line: Line<'_>,
        mut operator: impl FnMut(ListedOperator<'_>),
    ) -> Turn {
        let ends = self.result(line);
        match &mut self.state {
            State::Closed | State::Ready | State::GuardBefore { .. } | State::GuardAfter { .. } => {
                Turn::dropping()
            }
            State::Clearing { quiet_at, until, .. } | State::Settling { quiet_at, until, .. } => {
                *quiet_at = (now + QUIET).min(*until).max(*quiet_at);
                self.clean = false;
                if is_echo(Command::Attention, line) {
                    self.echo = Echo::On;
                }
                Turn::dropping()
            }
            State::Asking { .. } => self.attention_line(now, line, ends),
            State::Aborting { .. } => {
                if ends.is_some() {
                    self.late.pay();
                    self.clear(now, 0, Continuation::TimedOut);
                }
                Turn::dropping()
            }
            State::Waiting(waiting) => {
                let command = waiting.attempt.command;
                if is_echo(command, line) {
                    waiting.echoed = true;
                    return Turn::default();
                }
                if command == Command::Operators && self.list.take(line, true, &mut operator) {
                    waiting.answer = Some(Answer::Operators);
                    return Turn::default();
                }
                let Some(result) = ends else { return self.answer_line(line) };
                if self.list.is_torn() {
                    waiting.answer = None;
                }
                let _skipped = self.list.end(operator);
                self.finish(now, result)
            }
        }
    }

    /// Handles a line that may belong to the answer, until its final result.
    #[inline(never)]
    fn answer_line(&mut self, line: Line<'_>) -> Turn {
        let in_doubt = self.late.is_any();
        let State::Waiting(waiting) = &mut self.state else { return Turn::dropping() };
        if let Some(answer) = whole(line).and_then(|text| waiting.attempt.command.answer(text)) {
            match &mut waiting.answer {
                Some(known) => known.add(answer),
                none => *none = Some(answer),
            }
            return Turn::default();
        }
        // `+COPS:` is never unsolicited: it is a late answer, and its `OK` will be late too. A list belongs to a search,
        // also where none is expected: the modem may have answered the search twice.
        let begins = matches!(line.part, Part::Whole | Part::First);
        waiting.skip_final |= begins && (begins_list(line.bytes) || (in_doubt && begins_cops(line.bytes)));
        Turn::dropping()
    }

    /// Reads the line as a final result.
    #[inline(never)]
    fn result(&self, line: Line<'_>) -> Option<FinalResult> {
        let text = whole(line)?;
        FinalResult::parse(text).or_else(|| FinalResult::from_digit(text).filter(|_| self.digits))
    }

    #[inline(never)]
    fn finish(&mut self, now: Instant, result: FinalResult) -> Turn {
        let in_doubt = self.late.is_any();
        let State::Waiting(waiting) = &mut self.state else { return Turn::dropping() };
        let attempt = waiting.attempt;
        let before_echo = self.echo == Echo::On && !waiting.echoed && waiting.answer.is_none();
        if core::mem::take(&mut waiting.skip_final) || before_echo {
            self.late.pay();
            return Turn::dropping();
        }
        let is_ok = result == FinalResult::Ok;
        if !is_ok && !result.is_refusal() {
            // The result of a call, and no command of a scan makes a call.
            return Turn::dropping();
        }
        let asks_the_network = attempt.command.asks_the_network();
        let is_bare = is_ok && waiting.answer.is_none();
        if is_bare && attempt.command.has_answer_line() && in_doubt {
            return Turn::dropping();
        }
        let sent = waiting.deadline.saturating_sub(attempt.timeout);
        let too_soon = now < sent + NETWORK_ANSWER_MIN;
        // The second copy of a refusal may come at any time. A failed search costs no carrier and may take minutes.
        let behind_another = self.refused && matches!(attempt.command, Command::Select(_));
        let may_be_twice = !is_ok && asks_the_network && !waiting.echoed && (too_soon || behind_another);
        let may_be_late = in_doubt && (!is_ok || (is_bare && asks_the_network));
        let said_before = attempt.repeats > 0 && attempt.said_ok == is_ok;
        if (may_be_twice || may_be_late) && !said_before && attempt.repeats < REPEATS_MAX {
            // A result does not name its command: the command is sent again, and a result that comes twice is believed.
            let repeats = attempt.repeats.saturating_add(1);
            let again = Attempt { repeats, said_ok: is_ok, ..attempt };
            self.patience = patience(attempt.command);
            return self.clear_line(now, 0, Continuation::Again(again));
        }
        if in_doubt && matches!(waiting.answer, Some(Answer::Operators)) {
            // The list of a search that timed out is as good as the next one's; but the modem may still be searching.
            self.patience = patience(attempt.command);
            self.late.answered();
            return self.clear_line(now, 0, Continuation::Listed);
        }
        self.late.answered();
        self.refused = !is_ok;
        let answer = waiting.answer.take();
        self.state = State::Ready;
        Turn::ended(match (is_ok, answer) {
            (false, _) => Outcome::Refused(result),
            (true, Some(answer)) => Outcome::Answered(answer),
            (true, None) if attempt.command.has_answer_line() => Outcome::Answered(Answer::Empty),
            (true, None) => Outcome::Answered(Answer::Done),
        })
    }

    fn give_up(&mut self, now: Instant) -> Turn {
        self.late.owe();
        if let State::Waiting(waiting) = &self.state {
            self.patience = patience(waiting.attempt.command);
        }
        self.state = State::Aborting { until: now + ABORT_DRAIN };
        Turn::sending(Outgoing::Return)
    }

    fn clear_line(&mut self, now: Instant, tries: u8, then: Continuation) -> Turn {
        self.clear(now, tries, then);
        Turn::sending(Outgoing::Return)
    }

    /// Sends nothing more before the line is quiet.
    #[inline(never)]
    fn clear(&mut self, now: Instant, tries: u8, then: Continuation) {
        let silence = if self.clean { LULL } else { QUIET };
        self.state = State::Clearing { quiet_at: now + silence, until: now + NOISE_MAX, tries, then };
    }

    pub(crate) fn each_instant(&mut self, mut visit: impl FnMut(&mut Instant)) {
        match &mut self.state {
            State::Closed | State::Ready => {}
            State::Clearing { quiet_at, until, .. } | State::Settling { quiet_at, until, .. } => {
                visit(quiet_at);
                visit(until);
            }
            State::GuardBefore { until, .. }
            | State::GuardAfter { until, .. }
            | State::Asking { deadline: until, .. }
            | State::Aborting { until } => visit(until),
            State::Waiting(waiting) => visit(&mut waiting.deadline),
        }
    }
}

/// How often the dialogue sends `AT` after a time-out of this command.
const fn patience(command: Command) -> u8 {
    if command.asks_the_network() { ATTENTION_TRIES_BUSY_MAX } else { ATTENTION_TRIES_MAX }
}

#[cfg(test)]
mod tests;
