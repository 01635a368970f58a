//! Whether a modem answers on a port: one `AT`, through the same line that a scan uses, which locks it first.

use std::time::Duration;

use cellscan_core::port::Port;
use embedded_io::{Read, Write};
use rustix::event::PollFlags;

use crate::clock::Clock;
use crate::error::chain;
use crate::event_loop::wait_one;
use crate::serial::{SerialLine, SerialOptions};

/// How long an answer may take. A modem that sleeps needs half a second to wake up.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// How often it is asked: the first bytes may wake it, or complete what somebody else left half typed.
const ATTEMPTS: u32 = 2;
/// Bytes that are taken in for one answer.
const ANSWER_LEN_MAX: usize = 4_096;

/// What came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// `OK`.
    Ok,
    /// Something else; this many bytes.
    Noise(usize),
    /// Nothing.
    Silence,
    /// The line could not be had, or failed.
    Failed(String),
    /// It was not asked, for this reason.
    NotAsked(&'static str),
}

/// Asks. The line is closed again, with its settings as they were found.
#[must_use]
pub fn ask(options: &SerialOptions) -> Answer {
    let mut line = SerialLine::new(options.clone());
    match line.open() {
        Ok(()) => {}
        Err(nb::Error::WouldBlock) => return Answer::Failed("the port is not there yet".to_owned()),
        Err(nb::Error::Other(error)) => return Answer::Failed(chain(&error)),
    }
    let mut heard = 0;
    for _ in 0..ATTEMPTS {
        match attempt(&mut line) {
            Ok(said) if is_ok(&said) => return Answer::Ok,
            Ok(said) => heard += said.len(),
            Err(failed) => return Answer::Failed(failed),
        }
    }
    if heard == 0 { Answer::Silence } else { Answer::Noise(heard) }
}

fn attempt(line: &mut SerialLine) -> Result<Vec<u8>, String> {
    let clock = Clock::new();
    let until = clock.now() + ANSWER_LIMIT;
    line.write_all(b"AT\r").map_err(|error| chain(&error))?;
    let mut said = Vec::new();
    let mut buf = [0; 256];
    while said.len() < ANSWER_LEN_MAX && !is_ok(&said) {
        let left = until.saturating_since(clock.now());
        let came = line.fd().map_or(Ok(false), |fd| wait_one(fd, PollFlags::IN, left, clock));
        if !came.map_err(|errno| errno.to_string())? {
            break;
        }
        let count = line.read(&mut buf).map_err(|error| chain(&error))?;
        said.extend_from_slice(buf.get(..count).unwrap_or_default());
    }
    Ok(said)
}

fn is_ok(said: &[u8]) -> bool {
    let mut lines = said.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines.any(|line| line == b"OK") && said.ends_with(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ok_is_a_line_of_its_own() {
        assert!(is_ok(b"AT\r\r\nOK\r\n") && is_ok(b"\r\n+CREG: 1\r\n\r\nOK\r\n"));
        assert!(!is_ok(b"OKAY\r\n") && !is_ok(b"\r\nOK") && !is_ok(b"\r\nERROR\r\n") && !is_ok(b""));
    }

    #[test]
    fn a_port_that_is_not_there_is_told() {
        assert!(matches!(ask(&SerialOptions::new("/dev/nonexistent")), Answer::Failed(_)));
    }
}
