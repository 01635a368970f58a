//! States 10 to 12: give the service back, with a carrier or without.

use crate::at::answer::Outcome as Said;
use crate::at::command::Command;
use crate::carrier::{Plmn, Trial};
use crate::scan::policy::NoLink;
use crate::scan::report::{Failure, Outcome};
use crate::scan::{Action, Actions, Event};
use crate::selection::Selection;
use crate::supervisor::{Owed, Remains, ServiceState, ServiceStatus, Signal, Want};
use crate::time::{Instant, Span};

use super::check::{Check, Verdict};
use super::handover::{ASK_AGAIN, send_signal};
use super::state::{Look, Modem, Restore, State, Verify};
use super::{Scanner, act, report};

/// How long DTR is low. A modem reacts after 50 ms (S25, five hundredths of a second).
const DTR_DROP: Span = Span::from_millis(300);

impl Scanner {
    /// Records the selection to restore, before the scan first changes the modem: for the guard, the next scan or `restore`.
    pub(super) fn disturb(&mut self, out: &mut Actions) {
        self.context.disturbed = true;
        self.owe(self.context.owed, true, out);
    }

    /// The modem is on the chosen carrier, or restored: nothing is left to restore.
    fn settle(&mut self, out: &mut Actions) {
        self.owe(self.context.owed, false, out);
    }

    pub(super) fn found_on(&mut self, plmn: Plmn, out: &mut Actions) {
        self.context.before = Some(plmn);
        report(out, Event::Before(plmn));
    }

    /// Takes over what a dead scan has left to do, which is recorded already. This scan restores the selection if it fails.
    pub(super) fn adopt(&mut self, owed: Owed, out: &mut Actions) {
        (self.context.owed, self.context.noted) = (owed.want, owed.selection.is_some());
        if let Some(Selection::Manual(plmn)) = owed.selection {
            self.found_on(plmn, out);
        }
        self.context.selection = owed.selection;
        self.context.disturbed = owed.selection.is_some();
    }

    /// State 12 alone, for a modem whose scan died.
    #[inline(never)]
    pub(super) fn restore(&mut self, selection: Selection, out: &mut Actions) {
        self.forget();
        let until = self.after(self.policy.timeouts.restore);
        self.enter(State::Restoring { until, step: Restore::Unseen(self.after(DTR_DROP)) }, out);
        self.adopt(Owed { want: None, selection: Some(selection) }, out);
    }

    pub(super) fn fail(&mut self, failure: Failure, out: &mut Actions) {
        event!(warn, "given up: {:?}", failure);
        self.context.failure = Some(failure);
        let gone = matches!(
            failure,
            Failure::SecondClient | Failure::ModemSilent | Failure::PortUnavailable | Failure::PortHeld(_)
        );
        // While the service is going down, one of its processes may have outlived the TERM of the supervisor.
        let (half_way, modem_is_ours) = match self.state {
            State::StopPppWaitSv(wait) => (wait.wanted, false),
            State::VerifyStopped { .. } => (true, false),
            State::Modem(modem) => (false, !matches!(modem, Modem::Opening { .. } | Modem::Claiming { .. })),
            State::Idle
            | State::StopPpp { .. }
            | State::WaitPpp { .. }
            | State::Complete
            | State::Clearing { .. }
            | State::Restoring { .. }
            | State::GivingBack { .. } => (false, false),
        };
        if half_way && !matches!(failure, Failure::PortHeld(_)) && !self.context.orphaned {
            let deadline = self.after(self.policy.timeouts.kill);
            return self.enter(State::Clearing { deadline, step: Verify::Look }, out);
        }
        let has_settings = self.has_settings() && self.dialogue.is_ready();
        let changed = self.context.disturbed || has_settings;
        if !modem_is_ours || !changed || gone {
            return self.give_back_failed(false, out);
        }
        let until = self.after(self.policy.timeouts.restore);
        if !self.context.disturbed {
            self.enter(State::Restoring { until, step: Restore::PuttingBack { registers: false } }, out);
            return self.put_back(false, out);
        }
        // A scan whose first choice had no link has settled before.
        self.disturb(out);
        let step = Restore::Dropping(self.after(DTR_DROP));
        self.enter(State::Restoring { until, step }, out);
        if self.dialogue.is_ready() {
            return self.restore_selection(true, out);
        }
        // Many modems cannot abort a search by a byte (field log), and most end it when DTR drops (V.250 §6.2.9).
        self.dialogue.close();
        act(out, Action::ClosePort);
    }

    pub(super) fn seen_while_clearing(&mut self, step: Verify, remains: Remains, out: &mut Actions) {
        let is_down = self.context.service.is_some_and(|status| status.state == ServiceState::Down);
        match remains.service {
            None if is_down => self.give_back_failed(false, out),
            Some(_) if is_down && step == Verify::Look => {
                let deadline = self.after(self.policy.timeouts.term);
                send_signal(Signal::Term, out);
                self.state = State::Clearing { deadline, step: Verify::Termed };
            }
            Some(_) | None => {}
        }
    }

