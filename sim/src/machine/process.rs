//! The process table.

use cellscan_core::time::Instant;

use crate::machine::pppd::PppdState;
use crate::machine::program::{Command, Plain};
use crate::machine::sorted::Sorted;
use crate::signal::Signal;
use crate::trace::{Ending, Origin, Pid};

/// The process that inherits orphans and reaps them.
pub(crate) const INIT: Pid = 1;

/// The kind of a process, with its data.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Plain {
        spec: Plain,
        /// Ending after `SIGTERM`.
        exiting: Option<i32>,
        /// Waits only to exit 0, after the fork of its child.
        forked: bool,
    },
    Shell(Shell),
    Reader,
    Unrunnable,
    Pppd(Box<PppdState>),
    /// Stays until its time or a signal ends it: a `chat`, a stranger.
    Idler,
    Runsv,
    Client,
}

#[derive(Clone, Debug)]
pub(crate) struct Shell {
    pub(crate) commands: Vec<Command>,
    pub(crate) next: usize,
    pub(crate) foreground: Option<Pid>,
    pub(crate) background: Vec<Pid>,
    pub(crate) waits: bool,
    pub(crate) last_code: i32,
    pub(crate) on_term: ShellTerm,
    pub(crate) term_seen: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ShellTerm {
    Dies,
    Ignores,
    Forwards,
    ForwardsThenExits(i32),
    Exits(i32),
}

impl Shell {
    pub(crate) fn new(commands: Vec<Command>) -> Self {
        Self {
            commands,
            next: 0,
            foreground: None,
            background: Vec::new(),
            waits: false,
            last_code: 0,
            on_term: ShellTerm::Dies,
            term_seen: false,
        }
    }
}

/// One entry of the process table.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) parent: Pid,
    pub(crate) tag: String,
    pub(crate) origin: Origin,
    pub(crate) body: Body,
    /// Executed and past its first lines; before that, signals have their default effect.
    pub(crate) ready: bool,
    /// When it acts next.
    pub(crate) due: Option<Instant>,
    /// The generation of the valid event in the queue.
    pub(crate) generation: u64,
    pub(crate) stopped: bool,
    pub(crate) pending: Vec<Signal>,
    /// `SIGTERM` is blocked, as in a process that `control/*` starts.
    pub(crate) term_blocked: bool,
    /// The log pipe whose write end it holds.
    pub(crate) writes: Option<usize>,
    /// The log pipe that it reads.
    pub(crate) reads: Option<usize>,
    /// Ended, and not reaped yet.
    pub(crate) zombie: Option<Ending>,
}

impl Process {
    pub(crate) fn new(parent: Pid, tag: &str, origin: Origin, body: Body) -> Self {
        Self {
            parent,
            tag: tag.to_owned(),
            origin,
            body,
            ready: false,
            due: None,
            generation: 0,
            stopped: false,
            pending: Vec::new(),
            term_blocked: false,
            writes: None,
            reads: None,
            zombie: None,
        }
    }
}

/// All processes, by pid: the order in which they were forked and in which `wait` finds them.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    processes: Sorted<Pid, Process>,
    next: Pid,
}

impl Default for Table {
    fn default() -> Self {
        Self { processes: Sorted::default(), next: 100 }
    }
}

impl Table {
    pub(crate) fn insert(&mut self, process: Process) -> Pid {
        let pid = self.next;
        self.next += 1;
        self.processes.insert(pid, process);
        pid
    }

    pub(crate) fn get(&self, pid: Pid) -> Option<&Process> {
        self.processes.get(pid)
    }

    pub(crate) fn get_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        self.processes.get_mut(pid)
    }

    pub(crate) fn remove(&mut self, pid: Pid) -> Option<Process> {
        self.processes.remove(pid)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Pid, &Process)> {
        self.processes.iter()
    }

    /// Exists and is not a zombie.
    pub(crate) fn is_alive(&self, pid: Pid) -> bool {
        self.get(pid).is_some_and(|process| process.zombie.is_none())
    }

    pub(crate) fn children(&self, parent: Pid) -> Vec<Pid> {
        self.iter().filter(|(_, process)| process.parent == parent).map(|(pid, _)| pid).collect()
    }

    /// The first dead child that was not reaped.
    pub(crate) fn dead_child(&self, parent: Pid) -> Option<Pid> {
        self.iter()
            .find(|(_, process)| process.parent == parent && process.zombie.is_some())
            .map(|(pid, _)| pid)
    }
}
