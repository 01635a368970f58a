//! A gateway: one port with a modem behind it, one `pppd` on it, and whoever keeps that alive.
//!
//! The world drives it by [`Machine::next_event`] and [`Machine::advance_to`]; faults are methods
//! (from [`Machine::kill_runsv`] on), and everything that happens is in [`Machine::trace`].

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
pub mod sv;

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
use crate::trace::{Actor, Origin, Pid, StatusRecord, TraceEvent, Traced};

/// How a gateway is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineProfile {
    /// Who keeps `pppd` alive.
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

/// Who keeps `pppd` alive.
#[derive(Clone, Debug, PartialEq)]
pub enum Supervision {
    /// A `runsv` under a `runsvdir`.
    Runsv(RunsvProfile),
    /// Nobody: it was started at boot.
    Unsupervised,
}

/// The service directory of a supervised `pppd`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunsvProfile {
    /// Which `runsv`.
    pub rule: Rule,
    /// How `./run` comes to its `pppd`.
    pub run: RunScript,
    /// `./finish` runs that many ms; `None`: there is none.
    pub finish_ms: Option<u64>,
    /// What `./control/t` does; `None`: there is none.
    pub control_t: Option<ControlScript>,
    /// The file `./down` is there: somebody wants it down.
    pub down: bool,
    /// `./supervise` is a link, as Debian and Void have it.
    pub supervise_is_link: bool,
    /// The `runsv` that is started first has the port open: its console (F27).
    pub has_port: bool,
}

/// How `./run` comes to its `pppd`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RunScript {
    /// `exec pppd …`: the pid in the record is that of `pppd`.
    #[default]
    Execs,
    /// `pppd …` as a child of the shell: `SIGTERM` kills the shell and nothing else.
    Stays,
    /// As a child of a shell that passes `SIGTERM` on.
    Forwards,
}

/// A `control/*` script: it keeps `runsv` from everything else while it runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ControlScript {
    /// How long it runs.
    pub takes_ms: u64,
    /// Exits 0, so that `runsv` does not send the signal.
    pub vetoes: bool,
}

/// Who holds the port, and since when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The process.
    pub pid: Pid,
    /// Where it comes from.
    pub origin: Origin,
    /// When it opened the port.
    pub since: Instant,
}

/// A gateway in virtual time.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) kernel: Kernel,
    profile: MachineProfile,
    client: Pid,
}

impl Machine {
    /// A gateway at time zero: the supervisor has just been started, the scanner too.
    #[must_use]
    pub fn new(profile: MachineProfile) -> Self {
        let mut kernel = Kernel::default();
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

    /// Starts a `pppd` as the start command or a hand at the keyboard does.
    pub(crate) fn start_pppd(&mut self, origin: Origin) {
        let program = Program::Pppd(self.profile.pppd.clone());
        self.kernel.spawn(INIT, "pppd", origin, program, Inherit::default());
    }

    /// Whether nobody keeps `pppd` alive.
    #[must_use]
    pub fn is_unsupervised(&self) -> bool {
        self.profile.supervision == Supervision::Unsupervised
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.kernel.now
    }

    /// When something happens next by itself; `None`: nothing will. It may turn out to be nothing that is seen.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        self.kernel.queue.next_at()
    }

    /// Lets everything happen that is due up to and including `until`. Time never goes back.
    pub fn advance_to(&mut self, until: Instant) {
        self.kernel.advance_to(until);
    }

    /// Whether the modem at our port is registered from now on. A link over it is hung up when it is not, and a
    /// `pppd` that waits for a carrier connects when it is.
    pub fn set_modem_registered(&mut self, registered: bool) {
        self.kernel.set_registered(registered);
    }

    /// Everything that has happened, in order.
    #[must_use]
    pub fn trace(&self) -> &[Traced] {
        &self.kernel.trace
    }

    /// Who holds the port, in the order in which they opened it.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        let lines = &self.kernel.lines;
        lines
            .holders
            .iter()
            .filter_map(|(pid, since)| {
                let origin = self.kernel.processes.get(*pid)?.origin;
                Some(Holder { pid: *pid, origin, since: *since })
            })
            .collect()
    }

    /// How many `pppd` processes of our port are alive, whoever started them.
    #[must_use]
    pub fn live_pppds(&self) -> usize {
        self.our_pppds().len()
    }

    pub(crate) fn our_pppds(&self) -> Vec<Pid> {
        let processes = self.kernel.processes.iter();
        processes
            .filter(|(_, process)| process.zombie.is_none())
            .filter(|(_, process)| matches!(&process.body, Body::Pppd(state) if state.line == Line::Ours))
            .map(|(pid, _)| pid)
            .collect()
    }

    /// Whether the `pppd` of the other modem is alive.
    #[must_use]
    pub fn other_pppd_alive(&self) -> bool {
        let mut processes = self.kernel.processes.iter();
        processes.any(|(_, process)| process.origin == Origin::OtherPppd && process.zombie.is_none())
    }

    /// The status record as its file shows it; `None`: there is no file.
    #[must_use]
    pub fn status(&self) -> Option<StatusRecord> {
        self.kernel.status()
    }

    /// Whether somebody reads `ok` and `control` under the service's name.
    #[must_use]
    pub fn supervised(&self) -> bool {
        self.kernel.probe_ok() == Some(true) && self.kernel.probe_control(false).is_ok()
    }

    /// Whether the link over our port is up.
    #[must_use]
    pub fn link_up(&self) -> bool {
        !self.kernel.lines.links.is_empty()
    }

    /// Whose pid is in the UUCP lock of our port; it may be dead.
    #[must_use]
    pub fn lock_owner(&self) -> Option<Pid> {
        self.kernel.lines.lock
    }

    /// Whether the process is there and no zombie.
    #[must_use]
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.kernel.processes.is_alive(pid)
    }

    /// Where a process comes from; `None`: it is gone.
    #[must_use]
    pub fn origin(&self, pid: Pid) -> Option<Origin> {
        self.kernel.processes.get(pid).map(|process| process.origin)
    }

    /// Signals of the client that reached a process which is none of the service's. Must stay empty.
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
