//! The result of a scan.

use core::num::NonZeroU32;

use crate::carrier::Plmn;
use crate::time::Span;

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

/// The result of a scan; complete once [`Event::Finished`](super::Event::Finished) was reported.
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
    /// From the first request for down to the link being up or, where it was not waited for, did not come, or was not
    /// up before, to the service being given back.
    pub outage: Option<Span>,
    /// Whether the record showed the want from before the scan again. `false` only where the supervisor did not answer:
    /// the lease then stays, for the guard, the next scan or `restore`.
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
