//! A stand-in for the firmware's PPP: it dials, holds the UART while the link is up, and hangs up on request.
//!
//! It implements no PPP: its link is up with the modem's `CONNECT`, and it drops the frames of the other side. A real one
//! (`ppproto`, lwIP's, a vendor's) ends its session where this one falls silent, and then does the same.

use cellscan_core::at::line::Lines;
use cellscan_core::supervisor::Levels;
use cellscan_core::time::{Instant, Span};

/// From `ATD` to `CONNECT`, and from `ATH` to `OK`, at most.
const ANSWER_MAX: Span = Span::from_secs(10);
/// The pause after a failed call.
const REDIAL_AFTER: Span = Span::from_secs(1);
/// The guard time before and after `+++`: a second (S12), and the error of a millisecond clock and a UART.
const ESCAPE_GUARD: Span = Span::from_millis(1_050);
/// From `+++` to `OK`, at most.
const ESCAPE_MAX: Span = Span::from_secs(3);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// The scan has the UART, or the PPP dials from that time on.
    Idle,
    Dialling,
    Up,
    /// The guard time before `+++`.
    Falling,
    Escaping,
    HangingUp,
}

/// The meaning of an answer of the modem.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    Connect,
    Ok,
    /// The call is over, or failed.
    Refused,
}

impl Answer {
    fn of(line: &[u8]) -> Option<Self> {
        match line {
            b"OK" => Some(Self::Ok),
            b"NO CARRIER" | b"BUSY" | b"NO DIALTONE" | b"NO ANSWER" | b"ERROR" => Some(Self::Refused),
            _ if line.starts_with(b"CONNECT") => Some(Self::Connect),
            _ if line.starts_with(b"+CME ERROR") => Some(Self::Refused),
            _ => None,
        }
    }
}

/// The stand-in.
#[derive(Debug)]
pub struct DialUp<'a> {
    levels: &'a Levels,
    lines: Lines,
    state: State,
    /// When the state ends by itself; in [`State::Idle`] not before.
    until: Instant,
    outgoing: &'static [u8],
}

impl<'a> DialUp<'a> {
    /// Not connected.
    pub const fn new(levels: &'a Levels) -> Self {
        Self { levels, lines: Lines::new(), state: State::Idle, until: Instant::ZERO, outgoing: b"" }
    }

    /// The latest time for the next [`DialUp::poll`]; `None`: after the next byte or a changed want.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let wanted = self.levels.wanted.get();
        match self.state {
            State::Idle => wanted.then_some(self.until),
            State::Up => (!wanted).then_some(Instant::ZERO),
            State::Dialling | State::Falling | State::Escaping | State::HangingUp => Some(self.until),
        }
    }

    /// The bytes to be sent.
    #[must_use]
    pub const fn transmit(&self) -> &[u8] {
        self.outgoing
    }

    /// The first `count` of them were sent.
    pub fn transmitted(&mut self, count: usize) {
        self.outgoing = self.outgoing.get(count..).unwrap_or_default();
    }

    /// Takes in what the modem sent; PPP frames are lines without a meaning.
    pub fn receive(&mut self, now: Instant, mut bytes: &[u8]) {
        while let Some(answer) = self.lines.next(&mut bytes).map(|line| Answer::of(line.bytes)) {
            let Some(answer) = answer else { continue };
            match (self.state, answer) {
                (State::Dialling, Answer::Connect) => {
                    self.levels.link.set(true);
                    self.state = State::Up;
                }
                (State::Escaping, Answer::Ok) => self.say(State::HangingUp, b"ATH\r", now + ANSWER_MAX),
                (State::HangingUp, Answer::Ok) | (_, Answer::Refused) => self.let_go(now),
                (_, Answer::Connect | Answer::Ok) => {}
            }
        }
    }

    /// Does the work that is due at `now`; it dials only while the scan does not use the UART.
    pub fn poll(&mut self, now: Instant, scan_has_uart: bool) {
        let wanted = self.levels.wanted.get();
        let due = now >= self.until;
        match self.state {
            State::Idle if wanted && due && !scan_has_uart => {
                self.levels.has_uart.set(true);
                self.lines.clear();
                self.say(State::Dialling, b"ATD*99#\r", now + ANSWER_MAX);
            }
            State::Idle if wanted && due => self.until = now + REDIAL_AFTER,
            State::Up if !wanted => {
                self.levels.link.set(false);
                self.say(State::Falling, b"", now + ESCAPE_GUARD);
            }
            State::Falling if due => self.say(State::Escaping, b"+++", now + ESCAPE_MAX),
            // A modem that stays in data mode is left to the scan, which can escape from it.
            State::Dialling | State::Escaping | State::HangingUp if due => self.let_go(now),
            State::Idle
            | State::Up
            | State::Dialling
            | State::Falling
            | State::Escaping
            | State::HangingUp => {}
        }
    }

    fn say(&mut self, state: State, bytes: &'static [u8], until: Instant) {
        (self.state, self.outgoing, self.until) = (state, bytes, until);
    }

    fn let_go(&mut self, now: Instant) {
        self.levels.link.set(false);
        self.levels.has_uart.set(false);
        self.say(State::Idle, b"", now + REDIAL_AFTER);
    }
}
