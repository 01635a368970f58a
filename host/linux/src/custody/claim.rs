//! The claim on a service: two scans at once would each take the other's "down" for what was found, and leave it so.
//!
//! | what is locked | keeps away | who can open it |
//! | --- | --- | --- |
//! | `claim-DEV-INODE` in the run directory, by `flock(2)` | scans with the same run directory | its owner: mode 0600, in a directory of the owner |
//! | `supervise/lock` of the service, by `fcntl(2)` | scans of the same user with another run directory | its owner: `runsv` makes it so |
//!
//! Neither can be had, nor waited for, by another user. The service directory itself is not locked: read access is enough for that.
//! Where one of the two cannot be had the other is enough; where neither can, that is said, and the scan goes on. `runsv` holds
//! `supervise/lock` by `flock(2)`, which knows nothing of the other kind.

use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::error::CustodyError;
use super::lease::{Claim, RunDir};
use crate::error::chain;
use crate::runit::dir::ServiceDir;
use crate::service::Subject;

/// What is to be claimed.
#[derive(Clone, Copy, Debug)]
pub struct Claimable<'a> {
    /// The service directory; without a supervisor the port.
    pub path: &'a Path,
    /// Its device and inode, where that can be told.
    pub identity: Option<(u64, u64)>,
    /// It, opened, where there is one that may be looked into.
    pub dir: Option<&'a ServiceDir>,
}

/// A claim, until it is dropped or the process ends.
#[derive(Debug)]
pub struct ServiceClaim {
    _in_run_dir: Option<OwnedFd>,
    _at_supervisor: Option<OwnedFd>,
    contested: bool,
}

impl<'a> Claimable<'a> {
    /// A service that was opened.
    #[must_use]
    pub const fn of(subject: &Subject<'a>) -> Self {
        Self { path: subject.path, identity: subject.identity, dir: subject.dir }
    }

    /// Claims it for a scan of this process.
    ///
    /// # Errors
    /// Another scan has it, or the file to lock is not this user's alone.
    pub fn claim(
        self,
        run_dir: Option<&Path>,
        notes: &mut Vec<String>,
    ) -> Result<ServiceClaim, CustodyError> {
        let claimed = |by| CustodyError::Claimed { path: self.path.into(), by };
        let opened = run_dir.map(RunDir::create).transpose();
        let (in_run_dir, why) = match opened.map(|run| run.zip(self.identity)) {
            Ok(Some((run, identity))) => match run.claim(identity) {
                Ok(Claim::Ours(file)) => (Some(file), None),
                Ok(Claim::Theirs(by)) => return Err(claimed(by)),
                // It was made by this user and opened to others since: which process locks it then is not known.
                Err(error) if error.is_distrust() => return Err(CustodyError::Claim(error)),
                Err(error) => (None, Some(error)),
            },
            Ok(None) => (None, None),
            Err(error) => (None, Some(error)),
        };
        let at_supervisor = match self.dir.map(ServiceDir::claim) {
            Some(Err(by)) => return Err(claimed(Some(by))),
            Some(Ok(file)) => file,
            None => None,
        };
        if let (Some(why), None) = (why, &at_supervisor) {
            notes.push(format!("a second scan of this service is not kept away: {}", chain(&why)));
        }
        Ok(ServiceClaim { _in_run_dir: in_run_dir, _at_supervisor: at_supervisor, contested: false })
    }

    /// The same for the process that gives it back after a scan, which is never kept from that: what cannot be claimed is given back
    /// all the same.
    ///
    /// # Errors
    /// A process of this user has it.
    pub fn claim_to_give_back(self, run: Option<&RunDir>) -> Result<ServiceClaim, NonZeroU32> {
        let (in_run_dir, contested) = match run.zip(self.identity).map(|(run, identity)| run.claim(identity))
        {
            Some(Ok(Claim::Ours(file))) => (Some(file), false),
            Some(Ok(Claim::Theirs(Some(by)))) => return Err(by),
            Some(Ok(Claim::Theirs(None)) | Err(_)) => (None, true),
            None => (None, false),
        };
        let at_supervisor = self.dir.map(ServiceDir::claim).transpose()?.flatten();
        Ok(ServiceClaim { _in_run_dir: in_run_dir, _at_supervisor: at_supervisor, contested })
    }
}

impl ServiceClaim {
    /// The file to lock is locked, and not by a living process of this user; or it is not this user's alone.
    #[must_use]
    pub const fn is_contested(&self) -> bool {
        self.contested
    }
}

/// The process of this user that has claimed a service; looked up only, so that looking never keeps a scan out.
#[must_use]
pub fn claimed_by(run_dir: &Path, dir: &ServiceDir) -> Option<NonZeroU32> {
    let run = RunDir::open(run_dir).ok().flatten();
    run.and_then(|run| run.claimed_by(dir.identity())).or_else(|| dir.claimed_by())
}
