//! Why what `runit` keeps could not be read, or written to.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use thiserror::Error;

use super::status::StatusError;

/// Why a service directory could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunitError {
    /// There is no such service directory.
    #[error("{}: no such service directory", path.display())]
    NoService {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The directory has no (or no complete) `supervise`: no `runsv` has ever run there.
    #[error("{}: never supervised, there is no complete supervise directory", path.display())]
    NeverSupervised {
        /// The service directory.
        path: PathBuf,
    },
    /// No `runsv` reads its FIFOs now.
    #[error("{}: nobody supervises it, runsv is not running", path.display())]
    NotSupervised {
        /// The service directory.
        path: PathBuf,
    },
    /// The supervisor is not `runit`.
    #[error("{}: not supervised by runit", path.display())]
    NotRunit {
        /// The service directory.
        path: PathBuf,
        /// What its status file holds instead.
        source: StatusError,
    },
    /// A file of the supervisor's is something else, and was not opened.
    #[error("{}: found {found}, wanted {wanted}; it was not opened", path.display())]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it is to be.
        wanted: &'static str,
    },
    /// The supervisor does not read its commands: 64 KiB of them wait.
    #[error("{}: the supervisor does not read its commands", path.display())]
    ControlFull {
        /// The service directory.
        path: PathBuf,
    },
    /// It is not allowed.
    #[error("{}: not allowed", path.display())]
    Denied {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused something else.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was being done, in one verb.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl RunitError {
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::PermissionDenied {
            Self::Denied { path: path.into(), source }
        } else {
            Self::Io { what, path: path.into(), source }
        }
    }

    pub(super) fn errno(what: &'static str, path: &Path, errno: Errno) -> Self {
        Self::io(what, path, errno.into())
    }
}
