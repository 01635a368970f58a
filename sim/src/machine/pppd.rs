//! A `pppd` (ppp 2.4.9), as far as it affects other processes on its port.

use cellscan_core::time::Instant;
use core::time::Duration;

use crate::machine::kernel::{Kernel, Line};
use crate::machine::process::{Body, INIT, Process};
use crate::signal::Signal;
use crate::trace::{Ending, Pid, TraceEvent};

/// How a `pppd` behaves. Times are ms.
#[derive(Clone, Debug, PartialEq)]
pub struct PppdProfile {
    /// From its first line to the opened port.
    pub opens_after_ms: u64,
    /// From holding the port until the link is up, the modem being registered.
    pub link_after_ms: u64,
    /// From holding the port until it gives up and exits 8 (connect script failed), the modem not being registered.
    pub connect_fails_after_ms: u64,
    /// Its reaction to `SIGTERM`.
    pub term: PppdTerm,
    /// The option `lock`: it exits 6 where the UUCP lock names another live process, and creates its own.
    pub lock: bool,
    /// The fate of the `chat` that it started.
    pub chat: Chat,
    /// Without `nodetach`: a child continues in its own session, the started process exits 0.
    pub detaches: bool,
    /// Exits 1 this long after its start, without opening the port: a crash loop under a supervisor.
    pub crashes_after_ms: Option<u64>,
    /// At its very end it forks a child that keeps the port for this many ms more, and does not wait for it: a disconnect script,
    /// or a `chat` that was just started. No process ever saw it as a child of its `pppd` (F28).
    pub leaves_child_ms: Option<u64>,
}

/// The reaction of a `pppd` to `SIGTERM`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PppdTerm {
    /// Ends after this many ms. With a mute peer 2 × 3 s of Terminate-Request, up to 5 s for `ip-down`, and the
    /// disconnect script: up to 15 s (main.c: main; fsm.h: `DEFMAXTERMREQS`, `DEFTIMEOUT`).
    Ends(u64),
    /// Hangs (ppp #14, #424: tcsetattr waits for a line that does not drain).
    Ignored,
    /// Loses the first one, which comes just before `connect_tty` clears it (ppp #75), and ends this many ms after
    /// the second.
    FirstLost(u64),
}

/// The fate of the `chat` that a `pppd` starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Chat {
    /// It ends with its `pppd`, or before.
    EndsFirst,
    /// It outlives a `pppd` that ends before the link is up, and holds the port for this many ms more (F20; measured:
    /// 6–7 s of an 8 s time-out, the default time-out is 45 s).
    OutlivesConnect(u64),
    /// A child that lives as long as its `pppd`, with or without a link, and this many ms more.
    Outlives(u64),
}

impl Default for PppdProfile {
    fn default() -> Self {
        Self {
            opens_after_ms: 20,
            link_after_ms: 2_500,
            connect_fails_after_ms: 45_000,
            term: PppdTerm::Ends(300),
            lock: true,
            chat: Chat::EndsFirst,
            detaches: false,
            crashes_after_ms: None,
            leaves_child_ms: None,
        }
    }
}

/// `EXIT_LOCK_FAILED` of pppd.h.
const EXIT_LOCK_FAILED: i32 = 6;
/// `EXIT_USER_REQUEST` of pppd.h.
const EXIT_USER_REQUEST: i32 = 5;
/// `EXIT_CONNECT_FAILED` of pppd.h.
const EXIT_CONNECT_FAILED: i32 = 8;
/// `EXIT_HANGUP` of pppd.h.
const EXIT_HANGUP: i32 = 16;
/// `EXIT_FATAL_ERROR` of pppd.h.
const EXIT_FATAL_ERROR: i32 = 1;

#[derive(Clone, Debug)]
pub(crate) struct PppdState {
    profile: PppdProfile,
    pub(crate) line: Line,
    phase: Phase,
    term_lost: bool,
    chat: Option<Pid>,
    is_double: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Starting,
    Opening,
    Connecting { gives_up: Instant },
    Up,
    Ending(i32),
}

impl PppdState {
    pub(crate) fn new(profile: PppdProfile) -> Self {
        Self {
            profile,
            line: Line::Ours,
            phase: Phase::Starting,
            term_lost: false,
            chat: None,
            is_double: false,
        }
    }

