//! Looks at the simulated process table, for [`cellscan_custody::port`].
//!
//! A look is torn, as a real one is: the processes are listed at the end of the previous look, and examined now. It misses a process
//! forked in between, and a process that has ended has vanished.

use core::num::NonZeroU32;

use cellscan_core::supervisor::{Remains, Signal};
use cellscan_custody::port::{Id, Look, Opened, Port, Seen, Verdict};

use super::Habits;
use crate::machine::Machine;
use crate::machine::process::{Body, INIT};
use crate::signal;
use crate::trace::{Actor, Origin, Pid};

/// Looks in one call, at most, as on host.
const LOOKS_MAX: u32 = 6;

/// The known processes of the service, and the state of its port.
#[derive(Debug)]
pub(super) struct Processes {
    port: Port,
    /// The list for the next look, and how often the port had been opened by then.
    listed: Option<(Vec<Pid>, u64)>,
    /// The same, of the previous look.
    opens_before: Option<u64>,
    /// The port was proven free at this count of openings.
    free: Option<u64>,
    habits: Habits,
}

const fn id(pid: Pid) -> Id {
    Id { pid, start: 0 }
}

impl Processes {
    pub(super) fn new(habits: Habits) -> Self {
        Self { port: Port::default(), listed: None, opens_before: None, free: None, habits }
    }

    /// Records the process that the status record names, if it is the supervisor's child.
    pub(super) fn note_service(&mut self, machine: &Machine, runsv: Option<Pid>, main: Option<Pid>) {
        self.port.supervised_by(runsv);
        let child = main.filter(|main| {
            let parent = machine.kernel.processes.get(*main).map(|process| process.parent);
            parent.is_some() && parent == runsv || self.port.is_member(id(*main))
        });
        self.port.main_is(child.map(id));
    }

    /// Before the scan touches the service: a holder of the port that is not part of the service.
    pub(super) fn survey(&mut self, machine: &Machine) -> Option<Pid> {
        for _ in 0..2 {
            self.look(machine);
        }
        self.adopt(machine);
        self.port.strangers().first().map(|stranger| stranger.pid)
    }

    /// A detached `pppd`, or the one that is replaced where there is no supervisor.
    fn adopt(&mut self, machine: &Machine) {
        let has_port = |id: &Id| machine.holders().iter().any(|holder| holder.pid == id.pid);
        let detached = !self.port.remains().iter().any(has_port);
        for stranger in self.port.strangers().to_vec() {
            let Some(process) = machine.kernel.processes.get(stranger.pid) else { continue };
            let is_pppd = matches!(process.body, Body::Pppd(_)) && process.origin == Origin::Service;
            if is_pppd && (machine.is_unsupervised() || (detached && process.parent == INIT)) {
                self.port.adopt(stranger);
            }
        }
    }

    pub(super) fn look(&mut self, machine: &Machine) -> Verdict {
        let opens = machine.kernel.lines.opens;
        let (listed, opens_then) = self.listed.take().unwrap_or_else(|| (pids(machine), opens));
        let mut look = Look::default();
        for pid in listed {
            match machine.kernel.processes.get(pid) {
                Some(process) => look.processes.push(Seen {
                    id: id(pid),
                    parent: process.parent,
                    holds: pid != machine.client()
                        && machine.holders().iter().any(|holder| holder.pid == pid),
                    is_pppd: matches!(process.body, Body::Pppd(_)),
                    is_dead: process.zombie.is_some(),
                }),
                None => look.vanished.push(pid),
            }
        }
        let opened = match self.opens_before {
            None => Opened::Unknown,
            Some(before) if before == opens => Opened::No,
            Some(_) => Opened::Yes,
        };
        // Counted from the listing of this look.
        self.opens_before = Some(opens_then);
        self.listed = Some((pids(machine), opens));
        let verdict = self.port.look(&look, opened);
        if machine.is_unsupervised() {
            self.adopt(machine);
        }
        verdict
    }

    /// The remaining processes of the service, and other holders of the port; `None` while two looks do not agree.
    pub(super) fn remains(&mut self, machine: &Machine) -> Option<Remains> {
        if self.free == Some(machine.kernel.lines.opens) {
            return Some(Remains::default());
        }
        for _ in 0..LOOKS_MAX {
            match self.look(machine) {
                Verdict::Held => {
                    let first = |ids: &[Id]| ids.first().and_then(|id| NonZeroU32::new(id.pid));
                    let (service, stranger) = (first(self.port.remains()), first(self.port.strangers()));
                    if self.habits.goes_by_directory {
                        return Some(Remains { service: service.or(stranger), stranger: None });
                    }
                    return Some(Remains { service, stranger });
                }
                Verdict::Free => {
                    self.free = Some(machine.kernel.lines.opens);
                    return Some(Remains::default());
                }
                Verdict::Unsure if self.habits.believes_one_look => {
                    self.free = Some(machine.kernel.lines.opens);
                    return Some(Remains::default());
                }
                Verdict::Unsure => {}
            }
        }
        None
    }

    /// Signals the remaining processes of the service.
    pub(super) fn signal(&mut self, machine: &mut Machine, signal: Signal) {
        self.look(machine);
        let signal = match signal {
            Signal::Term => signal::Signal::Term,
            Signal::Kill => signal::Signal::Kill,
        };
        let mut targets = self.port.remains().to_vec();
        if self.habits.goes_by_directory {
            targets.extend(self.port.strangers());
        }
        for target in targets {
            machine.kernel.kill(Actor::Client, target.pid, signal);
        }
    }
}

fn pids(machine: &Machine) -> Vec<Pid> {
    machine.kernel.processes.iter().map(|(pid, _)| pid).collect()
}
