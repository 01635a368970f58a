//! Where a recording goes, and a scan of this gateway that is listened to.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::rc::Rc;

use cellscan_core::scan::Scanner;
use cellscan_core::time::Instant;

use super::taped::Now;
use super::{Extent, Header, Recorder, Tape, Taped, Who, world};
use crate::exit::Fatal;
use crate::plan::GatewayPlan;
use crate::report::audience::Audience;

/// Where a recording goes.
#[derive(Clone, Debug)]
pub struct To {
    /// The file.
    pub path: PathBuf,
    /// What is kept.
    pub extent: Extent,
    /// Where it cannot be begun the scan goes on without it.
    pub optional: bool,
}

impl To {
    /// Makes the file, for its owner alone. One that is there is not written over: it may be the only record of what went wrong.
    ///
    /// # Errors
    /// It is there, or cannot be made.
    pub fn create(&self) -> Result<Box<dyn Write>, Fatal> {
        let made = File::options().write(true).create_new(true).mode(0o600).open(&self.path);
        let file = made.map_err(|error| {
            let message = format!("unable to record to {}: {error}", self.path.display());
            if error.kind() == io::ErrorKind::AlreadyExists {
                Fatal::usage(message)
            } else {
                Fatal::system(message)
            }
        })?;
        Ok(Box::new(file))
    }

    /// What stands above the first event.
    #[must_use]
    pub const fn header(&self) -> Header {
        Header { lines: Vec::new(), extent: self.extent }
    }
}

/// The header could not be written.
#[must_use]
pub fn unable_to_begin(error: &io::Error) -> Fatal {
    Fatal::system(format!("unable to begin the recording: {error}"))
}

/// A scan of this gateway is listened to.
#[derive(Debug)]
pub struct Listening {
    tape: Tape,
    now: Rc<Cell<Instant>>,
}

impl Listening {
    /// Before anything is taken.
    ///
    /// # Errors
    /// The recording cannot be begun.
    pub fn begin(to: &To, plan: &GatewayPlan, scanner: &Scanner, now: Instant) -> Result<Self, Fatal> {
        let port = plan.serial.path.display().to_string();
        let header = to.header().with("port", port).with("deadlines", "as met");
        let header = world::of_machine(header, scanner, now);
        let recorder = Recorder::new(to.create()?, &header).map_err(|error| unable_to_begin(&error))?;
        Ok(Self { tape: recorder.shared(), now: Rc::new(Cell::new(Instant::ZERO)) })
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

/// A port or a service that is listened to, where somebody listens.
pub fn taped<T>(inner: T, listening: Option<&Listening>) -> Taped<T> {
    let Some(listening) = listening else { return Taped::silent(inner) };
    let cell = Rc::clone(&listening.now);
    let now: Now = Box::new(move || cell.get());
    Taped::new(inner, Rc::clone(&listening.tape), now)
}

/// Writes the rest, and says so where the recording is not whole. That is no failure of the scan.
pub fn finish(tape: Option<&Tape>, audience: &mut impl Audience) {
    if let Some(error) = tape.and_then(|tape| tape.borrow_mut().finish()) {
        audience.warn(&format!("the recording is not whole: {error}"));
    }
}
