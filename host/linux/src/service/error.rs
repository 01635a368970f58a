//! Why a service could not be found, taken, asked or seen.

use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::runit::RunitError;

/// Why the service could not be found, taken, asked or seen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// Its directory could not be used.
    #[error(transparent)]
    Runit(#[from] RunitError),
    /// Several services could be meant.
    #[error("several services could be meant:{}", listed(found))]
    Ambiguous {
        /// All of them.
        found: Vec<PathBuf>,
    },
    /// A process that is none of the service's has its port.
    #[error(
        "{} is held by process {by} ({}), which is none of the service's: end it, then scan again",
        port.display(),
        name.escape_debug()
    )]
    PortHeld {
        /// The port.
        port: PathBuf,
        /// The process.
        by: NonZeroU32,
        /// Its name.
        name: String,
    },
    /// The directory was deleted and made anew (a package upgrade) under its supervisor, which still obeys but whose
    /// status is no longer seen.
    #[error("{} was replaced under its supervisor; restart its runsv", path.display())]
    Replaced {
        /// The service directory.
        path: PathBuf,
    },
    /// The service's name has come to mean another directory since it was taken.
    #[error("{} means another directory than when the service was taken", path.display())]
    Renamed {
        /// The name.
        path: PathBuf,
    },
    /// The service is not taken.
    #[error("the service is not taken")]
    NotTaken,
    /// A `pppd` without a supervisor is to be replaced, and nothing is known to start it again.
    #[error("pppd has no supervisor here, and no start command is configured to bring it back")]
    NoStartCommand,
    /// Neither `sv` nor a `busybox` with that applet is there.
    #[error("there is no sv program, and no busybox with that applet")]
    NoSvProgram,
    /// The `sv` program failed.
    #[error("`{command}` {}: {said}", ended(*code))]
    Sv {
        /// The command line.
        command: String,
        /// What it said, first line.
        said: String,
        /// Its exit code; `None` when it was killed.
        code: Option<i32>,
    },
    /// The `sv` program did not end in time.
    #[error("`{command}` did not end in time")]
    SvSlow {
        /// The command line.
        command: String,
    },
}

impl ServiceError {
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        RunitError::io(what, path, source).into()
    }

    pub(super) fn not_supervised(path: &Path) -> Self {
        RunitError::NotSupervised { path: path.into() }.into()
    }

    pub(super) fn no_service(path: impl Into<PathBuf>) -> Self {
        RunitError::NoService { path: path.into() }.into()
    }
}

fn listed(found: &[PathBuf]) -> String {
    let mut listed = String::new();
    for path in found {
        listed.push(' ');
        listed.push_str(&path.to_string_lossy());
    }
    listed
}

fn ended(code: Option<i32>) -> String {
    code.map_or_else(|| "was killed".to_owned(), |code| format!("ended with {code}"))
}
