//! Output for people: what happened, where the time went, and what the state machine would have done.

use std::fmt::Write;
use std::time::Duration;

use crate::import::Format;
use crate::import::event::Millis;
use crate::recording::recorder::DIALOGUE;
use crate::report::words;
use crate::spans::millis;

use super::analysis::Analysis;
use super::rerun::Replayed;
use super::scans::{Scan, Tried};
use super::turns::Turn;
use super::what_if::{self, WhatIf};

/// Largest number of findings of one kind shown with detail; of more, the line numbers are shown.
const FINDINGS_SHOWN: usize = 5;

/// `<rssi>` of `+CSQ` in dBm (3GPP TS 27.007 §8.5); `None` where it is not known.
#[must_use]
pub fn dbm(rssi: u8) -> Option<i16> {
    (rssi <= 31).then(|| 2 * i16::from(rssi) - 113)
}

/// The same in words.
#[must_use]
pub fn signal(rssi: u8) -> String {
    dbm(rssi).map_or_else(|| "signal unknown".to_owned(), |dbm| format!("{dbm} dBm"))
}

/// How much shorter, or longer, one outage is than that of the record.
#[must_use]
pub fn compared(was: Millis, is: Millis) -> String {
    let word = if is > was { "longer" } else { "shorter" };
    if is == was { "as long".to_owned() } else { format!("{} {word}", span((was - is).abs())) }
}

/// A span of time for people.
#[must_use]
pub fn span(millis: Millis) -> String {
    let span = words::span(Duration::from_millis(millis.unsigned_abs()));
    if millis < 0 { format!("-{span}") } else { span }
}

/// The format of the log, and the numbers of its lines, turns and scans.
#[must_use]
pub fn log(source: &str, analysis: &Analysis) -> String {
    let format = if analysis.format == Format::Unknown { "format: unknown" } else { analysis.format.name() };
    let mut text = format!(
        "{}: {format}, {}, {}, {}",
        words::shown(source),
        counted(analysis.lines, "line"),
        counted(analysis.turns, "turn"),
        counted(analysis.scans.len().try_into().unwrap_or(u64::MAX), "scan")
    );
    if analysis.scans_left_out > 0 {
        let _always = write!(text, " (and {} more, not looked at)", analysis.scans_left_out);
    }
    let unread = &analysis.skipped;
    if unread.total() > 0 {
        let reasons: Vec<String> =
            unread.counts.iter().map(|(why, count)| format!("{count} {}", why.name())).collect();
        let _always = write!(text, "\nnot read: {} (lines {})", reasons.join(", "), unread.ranges());
    }
    if analysis.is_unknown() {
        text.push_str(&unknown(analysis));
    }
    text
}

/// `1 line`, `2 lines`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What to do with a log that no importer knows.
fn unknown(analysis: &Analysis) -> String {
    let mut text =
        format!("\nfound no command, answer or event in {} lines; the first of them:", analysis.other);
    for line in &analysis.not_understood {
        let _always = write!(text, "\n  {}", words::shown(line));
    }
    let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    let _always = write!(text, "\nwanted one of these formats (--format names it): {}", names.join(", "));
    text
}

/// The findings: each kind once, with its lines and why it matters.
#[must_use]
pub fn findings(analysis: &Analysis) -> String {
    let mut text = String::new();
    for (kind, count) in &analysis.finding_counts {
        let _always = write!(text, "\n{} ({count}): {}", kind.name(), kind.why());
        let mut of_kind = analysis.findings.iter().filter(|finding| finding.kind == *kind);
        for finding in of_kind.by_ref().take(FINDINGS_SHOWN) {
            let _always = write!(text, "\n  line {}: {}", finding.line, words::shown(&finding.detail));
        }
        let more: Vec<String> = of_kind.map(|finding| finding.line.to_string()).collect();
        if !more.is_empty() {
            let _always = write!(text, "\n  and lines {}", more.join(", "));
        }
    }
    text
}

/// Whether the state machine made the same decisions in the rerun.
#[must_use]
pub fn replayed(replayed: &Replayed) -> String {
    match &replayed.difference {
        None => format!("replayed: the same decisions, {} events", replayed.compared),
        Some(difference) => {
            let difference = words::shown(&difference.to_string());
            let other = replayed.other_dialogue.as_ref().map(|version| {
                let version = words::shown(version);
                format!(" (recorded with dialogue {version}, and this program has {DIALOGUE}: it sends other commands)")
            });
            format!("replayed: NOT the same decisions, {difference}{}", other.unwrap_or_default())
        }
    }
}

