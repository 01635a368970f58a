//! A modem that answers as real ones do, in virtual time: same profile, same seed, same input, same bytes at the
//! same times.
//!
//! ```text
//!  client ──receive──►  input    lines, echo, busy rules, data mode, escape
//!                         │ start
//!                       command  parsed; runs for its delay
//!                         │ end
//!                       answer   information, result ──►  wire  pieces with times  ──poll──►  client
//!                         │                         call    data mode: bytes to and from the network
//!                       radio    networks, selection, registration, signal
//! ```
//!
//! It has no clock and does nothing by itself: [`Modem::next_event`] says when to call it again. Faults are data
//! ([`ModemFault`]), and all input and output is in the journal ([`Modem::log`]).
//!
//! ```
//! use cellscan_core::time::Instant;
//! use cellscan_sim::modem::{Modem, Profile};
//!
//! let mut modem = Modem::new(Profile::default(), 1);
//! modem.opened(Instant::ZERO);
//! modem.receive(Instant::ZERO, b"AT+COPS?\r");
//! let mut heard = Vec::new();
//! while let Some(at) = modem.next_event() {
//!     modem.poll(at, &mut heard);
//! }
//! assert_eq!(heard, b"AT+COPS?\r\r\n+COPS: 0,0,\"AT&T\",7\r\n\r\nOK\r\n");
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use cellscan_core::time::Instant;

mod answer;
mod call;
mod command;
mod fault;
mod input;
mod journal;
mod network;
mod ports;
mod profile;
mod radio;
pub mod recorded;
mod settings;
#[cfg(test)]
mod tests;
mod text;
mod wire;

pub use fault::ModemFault;
pub use journal::{ModemEvent, ModemLog};
pub(crate) use network::in_dbm;
pub use network::{Calls, Network, Select};
pub use ports::Ports;
pub use profile::{
    AbortAnswer, Canned, Delays, DomainSupport, Fragments, Identity, LineEnding, Prefix, Profile, Selection,
    WhileBusy,
};

use crate::prng::Prng;
use call::{Call, Data};
use command::Command;
use fault::Pending;
use journal::Journal;
use radio::{Plan, Radio};
use settings::Settings;
use text::Text;
use wire::Wire;

/// The mode of the line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LineMode {
    /// It takes commands.
    Command,
    /// It carries PPP.
    Data,
    /// It boots and ignores input.
    Booting,
}

/// The modem. See the [module](self) for how to drive it.
#[derive(Clone, Debug)]
pub struct Modem {
    profile: Profile,
    prng: Prng,
    now: Instant,
    open: bool,
    settings: Settings,
    radio: Radio,
    wire: Wire,
    journal: Journal,
    /// The current input line, without its CR; too long a line is an error.
    line: Vec<u8>,
    line_overlong: bool,
    /// Characters that are echoed together.
    echo: Vec<u8>,
    /// Memory for the next answer.
    spare: Text,
    /// Input that came while a command was running.
    waiting: VecDeque<u8>,
    running: Option<Running>,
    data: Option<Data>,
    /// A call after `+++`: `ATO` returns to it, `ATH` ends it.
    call_held: bool,
    call: Call,
    booting_until: Option<Instant>,
    silent: Option<(Instant, Instant)>,
    /// It answers nothing before this time: it is busy.
    busy_until: Instant,
    pending: Pending,
    searches_refused: u32,
    /// The last reported `<stat>` and PLMN, to notice changes.
    reported: (u8, Option<String>),
}

/// The running command line.
#[derive(Clone, Debug)]
struct Running {
    commands: Vec<Command>,
    plan: Option<Plan>,
    began: Instant,
    ends: Instant,
    abortable: bool,
    /// The modem does not read its input.
    deaf: bool,
}

impl Modem {
    /// A modem that has been running for a while: booted, and registered where the profile says so. No process has its
    /// port open.
    #[must_use]
    pub fn new(mut profile: Profile, seed: u64) -> Self {
        let radio = Radio::new(&mut profile);
        let mut modem = Self {
            prng: Prng::new(seed),
            now: Instant::ZERO,
            open: false,
            settings: Settings::of(&profile),
            wire: Wire::default(),
            journal: Journal::default(),
            line: profile.leftover_input.iter().copied().take(input::LINE_BYTES_MAX).collect(),
            line_overlong: false,
            echo: Vec::new(),
            spare: Text::default(),
            waiting: VecDeque::new(),
            running: None,
            data: None,
            call_held: false,
            call: Call::default(),
            booting_until: None,
            silent: None,
            busy_until: Instant::ZERO,
            pending: Pending::default(),
            searches_refused: 0,
            reported: (radio.stat(), radio.network().map(|network| network.plmn.clone())),
            radio,
            profile,
        };
        if modem.profile.in_data_mode {
            modem.enter_data(Instant::ZERO);
        }
        modem
    }

