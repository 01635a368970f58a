//! States 2b to 4: open the port, prepare the modem, and search the network.

use crate::at::answer::{Answer, Outcome as Said};
use crate::at::command::Command;
use crate::at::current::Operator;
use crate::at::operators::ListedOperator;

use crate::at::reply::SimState;
use crate::carrier::{Availability, Carriers, Name, Technologies};
use crate::scan::policy::Strategy;
use crate::scan::report::Failure;
use crate::scan::{Action, Actions, Event};
use crate::selection::Selection;
use crate::time::{Instant, Span};

use super::state::{Modem, Prepare, State};
use super::{Scanner, act, report};

/// Between two tries to open the port, and between two searches.
const TRY_AGAIN: Span = Span::from_secs(1);

/// Keeps an operator of the list; one without five or six digits cannot be selected and is skipped.
pub(super) fn keep(carriers: &mut Carriers, found: &ListedOperator<'_>) {
    let Some(plmn) = found.plmn() else { return };
    let mut technologies = Technologies::NONE;
    if let Some(technology) = found.technology {
        technologies.insert(technology);
    }
    carriers.insert(plmn, &found.name(), found.availability, technologies);
}

impl Scanner {
    pub(super) fn open_port(&mut self, at: Instant, out: &mut Actions) {
        let deadline = self.after(self.policy.timeouts.open);
        let again_at = (at > self.now).then_some(at);
        self.with_modem(Modem::Opening { again_at, deadline }, out);
        if again_at.is_none() {
            act(out, Action::OpenPort);
        }
    }

    pub(super) fn port_opened(&mut self) {
        let deadline = self.after(self.policy.timeouts.open);
        self.state = State::Modem(Modem::Claiming { deadline });
    }

    pub(super) fn synchronise(&mut self, out: &mut Actions) {
        self.state = State::Modem(Modem::Prepare(Prepare::Synchronising));
        let turn = self.dialogue.open(self.now);
        self.turn(turn, out);
    }

    pub(super) fn open_failed(&mut self, deadline: Instant) {
        self.state = State::Modem(Modem::Opening { again_at: Some(self.after(TRY_AGAIN)), deadline });
    }

    pub(super) fn opening_timeout(&mut self, deadline: Instant, out: &mut Actions) {
        if deadline <= self.now {
            return self.fail(Failure::PortUnavailable, out);
        }
        self.state = State::Modem(Modem::Opening { again_at: None, deadline });
        act(out, Action::OpenPort);
    }

    /// A USB modem's port went away during the scan; it comes back under the same stable name.
    pub(super) fn port_lost(&mut self, out: &mut Actions) {
        let left = self.context.reopens_left.checked_sub(1);
        report(out, Event::PortLost { reopens: left.is_some() });
        self.dialogue.close();
        self.context.on = None;
        act(out, Action::ClosePort);
        let Some(left) = left else {
            return self.fail(Failure::PortUnavailable, out);
        };
        self.context.reopens_left = left;
        self.open_port(self.after(TRY_AGAIN), out);
    }

