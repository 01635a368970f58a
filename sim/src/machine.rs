//! A gateway: one port with a modem behind it, one `pppd` on it, and the supervisor that keeps `pppd` running.
//!
//! The world drives it by [`Machine::next_event`] and [`Machine::advance_to`]; faults are methods
//! (from [`Machine::kill_runsv`] on), and every event is in [`Machine::trace`].

mod client;
pub mod directory;
mod faults;
pub mod guard;
pub(crate) mod kernel;
pub mod pppd;
pub(crate) mod process;
pub mod program;
pub mod queue;
pub mod runsv;
pub(crate) mod sorted;
pub mod sv;
mod watched;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cellscan_core::time::Instant;
use core::time::Duration;

use crate::machine::directory::ServiceFiles;
use crate::machine::kernel::{Inherit, Kernel, Line};
use crate::machine::pppd::{PppdProfile, PppdState};
use crate::machine::process::{Body, INIT, Process};
use crate::machine::program::{Command, File, Program};
use crate::machine::runsv::Rule;
use crate::machine::watched::Watched;
use crate::trace::{Actor, Origin, Pid, StatusRecord, TraceEvent, Traced};

/// The configuration of a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineProfile {
    /// The supervisor of `pppd`.
    pub supervision: Supervision,
    /// The `pppd` of the service.
    pub pppd: PppdProfile,
    /// Whether the modem is registered when `pppd` starts.
    pub registered: bool,
    /// Whether a `pppd` of another modem runs on another port (F16).
    pub other_pppd: bool,
}

impl Default for MachineProfile {
    fn default() -> Self {
        Self {
            supervision: Supervision::Runsv(RunsvProfile::default()),
            pppd: PppdProfile::default(),
            registered: true,
            other_pppd: true,
        }
    }
}

/// The supervisor of `pppd`.
#[derive(Clone, Debug, PartialEq)]
pub enum Supervision {
    /// A `runsv` under a `runsvdir`.
    Runsv(RunsvProfile),
    /// No supervisor: `pppd` was started at boot.
    Unsupervised,
}

/// The service directory of a supervised `pppd`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunsvProfile {
    /// The variant of `runsv`.
    pub rule: Rule,
    /// How `./run` starts its `pppd`.
    pub run: RunScript,
    /// `./finish` runs for this many ms; `None`: there is none.
    pub finish_ms: Option<u64>,
    /// The behaviour of `./control/t`; `None`: there is none.
    pub control_t: Option<ControlScript>,
    /// The file `./down` exists: an operator wants the service down.
    pub down: bool,
    /// `./supervise` is a link, as Debian and Void have it.
    pub supervise_is_link: bool,
    /// The first `runsv` has the port open: its console (F27).
    pub has_port: bool,
}

/// How `./run` starts its `pppd`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RunScript {
    /// `exec pppd …`: the pid in the record is that of `pppd`.
    #[default]
    Execs,
    /// `pppd …` as a child of the shell: `SIGTERM` kills the shell only.
    Stays,
    /// As a child of a shell that passes `SIGTERM` on.
    Forwards,
}

/// A `control/*` script: it blocks `runsv` while it runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ControlScript {
    /// How long it runs.
    pub takes_ms: u64,
    /// Exits 0, so that `runsv` does not send the signal.
    pub vetoes: bool,
}

/// A holder of the port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The process.
    pub pid: Pid,
    /// Its origin.
    pub origin: Origin,
    /// When it opened the port.
    pub since: Instant,
}

/// Events of a usual scan; there is room for more.
const EVENTS: usize = 64;

/// A gateway in virtual time.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) kernel: Watched<Kernel>,
    profile: MachineProfile,
    client: Pid,
}

impl Machine {
    /// A gateway at time zero: supervisor and scanner have just been started.
    #[must_use]
    pub fn new(profile: MachineProfile) -> Self {
        let mut kernel = Watched::<Kernel>::default();
        kernel.trace.reserve(EVENTS);
        kernel.lines.registered = profile.registered;
        if profile.other_pppd {
            let state = PppdState::on(profile.pppd.clone(), Line::Other);
            let other = Process::new(INIT, "pppd", Origin::OtherPppd, Body::Pppd(Box::new(state)));
            let pid = kernel.processes.insert(other);
            kernel.note(TraceEvent::Started { pid, tag: "pppd".to_owned(), origin: Origin::OtherPppd });
            kernel.schedule(pid, Some(Instant::ZERO));
        }
        let client = kernel.start_client();
        let mut machine = Self { kernel, profile, client };
        match machine.profile.supervision.clone() {
            Supervision::Runsv(runsv) => {
                machine.kernel.rule = runsv.rule;
                machine.kernel.add_directory(directory(&runsv, &machine.profile.pppd));
                let pid = machine.kernel.start_runsv(Duration::ZERO);
                if runsv.has_port {
                    machine.kernel.open_line(Line::Ours, pid);
                }
                machine.kernel.advance_to(Instant::ZERO);
            }
            Supervision::Unsupervised => machine.start_pppd(Origin::Service),
        }
        machine
    }

