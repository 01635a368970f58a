//! Output for programs: one object per line; keys as in `host/LOGS.md`.

use cellscan_core::carrier::{Carrier, Plmn, Trial};
use cellscan_core::scan::Outcome;
use serde::Serialize;

use crate::import::Format;
use crate::report::{clean, words};
use crate::spans::{in_seconds, millis, seconds};

use super::analysis::Analysis;
use super::findings::Finding;
use super::rerun::Replayed;
use super::scans::{self, Scan};
use super::text;
use super::turns::Turn;
use super::what_if::{self, Alternative, GOOD_ENOUGH_DBM, WhatIf};

#[derive(Serialize)]
struct TurnLine<'a> {
    kind: &'static str,
    source: &'a str,
    line: u64,
    channel: u32,
    t_s: Option<f64>,
    command: Option<&'a str>,
    answer: &'a [String],
    r#final: Option<&'a str>,
    took_s: Option<f64>,
    late: bool,
    inferred: bool,
}

#[derive(Serialize)]
struct Operator<'a> {
    stat: u8,
    long: Option<&'a str>,
    short: Option<&'a str>,
    plmn: Option<&'a str>,
    act: Option<u8>,
}

#[derive(Serialize)]
struct Tried<'a> {
    plmn: Option<&'a str>,
    name: Option<&'a str>,
    signal: Option<u8>,
    signal_dbm: Option<i16>,
    outcome: &'static str,
    took_s: Option<f64>,
}

#[derive(Serialize)]
struct ScanLine<'a> {
    kind: &'static str,
    source: &'a str,
    line: u64,
    last_line: u64,
    started_s: f64,
    operators: Option<Vec<Operator<'a>>>,
    trials: Vec<Tried<'a>>,
    before: Option<&'a str>,
    known: &'a [String],
    selected: Option<&'a str>,
    outcome: &'static str,
    stop_s: Option<f64>,
    search_s: Option<f64>,
    trials_s: Option<f64>,
    connect_s: Option<f64>,
    link_s: Option<f64>,
    outage_s: Option<f64>,
    given_back: bool,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "keys of JSON, with their unit")]
struct Limit {
    stop_s: f64,
    modem_s: f64,
    line_s: f64,
    confirm_s: f64,
    start_s: f64,
}

#[derive(Serialize)]
struct WhatIfLine<'a> {
    kind: &'static str,
    source: &'a str,
    line: u64,
    strategy: &'static str,
    level_dbm: Option<i16>,
    selected: Option<&'a str>,
    outcome: &'static str,
    reason: Option<&'static str>,
    given_back: bool,
    outage_s: Option<f64>,
    limit_s: Option<f64>,
    limit: Option<Limit>,
    saved_s: Option<f64>,
    regret_db: Option<u16>,
    recorded_regret_db: Option<u16>,
    search_s: Option<f64>,
    trials: Vec<Tried<'a>>,
    assumed: &'a [String],
}

#[derive(Serialize)]
struct LogLine<'a> {
    kind: &'static str,
    source: &'a str,
    format: &'static str,
    lines: u64,
    turns: u64,
    scans: usize,
    scans_left_out: u64,
    unsolicited: u64,
    other: u64,
    unread: u64,
    unread_by: Vec<(&'static str, u64)>,
    unread_lines: &'a [u64],
    /// The first lines of a log of no known format, and the names of the formats.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    not_understood: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    formats: Vec<&'static str>,
}

/// A turn of the dialogue.
#[must_use]
pub fn turn(source: &str, turn: &Turn) -> String {
    line(&TurnLine {
        kind: "turn",
        source,
        line: turn.line,
        channel: turn.channel,
        t_s: turn.at.map(seconds),
        command: turn.command.as_deref(),
        answer: &turn.answer,
        r#final: turn.result.as_deref(),
        took_s: turn.took().map(seconds),
        late: turn.late,
        inferred: turn.inferred,
    })
}

/// The format of the log, and the numbers of its lines, turns and scans.
#[must_use]
pub fn log(source: &str, analysis: &Analysis) -> String {
    line(&LogLine {
        kind: "log",
        source,
        format: analysis.format.name(),
        lines: analysis.lines,
        turns: analysis.turns,
        scans: analysis.scans.len(),
        scans_left_out: analysis.scans_left_out,
        unsolicited: analysis.unsolicited,
        other: analysis.other,
        unread: analysis.skipped.total(),
        unread_by: analysis.skipped.counts.iter().map(|(why, count)| (why.name(), *count)).collect(),
        unread_lines: &analysis.skipped.lines,
        not_understood: &analysis.not_understood,
        formats: if analysis.is_unknown() {
            Format::ALL.iter().map(|format| format.name()).collect()
        } else {
            Vec::new()
        },
    })
}

#[derive(Serialize)]
struct FindingLine<'a> {
    kind: &'static str,
    source: &'a str,
    line: u64,
    t_s: Option<f64>,
    finding: &'static str,
    detail: &'a str,
    why: &'static str,
}

/// A finding.
#[must_use]
pub fn finding(source: &str, finding: &Finding) -> String {
    line(&FindingLine {
        kind: "finding",
        source,
        line: finding.line,
        t_s: finding.at.map(seconds),
        finding: finding.kind.name(),
        detail: &finding.detail,
        why: finding.kind.why(),
    })
}

#[derive(Serialize)]
struct ReplayedLine<'a> {
    kind: &'static str,
    source: &'a str,
    same: bool,
    events: usize,
    line: Option<u64>,
    recorded: Option<&'a str>,
    now: Option<&'a str>,
    /// The version of the recorded dialogue where this program has another.
    dialogue: Option<&'a str>,
}

