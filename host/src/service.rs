//! Whoever keeps `pppd` alive, and how it is asked to let go of it for a while.
//!
//! | backend | asks by | sees by |
//! | --- | --- | --- |
//! | [`native::Native`] | one byte into `supervise/control` | `supervise/status`, inotify, pidfds |
//! | [`sv::Sv`] | the `sv` program | the same files where they may be read, else `sv status` |
//! | [`unsupervised::Unsupervised`] | TERM to the `pppd` on this port; a start command | `/proc` |
//!
//! [`locate`] finds the service and chooses; [`family`] tells its processes from others. None of them waits, and none signals anything by name or by group: a
//! service under `runsv` shares the process group of its supervisor.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use cellscan_core::scan::Selection;
use cellscan_core::supervisor::{Remains, ServiceStatus, Signal, Supervisor, Want};
use rustix::io::Errno;

use crate::custody::guard::GuardError;
use crate::custody::lease::LeaseError;
use crate::link::LinkError;
use crate::runit::status::StatusError;

pub mod family;
mod held;
pub mod locate;
mod look;
pub mod native;
mod openings;

pub mod sv;
pub(crate) mod tracked;
pub mod unsupervised;

pub use held::LeaseOptions;
pub use native::Native;
pub use sv::Sv;
pub use unsupervised::Unsupervised;

/// Why the service could not be taken, asked or seen.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServiceError {
    /// There is no such service directory.
    NoService {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Several services could be meant.
    Ambiguous {
        /// All of them.
        found: Vec<PathBuf>,
    },
    /// The directory has no (or no complete) `supervise`: no `runsv` has ever run there.
    NeverSupervised {
        /// The service directory.
        path: PathBuf,
    },
    /// Nobody supervises it now.
    NotSupervised {
        /// The service directory.
        path: PathBuf,
    },
    /// The supervisor is not `runit`.
    NotRunit {
        /// The service directory.
        path: PathBuf,
        /// What its status file holds instead.
        source: StatusError,
    },
    /// A file of the supervisor's is something else, and was not opened.
    Misplaced {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it is to be.
        wanted: &'static str,
    },
    /// Another scan has it.
    Claimed {
        /// The service directory.
        path: PathBuf,
        /// Its process, where that can be told.
        by: Option<std::num::NonZeroU32>,
    },
    /// A process that is none of the service's has its port.
    PortHeld {
        /// The port.
        port: PathBuf,
        /// The process.
        by: std::num::NonZeroU32,
        /// Its name.
        name: String,
    },
    /// The supervisor does not read its commands: 64 KiB of them wait.
    ControlFull {
        /// The service directory.
        path: PathBuf,
    },
    /// The directory was deleted and made anew (a package upgrade) under its supervisor, which still obeys but whose
    /// status is no longer seen.
    Replaced {
        /// The service directory.
        path: PathBuf,
    },
    /// The service's name has come to mean another directory since it was taken.
    Renamed {
        /// The name.
        path: PathBuf,
    },
    /// It is not allowed.
    Denied {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The service is not taken.
    NotTaken,
    /// A `pppd` without a supervisor is to be replaced, and nothing is known to start it again.
    NoStartCommand,
    /// Neither `sv` nor a `busybox` with that applet is there.
    NoSvProgram,
    /// The `sv` program failed.
    Sv {
        /// The command line.
        command: String,
        /// What it said, first line.
        said: String,
        /// Its exit code; `None` when it was killed.
        code: Option<i32>,
    },
    /// The `sv` program did not end in time.
    SvSlow {
        /// The command line.
        command: String,
    },
    /// The guard could not be set up.
    Guard(GuardError),
    /// There is neither a lease on disk nor a guard: nobody would give the service back after this process's death.
    Lease(LeaseError),
    /// The file that is locked for the claim is not this user's alone.
    Claim(LeaseError),
    /// The link could not be looked at.
    Link(LinkError),
    /// The kernel refused something else.
    Io {
        /// What was being done, in one verb.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl ServiceError {
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::PermissionDenied {
            Self::Denied { path: path.into(), source }
        } else {
            Self::Io { what, path: path.into(), source }
        }
    }

    pub(crate) fn errno(what: &'static str, path: &Path, errno: Errno) -> Self {
        Self::io(what, path, errno.into())
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoService { path } => write!(f, "{}: no such service directory", path.display()),
            Self::Ambiguous { found } => {
                write!(f, "several services could be meant:")?;
                found.iter().try_for_each(|path| write!(f, " {}", path.display()))
            }
            Self::NeverSupervised { path } => {
                write!(f, "{}: never supervised, there is no complete supervise directory", path.display())
            }
            Self::NotSupervised { path } => {
                write!(f, "{}: nobody supervises it, runsv is not running", path.display())
            }
            Self::NotRunit { path, .. } => write!(f, "{}: not supervised by runit", path.display()),
            Self::Misplaced { path, found, wanted } => {
                write!(f, "{}: found {found}, wanted {wanted}; it was not opened", path.display())
            }
            Self::ControlFull { path } => {
                write!(f, "{}: the supervisor does not read its commands", path.display())
            }
            Self::Replaced { path } => {
                write!(f, "{} was replaced under its supervisor; restart its runsv", path.display())
            }
            Self::Renamed { path } => {
                write!(f, "{} means another directory than when the service was taken", path.display())
            }
            Self::Denied { path, .. } => write!(f, "{}: not allowed", path.display()),
            Self::Claimed { path, by: Some(pid) } => {
                write!(f, "{}: process {pid} is scanning already", path.display())
            }
            Self::Claimed { path, by: None } => write!(f, "{}: another scan has it", path.display()),
            Self::PortHeld { port, by, name } => write!(
                f,
                "{} is held by process {by} ({}), which is none of the service's: end it, then scan again",
                port.display(),
                name.escape_debug()
            ),
            Self::NotTaken => write!(f, "the service is not taken"),
            Self::NoStartCommand => {
                write!(f, "pppd has no supervisor here, and no start command is configured to bring it back")
            }
            Self::NoSvProgram => write!(f, "there is no sv program, and no busybox with that applet"),
            Self::Sv { command, said, code: Some(code) } => {
                write!(f, "`{command}` ended with {code}: {said}")
            }
            Self::Sv { command, said, code: None } => write!(f, "`{command}` was killed: {said}"),
            Self::SvSlow { command } => write!(f, "`{command}` did not end in time"),
            Self::Guard(_) => write!(f, "the guard could not be set up"),
            Self::Lease(_) => write!(f, "the lease could not be written, and there is no guard"),
            Self::Claim(_) => write!(f, "the service cannot be claimed"),
            Self::Link(_) => write!(f, "the link could not be looked at"),
            Self::Io { what, path, .. } => write!(f, "cannot {what} {}", path.display()),
        }
    }
}

