//! The machine: one entry, one answer.

use heapless::Vec;

use crate::at::command::Command;
use crate::at::dialogue::{Dialogue, Turn};
use crate::at::line::Line;
use crate::carrier::{Carriers, Remembered};
use crate::time::{Instant, Span};

use super::deny::{Denied, DenyList};
use super::gate::{Gate, Request};
use super::policy::{Policy, Strategy};
use super::report::{Failure, Outcome};
use super::{Action, Actions, Event, Input, MOVES, Phase, Watch};

mod check;
mod context;
mod giveback;
mod handover;
mod inputs;
mod prepare;
mod settings;
mod signal;
mod snapshot;
mod state;
mod trials;

#[cfg(test)]
pub(crate) mod tests;

use context::ScanContext;
use state::{Modem, State};

pub use snapshot::Snapshot;

/// Carriers remembered for a quick or an adaptive scan, at most.
pub const REMEMBERED_MAX: usize = 8;

/// Deadlines handled in one step, at most: the budget, the dialogue's and the state's own may come at once, and each
/// leads to a later deadline.
const PASSES_MAX: usize = 4;

/// Decides everything about a scan and does nothing.
///
/// ```
/// use cellscan_core::scan::{Action, Event, Input, Phase, Policy, Scanner, gate};
/// use cellscan_core::time::Instant;
/// let mut scanner = Scanner::new(Policy::DEFAULT);
/// let request = gate::Request { id: 1, origin: gate::Origin::Manual };
/// let actions = scanner.step(Instant::ZERO, Input::Start(request));
/// let moved = Event::Moved { from: Phase::Idle, to: Phase::StopPpp };
/// assert_eq!(actions, [Action::Report(moved), Action::Take]);
/// assert!(scanner.next_deadline().is_some());
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Scanner {
    policy: Policy,
    state: State,
    now: Instant,
    dialogue: Dialogue,
    carriers: Carriers,
    deny: DenyList,
    gate: Gate,
    remembered: Vec<Remembered, REMEMBERED_MAX>,
    context: ScanContext,
}

