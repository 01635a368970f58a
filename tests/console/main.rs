//! What a person at a console sees: the quickstart of the main README as a transcript, screens of 80 columns and 24 lines, and what the
//! READMEs and `--help` say of options, exit codes, keys and files.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be set up, or is not in a README, fails loudly"
)]

mod quickstart;
mod screens;
mod statements;

use std::time::Duration;

/// For what takes seconds on an idle machine.
const SOON: Duration = Duration::from_secs(60);
/// For a whole scan.
const SCAN: Duration = Duration::from_secs(180);

/// A file of this repository.
#[track_caller]
fn repository(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
