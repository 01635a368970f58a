//! Why a service could not be held, or guarded.

use std::io;
use std::num::NonZeroU32;
use std::path::PathBuf;

use thiserror::Error;

use super::lease::LeaseError;
use crate::link::LinkError;
use crate::runit::RunitError;
use crate::service::ServiceError;

/// Why the service could not be taken, asked, seen or released.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CustodyError {
    /// The service itself.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Another scan has it.
    #[error("{}: {}", path.display(), other_scan(*by))]
    Claimed {
        /// The service directory.
        path: PathBuf,
        /// Its process, where that can be told.
        by: Option<NonZeroU32>,
    },
    /// The file that is locked for the claim is not this user's alone.
    #[error("the service cannot be claimed")]
    Claim(#[source] LeaseError),
    /// The guard could not be set up.
    #[error("the guard could not be set up")]
    Guard(#[source] GuardError),
    /// There is neither a lease on disk nor a guard: nothing would give the service back after this process's death.
    #[error("the lease could not be written, and there is no guard")]
    Lease(#[source] LeaseError),
    /// The modem was to be set to choose its carrier by itself, and is not any more.
    #[error("the modem is left as it is: {0}")]
    LeftAsItIs(&'static str),
    /// The link could not be looked at.
    #[error("the link could not be looked at")]
    Link(#[source] LinkError),
}

impl CustodyError {
    /// What `runit` itself refused, where that is the reason.
    #[must_use]
    pub const fn runit(&self) -> Option<&RunitError> {
        if let Self::Service(ServiceError::Runit(error)) = self { Some(error) } else { None }
    }
}

/// Why there is no guard.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GuardError {
    /// It could not be started; for this program itself `/proc` has to be mounted.
    #[error("cannot start {} guard", program.display())]
    Spawn {
        /// What was started.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// It did not get ready in time, or ended at once; its reason is on standard error.
    #[error("the guard did not get ready")]
    NotReady,
    /// It is no guard, or one that speaks another language.
    #[error(
        "{} is no guard of this version: found \"{}\", wanted \"{wanted}\"",
        program.display(),
        found.escape_debug()
    )]
    Stranger {
        /// What was started.
        program: PathBuf,
        /// What it said.
        found: String,
        /// What a guard says.
        wanted: String,
    },
}

fn other_scan(by: Option<NonZeroU32>) -> String {
    by.map_or_else(|| "another scan has it".to_owned(), |pid| format!("process {pid} is scanning already"))
}