    /// If the modem rejects a setting, the scan continues: replies are parsed either way.
    pub(super) fn prepared(&mut self, step: Prepare, said: &Said, out: &mut Actions) {
        let (next, command) = match step {
            Prepare::Synchronising => (Prepare::FoundErrors, Command::ErrorFormat),
            Prepare::FoundErrors => {
                self.found_errors(said);
                (Prepare::Errors, self.numeric_errors())
            }
            Prepare::Errors => (Prepare::Sim, Command::Sim),
            Prepare::Sim => {
                if matches!(said, Said::Answered(Answer::Sim(SimState::Locked))) {
                    return self.fail(Failure::SimNotReady, out);
                }
                (Prepare::FoundNames, Command::CurrentOperator)
            }
            Prepare::FoundNames => {
                self.found_names(said);
                (Prepare::Names, self.numeric_names())
            }
            Prepare::Names => (Prepare::Selection, Command::CurrentOperator),
            Prepare::Selection => {
                if let Said::Answered(Answer::Operator(current)) = said
                    && !self.context.disturbed
                    && self.context.selection.is_none()
                {
                    if let Some(Operator::Plmn(plmn)) = current.operator {
                        self.found_on(plmn, out);
                    }
                    self.context.selection = Some(Selection::of(current));
                }
                if !self.policy.deregister || self.context.listed || self.is_quick() {
                    return self.begin_trials(out);
                }
                self.disturb(out);
                (Prepare::Deregistering, Command::Deregister)
            }
            Prepare::Deregistering => return self.begin_trials(out),
        };
        self.state = State::Modem(Modem::Prepare(next));
        let times = &self.policy.timeouts;
        let timeout = if command == Command::Deregister { times.deregister } else { times.read };
        self.command(command, timeout, out);
    }

    /// Begins the search, or skips it: after an interruption the list is known, and a quick scan makes its own.
    fn begin_trials(&mut self, out: &mut Actions) {
        if self.is_quick() && !self.context.listed {
            // Likeliest first where the first good one ends the trials, as they were kept otherwise.
            let count = self.remembered.len();
            let likeliest_first = matches!(self.policy.strategy, Strategy::Adaptive(_));
            for at in 0..count {
                let at = if likeliest_first { count.saturating_sub(at).saturating_sub(1) } else { at };
                if let Some(known) = self.remembered.get(at) {
                    self.carriers.insert(
                        known.plmn,
                        &Name::default(),
                        Availability::Unknown,
                        Technologies::NONE,
                    );
                }
            }
            self.context.listed = true;
        }
        if self.context.listed {
            return self.with_modem(Modem::NextCarrier, out);
        }
        self.search(out);
    }

    pub(super) fn search(&mut self, out: &mut Actions) {
        self.with_modem(Modem::GetOperators, out);
        self.carriers.keep_tried();
        self.context.searches_left = self.context.searches_left.saturating_sub(1);
        self.context.began = self.now;
        self.with_modem(Modem::WaitResults { again_at: None }, out);
        // Where a carrier is known already, the search leaves time to select it.
        let timeout = self.policy.timeouts.search.min(self.trials_end().saturating_since(self.now));
        self.command(Command::Operators, timeout, out);
    }

    /// The remembered carriers were not good enough: the others are searched. Some modems list only what the serving network reaches.
    pub(super) fn search_after_all(&mut self, out: &mut Actions) {
        (self.context.searches, self.context.listed) = (true, false);
        self.context.on = None;
        self.with_modem(Modem::Prepare(Prepare::Deregistering), out);
        if self.policy.deregister {
            self.disturb(out);
            return self.command(Command::Deregister, self.policy.timeouts.deregister, out);
        }
        self.search(out);
    }

    pub(super) fn searched(&mut self, said: &Said, out: &mut Actions) {
        let took = self.now.saturating_since(self.context.began);
        let complete = matches!(said, Said::Answered(Answer::Operators));
        // The last search uses the sound part of a torn list.
        let usable = complete || (matches!(said, Said::Answered(_)) && self.context.searches_left == 0);
        if usable && !self.carriers.is_empty() {
            self.context.listed = true;
            report(out, Event::Listed { count: self.carriers.listed(), took });
            return self.with_modem(Modem::NextCarrier, out);
        }
        if self.context.searches_left > 0 {
            self.state = State::Modem(Modem::WaitResults { again_at: Some(self.after(TRY_AGAIN)) });
            return;
        }
        if self.has_registered() {
            // A remembered carrier is better than none.
            self.context.listed = true;
            return self.with_modem(Modem::NextCarrier, out);
        }
        let empty = matches!(said, Said::Answered(_));
        self.fail(if empty { Failure::NoCarrier } else { Failure::SearchFailed }, out);
    }
}
