//! `at`: sends commands to a modem as a scan does, locked and synchronised, and shows what it answers.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use cellscan_core::at::answer::Outcome;
use cellscan_core::at::dialogue::{Dialogue, Turn};
use cellscan_core::at::line::Lines;
use cellscan_core::at::reply::FinalResult;
use cellscan_core::port::Port;
use cellscan_core::time::Instant;
use embedded_io::{Read as _, ReadReady as _, Write as _};
use serde::Serialize;

use super::printed;
use crate::cli::AtArgs;
use crate::clock::Clock;
use crate::error::chain;
use crate::event_loop::{self, Signals};
use crate::examine::port::PortFacts;
use crate::exit::{Exit, Fatal};
use crate::report::clean;
use crate::serial::{SerialLine, SerialOptions};
use crate::spans::in_seconds;

/// How long an answer may take, unless told otherwise; and that of a command that waits for the network.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const NETWORK_LIMIT: Duration = Duration::from_secs(180);
/// Largest number of bytes of one answer.
const ANSWER_LEN_MAX: usize = 64 * 1024;

#[derive(Serialize)]
struct Answered<'a> {
    kind: &'static str,
    command: &'a str,
    answer: Vec<String>,
    #[serde(rename = "final")]
    result: String,
    took_s: f64,
    #[serde(skip)]
    is_ok: bool,
}

/// Sends each command, until one fails.
///
/// # Errors
/// The port cannot be used, a process has it open, or the modem gives no result.
pub fn run(args: &AtArgs) -> Result<Exit, Fatal> {
    let serial = args.line.serial(&args.port);
    must_be_free(&PortFacts::of(&args.port, &serial.lock_dirs))?;
    let mut talk = Talk::begin(serial)?;
    for command in &args.commands {
        let limit = args.timeout.unwrap_or_else(|| limit_of(command));
        let answered = talk.ask(command, limit)?;
        printed(|out| {
            if args.json {
                return writeln!(out, "{}", clean::json(&answered)?);
            }
            let lines = answered.answer.iter().chain([&answered.result]);
            lines.map(|line| clean::shown(line)).try_for_each(|line| writeln!(out, "{line}"))
        })?;
        if !answered.is_ok {
            return Ok(Exit::Refused);
        }
    }
    Ok(Exit::Done)
}

/// A port that a process has open is left alone: `pppd` and the modem would take what is sent for data.
fn must_be_free(facts: &PortFacts) -> Result<(), Fatal> {
    let port = facts.path.display();
    if let Some(why) = &facts.not_a_tty {
        return Err(Fatal::usage(format!(
            "unable to use {port} as a port: {why}; `cellscan ports` lists them"
        )));
    }
    if !facts.accessible {
        return Err(Fatal::usage(format!(
            "unable to open {port}; run it as root, or join the group of the port"
        )));
    }
    if let Some(who) = facts.holders.first() {
        return Err(Fatal::system(format!(
            "unable to use {port}: process {} ({}) has it open, and is left alone; `cellscan ports` tells which are free",
            who.pid, who.comm
        )));
    }
    if facts.unreadable > 0 {
        return Err(Fatal::usage(format!(
            "whether a process has {port} open cannot be seen; run it as root"
        )));
    }
    Ok(())
}

fn limit_of(command: &str) -> Duration {
    if command.to_ascii_uppercase().contains("+COPS=") { NETWORK_LIMIT } else { ANSWER_LIMIT }
}

/// A line on which the modem has answered `AT`.
struct Talk {
    line: SerialLine,
    clock: Clock,
    signals: Signals,
}

impl Talk {
    fn begin(serial: SerialOptions) -> Result<Self, Fatal> {
        let signals =
            Signals::catch().map_err(|error| Fatal::system(format!("unable to catch signals: {error}")))?;
        let mut line = SerialLine::new(serial);
        line.open().map_err(|error| match error {
            nb::Error::Other(error) => Fatal::system(chain(&error)),
            nb::Error::WouldBlock => Fatal::system("the port is not ready"),
        })?;
        let mut talk = Self { line, clock: Clock::new(), signals };
        talk.synchronise()?;
        Ok(talk)
    }

