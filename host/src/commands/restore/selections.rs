//! The unlock rule without a daemon: `restore` looks at each selection on record, notes what it saw, and undoes one that has been
//! dark for long enough.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cellscan_core::scan::{Event, Report, Scanner};
use cellscan_core::time::Instant;
use cellscan_custody::unlock::Step;
use serde::Serialize;

use super::super::printed;
use super::super::scan::run_to_the_end;
use crate::audience::Audience;
use crate::cli::RestoreArgs;
use crate::clock::Clock;
use crate::custody::selected::{Selected, SelectedError};
use crate::error::chain;
use crate::event_loop::Signals;
use crate::exit::{Exit, Fatal};
use crate::gateway::{GatewayScan, unlock};
use crate::report::{console, words};
use crate::spans::in_seconds;

/// The result for one record.
#[derive(Debug)]
enum Seen {
    /// The link has an address.
    LinkUp,
    /// The service is not wanted up: an operator or another client has put it down.
    NotWanted,
    /// A scan has the service.
    Held,
    /// The scan did not watch a link, or the kernel did not tell.
    NotKnown,
    /// There has been no address for so long; the modem is told after the rest.
    Dark(Duration, Duration),
    /// The rule is off for this selection.
    Never,
    /// The modem chooses by itself; a sentence.
    Unlocked(String),
    /// It could not be told so; a sentence.
    NotUnlocked(String),
    /// It is no record, or not to be trusted.
    Unusable(SelectedError),
}

/// One object of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    record: PathBuf,
    port: Option<&'a PathBuf>,
    carrier: Option<&'a String>,
    outcome: &'static str,
    dark_s: Option<f64>,
    unlock_in_s: Option<f64>,
    reason: Option<&'a str>,
}

/// Looks after every selection on record in the state directory; how many there were.
///
/// # Errors
/// The state directory is not trusted or cannot be read, or the output failed after all records were handled.
pub(super) fn run(args: &RestoreArgs) -> Result<(Exit, usize), Fatal> {
    let all = Selected::all(&args.state_dir)
        .map_err(|error| Fatal::system(format!("unable to look for selections: {}", chain(&error))))?;
    let (mut exit, mut output) = (Exit::Done, Ok(Exit::Done));
    let count = all.len();
    for (name, record) in all {
        let (selected, seen) = match record {
            Ok(selected) => {
                let seen = handle(&args.state_dir, &selected);
                (Some(selected), seen)
            }
            Err(error) => (None, Seen::Unusable(error)),
        };
        if seen.is_failure() {
            exit = Exit::System;
        }
        let said = seen.sentence();
        let written = printed(|out| {
            let Some(selected) = selected.as_ref().filter(|_| !args.json) else {
                let (dark, left) = seen.times().unzip();
                let line = Line {
                    kind: "selection",
                    record: args.state_dir.join(&name),
                    port: selected.as_ref().map(|selected| &selected.port),
                    carrier: selected.as_ref().map(|selected| &selected.carrier),
                    outcome: seen.name(),
                    dark_s: dark.map(in_seconds),
                    unlock_in_s: left.map(in_seconds),
                    reason: seen.is_failure().then_some(&said),
                };
                if args.json {
                    serde_json::to_writer(&mut *out, &line)?;
                    return writeln!(out);
                }
                return writeln!(out, "{}: {said}", name.escape_debug());
            };
            writeln!(
                out,
                "{}: on {}, as a scan has selected; {said}",
                selected.port.display(),
                selected.carrier
            )
        });
        output = output.and(written);
    }
    output.map(|_written| (exit, count))
}

