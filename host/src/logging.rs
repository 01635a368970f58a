//! The crates' log messages on standard error.

use log::{LevelFilter, Log, Metadata, Record};

use thiserror::Error;

use crate::recording::Shown;
use crate::report::console;

/// The variable that sets the level; it overrides `--verbose`.
pub const VARIABLE: &str = "CELLSCAN_LOG";

/// The variable holds something that is no level.
#[derive(Debug, Error)]
#[error("{VARIABLE}: found {found:?}, wanted off, error, warn, info, debug or trace")]
pub struct LevelError {
    /// What it holds.
    pub found: String,
}

struct ToStderr;

static TO_STDERR: ToStderr = ToStderr;

impl Log for ToStderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_ascii_lowercase();
            console::complain(&level, &format!("{}: {}", record.target(), record.args()));
        }
    }

    fn flush(&self) {}
}

/// How much of a scan `--verbose` shows while it goes on.
#[must_use]
pub const fn shown(verbose: u8) -> Shown {
    match verbose {
        0 => Shown::Nothing,
        1 => Shown::Decisions,
        2.. => Shown::Lines,
    }
}

/// Starts logging: errors only, from `-vvv` on internal events.
///
/// # Errors
/// The variable holds no level.
pub fn start(verbose: u8) -> Result<(), LevelError> {
    let level = match std::env::var(VARIABLE) {
        Ok(word) if !word.is_empty() => word.parse().map_err(|_| LevelError { found: word })?,
        Ok(_) | Err(_) => match verbose {
            // Warnings of a scan are in its report.
            0..=2 => LevelFilter::Error,
            3.. => LevelFilter::Trace,
        },
    };
    // A second logger in one process (tests) changes nothing.
    if log::set_logger(&TO_STDERR).is_ok() {
        log::set_max_level(level);
    }
    Ok(())
}