    /// A process has opened the port; DTR is raised.
    pub fn opened(&mut self, now: Instant) {
        self.advance(now);
        if self.open {
            return;
        }
        self.open = true;
        self.journal.note(self.now, ModemEvent::Opened);
        if !self.profile.queues_while_closed {
            while self.wire.take_due(self.now).is_some() {}
        }
        // Only the first opener gets these bytes.
        let busy_ms = std::mem::take(&mut self.profile.busy_after_open_ms);
        self.busy_for(busy_ms);
        let leftover = std::mem::take(&mut self.profile.leftover_output);
        self.wire.send(self.now, &leftover, self.profile.fragments);
    }

    /// The last process has closed the port; DTR drops, which ends the call and the running command of a modem that
    /// [obeys it](Profile::obeys_dtr). The line buffer stays.
    pub fn closed(&mut self, now: Instant) {
        self.advance(now);
        if !self.open {
            return;
        }
        self.open = false;
        self.journal.note(self.now, ModemEvent::Closed);
        if self.profile.obeys_dtr {
            self.end_call();
            self.waiting.clear();
            if self.running.take().is_some() {
                self.journal.note(self.now, ModemEvent::Aborted);
            }
        }
    }

    /// Takes `bytes` of the client, which arrive at `now`. Ignored while no process has the port open.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.advance(now);
        if !self.open {
            return;
        }
        self.take_bytes(bytes);
        self.flush_echo();
    }

    /// The time of the next event: bytes to deliver, the end of a command, a registration. `None`: only
    /// input moves it.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        let delivery = self.wire.next_due().filter(|_| self.open);
        let download = (self.open && self.call.has_download()).then_some(self.now);
        [self.next_internal(), delivery, download].into_iter().flatten().min()
    }

    /// Processes events up to `now` and appends the bytes that have reached the client by then. Afterwards
    /// [`next_event`](Self::next_event) is later than `now`.
    pub fn poll(&mut self, now: Instant, out: &mut Vec<u8>) {
        self.advance(now);
        if !self.open {
            return;
        }
        while let Some((due, bytes)) = self.wire.take_due(self.now) {
            if self.silent.is_some_and(|(from, until)| from <= due && due < until) {
                continue;
            }
            self.journal.sent(due, bytes);
            out.extend_from_slice(bytes);
        }
        self.call.deliver(out);
    }

    /// Applies a fault at `now`.
    pub fn apply(&mut self, now: Instant, fault: ModemFault) {
        self.advance(now);
        self.journal.note(self.now, ModemEvent::Fault(fault.clone()));
        match fault {
            ModemFault::Silent { for_ms } => {
                let from =
                    self.silent.filter(|(_, until)| *until > self.now).map_or(self.now, |(from, _)| from);
                self.silent = Some((from, self.now + Duration::from_millis(for_ms)));
            }
            ModemFault::DropNextAnswer => self.pending.drop_answer = true,
            ModemFault::DelayNextAnswer(delay_ms) => self.pending.delay_ms = delay_ms,
            ModemFault::Garbage(bytes) => self.send(&bytes),
            ModemFault::Urc(text) => self.send_line(&text),
            ModemFault::ResetNow => self.reset(),
            ModemFault::LoseRegistration => self.radio.lose(self.now),
            ModemFault::TruncateNextAnswer(bytes) => self.pending.truncate = Some(bytes),
            ModemFault::DuplicateNextFinal => self.pending.duplicate_final = true,
            ModemFault::EchoLost => self.pending.echo_lost = true,
            ModemFault::NetworkGone(plmn) => self.radio.set_present(self.now, &plmn, false),
            ModemFault::NetworkBack(plmn) => self.radio.set_present(self.now, &plmn, true),
            ModemFault::Signal { plmn, rssi } => self.radio.set_rssi(&plmn, rssi),
            ModemFault::Calls { plmn, calls } => self.radio.set_calls(&plmn, calls),
            ModemFault::HangUp => self.hang_up(),
            ModemFault::Heal => {
                self.pending = Pending::default();
                self.silent = None;
            }
        }
        self.note_registration();
    }

    /// The PLMN of its registration.
    #[must_use]
    pub fn registered(&self) -> Option<&str> {
        self.radio.network().map(|network| network.plmn.as_str())
    }

    /// Its selection mode: `<mode>` of `+COPS?`.
    #[must_use]
    pub const fn selection(&self) -> Selection {
        self.radio.selection()
    }

    /// The mode of the line.
    #[must_use]
    pub const fn mode(&self) -> LineMode {
        if self.booting_until.is_some() {
            LineMode::Booting
        } else if self.data.is_some() {
            LineMode::Data
        } else {
            LineMode::Command
        }
    }

    /// How it reports errors (`+CMEE`) and names operators (`<format>` of `+COPS`).
    #[must_use]
    pub const fn formats(&self) -> (u8, u8) {
        (self.settings.cmee, self.settings.format)
    }

    /// Whether a command is running.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Whether a `pppd` that dials now gets a link: the modem has booted and is registered with a network that speaks PPP.
    #[must_use]
    pub fn is_usable_for_pppd(&self) -> bool {
        self.booting_until.is_none()
            && self.radio.network().is_some_and(|network| network.calls == Calls::Ppp)
    }

    /// All input and output, in order. Bounded; see [`left_out`](Self::left_out).
    #[must_use]
    pub fn log(&self) -> &[ModemLog] {
        self.journal.entries()
    }

    /// Takes the journal so far.
    pub fn take_log(&mut self) -> Vec<ModemLog> {
        self.journal.take()
    }

    /// Journal entries, and bytes on the wire, that did not fit.
    #[must_use]
    pub const fn left_out(&self) -> (u64, u64) {
        (self.journal.left_out(), self.wire.lost())
    }

    fn next_internal(&self) -> Option<Instant> {
        let never = Instant::MAX;
        let mut next = self.booting_until.unwrap_or(never).min(self.radio.next_event().unwrap_or(never));
        if let Some(running) = &self.running {
            next = next.min(running.ends);
        }
        if let Some(data) = &self.data {
            next = next.min(data.noise_at).min(data.escape_at.unwrap_or(never));
        }
        (next < never).then_some(next)
    }

    /// Processes, in the order of their times, all events up to `now`. A clock that goes back is clamped.
    fn advance(&mut self, now: Instant) {
        let horizon = self.now.max(now);
        while let Some(at) = self.next_internal().filter(|at| *at <= horizon) {
            self.now = self.now.max(at);
            if self.booting_until.is_some_and(|until| until <= at) {
                self.booting_until = None;
                for urc in self.profile.boot_urcs.clone() {
                    self.send_line(&urc);
                }
            }
            self.radio.advance(at, horizon);
            self.note_registration();
            self.advance_data(at, horizon);
            if self.running.as_ref().is_some_and(|running| running.ends <= at) {
                self.end_command();
                self.note_registration();
                self.take_waiting();
            }
        }
        self.now = horizon;
    }

    fn busy_for(&mut self, ms: u64) {
        self.busy_until = self.busy_until.max(self.now + Duration::from_millis(ms));
    }

    fn reset(&mut self) {
        let booted = self.now + Duration::from_millis(self.profile.boot_ms);
        self.end_call();
        self.settings = Settings::of(&self.profile);
        self.wire.clear();
        self.line.clear();
        self.line_overlong = false;
        self.echo.clear();
        self.waiting.clear();
        self.running = None;
        self.silent = None;
        self.pending = Pending::default();
        self.booting_until = Some(booted);
        self.radio.reboot(booted);
    }

    /// Reports a changed registration, where unsolicited result codes are enabled.
    fn note_registration(&mut self) {
        let stat = self.radio.stat();
        if (stat, self.registered()) == (self.reported.0, self.reported.1.as_deref()) {
            return;
        }
        let plmn = self.registered().map(str::to_owned);
        if plmn != self.reported.1 {
            self.journal.note(self.now, ModemEvent::Registered(plmn.clone()));
        }
        let left = self.reported.1.is_some() && plmn != self.reported.1;
        self.reported = (stat, plmn);
        if left {
            self.hang_up();
        }
        self.report_registration();
    }
}
