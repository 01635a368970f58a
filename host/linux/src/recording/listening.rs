//! Where a recording goes, and a scan of this gateway that is listened to.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cellscan_core::carrier::Remembered;
use cellscan_core::scan::{Policy, Scanner};
use cellscan_core::time::Instant;
use thiserror::Error;

use super::recorded::Now;
use super::recorder::LIMIT_MAX;
use super::shown::Watched;
use super::{Extent, Header, Recorded, Recorder, Shown, Tape, Who, policy, words};
use crate::audience::Audience;

/// Why a scan is not recorded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file is there, or cannot be made.
    #[error("unable to record to {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The header could not be written.
    #[error("unable to begin the recording")]
    Begin(#[source] io::Error),
}

impl RecordError {
    /// Whether trying again does not help: a file is there, which is not written over.
    #[must_use]
    pub fn is_of_configuration(&self) -> bool {
        matches!(self, Self::Create { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
    }
}

/// The name of standard output as the place of a recording.
pub const STDOUT: &str = "-";

/// Where a recording goes.
#[derive(Clone, Debug)]
pub struct To {
    /// The file, or [`STDOUT`]; `None`: it is only shown.
    pub path: Option<PathBuf>,
    /// What is kept.
    pub extent: Extent,
    /// Where it cannot be begun the scan goes on without it.
    pub optional: bool,
    /// How much of it is shown on standard error.
    pub shown: Shown,
}

impl To {
    /// Nowhere but on standard error; `None` where nothing is shown.
    #[must_use]
    pub fn show(shown: Shown) -> Option<Self> {
        let extent = Extent { limit: LIMIT_MAX, ..Extent::default() };
        (shown > Shown::Nothing).then_some(Self { path: None, extent, optional: false, shown })
    }

    /// Makes the file, for its owner alone. One that is there is not written over: it may be the only record of what went wrong.
    ///
    /// # Errors
    /// It is there, or cannot be made.
    pub fn create(&self) -> Result<Box<dyn Write>, RecordError> {
        let file = self.path.as_deref().map(Self::open).transpose()?;
        Ok(match (file, self.shown) {
            (Some(file), Shown::Nothing) => file,
            (file, shown) => Box::new(Watched::new(file, shown, io::stderr())),
        })
    }

    fn open(path: &Path) -> Result<Box<dyn Write>, RecordError> {
        if path == Path::new(STDOUT) {
            return Ok(Box::new(io::stdout()));
        }
        let made = File::options().write(true).create_new(true).mode(0o600).open(path);
        let file = made.map_err(|source| RecordError::Create { path: path.into(), source })?;
        Ok(Box::new(file))
    }

    /// What stands above the first event.
    #[must_use]
    pub const fn header(&self) -> Header {
        Header { lines: Vec::new(), extent: self.extent }
    }
}

/// A scan of this gateway is listened to.
#[derive(Debug)]
pub struct Listening {
    tape: Tape,
    now: Rc<Cell<Instant>>,
    /// What is recorded is shown while the scan goes on.
    live: bool,
}

impl Listening {
    /// Before anything is taken.
    ///
    /// # Errors
    /// The recording cannot be begun.
    pub fn begin(to: &To, port: &Path, scanner: &Scanner, now: Instant) -> Result<Self, RecordError> {
        let port = port.display().to_string();
        let header = to.header().with("port", port).with("deadlines", "as met");
        let header = of_machine(header, scanner, now);
        let recorder = Recorder::new(to.create()?, &header).map_err(RecordError::Begin)?;
        let live = to.shown > Shown::Nothing || to.path.as_deref() == Some(Path::new(STDOUT));
        Ok(Self { tape: recorder.shared(), now: Rc::new(Cell::new(Instant::ZERO)), live })
    }

    /// The scan is about to wait: who watches sees all that has happened.
    pub fn pause(&self) {
        if self.live {
            self.tape.borrow_mut().write_pending();
        }
    }

    /// The time of the step to come.
    pub fn at(&self, now: Instant) {
        self.now.set(now);
    }

    /// The scan was told something, or tells something.
    pub fn hear(&self, now: Instant, words: String) {
        self.at(now);
        self.tape.borrow_mut().said(now, Who::Scan, words);
    }

    /// To be finished.
    #[must_use]
    pub const fn tape(&self) -> &Tape {
        &self.tape
    }
}

/// A port or a service, recorded where there is a recording.
pub fn recorded<T>(inner: T, listening: Option<&Listening>) -> Recorded<T> {
    let Some(listening) = listening else { return Recorded::silent(inner) };
    let cell = Rc::clone(&listening.now);
    let now: Now = Box::new(move || cell.get());
    Recorded::new(inner, Rc::clone(&listening.tape), now)
}

/// What a replay needs to know of the machine before its scan.
#[must_use]
pub fn of_machine(header: Header, scanner: &Scanner, now: Instant) -> Header {
    let denied: Vec<String> = scanner.deny_list().iter().map(|denied| words::denied(denied, now)).collect();
    of_scan(header, scanner.policy(), scanner.remembered()).with("denied", denied.join(","))
}

/// What a replay needs to know of a scan before it begins.
#[must_use]
pub fn of_scan(header: Header, policy: &Policy, remembered: &[Remembered]) -> Header {
    let known: Vec<String> = remembered.iter().map(words::remembered).collect();
    header.with("policy", policy::words(policy)).with("remembered", known.join(","))
}

/// Writes the rest, and says so where the recording is not whole. That is no failure of the scan.
pub fn finish(tape: Option<&Tape>, audience: &mut impl Audience) {
    if let Some(error) = tape.and_then(|tape| tape.borrow_mut().finish()) {
        audience.warn(&format!("the recording is not whole: {error}"));
    }
}
