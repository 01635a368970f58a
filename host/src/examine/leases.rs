//! Reads the leases in the run directory. None is handled or removed.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use crate::custody::claim::claimed_by;
use crate::custody::lease::{Lease, LeaseError, RunDir};
use crate::runit::dir::ServiceDir;

/// The state of a lease.
#[derive(Debug)]
pub enum LeaseState {
    /// A process has the service; its id, if known.
    Held(Option<NonZeroU32>),
    /// The process that wrote it is dead, and no process has claimed the service since.
    Orphaned,
    /// The service directory is gone, or its path means another directory now.
    Stale,
}

/// One lease.
#[derive(Debug)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The lease and its state, or why it cannot be used.
    pub lease: Result<(Lease, LeaseState), LeaseError>,
}

/// All leases of a run directory; `None` if the directory does not exist.
///
/// # Errors
/// The directory is not trusted, or cannot be read.
pub fn all(run_dir: &Path) -> Result<Option<Vec<Found>>, LeaseError> {
    let Some(dir) = RunDir::open(run_dir)? else { return Ok(None) };
    let mut found = Vec::new();
    for name in dir.names()? {
        let lease = match dir.read_named(&name) {
            // It was removed since the directory was read.
            Ok(None) => continue,
            Ok(Some(lease)) => {
                let standing = standing(run_dir, &lease);
                Ok((lease, standing))
            }
            Err(error) => Err(error),
        };
        found.push(Found { path: dir.path().join(&name), lease });
    }
    Ok(Some(found))
}

fn standing(run_dir: &Path, lease: &Lease) -> LeaseState {
    if lease.is_owner_alive() {
        return LeaseState::Held(Some(lease.pid));
    }
    match ServiceDir::open(&lease.service) {
        Ok(service) if lease.is_of(&service) => match claimed_by(run_dir, &service) {
            Some(by) => LeaseState::Held(Some(by)),
            None => LeaseState::Orphaned,
        },
        // A directory that may not be opened exists; only one that is gone makes the lease stale.
        Err(_) if lease.service.exists() => LeaseState::Orphaned,
        Ok(_) | Err(_) => LeaseState::Stale,
    }
}
