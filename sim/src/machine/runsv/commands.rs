//! Control bytes: runsv.c: ctrl, startservice, stopservice.

use cellscan_core::supervisor::ServiceState;

use super::{Runsv, Step, Wanted, Who};
use crate::machine::kernel::Kernel;
use crate::signal::Signal;

impl Runsv {
    /// runsv.c: ctrl.
    pub(super) fn ctrl(&mut self, who: Who, byte: u8) {
        let runs = self.service(who).state == ServiceState::Run;
        match byte {
            b'd' => {
                self.service_mut(who).want = Wanted::Down;
                self.first([Step::Write(who), Step::StopIfRunning(who)]);
            }
            b'u' => {
                self.service_mut(who).want = Wanted::Up;
                self.first([Step::Write(who), Step::StartIfDown(who)]);
            }
            b'o' => {
                self.service_mut(who).want = Wanted::Down;
                self.first([Step::Write(who), Step::StartIfDown(who)]);
            }
            b'x' if who == Who::Main => {
                self.service_mut(who).want = Wanted::Exit;
                self.first([Step::Write(who), Step::StopIfRunning(who)]);
            }
            b't' => self.first([Step::StopIfRunning(who)]),
            b'k' => {
                if runs {
                    self.first([
                        Step::Custom(who, byte),
                        Step::Signal(who, Signal::Kill),
                        Step::SetDown(who),
                    ]);
                } else {
                    // Also during finish, which is not killed, and runs a second time after its end.
                    self.first([Step::SetDown(who)]);
                }
            }
            b'p' | b'c' => {
                let signal = if byte == b'p' { Signal::Stop } else { Signal::Cont };
                let flag = Step::SetPaused(who, byte == b'p');
                if runs {
                    self.first([Step::Custom(who, byte), Step::Signal(who, signal), flag]);
                } else {
                    self.first([flag]);
                }
            }
            other => {
                if let Some(signal) = Self::plain_signal(other).filter(|_| runs) {
                    self.first([Step::Custom(who, other), Step::Signal(who, signal)]);
                }
            }
        }
    }

    /// The steps that a command is made of.
    pub(super) fn obey(&mut self, kernel: &mut Kernel, step: Step) {
        match step {
            Step::StartIfDown(who) => {
                if self.service(who).state == ServiceState::Down {
                    self.first([Step::Start(who)]);
                }
            }
            Step::StopIfRunning(who) => {
                if self.service(who).state == ServiceState::Run {
                    self.first([Step::Stop(who)]);
                }
            }
            Step::Start(who) => {
                let service = self.service(who);
                let (finishes, two_copies) = (service.state == ServiceState::Finish, service.pid.is_some());
                self.first([Step::Fork(who)]);
                if two_copies {
                    // startservice, "should never happen": it does after `k`, and then two copies run.
                    self.first([Step::Stop(who)]);
                }
                if !finishes {
                    self.first([Step::Custom(who, b'u')]);
                }
            }
            Step::Fork(who) => self.fork(kernel, who),
            Step::Stop(who) => {
                if self.service(who).pid.is_some() {
                    self.first([Step::Custom(who, b't'), Step::StopTerm(who), Step::StopRest(who)]);
                } else {
                    self.first([Step::StopRest(who)]);
                }
            }
            Step::StopTerm(who) => {
                if !self.handled {
                    self.kill(kernel, who, Signal::Term);
                    self.service_mut(who).got_term = true;
                    self.first([Step::Write(who)]);
                }
            }
            Step::StopRest(who) => {
                let script = match self.service(who).want {
                    Wanted::Up => return,
                    Wanted::Down => b'd',
                    Wanted::Exit => b'x',
                };
                self.kill(kernel, who, Signal::Cont);
                self.first([Step::Custom(who, script)]);
            }
            Step::SetDown(who) => self.service_mut(who).state = ServiceState::Down,
            Step::SetPaused(who, paused) => {
                self.service_mut(who).paused = paused;
                self.first([Step::Write(who)]);
            }
            Step::StartLog
            | Step::StartMain
            | Step::Poll
            | Step::Reap
            | Step::ReadControl(_)
            | Step::SeeTerm
            | Step::ExitIfDone
            | Step::Write(_)
            | Step::Rename(_)
            | Step::Sleep
            | Step::Custom(..)
            | Step::Signal(..) => {}
        }
    }
}
