//! The settings of the modem that the scan changes, and how it puts them back.

use crate::at::answer::{Answer, Outcome as Said};
use crate::at::command::Command;
use crate::at::current::CurrentOperator;
use crate::at::settings::{ErrorFormat, NameFormat};
use crate::scan::Actions;

use super::Scanner;
use super::state::{Modem, State};

/// What the scan knows of one setting.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Setting<T> {
    /// As the modem had it, where the scan wants another; `None` also where it is not known. Then it is not put back.
    found: Option<T>,
    /// The scan has set another value.
    changed: bool,
}

impl<T: Copy + PartialEq> Setting<T> {
    pub(super) const UNKNOWN: Self = Self { found: None, changed: false };

    /// The first value counts: after an interruption the modem has what this scan has set.
    fn find(&mut self, value: T, wanted: T) {
        if self.found.is_none() && value != wanted {
            self.found = Some(value);
        }
    }

    const fn change(&mut self) {
        self.changed = self.found.is_some();
    }

    fn take(&mut self) -> Option<T> {
        core::mem::take(&mut self.changed).then_some(self.found).flatten()
    }
}

impl Scanner {
    pub(super) fn found_errors(&mut self, said: &Said) {
        if let Said::Answered(Answer::Errors(found)) = said {
            self.context.errors.find(*found, ErrorFormat::Numeric);
        }
    }

    pub(super) fn found_names(&mut self, said: &Said) {
        if let Said::Answered(Answer::Operator(CurrentOperator { format: Some(found), .. })) = said {
            self.context.names.find(*found, NameFormat::Numeric);
        }
    }

    pub(super) const fn numeric_errors(&mut self) -> Command {
        self.context.errors.change();
        Command::SetErrorFormat(ErrorFormat::Numeric)
    }

    pub(super) const fn numeric_names(&mut self) -> Command {
        self.context.names.change();
        Command::SetNameFormat(NameFormat::Numeric)
    }

    pub(super) const fn has_settings(&self) -> bool {
        self.context.errors.changed || self.context.names.changed
    }

    /// Sends the command that puts a setting back; `false`: none is left, or the line takes no command.
    #[inline(never)]
    pub(super) fn puts_back(&mut self, out: &mut Actions) -> bool {
        if !self.dialogue.is_ready() {
            return false;
        }
        let command = if let Some(format) = self.context.names.take() {
            Command::SetNameFormat(format)
        } else if let Some(format) = self.context.errors.take() {
            Command::SetErrorFormat(format)
        } else {
            return false;
        };
        self.command(command, self.policy.timeouts.read, out);
        true
    }

    /// The scan has decided: puts the settings back, and gives the service back whatever the modem answers.
    #[inline(never)]
    pub(super) fn leave_modem(&mut self, out: &mut Actions) {
        self.state = State::Modem(Modem::PuttingBack);
        if !self.puts_back(out) {
            self.start_ppp(out);
        }
    }
}
