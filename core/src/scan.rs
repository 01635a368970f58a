//! The scan: its inputs, its actions, and the table of moves.
//!
//! ```text
//!  0 Idle ─► 1 StopPpp ─► 1b WaitSv ─► 2 VerifyStopped ─► 2b Prepare ─► 3 GetOperators ─► 4 WaitResults
//!    ▲                      ▲  another client brought           ▲ the port went             │   │ again
//!    │                      │  the service up: asked again      │ away: opened again        ▼   └──► 3
//!    │                      └── from 2 … 9b                     └── from 3 … 9b      7 NextCarrier ◄──────┐
//!    │                                                                                 │      │            │
//!    │                                                                     none left   │      └► 5 TestCarrier
//!    │                                                                                 ▼            │      │
//!  11 Complete ◄─ 10b WaitPpp ◄─ 10 StartPpp ◄─ 9b VerifyCarrier ◄─ 9 ConnectBest ◄─ 8 SelectBest   └► 6 WaitSignal
//!    │                                                └────── not the one: the next best ─────┘
//!    └─► 0              12 Failed ◄── from every state in which the scan holds something
//! ```
//!
//! | state | name | what happens |
//! | --- | --- | --- |
//! | 0 | `Idle` | nothing is held |
//! | 1 | `StopPpp` | the state of the service is recorded, the lease taken, the supervisor asked for down |
//! | 1b | `StopPppWaitSv` | waits until the status record says down and wanted down |
//! | 2 | `VerifyStopped` | no process of the service may be left, no process may hold the port; remaining processes get TERM, then KILL |
//! | 2b | `Prepare` | the port is opened, the line synchronised, settings and selection recorded, the modem deregistered |
//! | 3 | `GetOperators` | `AT+COPS=?` |
//! | 4 | `WaitResults` | waits for the list |
//! | 5 | `TestCarrier` | the next candidate is selected; waits for the registration there |
//! | 6 | `WaitSignal` | its signal is measured, once it has settled |
//! | 7 | `NextCarrier` | the next candidate is chosen |
//! | 8 | `SelectBest` | the measured carriers are ranked |
//! | 9 | `ConnectBest` | the best carrier is selected, unless the modem is on it |
//! | 9b | `VerifyCarrier` | the registration on the best carrier is verified, and its signal read again |
//! | 10 | `StartPpp` | the port is closed and the service given back |
//! | 10b | `WaitPpp` | waits for the link |
//! | 11 | `Complete` | the lease is released |
//! | 12 | `Failed` | the registration from before is restored, the service given back, the lease released |
//!
//! [`Scanner`] decides everything and does nothing: [`Scanner::step`] takes the time and one [`Input`] and answers with
//! [`Action`]s. The [`Driver`](crate::driver::Driver) carries them out and feeds the results back.

use crate::at::command::Outgoing;
use crate::at::line::Line;
use crate::carrier::Plmn;
use crate::selection::Selection;
use crate::supervisor::{Owed, Remains, ServiceStatus, Signal, Taken, Want};
use crate::time::Span;

pub mod deny;
pub mod gate;
pub mod policy;
pub mod rank;
pub mod report;
pub mod scanner;

pub use policy::{Policy, Strategy};
pub use report::{Failure, Outcome, Report};
pub use scanner::{Scanner, Snapshot};

use gate::{Declined, Request};

/// The state of a scan. Users grep for its numbers.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "the table above says what happens in each")]
pub enum Phase {
    Idle,
    StopPpp,
    StopPppWaitSv,
    VerifyStopped,
    Prepare,
    GetOperators,
    WaitResults,
    TestCarrier,
    WaitSignal,
    NextCarrier,
    SelectBest,
    ConnectBest,
    VerifyCarrier,
    StartPpp,
    WaitPpp,
    Complete,
    Failed,
}

impl Phase {
    /// The state's number, with its letter.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::Idle => "0",
            Self::StopPpp => "1",
            Self::StopPppWaitSv => "1b",
            Self::VerifyStopped => "2",
            Self::Prepare => "2b",
            Self::GetOperators => "3",
            Self::WaitResults => "4",
            Self::TestCarrier => "5",
            Self::WaitSignal => "6",
            Self::NextCarrier => "7",
            Self::SelectBest => "8",
            Self::ConnectBest => "9",
            Self::VerifyCarrier => "9b",
            Self::StartPpp => "10",
            Self::WaitPpp => "10b",
            Self::Complete => "11",
            Self::Failed => "12",
        }
    }

    /// Whether the scan holds the service or waits for it to stop, and has not ended.
    #[must_use]
    pub const fn is_holding(self) -> bool {
        match self {
            Self::StopPppWaitSv
            | Self::VerifyStopped
            | Self::Prepare
            | Self::GetOperators
            | Self::WaitResults
            | Self::TestCarrier
            | Self::WaitSignal
            | Self::NextCarrier
            | Self::SelectBest
            | Self::ConnectBest
            | Self::VerifyCarrier => true,
            Self::Idle | Self::StopPpp | Self::StartPpp | Self::WaitPpp | Self::Complete | Self::Failed => {
                false
            }
        }
    }
}

