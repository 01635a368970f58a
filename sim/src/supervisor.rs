//! The supervisor trait over the simulated machine, as a native client would implement it.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Want};
use cellscan_core::time::Instant;

use crate::directory::ControlError;
use crate::lease::{Lease, byte};
use crate::machine::Machine;
use crate::signal;
use crate::trace::{Actor, Origin, Pid, StatusRecord};

#[cfg(test)]
mod tests;

/// Why the simulated supervisor failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SimError {
    /// There is no status record.
    NoRecord,
    /// Nobody reads `ok` or `control`.
    NotSupervised,
    /// The request could not be written.
    Control(ControlError),
    /// Another live scanner holds the lease.
    Leased,
    /// It is not taken.
    NotTaken,
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRecord => "no status record",
            Self::NotSupervised => "runsv not running",
            Self::Control(ControlError::NoFile) => "supervise/control: file does not exist",
            Self::Control(ControlError::NoReader) => "supervise/control: nobody reads it",
            Self::Control(ControlError::Full) => "supervise/control: full",
            Self::Leased => "leased to somebody else",
            Self::NotTaken => "not taken",
        })
    }
}

impl core::error::Error for SimError {}

/// The supervisor of a simulated machine.
///
/// On an unsupervised machine the backend is the supervisor: `supervised` is `true`, the want is what was asked
/// last, `ask(Down)` sends TERM to the `pppd` on the port, and `ask(Up)` runs the start command.
#[derive(Debug)]
pub struct SimSupervisor {
    machine: Rc<RefCell<Machine>>,
    taken: Option<Taken>,
}

/// What was noted when the service was taken, and what has been seen since.
#[derive(Clone, Debug)]
struct Taken {
    asked: Option<Want>,
    /// Processes of the service: what the record named, and their descendants.
    noted: BTreeSet<Pid>,
    watch: Watch,
}

/// Rewrites this soon after the service came to rest belong to that.
const QUIET: Duration = Duration::from_millis(250);

/// Finds rewrites of the status record that none of our own requests explains: made while the service was at rest (down,
/// wanted down) and none of our bytes was unread. Anything less certain is not taken for a wish.
#[derive(Clone, Debug, Default)]
struct Watch {
    /// How many rewrites have been looked at.
    seen: usize,
    /// Since when the service is at rest.
    rest: Option<Instant>,
    foreign_down: bool,
    /// No supervisor was there, and so many rewrites had been made by then: only one that is newer is its successor's.
    orphaned_at: Option<usize>,
}

impl Watch {
    fn observe(&mut self, now: Instant, rewrites: &[StatusRecord], all_read: bool) {
        let fresh = rewrites.get(self.seen..).unwrap_or_default();
        self.seen = rewrites.len();
        let at_rest = rewrites
            .last()
            .is_some_and(|last| last.state == ServiceState::Down && last.pid.is_none() && !last.want_up);
        if fresh.iter().any(|record| record.want_up) {
            self.foreign_down = false;
            self.rest = None;
        }
        self.rest = match self.rest {
            _ if !at_rest => None,
            None if !all_read => None,
            Some(since) if fresh.is_empty() => Some(since),
            Some(since) if now.saturating_since(since) >= QUIET => {
                self.foreign_down = true;
                Some(since)
            }
            Some(_) | None => Some(now),
        };
    }
}

impl SimSupervisor {
    /// The supervisor of this machine.
    #[must_use]
    pub fn new(machine: Rc<RefCell<Machine>>) -> Self {
        Self { machine, taken: None }
    }

    /// Whether this supervisor holds the lease.
    #[must_use]
    pub fn holds_lease(&self) -> bool {
        let machine = self.machine.borrow();
        self.taken.is_some() && machine.lease().is_some_and(|lease| lease.owner == machine.client())
    }

    /// Looks at what has been rewritten, and notes the processes of the service that are seen.
    fn look(&mut self) {
        let machine = self.machine.borrow();
        let Some(taken) = &mut self.taken else { return };
        taken.note(&machine);
        let Some(supervise) = machine.kernel.supervise(false) else { return };
        if machine.runsv().is_none() {
            taken.watch = Watch { seen: taken.watch.seen, ..Watch::default() };
            taken.watch.orphaned_at = Some(supervise.rewrites.len());
        }
        if taken.watch.orphaned_at.is_some_and(|at| supervise.rewrites.len() > at) {
            taken.watch.orphaned_at = None;
        }
        taken.watch.observe(machine.now(), &supervise.rewrites, machine.kernel.unread() == 0);
    }

    fn read(&self) -> Result<ServiceStatus, SimError> {
        let machine = self.machine.borrow();
        let asked = self.taken.as_ref().and_then(|taken| taken.asked);
        if machine.is_unsupervised() {
            return Ok(unsupervised(&machine, asked));
        }
        let record = machine.status().ok_or(SimError::NoRecord)?;
        let foreign_down = self.taken.as_ref().is_some_and(|taken| taken.watch.foreign_down);
        let left_behind = self.taken.as_ref().is_some_and(|taken| taken.watch.orphaned_at.is_some());
        Ok(ServiceStatus {
            supervised: machine.supervised() && !left_behind,
            state: record.state,
            pid: record.pid.and_then(NonZeroU32::new),
            want: want(&record, asked),
            foreign_down,
        })
    }
}

