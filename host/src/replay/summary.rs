//! Summarises many logs in a few lines, and as a table for other programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::import::event::Millis;
use crate::report::words;
use crate::spans::{millis, seconds};

use super::analysis::Analysis;
use super::json::line;
use super::scans::Scan;
use super::text::span;
use super::what_if::{Alternative, WhatIf};

/// Totals over many logs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    logs: u64,
    lines: u64,
    unread: u64,
    failed: Vec<String>,
    unknown: usize,
    outcomes: BTreeMap<&'static str, u64>,
    outages: Vec<Millis>,
    would_be: BTreeMap<&'static str, Vec<Millis>>,
    findings: BTreeMap<&'static str, u64>,
}

/// The columns of [`rows`].
pub const COLUMNS: &str = "source,line,started_s,outcome,before,selected,operators,trials,stop_s,search_s,outage_s,\
                           full_s,good_enough_s,quick_s,full_selected,regret_db,full_regret_db,adaptive_s,\
                           adaptive_regret_db";

/// The quantile of `values` at `percent`; `None` without values.
fn quantile(values: &[Millis], percent: usize) -> Option<Millis> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    // The nearest rank: a value of the sample, not the mean of two.
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied()
}

fn away(what_ifs: &[WhatIf], alternative: Alternative) -> Option<Millis> {
    let run = what_ifs.iter().find(|what_if| what_if.alternative == alternative)?.run.as_ref()?;
    run.report.outage.map(millis)
}

impl Summary {
    /// Adds a log.
    pub fn add(&mut self, analysis: &Analysis, what_ifs: &[Vec<WhatIf>]) {
        self.logs += 1;
        self.lines += analysis.lines;
        self.unread += analysis.skipped.total();
        self.unknown += usize::from(analysis.is_unknown());
        for (scan, what_ifs) in analysis.scans.iter().zip(what_ifs) {
            *self.outcomes.entry(scan.outcome.name()).or_default() += 1;
            self.outages.extend(scan.outage());
            for alternative in Alternative::ALL {
                self.would_be.entry(alternative.name()).or_default().extend(away(what_ifs, alternative));
            }
        }
        for (kind, count) in &analysis.finding_counts {
            *self.findings.entry(kind.name()).or_default() += count;
        }
    }

    /// Adds a log that could not be read, and why.
    pub fn failed(&mut self, why: String) {
        self.failed.push(why);
    }

    /// The logs that could not be read.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failed
    }

    /// The number of logs that no importer knows.
    #[must_use]
    pub const fn unknown(&self) -> usize {
        self.unknown
    }

    /// The summary for people.
    #[must_use]
    pub fn text(&self) -> String {
        let scans: u64 = self.outcomes.values().sum();
        let outcomes: Vec<String> =
            self.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let mut text = format!("\n{} logs, {} lines, {} places not read", self.logs, self.lines, self.unread);
        if !self.failed.is_empty() {
            let _always = write!(text, ", {} logs not read", self.failed.len());
        }
        if self.unknown > 0 {
            let _always = write!(text, ", {} logs of unknown format", self.unknown);
        }
        let _always = write!(text, "\n{scans} scans");
        if scans > 0 {
            let _always = write!(text, ": {}", outcomes.join(", "));
        }
        let mut times = |name: &str, values: &[Millis]| {
            if let (Some(median), Some(p95)) = (quantile(values, 50), quantile(values, 95)) {
                let _always = write!(text, "\n{name:<22} median {}, 95 % within {}", span(median), span(p95));
            }
        };
        times("link away, recorded", &self.outages);
        for (alternative, values) in &self.would_be {
            times(&format!("  what if {alternative}"), values);
        }
        for (name, count) in &self.findings {
            let _always = write!(text, "\n{count:>6} {name}");
        }
        text
    }

    /// The summary for programs.
    #[must_use]
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct SummaryLine<'a> {
            kind: &'static str,
            logs: u64,
            logs_failed: &'a [String],
            logs_unknown: usize,
            lines: u64,
            unread: u64,
            scans: u64,
            outcomes: &'a BTreeMap<&'static str, u64>,
            outage_median_s: Option<f64>,
            outage_p95_s: Option<f64>,
            what_if_median_s: BTreeMap<&'static str, Option<f64>>,
            findings: &'a BTreeMap<&'static str, u64>,
        }
        line(&SummaryLine {
            kind: "summary",
            logs: self.logs,
            logs_failed: &self.failed,
            logs_unknown: self.unknown,
            lines: self.lines,
            unread: self.unread,
            scans: self.outcomes.values().sum(),
            outcomes: &self.outcomes,
            outage_median_s: quantile(&self.outages, 50).map(seconds),
            outage_p95_s: quantile(&self.outages, 95).map(seconds),
            what_if_median_s: self
                .would_be
                .iter()
                .map(|(alternative, values)| (*alternative, quantile(values, 50).map(seconds)))
                .collect(),
            findings: &self.findings,
        })
    }
}

