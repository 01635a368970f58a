//! The lease: the record on disk of a service that a scan holds, for the time after the scan's death.
//!
//! The guard gives back when the scan dies. Where both are killed this is what is left: one JSON object in the
//! [run directory](RunDir), named after the service directory's device and inode. It is written when the service is taken, anew
//! whenever the scan says that something else is owed, so before the first `d`, and removed at the end of the scan. An orphaned
//! lease is honoured by the next scan of that service
//! and by `cellscan restore`. The directory is gone with a reboot, and so is what was asked of `runsv`.

use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use cellscan_core::carrier::Plmn;
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{Owed, Want};
use serde::{Deserialize, Serialize};

use super::own_dir::OwnError;
use super::registration::ModemLine;
use crate::clock::Clock;
use crate::process::Stat;
use crate::runit::RestoreMethod;
use crate::runit::dir::ServiceDir;

mod run_dir;
#[cfg(test)]
mod tests;

pub use run_dir::{Claim, RunDir};

/// Where leases are kept unless told otherwise: gone with a reboot, which restores by itself.
pub const DEFAULT_RUN_DIR: &str = "/run/cellscan";
/// Lock directories that one lease may name; a scan has two.
const LOCK_DIRS_MAX: usize = 16;

/// Words of the command that gives the service back.
const COMMAND_WORDS_MAX: usize = 256;

/// Why a lease could not be written, read or removed.
#[derive(Debug)]
#[non_exhaustive]
pub enum LeaseError {
    /// The kernel refused.
    Io {
        /// What was being done, in one verb.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// It is not as this program makes it, so another user may have written it.
    NotOurs {
        /// Which file or directory.
        path: PathBuf,
        /// What it is instead.
        found: &'static str,
    },
    /// It is no lease.
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// This process cannot be told from a later one of its number: `/proc` does not say when it started.
    NoStartTime,
}

impl From<OwnError> for LeaseError {
    fn from(error: OwnError) -> Self {
        match error {
            OwnError::Io { what, path, source } => Self::Io { what, path, source },
            OwnError::NotOurs { path, found } => Self::NotOurs { path, found },
            OwnError::TooLong { path, max } => {
                Self::Content { path, found: format!("longer than {max} bytes") }
            }
        }
    }
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, path, .. } => write!(f, "unable to {what} {}", path.display()),
            Self::NotOurs { path, found } => write!(f, "{} is not to be trusted: {found}", path.display()),
            Self::Content { path, found } => write!(f, "{} is no lease: {found}", path.display()),
            Self::NoStartTime => write!(f, "/proc does not say when this process started"),
        }
    }
}

impl std::error::Error for LeaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::NotOurs { .. } | Self::Content { .. } | Self::NoStartTime => None,
        }
    }
}

/// Where the lease is kept, and what it tells of the scan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaseOptions {
    /// The run directory.
    pub run_dir: PathBuf,
    /// Where the scan's UUCP locks are, to be removed after its death.
    pub lock_dirs: Vec<PathBuf>,
    /// Where the modem is asked to restore its registration; `None`: it is not asked.
    pub modem: Option<ModemLine>,
}

/// The want that is owed to a leased service: to one found down nothing is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LeasedWant {
    /// To run, and to be started again when it ends.
    Up,
    /// To run once.
    Once,
}

impl LeasedWant {
    /// This want; `None` for down.
    #[must_use]
    pub const fn of(want: Want) -> Option<Self> {
        match want {
            Want::Up => Some(Self::Up),
            Want::Once => Some(Self::Once),
            Want::Down => None,
        }
    }

    /// In the scan's own terms.
    #[must_use]
    pub const fn want(self) -> Want {
        match self {
            Self::Up => Want::Up,
            Self::Once => Want::Once,
        }
    }
}

/// What is known of the service that is leased, and of how its scan goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The service directory, all links resolved; without a supervisor the port.
    pub service: &'a Path,
    /// Its device and inode.
    pub identity: (u64, u64),
    /// The same of its `supervise`, where it has one.
    pub supervise: Option<(u64, u64)>,
    /// A file `down` keeps it from starting by itself.
    pub down_file: bool,
    /// How it is given back.
    pub method: &'a RestoreMethod,
    /// The port that its `pppd` uses, where known.
    pub ppp_port: Option<&'a Path>,
    /// Where the scan's UUCP locks are.
    pub lock_dirs: &'a [PathBuf],
    /// Where the modem is asked.
    pub modem: Option<&'a ModemLine>,
    /// What is owed so far.
    pub owed: Owed,
}

/// The registration of the modem that was found, as text: `automatic`, or the digits of an operator.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct LeasedSelection(Selection);

impl TryFrom<String> for LeasedSelection {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "automatic" => Ok(Self(Selection::Automatic)),
            digits => match Plmn::parse(digits.as_bytes()) {
                Ok(plmn) => Ok(Self(Selection::Manual(plmn))),
                Err(_) => Err(format!("found the registration {text:?}, wanted \"automatic\" or a PLMN")),
            },
        }
    }
}

impl From<LeasedSelection> for String {
    fn from(LeasedSelection(selection): LeasedSelection) -> Self {
        match selection {
            Selection::Automatic => "automatic".to_owned(),
            Selection::Manual(plmn) => plmn.as_str().to_owned(),
        }
    }
}

