//! `decode`: the bytes of a modem on standard input, what they mean on standard output.

use std::io::{self, BufWriter};

use crate::decode;
use crate::exit::{Exit, Fatal};

/// Says what each reply means.
///
/// # Errors
/// Input or output failed.
pub fn run(command: Option<&str>) -> Result<Exit, Fatal> {
    match decode::run(io::stdin().lock(), BufWriter::new(io::stdout().lock()), command) {
        Ok(()) => Ok(Exit::Done),
        // Whoever closed the other end has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(Fatal::system(format!("decode: {error}"))),
    }
}
