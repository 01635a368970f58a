//! The actions of programs when their time has come.

use super::{EXEC, Inherit, Kernel};
use crate::machine::process::{Body, Process, ShellTerm};
use crate::machine::program::{Command, Plain, Program};
use crate::signal::Signal;
use crate::trace::{Actor, Ending, Pid, TraceEvent};
use core::time::Duration;

impl Kernel {
    /// The time of a process has come.
    pub(crate) fn process_due(&mut self, pid: Pid) {
        let Some(process) = self.processes.get_mut(pid) else { return };
        process.due = None;
        let was_ready = std::mem::replace(&mut process.ready, true);
        let reads = process.reads;
        match &process.body {
            Body::Plain { spec, exiting, forked } => {
                if was_ready {
                    let ending = match (exiting, forked, spec.dies_of) {
                        (Some(code), _, _) => Ending::Exit(*code),
                        (None, true, _) => Ending::Exit(0),
                        (None, false, Some(signal)) => Ending::Signal(signal),
                        (None, false, None) => Ending::Exit(spec.exit),
                    };
                    self.die(pid, ending);
                } else {
                    self.plain_begins(pid);
                }
            }
            Body::Shell(_) => self.shell_goes_on(pid),
            Body::Reader => {
                if reads.is_none_or(|pipe| self.is_at_end(pipe)) {
                    self.die(pid, Ending::Exit(0));
                }
            }
            // runsv.c: startservice, fatal2("unable to start ./run")
            Body::Unrunnable => self.die(pid, Ending::Exit(111)),
            Body::Pppd(_) => self.pppd_due(pid),
            Body::Idler => self.die(pid, Ending::Exit(0)),
            Body::Runsv | Body::Client => {}
        }
    }

    fn plain_begins(&mut self, pid: Pid) {
        let Some(process) = self.processes.get_mut(pid) else { return };
        let Body::Plain { spec, forked, .. } = &mut process.body else { return };
        *forked = spec.detaches_ms.is_some();
        let spec = spec.clone();
        let tag = process.tag.clone();
        self.starts.push((tag.clone(), pid));
        if spec.child {
            self.double(pid, &format!("{tag}/child"), Plain::default());
        }
        if let Some(ms) = spec.detaches_ms {
            let daemon = Plain { detaches_ms: None, child: false, ..spec };
            self.double(pid, &format!("{tag}/daemon"), daemon);
            self.schedule(pid, Some(self.now + Duration::from_millis(ms)));
        } else if let Some(ms) = spec.run_ms {
            self.schedule(pid, Some(self.now + Duration::from_millis(ms)));
        }
    }

    /// Forks without exec.
    fn double(&mut self, parent: Pid, tag: &str, spec: Plain) {
        let Some(original) = self.processes.get(parent) else { return };
        let run_ms = spec.run_ms;
        let body = Body::Plain { spec, exiting: None, forked: false };
        let mut process = Process::new(parent, tag, original.origin, body);
        process.ready = true;
        process.term_blocked = original.term_blocked;
        process.writes = original.writes;
        let origin = process.origin;
        let pid = self.processes.insert(process);
        self.note(TraceEvent::Started { pid, tag: tag.to_owned(), origin });
        self.starts.push((tag.to_owned(), pid));
        self.schedule(pid, run_ms.map(|ms| self.now + Duration::from_millis(ms)));
    }

    fn start_command(&mut self, shell: Pid, tag: &str, program: Program) -> Option<Pid> {
        let process = self.processes.get(shell)?;
        let ignores = matches!(&process.body, Body::Shell(shell) if shell.on_term == ShellTerm::Ignores);
        let inherit = Inherit {
            term_blocked: process.term_blocked || ignores,
            writes: process.writes,
            reads: process.reads,
        };
        let origin = process.origin;
        Some(self.spawn(shell, tag, origin, program, inherit))
    }

