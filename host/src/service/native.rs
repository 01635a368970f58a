//! `runsv` spoken to directly: a byte into `supervise/control`, the record in `supervise/status`.
//!
//! No program is started, and nothing is believed but the record: `sv` says `ok` while its byte is still unread, and
//! writes none at all when the old record already says what is asked for (sv.c:control). A request counts as
//! obeyed once the record shows it; [`Supervisor::status`] is how the scan sees that.

use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use cellscan_core::scan::Selection;
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Want};

use super::ServiceError;
use super::custody::{Custody, LeaseOptions, Subject};
use super::dir::{ServiceDir, StatusIdentity, drain};
use super::family::Family;
use super::rewrites::Rewrites;
use super::status::StatusRecord;
use super::tracked::Tracked;
use crate::clock::Clock;
use crate::give_back::Way;
use crate::guard::GuardOptions;
use crate::link::Link;
use crate::process::Proc;

/// Readings of the record in one look while it is being rewritten. One request rewrites it twice.
const READS_MAX: u32 = 8;

/// What the native backend is made with.
#[derive(Debug)]
pub struct NativeOptions {
    /// The service directory; a symbolic link in `/etc/service` is fine.
    pub dir: PathBuf,
    /// The port that the service's `pppd` uses. Where it is not given it is found from what the service holds when
    /// it is taken.
    pub ppp_port: Option<PathBuf>,
    /// Whether a guard process gives the service back when this process dies, and how.
    pub guard: Option<GuardOptions>,
    /// Where a lease is kept for whoever comes after this process and its guard, if there is to be one.
    pub lease: Option<LeaseOptions>,
    /// How the link is looked at.
    pub link: Link,
}

/// A service under `runsv`.
#[derive(Debug)]
pub struct Native {
    options: NativeOptions,
    clock: Clock,
    held: Option<Box<Held>>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Held {
    dir: ServiceDir,
    _claim: OwnedFd,
    runsv: Option<Proc>,
    watch: Option<OwnedFd>,
    rewrites: Rewrites,
    /// The status file as the supervisor last left it.
    last_file: Option<StatusIdentity>,
    /// The same of a supervisor that is dead.
    left_behind: Option<StatusIdentity>,
    asked: Option<Want>,
    tracked: Tracked,
    custody: Option<Custody>,
}

impl Native {
    /// The backend for one service; nothing is touched before [`Supervisor::take`].
    #[must_use]
    pub fn new(options: NativeOptions) -> Self {
        Self { options, clock: Clock::new(), held: None, notes: Vec::new() }
    }

    /// What to wait for; see [`Service::wake_fds`](super::Service::wake_fds).
    #[must_use]
    pub fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        let mut fds: Vec<BorrowedFd<'_>> = self.options.link.fd().into_iter().collect();
        if let Some(held) = &self.held {
            fds.extend(held.watch.as_ref().map(AsFd::as_fd));
            fds.extend(held.runsv.as_ref().and_then(Proc::fd));
            fds.extend(held.tracked.wake_fds());
        }
        fds
    }

    /// Takes in what woke the loop; see [`Service::woken`](super::Service::woken).
    pub fn woken(&mut self) {
        self.options.link.woken();
        let now = self.clock;
        if let Some(held) = &mut self.held {
            held.tracked.prune();
            // What cannot be read now is an error for whoever asks for the status next.
            let _told_later = held.look(now);
        }
    }

    /// The port that the service uses; see [`Service::ppp_port`](super::Service::ppp_port).
    #[must_use]
    pub fn ppp_port(&self) -> Option<&Path> {
        let found = self.held.as_ref().and_then(|held| held.tracked.port());
        found.or(self.options.ppp_port.as_deref())
    }

    /// What people should know; see [`Service::notes`](super::Service::notes).
    pub fn notes(&mut self) -> Vec<String> {
        core::mem::take(&mut self.notes)
    }

    /// The processes known to belong to the service and still alive: id and name, the first is the service's own.
    pub fn processes(&self) -> impl Iterator<Item = (NonZeroU32, &str)> {
        let held = self.held.iter();
        held.flat_map(|held| held.tracked.noted().map(|proc| (proc.pid(), proc.comm())))
    }

    fn held(&mut self) -> Result<&mut Held, ServiceError> {
        self.held.as_deref_mut().ok_or(ServiceError::NotTaken)
    }

