//! Finds the scans in a log.

use crate::import::event::{Carrier, Millis};
use crate::import::text::shown;
use crate::import::{Event, Note, What};

use super::turns::Turn;

mod listed;
mod scan;

pub use listed::{Listed, operators};
pub use scan::{Mark, Moment, Outcome, Scan, Trial, Tried};

/// Largest number of turns kept of one scan: a scan has some fifty.
const TURNS_MAX: usize = 2_000;
/// Largest number of trials of one scan.
const TRIALS_MAX: usize = 256;
/// Largest number of carriers known from earlier scans.
const KNOWN_MAX: usize = 32;
/// A link that comes up within this time after the service was given back belongs to the scan.
const LINK_WAIT: Millis = 120_000;

/// Finds the scans of a log.
#[derive(Debug, Default)]
pub struct Scans {
    current: Option<Scan>,
    trial: Option<Trial>,
    /// The last carrier on which the modem was seen.
    on: Option<(String, bool)>,
    known: Vec<String>,
}

impl Scans {
    /// Takes the next event; `sink` receives a scan that ends with it.
    pub fn event(&mut self, event: &Event<'_>, sink: &mut dyn FnMut(Scan)) {
        let What::Note(note) = event.what else { return };
        if note == Note::Began {
            self.finish(sink);
            self.current = Some(Scan {
                line: event.line,
                last_line: event.line,
                started: event.at.unwrap_or_default(),
                before: self.on.clone(),
                known: self.known.clone(),
                ..Scan::default()
            });
        }
        let late = self.current.as_ref().is_some_and(|scan| {
            scan.is_over()
                && (scan.link_up.is_some()
                    || event.at.zip(scan.asked_up).is_some_and(|(at, up)| at > up + LINK_WAIT)
                    || matches!(note, Note::Requested))
        });
        if late {
            return self.finish(sink);
        }
        self.note(event, note);
    }

    fn note(&mut self, event: &Event<'_>, note: Note<'_>) {
        let Some(scan) = &mut self.current else { return };
        scan.last_line = event.line;
        scan.note(event, note);
        let at = event.at;
        match note {
            Note::TrialBegan(which) => {
                self.end_trial(at, Tried::TimedOut);
                self.trial = Some(begin(event, which));
            }
            Note::TrialConnected => {
                if let Some(trial) = &mut self.trial {
                    trial.outcome = Tried::Registered;
                }
            }
            Note::TrialFailed | Note::Complete | Note::Failed => self.end_trial(at, Tried::TimedOut),
            Note::Measured(signal) => {
                if let Some(trial) = &mut self.trial {
                    trial.signal = signal;
                }
                self.end_trial(at, Tried::Registered);
            }
            Note::Requested
            | Note::Began
            | Note::State(_)
            | Note::AskedDown
            | Note::IsDown
            | Note::PortFree
            | Note::Listed
            | Note::TrialDenied(_)
            | Note::Chosen(_)
            | Note::NoneChosen
            | Note::Verified(_)
            | Note::AskedUp
            | Note::Denied(_)
            | Note::LinkUp
            | Note::LinkLate
            | Note::Pppd(_)
            | Note::SupervisorKilled
            | Note::PortGone => {}
        }
    }

    fn end_trial(&mut self, at: Option<Millis>, outcome: Tried) {
        let (Some(mut trial), Some(scan)) = (self.trial.take(), &mut self.current) else { return };
        trial.ended = at;
        if trial.outcome == Tried::TimedOut {
            trial.outcome = outcome;
        }
        if scan.trials.len() < TRIALS_MAX {
            scan.trials.push(trial);
        }
    }

    /// Takes the next turn. It may come long after its command.
    pub fn turn(&mut self, turn: Turn) {
        if turn.is("AT+COPS?")
            && let Some((plmn, by_hand)) = turn.answer.iter().find_map(|line| listed::current(line))
        {
            self.learn(&plmn);
            if let Some(scan) = self.current.as_mut().filter(|scan| !scan.has_selected()) {
                if !scan.known.contains(&plmn) {
                    scan.known.push(plmn.clone());
                }
                scan.before.get_or_insert_with(|| (plmn.clone(), by_hand));
            }
            self.on = Some((plmn, by_hand));
        }
        if let Some(plmn) = turn.command.as_deref().and_then(selected_plmn)
            && turn.is_ok()
        {
            self.learn(plmn);
            self.on = Some((plmn.to_owned(), true));
        }
        let Some(scan) = self.current.as_mut().filter(|scan| turn.line >= scan.line) else { return };
        if turn.is("AT+COPS=?") && turn.is_ok() {
            let found = operators(&turn.answer);
            if !found.is_empty() {
                scan.search = turn.took();
                scan.operators = Some(found);
            }
        }
        if turn.result.as_deref().is_some_and(|result| result.contains("ERROR"))
            && let Some(plmn) = turn.command.as_deref().and_then(selected_plmn)
        {
            let of_turn =
                |trial: &&mut Trial| trial.line <= turn.ended_line && trial.plmn.as_deref() == Some(plmn);
            let trial = scan.trials.iter_mut().chain(self.trial.as_mut()).rev().find(of_turn);
            if let Some(trial) = trial.filter(|trial| trial.outcome == Tried::TimedOut && !turn.late) {
                trial.outcome = Tried::Refused;
            }
        }
        scan.last_line = scan.last_line.max(turn.ended_line);
        if scan.turns.len() < TURNS_MAX {
            scan.turns.push(turn);
        }
    }

    /// Ends the log.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Scan)) {
        let at = self.current.as_ref().map(Scan::end);
        self.end_trial(at, Tried::TimedOut);
        if let Some(mut scan) = self.current.take() {
            scan.turns.sort_by_key(|turn| turn.line);
            sink(scan);
        }
    }

    /// Remembers a carrier that works: the likeliest is last.
    fn learn(&mut self, plmn: &str) {
        self.known.retain(|known| known != plmn);
        if self.known.len() >= KNOWN_MAX {
            self.known.remove(0);
        }
        self.known.push(plmn.to_owned());
    }
}

fn begin(event: &Event<'_>, which: Carrier<'_>) -> Trial {
    let skipped = matches!(event.what, What::Note(Note::TrialDenied(_)));
    Trial {
        line: event.line,
        name: shown(which.name).into_owned(),
        plmn: Some(shown(which.plmn).into_owned()).filter(|plmn| !plmn.is_empty()),
        began: event.at,
        ended: None,
        signal: None,
        outcome: if skipped { Tried::Skipped } else { Tried::TimedOut },
    }
}

/// The digits in `AT+COPS=1,2,"310410"`.
#[must_use]
pub fn selected_plmn(command: &str) -> Option<&str> {
    let head = command.get(..12).filter(|head| head.eq_ignore_ascii_case("AT+COPS=1,2,"))?;
    let digits = command.get(head.len()..)?.split(',').next()?.trim_matches('"');
    (matches!(digits.len(), 5 | 6) && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}
