//! The tty to the modem: opened by its stable name, raw, locked, and given back as it was found.
//!
//! | step | why |
//! | --- | --- |
//! | the name is resolved at every open | a USB modem that comes back may be `ttyUSB4` where it was `ttyUSB1` |
//! | UUCP lock ([`uucp`]) | keeps out a `pppd` that its supervisor starts against all plans |
//! | `O_NONBLOCK` | without carrier detect `open(2)` would block; and nothing here may block |
//! | `TIOCEXCL`, `flock(2)` | for those who do not look at lock files; the former does not bind root, the latter does |
//! | raw, 8N1, `CLOCAL`, `HUPCL` as found | the modem drops its call, or resets, when DTR falls at close |

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cellscan_core::port::Port;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, InputModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, ioctl_tiocexcl,
    ioctl_tiocnxcl, tcflush, tcgetattr, tcsetattr,
};

use crate::clock::Clock;
use crate::event_loop::wait_one;

pub mod selecting;
pub mod tty;
pub mod uucp;

use uucp::{LockError, UucpLocks};

/// How long a command may take to leave. At 9600 baud the longest of them (about 100 bytes) needs 0.1 s; a modem
/// that takes nothing for this long has stopped listening.
pub const WRITE_LIMIT: Duration = Duration::from_secs(2);
/// How long a read waits for the first byte. The driver asks `read_ready` first and never waits.
pub const READ_LIMIT: Duration = Duration::from_secs(1);

/// What a line is opened with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SerialOptions {
    /// The stable name of the device, such as `/dev/serial/by-id/…`; resolved anew at each open.
    pub path: PathBuf,
    /// Bits per second, both ways. USB modems ignore it.
    pub baud: u32,
    /// Directories of UUCP locks. Those that do not exist are left out; none at all means no lock.
    pub lock_dirs: Vec<PathBuf>,
    /// Hardware flow control (RTS/CTS). Off unless asked for: without the wires it blocks every write.
    pub flow_control: bool,
}

impl SerialOptions {
    /// The line at `path` with 115200 baud, locked in `/var/lock` and `/run/lock`, without flow control.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let lock_dirs = vec!["/var/lock".into(), "/run/lock".into()];
        Self { path: path.into(), baud: 115_200, lock_dirs, flow_control: false }
    }
}

/// What is wrong with the line.
#[derive(Debug)]
#[non_exhaustive]
pub enum SerialError {
    /// There is no such device: a wrong name, or a USB modem that is away.
    Missing {
        /// The name that was looked for.
        path: PathBuf,
    },
    /// The name leads to something that is no tty.
    NotATty {
        /// The name that was opened.
        path: PathBuf,
    },
    /// Another process has the line.
    Locked(LockError),
    /// Another process has the line, by `flock(2)` or `TIOCEXCL` (`EBUSY`).
    Busy {
        /// The name that was opened.
        path: PathBuf,
    },
    /// The device is gone, or the line was hung up; to be opened again.
    HungUp,
    /// The line is not open.
    Closed,
    /// The modem took only part of a command within [`WRITE_LIMIT`].
    WriteStalled {
        /// Bytes that left.
        written: usize,
        /// Bytes that should have.
        wanted: usize,
    },
    /// Nothing came within [`READ_LIMIT`].
    ReadTimeout,
    /// The kernel refused something else.
    Io {
        /// What was being done.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl fmt::Display for SerialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "{}: no such device", path.display()),
            Self::NotATty { path } => write!(f, "{} is no tty", path.display()),
            Self::Locked(_) => write!(f, "the line is locked"),
            Self::Busy { path } => write!(f, "{} is held by another process", path.display()),
            Self::HungUp => write!(f, "the line was hung up or its device is gone"),
            Self::Closed => write!(f, "the line is not open"),
            Self::WriteStalled { written, wanted } => {
                write!(f, "the modem took {written} of {wanted} bytes within {} s", WRITE_LIMIT.as_secs())
            }
            Self::ReadTimeout => write!(f, "no byte within {} s", READ_LIMIT.as_secs()),
            Self::Io { what, .. } => write!(f, "cannot {what}"),
        }
    }
}

impl std::error::Error for SerialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Locked(source) => Some(source),
            Self::Io { source, .. } => Some(source),
            Self::Missing { .. }
            | Self::NotATty { .. }
            | Self::Busy { .. }
            | Self::HungUp
            | Self::Closed
            | Self::WriteStalled { .. }
            | Self::ReadTimeout => None,
        }
    }
}