/// A lease as it is written. Keys that are not known are left to later versions.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lease {
    /// The scan that wrote it.
    pub pid: NonZeroU32,
    /// When that process started, in clock ticks since boot: a number that is used again is told by it.
    pub start_time: u64,
    /// When it was written, wall clock, for people.
    pub since_unix_s: u64,
    /// The same since boot, which no time synchronisation moves.
    pub since_boot_ms: u64,
    /// The service directory, all links resolved; without a supervisor the port.
    pub service: PathBuf,
    /// Its device.
    pub dev: u64,
    /// Its inode.
    pub inode: u64,
    /// Device and inode of its `supervise`, where it has one: a directory that was made anew around it is no other service.
    #[serde(default)]
    pub supervise: Option<(u64, u64)>,
    /// A file `down` kept it from starting by itself when it was taken: a supervisor that is started anew leaves it down.
    #[serde(default)]
    pub down_file: bool,
    /// The want that is owed; null: none.
    pub want: Option<LeasedWant>,
    /// How it is given back.
    #[serde(default, rename = "way")]
    pub method: RestoreMethod,
    /// The port that its `pppd` uses, where known.
    pub ppp_port: Option<PathBuf>,
    /// Where the scan's UUCP locks are.
    pub lock_dirs: Vec<PathBuf>,
    /// Where the modem is asked.
    #[serde(default)]
    pub modem: Option<ModemLine>,
    /// The selection that is owed to the modem; null: none.
    #[serde(default)]
    pub registration: Option<LeasedSelection>,
}

impl Lease {
    /// A lease of this process, from now on.
    ///
    /// # Errors
    /// `/proc` does not tell when this process started.
    pub fn of_this_process(terms: Terms<'_>) -> Result<Self, LeaseError> {
        let pid = NonZeroU32::new(std::process::id()).ok_or(LeaseError::NoStartTime)?;
        let start_time = Stat::of(pid).ok_or(LeaseError::NoStartTime)?.start_time;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            pid,
            start_time,
            since_unix_s: since.as_secs(),
            since_boot_ms: Clock::new().now().as_millis(),
            service: terms.service.into(),
            dev: terms.identity.0,
            inode: terms.identity.1,
            supervise: terms.supervise,
            down_file: terms.down_file,
            want: None,
            method: terms.method.clone(),
            ppp_port: terms.ppp_port.map(Into::into),
            lock_dirs: terms.lock_dirs.to_vec(),
            modem: terms.modem.cloned(),
            registration: None,
        }
        .owing(terms.owed))
    }

    /// Reads the content of a lease file; the sentence says what is wrong with it.
    ///
    /// # Errors
    /// It is no lease, or holds what no scan writes.
    pub fn parse(content: &[u8]) -> Result<Self, String> {
        let lease: Self = serde_json::from_slice(content).map_err(|error| error.to_string())?;
        if i32::try_from(lease.pid.get()).is_err() {
            return Err(format!("found process {}, wanted a process id", lease.pid));
        }
        if lease.lock_dirs.len() > LOCK_DIRS_MAX {
            let found = lease.lock_dirs.len();
            return Err(format!("found {found} lock directories, wanted {LOCK_DIRS_MAX} at most"));
        }
        if let RestoreMethod::Start { command } = &lease.method
            && !(1..=COMMAND_WORDS_MAX).contains(&command.len())
        {
            let found = command.len();
            return Err(format!("found a command of {found} words, wanted 1 to {COMMAND_WORDS_MAX}"));
        }
        let port = lease.modem.as_ref().map(|modem| &modem.port);
        let program =
            if let RestoreMethod::Sv { program, .. } = &lease.method { Some(program) } else { None };
        let paths = [&lease.service].into_iter().chain(&lease.ppp_port).chain(&lease.lock_dirs);
        let paths = paths.chain(port).chain(program);
        for path in paths {
            let text = path.to_string_lossy();
            // These are opened, and shown on a terminal.
            if !path.is_absolute() || text.chars().any(char::is_control) {
                return Err(format!("found {text:?}, wanted an absolute path without control characters"));
            }
        }
        Ok(lease)
    }

    /// Device and inode of the service directory.
    #[must_use]
    pub const fn identity(&self) -> (u64, u64) {
        (self.dev, self.inode)
    }

    /// What is owed.
    #[must_use]
    pub fn owed(&self) -> Owed {
        Owed {
            want: self.want.map(LeasedWant::want),
            selection: self.registration.map(|LeasedSelection(selection)| selection),
        }
    }

    /// The same lease while this is owed.
    #[must_use]
    pub fn owing(self, owed: Owed) -> Self {
        let want = owed.want.and_then(LeasedWant::of);
        Self { want, registration: owed.selection.map(LeasedSelection), ..self }
    }

    /// Whether it is about this directory.
    #[must_use]
    pub fn is_of(&self, dir: &ServiceDir) -> bool {
        dir.identity() == self.identity()
            || self.supervise.is_some() && self.supervise == dir.supervise_identity()
    }

    /// Whether the scan that wrote it still lives. A process that has its number by now is another.
    #[must_use]
    pub fn is_owner_alive(&self) -> bool {
        Stat::of(self.pid).is_some_and(|stat| stat.start_time == self.start_time && !stat.is_dead())
    }
}
