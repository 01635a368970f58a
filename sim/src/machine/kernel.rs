//! The kernel of the simulated machine: time, processes, signals, pipes, FIFOs, serial lines.
//!
//! ```text
//!  queue ──due──► process_due ──► programs (kernel/run.rs)      die ──► zombie ──► parent
//!    ▲   ──wake─► runsv::Runsv::run ──kill, fork, write──►  signal, spawn, Supervise
//!    └───────────────────── schedule ◄──────────────────────────────┘
//! ```

mod files;
mod line;
mod run;
mod signals;

use std::collections::BTreeMap;

use cellscan_core::time::Instant;
use core::time::Duration;

use crate::machine::directory::{Directory, Fifo, Supervise};
use crate::machine::guard::{GuardProcess, Lease};
use crate::machine::pppd::PppdState;
use crate::machine::process::{Body, INIT, Process, Shell, Table};
use crate::machine::program::Program;
use crate::machine::queue::Queue;
use crate::machine::runsv::{Rule, Runsv};
use crate::machine::sorted::Sorted;
use crate::machine::sv::SvClient;
use crate::trace::{Ending, Origin, Pid, TraceEvent, Traced};

pub(crate) use line::{Line, Lines};

/// From fork to the first line of the program: measured 1–3 ms (fork, `#!/bin/sh`, exec).
pub(crate) const EXEC: Duration = Duration::from_millis(2);

/// From the fork of a `runsv` to its lock: measured 13–20 ms, most of it the tracer's.
pub(crate) const RUNSV_STARTS: Duration = Duration::from_millis(15);

/// An event of the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A process acts; void when its generation has changed.
    Process(Pid, u64),
    /// A child of a shell has ended.
    Child(Pid),
    /// An event that a `runsv` may wait for.
    Runsv(Pid),
    /// An `sv` continues.
    Sv(usize),
    /// `runsvdir` starts a `runsv` in the directory that has the service's name now.
    StartRunsv,
    /// A `runsv` takes its lock.
    OpenRunsv(Pid),
    /// The guard of a scan wakes up.
    Guard,
}

/// The state that a new process inherits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inherit {
    pub(crate) term_blocked: bool,
    pub(crate) writes: Option<usize>,
    pub(crate) reads: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Kernel {
    pub(crate) now: Instant,
    /// Wall clock minus virtual time, in ms. The wall clock is that of `gettimeofday`; only it can be stepped.
    pub(crate) wall_offset_ms: i64,
    pub(crate) queue: Queue<Event>,
    pub(crate) processes: Table,
    pub(crate) runsvs: Sorted<Pid, Box<Runsv>>,
    pub(crate) rule: Rule,
    pub(crate) directories: Vec<Directory>,
    pub(crate) supervises: Vec<Supervise>,
    pub(crate) fifos: Vec<Fifo>,
    /// Whether its `runsv` still holds the log pipe.
    pub(crate) pipes: Vec<bool>,
    /// How often each list of programs was executed.
    pub(crate) counts: BTreeMap<String, usize>,
    /// The programs that have reached their first line, in order.
    pub(crate) starts: Vec<(String, Pid)>,
    pub(crate) sv: Vec<SvClient>,
    pub(crate) lines: Lines,
    pub(crate) lease: Option<Lease>,
    pub(crate) guard: Option<GuardProcess>,
    /// Guards that are broken on purpose; see [`crate::sabotage`].
    pub(crate) guard_tires_after: Option<Duration>,
    pub(crate) trace: Vec<Traced>,
}

impl Kernel {
    pub(crate) fn note(&mut self, event: TraceEvent) {
        self.trace.push(Traced { at: self.now, event });
    }

