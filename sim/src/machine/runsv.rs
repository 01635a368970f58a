//! `runsv` of runit 2.1.2: one turn after the other, one control byte a turn.
//!
//! ```text
//!  turn:  start log ─ start main ─ poll ─ reap (finish? throttle!) ─ one byte ─ one log byte ─ TERM = x ─ exit?
//!          ▲                        only here are TERM and CHLD seen                                      │
//!          └──────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The same actions block the real one and this one: writing a status record (1 ms), a `control/*` script, the second
//! of sleep after an early death. The model therefore is a list of remaining steps, the agenda, and stops where the
//! real one would wait.

mod commands;
mod turn;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use cellscan_core::supervisor::ServiceState;
use cellscan_core::time::Instant;
use core::time::Duration;

use crate::machine::kernel::{Event, Inherit, Kernel};
use crate::machine::program::Program;
use crate::signal::Signal;
use crate::trace::{Actor, Ending, Origin, Pid, StatusRecord, TraceEvent};

/// The variant of `runsv`: they differ in the throttle and in the exit code of an error.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Rule {
    /// runit: a death within 1 s of the start is early.
    #[default]
    Upstream,
    /// busybox (runsv.c: `LESS`): a death in the wall-clock second of the start is early.
    Busybox,
}

/// One rewrite of `pid`, `stat` and `status`: measured 0.3 ms, 1 ms under a tracer.
pub(crate) const REWRITE: Duration = Duration::from_millis(1);

/// The pause after an early death: runsv.c: main, `sleep(1)`.
const PAUSE_MS: u64 = 1_000;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    Up,
    Down,
    Exit,
}

/// The service itself or its log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Who {
    Main,
    Log,
}

/// struct svdir of runsv.c.
#[derive(Clone, Debug)]
struct Service {
    pid: Option<Pid>,
    state: ServiceState,
    want: Wanted,
    got_term: bool,
    paused: bool,
    /// Wall clock, ms: start of run, or of being down.
    stamp_ms: i64,
    /// Index of its `supervise` directory, and of the FIFO that was `control` when `runsv` opened it.
    supervise: usize,
    control: usize,
}

/// A step on the way to the next `poll`, or after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    StartLog,
    StartMain,
    Poll,
    Reap,
    ReadControl(Who),
    SeeTerm,
    ExitIfDone,
    /// `update_status`: the time that it takes.
    Write(Who),
    /// `update_status`: the last rename.
    Rename(Who),
    Sleep,
    /// custom: runs `control/X` and waits for it.
    Custom(Who, u8),
    /// The signal, unless the script before it has exited 0.
    Signal(Who, Signal),
    StartIfDown(Who),
    StopIfRunning(Who),
    /// startservice.
    Start(Who),
    Fork(Who),
    /// stopservice.
    Stop(Who),
    StopTerm(Who),
    StopRest(Who),
    SetDown(Who),
    SetPaused(Who, bool),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Blocked {
    No,
    Until(Instant),
    /// waitpid for a `control/*` script.
    Child(Pid),
}

#[derive(Clone, Debug)]
pub(crate) struct Runsv {
    pid: Pid,
    directory: usize,
    main: Service,
    log: Option<Service>,
    /// The log pipe, and whether `runsv` still has it open.
    pipe: Option<(usize, bool)>,
    agenda: VecDeque<Step>,
    blocked: Blocked,
    /// SIGTERM is pending: it is blocked outside of poll.
    term_pending: bool,
    /// The global `sigterm`.
    sigterm: bool,
    /// The last result of `custom`.
    handled: bool,
}

impl Service {
    fn new(kernel: &Kernel, supervise: usize, control: usize, down: bool) -> Self {
        Self {
            pid: None,
            state: ServiceState::Down,
            want: if down { Wanted::Down } else { Wanted::Up },
            got_term: false,
            paused: false,
            stamp_ms: kernel.wall_ms(),
            supervise,
            control,
        }
    }

