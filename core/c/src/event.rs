//! The events of a scan, as flat C structs.

use core::ffi::{CStr, c_char};

use cellscan_core::carrier::Plmn;
use cellscan_core::scan::gate::Declined as CoreDeclined;
use cellscan_core::scan::{self, Event as Core};
use cellscan_core::supervisor as core_supervisor;
use cellscan_core::time::Span;

use crate::ops::Signal;
use crate::report::{Failure, Outcome};
use crate::text;

/// The state of a scan. `cellscan_phase_number` has the numbers that users grep for.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Phase {
    /// The scan holds nothing.
    #[default]
    Idle = 0,
    /// The service is being taken.
    StopPpp,
    /// The scan has asked for down.
    StopPppWaitSv,
    /// The remaining processes are ended.
    VerifyStopped,
    /// The port is opened, the modem prepared.
    Prepare,
    /// The search is requested.
    GetOperators,
    /// The scan waits for the list.
    WaitResults,
    /// A carrier is selected.
    TestCarrier,
    /// Its signal is measured.
    WaitSignal,
    /// The next candidate is chosen.
    NextCarrier,
    /// The measured carriers are ranked.
    SelectBest,
    /// The best carrier is selected.
    ConnectBest,
    /// The registration is verified.
    VerifyCarrier,
    /// The service is given back.
    StartPpp,
    /// The scan waits for the link.
    WaitPpp,
    /// A carrier was chosen.
    Complete,
    /// No carrier was chosen; registration and service are restored.
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

/// The kind of an event, and which fields of `cellscan_event` belong to it.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum EventKind {
    /// A kind that this version does not know; or no event.
    #[default]
    None = 0,
    /// The scan entered another state: `from`, `to`.
    Moved,
    /// The request was declined: `declined`.
    Declined,
    /// The scan holds the service from now on; `pid`, where it had a process.
    Taken,
    /// The service is down: `ms` after the request.
    Down,
    /// No process holds the port: `ms` after the request for down.
    PortFree,
    /// The remaining processes of the service were signalled: `signal`.
    Signalled,
    /// A process outside the service holds the port: `pid`.
    HeldByStranger,
    /// Another client brought the service up, another process opened the port, or the supervisor died. `count`: how often it may still
    /// happen.
    Interrupted,
    /// Another client wants the service down: the scan will leave it down.
    ForeignDown,
    /// The port went away; it is opened again where `yes` is not 0.
    PortLost,
    /// The modem was on `plmn` before the scan.
    Before,
    /// The list is complete: `count` entries, after `ms`.
    Listed,
    /// The trial of `plmn` begins.
    TrialBegins,
    /// The trial of `plmn` has ended; the carriers say how.
    TrialEnded,
    /// `plmn` was chosen.
    Selected,
    /// The signal of `plmn`, which was chosen, was read again; the carriers have it.
    Confirmed,
    /// `plmn` was chosen, and the modem could not stay registered on it.
    Lost,
    /// The registration from before the scan was restored where `yes` is not 0.
    Restored,
    /// The record shows the want from before the scan again.
    GivenBack,
    /// The link is up: `ms` after the service was given back.
    LinkUp,
    /// The link was waited for and did not come.
    NoLink,
    /// The link was away for `ms`: from the first request for down to the link or, where there was none, to the service given back.
    Outage,
    /// `count` lines did not answer the current command. Once, at the end, where there were any.
    Dropped,
    /// The lease was released where `yes` is not 0; otherwise the supervisor did not answer.
    Released,
    /// The scan has ended: `outcome`, and why in `failure`. Gateway: everything that the scan held is released.
    Finished,
    /// Gateway: an informational message, see `cellscan_gateway_text`.
    Note,
    /// Gateway: a warning, the scan goes on; see `cellscan_gateway_text`.
    Warning,
}

/// Why a request is declined.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Declined {
    /// It is not declined.
    #[default]
    No = 0,
    /// A scan is running.
    Busy,
    /// A request of this number was served already.
    Repeated,
    /// The last scan ended a short time ago.
    CoolingDown,
    /// The link works.
    LinkHealthy,
}

/// An event of a scan. Fields that the kind does not name are 0 or empty.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Event {
    /// The kind of the event.
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
    /// After `CELLSCAN_CODE_PORT` and `CELLSCAN_CODE_SUPERVISOR`: the answer of the callback.
    pub error: i32,
}

impl Event {
    fn timed(kind: EventKind, span: Span) -> Self {
        Self { kind, ms: span.as_millis(), ..Self::default() }
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
            Core::PortLost { reopens } => {
                Self { kind: EventKind::PortLost, yes: u32::from(reopens), ..Self::default() }
            }
            Core::Before(plmn) => Self::about(EventKind::Before, plmn),
            Core::Listed { count, took } => {
                Self { count: u32::from(count), ..Self::timed(EventKind::Listed, took) }
            }
            Core::TrialBegins(plmn) => Self::about(EventKind::TrialBegins, plmn),
            Core::TrialEnded(plmn) => Self::about(EventKind::TrialEnded, plmn),
            Core::Selected(plmn) => Self::about(EventKind::Selected, plmn),
            Core::Confirmed(plmn) => Self::about(EventKind::Confirmed, plmn),
            Core::Lost(plmn) => Self::about(EventKind::Lost, plmn),
            Core::Restored(restored) => {
                Self { kind: EventKind::Restored, yes: u32::from(restored), ..Self::default() }
            }
            Core::GivenBack => Self::only(EventKind::GivenBack),
            Core::LinkUp(after) => Self::timed(EventKind::LinkUp, after),
            Core::NoLink => Self::only(EventKind::NoLink),
            Core::Outage(span) => Self::timed(EventKind::Outage, span),
            Core::Dropped(lines) => Self { kind: EventKind::Dropped, count: lines, ..Self::default() },
            Core::Released(released) => {
                Self { kind: EventKind::Released, yes: u32::from(released), ..Self::default() }
            }
            Core::Finished(outcome) => Self {
                kind: EventKind::Finished,
                outcome: Outcome::of(Some(outcome)),
                failure: Failure::of(Some(outcome)),
                ..Self::default()
            },
            // The list may grow; a new kind has no number in C yet.
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
