//! The result of a scan, and the data of each carrier.

use core::ffi::{CStr, c_char};

use cellscan_core::carrier::{self, Trial as CoreTrial};
use cellscan_core::scan;
use cellscan_core::time::Span;

use crate::text;

/// How a scan ended.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Outcome {
    /// It has not ended, or there was none.
    #[default]
    None = 0,
    /// A carrier was chosen and the service given back on it.
    Complete,
    /// No carrier was chosen.
    Failed,
}

impl Outcome {
    pub(crate) const fn of(outcome: Option<scan::Outcome>) -> Self {
        match outcome {
            None => Self::None,
            Some(scan::Outcome::Complete) => Self::Complete,
            Some(scan::Outcome::Failed(_)) => Self::Failed,
        }
    }
}

/// Why a scan failed. `cellscan_failure_name` has a stable name of each.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Failure {
    /// It did not.
    #[default]
    None = 0,
    /// The service could not be taken; nothing was changed.
    ServiceUnavailable,
    /// The supervisor did not act on the request for down.
    SupervisorSilent,
    /// The port did not become free.
    PortHeld,
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
    /// Another client brought the service up too often.
    SecondClient,
    /// The application aborted the scan.
    Aborted,
    /// A reason that this version does not know.
    Other,
}

impl Failure {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 13] = [
        Self::None,
        Self::ServiceUnavailable,
        Self::SupervisorSilent,
        Self::PortHeld,
        Self::PortUnavailable,
        Self::ModemSilent,
        Self::SimNotReady,
        Self::SearchFailed,
        Self::NoCarrier,
        Self::BudgetSpent,
        Self::SecondClient,
        Self::Aborted,
        Self::Other,
    ];

    pub(crate) const fn of(outcome: Option<scan::Outcome>) -> Self {
        let Some(scan::Outcome::Failed(failure)) = outcome else { return Self::None };
        match failure {
            scan::Failure::ServiceUnavailable => Self::ServiceUnavailable,
            scan::Failure::SupervisorSilent => Self::SupervisorSilent,
            scan::Failure::PortHeld(_) => Self::PortHeld,
            scan::Failure::PortUnavailable => Self::PortUnavailable,
            scan::Failure::ModemSilent => Self::ModemSilent,
            scan::Failure::SimNotReady => Self::SimNotReady,
            scan::Failure::SearchFailed => Self::SearchFailed,
            scan::Failure::NoCarrier => Self::NoCarrier,
            scan::Failure::BudgetSpent => Self::BudgetSpent,
            scan::Failure::SecondClient => Self::SecondClient,
            scan::Failure::Aborted => Self::Aborted,
            _ => Self::Other,
        }
    }

    /// The stable name, as `cellscan scan --json` has it.
    #[must_use]
    pub const fn name(self) -> &'static CStr {
        match self {
            Self::None => c"none",
            Self::ServiceUnavailable => c"service_unavailable",
            Self::SupervisorSilent => c"supervisor_silent",
            Self::PortHeld => c"port_held",
            Self::PortUnavailable => c"port_unavailable",
            Self::ModemSilent => c"modem_silent",
            Self::SimNotReady => c"sim_not_ready",
            Self::SearchFailed => c"search_failed",
            Self::NoCarrier => c"no_carrier",
            Self::BudgetSpent => c"budget_spent",
            Self::SecondClient => c"second_client",
            Self::Aborted => c"aborted",
            Self::Other => c"other",
        }
    }
}

/// The result of a scan; complete once it has ended. Times are in milliseconds.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub failure: Failure,
    /// The carrier before the scan; empty where the modem was on none.
    pub before: [c_char; 8],
    /// The carrier that was chosen; empty where none was.
    pub selected: [c_char; 8],
    /// From the first request for down to "down"; 0 where that was not reached.
    pub down_after_ms: u32,
    /// From the first request for down to the port being free; 0 where that was not reached.
    pub free_after_ms: u32,
    /// How long the search took; 0 where none was complete.
    pub search_ms: u32,
    /// How long the link was away; 0 where it was not.
    pub outage_ms: u32,
    /// 1: the record shows the want from before the scan. 0: the supervisor did not answer.
    pub given_back: u8,
    /// 1: the link came up. 0: it did not, or the scan did not wait.
    pub link: u8,
    /// 1: the registration from before the scan was restored. 0: it was not, or there was no need.
    pub restored: u8,
    /// How often the scan had to ask for down again.
    pub interruptions: u8,
    /// How often the port was opened again.
    pub reopens: u32,
    /// Lines that did not answer the current command.
    pub dropped: u32,
}

fn millis(span: Option<Span>) -> u32 {
    span.map_or(0, Span::as_millis)
}