    pub(crate) fn wall_ms(&self) -> i64 {
        i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX).saturating_add(self.wall_offset_ms)
    }

    pub(crate) fn step_clock(&mut self, ms: i64) {
        self.wall_offset_ms = self.wall_offset_ms.saturating_add(ms);
        self.note(TraceEvent::ClockStepped { ms });
    }

    /// Processes all events up to and including `until`.
    pub(crate) fn advance_to(&mut self, until: Instant) {
        while let Some((at, event)) = self.queue.pop_due(until) {
            self.now = self.now.max(at);
            self.dispatch(event);
        }
        self.pass_to(until);
    }

    /// Time passes without an event.
    pub(crate) fn pass_to(&mut self, until: Instant) {
        self.now = self.now.max(until);
    }

    fn dispatch(&mut self, event: Event) {
        match event {
            Event::Process(pid, generation) => {
                let valid = self.processes.get(pid).is_some_and(|process| {
                    process.generation == generation && process.zombie.is_none() && !process.stopped
                });
                if valid {
                    self.process_due(pid);
                }
            }
            Event::Child(parent) => self.child_ended(parent),
            Event::Runsv(pid) => self.run_runsv(pid),
            Event::Sv(index) => self.run_sv(index),
            Event::StartRunsv => {
                self.start_runsv(RUNSV_STARTS);
            }
            Event::OpenRunsv(pid) => self.open_runsv(pid),
            Event::Guard => self.guard(),
        }
    }

    /// Lets a `runsv` continue. Meanwhile it is out of the table, since it changes the rest of the kernel.
    fn run_runsv(&mut self, pid: Pid) {
        let Some(mut runsv) = self.runsvs.remove(pid) else { return };
        let exit = runsv.run(self);
        self.runsvs.insert(pid, runsv);
        if let Some(code) = exit {
            self.die(pid, Ending::Exit(code));
        }
    }

    /// Starts a `runsv` that takes its lock after `takes`.
    pub(crate) fn start_runsv(&mut self, takes: Duration) -> Pid {
        let process = Process::new(INIT, "runsv", Origin::Runsv, Body::Runsv);
        let pid = self.processes.insert(process);
        self.note(TraceEvent::Started { pid, tag: "runsv".to_owned(), origin: Origin::Runsv });
        self.queue.push(self.now + takes, Event::OpenRunsv(pid));
        pid
    }

    /// runsv.c: main, up to the loop, in the directory that has the service's name now.
    fn open_runsv(&mut self, pid: Pid) {
        if !self.processes.is_alive(pid) {
            return;
        }
        let directory = self.directories.len().saturating_sub(1);
        if self.supervises[self.directories[directory].supervise].lock.is_some() {
            // runsv.c: main, "unable to lock supervise/lock: temporary failure"
            let code = match self.rule {
                Rule::Upstream => 111,
                Rule::Busybox => 1,
            };
            self.die(pid, Ending::Exit(code));
            return;
        }
        let runsv = Runsv::open(self, pid, directory);
        self.runsvs.insert(pid, Box::new(runsv));
        self.wake_runsv(pid);
    }

    pub(crate) fn wake_runsv(&mut self, pid: Pid) {
        self.queue.push(self.now, Event::Runsv(pid));
    }

    /// Forks and executes.
    pub(crate) fn spawn(
        &mut self,
        parent: Pid,
        tag: &str,
        origin: Origin,
        program: Program,
        inherit: Inherit,
    ) -> Pid {
        let mut process = Process::new(parent, tag, origin, Self::body(program));
        process.term_blocked = inherit.term_blocked;
        process.writes = inherit.writes;
        process.reads = inherit.reads;
        let pid = self.processes.insert(process);
        self.note(TraceEvent::Started { pid, tag: tag.to_owned(), origin });
        self.schedule(pid, Some(self.now + EXEC));
        pid
    }

    pub(crate) fn body(program: Program) -> Body {
        match program {
            Program::Plain(spec) => Body::Plain { spec, exiting: None, forked: false },
            Program::Shell(commands) => Body::Shell(Shell::new(commands)),
            Program::Reader => Body::Reader,
            Program::Unrunnable => Body::Unrunnable,
            Program::Pppd(profile) => Body::Pppd(Box::new(PppdState::new(profile))),
        }
    }

    /// Sets when a process acts next; an earlier time is void.
    pub(crate) fn schedule(&mut self, pid: Pid, due: Option<Instant>) {
        let now = self.now;
        let Some(process) = self.processes.get_mut(pid) else { return };
        process.generation += 1;
        process.due = due;
        if let Some(due) = due {
            self.queue.push(due.max(now), Event::Process(pid, process.generation));
        }
    }

    /// Ends a process: closes its lines and pipes, gives its children to init, notifies its parent.
    pub(crate) fn die(&mut self, pid: Pid, ending: Ending) {
        let Some(process) = self.processes.get_mut(pid) else { return };
        if process.zombie.is_some() {
            return;
        }
        process.zombie = Some(ending);
        process.generation += 1;
        let parent = process.parent;
        let origin = process.origin;
        let pipe = process.writes.take();
        let was_runsv = matches!(process.body, Body::Runsv);
        self.note(TraceEvent::Ended { pid, ending, origin });
        self.close_lines(pid, ending);
        for child in self.processes.children(pid) {
            self.reparent(child);
        }
        if was_runsv && let Some(runsv) = self.runsvs.remove(pid) {
            runsv.closed(self);
        }
        if let Some(pipe) = pipe {
            self.pipe_closed(pipe);
        }
        if self.runsvs.contains(parent) || self.is_running_runsv(parent) {
            self.wake_runsv(parent);
        } else if self.processes.get(parent).is_some_and(|parent| matches!(parent.body, Body::Shell(_))) {
            self.queue.push(self.now, Event::Child(parent));
        } else {
            self.processes.remove(pid);
        }
    }

    /// A `runsv` that is running now is not in `runsvs`, see [`Self::run_runsv`].
    fn is_running_runsv(&self, pid: Pid) -> bool {
        self.processes
            .get(pid)
            .is_some_and(|process| matches!(process.body, Body::Runsv) && process.zombie.is_none())
    }

    fn reparent(&mut self, child: Pid) {
        let Some(process) = self.processes.get_mut(child) else { return };
        if process.zombie.is_some() {
            self.processes.remove(child);
        } else {
            process.parent = INIT;
        }
    }

    /// A process has closed the write end of a log pipe: its readers see the end once no process holds it.
    pub(crate) fn pipe_closed(&mut self, pipe: usize) {
        if !self.is_at_end(pipe) {
            return;
        }
        let readers: Vec<Pid> = self
            .processes
            .iter()
            .filter(|(_, process)| matches!(process.body, Body::Reader))
            .filter(|(_, process)| process.reads == Some(pipe) && process.ready)
            .map(|(pid, _)| pid)
            .collect();
        for pid in readers {
            self.schedule(pid, Some(self.now));
        }
    }

    pub(crate) fn is_at_end(&self, pipe: usize) -> bool {
        let held = self.pipes.get(pipe).copied().unwrap_or(false);
        !held && !self.processes.iter().any(|(_, process)| process.writes == Some(pipe))
    }
}
