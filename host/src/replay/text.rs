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
        "{}: {format}, {} lines, {} turns, {} scans",
        words::shown(source),
        analysis.lines,
        analysis.turns,
        analysis.scans.len()
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
        let signal = trial.signal.map(|signal| format!(", signal {signal}")).unwrap_or_default();
        let _always = writeln!(
            text,
            "  {:<10} {:<7} {:<20} {took}{signal}",
            trial.outcome.name(),
            words::shown(trial.plmn.as_deref().unwrap_or("-")),
            words::shown(&trial.name)
        );
    }
    text.truncate(text.trim_end().len());
    text
}

/// What the state machine would have done.
#[must_use]
pub fn what_ifs(scan: &Scan, what_ifs: &[WhatIf]) -> String {
    let mut text = String::from("What cellscan would have done");
    if let Some(db) = what_ifs.iter().find_map(|what_if| what_if.recorded_regret_db) {
        let _always =
            write!(text, " (the scan chose a carrier that was {db} dB below the best, some seconds later)");
    }
    text.push(':');
    for what_if in what_ifs {
        let name = what_if.alternative.name();
        let Some(run) = &what_if.run else {
            let _always = write!(text, "\n  {name:<12} unknown");
            continue;
        };
        let _always = write!(text, "\n  {name:<12} {}", what_if::outcome(&run.report));
        if let Some(selected) = run.report.selected {
            let _always = write!(text, ", selected {selected}");
        }
        if let Some(outage) = run.report.outage {
            let away = millis(outage);
            let _always = write!(text, ", link away for {}", span(away));
            if let Some(was) = scan.outage() {
                let _always = write!(text, " ({} saved)", span(was - away));
            }
        }
        if let Some(db) = what_if.regret_db {
            let _always = write!(text, ", {db} dB below the best");
        }
        if let Some(limit) = run.limit {
            let _always = write!(text, ", modem and pppd alone {}", words::span(limit.total()));
        }
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
