//! Dispatches each input by state.

use crate::scan::gate::Declined;
use crate::scan::report::Failure;
use crate::scan::{Actions, Event, Input, Refused};
use crate::supervisor::{Remains, ServiceStatus};

use super::state::{Modem, Restore, State};
use super::{Scanner, report};

impl Scanner {
    /// By input, and within each by state. Pairs that mean nothing (an answer to a query of the last state, an abort of a scan
    /// that is ending, a refusal that a deadline handles) are listed explicitly.
    // Neither this nor its callees are inlined: one frame would then hold the locals of all of them.
    #[inline(never)]
    pub(super) fn decide(&mut self, input: Input<'_>, out: &mut Actions) {
        match input {
            Input::Start(request) if self.state == State::Idle => self.start(request, out),
            Input::Restore(selection) if self.state == State::Idle => self.restore(selection, out),
            Input::Start(_) | Input::Restore(_) => report(out, Event::Declined(Declined::Busy)),
            Input::Abort => self.abort(out),
            Input::Taken(taken) => {
                if matches!(self.state, State::StopPpp { .. }) {
                    self.taken(taken, out);
                }
            }
            Input::Service(status) => self.seen_service(status, out),
            Input::Remains(remains) => self.seen_processes(remains, out),
            Input::Link(up) => {
                if up && matches!(self.state, State::WaitPpp { .. }) {
                    self.link_is_up(out);
                }
            }
            Input::PortOpened => self.port_is_open(),
            Input::PortLost => self.port_is_gone(out),
            Input::Line(line) => {
                if matches!(self.state, State::Modem(_) | State::Restoring { .. }) {
                    self.line(line, out);
                }
            }
            Input::Refused(refused) => self.refused(refused, out),
            Input::Timeout => self.timeout(out),
        }
    }

    #[inline(never)]
    fn abort(&mut self, out: &mut Actions) {
        match self.state {
            State::StopPpp { .. }
            | State::StopPppWaitSv(_)
            | State::VerifyStopped { .. }
            | State::Modem(_) => self.fail(Failure::Aborted, out),
            State::WaitPpp { .. } => self.no_link(out),
            State::Idle
            | State::Complete
            | State::Clearing { .. }
            | State::Restoring { .. }
            | State::GivingBack { .. } => {}
        }
    }

    #[inline(never)]
    fn seen_service(&mut self, status: ServiceStatus, out: &mut Actions) {
        match self.state {
            State::StopPppWaitSv(wait) => self.seen_while_stopping(wait, status, out),
            State::VerifyStopped { .. } | State::Modem(_) => self.seen_while_holding(status, out),
            State::Clearing { .. } => self.note(status, out),
            State::Restoring { .. } => self.seen_while_restoring(status, out),
            State::GivingBack { failed, .. } => self.seen_while_giving_back(failed, status, out),
            State::WaitPpp { .. } => self.seen_while_waiting(status, out),
            State::Idle | State::Complete | State::StopPpp { .. } => {}
        }
    }

    #[inline(never)]
    fn seen_processes(&mut self, remains: Remains, out: &mut Actions) {
        match self.state {
            State::VerifyStopped { step, .. } => self.seen_remains(step, remains, out),
            State::Modem(modem) => self.seen_holders(modem, remains, out),
            State::Clearing { step, .. } => self.seen_while_clearing(step, remains, out),
            State::Restoring { step, .. } => self.seen_while_claiming(step, remains, out),
            State::Idle
            | State::Complete
            | State::StopPpp { .. }
            | State::StopPppWaitSv(_)
            | State::WaitPpp { .. }
            | State::GivingBack { .. } => {}
        }
    }

    fn port_is_open(&mut self) {
        match self.state {
            State::Modem(Modem::Opening { .. }) => self.port_opened(),
            State::Restoring { until, step: Restore::Opening } => {
                self.state = State::Restoring { until, step: Restore::Claiming };
            }
            State::Idle
            | State::Complete
            | State::StopPpp { .. }
            | State::StopPppWaitSv(_)
            | State::VerifyStopped { .. }
            | State::Modem(_)
            | State::WaitPpp { .. }
            | State::Clearing { .. }
            | State::Restoring { .. }
            | State::GivingBack { .. } => {}
        }
    }

    #[inline(never)]
    fn port_is_gone(&mut self, out: &mut Actions) {
        match self.state {
            State::Modem(Modem::Opening { deadline, .. }) => self.open_failed(deadline),
            State::Modem(_) => self.port_lost(out),
            State::Restoring { .. } => self.restored(false, out),
            State::Idle
            | State::Complete
            | State::StopPpp { .. }
            | State::StopPppWaitSv(_)
            | State::VerifyStopped { .. }
            | State::WaitPpp { .. }
            | State::Clearing { .. }
            | State::GivingBack { .. } => {}
        }
    }

    fn refused(&mut self, refused: Refused, out: &mut Actions) {
        match (self.state, refused) {
            (State::StopPpp { .. }, Refused::Take) => self.fail(Failure::ServiceUnavailable, out),
            (State::StopPppWaitSv(wait), Refused::Ask) => self.ask_refused(wait),
            (
                State::Idle
                | State::Complete
                | State::StopPpp { .. }
                | State::StopPppWaitSv(_)
                | State::VerifyStopped { .. }
                | State::Modem(_)
                | State::WaitPpp { .. }
                | State::Clearing { .. }
                | State::Restoring { .. }
                | State::GivingBack { .. },
                Refused::Take | Refused::Ask | Refused::Signal | Refused::Release,
            ) => {}
        }
    }
}
