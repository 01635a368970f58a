//! `simsv`: reads scenarios from standard input, writes observations to standard output.

use std::io::{self, BufWriter};

use crate::exit::{Exit, Fatal};
use crate::simsv::{self, SimsvError};

/// Runs every scenario.
///
/// # Errors
/// Some lines are no scenarios (all others were answered); or input or output failed.
pub fn run() -> Result<Exit, Fatal> {
    match simsv::run(io::stdin().lock(), BufWriter::new(io::stdout().lock())) {
        Ok(()) => Ok(Exit::Done),
        Err(SimsvError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error @ SimsvError::Io(_)) => Err(Fatal::system(format!("simsv: {error}"))),
        Err(error @ SimsvError::Lines(_)) => Err(Fatal::usage(format!("simsv: {error}"))),
    }
}
