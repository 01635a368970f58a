//! `runsv` spoken to directly: a byte into `supervise/control`, the record in `supervise/status`.
//!
//! No program is started, and nothing is believed but the record: `sv` says `ok` while its byte is still unread, and
//! writes none at all when the old record already says what is asked for (sv.c:control). A request counts as
//! obeyed once the record shows it; [`Service::status`] is how the scan sees that.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use cellscan_core::supervisor::{Remains, ServiceStatus, Signal, Want};
use cellscan_custody::records::Records;

use super::family::Family;
use super::tracked::Tracked;
use super::{Service, ServiceError, Subject};
use crate::process::Proc;
use crate::runit::dir::{ServiceDir, byte_of, drain, want_of};
use crate::runit::{RestoreMethod, RunitError};

/// What the native backend is made with.
#[derive(Clone, Debug)]
pub struct NativeOptions {
    /// The service directory; a symbolic link in `/etc/service` is fine.
    pub dir: PathBuf,
    /// The port that the service's `pppd` uses. Where it is not given it is found from what the service holds when
    /// it is taken.
    pub ppp_port: Option<PathBuf>,
}

/// A service under `runsv`.
#[derive(Debug)]
pub struct Native {
    options: NativeOptions,
    /// Opened, and not taken yet.
    opened: Option<ServiceDir>,
    taken: Option<Box<Taken>>,
}

#[derive(Debug)]
struct Taken {
    dir: ServiceDir,
    runsv: Option<Proc>,
    watch: Option<OwnedFd>,
    records: Records,
    tracked: Tracked,
}

impl Native {
    /// The backend for one service; nothing is touched before [`Service::take`].
    #[must_use]
    pub const fn new(options: NativeOptions) -> Self {
        Self { options, opened: None, taken: None }
    }

    fn taken(&mut self) -> Result<&mut Taken, ServiceError> {
        self.taken.as_deref_mut().ok_or(ServiceError::NotTaken)
    }

    fn try_take(&mut self) -> Result<(ServiceStatus, Taken), ServiceError> {
        let dir = self.opened.take().ok_or(ServiceError::NotTaken)?;
        let mut taken = Taken::of(dir, self.options.ppp_port.clone())?;
        let status = taken.look()?;
        if !status.supervised {
            return Err(ServiceError::not_supervised(taken.dir.path()));
        }
        taken.tracked.survey_service()?;
        Ok((status, taken))
    }
}

impl Taken {
    fn of(dir: ServiceDir, ppp_port: Option<PathBuf>) -> Result<Self, ServiceError> {
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
        Ok(Self {
            dir,
            runsv,
            watch: watch.ok(),
            records: Records::default(),
            tracked: Tracked::new(ppp_port),
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
        let known = self.records.evidence().foreign_down();
        let supervised = self.records.read(reading, alive, self.runsv.is_some());
        let runsv = self.runsv.as_ref().map(Proc::pid);
        self.tracked.supervised_by(runsv);
        if supervised {
            self.tracked.note_service(record.pid, runsv);
        }
        let foreign_down = self.records.evidence().foreign_down();
        if foreign_down != known {
            log::warn!(
                "{}: another client has asked for {}",
                self.dir.path().display(),
                if foreign_down { "down" } else { "up" }
            );
        }
        Ok(ServiceStatus {
            supervised,
            state: record.state,
            pid: record.pid,
            want: self.records.evidence().want().unwrap_or_else(|| want_of(&record, None, false)),
            foreign_down,
            given_back: self.records.evidence().given_back(),
        })
    }

    /// Notices a supervisor that died and the one that came after it, which knows nothing of what was asked of the
    /// first. `runsvdir` starts it after 3 to 6 s.
    fn find_successor(&mut self, supervised: bool) {
        if supervised && self.runsv.is_none() {
            self.runsv = self.dir.supervisor();
            // One that cannot be seen may be the same as before.
            if self.runsv.is_some() {
                self.records.supervisor_found();
            }
        }
    }

    fn forget_dead_runsv(&mut self) {
        if self.runsv.as_ref().is_some_and(Proc::is_gone) {
            log::warn!("{}: its runsv has died", self.dir.path().display());
            self.runsv = None;
            self.records.supervisor_died();
        }
    }

    fn ask(&mut self, want: Want) -> Result<(), ServiceError> {
        if want != Want::Down && !self.dir.is_still_named() {
            // The name has another supervisor by now, and the old one is told to exit: a `u` would make two.
            return Err(ServiceError::Renamed { path: self.dir.path().into() });
        }
        // The last moment at which the children of what is about to die are seen as such.
        self.tracked.look();
        self.dir.send(byte_of(want))?;
        self.records.asked(want);
        Ok(())
    }
}

impl Service for Native {
    fn open(&mut self) -> Result<Subject<'_>, ServiceError> {
        let dir = ServiceDir::open(&self.options.dir)?;
        if !dir.is_supervised()? {
            return Err(ServiceError::not_supervised(dir.path()));
        }
        self.opened = Some(dir);
        self.subject()
    }

    fn subject(&self) -> Result<Subject<'_>, ServiceError> {
        let taken = self.taken.as_deref();
        let dir = taken.map(|taken| &taken.dir).or(self.opened.as_ref()).ok_or(ServiceError::NotTaken)?;
        let found = taken.and_then(|taken| taken.tracked.path());
        Ok(Subject {
            path: dir.path(),
            identity: Some(dir.identity()),
            dir: Some(dir),
            method: Some(RestoreMethod::Control),
            ppp_port: found.or(self.options.ppp_port.as_deref()),
        })
    }

    fn take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        let (status, taken) = self.try_take()?;
        self.taken = Some(Box::new(taken));
        Ok(status)
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), ServiceError> {
        Ok(self.taken()?.ask(want)?)
    }

    /// Before [`Service::take`] it is a look from outside, and never a foreign down.
    fn status(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        if let Some(taken) = &mut self.taken {
            return Ok(taken.look()?);
        }
        let look = || {
            let dir = ServiceDir::open(&self.options.dir)?;
            Ok((dir.is_supervised()?, dir.read_status()?))
        };
        let (supervised, record) = look().map_err(|error: RunitError| ServiceError::from(error))?;
        let want = want_of(&record, None, false);
        Ok(ServiceStatus { supervised, pid: record.pid, ..ServiceStatus::new(record.state, want) })
    }

    fn remains(&mut self) -> nb::Result<Remains, ServiceError> {
        self.taken()?.tracked.remains().ok_or(nb::Error::WouldBlock)
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), ServiceError> {
        let taken = self.taken()?;
        let path = taken.dir.path().to_path_buf();
        Ok(taken.tracked.signal(signal).map_err(|source| ServiceError::io("signal", &path, source))?)
    }

    fn let_go(&mut self) {
        (self.opened, self.taken) = (None, None);
    }

    fn family(&self) -> Family {
        let found = self.taken.as_ref().and_then(|taken| taken.tracked.path());
        Family::new(Some(&self.options.dir), found.or(self.options.ppp_port.as_deref()))
    }

    fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        let Some(taken) = &self.taken else { return Vec::new() };
        let watch = taken.watch.as_ref().map(AsFd::as_fd);
        let runsv = taken.runsv.as_ref().and_then(Proc::fd);
        watch.into_iter().chain(runsv).chain(taken.tracked.wake_fds()).collect()
    }

    fn woken(&mut self) {
        if let Some(taken) = &mut self.taken {
            taken.tracked.woken();
            // What cannot be read now is an error for the caller that asks for the status next.
            let _told_later = taken.look();
        }
    }
}
