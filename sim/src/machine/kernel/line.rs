//! Serial lines, the UUCP lock, and the link.

use cellscan_core::time::Instant;

use super::Kernel;
use crate::trace::{Pid, TraceEvent};

/// A serial line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Line {
    /// The port that the scanned service uses.
    Ours,
    /// The port of another modem.
    Other,
}

/// The state of the lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// Holders of our port in the order in which they opened it.
    pub(crate) holders: Vec<(Pid, Instant)>,
    /// The pid in the UUCP lock file of our port; it stays there when its owner is killed.
    pub(crate) lock: Option<Pid>,
    /// The processes whose link over our port is up.
    pub(crate) links: Vec<Pid>,
    /// Whether the modem at our port is registered.
    pub(crate) registered: bool,
    /// Whether our port is away, its modem having left the bus.
    pub(crate) absent: bool,
    /// How often our port was opened, as inotify reports it. A fork that inherits it causes no event.
    pub(crate) opens: u64,
}

impl Kernel {
    pub(crate) fn open_line(&mut self, line: Line, pid: Pid) {
        if line == Line::Ours {
            self.lines.opens += 1;
        }
        self.inherit_line(line, pid);
    }

    /// The process was forked from one that has it open.
    pub(crate) fn inherit_line(&mut self, line: Line, pid: Pid) {
        if line == Line::Other || self.lines.holders.iter().any(|(holder, _)| *holder == pid) {
            return;
        }
        self.lines.holders.push((pid, self.now));
        if let Some(origin) = self.processes.get(pid).map(|process| process.origin) {
            self.note(TraceEvent::PortOpened { pid, origin });
        }
    }

    pub(crate) fn close_line(&mut self, pid: Pid) {
        let before = self.lines.holders.len();
        self.lines.holders.retain(|(holder, _)| *holder != pid);
        if self.lines.holders.len() != before
            && let Some(origin) = self.processes.get(pid).map(|process| process.origin)
        {
            self.note(TraceEvent::PortClosed { pid, origin });
        }
    }

    pub(crate) fn set_lock(&mut self, owner: Option<Pid>) {
        if self.lines.lock != owner {
            self.lines.lock = owner;
            self.note(TraceEvent::Locked { by: owner });
        }
    }

    /// Whether a process other than `pid` holds the lock and lives.
    pub(crate) fn locked_against(&self, pid: Pid) -> bool {
        self.lines.lock.is_some_and(|owner| owner != pid && self.processes.is_alive(owner))
    }

    pub(crate) fn link_up(&mut self, pid: Pid) {
        if !self.lines.links.contains(&pid) {
            self.lines.links.push(pid);
            if self.lines.links.len() == 1 {
                self.note(TraceEvent::Link { up: true });
            }
        }
    }

    pub(crate) fn link_down(&mut self, pid: Pid) {
        let before = self.lines.links.len();
        self.lines.links.retain(|other| *other != pid);
        if before > 0 && self.lines.links.is_empty() {
            self.note(TraceEvent::Link { up: false });
        }
    }
}
