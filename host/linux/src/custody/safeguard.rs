//! What gives a service back should this process die: the guard, and the lease on disk, the same for every backend.
//!
//! Both store what the scan says is owed, and nothing else. Both are there, with that record, before the request for down.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use cellscan_core::supervisor::{Owed, Want};
use cellscan_core::time::Instant;
use cellscan_custody::guard::Message;
use cellscan_custody::owed_after_death;

use super::error::CustodyError;
use super::guard::{Guard, GuardError, GuardOptions, Guarded};
use super::lease::{Lease, LeaseError, LeaseOptions, RunDir, Terms};
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
    /// As the scan said last.
    owed: Owed,
}

#[derive(Debug)]
struct Leased {
    dir: RunDir,
    lease: Lease,
    /// The file says something else: it could not be written.
    is_stale: bool,
}

/// A guard, and what another needs to take its place.
#[derive(Debug)]
struct KeptGuard {
    options: GuardOptions,
    path: PathBuf,
    method: RestoreMethod,
    modem: Option<ModemLine>,
    run_dir: Option<PathBuf>,
    guard: Option<Guard>,
    /// Since when the service is guarded: its hold's limit is counted from here, whichever guard keeps it.
    since: Instant,
    /// The first one has ended by itself.
    replaced: bool,
}

/// What a scan that died with the service in hand has left to do, from its lease. To be called with the claim in hand: the scan
/// that wrote a lease which is there holds the service no more then, dead or not.
pub(super) fn left_by_dead_scan(
    options: &LeaseOptions,
    subject: &Subject<'_>,
    now: Want,
    notes: &mut Vec<String>,
) -> Owed {
    let Some(identity) = subject.identity else { return Owed::default() };
    let read = RunDir::open(&options.run_dir).and_then(|dir| dir.map_or(Ok(None), |dir| dir.read(identity)));
    let lease = match read {
        Ok(Some(lease)) => lease,
        Ok(None) => return Owed::default(),
        Err(error) => {
            notes.push(format!("an earlier lease, if there is one, is not honoured: {}", chain(&error)));
            return Owed::default();
        }
    };
    if !lease.is_owner_alive() {
        for dir in &lease.lock_dirs {
            let _none = uucp::remove_locks_of(dir, lease.pid.get().cast_signed());
        }
    }
    let owed = lease.owed();
    // Also where the record says "up": the dead scan's `d` may still be unread.
    let want = owed.want.map(|noted| owed_after_death(noted, now));
    if let Some(noted) = owed.want.filter(|_| want != Some(now)) {
        notes.push(format!(
            "{}: process {} ended with the service in hand; it goes by what that one found, wanted {}",
            subject.path.display(),
            lease.pid,
            if noted == Want::Once { "once" } else { "up" }
        ));
    }
    Owed { want, ..owed }
}