    /// Sends nothing more before the line was quiet and the modem has answered `AT`.
    fn synchronise(&mut self) -> Result<(), Fatal> {
        let (mut dialogue, mut lines) = (Dialogue::new(), Lines::new());
        let mut heard = 0;
        let mut turn = dialogue.open(self.clock.now());
        loop {
            match self.take(turn)? {
                Some(Outcome::Ready) => return Ok(()),
                Some(_) => return Err(Fatal::system(silent(heard))),
                None => {}
            }
            let bytes = self.wait(dialogue.next_deadline())?;
            heard += bytes.len();
            let now = self.clock.now();
            turn = dialogue.timeout(now);
            let mut rest = bytes.as_slice();
            while let Some(line) = lines.next(&mut rest) {
                if turn != Turn::default() {
                    self.take(core::mem::take(&mut turn))?;
                }
                turn = dialogue.line(now, line, |_operator| ());
            }
        }
    }

    /// Sends what a turn asks for.
    fn take(&mut self, turn: Turn) -> Result<Option<Outcome>, Fatal> {
        if let Some(outgoing) = turn.send {
            self.send(&outgoing.bytes())?;
        }
        Ok(turn.outcome)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Fatal> {
        self.line.write_all(bytes).map_err(|error| Fatal::system(chain(&error)))
    }

    /// What came, or nothing by the deadline.
    fn wait(&mut self, deadline: Option<Instant>) -> Result<Vec<u8>, Fatal> {
        let failed = |error: std::io::Error| Fatal::system(format!("unable to wait: {error}"));
        let mut fds: Vec<BorrowedFd<'_>> = vec![self.signals.as_fd()];
        fds.extend(self.line.fd());
        event_loop::wait(&fds, deadline, self.clock).map_err(failed)?;
        if self.signals.take().is_some() {
            return Err(Fatal::system("told to end before the modem has answered"));
        }
        let (mut bytes, mut buf) = (Vec::new(), [0; 512]);
        while bytes.len() < ANSWER_LEN_MAX
            && self.line.read_ready().map_err(|error| Fatal::system(chain(&error)))?
        {
            let count = self.line.read(&mut buf).map_err(|error| Fatal::system(chain(&error)))?;
            bytes.extend_from_slice(buf.get(..count).unwrap_or_default());
        }
        Ok(bytes)
    }

    /// Sends a command, and waits for its result.
    fn ask<'a>(&mut self, command: &'a str, limit: Duration) -> Result<Answered<'a>, Fatal> {
        self.send(format!("{command}\r").as_bytes())?;
        let begun = self.clock.now();
        let (mut piece, mut answer, mut len) = (Vec::new(), Vec::new(), 0);
        while len < ANSWER_LEN_MAX && self.clock.now() < begun + limit {
            let bytes = self.wait(Some(begun + limit))?;
            len += bytes.len();
            for byte in bytes {
                if !matches!(byte, b'\r' | b'\n') {
                    piece.push(byte);
                    continue;
                }
                let line = core::mem::take(&mut piece);
                let text = String::from_utf8_lossy(&line).into_owned();
                let result = FinalResult::parse(&line).or_else(|| FinalResult::from_digit(&line));
                match result {
                    Some(result) => {
                        let took_s = in_seconds(self.clock.now().saturating_since(begun));
                        let is_ok = matches!(result, FinalResult::Ok | FinalResult::Connect);
                        return Ok(Answered { kind: "at", command, answer, result: text, took_s, is_ok });
                    }
                    None if text.is_empty() || text == command => {}
                    None => answer.push(text),
                }
            }
        }
        // One byte aborts a command that waits for the network.
        self.send(b"\r")?;
        Err(Fatal::system(format!("no result of {command} within {} s", limit.as_secs())))
    }
}

fn silent(heard: usize) -> String {
    if heard > 0 {
        format!("{heard} bytes came, and no OK among them: the speed may be another (--baud)")
    } else {
        "the modem does not answer AT on this port; `cellscan ports` tells which do".to_owned()
    }
}
