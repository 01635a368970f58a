//! The table of carriers: no line is wider than a serial console's 80 columns, unless details were asked for.

use std::cmp::Reverse;

use cellscan_core::carrier::{Availability, Carrier, Plmn, Strength, Trial};
use cellscan_core::scan::Scanner;
use comfy_table::{CellAlignment, Table, presets};

use super::names::Names;
use super::{words, wrap};

const HEADER: [&str; 7] = ["", "PLMN", "Name", "Result", "RSSI dBm", "RSRP dBm", "Took"];
const HEADER_WIDE: [&str; 9] =
    ["", "PLMN", "Name", "Technologies", "Status", "Result", "RSSI dBm", "RSRP dBm", "Took"];
/// The last columns, which have numbers.
const NUMBERS: usize = 3;
/// Columns of a name: the longest that 3GPP TS 27.007 §7.3 allows in the long form.
const NAME_MAX: usize = 16;

/// The table: the selected carrier marked and first, then by what decided.
#[must_use]
pub fn text(scanner: &Scanner, selected: Option<Plmn>, names: &Names, wide: bool) -> String {
    let mut carriers: Vec<&Carrier> = scanner.carriers().iter().collect();
    let by_rsrp = is_by_rsrp(&carriers);
    carriers.sort_by_key(|carrier| (Some(carrier.plmn) != selected, order(carrier, by_rsrp)));
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if wide {
        table.set_header(HEADER_WIDE);
    } else {
        table.set_header(HEADER);
    }
    for carrier in carriers {
        table.add_row(row(scanner, names, carrier, selected, wide));
    }
    let columns = table.column_count();
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index + 1 == columns { 0 } else { 2 }));
        if index + NUMBERS >= columns {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    if let Some(mark) = table.column_mut(0) {
        mark.set_padding((0, 1));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn row(
    scanner: &Scanner,
    names: &Names,
    carrier: &Carrier,
    selected: Option<Plmn>,
    wide: bool,
) -> Vec<String> {
    let strength = strength(carrier);
    let dbm = |value: Option<i16>| value.map(|dbm| dbm.to_string()).unwrap_or_default();
    let mark = if Some(carrier.plmn) == selected { "*" } else { "" };
    let name = names.shown(scanner, carrier.plmn);
    let mut row = vec![mark.to_owned(), carrier.plmn.to_string()];
    if wide {
        row.extend([name, words::technologies(carrier).join(" ")]);
        row.push(words::availability(carrier.availability).to_owned());
    } else {
        row.push(cut(&name));
    }
    row.extend([result(carrier), dbm(strength.rssi_dbm), dbm(strength.rsrp_dbm), took(carrier)]);
    row
}

/// What became of its trial.
fn result(carrier: &Carrier) -> String {
    match carrier.trial {
        Trial::Registered(_) => "registered".to_owned(),
        Trial::Refused(Some(code)) => format!("refused (CME {code})"),
        Trial::Refused(None) => "refused".to_owned(),
        Trial::TimedOut => "not in time".to_owned(),
        Trial::Lost => "given up later".to_owned(),
        Trial::Untried if carrier.availability == Availability::Forbidden => {
            "forbidden, not tried".to_owned()
        }
        Trial::Untried => "not tried".to_owned(),
    }
}

/// As the choice compares them: RSRP where each measured carrier has it.
fn is_by_rsrp(carriers: &[&Carrier]) -> bool {
    let mut measured = carriers.iter().map(|carrier| strength(carrier)).filter(Strength::is_known);
    measured.all(|strength| strength.rsrp_dbm.is_some())
}

fn order(carrier: &Carrier, by_rsrp: bool) -> (u8, Reverse<Option<i16>>) {
    let class = match (carrier.trial, carrier.availability) {
        (Trial::Registered(_), _) => 0,
        (Trial::Lost, _) => 1,
        (Trial::Refused(_) | Trial::TimedOut, _) => 2,
        (Trial::Untried, Availability::Forbidden) => 4,
        (Trial::Untried, _) => 3,
    };
    let strength = strength(carrier);
    (class, Reverse(if by_rsrp { strength.rsrp_dbm } else { strength.rssi_dbm }))
}

fn strength(carrier: &Carrier) -> Strength {
    match carrier.trial {
        Trial::Registered(strength) => strength,
        Trial::Untried | Trial::Refused(_) | Trial::TimedOut | Trial::Lost => Strength::default(),
    }
}

fn took(carrier: &Carrier) -> String {
    if carrier.trial == Trial::Untried {
        return String::new();
    }
    words::span(carrier.took)
}

/// A name that fits its column.
fn cut(name: &str) -> String {
    if wrap::width(name) <= NAME_MAX {
        return name.to_owned();
    }
    let mut left = NAME_MAX - 1;
    let fits = |letter: &char| {
        let rest = left.checked_sub(wrap::width(letter.encode_utf8(&mut [0; 4])));
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    name.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_to_its_column() {
        assert_eq!(cut("AT&T"), "AT&T");
        assert_eq!(cut("A name of sixteen"), "A name of sixte…");
        assert_eq!(cut("中国移动通信集团公司"), "中国移动通信集…");
    }
}
