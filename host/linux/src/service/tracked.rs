//! The processes of a service and who has its port: looks at `/proc` for [`cellscan_custody::port`], and handles on what
//! those found.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cellscan_core::supervisor::{Remains, Signal};
use cellscan_core::time::Instant;
use cellscan_custody::port::{Id, Opened, Port, Verdict};

use super::ServiceError;
use super::look::{self, Pass};
use super::openings::Openings;
use crate::clock::Clock;
use crate::process::{self, Proc, Stat};

/// Looks in one call, at most: two agree at once unless processes of unknown descent come and go.
const LOOKS_MAX: u32 = 6;
/// How long a port that was proven free is believed to be so without another look, at most. An `open(2)` ends that at once; this is
/// for what makes no event: the same device under another node, a descriptor passed through a socket.
const BELIEVED: Duration = Duration::from_secs(5);
/// Processes whose end is waited for at most. One is enough to be in the way.
const HANDLES_MAX: usize = 64;

/// What is known of one service.
#[derive(Debug)]
pub(crate) struct Tracked {
    port: Port,
    /// Of what is left and of strangers.
    handles: BTreeMap<Id, Proc>,
    path: Option<PathBuf>,
    device: Option<u64>,
    openings: Openings,
    clock: Clock,
    /// The port was proven free then.
    free: Option<Instant>,
    told_of_holes: bool,
}

