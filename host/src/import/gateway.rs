//! The gateway's own log.
//!
//! ```text
//! line = [ "[" unix "." ms "] " ] [ "[" HH:MM:SS ["." ms] "] " ] ( "[" tag " - " text "]" | other text )
//! ```
//!
//! Each record may have two clocks. Seconds since 1970 jump when the gateway learns the time, so the up time is used.
//! Several threads write at once, so a record may begin in the middle of another: a whole stamp there begins a record, and
//! the text before it is torn. Lines of syslog come in between.

use cellscan_core::at::current::{CurrentOperator, Operator};
use memchr::memchr_iter;
use memchr::memmem::rfind;

use super::event::{Carrier, Event, Millis, Note, Pppd, Unread, What};
use super::stamp::{DAY_MS, clock_with_fraction, number, syslog};
use super::text::{contains, is_command, rsplit_once, split_once};
use super::{Importer, Sink, pppd};

/// Length of `[1767039135.073] `, in bytes.
const UNIX_LEN: usize = 17;

/// Reads the gateway's own log.
#[derive(Debug, Default)]
pub struct Gateway {
    /// Up time of the last line that had a stamp.
    at: Option<Millis>,
    /// The command in flight, where it decides the meaning of a line.
    in_flight: Vec<u8>,
}

/// An up time with more than two digits of hours counts only if it is within this time of the one before: what is left of two stamps may
/// look like it, `[17` and `00:00:21.565]`.
const LONG_STEP_MAX: Millis = 7 * DAY_MS;

/// A stamp at the beginning of `bytes`: up time, and the rest. `None` without a stamp. `last` is the up time before.
fn stamp(bytes: &[u8], last: Option<Millis>) -> Option<(Option<Millis>, &[u8])> {
    let after_unix = bytes
        .split_at_checked(UNIX_LEN)
        .filter(|(head, _)| {
            head[0] == b'['
                && number(&head[1..11]).is_some()
                && head[11] == b'.'
                && number(&head[12..15]).is_some()
                && head[15..] == *b"] "
        })
        .map(|(_, rest)| rest);
    let rest = after_unix.unwrap_or(bytes);
    let up = rest.strip_prefix(b"[").and_then(|rest| clock_with_fraction(rest, b"."));
    let goes_on =
        |at: Millis| at < 100 * 3_600_000 || last.is_none_or(|last| (at - last).abs() < LONG_STEP_MAX);
    let up = up.filter(|(at, _)| goes_on(*at));
    match up.and_then(|(at, rest)| Some((at, rest.strip_prefix(b"] ")?))) {
        Some((at, rest)) => Some((Some(at), rest)),
        None => after_unix.map(|rest| (None, rest)),
    }
}

/// The position of a whole stamp after the first byte.
fn stamp_inside(bytes: &[u8], last: Option<Millis>) -> Option<usize> {
    memchr_iter(b'[', bytes).find(|at| {
        let rest = &bytes[*at..];
        *at > 0 && rest.get(1).is_some_and(u8::is_ascii_digit) && stamp(rest, last).is_some()
    })
}

/// Whether the line contains the beginning of an incomplete stamp: the mark of a torn record.
fn half_stamp_inside(bytes: &[u8]) -> bool {
    memchr_iter(b'[', bytes).any(|at| {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        digits >= 2 && matches!(bytes.get(at + 1 + digits), None | Some(b'.' | b'[' | b':'))
    })
}

impl Importer for Gateway {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let mut rest = line.trim_ascii();
        loop {
            let Some((at, body)) = stamp(rest, self.at) else {
                let Some(inside) = stamp_inside(rest, self.at) else {
                    return self.unstamped(number, rest, sink);
                };
                let (head, tail) = rest.split_at(inside);
                self.head(number, head, sink);
                rest = tail;
                continue;
            };
            self.at = at.or(self.at);
            let Some(inside) = stamp_inside(body, self.at) else { return self.body(number, body, sink) };
            let (head, tail) = body.split_at(inside);
            self.head(number, head, sink);
            rest = tail;
        }
    }
}

impl Gateway {
    /// The text before a stamp in the middle of a line: a whole record if it ends as a record does.
    fn head(&mut self, number: u64, head: &[u8], sink: &mut Sink<'_>) {
        let head = head.trim_ascii();
        if head.starts_with(b"[Cellular") && head.ends_with(b"]") && !half_stamp_inside(head) {
            return self.body(number, head, sink);
        }
        if head.starts_with(b"[") || half_stamp_inside(head) {
            sink(Event::new(number, self.at, What::Unread(Unread::Torn)));
        } else if !head.is_empty() {
            // A prompt, or the beginning of another program's text.
            sink(Event::new(number, self.at, What::Other(head)));
        }
    }

