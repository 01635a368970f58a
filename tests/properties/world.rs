//! The inputs of a scan, and the knowledge of an observer who sees only inputs and actions.

use cellscan_core::at::command::Command;
use cellscan_core::at::command::Outgoing;
use cellscan_core::at::line::Line;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::{Action, Event, Input, Phase, Refused};
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{Owed, Remains, ServiceState, ServiceStatus, Signal, Taken, Want};

use crate::heard::Heard;
use crate::rules::{
    ASKED_ONCE, FALSE_END, LEFT_ALONE, OPENED_HELD, OVERRULED, PORT_KEPT, RELEASED, SENT_CLOSED, SENT_HELD,
    SIGNALLED, UNRECORDED_DOWN, UNRECORDED_SELECTION, UNSUPERVISED, WRONG_RECORD,
};

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

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum PortIs {
    Closed,
    AskedFor,
    Open,
}

/// The knowledge of an observer who sees only inputs and actions.
#[expect(clippy::struct_excessive_bools, reason = "what an observer sees, each independent of the others")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct World {
    pub(crate) port: PortIs,
    /// The last look found no other holder of the port, and the service was not taken again since.
    free: bool,
    /// Such a look came after the opening of the port.
    claimed: bool,
    pub(crate) last_ask: Option<Want>,
    /// It was requested more than once, and is not `Down`.
    asked_again: bool,
    /// A record since the last request, if that was not for `Down`, shows what was requested.
    shown: bool,
    pub(crate) foreign_down: bool,
    /// Given back and shown up, the service is wanted down again.
    overruled: bool,
    supervised: bool,
    /// The supervisor has died, and no successor came in time.
    orphaned: bool,
    termed: bool,
    /// The want from before the scan, or from before the dead scan that it takes over from.
    found: Option<Want>,
    /// The record for the time after the scan's death: with a selection the modem may be on another.
    owed: Owed,
    handed_over: bool,
    /// What the events say of it.
    pub(crate) given_back: bool,
    /// How often the scan let go of the port for another client, and reported its loss.
    pub(crate) interrupted: u8,
    pub(crate) lost: u8,
    dialogue: Heard,
    /// Of this step alone: the input is a look that found a process of the service.
    remains: bool,
    /// Of this step alone: the input is an abort, and the modem is in reach with a changed selection.
    leaves_modem: bool,
}

impl World {
    pub(crate) const fn new() -> Self {
        Self {
            port: PortIs::Closed,
            free: false,
            claimed: false,
            last_ask: None,
            asked_again: false,
            shown: false,
            foreign_down: false,
            overruled: false,
            supervised: false,
            orphaned: false,
            remains: false,
            termed: false,
            found: None,
            owed: Owed { want: None, selection: None },
            handed_over: false,
            given_back: false,
            interrupted: 0,
            lost: 0,
            dialogue: Heard::NOTHING,
            leaves_modem: false,
        }
    }

    fn want_due(&self) -> Option<Want> {
        self.found.filter(|want| *want != Want::Down && !self.foreign_down)
    }

