//! `restore`: gives back every service whose scan was killed together with its guard, and keeps the unlock rule for modems that no
//! daemon looks after.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use cellscan_core::supervisor::Want;
use cellscan_custody::owed_after_death;
use serde::Serialize;

use super::printed;
use crate::cli::RestoreArgs;
use crate::custody::claim::ServiceClaim;
use crate::custody::give_back::{RestoreOutcome, RestoreRequest, RestoreTarget};
use crate::custody::lease::{Lease, LeaseError, LeasedWant, RunDir};
use crate::error::chain;
use crate::exit::{Exit, Fatal};
use crate::runit::dir::ServiceDir;
use crate::runit::dir::want_of;
use crate::runit::{RestoreMethod, RunitError};
use crate::serial::uucp;

mod selections;

/// The result for one lease.
#[derive(Debug)]
enum Restored {
    /// The status record shows what was wanted before the scan.
    GivenBack(Want),
    /// No want was owed: the scan had not asked for down yet, or another client wants the service down.
    NothingOwed,
    /// The service directory is gone, or its name means another directory.
    Stale,
    /// This process of the same user, a scan or its guard, has the service.
    Held(NonZeroU32),
    /// Another scan has taken the service since and died too; its lease stays.
    Overtaken,
    /// The status record does not show it; the lease stays.
    Silent(Duration),
    /// The service could not be asked; the lease stays.
    Refused(RunitError),
    /// The lease was removed since it was read: the scan that took the service over has given it back.
    Gone,
    /// The lease cannot be read or removed.
    Unusable(LeaseError),
}

/// One object of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    lease: PathBuf,
    service: Option<&'a PathBuf>,
    pid: Option<NonZeroU32>,
    want: Option<LeasedWant>,
    outcome: &'static str,
    reason: Option<&'a str>,
    registration_restored: Option<bool>,
    registration_reason: Option<&'a String>,
}

/// Gives back the service of every orphaned lease in the run directory, then looks after the selections on record.
///
/// # Errors
/// A directory is not trusted or cannot be read, or the output failed after everything was handled.
pub fn run(args: &RestoreArgs) -> Result<Exit, Fatal> {
    let (leases, selections) = (leases(args), selections::run(args));
    let ((leases, handled), (selections, seen)) = (leases?, selections?);
    if handled + seen == 0 && !args.json {
        printed(|out| {
            let (run, state) = (args.run_dir.display(), args.state_dir.display());
            writeln!(out, "nothing to restore: no lease in {run}, no selection in {state}")
        })?;
    }
    Ok(if leases == Exit::Done { selections } else { leases })
}

/// Gives back the service of every orphaned lease in the run directory; how many leases there were.
///
/// # Errors
/// The run directory is not trusted or cannot be read, or the output failed after all leases were handled.
pub fn leases(args: &RestoreArgs) -> Result<(Exit, usize), Fatal> {
    let unusable = |error: LeaseError| Fatal::system(format!("unable to look for leases: {}", chain(&error)));
    let Some(dir) = RunDir::open(&args.run_dir).map_err(unusable)? else { return Ok((Exit::Done, 0)) };
    let (mut exit, mut output, mut count) = (Exit::Done, Ok(Exit::Done), 0);
    for name in dir.names().map_err(unusable)? {
        let lease = match dir.read_named(&name) {
            // It was removed since the directory was read: its scan has ended.
            Ok(None) => continue,
            Ok(Some(lease)) => Ok(lease),
            Err(error) => Err(error),
        };
        let (lease, honoured) = match lease {
            Ok(mut lease) => {
                let mut honoured = handle(&dir, &lease, args.timeout);
                if let (Restored::Overtaken, Ok(Some(now))) = (&honoured.restored, dir.read_named(&name)) {
                    lease = now;
                    honoured = handle(&dir, &lease, args.timeout);
                }
                (Some(lease), honoured)
            }
            Err(error) => (None, Handled::only(Restored::Unusable(error))),
        };
        count += 1;
        let Handled { restored, registration, contested } = honoured;
        if restored.is_failure() {
            exit = Exit::System;
        }
        let mut said = restored.to_string(lease.as_ref());
        if contested {
            said = format!(
                "{said}; the claim could not be had, though no living process of this user has it, and was not waited for"
            );
        }
        let unregistered = registration.as_ref().and_then(|registration| registration.as_ref().err());
        if let (None, Some(why)) = (args.json.then_some(()), unregistered) {
            said = format!("{said}; the registration of its modem was not restored: {why}");
        }
        // If the reader has closed the output, the next service is still given back.
        let written = printed(|out| {
            if args.json {
                let line = Line {
                    kind: "lease",
                    lease: dir.path().join(&name),
                    service: lease.as_ref().map(|lease| &lease.service),
                    pid: lease.as_ref().map(|lease| lease.pid),
                    want: lease.as_ref().and_then(|lease| lease.want),
                    outcome: restored.name(),
                    reason: restored.is_failure().then_some(&said),
                    registration_restored: registration.as_ref().map(Result::is_ok),
                    registration_reason: unregistered,
                };
                serde_json::to_writer(&mut *out, &line)?;
                writeln!(out)
            } else {
                let what = lease.as_ref().map(|lease| lease.service.display().to_string());
                let what = what.unwrap_or_else(|| name.escape_debug().to_string());
                writeln!(out, "{what}: {said}")
            }
        });
        output = output.and(written);
    }
    output.map(|_written| (exit, count))
}

