//! Whether a modem answers on a port: one `AT`, through the same serial line as a scan, which locks the port first.

use std::time::Duration;

use cellscan_core::port::Port;
use embedded_io::{Read, Write};
use rustix::event::PollFlags;

use crate::clock::Clock;
use crate::error::chain;
use crate::event_loop::wait_one;
use crate::serial::{SerialLine, SerialOptions};

/// How long an answer may take. A sleeping modem needs half a second to wake up.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// Number of attempts: the first bytes may wake the modem, or complete a half-typed command of another program.
const ATTEMPTS: u32 = 2;
/// Largest number of bytes read for one answer.
const ANSWER_LEN_MAX: usize = 4_096;

/// The result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// `OK`.
    Ok,
    /// Other bytes; their number.
    Noise(usize),
    /// No answer.
    Silence,
    /// The line could not be opened, or failed.
    Failed(String),
    /// Not asked, for this reason.
    NotAsked(&'static str),
}

/// Asks the modem. The line is closed with the settings that it had before.
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
        let left = until.duration_since(clock.now());
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
    fn only_an_ok_on_its_own_line_counts() {
        assert!(is_ok(b"AT\r\r\nOK\r\n") && is_ok(b"\r\n+CREG: 1\r\n\r\nOK\r\n"));
        assert!(!is_ok(b"OKAY\r\n") && !is_ok(b"\r\nOK") && !is_ok(b"\r\nERROR\r\n") && !is_ok(b""));
    }

    #[test]
    fn a_missing_port_is_reported() {
        assert!(matches!(ask(&SerialOptions::new("/dev/nonexistent")), Answer::Failed(_)));
    }
}
