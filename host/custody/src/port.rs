//! Whether the port is free, and which processes belong to the service.
//!
//! The process table can only be read entry by entry, while processes fork and end. A holder of the port that forks after the
//! look has begun, and ends before the look reaches it, leaves a child that this look does not see. So one look proves nothing:
//!
//! - The port is **free** once two looks in a row found no holder, the second begun after the first had ended, and the second
//!   saw no process that could come from a holder which the first missed: each newcomer must descend from a
//!   process that the first look saw without the port. One whose parent is init, or an ancestor of the service, may be an
//!   orphan: then a third look decides, and so on.
//! - A process that gets the port by `open(2)` is not covered by this: the caller watches for that (inotify), and reports it. A
//!   fork makes no such event, and a `pppd` needs none to leave its port to a child.
//!
//! A process **belongs to the service** if the status record names it, if it descends from such a process, or if it has the port
//! and descends from the supervisor. A process whose parent is dead already belongs to the service if it was seen as a descendant
//! before, or if it can only have inherited the port: it is new, all holders belonged to the service, and no process has opened the
//! port since. The supervisor itself never does (its console may be this port), and a working directory is no reason: an operator
//! may work there.

use std::collections::{BTreeMap, BTreeSet};

/// Largest number of processes noted as the service's; a `pppd` with its scripts has about five.
const MEMBERS_MAX: usize = 512;
/// Largest number of generations from a process to its ancestors: a shell in a shell is two.
const GENERATIONS_MAX: usize = 64;
/// The process that adopts orphans (`init`).
const INIT: u32 = 1;

/// A process, distinguished from a later one with the same id by its start time (clock ticks since boot, `proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Id {
    /// Its process id.
    pub pid: u32,
    /// Its start time.
    pub start: u64,
}

/// A process in a look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seen {
    /// The process.
    pub id: Id,
    /// The id of its parent.
    pub parent: u32,
    /// It has the port open. Always false for the looking process itself.
    pub holds: bool,
    /// Its name is `pppd`: if it has had the port it may open it again.
    pub is_pppd: bool,
    /// It is a zombie: it holds no file and forks no more, but may have forked just before.
    pub is_dead: bool,
}

/// One pass over the process table.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The processes found.
    pub processes: Vec<Seen>,
    /// Processes that were listed and had ended when they were examined.
    pub vanished: Vec<u32>,
}

/// Whether any process opened the port between the beginning of the previous look and the end of this one. An open during a
/// look counts for two looks.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Opened {
    /// No.
    No,
    /// Unknown: there is no watch.
    #[default]
    Unknown,
    /// Yes.
    Yes,
}

/// The result of a look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// No process has the port, and no process of the service is left that could open it.
    Free,
    /// Some process has, or is left; see [`Port::remains`] and [`Port::strangers`].
    Held,
    /// This look found none, which is no proof yet: look again.
    Unsure,
}

/// What is known about the port and the processes of one service.
#[derive(Clone, Debug, Default)]
pub struct Port {
    supervisor: Option<u32>,
    main: Option<Id>,
    members: BTreeSet<Id>,
    before: Option<Before>,
    /// Members that have had the port.
    held: BTreeSet<Id>,
    /// Only members have the port, or had it when they were last seen, and no process has opened it since: an orphan that has it
    /// now, and was not seen without it, can only have inherited it from them.
    heirs: bool,
    remains: Vec<Id>,
    strangers: Vec<Id>,
}

/// The previous look by process id: which process, and whether it had the port.
type Before = BTreeMap<u32, (Id, bool)>;

impl Port {
    /// Sets the process that supervises the service; `None`: unknown.
    pub const fn supervised_by(&mut self, supervisor: Option<u32>) {
        self.supervisor = supervisor;
    }

    /// Sets the process that the status record names, which the caller has checked to be the supervisor's child; `None`: the
    /// record names none any more.
    pub fn main_is(&mut self, main: Option<Id>) {
        self.main = main;
        if let Some(main) = main {
            self.note(main);
        }
    }

    /// Notes a process as a member of the service.
    pub fn note(&mut self, id: Id) {
        if self.members.len() < MEMBERS_MAX && self.supervisor != Some(id.pid) {
            self.members.insert(id);
        }
    }

    /// Makes a stranger of the last look a member of the service, because the caller knows more than the table shows: a `pppd`
    /// that has detached itself from its supervisor.
    pub fn adopt(&mut self, id: Id) {
        self.note(id);
        if self.members.contains(&id) && self.strangers.contains(&id) {
            self.strangers.retain(|stranger| *stranger != id);
            self.remains.push(id);
        }
    }

    /// Whether a process is a member of the service.
    #[must_use]
    pub fn is_member(&self, id: Id) -> bool {
        self.members.contains(&id)
    }

    /// All members that were alive at the last look.
    pub fn members(&self) -> impl Iterator<Item = Id> {
        self.members.iter().copied()
    }

    /// The remaining processes of the service after the last look, its main process first: those that have the port, those that may
    /// open it again, and the process that the record names. Other processes of the service are left alone. Only these may be
    /// signalled.
    #[must_use]
    pub fn remains(&self) -> &[Id] {
        &self.remains
    }