/// Whether the state machine made the same decisions in the rerun.
#[must_use]
pub fn replayed(source: &str, replayed: &Replayed) -> String {
    let difference = replayed.difference.as_ref();
    line(&ReplayedLine {
        kind: "replayed",
        source,
        same: difference.is_none(),
        events: replayed.compared,
        line: difference.and_then(|difference| difference.line),
        recorded: difference.map(|difference| difference.recorded.as_str()),
        now: difference.map(|difference| difference.now.as_str()),
        dialogue: replayed.other_dialogue.as_deref(),
    })
}

/// A scan, as recorded.
#[must_use]
pub fn scan(source: &str, scan: &Scan) -> String {
    let trials_end = scan.trials.iter().filter_map(|trial| trial.ended).max();
    let trials_begin = scan.trials.iter().filter_map(|trial| trial.began).min();
    line(&ScanLine {
        kind: "scan",
        source,
        line: scan.line,
        last_line: scan.last_line,
        started_s: seconds(scan.started),
        operators: scan.operators.as_ref().map(|operators| operators.iter().map(operator).collect()),
        trials: scan.trials.iter().map(recorded_trial).collect(),
        before: scan.before.as_ref().map(|(plmn, _)| plmn.as_str()),
        known: &scan.known,
        selected: scan.selected.as_deref(),
        outcome: scan.outcome.name(),
        stop_s: scan.stop().map(seconds),
        search_s: scan.search.map(seconds),
        trials_s: trials_end.zip(trials_begin).map(|(end, begin)| seconds(end - begin)),
        connect_s: scan.asked_up.zip(trials_end).map(|(up, end)| seconds(up - end)),
        link_s: scan.link_up.zip(scan.asked_up).map(|(link, up)| seconds(link - up)),
        outage_s: scan.outage().map(seconds),
        given_back: scan.asked_up.is_some(),
    })
}

fn operator(listed: &scans::Listed) -> Operator<'_> {
    Operator {
        stat: listed.stat,
        long: given(&listed.long),
        short: given(&listed.short),
        plmn: listed.plmn.as_deref(),
        act: listed.act,
    }
}

fn recorded_trial(trial: &scans::Trial) -> Tried<'_> {
    Tried {
        plmn: trial.plmn.as_deref(),
        name: given(&trial.name),
        signal: trial.signal,
        signal_dbm: trial.signal.and_then(text::dbm),
        outcome: trial.outcome.name(),
        took_s: if trial.outcome == scans::Tried::Skipped { None } else { trial.took().map(seconds) },
    }
}

/// What the state machine would have done.
#[must_use]
pub fn what_if(source: &str, scan: &Scan, what_if: &WhatIf) -> String {
    let report = what_if.run.as_ref().map(|run| &run.report);
    let outage = report.and_then(|report| report.outage);
    let limit = what_if.run.as_ref().and_then(|run| run.limit);
    line(&WhatIfLine {
        kind: "what_if",
        source,
        line: scan.line,
        strategy: what_if.alternative.name(),
        level_dbm: matches!(what_if.alternative, Alternative::GoodEnough | Alternative::Adaptive)
            .then_some(GOOD_ENOUGH_DBM),
        selected: report.and_then(|report| report.selected.as_ref()).map(Plmn::as_str),
        outcome: report.map_or("unknown", what_if::outcome),
        reason: report.and_then(|report| match report.outcome {
            Some(Outcome::Failed(failure)) => Some(failure.name()),
            Some(Outcome::Complete) | None => None,
        }),
        given_back: report.is_some_and(|report| report.given_back),
        outage_s: outage.map(in_seconds),
        limit_s: limit.map(|limit| in_seconds(limit.total())),
        limit: limit.map(|limit| Limit {
            stop_s: in_seconds(limit.stop),
            modem_s: in_seconds(limit.modem),
            line_s: in_seconds(limit.line),
            confirm_s: in_seconds(limit.confirm),
            start_s: in_seconds(limit.start),
        }),
        saved_s: scan.outage().zip(outage).map(|(was, is)| seconds(was - millis(is))),
        regret_db: what_if.regret_db,
        recorded_regret_db: what_if.recorded_regret_db,
        search_s: report.and_then(|report| report.search).map(in_seconds),
        trials: what_if.run.iter().flat_map(|run| run.carriers.iter()).map(simulated_trial).collect(),
        assumed: &what_if.assumed,
    })
}

fn simulated_trial(carrier: &Carrier) -> Tried<'_> {
    let signal = match carrier.trial {
        // The inverse of 3GPP TS 27.007 §8.5: rssi n is -113 + 2n dBm.
        Trial::Registered(strength) => {
            strength.rssi_dbm.and_then(|dbm| u8::try_from(i16::midpoint(dbm, 113)).ok())
        }
        Trial::Untried | Trial::Refused(_) | Trial::TimedOut | Trial::Lost => None,
    };
    Tried {
        plmn: Some(carrier.plmn.as_str()),
        name: given(carrier.name.as_str()),
        signal,
        signal_dbm: signal.and_then(text::dbm),
        outcome: words::trial(carrier.trial),
        took_s: (carrier.trial != Trial::Untried).then(|| in_seconds(carrier.took)),
    }
}

fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

pub(crate) fn line(object: &impl Serialize) -> String {
    // Strings, numbers, booleans and lists of them: all can be serialised.
    clean::json(object).unwrap_or_default()
}