    pub(super) fn clearing_timeout(&mut self, step: Verify, out: &mut Actions) {
        if step == Verify::Termed {
            let deadline = self.after(self.policy.timeouts.kill);
            send_signal(Signal::Kill, out);
            self.state = State::Clearing { deadline, step: Verify::Killed };
            return;
        }
        self.give_back_failed(false, out);
    }

    /// Restores the selection from before the scan: by the carrier's digits where it was manual, else automatic.
    fn restore_selection(&mut self, as_found: bool, out: &mut Actions) {
        let State::Restoring { until, .. } = self.state else { return };
        let manual = match self.context.selection {
            Some(Selection::Manual(plmn)) if as_found => Some(plmn),
            Some(_) | None => None,
        };
        let command = manual.map_or(Command::SelectAutomatically, Command::Select);
        self.state = State::Restoring { until, step: Restore::Selecting { manual: manual.is_some() } };
        self.command(command, until.saturating_since(self.now), out);
    }

    pub(super) fn outcome_while_restoring(&mut self, step: Restore, said: &Said, out: &mut Actions) {
        let State::Restoring { until, .. } = self.state else { return };
        match (step, said) {
            (_, Said::Dead) => self.restored(false, out),
            (Restore::Synchronising, _) => self.restore_selection(true, out),
            (Restore::Selecting { .. }, Said::Answered(_)) => self.put_back(true, out),
            (Restore::Selecting { manual: true }, _) => self.restore_selection(false, out),
            (Restore::Selecting { manual: false }, _) => self.put_back(false, out),
            (Restore::PuttingBack { registers }, _) => self.put_back(registers, out),
            (
                Restore::Unseen(_)
                | Restore::Dropping(_)
                | Restore::Opening
                | Restore::Claiming
                | Restore::Looking(Look::Pausing(_)),
                _,
            ) => {}
            (Restore::Looking(Look::Checking(mut check)), said) => {
                let look = match check.take(said, None, &mut self.context.domains) {
                    Verdict::There => return self.restored(true, out),
                    Verdict::NotThere | Verdict::Denied => Look::Pausing(self.after(self.policy.poll)),
                    Verdict::Ask(command) => {
                        self.command(command, self.policy.timeouts.read, out);
                        Look::Checking(check)
                    }
                };
                self.state = State::Restoring { until, step: Restore::Looking(look) };
            }
        }
    }

    /// Puts the next setting back; after the last, waits for the registration where one is to be expected.
    #[inline(never)]
    fn put_back(&mut self, registers: bool, out: &mut Actions) {
        let State::Restoring { until, .. } = self.state else { return };
        self.state = State::Restoring { until, step: Restore::PuttingBack { registers } };
        if self.puts_back(out) {
            return;
        }
        if !registers {
            return self.restored(false, out);
        }
        self.look_for_any_registration(until, out);
    }

    fn look_for_any_registration(&mut self, until: Instant, out: &mut Actions) {
        self.state = State::Restoring { until, step: Restore::Looking(Look::Checking(Check::new())) };
        self.command(Check::FIRST, self.policy.timeouts.read, out);
    }

    pub(super) fn restoring_timeout(&mut self, until: Instant, step: Restore, out: &mut Actions) {
        if until <= self.now {
            return self.restored(false, out);
        }
        if matches!(step, Restore::Unseen(_)) {
            // The holder of the port is not known yet: two looks at the processes did not agree.
            self.state = State::Restoring { until, step: Restore::Unseen(self.after(DTR_DROP)) };
            return;
        }
        if matches!(step, Restore::Dropping(_)) {
            self.state = State::Restoring { until, step: Restore::Opening };
            return act(out, Action::OpenPort);
        }
        self.look_for_any_registration(until, out);
    }

    /// The holders of the port, while the registration is being restored.
    pub(super) fn seen_while_claiming(&mut self, step: Restore, remains: Remains, out: &mut Actions) {
        let State::Restoring { until, .. } = self.state else { return };
        if !remains.is_free() {
            return self.restored(false, out);
        }
        if let Restore::Unseen(drop) = step {
            self.state = State::Restoring { until, step: Restore::Dropping(drop) };
        }
        if step == Restore::Claiming {
            self.state = State::Restoring { until, step: Restore::Synchronising };
            let turn = self.dialogue.open(self.now);
            self.turn(turn, out);
        }
    }

    pub(super) fn restored(&mut self, seen: bool, out: &mut Actions) {
        if seen {
            self.settle(out);
        }
        self.give_back_failed(seen, out);
    }

    /// The scan has decided, or it fails.
    #[inline(never)]
    pub(super) fn budget_spent(&mut self, out: &mut Actions) {
        if matches!(self.state, State::Modem(Modem::PuttingBack)) {
            return self.start_ppp(out);
        }
        self.fail(Failure::BudgetSpent, out);
    }

    /// Another client brought the service up while the registration is being restored: the modem belongs to that service.
    pub(super) fn seen_while_restoring(&mut self, status: ServiceStatus, out: &mut Actions) {
        self.note(status, out);
        if status.supervised && (status.want == Want::Up || status.state != ServiceState::Down) {
            self.restored(false, out);
        }
    }

