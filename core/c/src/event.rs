//! What a scan tells, flat, as C can read it.

use core::ffi::{CStr, c_char};
use core::time::Duration;

use cellscan_core::carrier::Plmn;
use cellscan_core::scan::gate::Declined as CoreDeclined;
use cellscan_core::scan::{self, Event as Core};
use cellscan_core::supervisor as core_supervisor;

use crate::ops::Signal;
use crate::report::{Failure, Outcome};
use crate::text;

/// Where a scan is. `cellscan_phase_number` has the numbers that people grep for.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Phase {
    /// Nothing is held.
    #[default]
    Idle = 0,
    /// The service is being taken.
    StopPpp,
    /// Down was asked for.
    StopPppWaitSv,
    /// What remains of it is ended.
    VerifyStopped,
    /// The port is opened, the modem made ready.
    Prepare,
    /// The search is asked for.
    GetOperators,
    /// The list is waited for.
    WaitResults,
    /// A carrier is selected.
    TestCarrier,
    /// Its signal is measured.
    WaitSignal,
    /// Which is next?
    NextCarrier,
    /// What was measured is ranked.
    SelectBest,
    /// The best is selected.
    ConnectBest,
    /// Is it registered there?
    VerifyCarrier,
    /// The service is given back.
    StartPpp,
    /// The link is waited for.
    WaitPpp,
    /// A carrier was chosen.
    Complete,
    /// None was; what was found is restored.
    Failed,
}

impl Phase {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 17] = [
        Self::Idle,
        Self::StopPpp,
        Self::StopPppWaitSv,
        Self::VerifyStopped,
        Self::Prepare,
        Self::GetOperators,
        Self::WaitResults,
        Self::TestCarrier,
        Self::WaitSignal,
        Self::NextCarrier,
        Self::SelectBest,
        Self::ConnectBest,
        Self::VerifyCarrier,
        Self::StartPpp,
        Self::WaitPpp,
        Self::Complete,
        Self::Failed,
    ];

    /// The number, with its letter.
    #[must_use]
    pub const fn number(self) -> &'static CStr {
        match self {
            Self::Idle => c"0",
            Self::StopPpp => c"1",
            Self::StopPppWaitSv => c"1b",
            Self::VerifyStopped => c"2",
            Self::Prepare => c"2b",
            Self::GetOperators => c"3",
            Self::WaitResults => c"4",
            Self::TestCarrier => c"5",
            Self::WaitSignal => c"6",
            Self::NextCarrier => c"7",
            Self::SelectBest => c"8",
            Self::ConnectBest => c"9",
            Self::VerifyCarrier => c"9b",
            Self::StartPpp => c"10",
            Self::WaitPpp => c"10b",
            Self::Complete => c"11",
            Self::Failed => c"12",
        }
    }
}

impl From<scan::Phase> for Phase {
    fn from(phase: scan::Phase) -> Self {
        match phase {
            scan::Phase::Idle => Self::Idle,
            scan::Phase::StopPpp => Self::StopPpp,
            scan::Phase::StopPppWaitSv => Self::StopPppWaitSv,
            scan::Phase::VerifyStopped => Self::VerifyStopped,
            scan::Phase::Prepare => Self::Prepare,
            scan::Phase::GetOperators => Self::GetOperators,
            scan::Phase::WaitResults => Self::WaitResults,
            scan::Phase::TestCarrier => Self::TestCarrier,
            scan::Phase::WaitSignal => Self::WaitSignal,
            scan::Phase::NextCarrier => Self::NextCarrier,
            scan::Phase::SelectBest => Self::SelectBest,
            scan::Phase::ConnectBest => Self::ConnectBest,
            scan::Phase::VerifyCarrier => Self::VerifyCarrier,
            scan::Phase::StartPpp => Self::StartPpp,
            scan::Phase::WaitPpp => Self::WaitPpp,
            scan::Phase::Complete => Self::Complete,
            scan::Phase::Failed => Self::Failed,
        }
    }
}

/// What is told, and which fields of `cellscan_event` say more.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum EventKind {
    /// Something that this version has no word for; or no event at all.
    #[default]
    None = 0,
    /// The scan moved on: `from`, `to`.
    Moved,
    /// The request was not served: `declined`.
    Declined,
    /// The service is held from now on; `pid`, where it had a process.
    Taken,
    /// The service is down: `ms` after it was asked.
    Down,
    /// Nobody holds the port: `ms` after down was asked for.
    PortFree,
    /// What remained of the service was signalled: `signal`.
    Signalled,
    /// A process that is none of the service's holds the port: `pid`.
    HeldByStranger,
    /// Somebody else brought the service up or opened the port, or the supervisor died. `count`: how often it may still
    /// happen.
    Interrupted,
    /// Somebody else wants the service down: it will be left so.
    ForeignDown,
    /// The port went away.
    PortLost,
    /// The list is complete: `count` entries, after `ms`.
    Listed,
    /// The trial of `plmn` begins.
    TrialBegins,
    /// The trial of `plmn` has ended; the carriers say how.
    TrialEnded,
    /// `plmn` was chosen.
    Selected,
    /// `plmn` was chosen and could not be had after all.
    Lost,
    /// The registration found before the scan is restored where `yes` is not 0.
    Restored,
    /// The service is wanted as it was found again.
    GivenBack,
    /// The link is up: `ms` after the service was given back.
    LinkUp,
    /// The scan has ended: `outcome`, and why in `failure`. Of a gateway: and all that was held is let go.
    Finished,
    /// Gateway: something that is good to know; `cellscan_gateway_text` has it.
    Note,
    /// Gateway: something went wrong that the scan goes on after; `cellscan_gateway_text` has it.
    Warning,
}

