//! `record`: records the dialogue of another program with the modem, between the two.
//!
//! ```text
//!  another program ◄──► pseudo-terminal ◄──► cellscan record ◄──► the modem's port
//!                                                  │
//!                                                  └──► FILE.atlog
//! ```

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use cellscan_core::port::Port;
use cellscan_core::time::Instant;
use embedded_io::{Read as _, ReadReady as _, Write as _};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::cli::RecordArgs;
use crate::clock::Clock;
use crate::error::chain;
use crate::event_loop::{self, Signals};
use crate::exit::{Exit, Fatal};
use crate::recording::listening::{RecordError, To};
use crate::recording::{Extent, Recorder, Shown};
use crate::report::console;
use crate::serial::SerialLine;

/// Bytes per read.
const PIECE_LEN: usize = 512;

/// Passes bytes on between another program and the modem until a signal comes.
///
/// # Errors
/// The port cannot be opened or locked, the pseudo-terminal or the recording cannot be made, or the port was lost.
pub fn run(args: &RecordArgs) -> Result<Exit, Fatal> {
    let mut signals =
        Signals::catch().map_err(|error| Fatal::system(format!("unable to catch signals: {error}")))?;
    let mut line = SerialLine::new(args.line.serial(&args.port));
    line.open().map_err(|error| match error {
        nb::Error::Other(error) => Fatal::system(chain(&error)),
        nb::Error::WouldBlock => Fatal::system(format!("{} is not ready", args.port.display())),
    })?;
    let extent = Extent { keep_identities: args.keep_identities, limit: args.record_limit };
    let to = To { path: Some(args.file.clone()), extent, optional: false, shown: Shown::Nothing };
    let header = to.header().with("port", args.port.display().to_string());
    let mut recorder = Recorder::new(to.create()?, &header).map_err(RecordError::Begin)?;
    let (master, _kept_open, name) = pseudo_terminal().map_err(|errno| {
        Fatal::system(format!("unable to make a pseudo-terminal: {}", io::Error::from(errno)))
    })?;
    let named = args.link.as_deref().map(|path| Link::make(&name, path)).transpose()?;
    let shown = named.as_ref().map_or(name.as_path(), |named| named.0.as_path());
    console::complain("record", &format!("the other program is to use {}", shown.display()));
    let clock = Clock::new();
    loop {
        recorder.write_pending();
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
            // `EIO`: no process has the pseudo-terminal open, not yet or not any more.
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
        // Bytes that no process reads are lost, as on a line that no process has open; the recording has them.
        let _taken = rustix::io::write(master, bytes);
    }
    Ok(())
}

fn lost(error: &dyn std::error::Error) -> Fatal {
    Fatal::system(format!("the port was lost: {}", chain(error)))
}

/// The master's end, and the other one with its name; raw, so that neither end echoes or changes bytes. The other end is
/// kept open: without it the master would always be ready, with `EIO`.
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

/// A symbolic link that the program removes when it ends.
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
        // Another process may have removed it.
        let _gone = fs::remove_file(&self.0);
    }
}
