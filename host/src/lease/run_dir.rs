//! The directory that holds the leases, by descriptor: what was checked is what is used.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FlockOperation, Mode, OFlags, flock, fsync, open, openat, renameat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::{Lease, LeaseError};
use crate::process;
use crate::service::dir::lock_holders;

/// Bytes of a lease, at most: three paths of the longest kind.
const LEASE_LEN_MAX: u64 = 16_384;
/// Entries that are looked at. A gateway has one modem, or a few.
const ENTRIES_MAX: usize = 4_096;
/// Bits that let anybody but the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// What came of an attempt to keep scans away from something.
#[derive(Debug)]
pub enum Claim {
    /// Ours until this is dropped; `None` where there is nothing to lock.
    Ours(Option<OwnedFd>),
    /// Somebody has it already; their process, where that can be told.
    Theirs(Option<NonZeroU32>),
}

/// The directory that holds the leases: ours, no link, and writable by nobody else.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    fd: OwnedFd,
}

impl RunDir {
    /// Opens it; `None` where there is none.
    ///
    /// # Errors
    /// It is a link or no directory, belongs to or may be written by somebody else, or cannot be opened.
    pub fn open(path: &Path) -> Result<Option<Self>, LeaseError> {
        // Without a slash at its end: behind one a link would be followed.
        let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.into()).components().collect();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match open(&path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(LeaseError::NotOurs { path, found: "no directory, or a symbolic link" });
            }
            Err(errno) => return Err(io_error("open", &path, errno)),
        };
        let meta = File::from(fd.try_clone().map_err(|source| at("open", &path, source))?).metadata();
        let meta = meta.map_err(|source| at("look at", &path, source))?;
        if let Some(found) = distrusted(meta.uid(), meta.mode()) {
            return Err(LeaseError::NotOurs { path, found });
        }
        Ok(Some(Self { path, fd }))
    }

    /// Opens it, and makes it where there is none.
    ///
    /// # Errors
    /// As [`RunDir::open`]; or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, LeaseError> {
        if let Some(found) = Self::open(path)? {
            return Ok(found);
        }
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(path).map_err(|source| at("make", path, source))?;
        let gone = || at("open", path, Errno::NOENT.into());
        Self::open(path)?.ok_or_else(gone)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of all leases, sorted.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, LeaseError> {
        let entries = Dir::read_from(&self.fd).map_err(|errno| io_error("read", &self.path, errno))?;
        let mut names = Vec::new();
        for entry in entries.take(ENTRIES_MAX) {
            let entry = entry.map_err(|errno| io_error("read", &self.path, errno))?;
            let name = entry.file_name().to_string_lossy();
            if name.starts_with("lease-") {
                names.push(name.into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The lease of a service, by its directory's device and inode; `None` where there is none.
    ///
    /// # Errors
    /// As [`RunDir::read_named`].
    pub fn read(&self, identity: (u64, u64)) -> Result<Option<Lease>, LeaseError> {
        self.read_named(&file_name(identity))
    }

    /// A lease by its file name; `None` where there is none.
    ///
    /// # Errors
    /// It is a link or no file, belongs to or may be written by somebody else, cannot be read, or is no lease.
    pub fn read_named(&self, name: &str) -> Result<Option<Lease>, LeaseError> {
        let path = self.path.join(name);
        // `O_NONBLOCK`: a FIFO of that name would keep the open for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(LeaseError::NotOurs { path, found: "a symbolic link" }),
            Err(errno) => return Err(io_error("open", &path, errno)),
        };
        let meta = file.metadata().map_err(|source| at("look at", &path, source))?;
        if !meta.is_file() {
            return Err(LeaseError::NotOurs { path, found: "no file" });
        }
        if let Some(found) = distrusted(meta.uid(), meta.mode()) {
            return Err(LeaseError::NotOurs { path, found });
        }
        let mut content = Vec::new();
        file.take(LEASE_LEN_MAX + 1).read_to_end(&mut content).map_err(|source| at("read", &path, source))?;
        if content.len() as u64 > LEASE_LEN_MAX {
            let found = format!("longer than {LEASE_LEN_MAX} bytes");
            return Err(LeaseError::Content { path, found });
        }
        let lease =
            Lease::parse(&content).map_err(|found| LeaseError::Content { path: path.clone(), found })?;
        if file_name(lease.identity()) != name {
            let found = "its name is that of another service directory".to_owned();
            return Err(LeaseError::Content { path, found });
        }
        Ok(Some(lease))
    }

    /// Writes a lease in place of the one before it: beside it first, and to the disk before it has the name.
    ///
    /// # Errors
    /// There is no room, it is not allowed, or a path in it is no text.
    pub fn write(&self, lease: &Lease) -> Result<(), LeaseError> {
        let name = file_name(lease.identity());
        // One name for all: only who has claimed the service writes its lease.
        let new = format!(".{name}.new");
        let path = self.path.join(&new);
        let mut text = serde_json::to_vec(lease)
            .map_err(|error| LeaseError::Content { path: path.clone(), found: error.to_string() })?;
        text.push(b'\n');
        let _left_by_a_dead_scan = unlinkat(&self.fd, &new, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = openat(&self.fd, &new, flags, mode).map_err(|errno| io_error("make", &path, errno))?;
        let mut file = File::from(file);
        let written = file
            .write_all(&text)
            .and_then(|()| file.sync_all())
            .map_err(|source| at("write", &path, source))
            .and_then(|()| {
                let renamed = renameat(&self.fd, &new, &self.fd, &name).and_then(|()| fsync(&self.fd));
                renamed.map_err(|errno| io_error("replace", &self.path.join(&name), errno))
            });
        if written.is_err() {
            let _renamed_already = unlinkat(&self.fd, &new, AtFlags::empty());
        }
        written
    }

    /// Claims something that has no directory of its own to lock.
    ///
    /// # Errors
    /// The file to lock cannot be made, or is no file.
    pub fn claim(&self, (dev, inode): (u64, u64)) -> Result<Claim, LeaseError> {
        self.claim_named(&format!("{dev:x}-{inode:x}"))
    }

    /// Claims something by a name.
    ///
    /// # Errors
    /// As [`RunDir::claim`].
    pub fn claim_named(&self, name: &str) -> Result<Claim, LeaseError> {
        let name = format!("claim-{name}");
        let path = self.path.join(&name);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = openat(&self.fd, &name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| io_error("make", &path, errno))?;
        match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Claim::Ours(Some(fd))),
            Err(Errno::WOULDBLOCK) => Ok(Claim::Theirs(lock_holders(&fd).first().copied())),
            Err(errno) => Err(io_error("lock", &path, errno)),
        }
    }

    /// The process that has claimed a service, by [`RunDir::claim`]; looked up only, so that looking never keeps a scan out.
    #[must_use]
    pub fn claimed_by(&self, (dev, inode): (u64, u64)) -> Option<NonZeroU32> {
        let name = format!("claim-{dev:x}-{inode:x}");
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, &name, flags, Mode::empty()).ok()?;
        let holders = lock_holders(&fd);
        let meta = File::from(fd).metadata().ok()?;
        // Inode numbers are unique on one file system only.
        let has_it = |pid: &NonZeroU32| process::has_open(*pid, (meta.dev(), meta.ino())) != Some(false);
        holders.into_iter().find(has_it)
    }

    /// Removes the lease of a service; one that is not there is none.
    ///
    /// # Errors
    /// It is not allowed.
    pub fn remove(&self, identity: (u64, u64)) -> Result<(), LeaseError> {
        let name = file_name(identity);
        match unlinkat(&self.fd, &name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(io_error("remove", &self.path.join(&name), errno)),
        }
    }
}

/// The file of a service directory, by its device and inode.
pub(super) fn file_name((dev, inode): (u64, u64)) -> String {
    format!("lease-{dev:x}-{inode:x}.json")
}

fn distrusted(uid: u32, mode: u32) -> Option<&'static str> {
    if uid != geteuid().as_raw() {
        Some("it belongs to another user")
    } else if mode & OTHERS_WRITE != 0 {
        Some("others may write to it")
    } else {
        None
    }
}

fn at(what: &'static str, path: &Path, source: std::io::Error) -> LeaseError {
    LeaseError::Io { what, path: path.into(), source }
}

fn io_error(what: &'static str, path: &Path, errno: Errno) -> LeaseError {
    at(what, path, errno.into())
}
