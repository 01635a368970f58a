//! The result of a scan.

use core::num::NonZeroU32;

use crate::carrier::Plmn;
use crate::time::Span;

use super::{Event, Phase};

/// Why a scan failed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Failure {
    /// The service could not be taken; nothing was changed.
    ServiceUnavailable,
    /// The supervisor did not act on the request for down.
    SupervisorSilent,
    /// The port did not become free; the process that holds it, where that is known.
    PortHeld(Option<NonZeroU32>),
    /// The port could not be opened, or went away too often.
    PortUnavailable,
    /// The modem does not answer `AT`.
    ModemSilent,
    /// The SIM is missing or locked.
    SimNotReady,
    /// The modem gave no operator list.
    SearchFailed,
    /// The modem could not register with any carrier.
    NoCarrier,
    /// The rest of the outage budget would not have sufficed.
    BudgetSpent,
    /// Another client brought the service up more often than the policy allows.
    SecondClient,
    /// The caller aborted the scan.
    Aborted,
}

impl Failure {
    /// The stable name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceUnavailable => "service_unavailable",
            Self::SupervisorSilent => "supervisor_silent",
            Self::PortHeld(_) => "port_held",
            Self::PortUnavailable => "port_unavailable",
            Self::ModemSilent => "modem_silent",
            Self::SimNotReady => "sim_not_ready",
            Self::SearchFailed => "search_failed",
            Self::NoCarrier => "no_carrier",
            Self::BudgetSpent => "budget_spent",
            Self::SecondClient => "second_client",
            Self::Aborted => "aborted",
        }
    }
}

/// How a scan ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outcome {
    /// A carrier was chosen and the service given back on it.
    Complete,
    /// No carrier was chosen.
    Failed(Failure),
}

/// The result of a scan, the fold of its events: complete once [`Event::Finished`] was reported.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report {
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The carrier before the scan; `None` where the modem was on none, or was not asked.
    pub before: Option<Plmn>,
    /// The carrier that was chosen.
    pub selected: Option<Plmn>,
    /// From the first request for down to the status record saying so.
    pub down_after: Option<Span>,
    /// From the first request for down to the port being free.
    pub free_after: Option<Span>,
    /// From `AT+COPS=?` to its final result, for the search that gave the list.
    pub search: Option<Span>,
    /// See [`Event::Outage`].
    pub outage: Option<Span>,
    /// Whether the record showed the want from before the scan again; at the end see [`Event::Released`].
    pub given_back: bool,
    /// Whether the link came up; `None` where the scan did not wait for it.
    pub link: Option<bool>,
    /// Whether the registration from before the scan was restored; `None` where there was no need.
    pub restored: Option<bool>,
    /// Lines that did not answer the current command, late answers included.
    pub dropped: u32,
    /// How often the scan had to ask for down again.
    pub interruptions: u8,
    /// How often the port was opened again.
    pub reopens: u8,
}

impl Report {
    /// The report of a scan that has not begun.
    pub const EMPTY: Self = Self {
        outcome: None,
        before: None,
        selected: None,
        down_after: None,
        free_after: None,
        search: None,
        outage: None,
        given_back: false,
        link: None,
        restored: None,
        dropped: 0,
        interruptions: 0,
        reopens: 0,
    };

    /// Takes an event of the scan into the report. An event that leaves state 0 begins a new report.
    #[inline(never)]
    pub const fn apply(&mut self, event: &Event) {
        match *event {
            Event::Moved { from: Phase::Idle, .. } => *self = Self::EMPTY,
            // The link did not come, and the next carrier is tried.
            Event::Moved { from: Phase::WaitPpp, to: Phase::StopPppWaitSv } => self.given_back = false,
            Event::Before(plmn) => self.before = Some(plmn),
            Event::Selected(plmn) => self.selected = Some(plmn),
            Event::Lost(_) => self.selected = None,
            // The first counts: what follows it is another client's doing.
            Event::Down(after) if self.down_after.is_none() => self.down_after = Some(after),
            Event::PortFree(after) if self.free_after.is_none() => self.free_after = Some(after),
            Event::Listed { took, .. } => self.search = Some(took),
            Event::Outage(span) => self.outage = Some(span),
            Event::GivenBack => self.given_back = true,
            Event::Released(released) => self.given_back = released,
            Event::LinkUp(_) => self.link = Some(true),
            Event::NoLink => self.link = Some(false),
            Event::Restored(restored) => self.restored = Some(restored),
            Event::Dropped(lines) => self.dropped = lines,
            Event::Interrupted { .. } => self.interruptions = self.interruptions.saturating_add(1),
            Event::PortLost { reopens: true } => self.reopens = self.reopens.saturating_add(1),
            Event::Finished(outcome) => self.outcome = Some(outcome),
            Event::Moved { .. }
            | Event::Declined(_)
            | Event::Taken(_)
            | Event::Down(_)
            | Event::PortFree(_)
            | Event::Signalled(_)
            | Event::HeldByStranger(_)
            | Event::ForeignDown
            | Event::PortLost { reopens: false }
            | Event::TrialBegins(_)
            | Event::TrialEnded(_)
            | Event::Confirmed(_) => {}
        }
    }
}
