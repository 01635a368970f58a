//! A stand-in for the firmware's PPP: it dials, holds the line while the link is up, and hangs up on request.
//!
//! It implements no PPP: its link is up with the modem's `CONNECT`, and it drops the frames of the other side. A real one
//! (`ppproto`, lwIP's, a vendor's) ends its session where this one falls silent, and then does the same.

use cellscan_core::at::line::Lines;
use cellscan_core::port::Port;
use cellscan_core::time::Instant;
use core::time::Duration;

use crate::supervisor::Levels;

/// From `ATD` to `CONNECT`, and from `ATH` to `OK`, at most.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The pause after a failed call.
const REDIAL_AFTER: Duration = Duration::from_secs(1);
/// The guard time before and after `+++`: a second (S12), and the error of a millisecond clock and a UART.
const ESCAPE_GUARD: Duration = Duration::from_millis(1_050);
/// From `+++` to `OK`, at most.
const ESCAPE_MAX: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// The scan has the UART, or the PPP dials from that time on.
    Idle {
        until: Instant,
    },
    Dialling {
        until: Instant,
    },
    Up,
    /// The guard time before `+++`.
    Falling {
        until: Instant,
    },
    Escaping {
        until: Instant,
    },
    HangingUp {
        until: Instant,
    },
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

/// The stand-in. It does nothing between two calls of [`DialUp::poll`].
#[derive(Debug)]
pub struct DialUp<'a, P> {
    port: P,
    levels: &'a Levels,
    lines: Lines,
    state: State,
}

impl<'a, P: Port> DialUp<'a, P> {
    /// Not connected.
    pub const fn new(port: P, levels: &'a Levels) -> Self {
        Self { port, levels, lines: Lines::new(), state: State::Idle { until: Instant::ZERO } }
    }

    /// Does the work that is due at `now`.
    ///
    /// # Errors
    /// The UART's own; the call is over then, and the UART closed.
    pub fn poll(&mut self, now: Instant) -> Result<(), P::Error> {
        self.advance(now).inspect_err(|_| self.let_go(now))
    }

    /// The latest time for the next [`DialUp::poll`]; `None`: after the next byte or a changed want.
    pub fn next_deadline(&self) -> Option<Instant> {
        let wanted = self.levels.wanted.get();
        match self.state {
            State::Idle { until } => wanted.then_some(until),
            State::Up => (!wanted).then_some(Instant::ZERO),
            State::Dialling { until }
            | State::Falling { until }
            | State::Escaping { until }
            | State::HangingUp { until } => Some(until),
        }
    }

    fn advance(&mut self, now: Instant) -> Result<(), P::Error> {
        let wanted = self.levels.wanted.get();
        match self.state {
            State::Idle { until } if wanted && now >= until => self.dial(now)?,
            State::Idle { .. } => {}
            State::Dialling { until } => match self.answer()? {
                Some(Answer::Connect) => {
                    self.levels.link.set(true);
                    self.state = State::Up;
                }
                Some(Answer::Refused) => self.let_go(now),
                Some(Answer::Ok) | None => self.let_go_from(until, now),
            },
            State::Up => match self.answer()? {
                Some(Answer::Refused) => self.let_go(now),
                Some(Answer::Connect | Answer::Ok) | None if wanted => {}
                Some(Answer::Connect | Answer::Ok) | None => {
                    self.levels.link.set(false);
                    self.state = State::Falling { until: now + ESCAPE_GUARD };
                }
            },
            State::Falling { until } => match self.answer()? {
                Some(Answer::Refused) => self.let_go(now),
                Some(Answer::Connect | Answer::Ok) | None if now < until => {}
                Some(Answer::Connect | Answer::Ok) | None => {
                    self.say(b"+++")?;
                    self.state = State::Escaping { until: now + ESCAPE_MAX };
                }
            },
            State::Escaping { until } => match self.answer()? {
                Some(Answer::Ok) => {
                    self.say(b"ATH\r")?;
                    self.state = State::HangingUp { until: now + ANSWER_MAX };
                }
                Some(Answer::Refused) => self.let_go(now),
                // A modem that stays in data mode is left to the scan, which can escape from it.
                Some(Answer::Connect) | None => self.let_go_from(until, now),
            },
            State::HangingUp { until } => match self.answer()? {
                Some(Answer::Ok | Answer::Refused) => self.let_go(now),
                Some(Answer::Connect) | None => self.let_go_from(until, now),
            },
        }
        Ok(())
    }

    fn dial(&mut self, now: Instant) -> Result<(), P::Error> {
        match self.port.open() {
            Ok(()) => {}
            Err(nb::Error::WouldBlock) => {
                self.state = State::Idle { until: now + REDIAL_AFTER };
                return Ok(());
            }
            Err(nb::Error::Other(error)) => return Err(error),
        }
        self.levels.has_uart.set(true);
        self.lines.clear();
        self.state = State::Dialling { until: now + ANSWER_MAX };
        self.say(b"ATD*99#\r")
    }

    fn let_go_from(&mut self, until: Instant, now: Instant) {
        if now >= until {
            self.let_go(now);
        }
    }

    fn let_go(&mut self, now: Instant) {
        self.port.close();
        self.levels.link.set(false);
        self.levels.has_uart.set(false);
        self.state = State::Idle { until: now + REDIAL_AFTER };
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), P::Error> {
        self.port.write_all(bytes)?;
        self.port.flush()
    }

    /// The first answer in the received bytes; PPP frames are lines without a meaning.
    fn answer(&mut self) -> Result<Option<Answer>, P::Error> {
        let mut byte = [0];
        while self.port.read_ready()? {
            let count = self.port.read(&mut byte)?;
            let mut bytes = byte.get(..count).unwrap_or_default();
            while let Some(line) = self.lines.next(&mut bytes) {
                if let Some(answer) = Answer::of(line.bytes) {
                    return Ok(Some(answer));
                }
            }
        }
        Ok(None)
    }
}
