//! Analyses a whole log in one pass.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::import::{Event, Format, Unread, What, import, text};

use super::findings::{Finding, Findings, Kind};
use super::habits::Habits;
use super::rerun::{Recording, Replayed};
use super::scans::{Scan, Scans};
use super::turns::{Shown, Turn, Turns};
use super::what_if::{self, WhatIf};

/// Largest number of line numbers kept of unreadable lines; more are counted.
pub const UNREAD_LINES_MAX: usize = 1_000;
/// Largest number of scans kept of one log; more are counted. A gateway that rescans every five minutes makes 288 a day.
pub const SCANS_MAX: usize = 1_000;

/// Largest number of lines shown of a log that no importer knows, and of characters of each.
const NOT_UNDERSTOOD_MAX: usize = 5;
const NOT_UNDERSTOOD_LEN_MAX: usize = 160;

/// Lines and parts of lines that could not be read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Skipped {
    /// Their number, by reason.
    pub counts: BTreeMap<Unread, u64>,
    /// Their line numbers, up to [`UNREAD_LINES_MAX`].
    pub lines: Vec<u64>,
}

impl Skipped {
    fn note(&mut self, line: u64, why: Unread) {
        *self.counts.entry(why).or_default() += 1;
        if self.lines.len() < UNREAD_LINES_MAX && self.lines.last() != Some(&line) {
            self.lines.push(line);
        }
    }

    /// Their number over all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The line numbers, such as `3-5, 17`.
    #[must_use]
    pub fn ranges(&self) -> String {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for line in &self.lines {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == *line => *last = *line,
                _ => ranges.push((*line, *line)),
            }
        }
        let words = ranges
            .iter()
            .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
        let mut text = words.collect::<Vec<_>>().join(", ");
        if self.lines.len() == UNREAD_LINES_MAX {
            text.push_str(", …");
        }
        text
    }
}

/// The content of a log, without the dialogue.
#[derive(Debug)]
pub struct Analysis {
    /// The format of the log.
    pub format: Format,
    /// The number of lines.
    pub lines: u64,
    /// The number of turns.
    pub turns: u64,
    /// The number of unsolicited lines of the modem.
    pub unsolicited: u64,
    /// The number of lines that fit no rule: other programs' lines, or lines without interest here.
    pub other: u64,
    /// Lines that could not be read.
    pub skipped: Skipped,
    /// The first lines of a log that no importer knows, redacted as the dialogue is.
    pub not_understood: Vec<String>,
    /// The scans, in order.
    pub scans: Vec<Scan>,
    /// The number of scans beyond [`SCANS_MAX`].
    pub scans_left_out: u64,
    /// Times and properties of the modem.
    pub habits: Habits,
    /// Problems, by line.
    pub findings: Vec<Finding>,
    /// The number of findings of each kind; `findings` holds the first hundred of a kind.
    pub finding_counts: BTreeMap<Kind, u64>,
    /// The log as a recording of our own, until [`Self::rerun`] takes it.
    recording: Option<Recording>,
}