    /// Starts a `pppd` as the start command or an operator does.
    pub(crate) fn start_pppd(&mut self, origin: Origin) {
        let program = Program::Pppd(self.profile.pppd.clone());
        self.kernel.spawn(INIT, "pppd", origin, program, Inherit::default());
    }

    /// Whether `pppd` has no supervisor.
    #[must_use]
    pub fn is_unsupervised(&self) -> bool {
        self.profile.supervision == Supervision::Unsupervised
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.kernel.now
    }

    /// The time of the next internal event; `None`: there is none. The event may have no visible effect.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        self.kernel.queue.next_at()
    }

    /// Processes all events up to and including `until`. Time never goes back.
    pub fn advance_to(&mut self, until: Instant) {
        if self.next_event().is_some_and(|next| next <= until) {
            self.kernel.advance_to(until);
        } else {
            self.kernel.unseen().pass_to(until);
        }
    }

    /// The number of accesses that may have changed it: while that stays the same, it is the same but for its clock.
    pub(crate) fn changes(&self) -> u64 {
        self.kernel.changes()
    }

    /// Sets whether the modem at our port is registered. Deregistration hangs up a link over it; after registration a
    /// `pppd` that waits for a carrier connects.
    pub fn set_modem_registered(&mut self, registered: bool) {
        if self.kernel.lines.registered != registered {
            self.kernel.set_registered(registered);
        }
    }

    /// All events, in order.
    #[must_use]
    pub fn trace(&self) -> &[Traced] {
        &self.kernel.trace
    }

    /// The holders of the port, in the order in which they opened it.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        self.each_holder().collect()
    }

    pub(crate) fn each_holder(&self) -> impl Iterator<Item = Holder> {
        self.kernel.lines.holders.iter().filter_map(|(pid, since)| {
            let origin = self.kernel.processes.get(*pid)?.origin;
            Some(Holder { pid: *pid, origin, since: *since })
        })
    }

    /// How many `pppd` processes of our port are alive, of any origin.
    #[must_use]
    pub fn live_pppds(&self) -> usize {
        self.each_pppd().count()
    }

    pub(crate) fn our_pppds(&self) -> Vec<Pid> {
        self.each_pppd().collect()
    }

    fn each_pppd(&self) -> impl Iterator<Item = Pid> {
        let processes = self.kernel.processes.iter();
        processes
            .filter(|(_, process)| process.zombie.is_none())
            .filter(|(_, process)| matches!(&process.body, Body::Pppd(state) if state.line == Line::Ours))
            .map(|(pid, _)| pid)
    }

    /// Whether the `pppd` of the other modem is alive.
    #[must_use]
    pub fn other_pppd_alive(&self) -> bool {
        let mut processes = self.kernel.processes.iter();
        processes.any(|(_, process)| process.origin == Origin::OtherPppd && process.zombie.is_none())
    }

    /// The status record in its file; `None`: there is no file.
    #[must_use]
    pub fn status(&self) -> Option<StatusRecord> {
        self.kernel.status()
    }

    /// Whether a process reads `ok` and `control` under the service's name.
    #[must_use]
    pub fn supervised(&self) -> bool {
        self.kernel.probe_ok() == Some(true) && self.kernel.probe_control(false).is_ok()
    }

    /// Whether the link over our port is up.
    #[must_use]
    pub fn link_up(&self) -> bool {
        !self.kernel.lines.links.is_empty()
    }

    /// The pid in the UUCP lock of our port; that process may be dead.
    #[must_use]
    pub fn lock_owner(&self) -> Option<Pid> {
        self.kernel.lines.lock
    }

    /// Whether the process exists and is not a zombie.
    #[must_use]
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.kernel.processes.is_alive(pid)
    }

    /// The origin of a process; `None`: it is gone.
    #[must_use]
    pub fn origin(&self, pid: Pid) -> Option<Origin> {
        self.kernel.processes.get(pid).map(|process| process.origin)
    }

    /// Signals of the client to processes outside the service. Must stay empty.
    pub fn stray_signals(&self) -> impl Iterator<Item = &Traced> {
        self.trace().iter().filter(|traced| {
            matches!(
                traced.event,
                TraceEvent::Signalled { by: Actor::Client, origin: Some(origin), .. }
                    if origin != Origin::Service
            )
        })
    }
}

fn directory(runsv: &RunsvProfile, pppd: &PppdProfile) -> ServiceFiles {
    let pppd = Program::Pppd(pppd.clone());
    let name = "pppd".to_owned();
    let run = match runsv.run {
        RunScript::Execs => pppd,
        RunScript::Stays => Program::Shell(vec![Command::Run(name, pppd)]),
        RunScript::Forwards => Program::Shell(vec![
            Command::ForwardTerm,
            Command::Background(name, pppd),
            Command::Wait,
            Command::Wait,
        ]),
    };
    let control = runsv.control_t.map(|script| {
        let program = Program::exits(script.takes_ms, i32::from(!script.vetoes));
        BTreeMap::from([(b't', File::new("control/t", program))])
    });
    ServiceFiles {
        run: Some(File::new("run", run)),
        finish: runsv.finish_ms.map(|ms| File::new("finish", Program::exits(ms, 0))),
        control,
        down: runsv.down,
        supervise_is_link: runsv.supervise_is_link,
        ..ServiceFiles::default()
    }
}