impl Tracked {
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        let mut tracked = Self {
            port: Port::default(),
            handles: BTreeMap::new(),
            path,
            device: None,
            openings: Openings::default(),
            clock: Clock::new(),
            free: None,
            told_of_holes: false,
        };
        tracked.find_device();
        tracked
    }

    /// The port that the service uses, as given or as found.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Which process supervises the service. Nothing but its descendants is signalled, and it never is.
    pub(crate) fn supervised_by(&mut self, supervisor: Option<NonZeroU32>) {
        self.port.supervised_by(supervisor.map(NonZeroU32::get));
    }

    /// Notes the process that a status record names, if it is the supervisor's child: a record may name any process, and what is
    /// noted may be signalled.
    pub(crate) fn note_service(&mut self, pid: Option<NonZeroU32>, supervisor: Option<NonZeroU32>) {
        let Some(pid) = pid else { return self.port.main_is(None) };
        let Some(stat) = Stat::of(pid).filter(|stat| !stat.is_dead()) else { return };
        let id = Id { pid: pid.get(), start: stat.start_time };
        if self.port.is_member(id) {
            return self.port.main_is(Some(id));
        }
        if supervisor.is_some_and(|supervisor| supervisor.get() == stat.parent) {
            log::debug!("process {pid} ({}) is the service's", stat.comm);
            self.free = None;
            self.port.main_is(Some(id));
        } else if supervisor.is_some() {
            log::warn!("the status names process {pid} ({}), which is no child of its runsv", stat.comm);
        }
    }

    /// Before the service is touched: its port is found, and its processes are told from others'.
    ///
    /// # Errors
    /// A process that is none of the service's has the port: it would have it after the service has ended, too.
    pub(crate) fn survey_service(&mut self) -> Result<(), ServiceError> {
        self.look();
        self.find_port();
        self.survey();
        self.note_detached();
        match (self.strangers().into_iter().next(), &self.path) {
            (Some((by, name)), Some(port)) => Err(ServiceError::PortHeld { port: port.clone(), by, name }),
            (_, _) => Ok(()),
        }
    }

    /// One look: notes what descends from the service's processes as long as that can still be seen.
    pub(crate) fn look(&mut self) -> Verdict {
        let before = self.openings.since(self.path.as_deref());
        let Some(mut found) = self.pass() else { return Verdict::Unsure };
        // What may not be looked into and is the service's is taken to have the port.
        for seen in &mut found.look.processes {
            seen.holds |= found.unreadable.contains(&seen.id) && self.port.is_member(seen.id);
        }
        // What was opened meanwhile may be seen as a holder, and counts for the next look as well.
        let opened = before.max(self.openings.peek(self.path.as_deref()));
        let verdict = self.port.look(&found.look, opened);
        self.take_handles();
        verdict
    }

    /// Looks until two looks agree on who has the port, [`LOOKS_MAX`] times at most.
    fn survey(&mut self) {
        let mut before = None;
        for _ in 0..LOOKS_MAX {
            let verdict = self.look();
            let now = (self.port.remains().to_vec(), self.port.strangers().to_vec());
            if verdict == Verdict::Free || before.as_ref() == Some(&now) {
                break;
            }
            before = Some(now);
        }
    }

    /// What has the port and is none of the service's: process and name.
    fn strangers(&self) -> Vec<(NonZeroU32, String)> {
        let handles = self.port.strangers().iter().filter_map(|id| self.handles.get(id));
        handles.map(|proc| (proc.pid(), proc.comm().to_owned())).collect()
    }

    /// Finds the port where none was given: the first that one of the service's processes has open.
    fn find_port(&mut self) {
        if self.path.is_none() {
            let pids = self.port.members().filter_map(|id| NonZeroU32::new(id.pid));
            self.path = pids.into_iter().find_map(|pid| process::ports_of(pid).into_iter().next());
            self.find_device();
            self.port.forget_looks();
        }
    }

    /// A `pppd` that detached itself from its supervisor (no `nodetach`): it has the service's port, init is its parent, and no
    /// process of the service has that port.
    fn note_detached(&mut self) {
        if self.port.remains().iter().any(|id| self.has_port(*id)) {
            return;
        }
        for id in self.port.strangers().to_vec() {
            let orphan = NonZeroU32::new(id.pid).and_then(Stat::of).is_some_and(|stat| stat.parent == 1);
            let is_pppd = self.handles.get(&id).is_some_and(|proc| proc.comm() == "pppd");
            if orphan && is_pppd {
                log::warn!("pppd {} has detached itself from its supervisor", id.pid);
                self.port.adopt(id);
            }
        }
    }

    /// Takes every `pppd` that has the port for the service's, as it is without a supervisor; the first of them.
    pub(crate) fn note_pppd(&mut self) -> Option<NonZeroU32> {
        if self.is_believed_free() {
            return None;
        }
        if self.remaining().is_none() {
            self.look();
            for id in self.port.strangers().to_vec() {
                if self.handles.get(&id).is_some_and(|proc| proc.comm() == "pppd") {
                    self.port.adopt(id);
                }
            }
        }
        self.remaining()
    }

    /// What is left of the service, and what else has the port; `None` while two looks do not agree.
    pub(crate) fn remains(&mut self) -> Option<Remains> {
        if self.is_believed_free() {
            return Some(Remains::default());
        }
        for _ in 0..LOOKS_MAX {
            match self.look() {
                Verdict::Held => {
                    let stranger = self.port.strangers().first().and_then(|id| NonZeroU32::new(id.pid));
                    return Some(Remains { service: self.first_of_service(), stranger });
                }
                Verdict::Free => {
                    self.free = Some(self.clock.now());
                    return Some(Remains::default());
                }
                Verdict::Unsure => {}
            }
        }
        None
    }

    /// Signals what is left of the service, and no other process.
    pub(crate) fn signal(&mut self, signal: Signal) -> io::Result<()> {
        self.look();
        let mut first_error = Ok(());
        for id in self.port.remains() {
            let Some(proc) = self.handles.get(id) else { continue };
            log::info!("{signal:?} to process {} ({})", proc.pid(), proc.comm());
            let sent = proc.signal(signal);
            first_error = first_error.and(sent);
        }
        first_error
    }

    /// What has the port now, whosever it is.
    pub(crate) fn holders(&mut self) -> Vec<Proc> {
        self.find_device();
        let Some(device) = self.device else { return Vec::new() };
        process::holders_of(device).processes
    }

    /// The processes that are left of the service, its own first.
    pub(crate) fn noted(&self) -> impl Iterator<Item = &Proc> {
        self.port.remains().iter().filter_map(|id| self.handles.get(id))
    }

    /// Takes in what woke the loop: what was opened, and which processes have ended, so that they wake it no more.
    pub(crate) fn woken(&mut self) {
        self.openings.woken();
        self.handles.retain(|_, proc| !proc.is_gone());
    }

    pub(crate) fn wake_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.handles.values().filter_map(Proc::fd).chain(self.openings.fd())
    }

    /// It was proven free not long ago, and nothing has opened it since.
    fn is_believed_free(&mut self) -> bool {
        let believed = self.free.is_some_and(|at| self.clock.now() < at + BELIEVED);
        if !believed || self.openings.peek(self.path.as_deref()) != Opened::No {
            self.free = None;
        }
        self.free.is_some()
    }

    fn remaining(&self) -> Option<NonZeroU32> {
        let mut alive = self.noted().filter(|proc| !proc.is_gone());
        alive.next().map(Proc::pid)
    }

    fn first_of_service(&self) -> Option<NonZeroU32> {
        self.port.remains().first().and_then(|id| NonZeroU32::new(id.pid))
    }

    fn has_port(&self, id: Id) -> bool {
        let (Some(pid), Some(device)) = (NonZeroU32::new(id.pid), self.device) else { return false };
        process::has_device_open(pid, device).unwrap_or(false)
    }

    fn pass(&mut self) -> Option<Pass> {
        self.find_device();
        let found = look::pass(self.device)?;
        let hidden = found.unreadable.len();
        if hidden > 0 && !core::mem::replace(&mut self.told_of_holes, true) {
            log::warn!("{hidden} processes cannot be looked into: who holds the port may be hidden");
        }
        Some(found)
    }

    /// A handle on each process that is left, and on each stranger; those on others are let go.
    fn take_handles(&mut self) {
        let wanted: Vec<Id> =
            self.port.remains().iter().chain(self.port.strangers()).copied().take(HANDLES_MAX).collect();
        self.handles.retain(|id, _| wanted.contains(id));
        for id in wanted {
            if let (false, Some(pid)) = (self.handles.contains_key(&id), NonZeroU32::new(id.pid))
                && let Ok(Some(proc)) = Proc::open_same(pid, id.start)
            {
                self.handles.insert(id, proc);
            }
        }
    }

    /// The number is looked up anew each time, and kept while the device is away: who held it then still does.
    fn find_device(&mut self) {
        let Some(meta) = self.path.as_ref().and_then(|path| fs::metadata(path).ok()) else { return };
        if meta.file_type().is_char_device() && self.device != Some(meta.rdev()) {
            if self.device.is_some() {
                self.port.forget_looks();
            }
            self.device = Some(meta.rdev());
        }
    }
}
