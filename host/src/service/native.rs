//! `runsv` spoken to directly: a byte into `supervise/control`, the record in `supervise/status`.
//!
//! No program is started, and nothing is believed but the record: `sv` says `ok` while its byte is still unread, and
//! writes none at all when the old record already says what is asked for (sv.c:control). A request counts as
//! obeyed once the record shows it; [`Supervisor::status`] is how the scan sees that.

use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use cellscan_core::scan::Selection;
use cellscan_core::supervisor::{Remains, ServiceStatus, Signal, Supervisor, Want};
use cellscan_custody::Identity;
use cellscan_custody::evidence::Evidence;

use super::ServiceError;
use super::family::Family;
use super::held::{Custody, LeaseOptions, Subject};
use super::tracked::Tracked;
use crate::custody::claim::{Claimable, ServiceClaim};
use crate::custody::guard::GuardOptions;
use crate::link::Link;
use crate::process::Proc;
use crate::runit::RestoreMethod;
use crate::runit::dir::{ServiceDir, byte_of, drain, want_of};

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
    held: Option<Box<Held>>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Held {
    dir: ServiceDir,
    claim: ServiceClaim,
    runsv: Option<Proc>,
    watch: Option<OwnedFd>,
    evidence: Evidence,
    /// The status file as the supervisor last left it.
    last_file: Option<Identity>,
    /// The same of a supervisor that is dead.
    left_behind: Option<Identity>,
    tracked: Tracked,
    custody: Option<Custody>,
}

impl Native {
    /// The backend for one service; nothing is touched before [`Supervisor::take`].
    #[must_use]
    pub fn new(options: NativeOptions) -> Self {
        Self { options, held: None, notes: Vec::new() }
    }

    /// What to wait for; see [`Service::wake_fds`](super::Service::wake_fds).
    #[must_use]
    pub fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        let mut fds: Vec<BorrowedFd<'_>> = self.options.link.fd().into_iter().collect();
        if let Some(held) = &self.held {
            fds.extend(held.watch.as_ref().map(AsFd::as_fd));
            fds.extend(held.runsv.as_ref().and_then(Proc::fd));
            fds.extend(held.tracked.wake_fds());
            fds.extend(held.custody.as_ref().and_then(Custody::wake_fd));
        }
        fds
    }

    /// Takes in what woke the loop; see [`Service::woken`](super::Service::woken).
    pub fn woken(&mut self) {
        self.options.link.woken();
        if let Some(held) = &mut self.held {
            held.tracked.woken();
            if let Some(custody) = &mut held.custody {
                custody.woken(&mut self.notes);
            }
            // What cannot be read now is an error for whoever asks for the status next.
            let _told_later = held.look();
        }
    }

    /// The port that the service uses; see [`Service::ppp_port`](super::Service::ppp_port).
    #[must_use]
    pub fn ppp_port(&self) -> Option<&Path> {
        let found = self.held.as_ref().and_then(|held| held.tracked.path());
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
        let mut held = Held::open(&self.options, &mut self.notes)?;
        let status = held.look()?;
        if !status.supervised {
            return Err(ServiceError::NotSupervised { path: held.dir.path().into() });
        }
        held.tracked.survey_service()?;
        let subject = Subject {
            path: held.dir.path(),
            identity: Some(held.dir.identity()),
            dir: Some(&held.dir),
            way: &RestoreMethod::Control,
            ppp_port: held.tracked.path(),
        };
        let (guard, lease) = (self.options.guard.as_ref(), self.options.lease.as_ref());
        let custody = Custody::begin(guard, lease, subject, status, &mut self.notes)?;
        let want = custody.found();
        held.custody = Some(custody);
        Ok((ServiceStatus { want, ..status }, held))
    }
}

impl Held {
    fn open(options: &NativeOptions, notes: &mut Vec<String>) -> Result<Self, ServiceError> {
        let dir = ServiceDir::open(&options.dir)?;
        if !dir.is_supervised()? {
            return Err(ServiceError::NotSupervised { path: dir.path().into() });
        }
        let identity = Some(dir.identity());
        let claimable = Claimable { path: dir.path(), identity, dir: Some(&dir) };
        let claim = claimable.claim(options.lease.as_ref().map(|lease| lease.run_dir.as_path()), notes)?;
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
        let tracked = Tracked::new(options.ppp_port.clone());
        let watch = watch.ok();
        Ok(Self {
            dir,
            claim,
            runsv,
            watch,
            evidence: Evidence::default(),
            last_file: None,
            left_behind: None,
            tracked,
            custody: None,
        })
    }

