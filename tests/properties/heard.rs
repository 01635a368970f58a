//! What an observer of the line knows about the commands and their results.

use cellscan_core::at::command::{Command, Outgoing};

use crate::rules::{BELIEVED, UNANSWERED};

/// What the modem has said to the last command.
#[expect(clippy::struct_excessive_bools, reason = "what an observer hears, each independent of the others")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Heard {
    /// The last command that was sent; `None`: none, or `AT` before the line was cleared.
    pub(crate) sent: Option<Command>,
    /// It has no result yet.
    unanswered: bool,
    /// A command was given up, and its result may come for the next one.
    late: bool,
    /// The scan waits for that result before it sends anything.
    drained: bool,
    /// The command in flight is the next one.
    in_doubt: bool,
    /// Its result came, and may be the late one: it must be sent again.
    again: Option<Command>,
}

impl Heard {
    pub(crate) const NOTHING: Self =
        Self { sent: None, unanswered: false, late: false, drained: false, in_doubt: false, again: None };

    /// A deadline passes: the result of a command that was given up is not waited for any longer.
    pub(crate) const fn time(&mut self) {
        self.drained = false;
    }

    pub(crate) fn line(&mut self, text: &str) {
        let is_ok = text == "OK";
        if !(is_ok || text.contains("ERROR")) || !self.unanswered || self.sent.is_none() {
            return;
        }
        if self.sent == Some(Command::Attention) {
            self.unanswered = !is_ok;
        } else if self.late {
            // The result of the command that was given up.
            self.late &= !core::mem::take(&mut self.drained);
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
                (self.late, self.drained, self.in_doubt) = (true, true, false);
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
