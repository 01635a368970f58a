//! The service that keeps `pppd` alive, and how it is asked to let go of it for a while.
//!
//! | backend | asks by | sees by |
//! | --- | --- | --- |
//! | [`native::Native`] | one byte into `supervise/control` | `supervise/status`, inotify, pidfds |
//! | [`sv::Sv`] | the `sv` program | the same files where they may be read, else `sv status` |
//! | [`unsupervised::Unsupervised`] | TERM to the `pppd` on this port; a start command | `/proc` |
//!
//! A backend knows of no claim, lease, guard or link: [`Held`](crate::custody::Held) adds those, and is what a scan sees.
//! [`locate`] finds the service and chooses; [`family`] tells its processes from others. None of them waits, and none signals
//! anything by name or by group: a service under `runsv` shares the process group of its supervisor.

use std::fmt::Debug;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cellscan_core::supervisor::{Remains, ServiceStatus, Signal, Want};

use crate::runit::RestoreMethod;
use crate::runit::dir::ServiceDir;

mod error;
pub mod family;
pub mod locate;
mod look;
pub mod native;
mod openings;
pub mod sv;
pub(crate) mod tracked;
pub mod unsupervised;

pub use error::ServiceError;
pub use native::Native;
pub use sv::Sv;
pub use unsupervised::Unsupervised;

use family::Family;

/// What is taken, as claim, lease and guard have to know it.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The service directory, all links resolved where that can be done; without a supervisor the port.
    pub path: &'a Path,
    /// Its device and inode; `None` where that cannot be told.
    pub identity: Option<(u64, u64)>,
    /// It, opened; `None` without a supervisor, and where it may not be looked into.
    pub dir: Option<&'a ServiceDir>,
    /// How it is given back after the death of this process; `None`: it cannot be.
    pub method: Option<RestoreMethod>,
    /// The port that its `pppd` uses, where known.
    pub ppp_port: Option<&'a Path>,
}

/// A service by one of the backends. What it is asked is asked again later where the answer is `WouldBlock`, and then goes on
/// where it was.
pub trait Service: Debug {
    /// Opens what is to be taken, so that it can be claimed before more of it is looked at.
    ///
    /// # Errors
    /// It is not there, or not supervised.
    fn open(&mut self) -> Result<Subject<'_>, ServiceError>;

    /// What was opened; once it is taken, with the port that was found.
    ///
    /// # Errors
    /// It is not opened.
    fn subject(&self) -> Result<Subject<'_>, ServiceError>;

    /// Notes what is found; nothing is changed. To be called once it is opened, and claimed.
    ///
    /// # Errors
    /// It is not supervised, not ours to control, or a process that is none of the service's has its port.
    fn take(&mut self) -> nb::Result<ServiceStatus, ServiceError>;

    /// Asks for what the service is to do from now on: one request each call, also where it looks unnecessary.
    ///
    /// # Errors
    /// It is not taken, or the request could not be made.
    fn ask(&mut self, want: Want) -> nb::Result<(), ServiceError>;

    /// The status as it stands now.
    ///
    /// # Errors
    /// It cannot be read.
    fn status(&mut self) -> nb::Result<ServiceStatus, ServiceError>;

    /// What is left of the service, and what holds its port.
    ///
    /// # Errors
    /// It is not taken, or that cannot be told yet.
    fn remains(&mut self) -> nb::Result<Remains, ServiceError>;

    /// Signals what is left of the service, each process by its own handle.
    ///
    /// # Errors
    /// It is not taken, or the signal could not be sent.
    fn signal(&mut self, signal: Signal) -> nb::Result<(), ServiceError>;

    /// Waits for programs that still run on behalf of earlier calls.
    ///
    /// # Errors
    /// One of them did not end in time.
    fn finish_calls(&mut self) -> nb::Result<(), ServiceError> {
        Ok(())
    }

    /// Closes what was opened and taken. Nothing is asked for.
    fn let_go(&mut self);

    /// Which processes are the service's.
    fn family(&self) -> Family;

    /// What to wait for: readable when something about the service may have changed. After each wake-up call
    /// [`Service::woken`], or the same event wakes for ever.
    fn wake_fds(&self) -> Vec<BorrowedFd<'_>>;

    /// Takes in what woke the loop, without waiting.
    fn woken(&mut self);
}

/// Device and inode of what lies at a path.
pub(crate) fn identity_at(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|meta| (meta.dev(), meta.ino()))
}