/// Every move that a scan may make. Each move is checked against it, and so is a walk of all reachable states.
pub const MOVES: &[(Phase, Phase)] = {
    use Phase::{
        Complete, ConnectBest, Failed, GetOperators, Idle, NextCarrier, Prepare, SelectBest, StartPpp,
        StopPpp, StopPppWaitSv, TestCarrier, VerifyCarrier, VerifyStopped, WaitPpp, WaitResults, WaitSignal,
    };
    &[
        (Idle, StopPpp),
        // Only the registration is restored: an earlier scan died before it could do that.
        (Idle, Failed),
        (StopPpp, StopPppWaitSv),
        (StopPppWaitSv, VerifyStopped),
        (VerifyStopped, Prepare),
        (Prepare, GetOperators),
        (GetOperators, WaitResults),
        (WaitResults, GetOperators),
        (WaitResults, NextCarrier),
        (NextCarrier, TestCarrier),
        (TestCarrier, WaitSignal),
        (TestCarrier, NextCarrier),
        (WaitSignal, NextCarrier),
        (NextCarrier, SelectBest),
        (SelectBest, ConnectBest),
        (ConnectBest, VerifyCarrier),
        (ConnectBest, SelectBest),
        (VerifyCarrier, SelectBest),
        (VerifyCarrier, StartPpp),
        (StartPpp, WaitPpp),
        (WaitPpp, Complete),
        (Complete, Idle),
        // Nothing to wait for: the service was found down, or another client wants it down now.
        (StartPpp, Complete),
        // After an interruption the scan continues with the carriers that it knows; a quick scan starts here.
        (Prepare, NextCarrier),
        // No remembered carrier is good enough for an adaptive scan: it searches.
        (NextCarrier, Prepare),
        // No link over the chosen carrier, and the policy says: the next best.
        (WaitPpp, StopPppWaitSv),
        // Another client brought the service up, or its supervisor died.
        (VerifyStopped, StopPppWaitSv),
        (Prepare, StopPppWaitSv),
        (WaitResults, StopPppWaitSv),
        (TestCarrier, StopPppWaitSv),
        (WaitSignal, StopPppWaitSv),
        (ConnectBest, StopPppWaitSv),
        (VerifyCarrier, StopPppWaitSv),
        // Another process opened the port while the scan used it.
        (Prepare, VerifyStopped),
        (WaitResults, VerifyStopped),
        (TestCarrier, VerifyStopped),
        (WaitSignal, VerifyStopped),
        (ConnectBest, VerifyStopped),
        (VerifyCarrier, VerifyStopped),
        // The port went away.
        (WaitResults, Prepare),
        (TestCarrier, Prepare),
        (WaitSignal, Prepare),
        (ConnectBest, Prepare),
        (VerifyCarrier, Prepare),
        // The scan gives up.
        (StopPpp, Failed),
        (StopPppWaitSv, Failed),
        (VerifyStopped, Failed),
        (Prepare, Failed),
        (WaitResults, Failed),
        (TestCarrier, Failed),
        (WaitSignal, Failed),
        (SelectBest, Failed),
        (ConnectBest, Failed),
        (VerifyCarrier, Failed),
        (StartPpp, Failed),
        (Failed, Idle),
    ]
};

/// Everything that can happen to a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input<'a> {
    /// A client requests a scan.
    Start(Request),
    /// Restore this selection, which another scan left behind when it died. This is state 12 alone: the scan neither takes
    /// the service nor requests anything of it. Only while idle.
    Restore(Selection),
    /// End the scan now.
    Abort,
    /// [`Action::Take`] was carried out; the service as it was found, and what a dead scan has left to do.
    Taken(Taken),
    /// The present status of the service.
    Service(ServiceStatus),
    /// The remaining processes of the service, and the holders of the port.
    Remains(Remains),
    /// Whether the link is up.
    Link(bool),
    /// [`Action::OpenPort`] was carried out.
    PortOpened,
    /// The port could not be opened, or is gone.
    PortLost,
    /// The modem sent a line.
    Line(Line<'a>),
    /// An action could not be carried out.
    Refused(Refused),
    /// A deadline has passed.
    Timeout,
}

