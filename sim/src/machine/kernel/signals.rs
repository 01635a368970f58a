//! Delivery of signals.

use super::Kernel;
use crate::machine::process::{Body, ShellTerm};
use crate::machine::program::Term;
use crate::signal::Signal;
use crate::trace::{Actor, Ending, Pid, TraceEvent};

impl Kernel {
    /// `kill(pid, signal)`. To a process that is gone it does nothing.
    pub(crate) fn kill(&mut self, by: Actor, to: Pid, signal: Signal) {
        let origin = self.processes.get(to).map(|process| process.origin);
        self.note(TraceEvent::Signalled { by, to, signal, origin });
        self.deliver(to, signal);
    }

    fn deliver(&mut self, pid: Pid, signal: Signal) {
        let now = self.now;
        let Some(process) = self.processes.get_mut(pid) else { return };
        if process.zombie.is_some() {
            return;
        }
        if signal == Signal::Kill {
            self.die(pid, Ending::Signal(signal));
            return;
        }
        if signal == Signal::Stop {
            process.stopped = true;
            return;
        }
        if signal == Signal::Cont {
            if !process.stopped {
                return;
            }
            process.stopped = false;
            let pending = std::mem::take(&mut process.pending);
            for signal in pending {
                self.deliver(pid, signal);
            }
            if self.processes.is_alive(pid) {
                // A timer that expired meanwhile expires now.
                let due = self.processes.get(pid).and_then(|process| process.due);
                self.schedule(pid, due.map(|due| due.max(now)));
                self.wake_runsv(pid);
            }
            return;
        }
        if process.stopped {
            process.pending.push(signal);
            return;
        }
        self.act_on(pid, signal);
    }

    /// The effect of a signal other than KILL, STOP and CONT on a running process.
    fn act_on(&mut self, pid: Pid, signal: Signal) {
        let now = self.now;
        let Some(process) = self.processes.get_mut(pid) else { return };
        let blocked = process.term_blocked && signal == Signal::Term;
        let ready = process.ready;
        match &mut process.body {
            Body::Runsv => {
                // runsv.c: main blocks TERM and CHLD outside of poll; everything else has its default.
                if signal == Signal::Term
                    && let Some(runsv) = self.runsvs.get_mut(pid)
                {
                    runsv.term_comes();
                    self.wake_runsv(pid);
                    return;
                }
            }
            Body::Plain { spec, exiting, forked } if ready => {
                if spec.unmoved_by.contains(&signal) {
                    return;
                }
                if signal == Signal::Term {
                    match spec.term {
                        Term::Dies => {}
                        Term::Ignores => return,
                        Term::Exits { code, after_ms } => {
                            // Its first process only sleeps before it exits, and handles no signal.
                            if exiting.is_none() && !*forked {
                                *exiting = Some(code);
                                self.schedule(pid, Some(now + core::time::Duration::from_millis(after_ms)));
                            }
                            return;
                        }
                    }
                }
            }
            Body::Shell(shell) if ready && signal == Signal::Term => match shell.on_term {
                ShellTerm::Dies => {}
                ShellTerm::Ignores => return,
                ShellTerm::Forwards | ShellTerm::ForwardsThenExits(_) | ShellTerm::Exits(_) => {
                    shell.term_seen = true;
                    self.shell_trap(pid);
                    return;
                }
            },
            Body::Pppd(_) if ready => {
                self.pppd_signal(pid, signal);
                return;
            }
            Body::Plain { .. }
            | Body::Shell(_)
            | Body::Reader
            | Body::Unrunnable
            | Body::Pppd(_)
            | Body::Idler
            | Body::Client => {}
        }
        if !blocked {
            self.die(pid, Ending::Signal(signal));
        }
    }
}
