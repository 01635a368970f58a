//! What an observer of the line knows about the commands and their results.

use cellscan_core::at::command::{Command, Outgoing};

use crate::rules::{BELIEVED, UNANSWERED};

/// What the modem has said to the last command.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Heard {
    /// The last command that was sent; `None`: none, or `AT` before the line was cleared.
    pub(crate) sent: Option<Command>,
    /// It has no result yet.
    unanswered: bool,
    /// A command was given up, and its result may come for the next one.
    late: bool,
    /// The command in flight is the next one.
    in_doubt: bool,
    /// Its result came, and may be the late one: it must be sent again.
    again: Option<Command>,
}

impl Heard {
    pub(crate) const NOTHING: Self =
        Self { sent: None, unanswered: false, late: false, in_doubt: false, again: None };

    /// The port is closed: a later dialogue begins without doubts.
    pub(crate) fn closes(&mut self) {
        *self = Self { sent: self.sent, ..Self::NOTHING };
    }

    pub(crate) fn line(&mut self, text: &str) {
        let is_ok = text == "OK";
        if !(is_ok || text.contains("ERROR")) || !self.unanswered || self.sent.is_none() {
            return;
        }
        if self.sent == Some(Command::Attention) {
            self.unanswered = !is_ok;
        } else if self.late && !self.in_doubt {
            // The result of the command that was given up, and the line is not in use again yet.
            self.late = false;
        } else {
            self.unanswered = false;
            let is_nameless = matches!(self.sent, Some(Command::Select(_) | Command::Deregister));
            if core::mem::take(&mut self.in_doubt) && is_nameless {
                self.again = self.sent;
            }
        }
    }

    /// The rule that sending this violates.
    pub(crate) fn send(&mut self, outgoing: Outgoing) -> Option<&'static str> {
        match outgoing {
            Outgoing::Command(Command::Attention) => self.unanswered = true,
            Outgoing::Command(_) if self.unanswered => return Some(UNANSWERED),
            Outgoing::Command(command) => {
                let repeats = self.again.take();
                if repeats.is_some_and(|repeated| repeated != command) {
                    return Some(BELIEVED);
                }
                self.unanswered = true;
                self.in_doubt = core::mem::take(&mut self.late);
            }
            Outgoing::Return if self.unanswered && self.sent != Some(Command::Attention) => {
                self.late = true;
                self.in_doubt = false;
            }
            // The line is cleared: the answer to an earlier AT does not count.
            Outgoing::Return if self.unanswered => self.sent = None,
            Outgoing::Return | Outgoing::Escape | Outgoing::HangUp => {}
        }
        if let Outgoing::Command(command) = outgoing {
            self.sent = Some(command);
        }
        None
    }
}
