//! Checks of the ports before the service is touched. Each of these problems costs an outage if it is found later.
//!
//! | found | trying again |
//! | --- | --- |
//! | a directory, a file, a device that is no tty | does not help |
//! | no such file: the modem may be away | may help |
//! | the modem's port is open in a process that does not end with the service | may help |
//! | another process has a UUCP lock on it, or none can be made | may help |
//!
//! The holders of the port of `pppd` are checked when the service is taken.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use thiserror::Error;

use super::plan::GatewayPlan;
use crate::custody::claim::claimed_by;
use crate::custody::lease::RunDir;
use crate::process::{self, Proc};
use crate::runit::dir::ServiceDir;
use crate::serial::tty::{self, NotATty};
use crate::serial::uucp::{self, LockError};
use crate::service::family::Family;

/// Why a port cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PreflightError {
    /// There is no such file.
    #[error("unable to find {}: {why}; plug the modem in, or name another port", port.display())]
    Missing {
        /// The port.
        port: PathBuf,
        /// The same in words.
        why: NotATty,
    },
    /// It is something else than a tty.
    #[error("unable to use {} as a port: {why}; name the tty of the modem", port.display())]
    NotATty {
        /// The port.
        port: PathBuf,
        /// What it is.
        why: NotATty,
    },
    /// It cannot be looked at.
    #[error("unable to use {} as a port: {why}", port.display())]
    Unknown {
        /// The port.
        port: PathBuf,
        /// What the kernel said.
        why: NotATty,
    },
    /// It may not be opened.
    #[error("unable to open {}: {why}; run it as root, or join the group of the port", port.display())]
    Denied {
        /// The port.
        port: PathBuf,
        /// What the kernel said.
        why: io::Error,
    },
    /// A process that does not end with the service has it open.
    #[error(
        "unable to use {}: process {pid} ({name}) has it open, and does not end with the service of pppd; end it, and try \
         again",
        port.display()
    )]
    Held {
        /// The port.
        port: PathBuf,
        /// The process.
        pid: std::num::NonZeroU32,
        /// Its name.
        name: String,
    },
    /// A process that does not end with the service has locked it, or no lock can be made.
    #[error("unable to lock {}: {why}; {remedy}", port.display())]
    Locked {
        /// The port.
        port: PathBuf,
        /// The lock.
        why: LockError,
        /// What can be done about it.
        remedy: &'static str,
    },
}

impl PreflightError {
    /// Whether trying again does not help.
    #[must_use]
    pub fn is_of_configuration(&self) -> bool {
        // Another user would be let in: the next attempt of this one is not.
        let no_permission = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        match self {
            Self::NotATty { .. } => true,
            Self::Denied { why, .. } => no_permission(why),
            Self::Locked { why: LockError::Io { source, .. }, .. } => no_permission(source),
            Self::Missing { .. } | Self::Unknown { .. } | Self::Held { .. } | Self::Locked { .. } => false,
        }
    }
}

/// Checks what the ports are.
///
/// # Errors
/// One of them is no tty, or the modem's port may not be opened.
pub fn ports(plan: &GatewayPlan) -> Result<(), PreflightError> {
    let modem = &plan.serial.path;
    for port in [modem, &plan.ppp_port] {
        tty::device_of(port).map_err(|why| no_tty(port, why))?;
    }
    accessat(CWD, modem, Access::READ_OK | Access::WRITE_OK, AtFlags::EACCESS)
        .map_err(|errno| PreflightError::Denied { port: modem.clone(), why: errno.into() })
}

fn no_tty(port: &Path, why: NotATty) -> PreflightError {
    let port = port.into();
    match why {
        NotATty::Missing => PreflightError::Missing { port, why },
        NotATty::Io(_) => PreflightError::Unknown { port, why },
        NotATty::Directory | NotATty::RegularFile | NotATty::OtherDevice | NotATty::OtherFile => {
            PreflightError::NotATty { port, why }
        }
    }
}

/// Checks which processes use the modem's port. `service` is the service directory, if there is a supervisor.
///
/// # Errors
/// A process that does not end with the service has the port open, or has locked it.
pub fn users(plan: &GatewayPlan, service: Option<&Path>) -> Result<(), PreflightError> {
    // Another scan has port and lock. The claim on the service names it.
    if is_claimed(plan, service) {
        return Ok(());
    }
    let port = plan.serial.path.as_path();
    let family = Family::new(service, Some(&plan.ppp_port));
    let number = |port: &Path| port.metadata().ok().map(|meta| meta.rdev());
    let is_shared = number(port) == number(&plan.ppp_port);
    if !is_shared && let Some(stranger) = number(port).and_then(|device| stranger_on(device, &family)) {
        let (pid, name) = (stranger.pid(), stranger.comm().to_owned());
        return Err(PreflightError::Held { port: port.into(), pid, name });
    }
    let real = port.canonicalize().ok();
    let names: Vec<&Path> = std::iter::once(port).chain(real.as_deref()).collect();
    for lock in uucp::obstacles(&plan.serial.lock_dirs, &names) {
        let remedy = match &lock {
            LockError::Held { pid, .. } if is_of(&family, *pid) => continue,
            LockError::Held { .. } => "which does not end with the service of pppd; end it, and try again",
            // It may belong to a pppd that has just been started.
            LockError::Unreadable { .. } if is_shared => continue,
            LockError::Unreadable { .. } => "try again, and remove it if it stays",
            LockError::Io { .. } => "run it as root, or name another directory of locks",
        };
        return Err(PreflightError::Locked { port: port.into(), why: lock, remedy });
    }
    Ok(())
}

fn is_claimed(plan: &GatewayPlan, service: Option<&Path>) -> bool {
    if let Some(dir) = service {
        return ServiceDir::open(dir).is_ok_and(|dir| claimed_by(&plan.run_dir, &dir).is_some());
    }
    // Without a supervisor the claim is on the port, in the run directory.
    let identity = plan.ppp_port.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    let run = RunDir::open(&plan.run_dir).ok().flatten();
    run.zip(identity).is_some_and(|(run, identity)| run.claimed_by(identity).is_some())
}

fn is_of(family: &Family, pid: i32) -> bool {
    u32::try_from(pid).ok().and_then(std::num::NonZeroU32::new).is_some_and(|pid| family.has(pid))
}

/// A process that has the device open and does not end with the service. The check runs twice: a process that is being
/// started has, for a moment, all descriptors of its parent.
fn stranger_on(device: u64, family: &Family) -> Option<Proc> {
    let strangers = || {
        let mut holders = process::holders_of(device).processes;
        holders.retain(|holder| !family.has(holder.pid()) && !holder.is_gone());
        holders
    };
    let first = strangers();
    let same = |one: &Proc, other: &Proc| (one.pid(), one.start_time()) == (other.pid(), other.start_time());
    let second = if first.is_empty() { Vec::new() } else { strangers() };
    second.into_iter().find(|found| first.iter().any(|seen| same(seen, found)))
}
