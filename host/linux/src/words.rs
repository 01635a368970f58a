//! The words that all output shares.

use std::num::NonZeroU32;
use std::time::Duration;

use cellscan_core::carrier::{AccessTechnology, Availability, Carrier, Plmn, Strength, Trial};
use cellscan_core::scan::gate::Declined;
use cellscan_core::scan::{Failure, Outcome, Phase, Report};
use cellscan_core::supervisor::{ServiceState, Want};
use cellscan_custody::unlock::REGISTER_LIMIT;

pub use super::clean::shown;
use crate::clean;
use crate::process::Stat;

/// A span of time for people: `302 ms`, `59.5 s`, `300 s`.
#[must_use]
pub fn span(span: impl Into<Duration>) -> String {
    let span = span.into();
    if span < Duration::from_secs(1) {
        format!("{} ms", span.as_millis())
    } else if span.subsec_millis() == 0 {
        format!("{} s", span.as_secs())
    } else {
        format!("{:.1} s", span.as_secs_f64())
    }
}

/// `1 process`, `2 processes`.
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The state of a service.
#[must_use]
pub const fn service_state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Down => "down",
        ServiceState::Run => "run",
        ServiceState::Finish => "finish",
    }
}

/// Why a request was declined.
#[must_use]
pub const fn declined(declined: Declined) -> &'static str {
    match declined {
        Declined::Busy => "busy",
        Declined::Repeated => "repeated",
        Declined::CoolingDown => "cooling_down",
        Declined::LinkHealthy => "link_healthy",
    }
}

/// The wanted state of a service.
#[must_use]
pub const fn want(want: Want) -> &'static str {
    match want {
        Want::Up => "up",
        Want::Once => "once",
        Want::Down => "down",
    }
}

/// `AT&T (310410)`, or the digits alone without a name.
#[must_use]
pub fn named(name: Option<&str>, plmn: Plmn) -> String {
    name.map_or_else(|| plmn.to_string(), |name| format!("{} ({plmn})", clean::name(name)))
}

/// The signal in short: RSSI, else RSRP.
#[must_use]
pub fn strength(strength: Strength) -> String {
    match (strength.rssi_dbm, strength.rsrp_dbm) {
        (Some(dbm), _) => format!("{dbm} dBm"),
        (None, Some(dbm)) => format!("RSRP {dbm} dBm"),
        (None, None) => "signal unknown".to_owned(),
    }
}

/// The access technologies with which it was listed.
#[must_use]
pub fn technologies(carrier: &Carrier) -> Vec<&'static str> {
    let mut names: Vec<&str> = carrier.technologies.iter().map(AccessTechnology::name).collect();
    names.dedup();
    names
}

/// The stable word for `<stat>`.
#[must_use]
pub const fn availability(availability: Availability) -> &'static str {
    match availability {
        Availability::Unknown => "unknown",
        Availability::Available => "available",
        Availability::Current => "current",
        Availability::Forbidden => "forbidden",
    }
}

/// The stable word for the outcome of a trial.
#[must_use]
pub const fn trial(trial: Trial) -> &'static str {
    match trial {
        Trial::Untried => "skipped",
        Trial::Registered(_) => "registered",
        Trial::Refused(_) => "refused",
        Trial::TimedOut => "timeout",
        Trial::Lost => "lost",
    }
}

/// The stable name of a state.
#[must_use]
pub const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Idle => "idle",
        Phase::StopPpp => "stop_ppp",
        Phase::StopPppWaitSv => "stop_ppp_wait_sv",
        Phase::VerifyStopped => "verify_stopped",
        Phase::Prepare => "prepare",
        Phase::GetOperators => "get_operators",
        Phase::WaitResults => "wait_results",
        Phase::TestCarrier => "test_carrier",
        Phase::WaitSignal => "wait_signal",
        Phase::NextCarrier => "next_carrier",
        Phase::SelectBest => "select_best",
        Phase::ConnectBest => "connect_best",
        Phase::VerifyCarrier => "verify_carrier",
        Phase::StartPpp => "start_ppp",
        Phase::WaitPpp => "wait_ppp",
        Phase::Complete => "complete",
        Phase::Failed => "failed",
    }
}

/// A process, with its name if it is still there.
#[must_use]
pub fn process(pid: NonZeroU32) -> String {
    match Stat::of(pid) {
        Some(stat) => format!("process {pid} ({})", shown(&stat.comm)),
        None => format!("process {pid}"),
    }
}

/// Why a request was declined, for people.
#[must_use]
pub const fn declined_for(declined: Declined) -> &'static str {
    match declined {
        Declined::Busy => "a scan is under way",
        Declined::Repeated => "a request with this number was served",
        Declined::CoolingDown => "the last scan ended a short time ago",
        Declined::LinkHealthy => "the link is up",
    }
}

