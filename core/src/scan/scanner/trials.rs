//! States 5 and 7 to 9b: try the carriers, choose the best.

use crate::at::answer::Outcome as Said;
use crate::at::command::Command;
use crate::carrier::{Availability, Carrier, Plmn, Trial, is_passing};
use crate::scan::policy::Strategy;
use crate::scan::rank;
use crate::scan::report::Failure;
use crate::scan::{Actions, Event};
use crate::time::{Instant, Span};

use super::check::{Check, Verdict};
use super::state::{Look, Modem, State, Test};
use super::{Scanner, report};

/// The time for choosing the best once the trials have ended: registering again (field logs: up to 11.5 s) and
/// verifying. A trial does not begin, or go on, where less than this is left and a carrier has registered already.
const CONNECT_RESERVE: Span = Span::from_secs(25);

/// Checks in a row that must say "denied" before the trial ends: the first may still show the previous carrier.
const DENIALS_MIN: u8 = 3;

impl Scanner {
    /// Handles the outcome of a command, or of synchronising.
    pub(super) fn outcome(&mut self, said: &Said, out: &mut Actions) {
        if let State::Restoring { step, .. } = self.state {
            return self.outcome_while_restoring(step, said, out);
        }
        if matches!(self.state, State::Modem(Modem::PuttingBack)) {
            return self.leave_modem(out);
        }
        match said {
            Said::Dead => return self.fail(Failure::ModemSilent, out),
            Said::Refused(result) if result.blames_the_sim() => return self.fail(Failure::SimNotReady, out),
            Said::Refused(_) | Said::Ready | Said::Answered(_) | Said::TimedOut => {}
        }
        let State::Modem(modem) = self.state else {
            debug_assert!(false, "{said:?} came in {:?}, where no command is in flight", self.state);
            return;
        };
        match modem {
            Modem::Prepare(step) => self.prepared(step, said, out),
            Modem::WaitResults { .. } => self.searched(said, out),
            Modem::TestCarrier { index, deadline, denials, step } => {
                self.tested(index, deadline, denials, step, said, out);
            }
            Modem::WaitSignal(wait) => self.measured(wait, said, out),
            Modem::ConnectBest { index } => match said {
                Said::Answered(_) => {
                    self.context.lasting_from = self.after(self.policy.confirm);
                    self.verify_carrier(index, out);
                }
                Said::Refused(_) | Said::TimedOut | Said::Ready | Said::Dead => {
                    self.lose(index, out);
                    self.with_modem(Modem::SelectBest, out);
                }
            },
            Modem::VerifyCarrier { index, deadline, step } => self.verified(index, deadline, step, said, out),
            Modem::Opening { .. }
            | Modem::Claiming { .. }
            | Modem::GetOperators
            | Modem::NextCarrier
            | Modem::SelectBest
            | Modem::PuttingBack => {
                debug_assert!(false, "{said:?} came in {modem:?}, where no command is in flight");
            }
        }
    }

    pub(super) fn modem_timeout(&mut self, modem: Modem, out: &mut Actions) {
        match modem {
            Modem::Opening { deadline, .. } => self.opening_timeout(deadline, out),
            Modem::Claiming { .. } => self.fail(Failure::PortUnavailable, out),
            Modem::WaitResults { .. } => self.search(out),
            Modem::TestCarrier { index, deadline, denials, .. } => {
                self.look_at_registration(index, deadline, denials, out);
            }
            Modem::WaitSignal(wait) => self.ask_signal(wait, out),
            Modem::VerifyCarrier { index, deadline, .. } => self.verify_timeout(index, deadline, out),
            Modem::Prepare(_)
            | Modem::GetOperators
            | Modem::NextCarrier
            | Modem::SelectBest
            | Modem::PuttingBack
            | Modem::ConnectBest { .. } => {}
        }
    }

    /// When trials and searches end: with a carrier that has registered, in time to select it.
    pub(super) fn trials_end(&self) -> Instant {
        if self.has_registered() { self.last_trial_start() } else { self.limit() }
    }

    pub(super) fn last_trial_start(&self) -> Instant {
        self.limit().saturating_sub(CONNECT_RESERVE)
    }

    pub(super) fn has_registered(&self) -> bool {
        self.carriers.iter().any(|carrier| matches!(carrier.trial, Trial::Registered(_)))
    }

    /// Passes the states that wait for nothing.
    pub(super) fn pass(&mut self, out: &mut Actions) {
        loop {
            match self.state {
                State::Modem(Modem::NextCarrier) => self.next_carrier(out),
                State::Modem(Modem::SelectBest) => self.select_best(out),
                State::GivingBack { failed, .. } if self.want_owed().is_none() => self.gave_back(failed, out),
                State::Idle
                | State::StopPpp { .. }
                | State::StopPppWaitSv(_)
                | State::VerifyStopped { .. }
                | State::Modem(_)
                | State::WaitPpp { .. }
                | State::Complete
                | State::Clearing { .. }
                | State::Restoring { .. }
                | State::GivingBack { .. } => return,
            }
        }
    }