fn handle(state_dir: &Path, selected: &Selected) -> Seen {
    let clock = Clock::new();
    let plan = unlock::plan(selected, state_dir);
    let now = clock.now();
    let (mut rule, sight) = (selected.rule(now), unlock::sight(&plan, Some(selected)));
    let step = rule.look(now, sight);
    let seen = match step {
        Step::Idle => Seen::Never,
        Step::Watch if sight.address == Some(true) => Seen::LinkUp,
        Step::Watch if sight.wanted_up == Some(false) => Seen::NotWanted,
        Step::Watch if sight.in_hand => Seen::Held,
        Step::Watch => Seen::NotKnown,
        Step::Until(due) => {
            let since = rule.dark_since().unwrap_or(now);
            Seen::Dark(now.duration_since(since), due.duration_since(now))
        }
        Step::Unlock => {
            let seen = told(state_dir, selected, clock);
            if matches!(seen, Seen::NotUnlocked(_)) {
                rule.failed(clock.now());
            }
            seen
        }
    };
    // Of a record that was removed nothing is noted.
    if let Err(error) = selected.note(state_dir, rule.dark_since()) {
        console::complain("warning", &format!("what was seen is not noted: {}", chain(&error)));
    }
    seen
}

/// Tells the modem to choose its carrier by itself. A signal ends it as it ends a scan.
fn told(state_dir: &Path, selected: &Selected, clock: Clock) -> Seen {
    let plan = unlock::plan(selected, state_dir);
    let mut warnings = Warnings::default();
    let mut signals = match Signals::catch() {
        Ok(signals) => signals,
        Err(error) => return Seen::NotUnlocked(format!("unable to catch signals: {error}")),
    };
    let mut scan = match GatewayScan::unlock(&plan, selected.clone(), clock, &mut warnings) {
        Ok(scan) => scan,
        Err(error) => return Seen::NotUnlocked(chain(&error)),
    };
    run_to_the_end(&mut scan, &mut signals, clock, &mut warnings, |_, text| console::complain("note", text));
    scan.keep(&plan, &mut warnings);
    judged(scan.report(), scan.chooses_by_itself(), warnings.last)
}

fn judged(report: &Report, is_told: bool, last: Option<String>) -> Seen {
    let said = words::unlocked(report, is_told);
    if is_told {
        return Seen::Unlocked(said);
    }
    Seen::NotUnlocked(last.map_or_else(|| said.clone(), |last| format!("{said}: {last}")))
}

/// Only what went wrong is told.
#[derive(Default)]
struct Warnings {
    last: Option<String>,
}

impl Audience for Warnings {
    fn event(&mut self, _at: Instant, _event: Event, _scanner: &Scanner) {}

    fn note(&mut self, _text: &str) {}

    fn warn(&mut self, text: &str) {
        if self.last.as_deref() != Some(text) {
            console::complain("warning", text);
            self.last = Some(text.to_owned());
        }
    }
}

impl Seen {
    const fn is_failure(&self) -> bool {
        matches!(self, Self::NotUnlocked(_) | Self::Unusable(_))
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::LinkUp => "link_up",
            Self::NotWanted => "not_wanted",
            Self::Held => "held",
            Self::NotKnown => "not_known",
            Self::Dark(..) => "dark",
            Self::Never => "never",
            Self::Unlocked(_) => "unlocked",
            Self::NotUnlocked(_) => "not_unlocked",
            Self::Unusable(_) => "unusable",
        }
    }

    const fn times(&self) -> Option<(Duration, Duration)> {
        if let Self::Dark(dark, left) = self { Some((*dark, *left)) } else { None }
    }

    fn sentence(&self) -> String {
        match self {
            Self::LinkUp => "the link is up".to_owned(),
            Self::NotWanted => "the service is not wanted up, so that the link may be away".to_owned(),
            Self::Held => "a scan has the service".to_owned(),
            Self::NotKnown => "its link is not looked at".to_owned(),
            Self::Dark(dark, left) => format!(
                "no address for {}; in {} the modem is told to choose by itself, by the next restore after that",
                words::span(*dark),
                words::span(*left)
            ),
            Self::Never => "it stays there".to_owned(),
            Self::Unlocked(said) => said.clone(),
            Self::NotUnlocked(said) => format!("{said}; the record stays"),
            Self::Unusable(error) => chain(error),
        }
    }
}
