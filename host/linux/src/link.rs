//! Whether the link is up: an interface of this service's `pppd` is there and has an address.
//!
//! `pppd` names the interface and gives it its address after IPCP, so an interface without an address is a call in
//! progress. The kernel is asked by rtnetlink (`rtnetlink(7)`): no program, no parsing of texts, and changes wake
//! the event loop.
//!
//! An exact name is trusted. A pattern such as `ppp*` also fits the interface of another modem or of a VPN, so each
//! interface that fits is attributed:
//!
//! | what is known of it | it counts |
//! | --- | --- |
//! | its pid file names a process of the service | yes |
//! | its pid file names another `pppd` that lives in this network namespace | no |
//! | it was up while the service was down and its port free | no |
//! | nothing of these | yes |

use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

mod netlink;
mod owner;

use netlink::Interface;
use owner::Owner;

/// The interfaces of `pppd`, unless another name is configured.
pub const DEFAULT_INTERFACE: &str = "ppp*";
/// Where `pppd` writes its pid files: up to 2.4 into the first or the second, from 2.5 on into the others.
pub const PID_DIRS: [&str; 4] = ["/run", "/var/run", "/run/pppd", "/var/run/pppd"];

/// Events taken in at one wake-up; the rest stays readable.
const EVENTS_MAX: usize = 256;
/// Interfaces of others that are remembered, the latest. The kernel does not use their numbers again.
const OTHERS_MAX: usize = 64;

/// Why the link could not be looked at.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// The kernel refused.
    Io {
        /// What was being done.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// The kernel did not answer within a second, or did not come to an end.
    NoAnswer,
}

impl LinkError {
    fn errno(what: &'static str, errno: Errno) -> Self {
        Self::Io { what, source: errno.into() }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, .. } => write!(f, "cannot {what}"),
            Self::NoAnswer => write!(f, "the kernel did not list its interfaces"),
        }
    }
}

impl std::error::Error for LinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::NoAnswer => None,
        }
    }
}

/// The interfaces that are the link of one service when they are up. Clones share what they know of others' interfaces.
#[derive(Clone, Debug)]
pub struct Interfaces {
    pattern: String,
    pid_dirs: Vec<PathBuf>,
    /// By their numbers, those that were up while the service was down.
    others: Arc<Mutex<Vec<u32>>>,
}

impl Interfaces {
    /// Those with this name; a `*` at its end stands for anything.
    #[must_use]
    pub fn named(pattern: impl Into<String>) -> Self {
        let pid_dirs = PID_DIRS.map(PathBuf::from).to_vec();
        Self { pattern: pattern.into(), pid_dirs, others: Arc::default() }
    }

    /// With pid files in other directories than [`PID_DIRS`].
    #[must_use]
    pub fn with_pid_dirs(mut self, dirs: Vec<PathBuf>) -> Self {
        self.pid_dirs = dirs;
        self
    }

    /// The name, or the pattern.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The names of those that are up, have an IPv4 address, or an IPv6 address that is not link-local, and are the
    /// service's. `ours` tells whether a process is; it is asked about those that pid files name.
    ///
    /// # Errors
    /// The kernel did not tell.
    pub fn up(&self, ours: &dyn Fn(NonZeroU32) -> bool) -> Result<Vec<String>, LinkError> {
        let mut up = netlink::addressed(&self.pattern)?;
        up.retain(|interface| self.is_trusted() || self.is_ours(interface, ours));
        Ok(up.into_iter().map(|interface| interface.name).collect())
    }

    /// Notes that the service is down and its port free: what is up now is another's.
    ///
    /// # Errors
    /// The kernel did not tell.
    pub fn service_is_down(&self) -> Result<(), LinkError> {
        if self.is_trusted() {
            return Ok(());
        }
        let up = netlink::addressed(&self.pattern)?;
        let mut others = self.others();
        for Interface { index, name } in up {
            if !others.contains(&index) {
                log::info!("{name} is up while the service is down: it is not its link");
                others.push(index);
            }
        }
        let superfluous = others.len().saturating_sub(OTHERS_MAX);
        others.drain(..superfluous);
        Ok(())
    }

    fn is_trusted(&self) -> bool {
        !self.pattern.ends_with('*')
    }

    fn is_ours(&self, interface: &Interface, ours: &dyn Fn(NonZeroU32) -> bool) -> bool {
        match owner::of(&self.pid_dirs, &interface.name, ours) {
            Owner::Service => true,
            Owner::Another => false,
            Owner::Unknown => !self.others().contains(&interface.index),
        }
    }

    fn others(&self) -> MutexGuard<'_, Vec<u32>> {
        // A list of numbers is whole also where a thread panicked.
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The link of one service.
#[derive(Debug)]
pub struct Link {
    /// `None`: the link is not waited for.
    watched: Option<Watched>,
}

#[derive(Debug)]
struct Watched {
    interfaces: Interfaces,
    events: OwnedFd,
}

impl Link {
    /// The link whose interface has this name; see [`Interfaces::named`].
    ///
    /// # Errors
    /// The kernel has no rtnetlink for us.
    ///
    /// ```
    /// let link = cellscan_linux::link::Link::new(cellscan_linux::link::DEFAULT_INTERFACE)?;
    /// let no_process_is_ours = |_| false;
    /// let _up: bool = link.is_up(&no_process_is_ours)?;
    /// # Ok::<(), cellscan_linux::link::LinkError>(())
    /// ```
    pub fn new(pattern: &str) -> Result<Self, LinkError> {
        Self::of(Interfaces::named(pattern))
    }

    /// The link that is up when one of these is.
    ///
    /// # Errors
    /// As [`Link::new`].
    pub fn of(interfaces: Interfaces) -> Result<Self, LinkError> {
        Ok(Self { watched: Some(Watched { interfaces, events: netlink::events()? }) })
    }

    /// No link to wait for: it always counts as up.
    #[must_use]
    pub const fn none() -> Self {
        Self { watched: None }
    }

    /// Whether one of its interfaces is up; see [`Interfaces::up`].
    ///
    /// # Errors
    /// The kernel did not tell.
    pub fn is_up(&self, ours: &dyn Fn(NonZeroU32) -> bool) -> Result<bool, LinkError> {
        let Some(watched) = &self.watched else { return Ok(true) };
        Ok(!watched.interfaces.up(ours)?.is_empty())
    }

    /// Readable when an interface or an address came or went.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.watched.as_ref().map(|watched| watched.events.as_fd())
    }

    /// Takes in what woke the loop; the events only say that something changed. Returns whether there was one.
    pub fn woken(&mut self) -> bool {
        let Some(watched) = &self.watched else { return false };
        let mut buf = [0; 4_096];
        for number in 0..EVENTS_MAX {
            // ENOBUFS (events were lost) is one more event.
            match recv(&watched.events, &mut buf, RecvFlags::DONTWAIT) {
                Ok(_) | Err(Errno::NOBUFS | Errno::INTR) => {}
                Err(_) => return number > 0,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
