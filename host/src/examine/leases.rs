//! The leases that lie in the run directory, looked at without honouring or removing any.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use crate::custody::claim::claimed_by;
use crate::custody::lease::{Lease, LeaseError, RunDir};
use crate::runit::dir::ServiceDir;

/// How one lease stands.
#[derive(Debug)]
pub enum Standing {
    /// A process has the service in hand; which, where that can be told.
    Held(Option<NonZeroU32>),
    /// Who wrote it is dead, and nobody has claimed the service since.
    Orphaned,
    /// The service directory is gone, or its path means another by now.
    Stale,
}

/// One lease.
#[derive(Debug)]
pub struct Found {
    /// Its file.
    pub path: PathBuf,
    /// The lease and how it stands, or why it cannot be used.
    pub lease: Result<(Lease, Standing), LeaseError>,
}

/// All leases of a run directory; `None` where there is no such directory.
///
/// # Errors
/// The directory is not to be trusted, or cannot be read.
pub fn all(run_dir: &Path) -> Result<Option<Vec<Found>>, LeaseError> {
    let Some(dir) = RunDir::open(run_dir)? else { return Ok(None) };
    let mut found = Vec::new();
    for name in dir.names()? {
        let lease = match dir.read_named(&name) {
            // Gone since the directory was read.
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

fn standing(run_dir: &Path, lease: &Lease) -> Standing {
    if lease.is_owner_alive() {
        return Standing::Held(Some(lease.pid));
    }
    match ServiceDir::open(&lease.service) {
        Ok(service) if lease.is_of(&service) => match claimed_by(run_dir, &service) {
            Some(by) => Standing::Held(Some(by)),
            None => Standing::Orphaned,
        },
        // What may not be looked into is there; only what is gone is stale.
        Err(_) if lease.service.exists() => Standing::Orphaned,
        Ok(_) | Err(_) => Standing::Stale,
    }
}
