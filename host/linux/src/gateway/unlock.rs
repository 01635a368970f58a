//! The unlock rule on this gateway: the record of a selection from the plan of its scan, the plan of an unlock from a record, and
//! a look at the gateway for the rule.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cellscan_core::carrier::Plmn;
use cellscan_core::scan::Policy;
use cellscan_core::scan::policy::Timeouts;
use cellscan_core::supervisor::Want;
use cellscan_core::time::{Instant, Span};
use cellscan_custody::unlock::{REGISTER_LIMIT, Sight, Step};

use super::plan::{GatewayPlan, GuardPlan, hold_limit};
use super::{absolute, ours};
use crate::custody::Undone;
use crate::custody::claim::claimed_by;
use crate::custody::selected::{Selected, SelectedError, VERSION, unix_ms};
use crate::link::Interfaces;
use crate::runit::dir::{ServiceDir, want_of};
use crate::serial::SerialOptions;
use crate::service::locate::{self, Backend};

/// Beside the restored registration: for taking the service and giving it back.
const MARGIN: Duration = Duration::from_secs(120);

/// The name of the modem's port in its record.
#[must_use]
pub fn port_of(plan: &GatewayPlan) -> PathBuf {
    absolute(&plan.serial.path)
}

/// The record of a selection that a scan by this plan makes now. `None`: the rule is off, or a word of the plan is no text.
pub(super) fn record(plan: &GatewayPlan, carrier: Plmn) -> Option<Selected> {
    let word = |word: &std::ffi::OsString| word.to_str().map(str::to_owned);
    // As `find_service` has it; the next process may have another working directory.
    let service = plan.service.as_ref().map(|service| {
        if service.contains('/') || service.starts_with('.') {
            absolute(Path::new(service)).to_string_lossy().into_owned()
        } else {
            service.clone()
        }
    });
    (!plan.unlock_after.is_zero()).then_some(())?;
    Some(Selected {
        version: VERSION,
        carrier: carrier.as_str().to_owned(),
        since_unix_ms: unix_ms(),
        unlock_after_s: plan.unlock_after.as_secs(),
        dark: None,
        port: port_of(plan),
        baud: plan.serial.baud,
        ppp_port: absolute(&plan.ppp_port),
        service,
        backend: plan.backend,
        start: plan.start.iter().map(word).collect::<Option<_>>()?,
        link: plan.link.as_ref().map(|link| link.pattern().to_owned()),
        lock_dirs: plan.serial.lock_dirs.iter().map(|dir| absolute(dir)).collect(),
        run_dir: absolute(&plan.run_dir),
    })
}

/// The plan of an unlock from its record alone: of `cellscan restore`, which knows nothing of the scan.
#[must_use]
pub fn plan(selected: &Selected, state_dir: &Path) -> GatewayPlan {
    GatewayPlan {
        serial: SerialOptions {
            baud: selected.baud,
            lock_dirs: selected.lock_dirs.clone(),
            ..SerialOptions::new(selected.port.clone())
        },
        ppp_port: selected.ppp_port.clone(),
        service: selected.service.clone(),
        backend: selected.backend,
        start: selected.start.iter().map(Into::into).collect(),
        link: selected.link.as_ref().map(Interfaces::named),
        policy: Policy::DEFAULT,
        carriers: None,
        state_dir: state_dir.into(),
        run_dir: selected.run_dir.clone(),
        guard: GuardPlan::ThisProgram,
        hold_limit: None,
        unlock_after: Duration::from_secs(selected.unlock_after_s),
        prepare: None,
    }
}

/// The same gateway, for an unlock: the modem has the time that the rule allows it to find a carrier.
pub(super) fn of_unlock(plan: &GatewayPlan) -> GatewayPlan {
    let policy = Policy {
        timeouts: Timeouts { restore: Span::rounded_up(REGISTER_LIMIT), ..plan.policy.timeouts },
        budget: Span::rounded_up(REGISTER_LIMIT + MARGIN) + plan.policy.timeouts.give_back,
        ..plan.policy
    };
    // The guard kills the daemon with an unlock that takes longer.
    let limit = plan.hold_limit.unwrap_or_default().max(hold_limit(&policy));
    GatewayPlan { policy, hold_limit: Some(limit), ..plan.clone() }
}

/// One look at this gateway. `selected` is the record of its modem.
#[must_use]
pub fn sight(plan: &GatewayPlan, selected: Option<&Selected>) -> Sight {
    let unknown =
        Sight { selected: selected.map(Selected::for_rule), address: None, wanted_up: None, in_hand: false };
    if selected.is_none() {
        return unknown;
    }
    let address = plan.link.as_ref().and_then(|link| link.up(&ours(plan)).ok()).map(|up| !up.is_empty());
    let dir = match plan.backend {
        Backend::Unsupervised => None,
        Backend::Auto | Backend::Native | Backend::Sv => {
            let port = Some(plan.ppp_port.as_path());
            locate::locate(plan.service.as_deref(), &locate::default_roots(), port).ok().flatten()
        }
    };
    let dir = dir.and_then(|found| ServiceDir::open(&found.dir).ok());
    let want =
        dir.as_ref().and_then(|dir| dir.read_status().ok()).map(|record| want_of(&record, None, false));
    Sight {
        address,
        wanted_up: want.map(|want| want == Want::Up),
        in_hand: dir.is_some_and(|dir| claimed_by(&plan.run_dir, &dir).is_some()),
        ..unknown
    }
}

/// The selection that a scan of this gateway undoes if it fails, where the rule would by now.
///
/// # Errors
/// There is a record that cannot be used.
pub(super) fn due(plan: &GatewayPlan, now: Instant) -> Result<Option<Undone>, SelectedError> {
    let Some(selected) = Selected::read(&plan.state_dir, &port_of(plan))? else { return Ok(None) };
    let sight = Sight { in_hand: false, ..sight(plan, Some(&selected)) };
    let is_due = selected.rule(now).look(now, sight) == Step::Unlock;
    Ok(is_due.then(|| Undone { state_dir: plan.state_dir.clone(), selected, alone: false }))
}
