//! The crates' log messages on standard error.

use log::{LevelFilter, Log, Metadata, Record};

use thiserror::Error;

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

/// Starts logging: errors only, or as many levels more as `--verbose` asks for.
///
/// # Errors
/// The variable holds no level.
pub fn start(verbose: u8) -> Result<(), LevelError> {
    let level = match std::env::var(VARIABLE) {
        Ok(word) if !word.is_empty() => word.parse().map_err(|_| LevelError { found: word })?,
        Ok(_) | Err(_) => match verbose {
            // Warnings of a scan are in its report.
            0 => LevelFilter::Error,
            1 => LevelFilter::Debug,
            2.. => LevelFilter::Trace,
        },
    };
    // A second logger in one process (tests) changes nothing.
    if log::set_logger(&TO_STDERR).is_ok() {
        log::set_max_level(level);
    }
    Ok(())
}
