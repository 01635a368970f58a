//! Output for programs: one object per line, keys in `snake_case` that do not change, times in seconds with the unit in the key.

use std::num::NonZeroU32;
use std::time::Duration;

use cellscan_core::carrier::{Carrier, Plmn, Strength, Trial};
use cellscan_core::scan::{Failure, Outcome, Phase};
use serde::Serialize;

use crate::process::Stat;
use crate::spans::in_seconds;

use super::names::Names;
use super::{Ended, clean, words};

#[derive(Serialize)]
struct Entered {
    kind: &'static str,
    state: &'static str,
    name: &'static str,
    t_s: f64,
}

#[derive(Serialize)]
struct Fatal<'a> {
    kind: &'static str,
    exit: u8,
    message: &'a str,
}

#[derive(Serialize)]
struct Network<'a> {
    kind: &'static str,
    plmn: &'a str,
    name: Option<&'a str>,
    status: &'static str,
    technologies: Vec<&'static str>,
    outcome: &'static str,
    cme_error: Option<u16>,
    rssi_dbm: Option<i16>,
    rsrp_dbm: Option<i16>,
    rsrq_db: Option<f64>,
    took_s: Option<f64>,
    selected: bool,
}

#[derive(Serialize)]
struct Tried<'a> {
    plmn: &'a str,
    outcome: &'static str,
    rssi_dbm: Option<i16>,
    rsrp_dbm: Option<i16>,
    took_s: Option<f64>,
}

/// The process that has the port.
#[derive(Serialize)]
struct Holder {
    pid: NonZeroU32,
    comm: Option<String>,
}

#[derive(Serialize)]
struct Scan<'a> {
    kind: &'static str,
    outcome: &'static str,
    reason: Option<&'static str>,
    holder: Option<Holder>,
    selected: Option<&'a str>,
    before: Option<&'a str>,
    outage_s: Option<f64>,
    budget_s: f64,
    down_s: Option<f64>,
    port_free_s: Option<f64>,
    search_s: Option<f64>,
    link: Option<bool>,
    given_back: bool,
    restored: Option<bool>,
    operators_listed: u16,
    trials: Vec<Tried<'a>>,
    interruptions: u8,
    reopens: u8,
    dropped_lines: u32,
    simulated: Option<&'a str>,
    virtual_s: Option<f64>,
}

/// The object for a state, `since` after the request.
#[must_use]
pub fn state(phase: Phase, since: Duration) -> String {
    line(&Entered { kind: "state", state: phase.number(), name: words::phase(phase), t_s: in_seconds(since) })
}

/// The object for the end of a command before it had a result.
#[must_use]
pub fn fatal(exit: u8, message: &str) -> String {
    line(&Fatal { kind: "fatal", exit, message })
}

/// The objects for the carriers, and last the scan.
#[must_use]
pub fn result(ended: &Ended<'_>, names: &Names) -> Vec<String> {
    let scanner = ended.scanner;
    let selected = ended.report.selected;
    let mut lines: Vec<String> = scanner
        .carriers()
        .iter()
        .map(|carrier| {
            let name = names.name(scanner, carrier.plmn);
            line(&network(carrier, name, Some(carrier.plmn) == selected))
        })
        .collect();
    lines.push(line(&scan(ended)));
    lines
}

fn network<'a>(carrier: &'a Carrier, name: Option<&'a str>, selected: bool) -> Network<'a> {
    let strength = measured(carrier);
    Network {
        kind: "carrier",
        plmn: carrier.plmn.as_str(),
        name,
        status: words::availability(carrier.availability),
        technologies: words::technologies(carrier),
        outcome: words::trial(carrier.trial),
        cme_error: if let Trial::Refused(code) = carrier.trial { code } else { None },
        rssi_dbm: strength.rssi_dbm,
        rsrp_dbm: strength.rsrp_dbm,
        rsrq_db: strength.rsrq_db10.map(|tenths| f64::from(tenths) / 10.0),
        took_s: took(carrier),
        selected,
    }
}

fn scan<'a>(ended: &Ended<'a>) -> Scan<'a> {
    let scanner = ended.scanner;
    let report = ended.report;
    let reason = match report.outcome {
        Some(Outcome::Failed(failure)) => Some(failure.name()),
        Some(Outcome::Complete) | None => None,
    };
    let trials = scanner.carriers().iter().map(|carrier| {
        let strength = measured(carrier);
        Tried {
            plmn: carrier.plmn.as_str(),
            outcome: words::trial(carrier.trial),
            rssi_dbm: strength.rssi_dbm,
            rsrp_dbm: strength.rsrp_dbm,
            took_s: took(carrier),
        }
    });
    Scan {
        kind: "scan",
        outcome: if report.outcome == Some(Outcome::Complete) { "complete" } else { "failed" },
        reason: ended.reason.or(reason),
        holder: holder(report.outcome),
        selected: report.selected.as_ref().map(Plmn::as_str),
        before: report.before.as_ref().map(Plmn::as_str),
        outage_s: report.outage.map(in_seconds),
        budget_s: in_seconds(scanner.policy().budget),
        down_s: report.down_after.map(in_seconds),
        port_free_s: report.free_after.map(in_seconds),
        search_s: report.search.map(in_seconds),
        link: report.link.filter(|_| ended.watches_link),
        given_back: ended.given_back,
        restored: report.restored,
        operators_listed: scanner.carriers().listed(),
        trials: trials.collect(),
        interruptions: report.interruptions,
        reopens: report.reopens,
        dropped_lines: report.dropped,
        simulated: ended.simulated,
        virtual_s: ended.virtual_time.map(in_seconds),
    }
}

fn holder(outcome: Option<Outcome>) -> Option<Holder> {
    let Some(Outcome::Failed(Failure::PortHeld(Some(pid)))) = outcome else { return None };
    Some(Holder { pid, comm: Stat::of(pid).map(|stat| stat.comm) })
}

fn measured(carrier: &Carrier) -> Strength {
    match carrier.trial {
        Trial::Registered(strength) => strength,
        Trial::Untried | Trial::Refused(_) | Trial::TimedOut | Trial::Lost => Strength::default(),
    }
}

fn took(carrier: &Carrier) -> Option<f64> {
    (carrier.trial != Trial::Untried).then(|| in_seconds(carrier.took))
}

fn line(object: &impl Serialize) -> String {
    // Strings, numbers, booleans and lists of them: all can be serialised.
    clean::json(object).unwrap_or_default()
}
