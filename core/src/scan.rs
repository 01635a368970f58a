//! The scan: what may happen, what is asked for, and the table of moves.
//!
//! ```text
//!  0 Idle ─► 1 StopPpp ─► 1b WaitSv ─► 2 VerifyStopped ─► 2b Prepare ─► 3 GetOperators ─► 4 WaitResults
//!    ▲                      ▲  somebody else brought            ▲ the port went             │   │ again
//!    │                      │  the service up: asked again      │ away: opened again        ▼   └──► 3
//!    │                      └── from 2 … 9b                     └── from 3 … 9b      7 NextCarrier ◄──────┐
//!    │                                                                                 │      │            │
//!    │                                                                     none left   │      └► 5 TestCarrier
//!    │                                                                                 ▼            │      │
//!  11 Complete ◄─ 10b WaitPpp ◄─ 10 StartPpp ◄─ 9b VerifyCarrier ◄─ 9 ConnectBest ◄─ 8 SelectBest   └► 6 WaitSignal
//!    │                                                └────── not the one: the next best ─────┘
//!    └─► 0              12 Failed ◄── from every state in which something is held
//! ```
//!
//! | state | name | what happens |
//! | --- | --- | --- |
//! | 0 | `Idle` | nothing is held |
//! | 1 | `StopPpp` | what is found is noted, the lease taken, the supervisor asked for down |
//! | 1b | `StopPppWaitSv` | until the status record says down and wanted down |
//! | 2 | `VerifyStopped` | no process of the service is left, nobody holds the port; what remains of the service gets TERM, then KILL |
//! | 2b | `Prepare` | the port is opened, the line synchronised, the selection noted, the modem deregistered |
//! | 3 | `GetOperators` | `AT+COPS=?` |
//! | 4 | `WaitResults` | until the list is there |
//! | 5 | `TestCarrier` | the next candidate is selected; until it is registered there |
//! | 6 | `WaitSignal` | its signal, once it has settled |
//! | 7 | `NextCarrier` | which is next? |
//! | 8 | `SelectBest` | what was measured is ranked |
//! | 9 | `ConnectBest` | the best is selected, unless the modem is on it |
//! | 9b | `VerifyCarrier` | is it registered there? |
//! | 10 | `StartPpp` | the port is let go and the service given back |
//! | 10b | `WaitPpp` | until the link is up |
//! | 11 | `Complete` | the lease is released |
//! | 12 | `Failed` | the registration found is restored, the service given back, the lease released |
//!
//! [`Scanner`] decides everything and does nothing: [`Scanner::step`] takes the time and one [`Input`] and answers with
//! [`Action`]s. The [`Driver`](crate::driver::Driver) carries them out and feeds back what came of them.

use core::time::Duration;

use crate::at::command::Outgoing;
use crate::at::line::Line;
use crate::carrier::Plmn;
use crate::selection::Selection;
use crate::supervisor::{Remains, ServiceStatus, Signal, Want};

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

/// Where a scan is. The numbers are the ones that people grep for.
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
    /// The number, with its letter.
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

    /// The service is held, or being taken, and the scan has not ended.
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

