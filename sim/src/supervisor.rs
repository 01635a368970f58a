//! The supervisor trait over the simulated machine, like the native backend.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use cellscan_core::supervisor::{self, Owed, Remains, ServiceState, ServiceStatus, Signal, Supervisor, Want};
use cellscan_custody::guard::Message;
use cellscan_custody::owed_after_death;
use cellscan_custody::records::Records;

use crate::machine::Machine;
use crate::machine::directory::ControlError;
use crate::machine::guard::{Lease, byte, reading};
use crate::trace::{Actor, Origin, Pid};

mod processes;

use processes::Processes;
#[cfg(test)]
mod tests;

/// Why the simulated supervisor failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SimError {
    /// There is no status record.
    NoRecord,
    /// `ok` or `control` has no reader.
    NotSupervised,
    /// The request could not be written.
    Control(ControlError),
    /// Another live scanner holds the lease.
    Leased,
    /// A process outside the service holds the port.
    PortHeld(Pid),
    /// The service is not taken.
    NotTaken,
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::PortHeld(pid) = self {
            return write!(f, "the port is held by process {pid}, which is not part of the service");
        }
        f.write_str(match self {
            Self::NoRecord => "no status record",
            Self::NotSupervised => "runsv not running",
            Self::Control(ControlError::NoFile) => "supervise/control: file does not exist",
            Self::Control(ControlError::NoReader) => "supervise/control: no reader",
            Self::Control(ControlError::Full) => "supervise/control: full",
            Self::Leased => "leased to another scan",
            Self::NotTaken => "not taken",
            Self::PortHeld(_) => "the port is held",
        })
    }
}

impl core::error::Error for SimError {}

/// The supervisor of a simulated machine: its decisions are made by the code of the real one.
///
/// On an unsupervised machine the backend is the supervisor: `supervised` is `true`, the want is the one requested
/// last, `ask(Down)` sends TERM to the `pppd` on the port, and `ask(Up)` runs the start command.
#[derive(Debug)]
pub struct SimSupervisor {
    machine: Rc<RefCell<Machine>>,
    taken: Option<Taken>,
    habits: Habits,
    /// The last status, and the changes of the machine when it was read: without another change it is the same.
    last: Option<(u64, ServiceStatus)>,
}

/// Variations of the supervisor. Everything but the default is broken on purpose; see [`crate::sabotage`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Habits {
    /// Believes a single look at the process table that finds no holder.
    pub believes_one_look: bool,
    /// Counts each holder of the port whose working directory is the service's as part of the service, also the supervisor.
    pub goes_by_directory: bool,
    /// How long the scan may hold the service; `None`: as long as it lives.
    pub hold_limit: Option<Duration>,
}

/// The state recorded when the service was taken, and observations since.
#[derive(Debug)]
struct Taken {
    /// As the scan said last.
    owed: Owed,
    /// Found down, it needs neither guard nor lease.
    needs_guard: bool,
    asked: Option<Want>,
    guard_replaced: bool,
    runsv: Option<Pid>,
    records: Records,
    processes: Processes,
}

impl SimSupervisor {
    /// The supervisor of this machine.
    #[must_use]
    pub fn new(machine: Rc<RefCell<Machine>>) -> Self {
        Self { machine, taken: None, habits: Habits::default(), last: None }
    }

    /// The same with other habits.
    #[must_use]
    pub fn with_habits(self, habits: Habits) -> Self {
        Self { habits, ..self }
    }

    /// Whether this supervisor holds the lease.
    #[must_use]
    pub fn holds_lease(&self) -> bool {
        let machine = self.machine.borrow();
        self.taken.is_some() && machine.lease().is_some_and(|lease| lease.owner == machine.client())
    }

    /// One reading of the status, as the native backend of host makes it.
    fn look(&mut self) -> Result<ServiceStatus, SimError> {
        let changes = self.machine.borrow().changes();
        if let Some((_, status)) = self.last.filter(|(then, _)| *then == changes) {
            return Ok(status);
        }
        let status = self.read()?;
        self.last = Some((changes, status));
        Ok(status)
    }