/// One row of [`COLUMNS`] for each scan.
#[must_use]
pub fn rows(source: &str, analysis: &Analysis, what_ifs: &[Vec<WhatIf>]) -> String {
    let mut text = String::new();
    for (scan, what_ifs) in analysis.scans.iter().zip(what_ifs) {
        text.push_str(&row(source, scan, what_ifs));
        text.push('\n');
    }
    text
}

fn row(source: &str, scan: &Scan, what_ifs: &[WhatIf]) -> String {
    let time = |time: Option<Millis>| time.map(|time| seconds(time).to_string()).unwrap_or_default();
    let decibels = |db: Option<u16>| db.map(|db| db.to_string()).unwrap_or_default();
    let full = what_ifs.iter().find(|what_if| what_if.alternative == Alternative::Full);
    let adaptive = what_ifs.iter().find(|what_if| what_if.alternative == Alternative::Adaptive);
    let full_selected = full.and_then(|full| full.run.as_ref()?.report.selected).map(|plmn| plmn.to_string());
    let values = [
        source.to_owned(),
        scan.line.to_string(),
        seconds(scan.started).to_string(),
        scan.outcome.name().to_owned(),
        scan.before.as_ref().map(|(plmn, _)| plmn.clone()).unwrap_or_default(),
        scan.selected.clone().unwrap_or_default(),
        scan.operators.as_ref().map(|operators| operators.len().to_string()).unwrap_or_default(),
        scan.trials.len().to_string(),
        time(scan.stop()),
        time(scan.search),
        time(scan.outage()),
        time(away(what_ifs, Alternative::Full)),
        time(away(what_ifs, Alternative::GoodEnough)),
        time(away(what_ifs, Alternative::Quick)),
        full_selected.unwrap_or_default(),
        decibels(full.and_then(|full| full.recorded_regret_db)),
        decibels(full.and_then(|full| full.regret_db)),
        time(away(what_ifs, Alternative::Adaptive)),
        decibels(adaptive.and_then(|adaptive| adaptive.regret_db)),
    ];
    values.map(|value| quoted(&value)).join(",")
}

/// As in RFC 4180, on one line. A value that a spreadsheet would take for a formula is marked as text, its full-width form too, and
/// a value with a character that some take for a separator is quoted. File names may contain any character.
fn quoted(value: &str) -> String {
    let value = words::shown(value);
    let first = value.trim_start();
    let number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    let formula = first.starts_with(['=', '+', '@', '＝', '＋', '－', '＠'])
        || (first.starts_with('-') && (first == "-" || !number(first)));
    let value = if formula { format!("'{value}") } else { value };
    if value.contains(['"', ',', ';', '|']) { format!("\"{}\"", value.replace('"', "\"\"")) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_of_the_sample() {
        let values: Vec<Millis> = (1..=20).rev().collect();
        assert_eq!(
            (quantile(&values, 50), quantile(&values, 95), quantile(&[], 50)),
            (Some(10), Some(19), None)
        );
    }

    #[test]
    fn a_file_name_becomes_one_value_on_one_line_and_no_formula() {
        for (name, written) in [
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "'+1"),
            ("-1+cmd", "'-1+cmd"),
            ("-", "'-"),
            ("@x", "'@x"),
            (" =1", "' =1"),
            ("＝1", "'＝1"),
            ("a;=1+1", "\"a;=1+1\""),
            ("a\n=1+1,\r\"b\"", "\"a?=1+1,?\"\"b\"\"\""),
            ("\t=1", "?=1"),
            ("a\x1b[2J\u{202e}b", "a?[2J?b"),
        ] {
            assert_eq!(quoted(name), written);
        }
    }

    #[test]
    fn a_value_stays_in_its_column() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(
            (quoted("=1+1"), quoted("-5.5"), quoted("-x")),
            ("'=1+1".to_owned(), "-5.5".to_owned(), "'-x".to_owned())
        );
    }
}
