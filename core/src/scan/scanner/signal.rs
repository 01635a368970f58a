//! States 6 and 9b: read the signal of the carrier under trial, and of the chosen one again.

use crate::at::answer::{Answer, Outcome as Said};
use crate::at::command::Command;
use crate::carrier::{Availability, Carrier, Plmn, Strength, Trial};
use crate::scan::policy::{SAMPLES_MAX, Strategy};
use crate::scan::rank;
use crate::scan::{Actions, Event};
use crate::time::Instant;

use super::context::Own;
use super::state::{Measure, Modem, Signal, State};
use super::{Scanner, report};

impl Scanner {
    pub(super) fn wait_signal(&mut self, index: usize, out: &mut Actions) {
        self.context.on = self.carriers.get(index).map(|carrier| carrier.plmn);
        let settled =
            self.context.settled.take().unwrap_or_else(|| self.after(self.policy.settle)).max(self.now);
        self.read_at(index, settled, settled + self.policy.timeouts.signal, false, out);
    }

    /// Reads the signal of the chosen carrier again, unless that can change nothing: there is no other, its value is not a first
    /// impression, or no time is left.
    pub(super) fn confirm(&mut self, index: usize, out: &mut Actions) {
        let registered = self.carriers.iter().filter(|carrier| matches!(carrier.trial, Trial::Registered(_)));
        let alone = registered.count() < 2;
        let lasting = self.carriers.get(index).is_none_or(|carrier| carrier.confirmed);
        let read_at = self.context.lasting_from.max(self.now);
        if alone || lasting || self.policy.confirm.is_zero() || read_at >= self.last_trial_start() {
            return self.leave_modem(out);
        }
        self.read_at(index, read_at, read_at + self.policy.timeouts.read, true, out);
    }

    /// Reads the signal from `read_at` on, until there are enough samples or the deadline has come.
    #[inline(never)]
    fn read_at(
        &mut self,
        index: usize,
        read_at: Instant,
        deadline: Instant,
        confirms: bool,
        out: &mut Actions,
    ) {
        self.context.samples.clear();
        self.context.lasting = read_at.max(self.now) >= self.context.lasting_from;
        let wait = Signal { index, deadline, confirms, step: Measure::Pausing(read_at) };
        self.with_modem(Modem::WaitSignal(wait), out);
        if read_at <= self.now {
            self.ask_signal(wait, out);
        }
    }

    /// The value of the chosen carrier as it lasts: another that is better by more than the hysteresis takes its place.
    fn confirmed(&mut self, index: usize, strength: Strength, out: &mut Actions) {
        let Some(carrier) = self.carriers.get_mut(index) else { return self.leave_modem(out) };
        if strength.is_known() {
            carrier.trial = Trial::Registered(strength);
        }
        carrier.confirmed = true;
        let plmn = carrier.plmn;
        self.context.stay = Some(plmn);
        report(out, Event::Confirmed(plmn));
        if rank::best(&self.carriers, Some(plmn), &self.policy.ranking) == Some(index)
            || self.now >= self.last_trial_start()
        {
            return self.leave_modem(out);
        }
        self.with_modem(Modem::SelectBest, out);
    }

