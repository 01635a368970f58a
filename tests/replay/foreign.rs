//! The logs of the reference material, where it exists.

use cellscan::import::Format;
use serde_json::Value;

use super::{file, read, reference};

/// Of 36 files this many must give their turns.
const FILES_MIN: usize = 30;

#[test]
fn foreign_logs_give_the_turns_that_their_index_lists() {
    let Some(reference) = reference() else { return };
    let index = String::from_utf8(file(&reference.join("logs/INDEX.jsonl"))).expect("an index in UTF-8");
    let (mut right, mut wrong) = (0, Vec::new());
    for row in index.lines() {
        let row: Value = serde_json::from_str(row).expect("a row of JSON");
        let name = row["file"].as_str().expect("a name");
        let found = read(&file(&reference.join("logs").join(name)), None);
        let agrees = match row["turns"].as_array() {
            Some(turns) => {
                turns.iter().map(|turn| (text(&turn[0]), text(&turn[1]))).eq(found.turns.iter().cloned())
            }
            None => found.turns.iter().all(|(command, _)| command.is_none()),
        };
        if agrees { right += 1 } else { wrong.push(name.to_owned()) }
    }
    println!("{right} files give their turns; not: {wrong:?}");
    assert!(right >= FILES_MIN, "{wrong:?}");
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[test]
fn recorded_scans_are_read_with_their_results() {
    let Some(reference) = reference() else { return };
    let expected = String::from_utf8(file(&reference.join("field/expect.jsonl"))).expect("rows in UTF-8");
    for row in expected.lines() {
        let row: Value = serde_json::from_str(row).expect("a row of JSON");
        let name = row["source"].as_str().expect("a name");
        let found = read(&file(&reference.join("field").join(name)), None);
        assert_eq!(found.analysis.format, Format::Gateway);
        let started = row["started_s"].as_f64().expect("a number");
        let near =
            |at: i64, seconds: f64, within: f64| (cellscan::spans::seconds(at) - seconds).abs() < within;
        let scan = found.analysis.scans.iter().find(|scan| near(scan.started, started, 1.0));
        let scan = scan.unwrap_or_else(|| panic!("{name}: no scan at {started} s"));
        assert_eq!(Some(scan.outcome.name()), row["outcome"].as_str(), "{name} at {started} s");
        if let Some(search) = row["search_s"].as_f64() {
            assert!(near(scan.search.expect("a search"), search, 0.5), "{name} at {started} s");
        }
        if let Some(selected) = row["selected"].as_str() {
            assert!(selected.contains(scan.selected.as_deref().expect("a choice")), "{name} at {started} s");
        }
    }
}