    /// One level reading: the record, the supervisor, the process noted.
    fn look(&mut self) -> Result<ServiceStatus, ServiceError> {
        if let Some(watch) = &self.watch {
            drain(watch);
        }
        // Before anything that may fail: the end of a dead runsv would wake the loop for ever.
        self.forget_dead_runsv();
        let alive = self.dir.is_supervised()?;
        self.find_successor(alive);
        let (record, reading) = self.dir.read(self.runsv.as_ref())?;
        if !alive {
            // Its successor writes another before it obeys.
            self.left_behind = Some(reading.identity);
        }
        let supervised = alive && self.is_its_own(reading.identity);
        let runsv = self.runsv.as_ref().map(Proc::pid);
        self.tracked.supervised_by(runsv);
        if supervised {
            self.tracked.note_service(record.pid, runsv);
        }
        let known = self.evidence.foreign_down();
        if supervised {
            self.evidence.observe(reading);
        } else {
            self.evidence.restart();
        }
        let foreign_down = self.evidence.foreign_down();
        if let Some(custody) = self.custody.as_mut().filter(|_| self.evidence.given_back()) {
            custody.given_back();
        }
        if foreign_down != known {
            log::warn!(
                "{}: another client has asked for {}",
                self.dir.path().display(),
                if foreign_down { "down" } else { "up" }
            );
            if let Some(custody) = &mut self.custody {
                custody.foreign_down(foreign_down);
            }
        }
        Ok(ServiceStatus {
            supervised,
            state: record.state,
            pid: record.pid,
            want: self.evidence.want().unwrap_or_else(|| want_of(&record, None, false)),
            foreign_down,
        })
    }

    /// Whether the record was written by the supervisor that is there now: one that a dead supervisor left behind says
    /// "down", and its successor is about to start the service.
    fn is_its_own(&mut self, file: Identity) -> bool {
        if self.left_behind == Some(file) {
            return false;
        }
        self.left_behind = None;
        if self.runsv.is_some() {
            self.last_file = Some(file);
        }
        true
    }

    /// Notices a supervisor that died and the one that came after it, which knows nothing of what was asked of the
    /// first. `runsvdir` starts it after 3 to 6 s.
    fn find_successor(&mut self, supervised: bool) {
        if supervised && self.runsv.is_none() {
            self.runsv = self.dir.supervisor();
            // One that cannot be seen may be the same as before.
            if self.runsv.is_some() {
                self.evidence.restart();
            }
        }
    }

    fn forget_dead_runsv(&mut self) {
        if self.runsv.as_ref().is_some_and(Proc::is_gone) {
            log::warn!("{}: its runsv has died", self.dir.path().display());
            self.runsv = None;
            self.left_behind = self.last_file;
            self.evidence.restart();
        }
    }

    fn end(self, is_as_found: bool, notes: &mut Vec<String>) {
        // The guard claims the service where it has to give it back.
        drop(self.claim);
        if let Some(custody) = self.custody {
            custody.end(is_as_found, notes);
        }
    }

    /// Whether the record shows the service as it was found, or as another client wants it by now.
    fn is_as_found(&mut self) -> bool {
        let status = self.look();
        let is_owed = self.custody.as_ref().is_some_and(Custody::is_touched);
        !is_owed || status.is_ok_and(|status| status.foreign_down)
    }

    fn ask(&mut self, want: Want) -> Result<(), ServiceError> {
        if want != Want::Down && !self.dir.is_still_named() {
            // The name has another supervisor by now, and the old one is told to exit: a `u` would make two.
            return Err(ServiceError::Renamed { path: self.dir.path().into() });
        }
        // The last moment at which the children of what is about to die are seen as such.
        self.tracked.look();
        if let (Want::Down, Some(custody)) = (want, &mut self.custody) {
            custody.touch();
        }
        self.dir.send(byte_of(want))?;
        self.evidence.asked(want);
        Ok(())
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
            return Ok(held.look()?);
        }
        let dir = ServiceDir::open(&self.options.dir)?;
        let supervised = dir.is_supervised()?;
        let record = dir.read_status()?;
        let want = want_of(&record, None, false);
        Ok(ServiceStatus { supervised, state: record.state, pid: record.pid, want, foreign_down: false })
    }

    fn remains(&mut self) -> nb::Result<Remains, ServiceError> {
        self.held()?.tracked.remains().ok_or(nb::Error::WouldBlock)
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

    fn hand_over(&mut self) -> nb::Result<(), ServiceError> {
        if let Some(held) = self.held.take() {
            let untouched = held.custody.as_ref().is_none_or(|custody| !custody.is_touched());
            held.end(untouched, &mut self.notes);
        }
        Ok(())
    }

    /// A service that is not taken has nothing to release.
    fn release(&mut self) -> nb::Result<(), ServiceError> {
        let Some(mut held) = self.held.take() else { return Ok(()) };
        let is_as_found = held.is_as_found();
        held.end(is_as_found, &mut self.notes);
        Ok(())
    }
}
