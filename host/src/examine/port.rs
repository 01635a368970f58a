//! Looks at a tty without opening it: an open may raise DTR, or take the tty from a `pppd` that is about to start.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::Who;
use crate::process;
use crate::serial::tty;
use crate::serial::uucp::{self, FoundLock};

/// The state of a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PortFacts {
    /// The name that the user gave.
    pub path: PathBuf,
    /// The resolved path; `None` if nothing exists there.
    pub real: Option<PathBuf>,
    /// Why it is no tty; `None` if it is one.
    pub not_a_tty: Option<String>,
    /// Whether this process may read and write it.
    pub accessible: bool,
    /// The processes that have it open.
    pub holders: Vec<Who>,
    /// Number of processes whose descriptors may not be read.
    pub unreadable: usize,
    /// Its UUCP locks.
    pub locks: Vec<FoundLock>,
}

impl PortFacts {
    /// Examines a port.
    #[must_use]
    pub fn of(path: &Path, lock_dirs: &[PathBuf]) -> Self {
        let real = path.canonicalize().ok();
        let meta = fs::metadata(path).ok();
        let device = meta.filter(|meta| meta.file_type().is_char_device()).map(|meta| meta.rdev());
        let holders = device.map(process::holders_of).unwrap_or_default();
        let names: Vec<&Path> = std::iter::once(path).chain(real.as_deref()).collect();
        Self {
            path: path.to_path_buf(),
            not_a_tty: tty::device_of(path).err().map(|why| why.to_string()),
            accessible: may(path, Access::READ_OK | Access::WRITE_OK),
            holders: holders.processes.iter().map(Who::from).collect(),
            unreadable: holders.unreadable,
            locks: uucp::look(lock_dirs, &names),
            real,
        }
    }

    /// The processes that have it open; `None` if none is seen, and some cannot be looked into.
    #[must_use]
    pub fn known_holders(&self) -> Option<&[Who]> {
        (!self.holders.is_empty() || self.unreadable == 0).then_some(self.holders.as_slice())
    }

    /// Whether no process is known to have it.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.holders.is_empty() && self.locks.iter().all(|lock| !lock.alive)
    }

    /// Whether the name stays the same when the modem is plugged in again: a link of udev, or a port of the board.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        let name = self.path.to_string_lossy();
        let passing = name
            .strip_prefix("/dev/tty")
            .is_some_and(|rest| rest.starts_with("USB") || rest.starts_with("ACM"));
        !passing
    }
}

/// Whether this process (the effective user) has this access to a file.
#[must_use]
pub fn may(path: &Path, access: Access) -> bool {
    accessat(CWD, path, access, AtFlags::EACCESS).is_ok()
}
