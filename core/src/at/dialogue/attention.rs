//! `AT`: whether the modem answers, whether it echoes, and whether its results are words or digits.

use crate::at::command::{Command, Outgoing};
use crate::at::line::Line;
use crate::at::reply::FinalResult;
use crate::time::Instant;

use super::marks::{is_echo, whole};
use super::state::{Continuation, Echo, State};
use super::times::{
    ATTENTION_TIMEOUT, ESCAPE_GUARD, FIRST_ATTENTION_TIMEOUT, LULL_AFTER_OK, NOISE_MAX, QUIET,
    TRIES_BEFORE_ESCAPE,
};
use super::{Dialogue, Outcome, Turn};

impl Dialogue {
    pub(super) fn ask(&mut self, now: Instant, tries: u8, then: Continuation) -> Turn {
        let first = tries == 0 && then == Continuation::Ready;
        let time = if first { FIRST_ATTENTION_TIMEOUT } else { ATTENTION_TIMEOUT };
        self.state = State::Asking { deadline: now + time, tries, echoed: false, refused: false, then };
        Turn::sending(Outgoing::Command(Command::Attention))
    }

    /// A line while `AT` waits for its answer; `ends`: the line as a final result.
    #[inline(never)]
    pub(super) fn attention_line(&mut self, now: Instant, line: Line<'_>, ends: Option<FinalResult>) -> Turn {
        let State::Asking { deadline, echoed, refused, then, .. } = &mut self.state else {
            return Turn::dropping();
        };
        if is_echo(Command::Attention, line) {
            *echoed = true;
            if core::mem::take(refused) {
                // The error stood before the echo: it was no answer to this `AT`.
                *deadline = now + ATTENTION_TIMEOUT;
            }
            return Turn::default();
        }
        let digit = whole(line).and_then(FinalResult::from_digit);
        let result = digit.or(ends).filter(|_| *echoed || self.echo != Echo::On);
        if result != Some(FinalResult::Ok) {
            self.clean = false;
            // Only on a line that was just opened: after a time-out an error may be the late answer of the command.
            if *then == Continuation::Ready && result.is_some_and(FinalResult::is_refusal) {
                // An `OK` right behind it is preferred.
                *refused = true;
                *deadline = (now + QUIET).min(*deadline);
                self.digits = digit.is_some();
            }
            return Turn::dropping();
        }
        self.denied = false;
        self.digits = digit.is_some();
        self.echo = if *echoed { Echo::On } else { Echo::Off };
        let clean = core::mem::take(&mut self.clean);
        let silence = if clean && *echoed { LULL_AFTER_OK } else { QUIET };
        self.state = State::Settling { quiet_at: now + silence, until: now + NOISE_MAX, then: *then };
        Turn::default()
    }

    #[inline(never)]
    pub(super) fn attention_timeout(&mut self, now: Instant) -> Turn {
        let State::Asking { tries, echoed, refused, then, .. } = self.state else { return Turn::default() };
        if refused {
            if core::mem::replace(&mut self.denied, true) {
                // It answers, not as V.250 §6.1.1 wants it, and twice alike.
                self.echo = if echoed { Echo::On } else { Echo::Off };
                self.state = State::Ready;
                return Turn::ended(Outcome::Ready);
            }
            self.clear(now, tries, then);
            return Turn::default();
        }
        let tries = tries.saturating_add(1);
        self.denied = false;
        self.echo = Echo::Unknown;
        self.clean = false;
        if tries >= self.patience {
            self.state = State::Closed;
            return Turn::ended(Outcome::Dead);
        }
        // A modem that took a command is not in data mode, only slow.
        if tries == TRIES_BEFORE_ESCAPE && then == Continuation::Ready {
            self.state = State::GuardBefore { until: now + ESCAPE_GUARD, tries, then };
            return Turn::default();
        }
        self.clear_line(now, tries, then)
    }
}