    /// The rules of the record after a step into `phase`: the rule that it violates.
    pub(crate) fn checks_record(&self, phase: Phase) -> Option<&'static str> {
        if phase.is_holding() && self.owed.want != self.want_due() {
            return Some(WRONG_RECORD);
        }
        let is_settled = self.owed.want.is_none() && !self.handed_over;
        let is_left_to_the_guard = self.owed.want == self.want_due() && self.handed_over;
        let is_true = if self.given_back { is_settled } else { is_left_to_the_guard };
        (phase == Phase::Idle && self.found.is_some() && !is_true).then_some(FALSE_END)
    }

    /// The command whose answer may come.
    pub(crate) const fn sent(&self) -> Option<Command> {
        self.dialogue.sent
    }

    pub(crate) fn sees_input(&mut self, phase: Phase, stimulus: Stimulus) {
        match stimulus {
            Stimulus::Taken(Taken { status, owed }) => {
                self.found = Some(owed.want.unwrap_or(status.want));
                self.owed = owed;
                self.sees_status(status);
            }
            Stimulus::Service(status) => self.sees_status(status),
            Stimulus::Remains(remains) => {
                self.free = remains.is_free();
                self.claimed = self.free && self.port == PortIs::Open;
                self.remains = remains.service.is_some();
            }
            Stimulus::PortOpened => {
                self.port = PortIs::Open;
                self.claimed = false;
            }
            Stimulus::PortLost => self.closes(),
            Stimulus::Line(text) => self.dialogue.line(text),
            Stimulus::Abort => {
                self.leaves_modem = phase.is_holding()
                    && self.port == PortIs::Open
                    && self.claimed
                    && self.owed.selection.is_some();
            }
            Stimulus::Start | Stimulus::Restore | Stimulus::Link(_) | Stimulus::Refused(_) => {}
            Stimulus::Time => self.dialogue.time(),
        }
    }

    /// The rule that this action violates. The scan was in `phase` before the step.
    pub(crate) fn sees_action(&mut self, phase: Phase, action: Action) -> Option<&'static str> {
        match action {
            Action::OpenPort if !self.free => return Some(OPENED_HELD),
            Action::OpenPort => (self.port, self.termed) = (PortIs::AskedFor, false),
            Action::ClosePort => self.closes(),
            Action::Send(_) if self.port != PortIs::Open => return Some(SENT_CLOSED),
            Action::Send(_) if !self.claimed => return Some(SENT_HELD),
            Action::Send(Outgoing::Command(Command::Deregister | Command::Select(_)))
                if self.found.is_some() && self.owed.selection.is_none() =>
            {
                return Some(UNRECORDED_SELECTION);
            }
            Action::Send(outgoing) => return self.dialogue.send(outgoing),
            Action::Ask(Want::Down) if self.owed.want != self.want_due() => return Some(UNRECORDED_DOWN),
            Action::Ask(want) => return self.sees_ask(want),
            Action::Signal(Signal::Term) if !self.remains => return Some(SIGNALLED),
            Action::Signal(Signal::Term) => self.termed = true,
            Action::Signal(Signal::Kill) if !self.termed && phase != Phase::StopPppWaitSv => {
                return Some(SIGNALLED);
            }
            Action::Owe(owed) => self.owed = owed,
            Action::Release if self.owes() && !self.shown => return Some(RELEASED),
            Action::HandOver if self.owes() && !self.asked_again => return Some(ASKED_ONCE),
            Action::HandOver => self.handed_over = true,
            Action::Report(Event::Restored(false)) if self.leaves_modem => return Some(LEFT_ALONE),
            Action::Report(Event::Interrupted { .. }) => {
                self.interrupted = self.interrupted.saturating_add(1);
            }
            Action::Report(Event::PortLost { .. }) => self.lost = self.lost.saturating_add(1),
            Action::Report(Event::GivenBack) => self.given_back = true,
            Action::Report(Event::Released(released)) => self.given_back = released,
            // From here on another process may hold it again.
            Action::Report(Event::Moved { to: Phase::StopPppWaitSv, .. }) => {
                (self.free, self.claimed, self.orphaned) = (false, false, false);
                self.given_back = false;
            }
            Action::Report(Event::Moved { from: Phase::StopPppWaitSv, to: Phase::VerifyStopped }) => {
                self.orphaned = !self.supervised;
            }
            Action::Take | Action::Signal(Signal::Kill) | Action::Release | Action::Report(_) => {}
        }
        None
    }

    fn sees_status(&mut self, status: ServiceStatus) {
        self.foreign_down = status.foreign_down;
        self.supervised = status.supervised;
        // What another client asks for later does not count.
        let shown = match self.last_ask {
            Some(Want::Once) => status.state == ServiceState::Run,
            Some(Want::Up) => status.want == Want::Up,
            Some(Want::Down) | None => return,
        };
        // What a supervisor proves goes over what its record shows.
        self.shown |= status.supervised && status.given_back.unwrap_or(shown);
        let up_was_asked = self.last_ask == Some(Want::Up);
        let may_be_old = !status.supervised || status.given_back == Some(false);
        self.overruled = self.shown && up_was_asked && !may_be_old && status.want != Want::Up;
    }

    fn closes(&mut self) {
        self.port = PortIs::Closed;
        self.claimed = false;
        self.dialogue = Heard::NOTHING;
    }

    /// After all actions of a step.
    pub(crate) fn sees_end(&mut self, phase: Phase) -> Option<&'static str> {
        (self.leaves_modem, self.remains) = (false, false);
        let alone = !self.supervised && !self.orphaned;
        (phase.is_holding() && alone && self.port == PortIs::Open).then_some(UNSUPERVISED)
    }

    fn sees_ask(&mut self, want: Want) -> Option<&'static str> {
        if want != Want::Down && self.port != PortIs::Closed {
            return Some(PORT_KEPT);
        }
        if (want != Want::Down && self.foreign_down) || self.overruled {
            return Some(OVERRULED);
        }
        self.asked_again = want != Want::Down && self.last_ask == Some(want);
        self.last_ask = Some(want);
        (self.shown, self.termed) = (false, false);
        if want != Want::Down {
            // Nothing of this matters before the service is asked down again.
            (self.free, self.orphaned) = (false, false);
        }
        None
    }

    /// The service was requested up again, and no other client wants it down.
    fn owes(&self) -> bool {
        self.last_ask.is_some_and(|want| want != Want::Down) && !self.foreign_down
    }
}
