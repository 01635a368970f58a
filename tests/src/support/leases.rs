//! The leases of a bench.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Bench;

/// The run directory of a bench, where `cellscan` puts its leases.
#[must_use]
pub fn run_dir(bench: &Bench) -> PathBuf {
    bench.root().join("run")
}

/// The leases of a bench.
///
/// # Panics
/// When one of them is not JSON.
#[must_use]
pub fn leases(bench: &Bench) -> Vec<Value> {
    leases_in(&run_dir(bench))
}

/// The leases in a run directory; none where it does not exist.
///
/// # Panics
/// When one of them is not JSON.
#[must_use]
pub fn leases_in(run_dir: &Path) -> Vec<Value> {
    let entries = fs::read_dir(run_dir).into_iter().flatten().flatten();
    let leases = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("lease-"));
    // A lease that disappears meanwhile does not count.
    let texts = leases.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    texts.map(|text| serde_json::from_str(&text).expect("JSON")).collect()
}
