//! What gives a service back should this process die: the guard, and the lease on disk, the same for every backend.
//!
//! Both are there before the first request for down, so that there is no moment in which neither would.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{ServiceStatus, Want};
use cellscan_core::time::Instant;
use cellscan_custody::guard::Message;
use cellscan_custody::owed_after_death;

use super::error::CustodyError;
use super::guard::{Guard, GuardError, GuardOptions, Guarded};
use super::lease::{Lease, LeaseError, LeaseOptions, LeasedWant, RunDir, Terms};
use super::registration::ModemLine;
use crate::clock::Clock;
use crate::error::chain;
use crate::runit::RestoreMethod;
use crate::runit::dir::ServiceDir;
use crate::serial::uucp;
use crate::service::Subject;

/// Lease and guard of one service that is taken.
#[derive(Debug)]
pub(super) struct Safeguard {
    lease: Option<Leased>,
    guard: Option<KeptGuard>,
    found: Want,
    touched: bool,
    foreign_down: bool,
    noted: Option<Selection>,
}

#[derive(Debug)]
struct Leased {
    dir: RunDir,
    lease: Lease,
}

/// A guard, and what another needs to take its place.
#[derive(Debug)]
struct KeptGuard {
    options: GuardOptions,
    path: PathBuf,
    want: Want,
    method: RestoreMethod,
    modem: Option<ModemLine>,
    run_dir: Option<PathBuf>,
    guard: Option<Guard>,
    /// Since when the service is guarded: its hold's limit is counted from here, whichever guard keeps it.
    since: Instant,
    /// The first one has ended by itself.
    replaced: bool,
}

impl Safeguard {
    /// To be called with the claim in hand: the scan that wrote a lease which is there holds the service no more then, dead or
    /// not.
    pub(super) fn begin(
        guard: Option<&GuardOptions>,
        lease: Option<&LeaseOptions>,
        subject: &Subject<'_>,
        method: &RestoreMethod,
        found: ServiceStatus,
        notes: &mut Vec<String>,
    ) -> Result<Self, CustodyError> {
        let mut safeguard = Self {
            lease: None,
            guard: None,
            found: found.want,
            touched: false,
            foreign_down: false,
            noted: None,
        };
        let lease = lease.zip(subject.identity);
        if let Some((options, identity)) = lease {
            safeguard.adopt(options, identity, subject, notes);
        }
        let Some(want) = LeasedWant::of(safeguard.found) else { return Ok(safeguard) };
        let seen = |modem: &Option<ModemLine>, lock_dirs| {
            modem.as_ref().map(|modem| modem.seen_with(subject.ppp_port, lock_dirs))
        };
        // The guard first: a scan that is killed before its lease is written has touched nothing, and leaves nothing.
        if let Some(options) = guard {
            let mut kept = KeptGuard {
                options: options.clone(),
                path: subject.path.into(),
                want: safeguard.found,
                method: method.clone(),
                modem: seen(&options.modem, &options.lock_dirs),
                run_dir: lease.map(|(options, _)| options.run_dir.clone()),
                guard: None,
                since: Clock::new().now(),
                replaced: false,
            };
            // Nothing was asked for yet; only what a dead scan has left to do stays noted.
            kept.guard = Some(kept.spawn(&safeguard.messages()).map_err(CustodyError::Guard)?);
            safeguard.guard = Some(kept);
        }
        if let Some((options, identity)) = lease {
            let modem = seen(&options.modem, &options.lock_dirs);
            let terms = Terms {
                service: subject.path,
                identity,
                supervise: subject.dir.and_then(ServiceDir::supervise_identity),
                down_file: subject.dir.is_some_and(ServiceDir::has_down_file),
                want,
                method,
                ppp_port: subject.ppp_port,
                lock_dirs: &options.lock_dirs,
                modem: modem.as_ref(),
                selection: safeguard.noted,
            };
            match Leased::write(options, terms) {
                Ok(lease) => safeguard.lease = Some(lease),
                Err(error) if guard.is_none() => return Err(CustodyError::Lease(error)),
                Err(error) => notes.push(format!(
                    "there is no lease on disk: {}; the guard alone gives the service back",
                    chain(&error)
                )),
            }
        }
        Ok(safeguard)
    }