impl embedded_io::Error for SerialError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing { .. } => ErrorKind::NotFound,
            Self::NotATty { .. } => ErrorKind::InvalidInput,
            Self::Locked(_) | Self::Busy { .. } => ErrorKind::PermissionDenied,
            Self::HungUp => ErrorKind::BrokenPipe,
            Self::Closed => ErrorKind::NotConnected,
            Self::WriteStalled { .. } | Self::ReadTimeout => ErrorKind::TimedOut,
            Self::Io { source, .. } => {
                let kind = ErrorKind::from(source.kind());
                // A scan goes on reading after these, and nothing that the kernel refuses here is damage to bytes.
                let goes_on = matches!(kind, ErrorKind::InvalidData | ErrorKind::Interrupted);
                if goes_on { ErrorKind::Other } else { kind }
            }
        }
    }
}

/// The line to the modem; closed until [`Port::open`].
///
/// Dropping it closes it: the settings found are put back and the locks removed. Nothing is sent.
///
/// ```no_run
/// use cellscan_linux::serial::{SerialLine, SerialOptions};
/// use cellscan_core::port::Port;
/// use embedded_io::{ReadReady, Write};
///
/// let mut line = SerialLine::new(SerialOptions::new("/dev/serial/by-id/usb-SimTech-if02"));
/// nb::block!(line.open())?;
/// line.write_all(b"AT\r")?;
/// let _answered_already = line.read_ready()?;
/// line.close();
/// # Ok::<(), cellscan_linux::serial::SerialError>(())
/// ```
#[derive(Debug)]
pub struct SerialLine {
    options: SerialOptions,
    clock: Clock,
    open: Option<Open>,
}

/// The order of the fields is the order of release: the descriptor closes before the lock goes.
#[derive(Debug)]
struct Open {
    fd: OwnedFd,
    found: Termios,
    device: u64,
    _locks: UucpLocks,
}

impl SerialLine {
    /// A closed line.
    #[must_use]
    pub fn new(options: SerialOptions) -> Self {
        Self { options, clock: Clock::new(), open: None }
    }

    /// The descriptor to wait for, while the line is open.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.open.as_ref().map(|open| open.fd.as_fd())
    }

    /// The device number (`st_rdev`) of the open line.
    #[must_use]
    pub fn device(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.device)
    }

    /// The name that was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.options.path
    }

    fn try_open(&self) -> Result<Open, SerialError> {
        let path = &self.options.path;
        let missing = || SerialError::Missing { path: path.clone() };
        let real = path.canonicalize().map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                missing()
            } else {
                SerialError::Io { what: "resolve the name of the device", source }
            }
        })?;
        let locks = UucpLocks::take(&self.options.lock_dirs, &[path.as_path(), real.as_path()])
            .map_err(SerialError::Locked)?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = open(&real, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT | Errno::NODEV | Errno::NXIO => missing(),
            Errno::BUSY => SerialError::Busy { path: path.clone() },
            errno => io_error("open the device", errno),
        })?;
        let meta = File::from(fd.try_clone().map_err(|source| SerialError::Io { what: "open", source })?)
            .metadata()
            .map_err(|source| SerialError::Io { what: "look at the device", source })?;
        let found = self.tty_found(&fd, &meta)?;
        if flock(&fd, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            return Err(SerialError::Busy { path: path.clone() });
        }
        // Not every driver knows it; the UUCP lock and `flock(2)` stand in any case.
        let _refused = ioctl_tiocexcl(&fd);
        let opened = Open { fd, found, device: meta.rdev(), _locks: locks };
        if let Err(error) = self.set_up(&opened) {
            opened.restore();
            return Err(error);
        }
        Ok(opened)
    }

    fn tty_found(&self, fd: &OwnedFd, meta: &Metadata) -> Result<Termios, SerialError> {
        let not_a_tty = || SerialError::NotATty { path: self.options.path.clone() };
        if !meta.file_type().is_char_device() {
            return Err(not_a_tty());
        }
        tcgetattr(fd).map_err(|errno| match errno {
            Errno::NOTTY | Errno::INVAL => not_a_tty(),
            Errno::IO => SerialError::HungUp,
            errno => io_error("read the settings of the line", errno),
        })
    }

    fn set_up(&self, open: &Open) -> Result<(), SerialError> {
        let mut raw = open.found.clone();
        raw.make_raw();
        raw.input_modes.remove(InputModes::IXOFF | InputModes::IXANY | InputModes::INPCK);
        raw.control_modes.remove(ControlModes::CSIZE | ControlModes::PARENB | ControlModes::CSTOPB);
        raw.control_modes.insert(ControlModes::CS8 | ControlModes::CLOCAL | ControlModes::CREAD);
        raw.control_modes.set(ControlModes::CRTSCTS, self.options.flow_control);
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        raw.set_speed(self.options.baud).map_err(|errno| io_error("set the speed of the line", errno))?;
        // At once, not after draining: with flow control and a dead modem that would never end.
        tcsetattr(&open.fd, OptionalActions::Now, &raw)
            .map_err(|errno| io_error("set up the line", errno))?;
        tcflush(&open.fd, QueueSelector::IFlush).map_err(|errno| io_error("empty the line", errno))
    }

    fn opened(&self) -> Result<&Open, SerialError> {
        self.open.as_ref().ok_or(SerialError::Closed)
    }
}

