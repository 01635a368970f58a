//! The inputs of a scan, and the knowledge of an observer who sees only inputs and actions.

use cellscan_core::at::command::{Command, Outgoing};
use cellscan_core::at::line::Line;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::{Action, Event, Input, Phase, Refused};
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{Owed, Remains, ServiceStatus, Taken, Want};

/// One input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stimulus {
    Start,
    Restore,
    Abort,
    Taken(Taken),
    Service(ServiceStatus),
    Remains(Remains),
    Link(bool),
    PortOpened,
    PortLost,
    Refused(Refused),
    Line(&'static str),
    /// The next deadline passes, and no input comes before.
    Time,
}

impl Stimulus {
    pub(crate) fn input(self) -> Input<'static> {
        match self {
            Self::Start => Input::Start(Request { id: 1, origin: Origin::Manual }),
            Self::Restore => Input::Restore(Selection::Automatic),
            Self::Abort => Input::Abort,
            Self::Taken(taken) => Input::Taken(taken),
            Self::Service(status) => Input::Service(status),
            Self::Remains(remains) => Input::Remains(remains),
            Self::Link(up) => Input::Link(up),
            Self::PortOpened => Input::PortOpened,
            Self::PortLost => Input::PortLost,
            Self::Refused(refused) => Input::Refused(refused),
            Self::Line(text) => Input::Line(Line::whole(text.as_bytes())),
            Self::Time => Input::Timeout,
        }
    }
}

/// Rules of the port, checked at each action.
pub(crate) const OPENED_HELD: &str = "the port is opened only once it was seen free";
pub(crate) const SENT_HELD: &str = "nothing is sent before the port was seen free";
pub(crate) const SENT_CLOSED: &str = "nothing is sent on a port that is not open";
pub(crate) const PORT_KEPT: &str = "the port is closed before the service is given back";

/// Rules of the record for the time after the scan's death, checked at each action and after each step.
pub(crate) const UNRECORDED_DOWN: &str = "down is requested only once the record says what is owed";
pub(crate) const UNRECORDED_SELECTION: &str = "the modem is changed only once the record has its selection";
pub(crate) const WRONG_RECORD: &str = "while the scan holds the service the record has the want from before, unless another client wants it down";
pub(crate) const FALSE_END: &str =
    "at the end a service given back is owed nothing, and one that is not is handed over with its want";

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum PortIs {
    Closed,
    AskedFor,
    Open,
}

/// The knowledge of an observer who sees only inputs and actions.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct World {
    pub(crate) port: PortIs,
    /// No process held the port at the last look, and the service was not taken again since.
    pub(crate) free: bool,
    pub(crate) last_ask: Option<Want>,
    pub(crate) foreign_down: bool,
    /// The want from before the scan, or from before the dead scan that it takes over from.
    found: Option<Want>,
    /// Another client wants the service down now.
    is_foreign_now: bool,
    /// The record for the time after the scan's death.
    owed: Owed,
    handed_over: bool,
    /// The last command that was sent.
    pub(crate) sent: Option<Command>,
}

impl World {
    pub(crate) const fn new() -> Self {
        Self {
            port: PortIs::Closed,
            free: false,
            last_ask: None,
            foreign_down: false,
            found: None,
            is_foreign_now: false,
            owed: Owed { want: None, selection: None },
            handed_over: false,
            sent: None,
        }
    }

    fn want_due(&self) -> Option<Want> {
        self.found.filter(|want| *want != Want::Down && !self.is_foreign_now)
    }

    /// The rules of the record after a step into `phase`: the rule that it violates.
    pub(crate) fn checks_record(&self, phase: Phase, given_back: bool) -> Option<&'static str> {
        if phase.is_holding() && self.owed.want != self.want_due() {
            return Some(WRONG_RECORD);
        }
        let is_settled = self.owed.want.is_none() && !self.handed_over;
        let is_left_to_the_guard = self.owed.want == self.want_due() && self.handed_over;
        let is_true = if given_back { is_settled } else { is_left_to_the_guard };
        (phase == Phase::Idle && self.found.is_some() && !is_true).then_some(FALSE_END)
    }

    pub(crate) fn sees_input(&mut self, phase: Phase, stimulus: Stimulus) {
        match stimulus {
            Stimulus::Taken(Taken { status, owed }) => {
                self.found = Some(owed.want.unwrap_or(status.want));
                self.owed = owed;
            }
            Stimulus::Service(status) => {
                self.foreign_down |= status.foreign_down;
                self.is_foreign_now = status.foreign_down;
            }
            Stimulus::Remains(remains) if matches!(phase, Phase::VerifyStopped | Phase::Failed) => {
                self.free = remains.is_free();
            }
            Stimulus::PortOpened => self.port = PortIs::Open,
            Stimulus::PortLost => self.port = PortIs::Closed,
            Stimulus::Start
            | Stimulus::Restore
            | Stimulus::Abort
            | Stimulus::Remains(_)
            | Stimulus::Link(_)
            | Stimulus::Refused(_)
            | Stimulus::Line(_)
            | Stimulus::Time => {}
        }
    }

    /// The rules of the line: the rule that this action violates.
    pub(crate) fn sees_action(&mut self, action: Action) -> Option<&'static str> {
        match action {
            Action::OpenPort if !self.free => return Some(OPENED_HELD),
            Action::OpenPort => self.port = PortIs::AskedFor,
            Action::ClosePort => self.port = PortIs::Closed,
            Action::Send(_) if self.port != PortIs::Open => return Some(SENT_CLOSED),
            Action::Send(_) if !self.free => return Some(SENT_HELD),
            Action::Send(Outgoing::Command(Command::Deregister | Command::Select(_)))
                if self.found.is_some() && self.owed.selection.is_none() =>
            {
                return Some(UNRECORDED_SELECTION);
            }
            Action::Send(Outgoing::Command(command)) => self.sent = Some(command),
            Action::Owe(owed) => self.owed = owed,
            Action::HandOver => self.handed_over = true,
            Action::Ask(Want::Down) if self.owed.want != self.want_due() => return Some(UNRECORDED_DOWN),
            Action::Ask(want) => {
                if want != Want::Down && self.port != PortIs::Closed {
                    return Some(PORT_KEPT);
                }
                self.last_ask = Some(want);
            }
            // From here on another process may hold it again.
            Action::Report(Event::Moved { to: Phase::StopPppWaitSv, .. }) => self.free = false,
            Action::Take
            | Action::Signal(_)
            | Action::Send(Outgoing::Return | Outgoing::Escape | Outgoing::HangUp)
            | Action::Release
            | Action::Report(_) => {}
        }
        None
    }
}
