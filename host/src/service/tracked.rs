//! The processes of a service, noted while their descent can still be seen, and who holds its port.

use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use cellscan_core::supervisor::{Remains, Signal};

use super::openings::Openings;
use crate::process::{self, Proc, Stat};

/// Processes that are noted at most; a `pppd` with its scripts has about five.
const NOTED_MAX: usize = 512;
/// Strangers whose end is waited for at most. One is enough to be in the way.
const STRANGERS_MAX: usize = 8;

/// What is noted of one service.
#[derive(Debug, Default)]
pub(crate) struct Tracked {
    noted: Vec<Proc>,
    strangers: Vec<Proc>,
    port: Option<PathBuf>,
    device: Option<u64>,
    /// Device and inode of the service directory.
    dir: Option<(u64, u64)>,
    told_of_holes: bool,
    openings: Openings,
    /// The last look found nobody.
    free: bool,
}

impl Tracked {
    pub(crate) fn new(port: Option<PathBuf>, dir: Option<(u64, u64)>) -> Self {
        let mut tracked = Self { port, dir, ..Self::default() };
        tracked.find_device();
        tracked
    }

    /// The port that the service uses, as given or as found.
    pub(crate) fn port(&self) -> Option<&Path> {
        self.port.as_deref()
    }

    /// Notes one process; one that is known or gone already is left as it is.
    pub(crate) fn note(&mut self, proc: Proc) {
        self.free = false;
        self.prune();
        let known = self.noted.iter().any(|noted| noted.pid() == proc.pid());
        if !known && self.noted.len() < NOTED_MAX {
            log::debug!("process {} ({}) belongs to the service", proc.pid(), proc.comm());
            self.noted.push(proc);
        }
    }

    /// Notes the process that a status record names, if it is the supervisor's child or works in the service's
    /// directory: a record may name anybody, and who is noted may be signalled.
    pub(crate) fn note_service(&mut self, pid: NonZeroU32, supervisor: Option<NonZeroU32>) {
        if self.noted.iter().any(|noted| noted.pid() == pid && !noted.is_gone()) {
            return;
        }
        let Ok(Some(proc)) = Proc::open(pid) else { return };
        let parent = Stat::of(pid).and_then(|stat| NonZeroU32::new(stat.parent));
        let child = supervisor.is_some() && parent == supervisor;
        if child || (self.dir.is_some() && process::working_dir(pid) == self.dir) {
            self.note(proc);
            self.note_descendants();
        } else if !proc.is_gone() {
            log::warn!("the status names process {pid} ({}), which is none of this service", proc.comm());
        }
    }

    /// Notes what descends from those noted. A child whose parent dies later is found no other way.
    pub(crate) fn note_descendants(&mut self) {
        let roots: Vec<NonZeroU32> = self.noted.iter().map(Proc::pid).collect();
        for root in roots {
            for proc in process::descendants(root) {
                self.note(proc);
            }
        }
    }

    /// Finds the port where none was given: the first that one of the noted processes holds.
    pub(crate) fn find_port(&mut self) {
        if self.port.is_none() {
            self.port = self.noted.iter().find_map(|noted| process::ports_of(noted.pid()).into_iter().next());
            self.find_device();
        }
    }

    /// A `pppd` that detached itself from its supervisor (no `nodetach`): it holds the service's port, init is its
    /// parent, and nothing that is known of the service holds that port.
    pub(crate) fn note_detached(&mut self) {
        let holders = self.holders();
        if holders.iter().any(|holder| self.is_noted(holder.pid())) {
            return;
        }
        for holder in holders {
            let orphan = Stat::of(holder.pid()).is_some_and(|stat| stat.parent == 1);
            if orphan && holder.comm() == "pppd" {
                log::warn!("pppd {} has detached itself from its supervisor", holder.pid());
                self.note(holder);
            }
        }
    }

    /// Who is left, and who holds the port.
    pub(crate) fn remains(&mut self) -> Remains {
        // Looked for before the look: who opens the port in between is seen by the next.
        if !self.openings.any_since(self.port.as_deref()) && self.free {
            return Remains::default();
        }
        self.note_descendants();
        self.strangers.clear();
        for holder in self.holders() {
            let ancestors: Vec<NonZeroU32> = self.noted.iter().map(Proc::pid).collect();
            let pid = holder.pid();
            let ours = ancestors.contains(&pid)
                || process::descends_from(pid, &ancestors)
                || (self.dir.is_some() && process::working_dir(pid) == self.dir);
            if ours {
                self.note(holder);
            } else if self.strangers.len() < STRANGERS_MAX {
                self.strangers.push(holder);
            }
        }
        self.prune();
        let remains = Remains {
            service: self.noted.first().map(Proc::pid),
            stranger: self.strangers.first().map(Proc::pid),
        };
        self.free = remains.is_free();
        remains
    }

    /// Signals all that is noted and still alive, and no one else.
    pub(crate) fn signal(&mut self, signal: Signal) -> io::Result<()> {
        self.prune();
        let mut first_error = Ok(());
        for proc in &self.noted {
            log::info!("{signal:?} to process {} ({})", proc.pid(), proc.comm());
            let sent = proc.signal(signal);
            first_error = first_error.and(sent);
        }
        first_error
    }

    /// Who holds the port now.
    pub(crate) fn holders(&mut self) -> Vec<Proc> {
        self.find_device();
        let Some(device) = self.device else { return Vec::new() };
        let holders = process::holders_of(device);
        if holders.unreadable > 0 && !self.told_of_holes {
            self.told_of_holes = true;
            log::warn!(
                "{} processes cannot be looked into: who holds the port may be hidden",
                holders.unreadable
            );
        }
        holders.processes
    }

    pub(crate) fn noted(&self) -> impl Iterator<Item = &Proc> {
        self.noted.iter()
    }

    /// Forgets those that have ended, so that their descriptors wake nobody again.
    pub(crate) fn prune(&mut self) {
        self.noted.retain(|proc| !proc.is_gone());
        self.strangers.retain(|proc| !proc.is_gone());
    }

    pub(crate) fn wake_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.noted.iter().chain(&self.strangers).filter_map(Proc::fd).chain(self.openings.fd())
    }

    fn is_noted(&self, pid: NonZeroU32) -> bool {
        self.noted.iter().any(|noted| noted.pid() == pid)
    }

    /// The number is looked up anew each time, and kept while the device is away: who held it then still does.
    fn find_device(&mut self) {
        let Some(meta) = self.port.as_ref().and_then(|port| fs::metadata(port).ok()) else { return };
        if meta.file_type().is_char_device() {
            self.device = Some(meta.rdev());
        }
    }
}