    fn try_take(&mut self) -> Result<(ServiceStatus, Held), ServiceError> {
        let mut held = Held::open(&self.options)?;
        let status = held.look(self.clock)?;
        if !status.supervised {
            return Err(ServiceError::NotSupervised { path: held.dir.path().into() });
        }
        held.tracked.note_descendants();
        held.tracked.find_port();
        held.tracked.note_detached();
        let subject = Subject {
            path: held.dir.path(),
            identity: Some(held.dir.identity()),
            dir: Some(&held.dir),
            way: &Way::Control,
            ppp_port: held.tracked.port(),
        };
        let (guard, lease) = (self.options.guard.as_ref(), self.options.lease.as_ref());
        let custody = Custody::begin(guard, lease, subject, status, &mut self.notes)?;
        let want = custody.found();
        held.custody = Some(custody);
        Ok((ServiceStatus { want, ..status }, held))
    }
}

impl Held {
    fn open(options: &NativeOptions) -> Result<Self, ServiceError> {
        let dir = ServiceDir::open(&options.dir)?;
        if !dir.is_supervised()? {
            return Err(ServiceError::NotSupervised { path: dir.path().into() });
        }
        let claim = dir.claim()?;
        let runsv = dir.supervisor();
        if dir.is_displaced(runsv.as_ref()) {
            return Err(ServiceError::Replaced { path: dir.path().into() });
        }
        if runsv.is_none() {
            log::warn!(
                "{}: its runsv is not found in /proc; its end will be seen late",
                dir.path().display()
            );
        }
        let watch = dir.watch();
        if let Err(error) = &watch {
            log::warn!("{}: no inotify ({error}); changes will be seen late", dir.path().display());
        }
        let tracked = Tracked::new(options.ppp_port.clone(), Some(dir.identity()));
        let watch = watch.ok();
        let last_file = dir.status_identity();
        Ok(Self {
            dir,
            _claim: claim,
            runsv,
            watch,
            rewrites: Rewrites::default(),
            last_file,
            left_behind: None,
            asked: None,
            tracked,
            custody: None,
        })
    }

    /// One level reading: events counted, the record, the supervisor, the process noted.
    fn look(&mut self, clock: Clock) -> Result<ServiceStatus, ServiceError> {
        let alive = self.dir.is_supervised()?;
        self.find_successor(alive);
        let (record, stable) = self.read()?;
        let supervised = alive && self.is_its_own();
        if supervised && let Some(pid) = record.pid {
            self.tracked.note_service(pid, self.runsv.as_ref().map(Proc::pid));
        }
        let at_rest = supervised && record.is_at_rest();
        let known = self.rewrites.foreign();
        if record.want_up {
            self.rewrites.wanted_up();
        }
        if stable {
            self.rewrites.observe(clock.now(), at_rest, self.dir.unread() == Some(0));
        }
        if self.rewrites.foreign() != known {
            log::warn!(
                "{}: somebody else has asked for {}",
                self.dir.path().display(),
                if known { "up" } else { "down" }
            );
            if let Some(custody) = &mut self.custody {
                custody.foreign_down(!known);
            }
        }
        Ok(ServiceStatus {
            supervised,
            state: record.state,
            pid: record.pid,
            want: want_of(&record, self.asked, self.rewrites.any_since_asked()),
            foreign_down: self.rewrites.foreign(),
        })
    }

    /// Whether the record was written by the supervisor that is there now: one that a dead supervisor left behind says
    /// "down", and its successor is about to start the service.
    fn is_its_own(&mut self) -> bool {
        let file = self.dir.status_identity();
        if self.left_behind.is_some() && file == self.left_behind {
            return false;
        }
        self.left_behind = None;
        if self.runsv.is_some() {
            self.last_file = file;
        }
        true
    }

    /// The record, and whether the count belongs to it: an event that comes between may be of a later record, and a
    /// foreign `u` that is counted with the record from before it would look like a foreign `d`.
    fn read(&mut self) -> Result<(StatusRecord, bool), ServiceError> {
        self.count();
        let mut record = self.dir.read_status()?;
        for _ in 0..READS_MAX {
            let counted = self.rewrites.total();
            self.count();
            if self.rewrites.total() == counted {
                return Ok((record, true));
            }
            record = self.dir.read_status()?;
        }
        Ok((record, false))
    }

    fn count(&mut self) {
        let drained = self.watch.as_ref().map(drain).unwrap_or_default();
        self.rewrites.add(drained.rewrites);
        if drained.lost {
            self.rewrites.restart();
        }
    }

