//! The unlock rule in the daemon.

use std::path::PathBuf;
use std::time::Duration;

use cellscan_core::time::Instant;
use cellscan_custody::unlock::{Step, Unlock};

use super::{ActiveScan, Daemon, LOOK_AGAIN};
use crate::custody::selected::Selected;
use crate::error::chain;
use crate::exit::Exit;
use crate::gateway::plan::GatewayPlan;
use crate::gateway::{GatewayScan, unlock};
use crate::report::{Reporter, Style, console, words};

/// Between two looks at a link that has an address, or for a record, where no event of the link comes before.
const SELDOM: Duration = Duration::from_secs(60);

/// The rule, for the modem of this daemon.
#[derive(Debug)]
pub(super) struct Unlocking {
    port: PathBuf,
    rule: Unlock,
    look_at: Option<Instant>,
    due: Option<Instant>,
    last_error: Option<String>,
}

impl Unlocking {
    /// `None`: the rule is off, or the link is not looked at. What was seen before the start of the daemon counts.
    pub(super) fn of(plan: &GatewayPlan, now: Instant) -> Option<Self> {
        if plan.unlock_after.is_zero() || plan.link.is_none() {
            return None;
        }
        let port = unlock::port_of(plan);
        let selected = Selected::read(&plan.state_dir, &port).ok().flatten();
        let rule = selected.map_or_else(Unlock::new, |selected| selected.rule(now));
        Some(Self { port, rule, look_at: Some(now), due: None, last_error: None })
    }

    /// When to look next, where no event of the link comes before.
    pub(super) const fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// The link has changed, or a scan has ended and may have left another record.
    pub(super) const fn look_at_once(&mut self, now: Instant) {
        self.look_at = Some(now);
    }

    /// The time left until the modem is told to choose by itself.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.duration_since(now))
    }

    /// Looks; the record of the selection that is to be undone now.
    fn look(&mut self, plan: &GatewayPlan, now: Instant) -> Option<Selected> {
        // A scan without the daemon writes it too.
        let selected = Selected::read(&plan.state_dir, &self.port).unwrap_or_else(|error| {
            let error = chain(&error);
            if self.last_error.as_ref() != Some(&error) {
                console::complain("warning", &format!("the unlock rule is not kept: {error}"));
                self.last_error = Some(error);
            }
            None
        });
        let sight = unlock::sight(plan, selected.as_ref());
        let step = self.rule.look(now, sight);
        let again = if sight.address == Some(true) { SELDOM } else { LOOK_AGAIN };
        (self.look_at, self.due) = match step {
            // A scan without the daemon may leave a record, and no event of the link with it.
            Step::Idle => (Some(now + SELDOM), None),
            Step::Watch => (Some(now + again), None),
            Step::Until(due) => (Some(due.min(now + LOOK_AGAIN)), Some(due)),
            Step::Unlock => (Some(now + LOOK_AGAIN), Some(now)),
        };
        if let Some(selected) = &selected
            && selected.dark.is_some()
            && self.rule.dark_since().is_none()
            && let Err(error) = selected.note(&plan.state_dir, None)
        {
            log::warn!("the record of the selection is out of date: {}", chain(&error));
        }
        selected.filter(|_| step == Step::Unlock)
    }
}

impl Daemon<'_> {
    /// Tells the modem to choose its carrier by itself, if the rule says so now.
    pub(super) fn look_for_unlock(&mut self) {
        let (Some(unlocking), None, false) = (&mut self.unlocking, &self.active, self.stopping) else {
            return;
        };
        let (now, plan) = (self.clock.now(), &self.plan.gateway);
        if unlocking.look_at.is_none_or(|at| now < at) {
            return;
        }
        let Some(selected) = unlocking.look(plan, now) else { return };
        console::complain(
            "note",
            &format!(
                "no address for {} on {}, which a scan has selected: the modem is told to choose by itself",
                words::span(selected.for_rule().after),
                selected.carrier
            ),
        );
        let mut reporter = Reporter::new(Style { quiet: true, ..Style::default() }, now);
        match GatewayScan::unlock(plan, selected, self.clock, &mut reporter) {
            Ok(scan) => {
                let active = ActiveScan {
                    scan,
                    reporter,
                    asker: None,
                    id: 0,
                    told: true,
                    recording: None,
                    unlocks: true,
                };
                self.active = Some(active);
            }
            Err(error) => {
                unlocking.rule.failed(now);
                console::complain("warning", &format!("it could not be told: {}", chain(&error)));
            }
        }
    }

    /// The service is given back.
    pub(super) fn end_unlock(&mut self, active: &mut ActiveScan) -> Exit {
        active.scan.keep(&self.plan.gateway, &mut active.reporter);
        let report = active.scan.report();
        let is_told = active.scan.chooses_by_itself();
        console::complain(if is_told { "note" } else { "warning" }, &words::unlocked(report, is_told));
        if !is_told && let Some(unlocking) = &mut self.unlocking {
            unlocking.rule.failed(self.clock.now());
        }
        if is_told { Exit::Done } else { Exit::of(report) }
    }
}
