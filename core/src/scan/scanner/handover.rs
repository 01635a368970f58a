//! States 1, 1b and 2: take the service; and what other processes do while the scan holds it.

use crate::scan::report::Failure;
use crate::scan::{Action, Actions, Event};
use crate::selection::Selection;
use crate::supervisor::{Owed, Remains, ServiceState, ServiceStatus, Signal, Taken, Want};
use crate::time::{Instant, Span};

use super::state::{Modem, State, Verify, WaitDown};
use super::{Scanner, act, report};

/// The poll interval of the port's holders, where no event reports a change: a process may close the port and live on.
const LOOK_AGAIN: Span = Span::from_millis(250);

/// Between two requests while the supervisor has not acted on the first.
pub(super) const ASK_AGAIN: Span = Span::from_secs(1);

impl Scanner {
    #[inline(never)]
    pub(super) fn taken(&mut self, taken: Taken, out: &mut Actions) {
        let Taken { status, owed } = taken;
        let found = ServiceStatus { want: owed.want.unwrap_or(status.want), ..status };
        self.context.found = Some(found.want);
        self.adopt(owed, out);
        self.context.asked_at = Some(self.now);
        if let Some(id) = self.context.request.take() {
            self.gate.touched(id);
        }
        report(out, Event::Taken(found));
        self.ask_down(true, out);
    }

    /// Enters 1b and asks for down, unless no supervisor runs.
    pub(super) fn ask_down(&mut self, supervised: bool, out: &mut Actions) {
        let times = &self.policy.timeouts;
        let successor_by = (!supervised).then(|| self.after(times.supervisor));
        let wait = WaitDown {
            deadline: successor_by.unwrap_or(self.now) + times.want,
            again_at: supervised.then(|| self.after(times.down_again.min(times.want))),
            wanted: false,
            killed: false,
            successor_by,
        };
        self.enter(State::StopPppWaitSv(wait), out);
        self.context.given_at = None;
        // Before the request: the scan may be killed between the two.
        self.owe_want(self.want_owed(), out);
        if supervised {
            act(out, Action::Ask(Want::Down));
        }
    }

    /// Takes note of the status while the service is held: another client's down removes what is owed, and its up restores it.
    pub(super) fn note(&mut self, status: ServiceStatus, out: &mut Actions) {
        let known = self.is_foreign_down();
        self.context.service = Some(status);
        if status.foreign_down && !known {
            report(out, Event::ForeignDown);
        }
        self.owe_want(self.want_owed(), out);
    }

    fn is_foreign_down(&self) -> bool {
        self.context.service.is_some_and(|status| status.foreign_down)
    }

    /// The want to request at the end; `None`: the service was down before, or another client wants it down.
    pub(super) fn want_owed(&self) -> Option<Want> {
        self.context.found.filter(|found| *found != Want::Down && !self.is_foreign_down())
    }

    pub(super) fn owe_want(&mut self, want: Option<Want>, out: &mut Actions) {
        self.owe(want, self.context.noted, out);
    }

    /// Says what is owed, where that has changed: this want, and the selection or not. No other code does.
    #[inline(never)]
    pub(super) fn owe(&mut self, want: Option<Want>, noted: bool, out: &mut Actions) {
        if (self.context.owed, self.context.noted) != (want, noted) {
            (self.context.owed, self.context.noted) = (want, noted);
            let selection = noted.then_some(self.context.selection.unwrap_or(Selection::Automatic));
            act(out, Action::Owe(Owed { want, selection }));
        }
    }

    pub(super) fn seen_while_stopping(
        &mut self,
        mut wait: WaitDown,
        status: ServiceStatus,
        out: &mut Actions,
    ) {
        self.note(status, out);
        let times = self.policy.timeouts;
        if !status.supervised {
            if wait.successor_by.is_none() {
                self.interrupted(status, out);
            }
            return;
        }
        if wait.successor_by.is_some() {
            // The successor knows nothing of the requests to its predecessor.
            return self.ask_down(true, out);
        }
        if status.want == Want::Up {
            if wait.wanted {
                self.interrupted(status, out);
            }
            return;
        }
        if !wait.wanted {
            wait.wanted = true;
            wait.deadline = self.after(times.down);
            self.state = State::StopPppWaitSv(wait);
        }
        if status.state == ServiceState::Down && status.pid.is_none() {
            let after = self.since_asked();
            report(out, Event::Down(after));
            self.verify_stopped(out);
        }
    }

    fn verify_stopped(&mut self, out: &mut Actions) {
        let deadline = self.after(self.policy.timeouts.term);
        self.context.stranger = None;
        self.enter(
            State::VerifyStopped { step: Verify::Look, deadline, look_at: self.after(LOOK_AGAIN) },
            out,
        );
    }

    pub(super) fn ask_refused(&mut self, wait: WaitDown) {
        self.state = State::StopPppWaitSv(WaitDown { again_at: Some(self.after(ASK_AGAIN)), ..wait });
    }