    /// The processes that had the port at the last look and do not belong to the service.
    #[must_use]
    pub fn strangers(&self) -> &[Id] {
        &self.strangers
    }

    /// Takes in a look, begun after the previous one had ended.
    pub fn look(&mut self, look: &Look, opened: Opened) -> Verdict {
        let table: BTreeMap<u32, &Seen> = look.processes.iter().map(|seen| (seen.id.pid, seen)).collect();
        self.heirs &= opened == Opened::No;
        let is_alive = |id: &Id| table.get(&id.pid).is_some_and(|seen| seen.id == *id && !seen.is_dead);
        self.members.retain(is_alive);
        self.held.retain(is_alive);
        self.main = self.main.filter(is_alive);
        self.note_descendants(&table);
        self.tell_apart(&table);
        let clean = self.remains.is_empty() && self.strangers.is_empty();
        let agreed = opened != Opened::Yes && self.agrees(look, &table);
        // All holders are members, and none was missed: from here on the port can only be inherited from them.
        let held = self.remains.iter().any(|id| table.get(&id.pid).is_some_and(|seen| seen.holds));
        self.heirs |= held && agreed && opened == Opened::No && self.strangers.is_empty();
        self.heirs &= !(clean && agreed);
        self.before = Some(look.processes.iter().map(|seen| (seen.id.pid, (seen.id, seen.holds))).collect());
        match (clean, agreed) {
            (false, _) => Verdict::Held,
            (true, true) => Verdict::Free,
            (true, false) => Verdict::Unsure,
        }
    }

    /// Forgets the looks so far: the port, or what was examined, is another.
    pub fn forget_looks(&mut self) {
        self.before = None;
        self.heirs = false;
    }

    fn note_descendants(&mut self, table: &BTreeMap<u32, &Seen>) {
        let found: Vec<Id> = table
            .values()
            .filter(|seen| !seen.is_dead && !self.members.contains(&seen.id))
            .filter(|seen| {
                ancestors(seen, table).any(|ancestor| {
                    self.members.contains(&ancestor.id)
                        || (seen.holds && Some(ancestor.id.pid) == self.supervisor)
                })
            })
            .map(|seen| seen.id)
            .collect();
        for id in found {
            self.note(id);
        }
    }

    fn tell_apart(&mut self, table: &BTreeMap<u32, &Seen>) {
        (self.remains, self.strangers) = (self.main.into_iter().collect(), Vec::new());
        let adopters = if self.heirs { self.adopters(table) } else { BTreeSet::new() };
        for seen in table.values() {
            let was_seen = self
                .before
                .as_ref()
                .and_then(|before| before.get(&seen.id.pid))
                .is_some_and(|(id, _)| *id == seen.id);
            if seen.holds && !was_seen && adopters.contains(&seen.parent) {
                self.note(seen.id);
            }
            let ours = self.members.contains(&seen.id);
            if ours && seen.holds {
                self.held.insert(seen.id);
            }
            let may_open_it = seen.is_pppd && self.held.contains(&seen.id);
            if ours && (seen.holds || may_open_it) && self.main != Some(seen.id) {
                self.remains.push(seen.id);
            } else if seen.holds && !ours {
                self.strangers.push(seen.id);
            }
        }
    }

    /// Whether this look and the previous one agree on the holders of the port, and neither missed a holder: each process that the
    /// previous look has not seen descends from one that it saw without the port.
    fn agrees(&self, look: &Look, table: &BTreeMap<u32, &Seen>) -> bool {
        let Some(before) = &self.before else { return false };
        let now = table.values().filter(|seen| seen.holds).map(|seen| seen.id);
        if !now.eq(before.values().filter(|(_, held)| *held).map(|(id, _)| *id)) {
            return false;
        }
        let adopters = self.adopters(table);
        let known = |seen: &Seen| before.get(&seen.id.pid).filter(|(id, _)| *id == seen.id);
        let is_accounted = |seen: &Seen| {
            known(seen).is_some()
                || ancestors(seen, table)
                    .find_map(known)
                    .is_some_and(|(id, held)| !held && !adopters.contains(&id.pid))
        };
        table.values().all(|seen| is_accounted(seen))
            && look.vanished.iter().all(|pid| before.contains_key(pid))
    }

    /// Processes that may have adopted an orphan of the service: init, the supervisor and its ancestors.
    fn adopters(&self, table: &BTreeMap<u32, &Seen>) -> BTreeSet<u32> {
        let supervisor = self.supervisor.and_then(|pid| table.get(&pid));
        let above = supervisor.into_iter().flat_map(|seen| ancestors(seen, table)).map(|seen| seen.id.pid);
        [INIT].into_iter().chain(self.supervisor).chain(above).collect()
    }
}

/// The ancestors of a process, nearest first, as far as the table shows them.
fn ancestors<'a>(
    seen: &Seen,
    table: &'a BTreeMap<u32, &'a Seen>,
) -> impl Iterator<Item = &'a Seen> + use<'a> {
    let first = table.get(&seen.parent).copied();
    std::iter::successors(first, |seen| table.get(&seen.parent).copied()).take(GENERATIONS_MAX)
}

#[cfg(test)]
mod tests;
