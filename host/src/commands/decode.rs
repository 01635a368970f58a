//! `decode`: reads the bytes of a modem on standard input, writes their meaning to standard output.

use std::io::{self, BufWriter};

use crate::decode;
use crate::exit::{Exit, Fatal};

/// Writes the meaning of each reply.
///
/// # Errors
/// Input or output failed.
pub fn run(command: Option<&str>) -> Result<Exit, Fatal> {
    match decode::run(io::stdin().lock(), BufWriter::new(io::stdout().lock()), command) {
        Ok(()) => Ok(Exit::Done),
        // The reader has closed the output.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(Fatal::system(format!("decode: {error}"))),
    }
}