impl Safeguard {
    /// Sets up guard and lease, which record what a dead scan has left to do until the scan says more. To be called with the claim in
    /// hand.
    pub(super) fn begin(
        guard: Option<&GuardOptions>,
        lease: Option<&LeaseOptions>,
        subject: &Subject<'_>,
        method: &RestoreMethod,
        owed: Owed,
        notes: &mut Vec<String>,
    ) -> Result<Self, CustodyError> {
        let mut safeguard = Self { lease: None, guard: None, owed };
        let lease = lease.zip(subject.identity);
        let seen = |modem: &Option<ModemLine>, lock_dirs| {
            modem.as_ref().map(|modem| modem.seen_with(subject.ppp_port, lock_dirs))
        };
        // The guard first: a scan that is killed before its lease is written has touched nothing, and leaves nothing.
        if let Some(options) = guard {
            let mut kept = KeptGuard {
                options: options.clone(),
                path: subject.path.into(),
                method: method.clone(),
                modem: seen(&options.modem, &options.lock_dirs),
                run_dir: lease.map(|(options, _)| options.run_dir.clone()),
                guard: None,
                since: Clock::new().now(),
                replaced: false,
            };
            kept.guard = Some(kept.spawn(owed).map_err(CustodyError::Guard)?);
            safeguard.guard = Some(kept);
        }
        if let Some((options, identity)) = lease {
            let modem = seen(&options.modem, &options.lock_dirs);
            let terms = Terms {
                service: subject.path,
                identity,
                supervise: subject.dir.and_then(ServiceDir::supervise_identity),
                down_file: subject.dir.is_some_and(ServiceDir::has_down_file),
                method,
                ppp_port: subject.ppp_port,
                lock_dirs: &options.lock_dirs,
                modem: modem.as_ref(),
                owed,
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
        let owed = self.owed;
        let Some(kept) = &mut self.guard else { return };
        let Some(gone) = kept.guard.take_if(Guard::is_gone) else { return };
        let lost = format!("{}: its guard, process {}, has ended", kept.path.display(), gone.pid());
        drop(gone);
        let left = if self.lease.is_some() { "the lease on disk alone is left" } else { "nothing is left" };
        let next = if core::mem::replace(&mut kept.replaced, true) { None } else { Some(kept.spawn(owed)) };
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

    fn tell(&mut self, message: Message) {
        if let Some(guard) = self.guard.as_mut().and_then(|kept| kept.guard.as_mut()) {
            guard.tell(message);
        }
    }

    /// This is owed from now on.
    pub(super) fn owe(&mut self, owed: Owed) {
        self.owed = owed;
        self.tell(Message::Owed(owed));
        if let Some(leased) = &mut self.lease {
            leased.owe(owed);
        }
    }

    /// Where there is no guard, down is not asked for before the lease says what is owed.
    ///
    /// # Errors
    /// The lease cannot be written, and there is no guard.
    pub(super) fn may_ask_down(&mut self) -> Result<(), CustodyError> {
        let is_guarded = self.guard.as_ref().is_some_and(|kept| kept.guard.is_some());
        match &mut self.lease {
            Some(leased) if leased.is_stale && !is_guarded => leased.again().map_err(CustodyError::Lease),
            Some(_) | None => Ok(()),
        }
    }

    /// Lets lease and guard go. Where a want is still owed, both stay: the guard goes on asking for it.
    pub(super) fn end(self, notes: &mut Vec<String>) {
        let owed = self.owed;
        if owed.want.is_none() {
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
            if gone { kept.spawn(owed).ok() } else { kept.guard }
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
    fn spawn(&self, owed: Owed) -> Result<Guard, GuardError> {
        let guarded = Guarded {
            path: &self.path,
            method: &self.method,
            modem: self.modem.as_ref(),
            run_dir: self.run_dir.as_deref(),
            owed,
        };
        let held = Clock::new().now().duration_since(self.since);
        let limit = self.options.limit.map(|limit| limit.saturating_sub(held));
        Guard::spawn(guarded, &GuardOptions { limit, ..self.options.clone() })
    }
}

impl Leased {
    fn write(options: &LeaseOptions, terms: Terms<'_>) -> Result<Self, LeaseError> {
        let lease = Lease::of_this_process(terms)?;
        let mut leased = Self { dir: RunDir::create(&options.run_dir)?, lease, is_stale: true };
        leased.again()?;
        Ok(leased)
    }

    /// Writes it anew, as it stands now.
    fn again(&mut self) -> Result<(), LeaseError> {
        self.dir.write(&self.lease)?;
        self.is_stale = false;
        Ok(())
    }

    fn owe(&mut self, owed: Owed) {
        self.lease = self.lease.clone().owing(owed);
        self.is_stale = true;
        if let Err(error) = self.again() {
            log::warn!("the lease does not say what is owed: {}", chain(&error));
        }
    }

    fn remove(&self) -> Result<(), LeaseError> {
        self.dir.remove(self.lease.identity())
    }
}

fn warn_of(removed: Result<(), LeaseError>, notes: &mut Vec<String>) {
    if let Err(error) = removed {
        notes.push(format!("the lease stays: {}", chain(&error)));
    }
}