    fn read(&mut self) -> Result<ServiceStatus, SimError> {
        let mut machine = self.machine.borrow_mut();
        if let Some(taken) = &mut self.taken {
            taken.watch_guard(&mut machine);
        }
        if machine.is_unsupervised() {
            let asked = self.taken.as_ref().and_then(|taken| taken.asked);
            return Ok(unsupervised(&machine, asked));
        }
        let alive = machine.supervised();
        let record = machine.status().ok_or(SimError::NoRecord)?;
        let supervise = machine.kernel.supervise(false).ok_or(SimError::NoRecord)?;
        let reading = reading(supervise, machine.kernel.unread(), machine.runsv_sleeps());
        let reading = reading.ok_or(SimError::NoRecord)?;
        let want = cellscan_custody::want_of(reading.want_up, reading.runs, None, false);
        let pid = record.pid.and_then(NonZeroU32::new);
        let mut status = ServiceStatus { supervised: alive, pid, ..ServiceStatus::new(record.state, want) };
        let Some(taken) = &mut self.taken else { return Ok(status) };
        taken.find_successor(&machine, alive);
        status.supervised = taken.records.read(reading, alive, taken.runsv.is_some());
        if status.supervised {
            taken.processes.note_service(&machine, taken.runsv, record.pid);
        }
        let evidence = taken.records.evidence();
        status.want = evidence.want().unwrap_or(status.want);
        status.foreign_down = evidence.foreign_down();
        status.given_back = evidence.given_back();
        Ok(status)
    }

    fn end(&mut self) {
        self.last = None;
        let Some(taken) = self.taken.take() else { return };
        let mut machine = self.machine.borrow_mut();
        if taken.owed.want.is_none() {
            machine.kernel.set_lease(None);
            machine.kernel.tell_guard(Message::Released);
        } else {
            // Another guard where none is left, as on host: the hand-over needs one.
            if !machine.is_guarded() && !machine.is_unsupervised() {
                taken.start_guard(&mut machine);
            }
            machine.kernel.tell_guard(Message::HandedOver);
        }
    }
}

impl Taken {
    /// Notices a supervisor that died and the one that came after it.
    fn find_successor(&mut self, machine: &Machine, supervised: bool) {
        if self.runsv.is_some_and(|runsv| !machine.is_alive(runsv)) {
            self.runsv = None;
            self.asked = None;
            self.records.supervisor_died();
        }
        if supervised && self.runsv.is_none() {
            self.runsv = machine.runsv();
            self.records.supervisor_found();
        }
    }

    /// Replaces a guard that has ended, once.
    fn watch_guard(&mut self, machine: &mut Machine) {
        let needs_none = !self.needs_guard || machine.is_unsupervised() || machine.is_guarded();
        if needs_none || core::mem::replace(&mut self.guard_replaced, true) {
            return;
        }
        self.start_guard(machine);
    }

    fn start_guard(&self, machine: &mut Machine) {
        let owner = machine.client();
        machine.kernel.start_guard(owner, self.owed, None);
    }
}

fn unsupervised(machine: &Machine, asked: Option<Want>) -> ServiceStatus {
    let pid = machine.our_pppds().into_iter().find(|pid| machine.origin(*pid) == Some(Origin::Service));
    let runs = pid.is_some();
    let (state, want) = if runs { (ServiceState::Run, Want::Up) } else { (ServiceState::Down, Want::Down) };
    ServiceStatus { pid: pid.and_then(NonZeroU32::new), ..ServiceStatus::new(state, asked.unwrap_or(want)) }
}

impl Supervisor for SimSupervisor {
    type Error = SimError;