impl Scanner {
    /// An idle machine.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            state: State::Idle,
            now: Instant::ZERO,
            dialogue: Dialogue::new(),
            carriers: Carriers::new(),
            deny: DenyList::new(),
            gate: Gate::new(),
            remembered: Vec::new(),
            context: ScanContext::new(&policy),
        }
    }

    /// Puts a carrier that failed in an earlier scan on the deny list of a new machine.
    pub fn deny(&mut self, denied: Denied) {
        self.deny.put(denied);
    }

    /// The carriers for a quick or an adaptive scan, likeliest last.
    #[must_use]
    pub fn remembered(&self) -> &[Remembered] {
        &self.remembered
    }

    /// Remembers a carrier for a quick or an adaptive scan; likeliest last. Where there is no room the oldest is dropped.
    pub fn remember(&mut self, carrier: impl Into<Remembered>) {
        self.keep_in_mind(carrier.into());
    }

    fn keep_in_mind(&mut self, carrier: Remembered) {
        let known = self.remembered.iter().position(|known| known.plmn == carrier.plmn);
        let Some(gone) = known.or_else(|| self.remembered.is_full().then_some(0)) else {
            let kept = self.remembered.push(carrier);
            debug_assert!(kept.is_ok(), "there is room");
            return;
        };
        // The new carrier becomes the last; each other one moves forward by one place.
        let mut next = carrier;
        for place in self.remembered.iter_mut().skip(gone).rev() {
            core::mem::swap(place, &mut next);
        }
    }

    /// Takes the time and one input; returns the actions, in order. The caller tries all of them before the next step, also
    /// where some fail.
    #[must_use = "an action not carried out stalls the scan"]
    pub fn step(&mut self, now: Instant, input: Input<'_>) -> Actions {
        let mut out = Actions::new();
        self.step_into(now, input, &mut out);
        out
    }

    /// The same, with the actions in the caller's frame: the compiler does not always see that one copy is enough.
    pub(crate) fn step_into(&mut self, now: Instant, input: Input<'_>, out: &mut Actions) {
        // A caller's clock that goes back counts as standing still.
        self.now = self.now.max(now);
        self.decide(input, out);
        self.pass(out);
    }

    /// When [`Input::Timeout`] is due; `None`: only another input moves the scan. After a timeout step always in the future.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let budget = self.phase().is_holding().then(|| self.limit());
        let dialogue = self.dialogue.next_deadline();
        sooner(sooner(budget, dialogue), self.state.deadline())
    }

    /// The inputs that the scan needs in its present state.
    #[must_use]
    pub const fn watch(&self) -> Watch {
        let phase = self.phase();
        Watch {
            service: !matches!(phase, Phase::Idle | Phase::StopPpp),
            remains: match self.state {
                State::VerifyStopped { .. } | State::Clearing { .. } | State::Restoring { .. } => true,
                // From here on the scan alone uses the port; it must notice another opener before the next byte.
                State::Modem(modem) => !matches!(modem, Modem::Opening { .. }),
                State::Idle
                | State::StopPpp { .. }
                | State::StopPppWaitSv(_)
                | State::WaitPpp { .. }
                | State::Complete
                | State::GivingBack { .. } => false,
            },
            link: matches!(phase, Phase::WaitPpp),
        }
    }

    /// Where the scan is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// The carriers of the current scan, or of the last one.
    #[must_use]
    pub const fn carriers(&self) -> &Carriers {
        &self.carriers
    }

    /// The carriers that failed in recent scans.
    #[must_use]
    pub const fn deny_list(&self) -> &DenyList {
        &self.deny
    }

    /// The policy of the scan.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline(never)]
    fn start(&mut self, request: Request, out: &mut Actions) {
        if let Err(declined) = self.gate.admit(self.now, request) {
            return report(out, Event::Declined(declined));
        }
        self.forget();
        self.context.request = Some(request.id);
        self.enter(State::StopPpp { deadline: self.after(self.policy.timeouts.take) }, out);
        act(out, Action::Take);
    }

    /// The instant `span` from now.
    // Not inlined: every state with a deadline calls it.
    #[inline(never)]
    fn after(&self, span: Span) -> Instant {
        self.now + span
    }

    /// Clears all data of the last scan before a new one.
    #[inline(never)]
    fn forget(&mut self) {
        self.context = ScanContext::new(&self.policy);
        self.carriers.clear();
    }

    #[inline(never)]
    fn timeout(&mut self, out: &mut Actions) {
        for _ in 0..PASSES_MAX {
            if self.next_deadline().is_none_or(|deadline| deadline > self.now) {
                return;
            }
            if self.phase().is_holding() && self.limit() <= self.now {
                self.budget_spent(out);
            } else if self.dialogue.next_deadline().is_some_and(|deadline| deadline <= self.now) {
                let turn = self.dialogue.timeout(self.now);
                self.turn(turn, out);
            } else {
                self.state_timeout(out);
            }
            self.pass(out);
        }
        debug_assert!(
            self.next_deadline().is_none_or(|deadline| deadline > self.now),
            "a deadline stays behind in {:?}",
            self.state
        );
    }

    #[inline(never)]
    fn state_timeout(&mut self, out: &mut Actions) {
        match self.state {
            State::StopPpp { .. } => self.fail(Failure::ServiceUnavailable, out),
            State::StopPppWaitSv(wait) => self.stopping_timeout(wait, out),
            State::VerifyStopped { step, deadline, .. } => self.verifying_timeout(step, deadline, out),
            State::Modem(modem) => self.modem_timeout(modem, out),
            State::WaitPpp { .. } => self.link_is_late(out),
            State::Clearing { step, .. } => self.clearing_timeout(step, out),
            State::Restoring { until, step } => self.restoring_timeout(until, step, out),
            State::GivingBack { deadline, failed, .. } => self.giving_back_timeout(deadline, failed, out),
            State::Idle | State::Complete => {}
        }
    }

    /// When the scan gives up so that the rest of the budget suffices to restore and to give back.
    fn limit(&self) -> Instant {
        let Some(asked) = self.context.asked_at else { return Instant::MAX };
        if self.policy.budget == Span::MAX {
            return Instant::MAX;
        }
        asked + self.policy.budget.saturating_sub(self.policy.reserve())
    }

    #[inline(never)]
    fn line(&mut self, line: Line<'_>, out: &mut Actions) {
        let carriers = &mut self.carriers;
        let turn = self.dialogue.line(self.now, line, |found| prepare::keep(carriers, &found));
        self.turn(turn, out);
    }

    fn turn(&mut self, turn: Turn, out: &mut Actions) {
        self.context.dropped = self.context.dropped.saturating_add(u32::from(turn.dropped));
        if let Some(outgoing) = turn.send {
            act(out, Action::Send(outgoing));
        }
        if let Some(outcome) = turn.outcome {
            self.outcome(&outcome, out);
        }
    }

    /// Starts a command on a line that is ready.
    fn command(&mut self, command: Command, timeout: Span, out: &mut Actions) {
        let turn = self.dialogue.start(self.now, command, timeout);
        debug_assert!(turn.outcome.is_none(), "{command:?} was started while another was in flight");
        if let Some(outgoing) = turn.send {
            act(out, Action::Send(outgoing));
        }
    }

    #[inline(never)]
    fn with_modem(&mut self, next: Modem, out: &mut Actions) {
        self.enter(State::Modem(next), out);
    }

    /// Changes the state: the only place that does so across phases.
    fn enter(&mut self, next: State, out: &mut Actions) {
        let from = self.phase();
        self.state = next;
        let to = self.phase();
        if from == to {
            return;
        }
        debug_assert!(MOVES.contains(&(from, to)), "unlisted move from {from:?} to {to:?}");
        event!(debug, "phase {:?} -> {:?}", from, to);
        report(out, Event::Moved { from, to });
    }

    /// Whether only remembered carriers are tried, for now or for good.
    fn is_quick(&self) -> bool {
        let tries_them = match self.policy.strategy {
            Strategy::Quick => true,
            Strategy::Adaptive(_) => !self.context.searches,
            Strategy::Full | Strategy::GoodEnough(_) => false,
        };
        tries_them && !self.remembered.is_empty()
    }

    fn end(&mut self, outcome: Outcome, release: bool, out: &mut Actions) {
        act(out, if release { Action::Release } else { Action::HandOver });
        // A scan that never asked for down took no link away; nor did one that only restored the registration.
        if let Some(asked) = self.context.asked_at {
            let back = self.context.given_at.unwrap_or(self.now);
            report(out, Event::Outage(back.saturating_since(asked)));
            self.gate.ended(self.now);
        }
        self.context.request = None;
        if self.context.dropped > 0 {
            report(out, Event::Dropped(self.context.dropped));
        }
        report(out, Event::Released(release));
        report(out, Event::Finished(outcome));
        self.enter(State::Idle, out);
    }
}

/// The earlier of two instants, as far as they exist.
pub(crate) fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[inline(never)]
fn act(out: &mut Actions, action: Action) {
    let fits = out.push(action);
    debug_assert!(fits.is_ok(), "ACTIONS_MAX is too small for {out:?}");
}

#[inline(never)]
fn report(out: &mut Actions, event: Event) {
    act(out, Action::Report(event));
}