impl Analysis {
    /// Whether the log has text, and no importer knows it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.format == Format::Unknown && self.other + self.skipped.total() > 0
    }

    /// Reads a log; `turn` receives each complete turn of the dialogue. Turns are redacted before any other use.
    ///
    /// # Errors
    /// The log could not be read to its end.
    pub fn read(
        log: impl Read,
        format: Option<Format>,
        shown: Shown,
        turn: &mut dyn FnMut(&Turn),
    ) -> io::Result<Self> {
        let mut reading = Reading { shown, ..Reading::default() };
        let (format, lines) = import(log, format, &mut |event| reading.event(&event, turn))?;
        reading.end(turn);
        let Reading {
            shown: _,
            turns,
            scans: _,
            found,
            left_out,
            habits,
            skipped,
            other,
            first,
            count,
            findings,
            recording,
        } = reading;
        let not_understood = if format == Format::Unknown { shown.lines(first) } else { Vec::new() };
        let recording = (format == Format::Atlog).then(|| recording.complete()).transpose()?;
        let (findings, finding_counts) = findings.finish(lines);
        Ok(Self {
            format,
            lines,
            turns: count,
            unsolicited: turns.unsolicited,
            other,
            skipped,
            not_understood,
            scans: found,
            scans_left_out: left_out,
            habits,
            findings,
            finding_counts,
            recording,
        })
    }

    /// Reruns a recording of our own, once: the entries are dropped. `None` if the log is no recording, or holds no scan.
    pub fn rerun(&mut self) -> Option<Replayed> {
        self.recording.take().filter(Recording::has_scan).map(|recording| recording.replay())
    }

    /// What the state machine would have done in the scan at `index`.
    #[must_use]
    pub fn what_if(&self, index: usize) -> Vec<WhatIf> {
        self.scans.get(index).map(|scan| what_if::ask(scan, &self.scans, &self.habits)).unwrap_or_default()
    }

    /// What the state machine would have done in each scan.
    #[must_use]
    pub fn what_ifs(&self) -> Vec<Vec<WhatIf>> {
        (0..self.scans.len()).map(|index| self.what_if(index)).collect()
    }
}

#[derive(Default)]
struct Reading {
    shown: Shown,
    turns: Turns,
    scans: Scans,
    found: Vec<Scan>,
    left_out: u64,
    habits: Habits,
    skipped: Skipped,
    other: u64,
    /// The first lines that fit no rule.
    first: Vec<String>,
    count: u64,
    findings: Findings,
    recording: Recording,
}

impl Reading {
    fn event(&mut self, event: &Event<'_>, tell: &mut dyn FnMut(&Turn)) {
        match event.what {
            What::Other(text) => {
                self.other += 1;
                if self.first.len() < NOT_UNDERSTOOD_MAX {
                    let cut = &text[..text.len().min(4 * NOT_UNDERSTOOD_LEN_MAX)];
                    self.first.push(text::shown(cut).chars().take(NOT_UNDERSTOOD_LEN_MAX).collect());
                }
            }
            What::Header(_) => {
                self.other += 1;
                self.recording.event(event);
            }
            What::Entry(_) => self.recording.event(event),
            What::Unread(why) => self.skipped.note(event.line, why),
            What::Note(_) => {
                self.findings.event(event);
                let Self { scans, found, left_out, findings, .. } = self;
                scans.event(event, &mut |scan| keep(found, left_out, findings, scan));
            }
            What::Sent(_) | What::Received(_) | What::Ended(_) | What::GivenUp | What::Closed => {
                let Self { shown, turns, scans, habits, count, findings, .. } = self;
                turns.event(event, &mut |turn| {
                    *count += 1;
                    take(shown.turn(turn), scans, habits, findings, tell);
                });
            }
        }
    }

    fn end(&mut self, tell: &mut dyn FnMut(&Turn)) {
        let Self { shown, turns, scans, habits, count, found, left_out, findings, .. } = self;
        turns.end(&mut |turn| {
            *count += 1;
            take(shown.turn(turn), scans, habits, findings, tell);
        });
        scans.finish(&mut |scan| keep(found, left_out, findings, scan));
    }
}

fn take(
    turn: Turn,
    scans: &mut Scans,
    habits: &mut Habits,
    findings: &mut Findings,
    tell: &mut dyn FnMut(&Turn),
) {
    tell(&turn);
    if let Some(fell) = habits.turn(&turn) {
        findings.fell(&fell);
    }
    findings.turn(&turn);
    scans.turn(turn);
}

fn keep(found: &mut Vec<Scan>, left_out: &mut u64, findings: &mut Findings, scan: Scan) {
    findings.scan(&scan);
    if found.len() < SCANS_MAX { found.push(scan) } else { *left_out += 1 }
}
