//! What the scanner's own process does to the machine: its port, its lock, its life.

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

    /// Makes the UUCP lock of the port, with the client's pid. `false`: another live process has it. A lock
    /// whose owner is dead is replaced.
    #[must_use = "a port that is locked by somebody else must not be opened"]
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

    /// The lease as it lies on disk.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        self.kernel.lease
    }

    /// Whether there is a lease whose owner is gone.
    #[must_use]
    pub fn lease_is_orphaned(&self) -> bool {
        self.kernel.lease.is_some_and(|lease| !self.kernel.processes.is_alive(lease.owner))
    }

    /// The scanner dies: its port is closed, its lock goes stale, its lease is orphaned. Its guard hears of it after so long;
    /// `None`: it is killed too, and only the lease is left.
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
            self.kernel.kill(Actor::Somebody, pid, crate::signal::Signal::Kill);
        }
    }

    /// Whether there is a guard.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.kernel.guard_pid().is_some()
    }

    /// Breaks the guards to come on purpose: so long a silence of the scan is its death to them.
    pub fn guards_tire_after(&mut self, after: Duration) {
        self.kernel.guard_tires_after = Some(after);
    }

    /// A new scanner is started. Its pid is another one.
    pub fn client_starts(&mut self) {
        if !self.kernel.processes.is_alive(self.client) {
            self.client = self.kernel.start_client();
        }
    }
}