    /// Executes commands until one has to wait.
    fn shell_goes_on(&mut self, pid: Pid) {
        loop {
            let Some(Process { body: Body::Shell(shell), .. }) = self.processes.get_mut(pid) else { return };
            let last = shell.last_code;
            let Some(command) = shell.commands.get(shell.next).cloned() else {
                self.die(pid, Ending::Exit(last));
                return;
            };
            shell.next += 1;
            match command {
                Command::Run(tag, program) => {
                    let child = self.start_command(pid, &tag, program);
                    if let Some(Process { body: Body::Shell(shell), .. }) = self.processes.get_mut(pid) {
                        shell.foreground = child;
                    }
                    return;
                }
                Command::Background(tag, program) => {
                    let child = self.start_command(pid, &tag, program);
                    if let Some(Process { body: Body::Shell(shell), .. }) = self.processes.get_mut(pid) {
                        shell.background.extend(child);
                    }
                }
                Command::Exec(tag, program) => {
                    let ignores = shell.on_term == ShellTerm::Ignores;
                    let Some(process) = self.processes.get_mut(pid) else { return };
                    process.tag = tag;
                    // An ignored signal stays ignored over exec; a trap does not.
                    process.term_blocked |= ignores;
                    process.body = Self::body(program);
                    process.ready = false;
                    self.schedule(pid, Some(self.now + EXEC));
                    return;
                }
                Command::Wait => {
                    if !shell.background.is_empty() {
                        shell.waits = true;
                        return;
                    }
                }
                Command::Exit(code) => {
                    self.die(pid, Ending::Exit(code.unwrap_or(last)));
                    return;
                }
                Command::IgnoreTerm => shell.on_term = ShellTerm::Ignores,
                Command::ForwardTerm => shell.on_term = ShellTerm::Forwards,
                Command::ForwardTermThenExit(code) => shell.on_term = ShellTerm::ForwardsThenExits(code),
                Command::ExitOnTerm(code) => shell.on_term = ShellTerm::Exits(code),
            }
        }
    }

    /// A trapped signal takes effect between commands, or ends a `wait` (POSIX, XCU 2.11).
    pub(crate) fn shell_trap(&mut self, pid: Pid) {
        let Some(Process { body: Body::Shell(shell), .. }) = self.processes.get_mut(pid) else { return };
        if !shell.term_seen || shell.foreground.is_some() {
            return;
        }
        shell.term_seen = false;
        let waited = std::mem::replace(&mut shell.waits, false);
        let on_term = shell.on_term;
        let children = shell.background.clone();
        if let ShellTerm::ForwardsThenExits(code) = on_term {
            shell.commands = vec![Command::Wait, Command::Exit(Some(code))];
            shell.next = 0;
        }
        match on_term {
            ShellTerm::Exits(code) => self.die(pid, Ending::Exit(code)),
            ShellTerm::Forwards | ShellTerm::ForwardsThenExits(_) => {
                for child in children {
                    self.kill(Actor::Other, child, Signal::Term);
                }
                if waited {
                    self.shell_goes_on(pid);
                }
            }
            ShellTerm::Dies | ShellTerm::Ignores => {}
        }
    }

    /// A shell reaps its dead children.
    pub(crate) fn child_ended(&mut self, pid: Pid) {
        while let Some(child) = self.processes.dead_child(pid) {
            let ending = self.processes.remove(child).and_then(|process| process.zombie);
            let Some(Process { body: Body::Shell(shell), .. }) = self.processes.get_mut(pid) else { return };
            shell.background.retain(|other| *other != child);
            let goes_on = if shell.foreground == Some(child) {
                shell.foreground = None;
                shell.last_code = match ending {
                    Some(Ending::Exit(code)) => code,
                    Some(Ending::Signal(_)) | None => 128,
                };
                true
            } else {
                shell.waits && shell.background.is_empty()
            };
            if goes_on {
                shell.waits = false;
                self.shell_trap(pid);
                if self.processes.is_alive(pid) {
                    self.shell_goes_on(pid);
                }
            }
        }
    }
}
