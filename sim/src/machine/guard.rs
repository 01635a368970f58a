//! The lease on the service and its guard: a process that runs the code of the real guard.

use std::collections::VecDeque;

use cellscan_core::supervisor::{Owed, ServiceState, Want};
use cellscan_core::time::Instant;
use cellscan_custody::guard::{Cause, Guard, Message, Verdict};
use cellscan_custody::hand_back::{HandBack, Observation, Step};
use cellscan_custody::{Identity, Reading};
use core::time::Duration;

use crate::machine::directory::Supervise;
use crate::machine::kernel::{Event, Kernel};
use crate::machine::process::{Body, Process};
use crate::signal::Signal;
use crate::trace::{Actor, Ending, Origin, Pid, TraceEvent};

/// The file on disk while a scan holds the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The scanner that took the service. The lease is orphaned when that process is gone.
    pub owner: Pid,
    /// What is owed to the service.
    pub owed: Owed,
}

/// The guard of a scan.
#[derive(Clone, Debug)]
pub(crate) struct GuardProcess {
    pid: Pid,
    owner: Pid,
    machine: Guard,
    /// The bytes in the pipe.
    pipe: VecDeque<u8>,
    back: Option<HandBack>,
    /// Broken on purpose: the guard takes this long a silence for the end of the scan.
    tires_after: Option<Duration>,
    heard_at: Instant,
}

/// The event of a rewrite may be late, or lost: the guard also reads the record this often (host: `give_back.rs`).
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The control byte of a want.
pub(crate) const fn byte(want: Want) -> u8 {
    match want {
        Want::Up => b'u',
        Want::Once => b'o',
        Want::Down => b'd',
    }
}

/// The record that a reader finds, and the bytes that waited in the FIFO before.
pub(crate) fn reading(supervise: &Supervise, unread: usize, settled: bool) -> Option<Reading> {
    let record = supervise.status?;
    let at_rest = record.state == ServiceState::Down && record.pid.is_none() && !record.want_up;
    Some(Reading {
        identity: Identity { inode: supervise.rewrites.len() as u64, ..Identity::default() },
        want_up: record.want_up,
        at_rest,
        runs: record.state == ServiceState::Run && !record.got_term,
        unread: Some(unread as u64),
        settled: settled && unread == 0,
    })
}

impl Kernel {
    pub(crate) fn set_lease(&mut self, lease: Option<Lease>) {
        let held = lease.is_some();
        if self.lease.is_some() != held {
            self.note(TraceEvent::Lease { held });
        }
        self.lease = lease;
    }

    /// Starts the guard of a scan.
    pub(crate) fn start_guard(&mut self, owner: Pid, owed: Owed, limit: Option<Duration>) {
        let mut process = Process::new(owner, "cellscan guard", Origin::Guard, Body::Idler);
        process.ready = true;
        let pid = self.processes.insert(process);
        let tag = "cellscan guard".to_owned();
        self.note(TraceEvent::Started { pid, tag, origin: Origin::Guard });
        let machine = Guard::new(owed, limit.map(|limit| self.now + limit));
        if let Some(at) = machine.next_deadline() {
            self.queue.push(at, Event::Guard);
        }
        self.guard = Some(GuardProcess {
            pid,
            owner,
            machine,
            pipe: VecDeque::new(),
            back: None,
            tires_after: self.guard_tires_after,
            heard_at: self.now,
        });
        if let Some(after) = self.guard_tires_after {
            self.queue.push(self.now + after, Event::Guard);
        }
    }

    /// The guard's process, if it is alive.
    pub(crate) fn guard_pid(&self) -> Option<Pid> {
        self.guard.as_ref().map(|guard| guard.pid).filter(|pid| self.processes.is_alive(*pid))
    }

    /// The scan sends its guard a byte; a dead guard gets nothing.
    pub(crate) fn tell_guard(&mut self, message: Message) {
        let Some(guard) = &mut self.guard else { return };
        guard.pipe.extend(message.bytes());
        self.queue.push(self.now, Event::Guard);
    }

    /// Whether the guard is giving the service back, and watches its record.
    pub(crate) fn gives_back(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.back.is_some())
    }

    /// The guard wakes up: by its pipe, its clock, or the record.
    pub(crate) fn guard(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        if self.processes.is_alive(guard.pid) && !self.guard_turn(&mut guard) {
            self.die(guard.pid, Ending::Exit(0));
        }
        self.guard = Some(guard).filter(|guard| self.processes.is_alive(guard.pid));
    }

    /// Whether it continues.
    fn guard_turn(&mut self, guard: &mut GuardProcess) -> bool {
        if guard.back.is_some() {
            return self.hand_back(guard);
        }
        let bytes: Vec<u8> = guard.pipe.drain(..).collect();
        let mut verdict = guard.machine.bytes(&bytes);
        if !bytes.is_empty() {
            guard.heard_at = self.now;
        }
        let tired = guard.tires_after.is_some_and(|after| self.now >= guard.heard_at + after);
        if verdict == Verdict::Watch {
            let ended = tired || !self.processes.is_alive(guard.owner);
            verdict = if ended { guard.machine.ended() } else { guard.machine.timeout(self.now) };
        }
        match verdict {
            Verdict::Watch => {
                if let Some(after) = guard.tires_after {
                    self.queue.push(guard.heard_at + after, Event::Guard);
                }
                true
            }
            Verdict::Released => false,
            Verdict::GiveBack(cause, owed) => {
                if cause == Cause::HeldTooLong {
                    self.kill(Actor::Guard, guard.owner, Signal::Kill);
                }
                let Some(want) = owed.want else {
                    self.remove_lease_of(guard.owner, false);
                    return false;
                };
                guard.back = Some(HandBack::new(want));
                self.hand_back(guard)
            }
        }
    }

    fn hand_back(&mut self, guard: &mut GuardProcess) -> bool {
        let Some(back) = &mut guard.back else { return false };
        loop {
            let adopted = self
                .lease
                .is_some_and(|lease| lease.owner != guard.owner && self.processes.is_alive(lease.owner));
            let supervised = self.probe_ok() == Some(true) && self.probe_control(false).is_ok();
            let reading =
                self.supervise(false).and_then(|supervise| reading(supervise, self.unread(), false));
            match back.step(self.now, Observation { adopted, named: true, supervised, reading }) {
                Step::Ask(want) => {
                    let written = self.write_control(Actor::Guard, false, &[byte(want)]).is_ok();
                    back.sent(self.now, written, reading.map(|reading| reading.identity));
                }
                Step::Wait(until) => {
                    self.queue.push(until.min(self.now + LOOK_EVERY), Event::Guard);
                    return true;
                }
                Step::Done(_) => {
                    self.remove_lease_of(guard.owner, true);
                    return false;
                }
            }
        }
    }

    /// A lease of another scan stays; one of a dead scan is removed once the guard has requested the service.
    fn remove_lease_of(&mut self, owner: Pid, asked: bool) {
        let is_left = |lease: Lease| asked && !self.processes.is_alive(lease.owner);
        if self.lease.is_some_and(|lease| lease.owner == owner || is_left(lease)) {
            self.set_lease(None);
        }
    }
}
