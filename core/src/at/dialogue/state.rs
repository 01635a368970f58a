//! The states of a dialogue.

use crate::at::answer::Answer;
use crate::at::command::Command;
use crate::time::{Instant, Span};

/// What the dialogue does once the modem answers again.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Continuation {
    Ready,
    TimedOut,
    /// The operator list was read.
    Listed,
    Again(Attempt),
}

/// A command as it is sent: the first time, or again because its answer was in doubt.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Attempt {
    pub(super) command: Command,
    pub(super) timeout: Span,
    /// How often it was sent before.
    pub(super) repeats: u8,
    /// Whether its last answer was `OK`.
    pub(super) said_ok: bool,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum State {
    Closed,
    Clearing {
        quiet_at: Instant,
        until: Instant,
        tries: u8,
        then: Continuation,
    },
    GuardBefore {
        until: Instant,
        tries: u8,
        then: Continuation,
    },
    GuardAfter {
        until: Instant,
        tries: u8,
        then: Continuation,
    },
    /// `AT` was sent; `refused`: with an error behind it so far.
    Asking {
        deadline: Instant,
        tries: u8,
        echoed: bool,
        refused: bool,
        then: Continuation,
    },
    Settling {
        quiet_at: Instant,
        until: Instant,
        then: Continuation,
    },
    Ready,
    Waiting(Waiting),
    Aborting {
        until: Instant,
    },
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Waiting {
    pub(super) attempt: Attempt,
    pub(super) deadline: Instant,
    pub(super) echoed: bool,
    /// A line of a late answer came: the next final result belongs to it.
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
