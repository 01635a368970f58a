//! `record`, and what `scan --record` shares with it.
//!
//! ```text
//!  another program ◄──► pseudo-terminal ◄──► cellscan record ◄──► the modem's port
//!                                                  │
//!                                                  └──► FILE.atlog
//! ```

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cellscan_core::port::Port;
use cellscan_core::scan::Scanner;
use cellscan_core::time::Instant;
use embedded_io::{Read as _, ReadReady as _, Write as _};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::cli::RecordArgs;
use crate::clock::Clock;
use crate::event_loop::{self, Signals};
use crate::exit::{Exit, Fatal, chain};
use crate::plan::GatewayPlan;
use crate::recording::taped::Now;
use crate::recording::{Header, Recorder, Tape, Taped, Who, world};
use crate::report::{Reporter, console};
use crate::serial::{SerialLine, SerialOptions};

/// Bytes taken at once.
const PIECE_LEN: usize = 512;

/// Where a recording goes.
#[derive(Clone, Debug)]
pub struct To {
    /// The file.
    pub path: PathBuf,
    /// Identities are kept as they are.
    pub keep_identities: bool,
    /// Where it cannot be begun the scan goes on without it.
    pub optional: bool,
}

impl To {
    /// Makes the file. One that is there is not written over: it may be the only record of what went wrong.
    ///
    /// # Errors
    /// It is there, or cannot be made.
    pub fn create(&self) -> Result<Box<dyn Write>, Fatal> {
        let made = File::options().write(true).create_new(true).open(&self.path);
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
        Header { lines: Vec::new(), keep_identities: self.keep_identities }
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
pub fn finish(tape: Option<&Tape>, reporter: &mut Reporter) {
    if let Some(error) = tape.and_then(|tape| tape.borrow_mut().finish()) {
        reporter.warn(&format!("the recording is not whole: {error}"));
    }
}

/// Stands between another program and the modem until a signal comes.
///
/// # Errors
/// The port cannot be had, the pseudo-terminal or the recording cannot be made, or the port was lost.
pub fn run(args: &RecordArgs) -> Result<Exit, Fatal> {
    let mut signals =
        Signals::catch().map_err(|error| Fatal::system(format!("unable to catch signals: {error}")))?;
    let mut options = SerialOptions::new(&args.port);
    options.baud = args.baud;
    if !args.lock_dir.is_empty() {
        options.lock_dirs.clone_from(&args.lock_dir);
    }
    let mut line = SerialLine::new(options);
    line.open().map_err(|error| match error {
        nb::Error::Other(error) => Fatal::system(chain(&error)),
        nb::Error::WouldBlock => Fatal::system(format!("{} is not ready", args.port.display())),
    })?;
    let to = To { path: args.file.clone(), keep_identities: args.keep_identities, optional: false };
    let header = to.header().with("port", args.port.display().to_string());
    let mut recorder = Recorder::new(to.create()?, &header).map_err(|error| unable_to_begin(&error))?;
    let (master, _kept_open, name) = pseudo_terminal().map_err(|errno| {
        Fatal::system(format!("unable to make a pseudo-terminal: {}", io::Error::from(errno)))
    })?;
    let named = args.link.as_deref().map(|path| Link::make(&name, path)).transpose()?;
    let shown = named.as_ref().map_or(name.as_path(), |named| named.0.as_path());
    console::complain("record", &format!("the other program is to use {}", shown.display()));
    let clock = Clock::new();
    loop {
        let mut fds = vec![signals.as_fd(), master.as_fd()];
        fds.extend(line.fd());
        event_loop::wait(&fds, None, clock)
            .map_err(|error| Fatal::system(format!("unable to wait: {error}")))?;
        let now = clock.now();
        let ended = signals.take().is_some();
        let moved = to_modem(&master, &mut line, &mut recorder, now)
            .and_then(|()| from_modem(&mut line, &master, &mut recorder, now));
        if ended || moved.is_err() {
            let unwritten = recorder.finish();
            moved?;
            return unwritten.map_or(Ok(Exit::Done), |error| {
                Err(Fatal::system(format!("the recording is not whole: {error}")))
            });
        }
    }
}

fn to_modem(master: &OwnedFd, line: &mut SerialLine, tape: &mut Recorder, now: Instant) -> Result<(), Fatal> {
    let mut piece = [0; PIECE_LEN];
    loop {
        match rustix::io::read(master, &mut piece) {
            // `EIO`: nobody has the pseudo-terminal open, yet or any more.
            Ok(0) | Err(Errno::IO | Errno::AGAIN) => return Ok(()),
            Ok(count) => {
                let bytes = piece.get(..count).unwrap_or_default();
                line.write_all(bytes).map_err(|error| lost(&error))?;
                tape.sent(now, bytes);
            }
            Err(Errno::INTR) => {}
            Err(errno) => {
                return Err(Fatal::system(format!("the pseudo-terminal: {}", io::Error::from(errno))));
            }
        }
    }
}

fn from_modem(
    line: &mut SerialLine,
    master: &OwnedFd,
    tape: &mut Recorder,
    now: Instant,
) -> Result<(), Fatal> {
    let mut piece = [0; PIECE_LEN];
    while line.read_ready().map_err(|error| lost(&error))? {
        let count = line.read(&mut piece).map_err(|error| lost(&error))?;
        let bytes = piece.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        tape.received(now, bytes);
        // What nobody takes is lost, as on a line that nobody has open; it is in the recording.
        let _taken = rustix::io::write(master, bytes);
    }
    Ok(())
}

fn lost(error: &dyn std::error::Error) -> Fatal {
    Fatal::system(format!("the port was lost: {}", chain(error)))
}

/// The master's end, and the other one with its name; raw, so that nothing is echoed or changed between the two. The
/// other is kept open: without anybody there the master would be ready all the time, and say that nobody is.
fn pseudo_terminal() -> rustix::io::Result<(OwnedFd, OwnedFd, PathBuf)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let mut raw = tcgetattr(&master)?;
    raw.make_raw();
    tcsetattr(&master, OptionalActions::Now, &raw)?;
    let flags = rustix::fs::fcntl_getfl(&master)?;
    rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
    let other = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name.as_c_str(), other, Mode::empty())?;
    Ok((master, slave, PathBuf::from(name.to_string_lossy().into_owned())))
}

/// A link that goes with the program.
struct Link(PathBuf);

impl Link {
    fn make(name: &Path, path: &Path) -> Result<Self, Fatal> {
        symlink(name, path)
            .map_err(|error| Fatal::system(format!("unable to make the link {}: {error}", path.display())))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Somebody else may have removed it.
        let _gone = fs::remove_file(&self.0);
    }
}
