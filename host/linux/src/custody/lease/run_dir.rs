//! The directory that holds the leases and the claims.

use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{Lease, LeaseError};
use crate::custody::own_dir::{OwnDir, OwnError};
use crate::locks::{self, Kind};

/// Bytes of a lease, at most: three paths of the longest kind.
const LEASE_LEN_MAX: u64 = 16_384;

/// What came of an attempt to keep scans away from something.
#[derive(Debug)]
pub enum Claim {
    /// Ours until this is dropped.
    Ours(OwnedFd),
    /// Another process has it already; which, where that can be told and it is one of this user.
    Theirs(Option<NonZeroU32>),
}

/// The directory that holds the leases: ours, no link, and writable by no other user.
#[derive(Debug)]
pub struct RunDir(OwnDir);

impl RunDir {
    /// Opens it; `None` where there is none.
    ///
    /// # Errors
    /// It is a link or no directory, belongs to or may be written by another user, or cannot be opened.
    pub fn open(path: &Path) -> Result<Option<Self>, LeaseError> {
        Ok(OwnDir::open(path)?.map(Self))
    }

    /// Opens it, and makes it where there is none.
    ///
    /// # Errors
    /// As [`RunDir::open`]; or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, LeaseError> {
        Ok(Self(OwnDir::create(path)?))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The names of all leases, sorted.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, LeaseError> {
        Ok(self.0.names("lease-")?)
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
    /// It is a link or no file, belongs to or may be written by another user, cannot be read, or is no lease.
    pub fn read_named(&self, name: &str) -> Result<Option<Lease>, LeaseError> {
        let Some(content) = self.0.read(name, LEASE_LEN_MAX)? else { return Ok(None) };
        let path = self.path().join(name);
        let lease =
            Lease::parse(&content).map_err(|found| LeaseError::Content { path: path.clone(), found })?;
        if file_name(lease.identity()) != name {
            let found = "its name is that of another service directory".to_owned();
            return Err(LeaseError::Content { path, found });
        }
        Ok(Some(lease))
    }

    /// Writes a lease in place of the one before it. Only who has claimed the service does.
    ///
    /// # Errors
    /// There is no room, it is not allowed, or a path in it is no text.
    pub fn write(&self, lease: &Lease) -> Result<(), LeaseError> {
        let name = file_name(lease.identity());
        let mut text = serde_json::to_vec(lease).map_err(|error| LeaseError::Content {
            path: self.path().join(&name),
            found: error.to_string(),
        })?;
        text.push(b'\n');
        // One name for all: see above.
        Ok(self.0.replace(&name, &format!(".{name}.new"), &text)?)
    }

    /// Claims a service by its device and inode, or without a supervisor its port, by a lock that ends with the answer or with
    /// the process. The file is the owner's alone: another user can neither take the claim nor wait for it.
    ///
    /// # Errors
    /// The file to lock cannot be made, or another user may have opened it.
    pub fn claim(&self, identity: (u64, u64)) -> Result<Claim, LeaseError> {
        self.claim_file(&claim_name(identity))
    }

    /// Claims something by a name.
    ///
    /// # Errors
    /// As [`RunDir::claim`].
    pub fn claim_named(&self, name: &str) -> Result<Claim, LeaseError> {
        self.claim_file(&format!("claim-{name}"))
    }

    fn claim_file(&self, name: &str) -> Result<Claim, LeaseError> {
        let file = self.0.lock_file(name)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Claim::Ours(file)),
            Err(Errno::WOULDBLOCK) => Ok(Claim::Theirs(locks::own_holder(&file, Kind::Flock))),
            Err(errno) => {
                Err(OwnError::Io { what: "lock", path: self.path().join(name), source: errno.into() }.into())
            }
        }
    }

    /// The process of this user that has claimed a service, by [`RunDir::claim`]; looked up only, so that looking never keeps a
    /// scan out.
    #[must_use]
    pub fn claimed_by(&self, identity: (u64, u64)) -> Option<NonZeroU32> {
        locks::own_holder(&self.0.handle(&claim_name(identity))?, Kind::Flock)
    }

    /// Removes the lease of a service; one that is not there is none.
    ///
    /// # Errors
    /// It is not allowed.
    pub fn remove(&self, identity: (u64, u64)) -> Result<(), LeaseError> {
        Ok(self.0.remove(&file_name(identity))?)
    }
}

/// The file of a service directory, by its device and inode.
pub(super) fn file_name((dev, inode): (u64, u64)) -> String {
    format!("lease-{dev:x}-{inode:x}.json")
}

fn claim_name((dev, inode): (u64, u64)) -> String {
    format!("claim-{dev:x}-{inode:x}")
}