    fn record(&self) -> StatusRecord {
        StatusRecord {
            state: self.state,
            pid: self.pid,
            want_up: self.want == Wanted::Up,
            paused: self.paused,
            got_term: self.got_term,
            stamp_ms: self.stamp_ms,
        }
    }
}

impl Runsv {
    /// runsv.c: main, up to the loop. The `down` files are read here and never again.
    pub(crate) fn open(kernel: &mut Kernel, pid: Pid, directory: usize) -> Self {
        let place = &kernel.directories[directory];
        let (supervise, log_supervise) = (place.supervise, place.log_supervise);
        let (down, log_down) = (place.down(false), place.down(true));
        let has_log = place.files.log.is_some();
        let control = kernel.open_supervise(supervise, pid);
        let main = Service::new(kernel, supervise, control, down);
        let mut agenda = VecDeque::from([Step::Write(Who::Main)]);
        let mut log = None;
        let mut pipe = None;
        if has_log {
            let control = kernel.open_supervise(log_supervise, pid);
            log = Some(Service::new(kernel, log_supervise, control, log_down));
            pipe = Some((kernel.pipes.len(), true));
            kernel.pipes.push(true);
            agenda.push_back(Step::Write(Who::Log));
        }
        Self {
            pid,
            directory,
            main,
            log,
            pipe,
            agenda,
            blocked: Blocked::No,
            term_pending: false,
            sigterm: false,
            handled: false,
        }
    }

    /// Whether `runsv` is about to rewrite its record: it runs then, and does not sleep.
    pub(crate) fn is_writing(&self) -> bool {
        self.agenda.iter().any(|step| matches!(step, Step::Write(Who::Main) | Step::Rename(Who::Main)))
    }

    /// SIGTERM was sent; `runsv` handles it in the next poll.
    pub(crate) fn term_comes(&mut self) {
        self.term_pending = true;
    }

    /// The files that the kernel closes when `runsv` ends.
    pub(crate) fn closed(&self, kernel: &mut Kernel) {
        kernel.close_supervise(self.main.supervise, self.main.control, self.pid);
        if let Some(log) = &self.log {
            kernel.close_supervise(log.supervise, log.control, self.pid);
        }
        if let Some((pipe, true)) = self.pipe {
            kernel.pipes[pipe] = false;
            kernel.pipe_closed(pipe);
        }
    }

    /// Runs until it would wait. Returns an exit code when it has ended.
    pub(crate) fn run(&mut self, kernel: &mut Kernel) -> Option<i32> {
        if kernel.processes.get(self.pid).is_none_or(|process| process.stopped) {
            return None;
        }
        loop {
            if self.is_blocked(kernel) {
                return None;
            }
            let Some(step) = self.agenda.pop_front() else {
                self.agenda.extend(turn::TURN);
                continue;
            };
            if step == Step::Poll && !self.poll_returns(kernel) {
                self.agenda.push_front(step);
                return None;
            }
            if step == Step::ExitIfDone && self.exits(kernel) {
                return Some(0);
            }
            self.take(kernel, step);
        }
    }

    fn is_blocked(&mut self, kernel: &mut Kernel) -> bool {
        match self.blocked {
            Blocked::No => {}
            Blocked::Until(at) => {
                if kernel.now < at {
                    return true;
                }
            }
            Blocked::Child(child) => {
                if kernel.processes.is_alive(child) {
                    return true;
                }
                // wait.h: wait_exitcode is the status shifted by 8, so dying of a signal counts as exit 0.
                let ending = kernel.processes.remove(child).and_then(|process| process.zombie);
                self.handled = !matches!(ending, Some(Ending::Exit(code)) if code != 0);
            }
        }
        self.blocked = Blocked::No;
        false
    }

    fn block(&mut self, kernel: &mut Kernel, span: Duration) {
        let until = kernel.now + span;
        self.blocked = Blocked::Until(until);
        kernel.queue.push(until, Event::Runsv(self.pid));
    }