/// The action that could not be carried out. For those on the port see [`Input::PortLost`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refused {
    /// [`Action::Take`].
    Take,
    /// [`Action::Ask`].
    Ask,
    /// [`Action::Signal`].
    Signal,
    /// [`Action::Release`], [`Action::HandOver`].
    Release,
}

/// Everything that a scan can request.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Action {
    /// [`Supervisor::take`](crate::supervisor::Supervisor::take).
    Take,
    /// [`Supervisor::ask`](crate::supervisor::Supervisor::ask).
    Ask(Want),
    /// [`Supervisor::signal`](crate::supervisor::Supervisor::signal).
    Signal(Signal),
    /// [`Port::open`](crate::port::Port::open).
    OpenPort,
    /// [`Port::close`](crate::port::Port::close).
    ClosePort,
    /// [`Supervisor::owe`](crate::supervisor::Supervisor::owe): carried out at once, also where earlier actions wait for a slow
    /// backend.
    Owe(Owed),
    /// Write this to the modem.
    Send(Outgoing),
    /// [`Supervisor::release`](crate::supervisor::Supervisor::release).
    Release,
    /// [`Supervisor::hand_over`](crate::supervisor::Supervisor::hand_over).
    HandOver,
    /// Report this event to the caller.
    Report(Event),
}

/// A report of the scan.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// The scan entered another state.
    Moved {
        /// The state before.
        from: Phase,
        /// The state now.
        to: Phase,
    },
    /// A request was declined.
    Declined(Declined),
    /// The service was found in this state, and the scan holds it from now on. Where a scan died with the service in hand, its
    /// want is the one that is still owed.
    Taken(ServiceStatus),
    /// The status record says down and wanted down; time since the first request.
    Down(Span),
    /// No process holds the port; time since the first request.
    PortFree(Span),
    /// The remaining processes of the service were signalled.
    Signalled(Signal),
    /// A process outside the service holds the port.
    HeldByStranger(core::num::NonZeroU32),
    /// The service came up without our request, its supervisor died, or another process opened the port. The scan asks for
    /// down again, or waits for the port; at most `left` more times.
    Interrupted {
        /// Whether a supervisor runs.
        supervised: bool,
        /// How many more interruptions the scan bears.
        left: u8,
    },
    /// Another client wants the service down: the scan will leave it down.
    ForeignDown,
    /// The port went away.
    PortLost {
        /// Whether the scan opens it again.
        reopens: bool,
    },
    /// The modem was on this carrier before the scan.
    Before(Plmn),
    /// The operator list is complete.
    Listed {
        /// Entries, duplicates included.
        count: u16,
        /// From the command to its final result.
        took: Span,
    },
    /// The trial of this carrier begins.
    TrialBegins(Plmn),
    /// The trial of this carrier has ended; [`Scanner::carriers`] says how.
    TrialEnded(Plmn),
    /// The scan chose this carrier.
    Selected(Plmn),
    /// The signal of the chosen carrier was read again, some time after its selection; [`Scanner::carriers`] has it. Another is
    /// selected next if it is better by more than the hysteresis.
    Confirmed(Plmn),
    /// The modem could not stay registered on the chosen carrier.
    Lost(Plmn),
    /// Whether the registration from before the scan was restored.
    Restored(bool),
    /// The record shows the want from before the scan again.
    GivenBack,
    /// The link is up; time since the service was given back.
    LinkUp(Span),
    /// The link was waited for and did not come.
    NoLink,
    /// From the first request for down to the link being up or, where it was not waited for or did not come, to the service being
    /// given back.
    Outage(Span),
    /// So many lines did not answer the current command, late answers included. Once, at the end, where there were any.
    Dropped(u32),
    /// Whether the lease was released. `false` only where the supervisor did not answer: the lease then stays, for the guard, the
    /// next scan or `restore`.
    Released(bool),
    /// The scan has ended.
    Finished(Outcome),
}

/// Actions of one step, at most, reports included: thirteen in everything that can be reached.
pub const ACTIONS_MAX: usize = 16;

/// The actions of one step, in order.
pub type Actions = heapless::Vec<Action, ACTIONS_MAX>;

/// The inputs that the scan needs in its present state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watch {
    /// [`Input::Service`], at each change.
    pub service: bool,
    /// [`Input::Remains`].
    pub remains: bool,
    /// [`Input::Link`].
    pub link: bool,
}