    fn unstamped(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        if line.is_empty() {
            return;
        }
        if line.starts_with(b"[Cellular ") {
            return self.body(number, line, sink);
        }
        // First of all: an address in brackets looks like half a stamp.
        if let Some(said) = syslog(line).and_then(|(_, rest)| split_once(rest, b"]: ")).map(|(_, said)| said)
        {
            let what = pppd::note(said).map_or(What::Other(line), What::Note);
            return sink(Event::new(number, self.at, what));
        }
        if half_stamp_inside(line) {
            sink(Event::new(number, self.at, What::Unread(Unread::Torn)));
            return self.salvage(number, line, sink);
        }
        sink(Event::new(number, self.at, What::Other(line)));
    }

    fn body(&mut self, number: u64, body: &[u8], sink: &mut Sink<'_>) {
        let mut tell = |what: What<'_>| sink(Event::new(number, self.at, what));
        if half_stamp_inside(body) {
            tell(What::Unread(Unread::Torn));
            return self.salvage(number, body, sink);
        }
        let Some(body) = body.strip_prefix(b"[Cellular") else { return tell(What::Other(body)) };
        let whole = body.strip_suffix(b"]");
        let text = whole.unwrap_or(body);
        if let Some(text) = text.strip_prefix(b" Connection - ") {
            return self.connection(number, text, whole.is_some(), sink);
        }
        if let Some(text) = text.strip_prefix(b" Scan - ") {
            return self.scan(number, text, sink);
        }
        tell(What::Other(body));
        if text.first().is_some_and(u8::is_ascii_lowercase) {
            // `[Cellulare: +COPS: …]`: a record that lost its middle.
            self.salvage(number, body, sink);
        }
    }

    /// Reads the answer to `AT+COPS?` of a torn record, where it is whole: it cannot be mistaken for anything else.
    fn salvage(&self, number: u64, torn: &[u8], sink: &mut Sink<'_>) {
        let Some(answer) = torn.strip_suffix(b"]").and_then(|torn| Some(&torn[rfind(torn, b"+COPS: ")?..]))
        else {
            return;
        };
        let named = CurrentOperator::parse(answer).and_then(|found| found.operator);
        if self.in_flight == b"AT+COPS?"
            && matches!(named, Some(Operator::Plmn(_)))
            && !half_stamp_inside(answer)
        {
            sink(Event::new(number, self.at, What::Received(answer)));
        }
    }

    fn connection(&mut self, number: u64, text: &[u8], whole: bool, sink: &mut Sink<'_>) {
        let at = self.at;
        let mut tell = |what: What<'_>| sink(Event::new(number, at, what));
        if let Some(line) = text.strip_prefix(b"Line: ") {
            if !whole {
                tell(What::Unread(Unread::Incomplete));
            }
            return self.received(number, line, sink);
        }
        if let Some(command) = text.strip_prefix(b"Sending AT command: ") {
            self.in_flight = command.to_ascii_uppercase();
            return tell(What::Sent(command));
        }
        if text == b"Sending dummy AT command" {
            self.in_flight = b"AT".to_vec();
            return tell(What::Sent(b"AT"));
        }
        let note = match text {
            b"Scan complete, selecting best operator" => return self.ended(b"AT+COPS=?", number, sink),
            _ if text.starts_with(b"Operator ") && contains(text, b" selected as ") => {
                return self.ended(b"AT+CSQ", number, sink);
            }
            b"SCAN REQUESTED" => Note::Requested,
            _ if text.starts_with(b"Scan requested by") || text.starts_with(b"MANUAL scan requested") => {
                Note::Requested
            }
            _ if text.starts_with(b"Requesting carrier rescan") => Note::Requested,
            _ if text.starts_with(b"Killing runsv") => Note::SupervisorKilled,
            _ if text.starts_with(b"Force killing pppd")
                || text.starts_with(b"PPPD did not exit gracefully") =>
            {
                Note::Pppd(Pppd::Killed)
            }
            _ if text.starts_with(b"Stopping PPPD") => Note::Pppd(Pppd::Stopping),
            _ if text.starts_with(b"Starting PPPD") => Note::Pppd(Pppd::StartedByHand),
            _ => match text.strip_prefix(b"Blacklisting current carrier: ") {
                Some(plmn) => Note::Denied(plmn),
                None => return tell(What::Other(text)),
            },
        };
        tell(What::Note(note));
    }