    #[inline(never)]
    fn next_carrier(&mut self, out: &mut Actions) {
        let enough = self.carriers.iter().any(|carrier| match carrier.trial {
            Trial::Registered(strength) => self.is_enough(carrier.plmn, strength),
            Trial::Untried | Trial::Refused(_) | Trial::TimedOut | Trial::Lost => false,
        });
        let late = self.has_registered() && self.now >= self.last_trial_start();
        let Some((index, plmn)) = self.candidate().filter(|_| !enough && !late) else {
            if !enough && !late && self.may_search() {
                return self.search_after_all(out);
            }
            return self.with_modem(Modem::SelectBest, out);
        };
        if let Some(carrier) = self.carriers.get_mut(index) {
            carrier.retried = carrier.is_to_be_retried();
        }
        self.context.began = self.now;
        self.context.on = None;
        // A modem that has not left its carrier shows no other carrier's signal.
        let stayed = !self.context.disturbed && self.context.before == Some(plmn);
        self.context.settled = stayed.then_some(self.now);
        self.context.lasting_from = Instant::ZERO;
        self.disturb(out);
        let deadline = self.after(self.policy.timeouts.register).min(self.trials_end());
        self.with_modem(Modem::TestCarrier { index, deadline, denials: 0, step: Test::Selecting }, out);
        report(out, Event::TrialBegins(plmn));
        self.command(Command::Select(plmn), deadline.saturating_since(self.now), out);
    }

    /// The next carrier to try: in list order, the carrier before the scan last, so that the likeliest best need not be
    /// registered again (first, where the first good one ends the trials). Then once more those that were refused with a code that
    /// means "try later". Those on the deny list, and then the forbidden ones where the policy allows them, only while no carrier has
    /// registered.
    fn candidate(&self) -> Option<(usize, Plmn)> {
        let likeliest_first = matches!(self.policy.strategy, Strategy::GoodEnough(_) | Strategy::Adaptive(_));
        let order = |carrier: &Carrier| {
            if carrier.is_to_be_retried() {
                3_u8
            } else if carrier.availability == Availability::Forbidden {
                5
            } else if self.deny.denies(carrier.plmn, self.now) {
                4
            } else if Some(carrier.plmn) != self.context.before {
                1
            } else if likeliest_first {
                0
            } else {
                2
            }
        };
        let reach = match (self.has_registered(), self.policy.try_forbidden) {
            (true, _) => 3,
            (false, false) => 4,
            (false, true) => 5,
        };
        let mut first: Option<(u8, usize, Plmn)> = None;
        for (index, carrier) in self.carriers.iter().enumerate() {
            let order = order(carrier);
            if (matches!(carrier.trial, Trial::Untried) || carrier.is_to_be_retried())
                && order <= reach
                && first.is_none_or(|(least, ..)| order < least)
            {
                first = Some((order, index, carrier.plmn));
            }
        }
        first.map(|(_, index, plmn)| (index, plmn))
    }

    fn tested(
        &mut self,
        index: usize,
        deadline: Instant,
        denials: u8,
        step: Test,
        said: &Said,
        out: &mut Actions,
    ) {
        match (step, said) {
            (Test::Selecting, Said::Answered(_)) => {
                // One that the modem has not left was selected long ago.
                if self.context.settled.is_none() {
                    self.context.lasting_from = self.after(self.policy.confirm);
                }
                self.look_at_registration(index, deadline, denials, out);
            }
            (Test::Selecting, Said::Refused(result)) => {
                self.end_trial(index, Trial::Refused(result.cme()), out);
            }
            (Test::Selecting, Said::TimedOut | Said::Ready | Said::Dead) => {
                self.end_trial(index, Trial::TimedOut, out);
            }
            (Test::Looking(Look::Pausing(_)), _) => {}
            (Test::Looking(Look::Checking(mut check)), said) => {
                let wanted = self.carriers.get(index);
                let denied = match check.take(said, wanted, &mut self.context.domains) {
                    Verdict::There => return self.wait_signal(index, out),
                    Verdict::Ask(command) => {
                        let step = Test::Looking(Look::Checking(check));
                        self.state = State::Modem(Modem::TestCarrier { index, deadline, denials, step });
                        // The queries that follow take time too.
                        let settled = self.now + self.policy.settle;
                        self.context.settled.get_or_insert(settled);
                        return self.command(command, self.policy.timeouts.read, out);
                    }
                    Verdict::Denied => true,
                    Verdict::NotThere => false,
                };
                self.context.settled = None;
                let denials = if denied { denials.saturating_add(1) } else { 0 };
                if denials >= DENIALS_MIN {
                    return self.end_trial(index, Trial::Refused(None), out);
                }
                if self.now >= deadline {
                    return self.end_trial(index, Trial::TimedOut, out);
                }
                let step = Test::Looking(Look::Pausing(self.after(self.policy.poll).min(deadline)));
                self.state = State::Modem(Modem::TestCarrier { index, deadline, denials, step });
            }
        }
    }

