//! Logs of every format, and their findings; ours in `samples`, and the reference's where it exists.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a missing log fails loudly, and skipped tests are reported"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use cellscan::import::Format;
use cellscan::replay::analysis::Analysis;
use cellscan::replay::turns::Shown;

mod findings;
mod foreign;
mod formats;
mod kept;
mod pages;
mod recordings;
mod redaction;
mod samples;
mod stamps;

/// A parsed log: its format and analysis, and its turns as command and final result.
struct Read {
    analysis: Analysis,
    turns: Vec<(Option<String>, Option<String>)>,
}

fn read(log: &[u8], format: Option<Format>) -> Read {
    let mut turns = Vec::new();
    let analysis = Analysis::read(log, format, Shown::Redacted, &mut |turn| {
        turns.push((turn.command.clone(), turn.result.clone()));
    });
    Read { analysis: analysis.expect("bytes in memory can be read"), turns }
}

/// The path of a sample.
fn sample_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("replay/samples/{name}.log"))
}

/// The reference material, where it exists.
fn reference() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let found = env::var_os("CELLSCAN_REFERENCE").map_or_else(beside, PathBuf::from);
    if found.join("logs/INDEX.jsonl").is_file() {
        return Some(found);
    }
    println!("no reference material at {}: nothing to compare with", found.display());
    None
}

fn file(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