    /// Readable when the guard has ended.
    pub(super) fn wake_fd(&self) -> Option<BorrowedFd<'_>> {
        self.guard.as_ref().and_then(|kept| kept.guard.as_ref()).and_then(Guard::fd)
    }

    /// Notices a guard that has ended: once another takes its place, and each time it is said.
    pub(super) fn woken(&mut self, notes: &mut Vec<String>) {
        let told = self.messages();
        let Some(kept) = &mut self.guard else { return };
        let Some(gone) = kept.guard.take_if(Guard::is_gone) else { return };
        let lost = format!("{}: its guard, process {}, has ended", kept.path.display(), gone.pid());
        drop(gone);
        let left = if self.lease.is_some() { "the lease on disk alone is left" } else { "nothing is left" };
        let next = if core::mem::replace(&mut kept.replaced, true) { None } else { Some(kept.spawn(&told)) };
        match next {
            Some(Ok(guard)) => {
                notes.push(format!("{lost}; process {} guards now", guard.pid()));
                kept.guard = Some(guard);
            }
            Some(Err(error)) => {
                notes.push(format!("{lost}, and no other could be started ({}): {left}", chain(&error)));
            }
            None => notes.push(format!("{lost}, the second one: {left}")),
        }
    }

    /// All that a guard has to know.
    fn messages(&self) -> Vec<Message> {
        let noted = self.noted.map(|selection| Message::Modem(Some(selection)));
        let touched = self.touched.then_some(Message::Touched(true));
        let foreign_down = self.foreign_down.then_some(Message::ForeignDown(true));
        touched.into_iter().chain(foreign_down).chain(noted).collect()
    }

    fn tell(&mut self, message: Message) {
        if let Some(guard) = self.guard.as_mut().and_then(|kept| kept.guard.as_mut()) {
            guard.tell(message);
        }
    }

    /// What a service was meant to do before a scan died with it in hand goes over what the record says.
    fn adopt(
        &mut self,
        options: &LeaseOptions,
        identity: (u64, u64),
        subject: &Subject<'_>,
        notes: &mut Vec<String>,
    ) {
        let read =
            RunDir::open(&options.run_dir).and_then(|dir| dir.map_or(Ok(None), |dir| dir.read(identity)));
        let lease = match read {
            Ok(Some(lease)) => lease,
            Ok(None) => return,
            Err(error) => {
                notes.push(format!("an earlier lease, if there is one, is not honoured: {}", chain(&error)));
                return;
            }
        };
        if !lease.is_owner_alive() {
            for dir in &lease.lock_dirs {
                let _none = uucp::remove_locks_of(dir, lease.pid.get().cast_signed());
            }
        }
        self.noted = lease.selection();
        let want = owed_after_death(lease.want.want(), self.found);
        // Also where the record says "up": the dead scan's `d` may still be unread. What shows otherwise takes it back.
        self.touched = true;
        if want != self.found {
            notes.push(format!(
                "{}: process {} ended with the service in hand; it goes by what that one found, wanted {}",
                subject.path.display(),
                lease.pid,
                match lease.want {
                    LeasedWant::Up => "up",
                    LeasedWant::Once => "once",
                }
            ));
        }
        self.found = want;
    }

    /// What the service was meant to do, from the record or from the lease of a scan that died.
    pub(super) const fn found(&self) -> Want {
        self.found
    }

    /// What a scan that died had noted of the modem.
    pub(super) const fn noted(&self) -> Option<Selection> {
        self.noted
    }

    /// Down was asked for, by us or by the scan that died.
    pub(super) fn is_touched(&self) -> bool {
        self.touched && self.found != Want::Down
    }

    /// The service is about to be asked down.
    pub(super) fn touch(&mut self) {
        if !core::mem::replace(&mut self.touched, true) {
            self.tell(Message::Touched(true));
        }
    }

    /// The record shows what was asked for last, behind all our bytes: nothing is owed, and from here on what is asked for is
    /// another client's wish.
    pub(super) fn given_back(&mut self) {
        if core::mem::replace(&mut self.touched, false) {
            self.tell(Message::Touched(false));
        }
    }

    /// What the modem is to be told after our death.
    pub(super) fn note(&mut self, selection: Option<Selection>) {
        self.noted = selection;
        self.tell(Message::Modem(selection));
        if let Some(leased) = &mut self.lease {
            leased.lease.note(selection);
            let written = leased.again();
            warn(written);
        }
    }

    /// Another client wants it down, or up again: that is not to be overruled after our death.
    pub(super) fn foreign_down(&mut self, wanted: bool) {
        if core::mem::replace(&mut self.foreign_down, wanted) == wanted {
            return;
        }
        self.tell(Message::ForeignDown(wanted));
        if let Some(leased) = &self.lease {
            warn(if wanted { leased.remove() } else { leased.again() });
        }
    }

    /// Lets lease and guard go. Where the service is not seen as it was found, both stay: the guard goes on asking for it.
    pub(super) fn end(self, is_as_found: bool, notes: &mut Vec<String>) {
        let told = self.messages();
        if is_as_found {
            if let Some(lease) = self.lease {
                warn_of(lease.remove(), notes);
            }
            if let Some(guard) = self.guard.and_then(|kept| kept.guard) {
                guard.release();
            }
            return;
        }
        // One that has died meanwhile is no guard, and one more is started: this is what it is for.
        let guard = self.guard.and_then(|mut kept| {
            let gone = kept.guard.as_mut().is_none_or(Guard::is_gone);
            if gone { kept.spawn(&told).ok() } else { kept.guard }
        });
        match guard {
            Some(guard) => {
                notes.push(format!(
                    "the service is not seen as it was found: its guard, process {}, goes on asking for it",
                    guard.pid()
                ));
                guard.hand_over();
            }
            None => notes.push(
                "the service is not seen as it was found: its lease stays for `cellscan restore`".to_owned(),
            ),
        }
    }
}