/// Why a request is not served.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Declined {
    /// It is.
    #[default]
    No = 0,
    /// A scan is under way.
    Busy,
    /// This very request was served already.
    Repeated,
    /// The last scan ended a short time ago.
    CoolingDown,
    /// The link works.
    LinkHealthy,
}

/// What a scan tells. Fields that the kind does not name are 0 or empty.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Event {
    /// What is told.
    pub kind: EventKind,
    /// The phase before.
    pub from: Phase,
    /// The phase now.
    pub to: Phase,
    /// The carrier it is about, digits.
    pub plmn: [c_char; 8],
    /// Milliseconds.
    pub ms: u32,
    /// How many.
    pub count: u32,
    /// A process.
    pub pid: u32,
    /// A `cellscan_signal`.
    pub signal: u32,
    /// Yes (1) or no.
    pub yes: u32,
    /// Why a request was not served.
    pub declined: Declined,
    /// How the scan ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub failure: Failure,
    /// Behind `CELLSCAN_CODE_PORT` and `CELLSCAN_CODE_SUPERVISOR`: what the callback answered.
    pub error: i32,
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

impl Event {
    fn timed(kind: EventKind, span: Duration) -> Self {
        Self { kind, ms: millis(span), ..Self::default() }
    }

    fn about(kind: EventKind, plmn: Plmn) -> Self {
        Self { kind, plmn: text::plmn(Some(plmn)), ..Self::default() }
    }

    fn only(kind: EventKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// A line for people, which [`EventKind::Note`] and [`EventKind::Warning`] announce.
    #[must_use]
    pub fn line(kind: EventKind) -> Self {
        Self::only(kind)
    }
}

impl From<Core> for Event {
    fn from(event: Core) -> Self {
        match event {
            Core::Moved { from, to } => {
                Self { kind: EventKind::Moved, from: from.into(), to: to.into(), ..Self::default() }
            }
            Core::Declined(reason) => {
                Self { kind: EventKind::Declined, declined: reason.into(), ..Self::default() }
            }
            Core::Taken(found) => {
                Self { kind: EventKind::Taken, pid: found.pid.map_or(0, u32::from), ..Self::default() }
            }
            Core::Down(after) => Self::timed(EventKind::Down, after),
            Core::PortFree(after) => Self::timed(EventKind::PortFree, after),
            Core::Signalled(signal) => {
                let signal = match signal {
                    core_supervisor::Signal::Term => Signal::Term,
                    core_supervisor::Signal::Kill => Signal::Kill,
                };
                Self { kind: EventKind::Signalled, signal: signal as u32, ..Self::default() }
            }
            Core::HeldByStranger(pid) => {
                Self { kind: EventKind::HeldByStranger, pid: pid.get(), ..Self::default() }
            }
            Core::Interrupted { left, .. } => {
                Self { kind: EventKind::Interrupted, count: u32::from(left), ..Self::default() }
            }
            Core::ForeignDown => Self::only(EventKind::ForeignDown),
            Core::PortLost => Self::only(EventKind::PortLost),
            Core::Listed { count, took } => {
                Self { count: u32::from(count), ..Self::timed(EventKind::Listed, took) }
            }
            Core::TrialBegins(plmn) => Self::about(EventKind::TrialBegins, plmn),
            Core::TrialEnded(plmn) => Self::about(EventKind::TrialEnded, plmn),
            Core::Selected(plmn) => Self::about(EventKind::Selected, plmn),
            Core::Lost(plmn) => Self::about(EventKind::Lost, plmn),
            Core::Restored(restored) => {
                Self { kind: EventKind::Restored, yes: u32::from(restored), ..Self::default() }
            }
            Core::GivenBack => Self::only(EventKind::GivenBack),
            Core::LinkUp(after) => Self::timed(EventKind::LinkUp, after),
            Core::Finished(outcome) => Self {
                kind: EventKind::Finished,
                outcome: Outcome::of(Some(outcome)),
                failure: Failure::of(Some(outcome)),
                ..Self::default()
            },
            // The list may grow; what is new has no word in C yet.
            _ => Self::default(),
        }
    }
}

impl From<CoreDeclined> for Declined {
    fn from(reason: CoreDeclined) -> Self {
        match reason {
            CoreDeclined::Busy => Self::Busy,
            CoreDeclined::Repeated => Self::Repeated,
            CoreDeclined::CoolingDown => Self::CoolingDown,
            CoreDeclined::LinkHealthy => Self::LinkHealthy,
        }
    }
}
