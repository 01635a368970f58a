//! The scanner's own process: its port, its lock, its start and death.

use cellscan_core::time::Instant;
use core::time::Duration;

use super::Machine;
use crate::machine::guard::Lease;
use crate::machine::kernel::{Event, Kernel};
use crate::machine::process::{Body, INIT, Process};
use crate::trace::{Actor, Origin, Pid, TraceEvent};

impl Kernel {
    pub(crate) fn start_client(&mut self) -> Pid {
        let mut process = Process::new(INIT, "cellscan", Origin::Client, Body::Client);
        process.ready = true;
        let pid = self.processes.insert(process);
        self.note(TraceEvent::Started { pid, tag: "cellscan".to_owned(), origin: Origin::Client });
        pid
    }
}

impl Machine {
    /// The scanner's pid.
    #[must_use]
    pub fn client(&self) -> Pid {
        self.client
    }

    /// The client has opened the port.
    pub fn client_opened_port(&mut self) {
        self.kernel.open_line(crate::machine::kernel::Line::Ours, self.client);
    }

    /// The client has closed the port.
    pub fn client_closed_port(&mut self) {
        self.kernel.close_line(self.client);
    }

    /// Creates the UUCP lock of the port, with the client's pid. `false`: another live process has it. The lock of a dead
    /// owner is replaced.
    #[must_use = "a port that another process has locked must not be opened"]
    pub fn lock_port(&mut self) -> bool {
        if self.kernel.locked_against(self.client) {
            return false;
        }
        self.kernel.set_lock(Some(self.client));
        true
    }

    /// Removes the UUCP lock, if it is the client's.
    pub fn unlock_port(&mut self) {
        if self.kernel.lines.lock == Some(self.client) {
            self.kernel.set_lock(None);
        }
    }

    /// The lease on disk.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        self.kernel.lease
    }

    /// Whether there is a lease whose owner is gone.
    #[must_use]
    pub fn lease_is_orphaned(&self) -> bool {
        self.kernel.lease.is_some_and(|lease| !self.kernel.processes.is_alive(lease.owner))
    }

    /// The scanner dies: its port is closed, its lock goes stale, its lease is orphaned. Its guard notices after this time;
    /// `None`: the guard is killed too, and only the lease is left.
    pub fn client_dies(&mut self, guard_after: Option<Duration>) {
        self.kernel.die(self.client, crate::trace::Ending::Signal(crate::signal::Signal::Kill));
        if let Some(after) = guard_after {
            let at: Instant = self.kernel.now + after;
            self.kernel.queue.push(at, Event::Guard);
        } else {
            self.guard_dies();
        }
    }

    /// Another process kills the guard.
    pub fn guard_dies(&mut self) {
        if let Some(pid) = self.kernel.guard_pid() {
            self.kernel.kill(Actor::Other, pid, crate::signal::Signal::Kill);
        }
    }

    /// Whether a guard runs.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.kernel.guard_pid().is_some()
    }

    /// Breaks later guards on purpose: they take this long a silence of the scan for its death.
    pub fn guards_tire_after(&mut self, after: Duration) {
        self.kernel.guard_tires_after = Some(after);
    }

    /// Starts a new scanner, with another pid.
    pub fn client_starts(&mut self) {
        if !self.kernel.processes.is_alive(self.client) {
            self.client = self.kernel.start_client();
        }
    }
}
