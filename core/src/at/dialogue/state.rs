//! Where a dialogue is.

use core::time::Duration;

use crate::at::answer::Answer;
use crate::at::command::Command;
use crate::at::line::{Line, Part};
use crate::time::Instant;

use super::begins_cops;

/// What follows once the line answers again.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Then {
    Ready,
    TimedOut,
    Again(Command, Duration),
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum State {
    Closed,
    Clearing { quiet_at: Instant, until: Instant, tries: u8, then: Then },
    GuardBefore { until: Instant, tries: u8, then: Then },
    GuardAfter { until: Instant, tries: u8, then: Then },
    Asking { deadline: Instant, tries: u8, echoed: bool, then: Then },
    Settling { quiet_at: Instant, until: Instant, then: Then },
    Ready,
    Waiting(Waiting),
    Aborting { until: Instant },
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each marks one thing seen since the command went out")]
pub(super) struct Waiting {
    pub(super) command: Command,
    /// It was sent before, and the answer was in doubt.
    pub(super) repeated: bool,
    pub(super) timeout: Duration,
    pub(super) deadline: Instant,
    pub(super) echoed: bool,
    /// In the middle of a line that is an operator list.
    pub(super) in_list: bool,
    /// A late answer's line came: the next final result is its.
    pub(super) skip_final: bool,
    pub(super) answer: Option<Answer>,
}

/// Whether the modem echoes. Learned from `AT`, never set: the modem is left as it was found.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Echo {
    Unknown,
    On,
    Off,
}

impl Waiting {
    /// Whether a line belongs to the operator list being read: it begins one, goes on with a long one, or goes on
    /// after a line end inside (seen in captures).
    pub(super) fn is_of_list(&self, line: Line<'_>) -> bool {
        match line.part {
            Part::Middle | Part::Last => self.in_list,
            Part::Whole | Part::First => {
                let begins = begins_cops(line.bytes);
                let first =
                    line.bytes.get(6..).unwrap_or_default().iter().find(|byte| !byte.is_ascii_whitespace());
                // `+COPS: 1,2,"310410"` answers another question.
                let answers = begins && !first.is_some_and(u8::is_ascii_digit);
                let goes_on =
                    self.answer.is_some() && matches!(line.bytes.first(), Some(b'(' | b',' | b'"' | b')'));
                answers || goes_on
            }
        }
    }
}