    pub(super) fn measured(&mut self, wait: Signal, said: &Said, out: &mut Actions) {
        let Signal { index, deadline, confirms, step } = wait;
        let value = match said {
            Said::Answered(Answer::Signal(strength)) => *strength,
            Said::Answered(_) | Said::Refused(_) | Said::TimedOut | Said::Ready | Said::Dead => {
                Strength::default()
            }
        };
        // As many RSSI readings as the policy wants, and RSRP once with the last, or in place of an unknown one.
        let wanted = if confirms { 1 } else { usize::from(self.policy.samples.max(1)).min(SAMPLES_MAX) };
        let strength = match step {
            Measure::Pausing(_) => return,
            Measure::Rssi => {
                let last = self.context.samples.len().saturating_add(1) >= wanted;
                if !self.context.no_rsrp && (last || !value.is_known()) {
                    return self.measure(wait, Measure::Rsrp(value), Command::SignalExtended, out);
                }
                value
            }
            Measure::Rsrp(rssi) => {
                self.context.no_rsrp = matches!(said, Said::Refused(_));
                Strength { rssi_dbm: rssi.rssi_dbm, ..value }
            }
            Measure::Vendor => {
                self.context.own = match said {
                    Said::Answered(Answer::Vendor(vendor)) => Own::Of(*vendor),
                    Said::Answered(_) | Said::Refused(_) | Said::TimedOut | Said::Ready | Said::Dead => {
                        Own::None
                    }
                };
                value
            }
            Measure::Own => {
                if matches!(said, Said::Refused(_)) {
                    self.context.own = Own::None;
                }
                value
            }
        };
        if !strength.is_known() && step != Measure::Own && self.now < deadline {
            match self.context.own {
                Own::NotNeeded => self.context.own = Own::FailedOnce,
                Own::FailedOnce => {
                    return self.measure(wait, Measure::Vendor, Command::Identify, out);
                }
                Own::Of(vendor) => {
                    return self.measure(wait, Measure::Own, Command::VendorSignal(vendor), out);
                }
                Own::None => {}
            }
        }
        if strength.is_known() {
            // Full is no error: it holds as many as a policy may ask for.
            let _kept = self.context.samples.push(strength);
        }
        if self.context.samples.len() >= wanted || self.now >= deadline {
            let strength = median(&self.context.samples);
            if confirms {
                return self.confirmed(index, strength, out);
            }
            if self.is_first_impression(index, strength) {
                let read_at = self.context.lasting_from.max(self.now);
                return self.read_at(index, read_at, read_at + self.policy.timeouts.read, false, out);
            }
            return self.end_trial(index, Trial::Registered(strength), out);
        }
        if strength.is_known() {
            return self.ask_signal(wait, out);
        }
        let step = Measure::Pausing(self.after(self.policy.poll));
        self.state = State::Modem(Modem::WaitSignal(Signal { step, ..wait }));
    }

    /// Whether this value would end the trials, with another carrier untried, before it lasts: then it is read again in the trial.
    fn is_first_impression(&self, index: usize, strength: Strength) -> bool {
        let lasting_from = self.context.lasting_from;
        let others = |(other, carrier): (usize, &Carrier)| {
            other != index
                && matches!(carrier.trial, Trial::Untried)
                && carrier.availability != Availability::Forbidden
        };
        let plmn = self.carriers.get(index).map(|carrier| carrier.plmn);
        plmn.is_some_and(|plmn| self.is_enough(plmn, strength))
            && !self.context.lasting
            && lasting_from < self.last_trial_start()
            && (self.may_search() || self.carriers.iter().enumerate().any(others))
    }

    /// Whether a search may still bring other carriers: an adaptive scan has tried the remembered ones alone so far.
    pub(super) fn may_search(&self) -> bool {
        matches!(self.policy.strategy, Strategy::Adaptive(_)) && self.is_quick()
    }

    /// Whether the policy wants no more than this of a carrier.
    pub(super) fn is_enough(&self, plmn: Plmn, strength: Strength) -> bool {
        let (level, may_fall) = match self.policy.strategy {
            Strategy::GoodEnough(level) => (level, i16::MAX),
            Strategy::Adaptive(level) => (level, self.policy.ranking.hysteresis_db),
            Strategy::Full | Strategy::Quick => return false,
        };
        let known = self.remembered.iter().find(|known| known.plmn == plmn);
        let was = known.and_then(|known| known.rssi_dbm).unwrap_or(i16::MIN);
        strength.rssi_dbm.is_some_and(|dbm| dbm >= level && dbm.saturating_add(may_fall) >= was)
    }

    pub(super) fn ask_signal(&mut self, wait: Signal, out: &mut Actions) {
        self.measure(wait, Measure::Rssi, Command::Signal, out);
    }

    #[inline(never)]
    fn measure(&mut self, wait: Signal, step: Measure, command: Command, out: &mut Actions) {
        self.state = State::Modem(Modem::WaitSignal(Signal { step, ..wait }));
        self.command(command, self.policy.timeouts.read, out);
    }
}

/// The median of each quantity on its own; the lower of two in the middle.
pub(super) fn median(samples: &[Strength]) -> Strength {
    Strength {
        rssi_dbm: middle(samples.iter().map(|strength| strength.rssi_dbm)),
        rsrp_dbm: middle(samples.iter().map(|strength| strength.rsrp_dbm)),
        rsrq_db10: middle(samples.iter().map(|strength| strength.rsrq_db10)),
    }
}

/// The median of the known values.
fn middle(said: impl Iterator<Item = Option<i16>>) -> Option<i16> {
    // Selection by hand: for five values that is smaller than a sort.
    let mut values = [i16::MAX; SAMPLES_MAX];
    let mut count = 0_usize;
    for mut value in said.flatten() {
        for place in &mut values {
            if value < *place {
                core::mem::swap(place, &mut value);
            }
        }
        count = count.saturating_add(1);
    }
    let middle = count.checked_sub(1)?.checked_div(2)?;
    values.get(middle).copied()
}
