//! Output for people: the result of a scan.

use std::fmt::Write;

use cellscan_core::scan::{Failure, Outcome, Report};

use super::names::Names;
use super::{Ended, table, words};

/// The table of carriers, then the choice and the state of service and modem. No line is wider than 80 columns, but for a table with
/// details and for names of files.
#[must_use]
pub fn text(ended: &Ended<'_>, names: &Names, wide: bool) -> String {
    let mut text = String::new();
    if !ended.scanner.carriers().is_empty() {
        text = format!("{}\n\n", table::text(ended.scanner, ended.report.selected, names, wide));
    }
    for (name, value) in facts(ended, names) {
        // Writing to a string does not fail.
        let _always = writeln!(text, "{name:<9}{value}");
    }
    text.truncate(text.trim_end().len());
    text
}

fn facts(ended: &Ended<'_>, names: &Names) -> Vec<(&'static str, String)> {
    let report = ended.report;
    let mut facts = Vec::new();
    match report.outcome {
        Some(Outcome::Failed(failure)) => {
            let why = match ended.sim {
                Some(said) if failure == Failure::SimNotReady => words::sim(said),
                Some(_) | None => words::failure(failure),
            };
            facts.push(("Failed", why));
            facts.extend(hints(failure, ended.heard).into_iter().map(|hint| ("", hint.to_owned())));
        }
        Some(Outcome::Complete) => {}
        None => facts.push(("Failed", "the scanner was killed".to_owned())),
    }
    if report.outcome == Some(Outcome::Complete) {
        let carrier = |plmn| names.carrier(ended.scanner, plmn);
        let chosen = report.selected.map_or_else(|| "none".to_owned(), carrier);
        let before = match report.before {
            Some(before) if Some(before) == report.selected => "as before the scan".to_owned(),
            Some(before) => format!("before the scan {}", carrier(before)),
            None => "on no carrier before the scan".to_owned(),
        };
        facts.push(("Selected", format!("{chosen}, {before}")));
    }
    facts.extend(outage(ended, report));
    if report.outcome == Some(Outcome::Complete) {
        facts.push(("Link", link(ended, report).to_owned()));
    }
    if let Some(restored) = report.restored {
        let how = if restored {
            "restored as found"
        } else {
            "could not be restored: the modem may be on no carrier"
        };
        facts.push(("Modem", how.to_owned()));
    }
    let service = if ended.given_back {
        "given back"
    } else {
        "NOT given back: its supervisor did not obey; bring it up with `sv up`"
    };
    facts.push(("Service", service.to_owned()));
    if let (Some(name), Some(time)) = (ended.simulated, ended.virtual_time) {
        facts.push(("World", format!("simulated ({name}), {} of its time", words::span(time))));
    }
    facts
}

/// What the reader can do about a failure, a line each.
fn hints(failure: Failure, heard: bool) -> Vec<&'static str> {
    if failure == Failure::ModemSilent && heard {
        return vec![
            "what came is no answer: the speed may be another (--baud),",
            "or --port is none of the modem's ports that answer AT",
        ];
    }
    words::hint(failure).map(|hint| hint.lines().collect()).unwrap_or_default()
}

fn outage(ended: &Ended<'_>, report: &Report) -> Vec<(&'static str, String)> {
    const NAME: &str = "Outage";
    let Some(outage) = report.outage else {
        return vec![(NAME, "none, the service was not touched".to_owned())];
    };
    let budget = ended.scanner.policy().budget;
    let mut facts = vec![(NAME, format!("{} of at most {}", words::span(outage), words::span(budget)))];
    let parts = [
        ("down after", report.down_after),
        ("port free after", report.free_after),
        ("search", report.search),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter_map(|(name, span)| Some(format!("{name} {}", words::span(span?)))).collect();
    if !parts.is_empty() {
        facts.push(("", parts.join(", ")));
    }
    facts
}

const fn link(ended: &Ended<'_>, report: &Report) -> &'static str {
    match report.link {
        _ if !ended.watches_link => "not looked at",
        Some(true) => "up",
        Some(false) => "not up in time: see what pppd says",
        None => "not waited for",
    }
}