    /// Notices a supervisor that died and the one that came after it, which knows nothing of what was asked of the
    /// first. `runsvdir` starts it after 3 to 6 s.
    fn find_successor(&mut self, supervised: bool) {
        if self.runsv.as_ref().is_some_and(Proc::is_gone) {
            log::warn!("{}: its runsv has died", self.dir.path().display());
            self.runsv = None;
            self.left_behind = self.last_file;
            self.asked = None;
            self.rewrites.restart();
        }
        if supervised && self.runsv.is_none() {
            self.runsv = self.dir.supervisor();
            self.rewrites.restart();
        }
    }

    /// Whether the record shows the service as it was found, or as somebody else wants it by now.
    fn is_as_found(&mut self, clock: Clock) -> bool {
        let custody = self.custody.as_ref();
        let Some(found) = custody.filter(|custody| custody.is_touched()).map(Custody::found) else {
            return true;
        };
        self.look(clock).is_ok_and(|status| {
            status.foreign_down || status.supervised && [Want::Up, found].contains(&status.want)
        })
    }

    fn ask(&mut self, want: Want) -> Result<(), ServiceError> {
        if want != Want::Down && !self.dir.is_still_named() {
            // The name has another supervisor by now, and the old one is told to exit: a `u` would make two.
            return Err(ServiceError::Renamed { path: self.dir.path().into() });
        }
        // The last moment at which the children of what is about to die can be told from strangers.
        self.tracked.note_descendants();
        self.count();
        if let (Want::Down, Some(custody)) = (want, &mut self.custody) {
            custody.touch();
        }
        self.dir.send(byte_of(want))?;
        self.asked = Some(want);
        self.rewrites.asked();
        Ok(())
    }
}

/// The record knows `u` and `d` only. A service that runs, is wanted down and was not told to end is to run once;
/// unless it was us who asked for down and a `control/t` script kept the TERM from it. `obeyed`: what we asked for
/// last has been read.
pub(crate) fn want_of(record: &StatusRecord, asked: Option<Want>, obeyed: bool) -> Want {
    let runs_on = record.state == ServiceState::Run && !record.got_term;
    match asked {
        _ if record.want_up => Want::Up,
        Some(Want::Once) if obeyed => Want::Once,
        None | Some(Want::Up) if runs_on => Want::Once,
        None | Some(Want::Up | Want::Once | Want::Down) => Want::Down,
    }
}

/// The byte that asks for it (runsv.c:ctrl).
#[must_use]
pub const fn byte_of(want: Want) -> u8 {
    match want {
        Want::Up => b'u',
        Want::Once => b'o',
        Want::Down => b'd',
    }
}

impl Supervisor for Native {
    type Error = ServiceError;

    fn take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        self.held = None;
        let (status, held) = self.try_take()?;
        self.held = Some(Box::new(held));
        Ok(status)
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), ServiceError> {
        Ok(self.held()?.ask(want)?)
    }

    /// Before [`Supervisor::take`] it is a look from outside, and never a foreign down.
    fn status(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        if let Some(held) = &mut self.held {
            return Ok(held.look(self.clock)?);
        }
        let dir = ServiceDir::open(&self.options.dir)?;
        let supervised = dir.is_supervised()?;
        let record = dir.read_status()?;
        let want = want_of(&record, None, false);
        Ok(ServiceStatus { supervised, state: record.state, pid: record.pid, want, foreign_down: false })
    }

    fn remains(&mut self) -> nb::Result<Remains, ServiceError> {
        Ok(self.held()?.tracked.remains())
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), ServiceError> {
        let held = self.held()?;
        let path = held.dir.path().to_path_buf();
        Ok(held.tracked.signal(signal).map_err(|source| ServiceError::io("signal", &path, source))?)
    }

    fn note(&mut self, selection: Option<Selection>) {
        if let Some(custody) = self.held.as_deref_mut().and_then(|held| held.custody.as_mut()) {
            custody.note(selection);
        }
    }

    fn noted(&self) -> Option<Selection> {
        self.held.as_deref()?.custody.as_ref()?.noted()
    }

    fn link_up(&mut self) -> nb::Result<bool, ServiceError> {
        let family = Family::new(Some(&self.options.dir), self.ppp_port());
        Ok(self.options.link.is_up(&|pid| family.has(pid)).map_err(ServiceError::Link)?)
    }

    /// A service that is not taken has nothing to release.
    fn release(&mut self) -> nb::Result<(), ServiceError> {
        let Some(mut held) = self.held.take() else { return Ok(()) };
        let is_as_found = held.is_as_found(self.clock);
        if let Some(custody) = held.custody {
            custody.end(is_as_found, &mut self.notes);
        }
        Ok(())
    }
}