    /// Inserts steps before the remaining ones.
    fn first<const N: usize>(&mut self, steps: [Step; N]) {
        for step in steps.into_iter().rev() {
            self.agenda.push_front(step);
        }
    }

    fn service(&self, who: Who) -> &Service {
        match (who, &self.log) {
            (Who::Log, Some(log)) => log,
            (Who::Main | Who::Log, _) => &self.main,
        }
    }

    fn service_mut(&mut self, who: Who) -> &mut Service {
        match (who, &mut self.log) {
            (Who::Log, Some(log)) => log,
            (Who::Main | Who::Log, _) => &mut self.main,
        }
    }

    /// runsv.c: `update_status`, the last of its three renames.
    fn rename_status(&self, kernel: &mut Kernel, who: Who) {
        let service = self.service(who);
        let record = service.record();
        let runsv = self.pid;
        let supervise = &mut kernel.supervises[service.supervise];
        if supervise.loses > 0 {
            // update_status: "unable to write supervise/status.new"; it warns and goes on.
            supervise.loses -= 1;
            kernel.note(TraceEvent::StatusLost { runsv });
            return;
        }
        supervise.status = Some(record);
        supervise.rewrites.push(record);
        if who == Who::Main && kernel.gives_back() {
            kernel.queue.push(kernel.now, Event::Guard);
        }
        kernel.note(TraceEvent::Status { runsv, log: who == Who::Log, record });
    }

    /// runsv.c: custom. Not for the log; only where the owner may execute the script.
    fn custom(&mut self, kernel: &mut Kernel, who: Who, byte: u8) {
        self.handled = false;
        if who == Who::Log {
            return;
        }
        let Some(file) = kernel.directories[self.directory].control(byte) else { return };
        let tag = file.tag.clone();
        let program = file.next(&mut kernel.counts);
        // sig_block(sig_term) is inherited by the script and by its children.
        let inherit = Inherit { term_blocked: true, writes: self.open_pipe(), reads: None };
        let child = kernel.spawn(self.pid, &tag, Origin::Service, program, inherit);
        self.blocked = Blocked::Child(child);
    }

    fn open_pipe(&self) -> Option<usize> {
        self.pipe.and_then(|(pipe, open)| open.then_some(pipe))
    }

    /// runsv.c: startservice, the fork and what follows it.
    fn fork(&mut self, kernel: &mut Kernel, who: Who) {
        let is_finish = self.service(who).state == ServiceState::Finish;
        let place = &kernel.directories[self.directory];
        let file = if is_finish { place.finish() } else { place.run(who == Who::Log) };
        let (tag, mut program) = match file {
            Some(file) => (file.tag.clone(), file.next(&mut kernel.counts)),
            None => ("run".to_owned(), Program::Unrunnable),
        };
        if self.pipe.is_some_and(|(_, open)| !open) {
            // startservice: "unable to setup filedescriptor for ./run", the pipe being closed for good.
            program = Program::Unrunnable;
        }
        let pipe = self.open_pipe();
        let (origin, writes, reads) = match who {
            Who::Main => (Origin::Service, pipe, None),
            Who::Log => (Origin::Log, None, pipe),
        };
        let inherit = Inherit { term_blocked: false, writes, reads };
        let pid = kernel.spawn(self.pid, &tag, origin, program, inherit);
        let now_ms = kernel.wall_ms();
        let service = self.service_mut(who);
        if !is_finish {
            service.stamp_ms = now_ms;
            service.state = ServiceState::Run;
        }
        service.pid = Some(pid);
        service.got_term = false;
        service.paused = false;
        self.first([Step::Write(who)]);
    }

    fn kill(&self, kernel: &mut Kernel, who: Who, signal: Signal) {
        if let Some(pid) = self.service(who).pid {
            kernel.kill(Actor::Runsv(self.pid), pid, signal);
        }
    }
}
