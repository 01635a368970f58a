//! The lease on the service, and its guard.

use cellscan_core::supervisor::Want;
use core::time::Duration;

use crate::kernel::{Event, Kernel};
use crate::trace::{Actor, Pid, TraceEvent};

/// What lies on disk while a scan holds the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The scanner that took it. Orphaned when that process is gone.
    pub owner: Pid,
    /// What the service was meant to do before.
    pub want: Want,
    /// Its guard has written its request at least once. Before that the record proves nothing: a `d` may still wait in
    /// the FIFO while runsv sleeps off a crash (found by seed 6097).
    pub(crate) asked_back: bool,
}

/// The guard asks again this often until it sees its request in the record (a `u` may wait for runsv's pause).
const AGAIN: Duration = Duration::from_secs(1);

/// The control byte that asks for it.
pub(crate) const fn byte(want: Want) -> u8 {
    match want {
        Want::Up => b'u',
        Want::Once => b'o',
        Want::Down => b'd',
    }
}

impl Kernel {
    pub(crate) fn set_lease(&mut self, lease: Option<Lease>) {
        let held = lease.is_some();
        if self.lease.is_some() != held {
            self.note(TraceEvent::Lease { held });
        }
        self.lease = lease;
    }

    /// The guard at work: asks for what was wanted before and, once the record says so, removes the lease.
    pub(crate) fn guard(&mut self) {
        let Some(lease) = self.lease.filter(|lease| !self.processes.is_alive(lease.owner)) else { return };
        let supervised = self.probe_ok() == Some(true);
        let seen = self.status().is_some_and(|status| status.want_up == (lease.want == Want::Up));
        if supervised && seen && lease.asked_back {
            self.set_lease(None);
            return;
        }
        // Where nobody obeys now, runsvdir's next runsv brings the service up by itself; it is asked all the same.
        let asked_back = self.write_control(Actor::Client, false, &[byte(lease.want)]).is_ok();
        self.lease = Some(Lease { asked_back, ..lease });
        self.queue.push(self.now + AGAIN, Event::Guard);
    }
}