impl KeptGuard {
    fn spawn(&self, told: &[Message]) -> Result<Guard, GuardError> {
        let guarded = Guarded {
            path: &self.path,
            want: self.want,
            method: &self.method,
            modem: self.modem.as_ref(),
            run_dir: self.run_dir.as_deref(),
            told,
        };
        let held = Clock::new().now().saturating_since(self.since);
        let limit = self.options.limit.map(|limit| limit.saturating_sub(held));
        Guard::spawn(guarded, &GuardOptions { limit, ..self.options.clone() })
    }
}

impl Leased {
    fn write(options: &LeaseOptions, terms: Terms<'_>) -> Result<Self, LeaseError> {
        let lease = Lease::of_this_process(terms)?;
        let leased = Self { dir: RunDir::create(&options.run_dir)?, lease };
        leased.again()?;
        Ok(leased)
    }

    /// Writes it anew, as it stands now.
    fn again(&self) -> Result<(), LeaseError> {
        self.dir.write(&self.lease)
    }

    fn remove(&self) -> Result<(), LeaseError> {
        self.dir.remove(self.lease.identity())
    }
}

fn warn(written: Result<(), LeaseError>) {
    if let Err(error) = written {
        log::warn!("the lease is not as it should be: {}", chain(&error));
    }
}

fn warn_of(removed: Result<(), LeaseError>, notes: &mut Vec<String>) {
    if let Err(error) = removed {
        notes.push(format!("the lease stays: {}", chain(&error)));
    }
}