impl std::error::Error for ServiceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotRunit { source, .. } => Some(source),
            Self::Denied { source, .. } | Self::Io { source, .. } => Some(source),
            Self::Guard(source) => Some(source),
            Self::Lease(source) | Self::Claim(source) => Some(source),
            Self::Link(source) => Some(source),
            Self::NoService { .. }
            | Self::Ambiguous { .. }
            | Self::NeverSupervised { .. }
            | Self::NotSupervised { .. }
            | Self::Misplaced { .. }
            | Self::ControlFull { .. }
            | Self::Replaced { .. }
            | Self::Renamed { .. }
            | Self::Claimed { .. }
            | Self::PortHeld { .. }
            | Self::NotTaken
            | Self::NoStartCommand
            | Self::NoSvProgram
            | Self::Sv { .. }
            | Self::SvSlow { .. } => None,
        }
    }
}

/// One of the three backends.
#[derive(Debug)]
pub enum Service {
    /// The supervisor's own files.
    Native(Native),
    /// The `sv` program.
    Sv(Sv),
    /// No supervisor.
    Unsupervised(Unsupervised),
}

macro_rules! delegate {
    ($self:ident, $backend:ident => $call:expr) => {
        match $self {
            Self::Native($backend) => $call,
            Self::Sv($backend) => $call,
            Self::Unsupervised($backend) => $call,
        }
    };
}

impl Service {
    /// What to wait for, beside the port and the signals: readable when something about the service or the link may
    /// have changed. After each wake-up call [`Service::woken`], or the same event wakes for ever.
    #[must_use]
    pub fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        delegate!(self, backend => backend.wake_fds())
    }

    /// Takes in what woke the loop, without waiting and without deciding anything.
    pub fn woken(&mut self) {
        delegate!(self, backend => backend.woken());
    }

    /// What was found at [`Supervisor::take`] or [`Supervisor::release`] that people should know, each once.
    pub fn notes(&mut self) -> Vec<String> {
        delegate!(self, backend => backend.notes())
    }

    /// The port that the service's `pppd` uses, as given or as found at [`Supervisor::take`].
    #[must_use]
    pub fn ppp_port(&self) -> Option<&Path> {
        delegate!(self, backend => backend.ppp_port())
    }
}

impl Supervisor for Service {
    type Error = ServiceError;

    fn take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        delegate!(self, backend => backend.take())
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), ServiceError> {
        delegate!(self, backend => backend.ask(want))
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        delegate!(self, backend => backend.status())
    }

    fn remains(&mut self) -> nb::Result<Remains, ServiceError> {
        delegate!(self, backend => backend.remains())
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), ServiceError> {
        delegate!(self, backend => backend.signal(signal))
    }

    fn note(&mut self, selection: Option<Selection>) {
        delegate!(self, backend => backend.note(selection));
    }

    fn noted(&self) -> Option<Selection> {
        delegate!(self, backend => backend.noted())
    }

    fn link_up(&mut self) -> nb::Result<bool, ServiceError> {
        delegate!(self, backend => backend.link_up())
    }

    fn hand_over(&mut self) -> nb::Result<(), ServiceError> {
        delegate!(self, backend => backend.hand_over())
    }

    fn release(&mut self) -> nb::Result<(), ServiceError> {
        delegate!(self, backend => backend.release())
    }
}