/// Why a scan failed, for people.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum may grow; a new variant is shown by its name")]
pub fn failure(failure: Failure) -> String {
    let words = match failure {
        Failure::ServiceUnavailable => "the service could not be taken",
        Failure::SupervisorSilent => "the supervisor did not take note of what it was asked",
        Failure::PortHeld(Some(pid)) => {
            return format!("the port did not become free: {} holds it", process(pid));
        }
        Failure::PortHeld(None) => "the port did not become free",
        Failure::PortUnavailable => "the port could not be opened, or went away too often",
        Failure::ModemSilent => "the modem does not answer AT",
        Failure::SimNotReady => "the SIM is missing, or locked: it wants a PIN",
        Failure::SearchFailed => "the modem gave no operator list",
        Failure::NoCarrier => "no carrier accepted the registration",
        Failure::BudgetSpent => "the rest of the outage budget would not have sufficed",
        Failure::SecondClient => "another process keeps bringing the service up",
        Failure::Aborted => "it was told to end",
        other => other.name(),
    };
    words.to_owned()
}

/// Why a SIM cannot be used, from the modem's word for it ([`Heard::sim`](crate::serial::selecting::Heard)): 3GPP TS 27.007 §8.3, §9.2.
#[must_use]
pub fn sim(said: &str) -> String {
    let word = match said {
        "5" | "PH-SIM PIN" => "the modem is locked to another SIM",
        "10" | "SIM not inserted" | "NOT INSERTED" => "there is no SIM in the modem",
        "11" | "SIM PIN" | "SIM PIN required" => "the SIM wants its PIN",
        "12" | "SIM PUK" | "SIM PUK required" => "the SIM is blocked and wants its PUK",
        "13" | "SIM failure" => "the SIM has failed",
        "14" | "SIM busy" => "the SIM is busy",
        "15" | "SIM wrong" => "the SIM is a wrong one",
        _ => return format!("the SIM cannot be used: {}", shown(said)),
    };
    word.to_owned()
}

/// What came of telling a modem to choose its carrier by itself. `is_told`: it has accepted that.
#[must_use]
pub fn unlocked(report: &Report, is_told: bool) -> String {
    let mut said = match (is_told, report.outcome) {
        (true, _) if report.restored == Some(true) => {
            "the modem chooses its carrier by itself, and is registered".to_owned()
        }
        (true, _) => format!(
            "the modem chooses its carrier by itself; it was not seen registered within {}",
            span(REGISTER_LIMIT)
        ),
        (false, Some(Outcome::Failed(why))) if why != Failure::Aborted => {
            format!("the modem was not told to choose its carrier by itself: {}", failure(why))
        }
        (false, _) => "the modem did not accept to choose its carrier by itself".to_owned(),
    };
    // A service that was not taken has nothing to be given back.
    if !report.given_back && report.outage.is_some() {
        said.push_str("; the service was not seen given back");
    }
    said
}

/// What the reader can do about a failure, in lines for a narrow console; `None` if its name says it all.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum may grow, and not every failure needs a hint")]
pub const fn hint(failure: Failure) -> Option<&'static str> {
    match failure {
        Failure::ServiceUnavailable => Some("nothing was touched; the line before says what was wrong"),
        Failure::SupervisorSilent => Some("its runsv hangs or is stopped: find out why"),
        Failure::PortHeld(_) => Some("it is none of the service's, or does not end: find out what it does"),
        Failure::PortUnavailable => {
            Some("check whether the device is still there,\nand which process has locked it")
        }
        Failure::ModemSilent => {
            Some("a modem often has several ports: `cellscan ports` tells which answer AT")
        }
        Failure::SimNotReady => Some(
            "no carrier accepts a registration before the SIM is unlocked;\n`cellscan at PORT AT+CPIN?` tells what it wants",
        ),
        Failure::SearchFailed => {
            Some("some modems give no list while they are registered or busy: try again")
        }
        Failure::NoCarrier => {
            Some("none accepts this SIM, or none is in reach:\ncheck antenna, SIM and contract")
        }
        Failure::BudgetSpent => Some("allow a longer outage with --budget, or scan with --quick"),
        Failure::SecondClient => {
            Some("another program watches the service,\nand must not touch it during a scan")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_unit_that_fits() {
        assert_eq!(span(Duration::from_millis(302)), "302 ms");
        assert_eq!(span(Duration::from_millis(59_512)), "59.5 s");
        assert_eq!(span(Duration::from_secs(300)), "300 s");
    }
}
