//! Faults of a gateway, and actions of other processes.

use core::time::Duration;

use super::{Machine, Supervision};
use crate::lateness::Lateness;
use crate::machine::directory::ControlError;
use crate::machine::kernel::{Event, Line};
use crate::machine::process::{Body, INIT, Process};
use crate::machine::sv::SvCommand;
use crate::signal::Signal;
use crate::trace::{Actor, Origin, Pid, TraceEvent};

impl Machine {
    /// The live `runsv` of the service.
    #[must_use]
    pub fn runsv(&self) -> Option<Pid> {
        let live = self.kernel.processes.iter();
        live.rev()
            .find(|(_, process)| matches!(process.body, Body::Runsv) && process.zombie.is_none())
            .map(|(pid, _)| pid)
    }

    /// Whether the `runsv` of the service sleeps and is not stopped: it answers every byte that it reads before it sleeps.
    pub(crate) fn runsv_sleeps(&self) -> bool {
        let Some(pid) = self.runsv() else { return false };
        let stopped = self.kernel.processes.get(pid).is_none_or(|process| process.stopped);
        !stopped && self.kernel.runsvs.get(pid).is_some_and(|runsv| !runsv.is_writing())
    }

    /// `runsv` is killed (F23). `runsvdir` starts a new one after `back_after` (measured 2.8–4.1 s, at most 6 s);
    /// it knows nothing of any `down`. `None`: there is no `runsvdir`.
    pub fn kill_runsv(&mut self, back_after: Option<Duration>) {
        if self.is_unsupervised() {
            return;
        }
        if let Some(pid) = self.runsv() {
            self.kernel.kill(Actor::Other, pid, Signal::Kill);
        }
        if let Some(after) = back_after {
            let at = self.kernel.now + after;
            self.kernel.queue.push(at, Event::StartRunsv);
        }
    }

    /// `runsv` is stopped by SIGSTOP, or hangs: it looks healthy and obeys nothing.
    pub fn freeze_runsv(&mut self) {
        if let Some(pid) = self.runsv() {
            self.kernel.kill(Actor::Other, pid, Signal::Stop);
        }
    }

    /// The frozen `runsv` continues, and obeys the bytes that came meanwhile.
    pub fn thaw_runsv(&mut self) {
        if let Some(pid) = self.runsv() {
            self.kernel.kill(Actor::Other, pid, Signal::Cont);
        }
    }

    /// Another client writes a control byte (`u`, `d`, `o`, `t`, `k` …).
    ///
    /// # Errors
    /// It cannot be written.
    pub fn another_client_writes(&mut self, byte: u8) -> Result<(), ControlError> {
        self.kernel.write_control(Actor::Other, false, &[byte])
    }

    /// Another client runs `sv`.
    pub fn another_client_runs_sv(&mut self, command: SvCommand) {
        self.kernel.start_sv(vec![command]);
    }

    /// Another client signals every `pppd` of our port.
    pub fn another_client_signals_pppd(&mut self, signal: Signal) {
        for pid in self.our_pppds() {
            self.kernel.kill(Actor::Other, pid, signal);
        }
    }

    /// `supervise/control` is replaced by a FIFO without a reader.
    pub fn replace_control(&mut self) {
        self.kernel.replace_fifo();
    }

    /// A package upgrade removes and recreates the service directory. With `supervise` as a link the status record
    /// never changes again, although `runsv` obeys; without, the new directory is unsupervised.
    pub fn recreate_directory(&mut self) {
        self.kernel.recreate_directory(false);
    }

    /// The next `count` rewrites of the status record are lost because `/run` is full.
    pub fn lose_status_writes(&mut self, count: u32) {
        if let Some(supervise) = self.kernel.supervise_mut(false) {
            supervise.loses = count;
        }
    }

    /// A process outside the service opens the port, with or without the lock, and keeps it for this time.
    pub fn stranger_opens_port(&mut self, hold: Duration) -> Pid {
        let mut process = Process::new(INIT, "stranger", Origin::Stranger, Body::Idler);
        process.ready = true;
        let pid = self.kernel.processes.insert(process);
        let event = TraceEvent::Started { pid, tag: "stranger".to_owned(), origin: Origin::Stranger };
        self.kernel.note(event);
        self.kernel.open_line(Line::Ours, pid);
        let until = self.now() + hold;
        self.kernel.schedule(pid, Some(until));
        pid
    }

    /// The modem leaves the bus or comes back (F11). A `pppd` on its port is hung up; one that tries to open it exits 1, and
    /// its supervisor restarts it each second.
    pub fn set_port_present(&mut self, present: bool) {
        self.kernel.set_absent(!present);
    }

    /// An operator starts a `pppd` on our port by hand (F10).
    pub fn start_second_pppd(&mut self) {
        self.start_pppd(Origin::SecondPppd);
    }

    /// The wall clock is set, forward or back.
    pub fn step_clock(&mut self, ms: i64) {
        self.kernel.step_clock(ms);
    }

    /// The delays of its processes, supervisors and guards.
    pub fn lateness(&mut self) -> &mut Lateness {
        &mut self.kernel.queue.lateness
    }

    /// All faults end: a frozen `runsv` continues, a missing one is started, records are written again, strangers and
    /// second `pppd` end. Changes of files stay.
    pub fn heal(&mut self) {
        self.lose_status_writes(0);
        self.set_port_present(true);
        self.thaw_runsv();
        let intruders: Vec<Pid> = self
            .kernel
            .processes
            .iter()
            .filter(|(_, process)| matches!(process.origin, Origin::Stranger | Origin::SecondPppd))
            .map(|(pid, _)| pid)
            .collect();
        for pid in intruders {
            self.kernel.kill(Actor::Other, pid, Signal::Kill);
        }
        let supervised = matches!(self.profile.supervision, Supervision::Runsv(_));
        if supervised && self.runsv().is_none() {
            let now = self.now();
            self.kernel.queue.push(now, Event::StartRunsv);
        }
    }
}