/// Every move that a scan may make, checked whenever one is made, and by a walk of all that can be reached.
pub const MOVES: &[(Phase, Phase)] = {
    use Phase::{
        Complete, ConnectBest, Failed, GetOperators, Idle, NextCarrier, Prepare, SelectBest, StartPpp,
        StopPpp, StopPppWaitSv, TestCarrier, VerifyCarrier, VerifyStopped, WaitPpp, WaitResults, WaitSignal,
    };
    &[
        (Idle, StopPpp),
        // Only the registration is to be restored: a scan died before it could.
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
        // Nothing to wait for: the service was found down, or somebody else wants it down now.
        (StartPpp, Complete),
        // After an interruption the carriers known by then are gone on with; a quick scan starts here.
        (Prepare, NextCarrier),
        // No link over the chosen one, and the policy says: the next best.
        (WaitPpp, StopPppWaitSv),
        // Somebody else brought the service up, or its supervisor died.
        (VerifyStopped, StopPppWaitSv),
        (Prepare, StopPppWaitSv),
        (WaitResults, StopPppWaitSv),
        (TestCarrier, StopPppWaitSv),
        (WaitSignal, StopPppWaitSv),
        (ConnectBest, StopPppWaitSv),
        (VerifyCarrier, StopPppWaitSv),
        // Somebody opened the port while it was ours.
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
        // Given up.
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

/// All that can happen to a scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input<'a> {
    /// A scan is wished for.
    Start(Request),
    /// Another scan died and left the modem so that this has to be restored, which is state 12 alone: the service is neither
    /// taken nor asked for anything. Only while idle.
    Restore(Selection),
    /// It is to end now.
    Abort,
    /// [`Action::Take`] was carried out; the service as it was found.
    Taken(ServiceStatus),
    /// The service as it stands now.
    Service(ServiceStatus),
    /// Who is left, and who holds the port.
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
    /// A deadline has come.
    Timeout,
}

/// Which action could not be carried out. For those on the port see [`Input::PortLost`].
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

/// All that a scan can ask for.
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
    /// [`Supervisor::note`](crate::supervisor::Supervisor::note).
    Note(Option<Selection>),
    /// Write this to the modem.
    Send(Outgoing),
    /// [`Supervisor::release`](crate::supervisor::Supervisor::release).
    Release,
    /// [`Supervisor::hand_over`](crate::supervisor::Supervisor::hand_over).
    HandOver,
    /// Tell whoever listens.
    Report(Event),
}

/// What a listener is told.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// The scan moved on.
    Moved {
        /// From here.
        from: Phase,
        /// To there.
        to: Phase,
    },
    /// A request was not served.
    Declined(Declined),
    /// The service was found so, and is held from now on.
    Taken(ServiceStatus),
    /// The status record says down and wanted down, so long after the first request.
    Down(Duration),
    /// Nobody holds the port, so long after the first request.
    PortFree(Duration),
    /// What remained of the service was signalled.
    Signalled(Signal),
    /// A process that is none of the service's holds the port.
    HeldByStranger(core::num::NonZeroU32),
    /// The service came up without us, its supervisor died, or somebody opened the port. It is asked down again, or the
    /// port waited for, so many times more at most.
    Interrupted {
        /// Whether a supervisor is there.
        supervised: bool,
        /// How often it may still happen.
        left: u8,
    },
    /// Somebody else wants the service down: it will be left so.
    ForeignDown,
    /// The port went away.
    PortLost,
    /// The operator list is complete: so many entries, so long after it was asked for.
    Listed {
        /// Entries, duplicates included.
        count: u16,
        /// From the command to its final result.
        took: Duration,
    },
    /// The trial of this carrier begins.
    TrialBegins(Plmn),
    /// The trial of this carrier has ended; [`Scanner::carriers`] says how.
    TrialEnded(Plmn),
    /// This carrier was chosen.
    Selected(Plmn),
    /// The chosen carrier could not be had after all.
    Lost(Plmn),
    /// Whether the registration found before the scan is restored.
    Restored(bool),
    /// The service is wanted as it was found again.
    GivenBack,
    /// The link is up, so long after the service was given back.
    LinkUp(Duration),
    /// The scan has ended.
    Finished(Outcome),
}

/// Actions of one step, at most. A step makes at most three moves (measured, next, best) and then one request: eight actions
/// in everything that can be reached.
pub const ACTIONS_MAX: usize = 12;

/// What a step asks for, in order.
pub type Actions = heapless::Vec<Action, ACTIONS_MAX>;

/// What the scan wants to be told of as it stands now.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watch {
    /// [`Input::Service`], at each change.
    pub service: bool,
    /// [`Input::Remains`].
    pub remains: bool,
    /// [`Input::Link`].
    pub link: bool,
}
