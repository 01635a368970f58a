//! How a service is given back after the death of the scan that took it: by its guard, or by `cellscan restore`.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use cellscan_core::scan::policy::Timeouts;
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{ServiceStatus, Want};
use cellscan_core::time::Span;
use cellscan_custody::hand_back::{AGAIN_AFTER, End, HandBack, Observation, Step};

use super::claim::{Claimable, ServiceClaim};
use super::error::CustodyError;
use super::lease::RunDir;
use super::registration::{self, ModemLine};
use crate::clock::Clock;
use crate::event_loop::{self, timespec};
use crate::runit::dir::{ServiceDir, byte_of, drain};
use crate::runit::sv::SvProgram;
use crate::runit::{RestoreMethod, RunitError};
use crate::serial::uucp::UucpLocks;
use crate::service::sv::SvOptions;
use crate::service::unsupervised::UnsupervisedOptions;
use crate::service::{Service, Sv, Unsupervised};

/// How often a backend that has no record to watch is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// After so long it is looked at once a second: there is nothing left that could come soon.
const SELDOM_AFTER: Duration = Duration::from_secs(60);
/// A `pppd` on the port may be ending of the dead scan's TERM; its link and its scripts take so long (pppd 2.4.9: fsm.h,
/// main.c).
const ENDING_LIMIT: Duration = Duration::from_secs(16);

/// How long the registration may take to restore: as long as a scan itself allows for it. A modem that is done with its search answers in
/// 1 to 6 s (field logs); beside 14 busy loops and a disk writer 10 s were not enough for one of 260 scans that were killed.
const REGISTRATION_LIMIT: Span = Timeouts::DEFAULT.restore;

/// What is owed to a service whose scan is dead.
#[derive(Clone, Copy, Debug)]
pub struct RestoreRequest<'a> {
    /// What it was meant to do; `None` where another client wants it down by now.
    pub want: Option<Want>,
    /// How long it is asked; `None`: until it is given back.
    pub limit: Option<Duration>,
    /// Its modem and what that is to be told, where it was told otherwise.
    pub modem: Option<(&'a ModemLine, Selection)>,
    /// Where UUCP locks are.
    pub lock_dirs: &'a [PathBuf],
}

/// What came of it.
#[derive(Debug)]
pub struct RestoreOutcome {
    /// The service shows what is wanted.
    pub given_back: bool,
    /// Whether the modem is registered again, or a sentence on why that is not known; `None` where there was no need.
    pub registration: Option<Result<(), String>>,
}

/// Something to be given back.
#[derive(Debug)]
pub struct RestoreTarget {
    dir: Option<ServiceDir>,
    path: PathBuf,
    identity: Option<(u64, u64)>,
    method: RestoreMethod,
}

impl RestoreTarget {
    /// Opens what lies at `path`, so that it is this one that is given back, whatever the name means later.
    ///
    /// # Errors
    /// There is no such service directory, or it may not be looked into.
    pub fn open(path: &Path, method: &RestoreMethod) -> Result<Self, RunitError> {
        let dir = match method {
            RestoreMethod::Control => Some(ServiceDir::open(path)?),
            // Where there is something else in the place of a FIFO, `sv` would open that.
            RestoreMethod::Sv { .. } => ServiceDir::open(path)
                .ok()
                .filter(|dir| matches!(dir.is_supervised(), Ok(_) | Err(RunitError::Misplaced { .. }))),
            RestoreMethod::Start { .. } => None,
        };
        let identity = match &dir {
            Some(dir) => Some(dir.identity()),
            None => path.metadata().ok().map(|meta| (meta.dev(), meta.ino())),
        };
        Ok(Self { dir, path: path.into(), identity, method: method.clone() })
    }

    /// Device and inode of what lies there; `None` where that cannot be told.
    #[must_use]
    pub const fn identity(&self) -> Option<(u64, u64)> {
        self.identity
    }

    /// Keeps scans away from it until the answer is dropped, where that can be done.
    ///
    /// # Errors
    /// A process of this user has it in hand.
    pub fn claim(&self, run: Option<&RunDir>) -> Result<ServiceClaim, NonZeroU32> {
        let claimable = Claimable { path: &self.path, identity: self.identity, dir: self.dir.as_ref() };
        claimable.claim_to_give_back(run)
    }