    fn look_at_registration(&mut self, index: usize, deadline: Instant, denials: u8, out: &mut Actions) {
        let step = Test::Looking(Look::Checking(Check::new()));
        self.state = State::Modem(Modem::TestCarrier { index, deadline, denials, step });
        self.command(Check::FIRST, self.policy.timeouts.read, out);
    }

    pub(super) fn end_trial(&mut self, index: usize, trial: Trial, out: &mut Actions) {
        let took = self.now.saturating_since(self.context.began);
        let lasting = self.context.lasting;
        let Some(carrier) = self.carriers.get_mut(index) else {
            debug_assert!(false, "the trial of a carrier that is not listed");
            return self.with_modem(Modem::NextCarrier, out);
        };
        carrier.trial = trial;
        carrier.confirmed = lasting;
        carrier.took = took;
        let plmn = carrier.plmn;
        match trial {
            Trial::Registered(_) => {
                self.deny.forgive(plmn);
            }
            // The modem or the network was busy for a moment: no reason for the next scan to avoid the carrier.
            Trial::Refused(Some(code)) if is_passing(code) => {}
            Trial::Refused(_) | Trial::TimedOut | Trial::Lost => self.deny.failed(plmn, self.now),
            Trial::Untried => {}
        }
        report(out, Event::TrialEnded(plmn));
        self.with_modem(Modem::NextCarrier, out);
    }

    #[inline(never)]
    fn select_best(&mut self, out: &mut Actions) {
        let stay = self.context.stay.or(self.context.before);
        let best = rank::best(&self.carriers, stay, &self.policy.ranking);
        let Some((index, plmn)) = best.and_then(|index| Some((index, self.carriers.get(index)?.plmn))) else {
            return self.fail(Failure::NoCarrier, out);
        };
        self.context.chosen = Some(plmn);
        report(out, Event::Selected(plmn));
        self.with_modem(Modem::ConnectBest { index }, out);
        if self.context.on == Some(plmn) {
            return self.verify_carrier(index, out);
        }
        self.context.on = None;
        // A scan whose first choice had no link has settled before.
        self.disturb(out);
        let timeout = self.policy.timeouts.register.min(self.limit().saturating_since(self.now));
        self.command(Command::Select(plmn), timeout, out);
    }

    /// The modem could not stay on the chosen carrier: take the next best.
    pub(super) fn lose(&mut self, index: usize, out: &mut Actions) {
        self.context.on = None;
        self.context.chosen = None;
        let Some(carrier) = self.carriers.get_mut(index) else { return };
        carrier.trial = Trial::Lost;
        let plmn = carrier.plmn;
        self.deny.failed(plmn, self.now);
        report(out, Event::Lost(plmn));
    }

    fn verify_carrier(&mut self, index: usize, out: &mut Actions) {
        let deadline = self.after(self.policy.timeouts.verify);
        self.with_modem(Modem::VerifyCarrier { index, deadline, step: Look::Checking(Check::new()) }, out);
        self.command(Check::FIRST, self.policy.timeouts.read, out);
    }

    fn verified(&mut self, index: usize, deadline: Instant, step: Look, said: &Said, out: &mut Actions) {
        let Look::Checking(mut check) = step else { return };
        let wanted = self.carriers.get(index);
        let step = match check.take(said, wanted, &mut self.context.domains) {
            Verdict::There => return self.confirm(index, out),
            Verdict::Ask(command) => {
                self.command(command, self.policy.timeouts.read, out);
                Look::Checking(check)
            }
            Verdict::NotThere | Verdict::Denied => Look::Pausing(self.after(self.policy.poll)),
        };
        self.state = State::Modem(Modem::VerifyCarrier { index, deadline, step });
    }

    fn verify_timeout(&mut self, index: usize, deadline: Instant, out: &mut Actions) {
        if deadline <= self.now {
            self.lose(index, out);
            return self.with_modem(Modem::SelectBest, out);
        }
        self.state =
            State::Modem(Modem::VerifyCarrier { index, deadline, step: Look::Checking(Check::new()) });
        self.command(Check::FIRST, self.policy.timeouts.read, out);
    }
}
