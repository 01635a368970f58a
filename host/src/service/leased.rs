//! The lease of a service that is taken: written before the first `d`, removed once all is as it was found.

use std::path::PathBuf;

use cellscan_core::supervisor::{ServiceStatus, Want};

use super::dir::ServiceDir;
use crate::exit::chain;
use crate::lease::{Lease, LeaseError, LeasedWant, RunDir, Terms};
use crate::serial::uucp;

/// Where the lease is kept, and what it tells of the scan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaseOptions {
    /// The run directory.
    pub run_dir: PathBuf,
    /// Where the scan's UUCP locks are, to be removed after its death.
    pub lock_dirs: Vec<PathBuf>,
}

/// The lease in hand.
#[derive(Debug)]
pub(super) struct Leased {
    dir: RunDir,
    lease: Lease,
}

impl Leased {
    pub(super) fn write(
        options: &LeaseOptions,
        service: &ServiceDir,
        want: LeasedWant,
        ppp_port: Option<&std::path::Path>,
    ) -> Result<Self, LeaseError> {
        let lease = Lease::of_this_process(Terms {
            service: service.path(),
            identity: service.identity(),
            want,
            ppp_port,
            lock_dirs: &options.lock_dirs,
        })?;
        let leased = Self { dir: RunDir::create(&options.run_dir)?, lease };
        leased.again()?;
        Ok(leased)
    }

    /// Writes it anew, after [`Leased::remove`].
    pub(super) fn again(&self) -> Result<(), LeaseError> {
        self.dir.write(&self.lease)
    }

    pub(super) fn remove(&self) -> Result<(), LeaseError> {
        self.dir.remove(self.lease.identity())
    }
}

/// What a service was meant to do before somebody died with it in hand, and a sentence on that; else what the record
/// says. To be asked with the claim in hand: whoever wrote the lease holds the service no more then, dead or not.
pub(super) fn want_before(
    options: &LeaseOptions,
    service: &ServiceDir,
    found: ServiceStatus,
) -> (Want, Option<String>) {
    let read = RunDir::open(&options.run_dir)
        .and_then(|dir| dir.map_or(Ok(None), |dir| dir.read(service.identity())));
    let lease = match read {
        Ok(Some(lease)) => lease,
        Ok(None) => return (found.want, None),
        Err(error) => {
            let note = format!("an earlier lease, if there is one, is not honoured: {}", chain(&error));
            return (found.want, Some(note));
        }
    };
    if !lease.is_owner_alive() {
        for dir in &lease.lock_dirs {
            let _none = uucp::remove_locks_of(dir, lease.pid.get().cast_signed());
        }
    }
    let want = lease.want.to_restore(found.want);
    let note = (want != found.want).then(|| {
        format!(
            "{}: process {} ended with the service in hand; it goes by what that one found, wanted {}",
            service.path().display(),
            lease.pid,
            match lease.want {
                LeasedWant::Up => "up",
                LeasedWant::Once => "once",
            }
        )
    });
    (want, note)
}
