//! Our own recordings, see [`recording`](crate::recording).

use cellscan_core::at::signal::Csq;

use crate::recording::entry::{Entry, Timed, Who};

use super::event::{Carrier, Event, Millis, Note, Pppd, Unread, What};
use super::stream::Stream;
use super::{Importer, Sink};

/// Reads our own recordings.
#[derive(Debug, Default)]
pub struct Atlog {
    at: Option<Millis>,
    line: u64,
    outgoing: Stream,
    incoming: Stream,
    /// The last signal read, and whether the carrier under trial has registered.
    signal: Option<u8>,
    registered: bool,
    /// The scan asked for down and has not given the service back yet.
    taken: bool,
}

impl Importer for Atlog {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        self.line = number;
        if let Some(header) = line.strip_prefix(b"# ") {
            return sink(Event::new(number, self.at, What::Header(header)));
        }
        let timed = match Timed::parse(line) {
            Ok(Some(timed)) => timed,
            Ok(None) => return sink(Event::new(number, self.at, What::Other(line))),
            Err(_) => return sink(Event::unread(number, Unread::Malformed)),
        };
        self.at = Millis::try_from(timed.at_ms).ok();
        let at = self.at;
        sink(Event::new(number, at, What::Entry(&timed)));
        match timed.entry {
            Entry::Sent(bytes) => {
                let mut outgoing = core::mem::take(&mut self.outgoing);
                outgoing.push(&bytes, &mut |line| sink(Event::new(number, at, What::Sent(line))));
                self.outgoing = outgoing;
            }
            Entry::Received(bytes) => {
                let mut incoming = core::mem::take(&mut self.incoming);
                incoming.push(&bytes, &mut |line| {
                    let rssi = Csq::parse(line).and_then(|csq| u8::try_from(csq.rssi).ok());
                    self.signal = rssi.or(self.signal);
                    sink(Event::new(number, at, What::Received(line)));
                });
                self.incoming = incoming;
            }
            Entry::Said(who, words) => self.said(who, &words, sink),
        }
    }
}

impl Atlog {
    fn said(&mut self, who: Who, words: &str, sink: &mut Sink<'_>) {
        let (number, at) = (self.line, self.at);
        let mut tell = |what: What<'_>| sink(Event::new(number, at, what));
        let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
        let note = match (who, first) {
            // The scan's own line of a step follows the actions of the step, so this is the first line of all.
            (Who::Sv, "taken") => Note::Began,
            (Who::Sv, "ask") if rest == "down ok" && !core::mem::replace(&mut self.taken, true) => {
                Note::AskedDown
            }
            (Who::Sv, "ask") if matches!(rest, "up ok" | "once ok") && core::mem::take(&mut self.taken) => {
                Note::AskedUp
            }
            (Who::Sv, "signal") => {
                Note::Pppd(if rest.starts_with("kill") { Pppd::Killed } else { Pppd::Stopping })
            }
            (Who::Ppp, "link") if rest == "up" => Note::LinkUp,
            (Who::Scan, "close") => return tell(What::Closed),
            (Who::Scan, "open" | "port") if rest.contains("failed") || rest == "ended" => Note::PortGone,
            (Who::Scan, _) => return self.scan(first, rest, &mut tell),
            _ => return tell(What::Other(words.as_bytes())),
        };
        tell(What::Note(note));
    }

    fn scan(&mut self, first: &str, rest: &str, tell: &mut dyn FnMut(What<'_>)) {
        let carrier = Carrier { name: b"", plmn: rest.as_bytes() };
        let note = match first {
            "request" => Note::Requested,
            "state" => {
                tell(What::Note(Note::State(rest.as_bytes())));
                if !rest.starts_with("6 ") {
                    return;
                }
                (self.registered, self.signal) = (true, None);
                Note::TrialConnected
            }
            "down" => Note::IsDown,
            "free" => Note::PortFree,
            "listed" => Note::Listed,
            "trial" => {
                self.registered = false;
                Note::TrialBegan(carrier)
            }
            "tried" if self.registered => Note::Measured(self.signal.filter(|rssi| *rssi <= 31)),
            "tried" => Note::TrialFailed,
            "selected" => Note::Chosen(carrier),
            "finished" if rest == "complete" => Note::Complete,
            "finished" => Note::Failed,
            "port-lost" => Note::PortGone,
            _ => return tell(What::Other(first.as_bytes())),
        };
        tell(What::Note(note));
    }
}