    fn take(&mut self) -> nb::Result<supervisor::Taken, SimError> {
        self.taken = None;
        self.last = None;
        let status = self.look()?;
        if !status.supervised {
            return Err(nb::Error::Other(SimError::NotSupervised));
        }
        let mut machine = self.machine.borrow_mut();
        let client = machine.client();
        let owed = match machine.lease() {
            Some(lease) if lease.owner != client && machine.is_alive(lease.owner) => {
                return Err(nb::Error::Other(SimError::Leased));
            }
            // What the scan that died has left to do. Its `d` may still be unread.
            Some(Lease { owed, .. }) => {
                Owed { want: owed.want.map(|noted| owed_after_death(noted, status.want)), ..owed }
            }
            None => Owed::default(),
        };
        let needs_guard = status.want != Want::Down || owed != Owed::default();
        let mut processes = Processes::new(self.habits);
        processes.note_service(&machine, machine.runsv(), status.pid.map(NonZeroU32::get));
        if let Some(stranger) = processes.survey(&machine) {
            return Err(nb::Error::Other(SimError::PortHeld(stranger)));
        }
        if needs_guard && !machine.is_unsupervised() {
            machine.kernel.start_guard(client, owed, self.habits.hold_limit);
        }
        machine.kernel.set_lease(needs_guard.then_some(Lease { owner: client, owed }));
        let runsv = machine.runsv();
        drop(machine);
        self.taken = Some(Taken {
            owed,
            needs_guard,
            asked: None,
            guard_replaced: false,
            runsv,
            records: Records::default(),
            processes,
        });
        self.look()?;
        Ok(supervisor::Taken { status, owed })
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), SimError> {
        self.look()?;
        self.last = None;
        let mut machine = self.machine.borrow_mut();
        let taken = self.taken.as_mut().ok_or(nb::Error::Other(SimError::NotTaken))?;
        taken.processes.look(&machine);
        if machine.is_unsupervised() {
            let runs = unsupervised(&machine, None).state == ServiceState::Run;
            if want == Want::Down {
                taken.processes.signal(&mut machine, Signal::Term);
            } else if runs && taken.asked == Some(Want::Down) {
                // It got a TERM and is ending: a `pppd` started now would find its lock.
                return Err(nb::Error::WouldBlock);
            } else if !runs {
                machine.start_pppd(Origin::Service);
            }
        } else {
            machine
                .kernel
                .write_control(Actor::Client, false, &[byte(want)])
                .map_err(|error| nb::Error::Other(SimError::Control(error)))?;
            taken.records.asked(want);
        }
        taken.asked = Some(want);
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, SimError> {
        Ok(self.look()?)
    }

    fn remains(&mut self) -> nb::Result<Remains, SimError> {
        self.look()?;
        let machine = self.machine.borrow();
        let taken = self.taken.as_mut().ok_or(nb::Error::Other(SimError::NotTaken))?;
        taken.processes.remains(&machine).ok_or(nb::Error::WouldBlock)
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), SimError> {
        self.look()?;
        let mut machine = self.machine.borrow_mut();
        let taken = self.taken.as_mut().ok_or(nb::Error::Other(SimError::NotTaken))?;
        taken.processes.signal(&mut machine, signal);
        Ok(())
    }

    fn owe(&mut self, owed: Owed) {
        let Some(taken) = &mut self.taken else { return };
        taken.owed = owed;
        if taken.needs_guard {
            let mut machine = self.machine.borrow_mut();
            machine.kernel.tell_guard(Message::Owed(owed));
            let owner = machine.client();
            machine.kernel.set_lease(Some(Lease { owner, owed }));
        }
    }

    fn link_up(&mut self) -> nb::Result<bool, SimError> {
        Ok(self.machine.borrow().link_up())
    }

    fn hand_over(&mut self) -> nb::Result<(), SimError> {
        self.end();
        Ok(())
    }

    fn release(&mut self) -> nb::Result<(), SimError> {
        if self.taken.is_none() {
            return Err(nb::Error::Other(SimError::NotTaken));
        }
        self.end();
        Ok(())
    }
}