    /// Gives it back, and restores the registration of its modem: meanwhile, or first where the `pppd` that is started by
    /// the one would keep the other from being done. The UUCP locks of the dead scan must be gone.
    pub fn settle(&self, request: &RestoreRequest<'_>, is_adopted: impl Fn() -> bool) -> RestoreOutcome {
        let asked = || request.want.is_none_or(|want| self.give_back(want, request.limit, &is_adopted));
        let Some((modem, selection)) = request.modem else {
            return RestoreOutcome { given_back: asked(), registration: None };
        };
        let real = modem.port.canonicalize().unwrap_or_else(|_| modem.port.clone());
        // Keeps a `pppd` with the option `lock` off the modem. Where another process has locked it, it has the port too, and
        // it is left alone.
        let lock = UucpLocks::take(request.lock_dirs, &[modem.port.as_path(), real.as_path()]).ok();
        let restore = || registration::restore(modem, selection, REGISTRATION_LIMIT);
        if !modem.kept_free || self.is_started_once_on(&real) {
            let registration = Some(restore());
            drop(lock);
            return RestoreOutcome { given_back: asked(), registration };
        }
        thread::scope(|scope| {
            let restored = thread::Builder::new().spawn_scoped(scope, restore);
            let given_back = asked();
            let registration = match restored.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(restored)) => restored,
                Ok(Err(_panic)) => Err("it failed unexpectedly".to_owned()),
                Err(error) => Err(format!("no thread could be started: {error}")),
            };
            RestoreOutcome { given_back, registration: Some(registration) }
        })
    }

    /// Whether the `pppd` uses this port and no supervisor starts it again where it meets our lock.
    fn is_started_once_on(&self, port: &Path) -> bool {
        let real = self.path.canonicalize();
        matches!(self.method, RestoreMethod::Start { .. }) && real.as_deref().unwrap_or(&self.path) == port
    }

    /// The service directory, where there is one that may be looked into.
    #[must_use]
    pub const fn dir(&self) -> Option<&ServiceDir> {
        self.dir.as_ref()
    }

    /// Asks until what is wanted is seen, or until `is_adopted`: another scan sees to it; `false` when it was not in time.
    fn give_back(&self, want: Want, limit: Option<Duration>, is_adopted: impl Fn() -> bool) -> bool {
        if let Some(dir) = &self.dir {
            return by_control(dir, want, limit, is_adopted);
        }
        let (mut service, settle): (Box<dyn Service>, _) = match &self.method {
            RestoreMethod::Control => return false,
            RestoreMethod::Sv { program, applet } => {
                let found = if *applet { SvProgram::applet_of(program) } else { SvProgram::named(program) };
                let Some(program) = found else { return false };
                // `sv up` writes nothing while the record says "want up" (sv.c: control).
                let options =
                    SvOptions { program, dir: self.path.clone(), ppp_port: None, is_record_doubtful: true };
                (Box::new(Sv::new(options)), Duration::ZERO)
            }
            RestoreMethod::Start { command } => {
                let start = command.iter().map(OsString::from).collect();
                let options = UnsupervisedOptions { ppp_port: self.path.clone(), start, prepare: None };
                (Box::new(Unsupervised::new(options)), ENDING_LIMIT)
            }
        };
        by_asking(service.as_mut(), want, (limit, settle), is_adopted)
    }
}

/// Asks a backend each second until it shows what is wanted, for `settle` at least unless there was nothing that could still be
/// ending.
fn by_asking(
    service: &mut dyn Service,
    want: Want,
    (limit, settle): (Option<Duration>, Duration),
    is_adopted: impl Fn() -> bool,
) -> bool {
    let clock = Clock::new();
    let began = clock.now();
    let mut claim = None;
    let mut found: Option<ServiceStatus> = None;
    let (mut ask_at, mut asked) = (began, false);
    while limit.is_none_or(|limit| clock.now() < began + limit) {
        if is_adopted() {
            return true;
        }
        if found.is_none() {
            match take(service, &mut claim) {
                Ok(status) => found = Some(status),
                Err(nb::Error::Other(CustodyError::Claimed { .. })) => return true,
                Err(nb::Error::WouldBlock) => {}
                Err(nb::Error::Other(_not_yet)) => {
                    claim = None;
                    service.let_go();
                }
            }
        }
        if found.is_some() && clock.now() >= ask_at && service.ask(want).is_ok() {
            asked = true;
            ask_at = clock.now() + AGAIN_AFTER;
        }
        let nothing_ends = found.is_some_and(|found| found.pid.is_none());
        if asked
            && (nothing_ends || clock.now() >= began + settle)
            && service
                .status()
                .is_ok_and(|status| status.supervised && [want, Want::Up].contains(&status.want))
        {
            return true;
        }
        let pause = if clock.now() < began + SELDOM_AFTER { LOOK_EVERY } else { AGAIN_AFTER };
        let _nothing = rustix::event::poll(&mut [], Some(&timespec(pause)));
        service.woken();
    }
    false
}

/// Takes it, claimed at its supervisor where that can be done: in the run directory it is claimed already.
fn take(
    service: &mut dyn Service,
    claim: &mut Option<ServiceClaim>,
) -> nb::Result<ServiceStatus, CustodyError> {
    if claim.is_none() {
        let subject = service.open().map_err(CustodyError::from)?;
        *claim = Some(Claimable::of(&subject).claim(None, &mut Vec::new())?);
    }
    service.take().map_err(|error| error.map(CustodyError::from))
}

/// Writes the byte until the record shows it, as [`HandBack`] decides.
fn by_control(dir: &ServiceDir, want: Want, limit: Option<Duration>, is_adopted: impl Fn() -> bool) -> bool {
    let clock = Clock::new();
    let limit = limit.map(|limit| clock.now() + limit);
    let watch = dir.watch().ok();
    let mut back = HandBack::new(want);
    loop {
        let standing = Observation {
            adopted: is_adopted(),
            named: dir.is_still_named(),
            supervised: dir.is_supervised().unwrap_or(false),
            reading: dir.read(None).ok().map(|(_record, reading)| reading),
        };
        let now = clock.now();
        if limit.is_some_and(|limit| limit <= now) {
            return false;
        }
        match back.step(now, standing) {
            Step::Done(End::GivenBack | End::Adopted | End::Renamed) => return true,
            Step::Ask(want) => {
                let before = standing.reading.map(|reading| reading.identity);
                let written = dir.send(byte_of(want)).is_ok();
                back.sent(now, written, before);
            }
            Step::Wait(until) => {
                // The event of the rewrite may be late, or lost.
                let until = until.min(now + AGAIN_AFTER);
                let watched = watch.as_ref().map(AsFd::as_fd);
                let fds: Vec<BorrowedFd<'_>> = watched.into_iter().collect();
                if event_loop::wait(&fds, Some(until), clock).is_err() {
                    let _rest = rustix::event::poll(&mut [], Some(&timespec(LOOK_EVERY)));
                }
                if let Some(watch) = &watch {
                    drain(watch);
                }
            }
        }
    }
}