    pub(crate) fn on(profile: PppdProfile, line: Line) -> Self {
        Self { line, ..Self::new(profile) }
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Kernel {
    fn pppd(&mut self, pid: Pid) -> Option<&mut PppdState> {
        match &mut self.processes.get_mut(pid)?.body {
            Body::Pppd(state) => Some(state),
            Body::Plain { .. }
            | Body::Shell(_)
            | Body::Reader
            | Body::Unrunnable
            | Body::Idler
            | Body::Runsv
            | Body::Client => None,
        }
    }

    pub(crate) fn pppd_due(&mut self, pid: Pid) {
        let now = self.now;
        let registered = self.lines.registered;
        let Some(state) = self.pppd(pid) else { return };
        match state.phase {
            Phase::Starting => {
                let (opens, crashes) = (state.profile.opens_after_ms, state.profile.crashes_after_ms);
                if state.profile.detaches && !state.is_double {
                    self.pppd_detaches(pid);
                    return;
                }
                state.phase =
                    if crashes.is_some() { Phase::Ending(EXIT_FATAL_ERROR) } else { Phase::Opening };
                self.schedule(pid, Some(now + ms(crashes.unwrap_or(opens))));
            }
            Phase::Opening => self.pppd_opens(pid),
            Phase::Connecting { gives_up } => {
                if state.line == Line::Other || registered {
                    state.phase = Phase::Up;
                    self.pppd_connected(pid);
                } else if now >= gives_up {
                    self.die(pid, Ending::Exit(EXIT_CONNECT_FAILED));
                } else {
                    self.schedule(pid, Some(gives_up));
                }
            }
            Phase::Up => {}
            Phase::Ending(code) => self.die(pid, Ending::Exit(code)),
        }
    }

    /// main.c: detach.
    fn pppd_detaches(&mut self, pid: Pid) {
        let Some(original) = self.processes.get(pid) else { return };
        let Body::Pppd(state) = &original.body else { return };
        let double = PppdState { is_double: true, ..(**state).clone() };
        let mut process = Process::new(INIT, &original.tag, original.origin, Body::Pppd(Box::new(double)));
        process.writes = original.writes;
        let (tag, origin) = (process.tag.clone(), process.origin);
        let double = self.processes.insert(process);
        self.note(TraceEvent::Started { pid: double, tag, origin });
        self.schedule(double, Some(self.now));
        self.die(pid, Ending::Exit(0));
    }

    fn pppd_opens(&mut self, pid: Pid) {
        let now = self.now;
        let locked = self.locked_against(pid);
        let absent = self.lines.absent;
        let Some(state) = self.pppd(pid) else { return };
        let (line, profile) = (state.line, state.profile.clone());
        if line == Line::Ours && absent {
            // main.c: tty open, "Failed to open %s: No such file or directory"
            self.die(pid, Ending::Exit(EXIT_FATAL_ERROR));
            return;
        }
        if line == Line::Ours && profile.lock {
            if locked {
                self.die(pid, Ending::Exit(EXIT_LOCK_FAILED));
                return;
            }
            self.set_lock(Some(pid));
        }
        self.open_line(line, pid);
        if profile.chat != Chat::EndsFirst {
            self.chat_begins(pid, line);
        }
        if let Some(state) = self.pppd(pid) {
            state.phase = Phase::Connecting { gives_up: now + ms(profile.connect_fails_after_ms) };
        }
        self.schedule(pid, Some(now + ms(profile.link_after_ms.min(profile.connect_fails_after_ms))));
    }

    fn chat_begins(&mut self, pppd: Pid, line: Line) {
        let Some(origin) = self.processes.get(pppd).map(|process| process.origin) else { return };
        let mut process = Process::new(pppd, "chat", origin, Body::Idler);
        process.ready = true;
        let chat = self.processes.insert(process);
        self.note(TraceEvent::Started { pid: chat, tag: "chat".to_owned(), origin });
        self.inherit_line(line, chat);
        if let Some(state) = self.pppd(pppd) {
            state.chat = Some(chat);
        }
    }

    /// A child that becomes visible only after the end of its parent, under init.
    fn leave_child(&mut self, pppd: Pid, keeps: u64) {
        let Some(origin) = self.processes.get(pppd).map(|process| process.origin) else { return };
        let mut process = Process::new(INIT, "disconnect", origin, Body::Idler);
        process.ready = true;
        let child = self.processes.insert(process);
        self.note(TraceEvent::Started { pid: child, tag: "disconnect".to_owned(), origin });
        self.inherit_line(Line::Ours, child);
        self.schedule(child, Some(self.now + ms(keeps)));
    }

    fn pppd_connected(&mut self, pid: Pid) {
        let Some(state) = self.pppd(pid) else { return };
        let line = state.line;
        if matches!(state.profile.chat, Chat::OutlivesConnect(_))
            && let Some(chat) = state.chat.take()
        {
            self.die(chat, Ending::Exit(0));
        }
        if line == Line::Ours {
            self.link_up(pid);
        }
    }

    /// A signal other than KILL, STOP and CONT reaches a `pppd` that is past its start (main.c: hup, term, …).
    pub(crate) fn pppd_signal(&mut self, pid: Pid, signal: Signal) {
        let now = self.now;
        let Some(state) = self.pppd(pid) else { return };
        match signal {
            Signal::Usr1 | Signal::Usr2 | Signal::Alrm | Signal::Pipe => return,
            Signal::Quit | Signal::Ill | Signal::Abrt | Signal::Bus | Signal::Fpe | Signal::Segv => {
                self.die(pid, Ending::Signal(signal));
                return;
            }
            Signal::Hup | Signal::Int | Signal::Kill | Signal::Term | Signal::Cont | Signal::Stop => {}
        }
        let after = match state.profile.term {
            PppdTerm::Ends(after) => after,
            PppdTerm::Ignored => return,
            PppdTerm::FirstLost(after) => {
                if !state.term_lost {
                    state.term_lost = true;
                    return;
                }
                after
            }
        };
        let code = match state.phase {
            Phase::Ending(_) => return,
            Phase::Connecting { .. } => EXIT_CONNECT_FAILED,
            Phase::Starting | Phase::Opening | Phase::Up => EXIT_USER_REQUEST,
        };
        state.phase = Phase::Ending(code);
        self.link_down(pid);
        self.schedule(pid, Some(now + ms(after)));
    }

    /// Lines, lock, link and `chat` after the death of a process. A killed `pppd` leaves its lock behind.
    pub(crate) fn close_lines(&mut self, pid: Pid, ending: Ending) {
        let now = self.now;
        let had_port = self.lines.holders.iter().any(|(holder, _)| *holder == pid);
        self.close_line(pid);
        self.link_down(pid);
        let Some(state) = self.pppd(pid) else { return };
        if let (true, Ending::Exit(_), Some(keeps)) = (had_port, ending, state.profile.leaves_child_ms) {
            self.leave_child(pid, keeps);
        }
        let Some(state) = self.pppd(pid) else { return };
        let chat = state.chat.take();
        let keeps = match state.profile.chat {
            Chat::EndsFirst => 0,
            Chat::OutlivesConnect(keeps) | Chat::Outlives(keeps) => keeps,
        };
        if let Some(chat) = chat {
            self.schedule(chat, Some(now + ms(keeps)));
        }
        if self.lines.lock == Some(pid) && matches!(ending, Ending::Exit(_)) {
            self.set_lock(None);
        }
    }

    /// The modem has left the bus, or is back. Every process with the port open is hung up.
    pub(crate) fn set_absent(&mut self, absent: bool) {
        self.lines.absent = absent;
        if !absent {
            return;
        }
        for (pid, _) in self.lines.holders.clone() {
            let Some(state) = self.pppd(pid) else { continue };
            state.phase = Phase::Ending(EXIT_HANGUP);
            self.link_down(pid);
            self.schedule(pid, Some(self.now));
        }
    }

    /// The modem at our port has registered or deregistered; deregistration hangs up a link over it.
    pub(crate) fn set_registered(&mut self, registered: bool) {
        if self.lines.registered == registered {
            return;
        }
        self.lines.registered = registered;
        let now = self.now;
        let pids: Vec<Pid> = self.processes.iter().map(|(pid, _)| pid).collect();
        for pid in pids {
            let Some(state) = self.pppd(pid).filter(|state| state.line == Line::Ours) else { continue };
            match state.phase {
                Phase::Connecting { gives_up } if registered => {
                    let again = now + ms(state.profile.link_after_ms);
                    self.schedule(pid, Some(again.min(gives_up)));
                }
                Phase::Up if !registered => {
                    state.phase = Phase::Ending(EXIT_HANGUP);
                    self.link_down(pid);
                    self.schedule(pid, Some(now));
                }
                Phase::Starting
                | Phase::Opening
                | Phase::Connecting { .. }
                | Phase::Up
                | Phase::Ending(_) => {}
            }
        }
    }
}