/// The result for one lease, with what the report needs.
struct Handled {
    restored: Restored,
    registration: Option<Result<(), String>>,
    /// The claim could not be taken, and no process of this user has it.
    contested: bool,
}

impl Handled {
    const fn only(restored: Restored) -> Self {
        Self { restored, registration: None, contested: false }
    }
}

/// Gives one service back, unless a scan of this user has it.
fn handle(dir: &RunDir, lease: &Lease, limit: Duration) -> Handled {
    match owed(dir, lease) {
        Ok((owed, want, claim)) => {
            let request = RestoreRequest {
                want,
                limit: Some(limit),
                modem: lease.modem.as_ref().zip(lease.owed().selection),
                lock_dirs: &lease.lock_dirs,
            };
            let RestoreOutcome { given_back, registration } = owed.settle(&request, || false);
            let restored = if given_back {
                removed(dir, lease, want.map_or(Restored::NothingOwed, Restored::GivenBack))
            } else {
                Restored::Silent(limit)
            };
            Handled { restored, registration, contested: claim.is_contested() }
        }
        Err(restored) => Handled::only(restored),
    }
}

/// The service to give back, and the want that is owed to it. The claim is kept to the end, so that no scan takes our request for another
/// client's. Only a living process of this user keeps the service from being given back; if the claim cannot be taken for another
/// reason, the service is given back without it.
fn owed(dir: &RunDir, lease: &Lease) -> Result<(RestoreTarget, Option<Want>, ServiceClaim), Restored> {
    if lease.is_owner_alive() {
        return Err(Restored::Held(lease.pid));
    }
    let owed = match RestoreTarget::open(&lease.service, &lease.method) {
        // A port that was unplugged has another inode.
        Ok(owed) if matches!(lease.method, RestoreMethod::Start { .. }) => owed,
        Ok(owed) if owed.dir().is_some_and(|dir| lease.is_of(dir)) => owed,
        // A directory that may not be opened is known by its inode alone.
        Ok(owed) if owed.dir().is_none() && owed.identity() == Some(lease.identity()) => owed,
        // A recreated directory has a supervisor of its own, which starts the service.
        Ok(_) | Err(RunitError::NoService { .. }) => return Err(removed(dir, lease, Restored::Stale)),
        Err(error) => return Err(Restored::Refused(error)),
    };
    let claim = owed.claim(Some(dir)).map_err(Restored::Held)?;
    // A scan may have come and gone between the look and the claim.
    match dir.read(lease.identity()) {
        Ok(Some(now)) if now == *lease => {}
        Ok(Some(now)) if now.is_owner_alive() => return Err(Restored::Held(now.pid)),
        Ok(Some(_)) => return Err(Restored::Overtaken),
        Ok(None) => return Err(Restored::Gone),
        Err(error) => return Err(Restored::Unusable(error)),
    }
    for lock_dir in &lease.lock_dirs {
        let _none = uucp::remove_locks_of(lock_dir, lease.pid.get().cast_signed());
    }
    let want = match (lease.owed().want, owed.dir().map(ServiceDir::read_status)) {
        (Some(noted), Some(Ok(record))) => Some(owed_after_death(noted, want_of(&record, None, false))),
        (Some(_), Some(Err(error))) => return Err(Restored::Refused(error)),
        (noted, _) => noted,
    };
    Ok((owed, want, claim))
}

fn removed(dir: &RunDir, lease: &Lease, restored: Restored) -> Restored {
    match dir.remove(lease.identity()) {
        Ok(()) => restored,
        Err(error) => Restored::Unusable(error),
    }
}

impl Restored {
    const fn is_failure(&self) -> bool {
        match self {
            Self::GivenBack(_) | Self::NothingOwed | Self::Stale | Self::Held(_) | Self::Gone => false,
            Self::Silent(_) | Self::Refused(_) | Self::Overtaken | Self::Unusable(_) => true,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::GivenBack(_) => "given_back",
            Self::NothingOwed => "nothing_owed",
            Self::Stale => "stale",
            Self::Held(_) => "held",
            Self::Gone => "gone",
            Self::Silent(_) | Self::Refused(_) | Self::Overtaken => "not_given_back",
            Self::Unusable(_) => "unusable",
        }
    }

    fn to_string(&self, lease: Option<&Lease>) -> String {
        let of = lease.map(|lease| format!(" of process {}", lease.pid)).unwrap_or_default();
        match self {
            Self::GivenBack(want) => {
                let want = match want {
                    Want::Up => "up",
                    Want::Once => "once",
                    Want::Down => "down",
                };
                format!("wanted {want} again; the lease{of} is removed")
            }
            Self::NothingOwed => format!("no want was owed to it; the lease{of} is removed"),
            Self::Stale => format!("the directory is gone; the lease{of} is removed"),
            Self::Held(pid) => format!("process {pid} holds it; left alone"),
            Self::Gone => "given back by another process meanwhile".to_owned(),
            Self::Overtaken => "another scan has left a lease meanwhile, which stays; try again".to_owned(),
            Self::Silent(limit) => {
                format!("not obeyed within {} s; the lease{of} stays", limit.as_secs())
            }
            Self::Refused(error) => format!("{}; the lease{of} stays", chain(error)),
            Self::Unusable(error) => chain(error),
        }
    }
}