/// A turn, in one line.
#[must_use]
pub fn turn(turn: &Turn) -> String {
    let at = turn.at.map_or_else(String::new, clock);
    let command = turn.command.as_deref().unwrap_or("(no command)");
    let result = turn.result.as_deref().unwrap_or("(no result)");
    let mut text = format!("{at:>13}  {}  →  {}", words::shown(command), words::shown(result));
    if let Some(took) = turn.took() {
        let _always = write!(text, "  {}", span(took));
    }
    if turn.late {
        text.push_str("  late");
    }
    for line in turn.answer.iter().take(4) {
        let _always = write!(text, "\n{:15}{}", "", words::shown(&cut(line)));
    }
    text
}

fn cut(line: &str) -> String {
    if line.chars().count() <= 160 {
        line.to_owned()
    } else {
        line.chars().take(159).chain(['…']).collect()
    }
}

/// A time on the log's clock.
#[must_use]
pub fn clock(at: Millis) -> String {
    let (seconds, millis) = (at.div_euclid(1_000), at.rem_euclid(1_000));
    let of_day = seconds.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}.{millis:03}", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// A scan.
#[must_use]
pub fn scan(scan: &Scan) -> String {
    let mut text = format!("\nScan at line {}, {}: {}", scan.line, clock(scan.started), scan.outcome.name());
    if let Some(selected) = &scan.selected {
        let _always = write!(text, ", selected {}", words::shown(selected));
    }
    if let Some(outage) = scan.outage() {
        let _always = write!(text, ", link away for {}", span(outage));
    }
    text.push('\n');
    let parts = [
        ("until the port was free", scan.stop()),
        ("search", scan.search),
        ("link after up", scan.link_up.zip(scan.asked_up).map(|(link, up)| link - up)),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter_map(|(name, took)| Some(format!("{name} {}", span(took?)))).collect();
    if !parts.is_empty() {
        let _always = writeln!(text, "  {}", parts.join(", "));
    }
    for trial in &scan.trials {
        let took = trial.took().filter(|_| trial.outcome != Tried::Skipped).map(span).unwrap_or_default();
        let signal = trial.signal.map(signal).unwrap_or_default();
        let _always = writeln!(
            text,
            "  {:<10} {:<7} {:<20} {took:>7}  {signal}",
            trial.outcome.name(),
            words::shown(trial.plmn.as_deref().unwrap_or("-")),
            words::shown(&trial.name)
        );
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// What the state machine would have done.
#[must_use]
pub fn what_ifs(scan: &Scan, what_ifs: &[WhatIf]) -> String {
    let mut text = String::from("What cellscan would have done:");
    if let Some(db) = what_ifs.iter().find_map(|what_if| what_if.recorded_regret_db) {
        let _always = write!(
            text,
            "\n  (some seconds later the carrier that the scan chose was {db} dB below the best)"
        );
    }
    // 80 columns, with `good_enough`, `complete` and six digits.
    let mut row = |cells: [&str; 7]| {
        let [way, outcome, selected, away, compared, limit, below] = cells;
        let line = format!(
            "\n  {way:<11}  {outcome:<8}  {selected:<8}  {away:>9}  {compared:>15}  {limit:>9}  {below:>5}"
        );
        text.push_str(line.trim_end());
    };
    row(["", "", "selected", "link away", "than recorded", "at least", "below"]);
    for what_if in what_ifs {
        let name = what_if.alternative.name();
        let Some(run) = &what_if.run else {
            row([name, "unknown", "", "", "", "", ""]);
            continue;
        };
        let selected = run.report.selected.map(|plmn| plmn.to_string()).unwrap_or_default();
        let away = run.report.outage.map(millis);
        let compared = away.zip(scan.outage()).map(|(is, was)| compared(was, is)).unwrap_or_default();
        let limit = run.limit.map(|limit| words::span(limit.total())).unwrap_or_default();
        let below = what_if.regret_db.map(|db| format!("{db} dB")).unwrap_or_default();
        let away = away.map(span).unwrap_or_default();
        row([name, what_if::outcome(&run.report), &selected, &away, &compared, &limit, &below]);
    }
    let mut told: Vec<&str> = Vec::new();
    for assumed in what_ifs.iter().flat_map(|what_if| &what_if.assumed) {
        if !told.contains(&assumed.as_str()) {
            let _always = write!(text, "\n  assumed: {}", words::shown(assumed));
            told.push(assumed);
        }
    }
    text
}