    pub(super) fn stopping_timeout(&mut self, mut wait: WaitDown, out: &mut Actions) {
        let times = self.policy.timeouts;
        if wait.successor_by.is_some_and(|by| by <= self.now) {
            // No supervisor runs: the remaining process of the service is an orphan, and nothing restarts it.
            self.context.orphaned = true;
            return self.verify_stopped(out);
        }
        if wait.deadline <= self.now {
            if !wait.wanted {
                return self.fail(Failure::SupervisorSilent, out);
            }
            if wait.killed {
                return self.fail(Failure::PortHeld(self.context.service.and_then(|status| status.pid)), out);
            }
            wait.killed = true;
            wait.deadline = self.after(times.kill);
            send_signal(Signal::Kill, out);
        }
        if wait.again_at.is_some_and(|at| at <= self.now) {
            wait.again_at = (!wait.wanted).then(|| self.after(ASK_AGAIN));
            act(out, Action::Ask(Want::Down));
        }
        self.state = State::StopPppWaitSv(wait);
    }

    pub(super) fn seen_remains(&mut self, step: Verify, remains: Remains, out: &mut Actions) {
        if remains.is_free() {
            let after = self.since_asked();
            report(out, Event::PortFree(after));
            return self.open_port(self.now, out);
        }
        if remains.service.is_some() && step == Verify::Look {
            let deadline = self.after(self.policy.timeouts.term);
            send_signal(Signal::Term, out);
            self.state =
                State::VerifyStopped { step: Verify::Termed, deadline, look_at: self.after(LOOK_AGAIN) };
        }
        if let Some(stranger) = remains.stranger
            && self.context.stranger != Some(stranger)
        {
            report(out, Event::HeldByStranger(stranger));
        }
        self.context.stranger = remains.stranger.or(remains.service);
    }

    pub(super) fn verifying_timeout(&mut self, step: Verify, deadline: Instant, out: &mut Actions) {
        let look_at = self.after(LOOK_AGAIN);
        if deadline > self.now {
            self.state = State::VerifyStopped { step, deadline, look_at };
            return;
        }
        match step {
            Verify::Look | Verify::Killed => self.fail(Failure::PortHeld(self.context.stranger), out),
            Verify::Termed => {
                let deadline = self.after(self.policy.timeouts.kill);
                send_signal(Signal::Kill, out);
                self.state = State::VerifyStopped { step: Verify::Killed, deadline, look_at };
            }
        }
    }

    /// The status while the service must be down: anything else was caused by another client.
    pub(super) fn seen_while_holding(&mut self, status: ServiceStatus, out: &mut Actions) {
        self.note(status, out);
        let came_up = status.supervised && (status.want == Want::Up || status.state != ServiceState::Down);
        let orphaned = !status.supervised && !self.context.orphaned;
        if came_up || orphaned {
            self.interrupted(status, out);
        }
    }

    /// Another process opened the port while the scan uses it: the scan closes it and waits until it is free again.
    pub(super) fn seen_holders(&mut self, modem: Modem, remains: Remains, out: &mut Actions) {
        if remains.is_free() {
            if matches!(modem, Modem::Claiming { .. }) {
                self.synchronise(out);
            }
            return;
        }
        let holder = remains.stranger.or(remains.service);
        if self.bears_interruption(true, Failure::PortHeld(holder), out) {
            self.verify_stopped(out);
            self.seen_remains(Verify::Look, remains, out);
        }
    }

    fn interrupted(&mut self, status: ServiceStatus, out: &mut Actions) {
        if self.bears_interruption(status.supervised, Failure::SecondClient, out) {
            self.context.orphaned = false;
            self.ask_down(status.supervised, out);
        }
    }

    /// Lets go of the port, as often as the policy bears it; after that the scan fails.
    fn bears_interruption(&mut self, supervised: bool, failure: Failure, out: &mut Actions) -> bool {
        let Some(left) = self.context.retakes_left.checked_sub(1) else {
            self.fail(failure, out);
            return false;
        };
        self.context.retakes_left = left;
        report(out, Event::Interrupted { supervised, left });
        self.let_go_of_port(out);
        true
    }

    /// Not a byte more to the modem.
    pub(super) fn let_go_of_port(&mut self, out: &mut Actions) {
        self.dialogue.close();
        self.context.on = None;
        if matches!(self.state, State::Modem(_) | State::Restoring { .. }) {
            act(out, Action::ClosePort);
        }
    }

    fn since_asked(&self) -> Span {
        self.context.asked_at.map_or(Span::ZERO, |asked| self.now.saturating_since(asked))
    }
}

pub(super) fn send_signal(signal: Signal, out: &mut Actions) {
    act(out, Action::Signal(signal));
    report(out, Event::Signalled(signal));
}