impl Open {
    /// Puts back what was found. A device that is gone has nothing to put back.
    fn restore(&self) {
        // What is still unsent would hold up `close(2)` for up to 30 s (closing_wait, `setserial(8)`).
        let _gone = tcflush(&self.fd, QueueSelector::IOFlush);
        let _gone = tcsetattr(&self.fd, OptionalActions::Now, &self.found);
        let _gone = ioctl_tiocnxcl(&self.fd);
        let _gone = flock(&self.fd, FlockOperation::NonBlockingUnlock);
    }
}

fn io_error(what: &'static str, errno: Errno) -> SerialError {
    match errno {
        Errno::IO | Errno::NXIO | Errno::NODEV => SerialError::HungUp,
        errno => SerialError::Io { what, source: errno.into() },
    }
}

impl Port for SerialLine {
    /// Opens the line; never `WouldBlock`. A device that is missing is an error, since only the scan knows its
    /// budget and so when to try again. A line that is open already is closed first.
    fn open(&mut self) -> nb::Result<(), SerialError> {
        self.close();
        self.open = Some(self.try_open()?);
        Ok(())
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            open.restore();
        }
    }
}

impl Drop for SerialLine {
    fn drop(&mut self) {
        self.close();
    }
}

impl ErrorType for SerialLine {
    type Error = SerialError;
}

impl ReadReady for SerialLine {
    /// Whether a read would return at once; a hang-up counts, the read then tells.
    fn read_ready(&mut self) -> Result<bool, SerialError> {
        let fd = self.opened()?.fd.as_fd();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&now)) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(io_error("poll the line", errno)),
        }
    }
}

impl Read for SerialLine {
    /// Waits up to [`READ_LIMIT`] for the first byte. A hung-up line is an error and never `Ok(0)`.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, SerialError> {
        let fd = self.opened()?.fd.as_fd();
        if buf.is_empty() {
            return Ok(0);
        }
        for _ in 0..2 {
            match rustix::io::retry_on_intr(|| rustix::io::read(fd, &mut *buf)) {
                Ok(0) => return Err(SerialError::HungUp),
                Ok(count) => return Ok(count),
                Err(Errno::WOULDBLOCK) => {}
                Err(errno) => return Err(io_error("read from the line", errno)),
            }
            let came = wait_one(fd, PollFlags::IN, READ_LIMIT, self.clock);
            if !came.map_err(|errno| io_error("poll the line", errno))? {
                break;
            }
        }
        Err(SerialError::ReadTimeout)
    }
}

impl Write for SerialLine {
    /// Writes all of `buf`, or fails within [`WRITE_LIMIT`]: half a command in the modem's buffer is worth knowing.
    fn write(&mut self, buf: &[u8]) -> Result<usize, SerialError> {
        let fd = self.opened()?.fd.as_fd();
        let until = self.clock.now() + WRITE_LIMIT;
        let mut rest = buf;
        while !rest.is_empty() {
            let left = until.duration_since(self.clock.now());
            let stalled = SerialError::WriteStalled { written: buf.len() - rest.len(), wanted: buf.len() };
            match rustix::io::retry_on_intr(|| rustix::io::write(fd, rest)) {
                Ok(count) if count > 0 => rest = rest.get(count..).unwrap_or_default(),
                Ok(_) | Err(Errno::WOULDBLOCK) => {
                    let room = wait_one(fd, PollFlags::OUT, left, self.clock);
                    if left.is_zero() || !room.map_err(|errno| io_error("poll the line", errno))? {
                        return Err(stalled);
                    }
                }
                Err(errno) => return Err(io_error("write to the line", errno)),
            }
        }
        Ok(buf.len())
    }

    /// Nothing is kept back here. `tcdrain(3)` is not called: with flow control and a dead modem it never returns.
    fn flush(&mut self) -> Result<(), SerialError> {
        self.opened().map(|_| ())
    }
}

#[cfg(test)]
mod tests;
