//! A port and a supervisor that return what was recorded.

use std::cell::RefCell;
use std::rc::Rc;

use cellscan_core::port::Port;
use cellscan_core::supervisor::{Owed, Remains, ServiceStatus, Signal, Supervisor, Taken, Want};
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use thiserror::Error;

use crate::recording::entry::{Entry, Who, escape};
use crate::recording::taped::WAIT;
use crate::recording::words;
use crate::report::words as plain;

use super::Script;

/// The recorded call failed with this text.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub(super) struct Failed(String);

impl embedded_io::Error for Failed {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

type Shared = Rc<RefCell<Script>>;

/// The recorded result of the call `what`: `what ok`, `what failed …`, or none yet.
fn came(script: &Shared, who: Who, what: &str) -> nb::Result<(), Failed> {
    let mut script = script.borrow_mut();
    let words = script.due_words(who).and_then(|words| words.strip_prefix(what)).map(str::to_owned);
    match words.as_deref() {
        Some(" ok") => {
            script.pop();
            Ok(())
        }
        Some(rest) if rest.starts_with(" failed") => {
            script.pop();
            Err(nb::Error::Other(Failed(rest.trim_start_matches(" failed ").to_owned())))
        }
        _ => Err(nb::Error::WouldBlock),
    }
}

/// A port that returns the recorded bytes.
#[derive(Debug)]
pub(super) struct ScriptedPort(Shared);

impl ScriptedPort {
    pub(super) const fn new(script: Shared) -> Self {
        Self(script)
    }

    /// The next recorded failure, if it is a failure of the port.
    fn failure(&self) -> Option<Failed> {
        let mut script = self.0.borrow_mut();
        let words = script.due_words(Who::Scan)?.strip_prefix("port failed ")?.to_owned();
        script.pop();
        Some(Failed(words))
    }
}

impl ErrorType for ScriptedPort {
    type Error = Failed;
}

impl ReadReady for ScriptedPort {
    fn read_ready(&mut self) -> Result<bool, Failed> {
        if let Some(failed) = self.failure() {
            return Err(failed);
        }
        let script = self.0.borrow();
        Ok(matches!(script.due(), Some(Entry::Received(_)))
            || script.due_words(Who::Scan) == Some("port ended"))
    }
}

impl Read for ScriptedPort {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Failed> {
        let mut script = self.0.borrow_mut();
        if script.due_words(Who::Scan) == Some("port ended") {
            script.pop();
            return Ok(0);
        }
        let Some(Entry::Received(bytes)) = script.due() else { return Ok(0) };
        let count = buf.len().min(bytes.len());
        buf[..count].copy_from_slice(&bytes[..count]);
        let rest = bytes[count..].to_vec();
        if rest.is_empty() {
            script.pop();
        } else if let Some((_, timed)) = script.inputs.front_mut() {
            timed.entry = Entry::Received(rest);
        }
        Ok(count)
    }
}

impl Write for ScriptedPort {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Failed> {
        if let Some(failed) = self.failure() {
            return Err(failed);
        }
        let mut script = self.0.borrow_mut();
        if matches!(script.due(), Some(Entry::Sent(bytes)) if bytes == buf) {
            script.pop();
        } else {
            let mut text = String::from("> ");
            escape(buf, &mut text);
            script.differ(text);
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Failed> {
        self.failure().map_or(Ok(()), Err)
    }
}

impl Port for ScriptedPort {
    fn open(&mut self) -> nb::Result<(), Failed> {
        came(&self.0, Who::Scan, "open")
    }

    fn close(&mut self) {
        let mut script = self.0.borrow_mut();
        if script.due_words(Who::Scan) == Some("close") {
            script.pop();
        } else {
            script.differ("close");
        }
    }
}

/// A supervisor that returns the recorded answers.
#[derive(Debug)]
pub(super) struct ScriptedSupervisor {
    script: Shared,
    status: Option<ServiceStatus>,
    remains: Option<Remains>,
    link: Option<bool>,
}

impl ScriptedSupervisor {
    pub(super) const fn new(script: Shared) -> Self {
        Self { script, status: None, remains: None, link: None }
    }

    /// The next entry after `what`, parsed by `parse`.
    fn next<V>(&self, who: Who, what: &str, parse: impl FnOnce(&str) -> Option<V>) -> Option<V> {
        let mut script = self.script.borrow_mut();
        let value = script.due_words(who).and_then(|words| parse(words.strip_prefix(what)?))?;
        script.pop();
        Some(value)
    }

    /// The recorded value from now on, else the last one; `None`: the supervisor could not tell.
    fn stands<V>(
        &self,
        who: Who,
        what: &str,
        now: Option<V>,
        parse: impl FnOnce(&str) -> Option<V>,
    ) -> Option<V> {
        match self.next(who, what, |words| if words == WAIT { Some(Err(())) } else { parse(words).map(Ok) }) {
            Some(said) => said.ok(),
            None => now,
        }
    }
}

impl Supervisor for ScriptedSupervisor {
    type Error = Failed;

    /// The recorded status has the want that the scan restores, whichever scan found it.
    fn take(&mut self) -> nb::Result<Taken, Failed> {
        match self.next(Who::Sv, "taken ", words::parse_status) {
            Some(status) => {
                let selection = self.next(Who::Sv, "noted ", words::parse_selection);
                Ok(Taken { status, owed: Owed { want: None, selection } })
            }
            None => match came(&self.script, Who::Sv, "take") {
                Err(error) => Err(error),
                Ok(()) => Err(nb::Error::WouldBlock),
            },
        }
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), Failed> {
        came(&self.script, Who::Sv, &format!("ask {}", plain::want(want)))
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, Failed> {
        self.status = self.stands(Who::Sv, "status ", self.status, words::parse_status);
        self.status.ok_or(nb::Error::WouldBlock)
    }

    fn remains(&mut self) -> nb::Result<Remains, Failed> {
        self.remains = self.stands(Who::Sv, "remains ", self.remains, words::parse_remains);
        self.remains.ok_or(nb::Error::WouldBlock)
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), Failed> {
        came(&self.script, Who::Sv, &format!("signal {}", words::signal(signal)))
    }

    fn link_up(&mut self) -> nb::Result<bool, Failed> {
        let up = |word: &str| Some(word == "up");
        self.link = self.stands(Who::Ppp, "link ", self.link, up);
        self.link.ok_or(nb::Error::WouldBlock)
    }

    fn hand_over(&mut self) -> nb::Result<(), Failed> {
        came(&self.script, Who::Sv, "hand over")
    }

    fn release(&mut self) -> nb::Result<(), Failed> {
        came(&self.script, Who::Sv, "release")
    }
}