/// `o` and `d` leave the same byte; what runs without having been sent a TERM is to run once, unless it was we who
/// asked for down and a `control/t` forbade the TERM.
fn want(record: &StatusRecord, asked: Option<Want>) -> Want {
    if record.want_up {
        Want::Up
    } else if record.state == ServiceState::Run && !record.got_term && asked != Some(Want::Down) {
        Want::Once
    } else {
        Want::Down
    }
}

fn unsupervised(machine: &Machine, asked: Option<Want>) -> ServiceStatus {
    let pid = machine.our_pppds().into_iter().find(|pid| machine.origin(*pid) == Some(Origin::Service));
    let runs = pid.is_some();
    ServiceStatus {
        supervised: true,
        state: if runs { ServiceState::Run } else { ServiceState::Down },
        pid: pid.and_then(NonZeroU32::new),
        want: asked.unwrap_or(if runs { Want::Up } else { Want::Down }),
        foreign_down: false,
    }
}

impl Taken {
    fn note(&mut self, machine: &Machine) {
        let mut roots: Vec<Pid> = self.noted.iter().copied().collect();
        if machine.is_unsupervised() {
            // The holder of this port that is being replaced: a pppd, not whatever else may have opened it.
            roots.extend(
                machine.our_pppds().into_iter().filter(|pid| machine.origin(*pid) == Some(Origin::Service)),
            );
        } else {
            roots.extend(machine.status().and_then(|record| record.pid));
        }
        for root in roots {
            if machine.is_alive(root) {
                self.noted.insert(root);
                self.noted.extend(machine.kernel.processes.descendants(root));
            }
        }
        self.noted.retain(|pid| machine.is_alive(*pid));
    }
}

impl Supervisor for SimSupervisor {
    type Error = SimError;

    fn take(&mut self) -> nb::Result<ServiceStatus, SimError> {
        let status = self.read()?;
        if !status.supervised {
            return Err(nb::Error::Other(SimError::NotSupervised));
        }
        let mut machine = self.machine.borrow_mut();
        let client = machine.client();
        let found = match machine.lease() {
            Some(lease) if lease.owner != client && machine.is_alive(lease.owner) => {
                return Err(nb::Error::Other(SimError::Leased));
            }
            // Whoever died with the service in hand has noted what it was meant to do.
            Some(lease) => lease.want,
            None => status.want,
        };
        machine.kernel.set_lease(Some(Lease { owner: client, want: found, asked_back: false }));
        let watch = Watch {
            seen: machine.kernel.supervise(false).map_or(0, |supervise| supervise.rewrites.len()),
            ..Watch::default()
        };
        let mut taken = Taken { asked: None, noted: BTreeSet::new(), watch };
        taken.note(&machine);
        drop(machine);
        self.taken = Some(taken);
        Ok(ServiceStatus { want: found, ..status })
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), SimError> {
        self.look();
        let mut machine = self.machine.borrow_mut();
        if machine.is_unsupervised() {
            let runs = unsupervised(&machine, None).state == ServiceState::Run;
            if want == Want::Down {
                for pid in self.taken.iter().flat_map(|taken| &taken.noted) {
                    machine.kernel.kill(Actor::Client, *pid, signal::Signal::Term);
                }
            } else if runs && self.taken.as_ref().is_some_and(|taken| taken.asked == Some(Want::Down)) {
                // It was sent a TERM and is on its way out: what is started now would meet its lock.
                return Err(nb::Error::WouldBlock);
            } else if !runs {
                machine.start_pppd(Origin::Service);
            }
        } else {
            machine
                .kernel
                .write_control(Actor::Client, false, &[byte(want)])
                .map_err(|error| nb::Error::Other(SimError::Control(error)))?;
        }
        if let Some(taken) = &mut self.taken {
            taken.asked = Some(want);
            taken.watch.rest = None;
        }
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, SimError> {
        self.look();
        Ok(self.read()?)
    }

    fn remains(&mut self) -> nb::Result<Remains, SimError> {
        self.look();
        let machine = self.machine.borrow();
        let taken = self.taken.as_ref().ok_or(nb::Error::Other(SimError::NotTaken))?;
        let holders = machine.holders();
        let holding = holders.iter().map(|holder| holder.pid).find(|pid| taken.noted.contains(pid));
        let service = holding.or_else(|| taken.noted.first().copied());
        let stranger = holders
            .iter()
            .map(|holder| holder.pid)
            .find(|pid| !taken.noted.contains(pid) && *pid != machine.client());
        Ok(Remains {
            service: service.and_then(NonZeroU32::new),
            stranger: stranger.and_then(NonZeroU32::new),
        })
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), SimError> {
        self.look();
        let taken = self.taken.as_ref().ok_or(nb::Error::Other(SimError::NotTaken))?;
        let signal = match signal {
            Signal::Term => signal::Signal::Term,
            Signal::Kill => signal::Signal::Kill,
        };
        let mut machine = self.machine.borrow_mut();
        for pid in &taken.noted {
            machine.kernel.kill(Actor::Client, *pid, signal);
        }
        Ok(())
    }

    fn link_up(&mut self) -> nb::Result<bool, SimError> {
        Ok(self.machine.borrow().link_up())
    }

    fn release(&mut self) -> nb::Result<(), SimError> {
        self.taken.take().ok_or(nb::Error::Other(SimError::NotTaken))?;
        self.machine.borrow_mut().kernel.set_lease(None);
        Ok(())
    }
}