    fn give_back_failed(&mut self, restored: bool, out: &mut Actions) {
        if self.context.disturbed {
            report(out, Event::Restored(restored));
        }
        self.give_back(true, out);
    }

    /// State 10.
    #[inline(never)]
    pub(super) fn start_ppp(&mut self, out: &mut Actions) {
        self.settle(out);
        self.give_back(false, out);
    }

    /// Closes the port before the request. Where no want is owed, [`Scanner::pass`] goes on.
    fn give_back(&mut self, failed: bool, out: &mut Actions) {
        self.let_go_of_port(out);
        let (deadline, again_at) = (self.after(self.policy.timeouts.give_back), self.after(ASK_AGAIN));
        self.enter(State::GivingBack { deadline, again_at, failed }, out);
        if let Some(want) = self.want_owed() {
            act(out, Action::Ask(want));
        }
    }

    pub(super) fn seen_while_giving_back(&mut self, failed: bool, status: ServiceStatus, out: &mut Actions) {
        self.note(status, out);
        if self.is_given_back(status) {
            self.gave_back(failed, out);
        }
    }

    pub(super) fn giving_back_timeout(&mut self, deadline: Instant, failed: bool, out: &mut Actions) {
        match self.want_owed() {
            Some(want) if deadline > self.now => {
                self.state = State::GivingBack { deadline, again_at: self.after(ASK_AGAIN), failed };
                act(out, Action::Ask(want));
            }
            Some(_) if failed => self.failed(false, out),
            Some(_) => self.fail(Failure::SupervisorSilent, out),
            None => {}
        }
    }

    /// Nothing is owed to the service any more, as its record showed, or since no want was owed.
    // Not inlined: the states after it lie on top of the caller's frame.
    #[inline(never)]
    pub(super) fn gave_back(&mut self, failed: bool, out: &mut Actions) {
        self.owe_want(None, out);
        self.context.given_at = Some(self.now);
        if !failed || self.want_owed().is_some() {
            report(out, Event::GivenBack);
        }
        if failed {
            return self.failed(true, out);
        }
        if self.is_overruled() {
            return self.overruled(out);
        }
        if self.want_owed().is_none() || self.policy.timeouts.link.is_zero() {
            return self.complete(out);
        }
        self.enter(State::WaitPpp { deadline: self.after(self.policy.timeouts.link) }, out);
    }

    fn failed(&mut self, given_back: bool, out: &mut Actions) {
        let failure = self.context.failure.unwrap_or(Failure::Aborted);
        self.end(Outcome::Failed(failure), given_back, out);
    }

    /// By what the supervisor proves, else by what the record shows.
    fn is_given_back(&self, status: ServiceStatus) -> bool {
        let shown = match self.want_owed() {
            None => return false,
            Some(Want::Up) => status.want == Want::Up,
            Some(Want::Once | Want::Down) => status.state == ServiceState::Run,
        };
        status.supervised && status.given_back.unwrap_or(shown)
    }

    /// The status while the link is waited for.
    pub(super) fn seen_while_waiting(&mut self, status: ServiceStatus, out: &mut Actions) {
        self.context.service = Some(status);
        if self.is_overruled() {
            self.overruled(out);
        }
    }

    /// Whether the record of a service that was given back shows another client's wish: nothing of ours asks for down any more.
    /// A service that was to run once is wanted down while it runs, and after its end.
    #[inline(never)]
    fn is_overruled(&self) -> bool {
        let kept_up = self.context.found == Some(Want::Up);
        self.context.service.is_some_and(|status| {
            let wanted_down = kept_up && status.want != Want::Up && status.given_back != Some(false);
            status.supervised && (status.foreign_down || wanted_down)
        })
    }

    /// Another client wants the service down: no link will come, and no other carrier is tried against that wish.
    #[inline(never)]
    fn overruled(&mut self, out: &mut Actions) {
        report(out, Event::ForeignDown);
        self.no_link(out);
    }

    #[inline(never)]
    pub(super) fn link_is_up(&mut self, out: &mut Actions) {
        let given = self.context.given_at.unwrap_or(self.now);
        report(out, Event::LinkUp(self.now.saturating_since(given)));
        // The outage lasts until now.
        self.context.given_at = None;
        self.complete(out);
    }

    /// Tries the next best carrier where the policy says so, one has registered in its trial, and the budget allows it.
    pub(super) fn link_is_late(&mut self, out: &mut Actions) {
        let index = self.carriers.iter().position(|carrier| Some(carrier.plmn) == self.context.chosen);
        let another =
            self.carriers.iter().enumerate().any(|(other, carrier)| {
                Some(other) != index && matches!(carrier.trial, Trial::Registered(_))
            });
        if self.policy.no_link == NoLink::NextBest && another && self.now < self.last_trial_start() {
            if let Some(index) = index {
                self.lose(index, out);
            }
            return self.ask_down(true, out);
        }
        self.no_link(out);
    }

    pub(super) fn no_link(&mut self, out: &mut Actions) {
        report(out, Event::NoLink);
        self.complete(out);
    }

    fn complete(&mut self, out: &mut Actions) {
        self.enter(State::Complete, out);
        self.end(Outcome::Complete, true, out);
    }
}