impl From<&scan::Report> for Report {
    fn from(report: &scan::Report) -> Self {
        Self {
            outcome: Outcome::of(report.outcome),
            failure: Failure::of(report.outcome),
            before: text::plmn(report.before),
            selected: text::plmn(report.selected),
            down_after_ms: millis(report.down_after),
            free_after_ms: millis(report.free_after),
            search_ms: millis(report.search),
            outage_ms: millis(report.outage),
            given_back: u8::from(report.given_back),
            link: u8::from(report.link == Some(true)),
            restored: u8::from(report.restored == Some(true)),
            interruptions: report.interruptions,
            reopens: u32::from(report.reopens),
            dropped: report.dropped,
        }
    }
}

/// `<stat>` of an operator list (3GPP TS 27.007 §7.3).
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Availability {
    /// The modem does not say.
    Unknown = 0,
    /// It is available.
    Available = 1,
    /// The modem is registered there.
    Current = 2,
    /// Forbidden by the SIM or the network.
    Forbidden = 3,
}

/// The result of a carrier's trial.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trial {
    /// Not tried, or not yet.
    Untried = 0,
    /// Registered; with the values that the modem gave.
    Registered = 1,
    /// The network or the modem refused.
    Refused = 2,
    /// Not registered within the time-out.
    TimedOut = 3,
    /// Registered in the trial, and lost afterwards.
    Lost = 4,
}

/// The value for "unknown".
pub const CELLSCAN_UNKNOWN: i16 = i16::MIN;

/// One carrier in reach.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Carrier {
    /// Its digits.
    pub plmn: [c_char; 8],
    /// Its name, UTF-8; empty where the modem gave none. It comes from the network: escape it where you display it.
    pub name: [c_char; 36],
    /// Its availability in the list.
    pub availability: Availability,
    /// The result of its trial.
    pub trial: Trial,
    /// One bit for each `<AcT>` (3GPP TS 27.007 §7.3) under which it was listed: bit 7 is LTE.
    pub technologies: u32,
    /// How long the trial took, milliseconds; 0 where there was none.
    pub took_ms: u32,
    /// Received power over the whole band, dBm; `CELLSCAN_UNKNOWN`.
    pub rssi_dbm: i16,
    /// Reference signal power, dBm; `CELLSCAN_UNKNOWN`.
    pub rsrp_dbm: i16,
    /// Reference signal quality, tenths of dB; `CELLSCAN_UNKNOWN`.
    pub rsrq_db10: i16,
    /// The `+CME ERROR` of a refusal; `CELLSCAN_UNKNOWN`.
    pub refused_cme: i16,
}

impl From<&carrier::Carrier> for Carrier {
    fn from(carrier: &carrier::Carrier) -> Self {
        let unknown = carrier::Strength::default();
        let (trial, strength, cme) = match carrier.trial {
            CoreTrial::Untried => (Trial::Untried, unknown, None),
            CoreTrial::Registered(strength) => (Trial::Registered, strength, None),
            CoreTrial::Refused(cme) => (Trial::Refused, unknown, cme),
            CoreTrial::TimedOut => (Trial::TimedOut, unknown, None),
            CoreTrial::Lost => (Trial::Lost, unknown, None),
        };
        Self {
            plmn: text::plmn(Some(carrier.plmn)),
            name: text::array::<{ text::NAME_LEN }>(carrier.name.as_str()),
            availability: match carrier.availability {
                carrier::Availability::Unknown => Availability::Unknown,
                carrier::Availability::Available => Availability::Available,
                carrier::Availability::Current => Availability::Current,
                carrier::Availability::Forbidden => Availability::Forbidden,
            },
            trial,
            technologies: carrier
                .technologies
                .iter()
                .fold(0, |bits, technology| bits | 1_u32.checked_shl(technology.0.into()).unwrap_or(0)),
            took_ms: carrier.took.as_millis(),
            rssi_dbm: strength.rssi_dbm.unwrap_or(CELLSCAN_UNKNOWN),
            rsrp_dbm: strength.rsrp_dbm.unwrap_or(CELLSCAN_UNKNOWN),
            rsrq_db10: strength.rsrq_db10.unwrap_or(CELLSCAN_UNKNOWN),
            refused_cme: cme.map_or(CELLSCAN_UNKNOWN, |code| i16::try_from(code).unwrap_or(i16::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_the_name_of_the_core() {
        for failure in [
            scan::Failure::ServiceUnavailable,
            scan::Failure::SupervisorSilent,
            scan::Failure::PortHeld(None),
            scan::Failure::PortUnavailable,
            scan::Failure::ModemSilent,
            scan::Failure::SimNotReady,
            scan::Failure::SearchFailed,
            scan::Failure::NoCarrier,
            scan::Failure::BudgetSpent,
            scan::Failure::SecondClient,
            scan::Failure::Aborted,
        ] {
            let here = Failure::of(Some(scan::Outcome::Failed(failure)));
            assert_eq!(here.name().to_str(), Ok(failure.name()));
        }
    }
}
