//! Output for people: the result of a scan.

use std::fmt::Write;

use cellscan_core::carrier::{Carrier, Trial};
use cellscan_core::scan::{Outcome, Report};
use comfy_table::{CellAlignment, Table, presets};

use super::{Ended, words};

const HEADER: [&str; 8] = ["PLMN", "Name", "Technologies", "Status", "Trial", "RSSI dBm", "RSRP dBm", "Took"];
/// The columns with numbers.
const NUMBERS: std::ops::RangeInclusive<usize> = 5..=7;

/// The table of carriers, then the choice and the state of service and modem.
#[must_use]
pub fn text(ended: &Ended<'_>) -> String {
    let mut text = String::new();
    if !ended.scanner.carriers().is_empty() {
        text = format!("{}\n\n", table(ended));
    }
    for (name, value) in facts(ended) {
        // Writing to a string does not fail.
        let _always = writeln!(text, "{name:<9}{value}");
    }
    text.truncate(text.trim_end().len());
    text
}

fn table(ended: &Ended<'_>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(HEADER);
    for carrier in ended.scanner.carriers() {
        let (rssi, rsrp) = match carrier.trial {
            Trial::Registered(strength) => (strength.rssi_dbm, strength.rsrp_dbm),
            Trial::Untried | Trial::Refused(_) | Trial::TimedOut | Trial::Lost => (None, None),
        };
        let dbm = |value: Option<i16>| value.map(|dbm| dbm.to_string()).unwrap_or_default();
        table.add_row([
            carrier.plmn.to_string(),
            words::shown(carrier.name.as_str()),
            words::technologies(carrier).join(" "),
            words::availability(carrier.availability).to_owned(),
            trial(carrier),
            dbm(rssi),
            dbm(rsrp),
            took(carrier),
        ]);
    }
    for column in table.column_iter_mut().skip(*NUMBERS.start()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn trial(carrier: &Carrier) -> String {
    match carrier.trial {
        Trial::Refused(Some(code)) => format!("refused (+CME ERROR: {code})"),
        Trial::Refused(None) | Trial::Untried | Trial::Registered(_) | Trial::TimedOut | Trial::Lost => {
            words::trial(carrier.trial).to_owned()
        }
    }
}

fn took(carrier: &Carrier) -> String {
    if carrier.trial == Trial::Untried {
        return String::new();
    }
    words::span(carrier.took)
}

fn facts(ended: &Ended<'_>) -> Vec<(&'static str, String)> {
    let report = ended.report;
    let mut facts = Vec::new();
    match report.outcome {
        Some(Outcome::Failed(failure)) => {
            facts.push(("Failed", words::failure(failure)));
            facts.extend(words::hint(failure).map(|hint| ("", hint.to_owned())));
        }
        Some(Outcome::Complete) => {}
        None => facts.push(("Failed", "the scanner was killed".to_owned())),
    }
    if report.outcome == Some(Outcome::Complete) {
        let chosen =
            report.selected.map_or_else(|| "none".to_owned(), |plmn| words::carrier(ended.scanner, plmn));
        let before = match report.before {
            Some(before) if Some(before) == report.selected => "as before the scan".to_owned(),
            Some(before) => format!("before the scan {}", words::carrier(ended.scanner, before)),
            None => "on no carrier before the scan".to_owned(),
        };
        facts.push(("Selected", format!("{chosen}, {before}")));
    }
    facts.push(("Outage", outage(ended, report)));
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

fn outage(ended: &Ended<'_>, report: &Report) -> String {
    let Some(outage) = report.outage else { return "none, the service was not touched".to_owned() };
    let mut text =
        format!("{} of at most {}", words::span(outage), words::span(ended.scanner.policy().budget));
    let parts = [
        ("down after", report.down_after),
        ("port free after", report.free_after),
        ("search", report.search),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter_map(|(name, span)| Some(format!("{name} {}", words::span(span?)))).collect();
    if !parts.is_empty() {
        let _always = write!(text, " ({})", parts.join(", "));
    }
    text
}

const fn link(ended: &Ended<'_>, report: &Report) -> &'static str {
    match report.link {
        _ if !ended.watches_link => "not looked at",
        Some(true) => "up",
        Some(false) => "not up in time: see what pppd says",
        None => "not waited for",
    }
}
