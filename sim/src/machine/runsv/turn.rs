//! The main loop of runsv.c, as the list of its steps.

use cellscan_core::supervisor::ServiceState;

use super::{PAUSE_MS, REWRITE, Runsv, Step, Wanted, Who};
use crate::machine::kernel::Kernel;
use crate::machine::runsv::Rule;
use crate::signal::Signal;
use crate::trace::TraceEvent;
use core::time::Duration;

/// One turn of runsv.c: main, `for (;;)`.
pub(super) const TURN: [Step; 8] = [
    Step::StartLog,
    Step::StartMain,
    Step::Poll,
    Step::Reap,
    Step::ReadControl(Who::Main),
    Step::ReadControl(Who::Log),
    Step::SeeTerm,
    Step::ExitIfDone,
];

impl Runsv {
    /// iopause over self-pipe, control and log control. SIGTERM and SIGCHLD are unblocked only here.
    pub(super) fn poll_returns(&mut self, kernel: &Kernel) -> bool {
        if self.term_pending {
            self.term_pending = false;
            self.sigterm = true;
            return true;
        }
        let readable = |control: usize| !kernel.fifos[control].bytes.is_empty();
        readable(self.main.control)
            || self.log.as_ref().is_some_and(|log| readable(log.control))
            || kernel.processes.dead_child(self.pid).is_some()
    }

    pub(super) fn take(&mut self, kernel: &mut Kernel, step: Step) {
        match step {
            Step::StartLog => {
                if self.log.as_ref().is_some_and(|log| log.pid.is_none() && log.want == Wanted::Up) {
                    self.first([Step::Start(Who::Log)]);
                }
            }
            Step::StartMain => {
                let main = &self.main;
                if main.pid.is_none() && (main.want == Wanted::Up || main.state == ServiceState::Finish) {
                    self.first([Step::Start(Who::Main)]);
                }
            }
            Step::Poll => {}
            Step::Reap => self.reap(kernel),
            Step::ReadControl(who) => {
                if who == Who::Log && self.log.is_none() {
                    return;
                }
                let control = self.service(who).control;
                if let Some(byte) = kernel.fifos[control].bytes.pop_front() {
                    self.ctrl(who, byte);
                }
            }
            Step::SeeTerm => {
                if std::mem::take(&mut self.sigterm) {
                    self.ctrl(Who::Main, b'x');
                }
            }
            Step::ExitIfDone => self.close_log(kernel),
            Step::Write(who) => {
                if !kernel.directories[self.directory].deleted {
                    self.block(kernel, REWRITE);
                    self.first([Step::Rename(who)]);
                }
            }
            Step::Rename(who) => self.rename_status(kernel, who),
            Step::Sleep => {
                kernel.note(TraceEvent::Slept { runsv: self.pid, ms: PAUSE_MS });
                self.block(kernel, Duration::from_millis(PAUSE_MS));
            }
            Step::Custom(who, byte) => self.custom(kernel, who, byte),
            Step::Signal(who, signal) => {
                if !self.handled {
                    self.kill(kernel, who, signal);
                }
            }
            Step::StartIfDown(_)
            | Step::StopIfRunning(_)
            | Step::Start(_)
            | Step::Fork(_)
            | Step::Stop(_)
            | Step::StopTerm(_)
            | Step::StopRest(_)
            | Step::SetDown(_)
            | Step::SetPaused(..) => self.obey(kernel, step),
        }
    }

    /// The loop around `wait_nohang`: all dead children, also those that die during the sleep in it.
    fn reap(&mut self, kernel: &mut Kernel) {
        let Some(child) = kernel.processes.dead_child(self.pid) else { return };
        kernel.processes.remove(child);
        if self.main.pid == Some(child) {
            self.main.pid = None;
            self.main.got_term = false;
            if self.main.state != ServiceState::Finish
                && kernel.directories[self.directory].finish().is_some()
            {
                self.main.state = ServiceState::Finish;
                self.first([Step::Write(Who::Main), Step::Reap]);
            } else {
                self.goes_down(kernel, Who::Main);
            }
        } else if self.log.as_ref().is_some_and(|log| log.pid == Some(child)) {
            let log = self.service_mut(Who::Log);
            log.pid = None;
            log.got_term = false;
            self.goes_down(kernel, Who::Log);
        } else {
            // The first process after a double start: runsv no longer knows it.
            self.first([Step::Reap]);
        }
    }

    fn goes_down(&mut self, kernel: &Kernel, who: Who) {
        let now_ms = kernel.wall_ms();
        let service = self.service_mut(who);
        let started_ms = std::mem::replace(&mut service.stamp_ms, now_ms);
        service.state = ServiceState::Down;
        let early = match kernel.rule {
            Rule::Upstream => now_ms < started_ms.saturating_add(1_000),
            Rule::Busybox => now_ms.div_euclid(1_000) < started_ms.div_euclid(1_000) + 1,
        };
        if early {
            self.first([Step::Write(who), Step::Sleep, Step::Reap]);
        } else {
            self.first([Step::Write(who), Step::Reap]);
        }
    }

    fn is_over(&self) -> bool {
        self.main.want == Wanted::Exit && self.main.state == ServiceState::Down
    }

    /// The end of the turn: whether it exits now.
    pub(super) fn exits(&self, _kernel: &Kernel) -> bool {
        self.is_over() && self.log.as_ref().is_none_or(|log| log.pid.is_none())
    }

    /// The end of the turn: the log is ended by closing its pipe, once.
    fn close_log(&mut self, kernel: &mut Kernel) {
        if !self.is_over() {
            return;
        }
        let Some(log) = &mut self.log else { return };
        if log.want != Wanted::Exit {
            log.want = Wanted::Exit;
            self.first([Step::Write(Who::Log)]);
            if let Some((pipe, open)) = &mut self.pipe {
                *open = false;
                kernel.pipes[*pipe] = false;
                kernel.pipe_closed(*pipe);
            }
        }
    }

    /// The signal that `ctrl` sends for a byte, where it sends one; it kills and starts no process itself.
    pub(super) const fn plain_signal(byte: u8) -> Option<Signal> {
        match byte {
            b'a' => Some(Signal::Alrm),
            b'h' => Some(Signal::Hup),
            b'i' => Some(Signal::Int),
            b'q' => Some(Signal::Quit),
            b'1' => Some(Signal::Usr1),
            b'2' => Some(Signal::Usr2),
            _ => None,
        }
    }
}