    fn received(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let at = self.at;
        let mut tell = |what: What<'_>| sink(Event::new(number, at, what));
        if is_command(line) {
            self.in_flight = line.to_ascii_uppercase();
        } else if line.starts_with(b"+CSQ:") && self.in_flight.starts_with(b"AT+COPS=1") {
            // A signal never answers a selection: the lines between, its OK and the next command, are missing in the log.
            tell(What::Ended(b"OK"));
            tell(What::Sent(b"AT+CSQ"));
            self.in_flight = b"AT+CSQ".to_vec();
        }
        tell(What::Received(line));
    }

    /// The next step in the log shows that `command` succeeded, and no line before said so.
    fn ended(&self, command: &[u8], number: u64, sink: &mut Sink<'_>) {
        if self.in_flight == command {
            sink(Event::new(number, self.at, What::Ended(b"OK")));
        }
    }

    fn scan(&mut self, number: u64, text: &[u8], sink: &mut Sink<'_>) {
        let at = self.at;
        if let Some(state) = text.strip_prefix(b"State ") {
            sink(Event::new(number, at, What::Note(Note::State(state))));
            let step = split_once(state, b": ").map_or(state, |(_, step)| step);
            return self.step(number, step, sink);
        }
        let note = if contains(text, b"Executing: sv down") {
            Note::AskedDown
        } else if contains(text, b"sv up ") {
            Note::AskedUp
        } else if let Some(on) = text.strip_prefix(b"VERIFIED: Now registered to ") {
            Note::Verified(carrier(on))
        } else if contains(text, b"PPP interface not up") {
            Note::LinkLate
        } else if text.starts_with(b"PPP interface detected")
            || text.starts_with(b"PPP interface up")
            || text.starts_with(b"PPP interface AND routes")
        {
            Note::LinkUp
        } else {
            return sink(Event::new(number, at, What::Other(text)));
        };
        sink(Event::new(number, at, What::Note(note)));
    }

    fn step(&mut self, number: u64, step: &[u8], sink: &mut Sink<'_>) {
        let at = self.at;
        let note = if step.starts_with(b"Stopping PPP") {
            Note::Began
        } else if step.starts_with(b"sv down complete") {
            Note::IsDown
        } else if step.starts_with(b"PPP stopped") {
            Note::PortFree
        } else if step == b"Operator list received" {
            self.ended(b"AT+COPS=?", number, sink);
            Note::Listed
        } else if let Some(which) = step.strip_prefix(b"Testing operator ") {
            Note::TrialBegan(carrier(which))
        } else if step.starts_with(b"Skipping") {
            let Some((_, which)) = split_once(step, b": ") else { return };
            Note::TrialDenied(carrier(which))
        } else if step.starts_with(b"Connected to ") {
            Note::TrialConnected
        } else if step.starts_with(b"Failed to connect to ") {
            sink(Event::new(number, at, What::GivenUp));
            Note::TrialFailed
        } else if step.starts_with(b"Failed to get CSQ") {
            sink(Event::new(number, at, What::GivenUp));
            Note::Measured(None)
        } else if let Some((_, value)) = rsplit_once(step, b" signal strength: ") {
            Note::Measured(super::stamp::number(value).and_then(|rssi| u8::try_from(rssi).ok()))
        } else if let Some(best) =
            step.strip_prefix(b"Best operator: ").or_else(|| step.strip_prefix(b"SELECTED: "))
        {
            Note::Chosen(carrier(best))
        } else if step.starts_with(b"No suitable operator") {
            Note::NoneChosen
        } else if step.starts_with(b"Scan complete") {
            Note::Complete
        } else if step.starts_with(b"Scan failed") {
            Note::Failed
        } else {
            return;
        };
        sink(Event::new(number, at, What::Note(note)));
    }
}

/// `Verizon (311480) with signal=23`, `AT&T (310410)`, `Verizon Wireless (signal=19)`, ` ()`.
fn carrier(text: &[u8]) -> Carrier<'_> {
    let text = split_once(text, b" with signal").map_or(text, |(text, _)| text);
    let Some((name, rest)) = rsplit_once(text, b"(") else {
        return Carrier { name: text.trim_ascii(), plmn: b"" };
    };
    let inner = rest.strip_suffix(b")").unwrap_or(rest);
    let plmn: &[u8] = if inner.iter().all(u8::is_ascii_digit) { inner } else { b"" };
    Carrier { name: name.trim_ascii(), plmn }
}

#[cfg(test)]
mod tests;
