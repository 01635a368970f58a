//! One scan in a log.

use crate::import::event::{Carrier, Millis};
use crate::import::text::shown;
use crate::import::{Event, Note, Pppd};
use crate::replay::turns::Turn;

use super::{Listed, TRIALS_MAX, begin};

/// Largest number of marks kept of one scan.
const MARKS_MAX: usize = 4_000;

/// The outcome of a scan according to the log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Outcome {
    /// The log says that the scan is complete.
    Complete,
    /// The log says that the scan failed.
    Failed,
    /// The log ends, or another scan begins, before either.
    #[default]
    Unfinished,
}

impl Outcome {
    /// The stable word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
        }
    }
}

/// The outcome of a trial according to the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tried {
    /// The scan took the carrier as registered.
    Registered,
    /// The modem refused the carrier.
    Refused,
    /// No answer came before the scan's time-out.
    TimedOut,
    /// The scan skipped the carrier.
    Skipped,
}

impl Tried {
    /// The stable word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Refused => "refused",
            Self::TimedOut => "timeout",
            Self::Skipped => "skipped",
        }
    }
}

/// A trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its first line.
    pub line: u64,
    /// The carrier's name, as logged.
    pub name: String,
    /// The carrier's digits; `None`: the log gives none, or the scan tried an empty string.
    pub plmn: Option<String>,
    /// When it began.
    pub began: Option<Millis>,
    /// When it ended.
    pub ended: Option<Millis>,
    /// `<rssi>` of `+CSQ`, as the scan read it.
    pub signal: Option<u8>,
    /// The outcome.
    pub outcome: Tried,
}

impl Trial {
    /// Its duration in milliseconds.
    #[must_use]
    pub fn took(&self) -> Option<Millis> {
        Some(self.ended? - self.began?)
    }
}

/// A moment of a scan, for the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The line.
    pub line: u64,
    /// The time.
    pub at: Millis,
    /// What happened.
    pub what: Moment,
}

/// What a timeline shows.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the words of `Note`, with their text owned")]
pub enum Moment {
    State(String),
    AskedDown,
    IsDown,
    PortFree,
    AskedUp,
    LinkUp,
    LinkLate,
    Pppd(Pppd),
    SupervisorKilled,
    PortGone,
    Complete,
    Failed,
}

/// A scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scan {
    /// The line of state 1.
    pub line: u64,
    /// The last line that belongs to it.
    pub last_line: u64,
    /// The beginning, on the log's clock.
    pub started: Millis,
    /// When the scan asked the supervisor for down.
    pub asked_down: Option<Millis>,
    /// When the supervisor said that the service was down.
    pub is_down: Option<Millis>,
    /// When the scan took the port as free.
    pub port_free: Option<Millis>,
    /// The operators of the list, as the modem sent them; `None`: no list came.
    pub operators: Option<Vec<Listed>>,
    /// The duration of the `AT+COPS=?` that returned them.
    pub search: Option<Millis>,
    /// The trials, in order.
    pub trials: Vec<Trial>,
    /// The digits of the carrier chosen.
    pub selected: Option<String>,
    /// The line of that choice.
    pub selected_line: u64,
    /// The outcome.
    pub outcome: Outcome,
    /// When the log says so.
    pub ended: Option<Millis>,
    /// When the service was given back.
    pub asked_up: Option<Millis>,
    /// When the link was up again.
    pub link_up: Option<Millis>,
    /// The carrier before the scan, and whether it was selected manually; as far as the log tells.
    pub before: Option<(String, bool)>,
    /// Carriers that worked before this scan according to the log, likeliest last.
    pub known: Vec<String>,
    /// The dialogue.
    pub turns: Vec<Turn>,
    /// The moments, for the timeline.
    pub marks: Vec<Mark>,
}

impl Scan {
    /// From the request for down to the free port, in milliseconds.
    #[must_use]
    pub fn stop(&self) -> Option<Millis> {
        Some(self.port_free? - self.started)
    }

    /// From the request for down to the link being up or, where the log does not show that, to the service being given back.
    #[must_use]
    pub fn outage(&self) -> Option<Millis> {
        Some(self.link_up.or(self.asked_up)? - self.asked_down.unwrap_or(self.started))
    }

    /// The last known moment of the scan.
    #[must_use]
    pub fn end(&self) -> Millis {
        let turns = self.turns.iter().filter_map(|turn| turn.ended.or(turn.at)).max();
        let marks = self.marks.iter().map(|mark| mark.at).max();
        [self.link_up, self.asked_up, self.ended, turns, marks]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(self.started)
    }

    /// Whether the scan told the modem to leave its carrier.
    pub(super) fn has_selected(&self) -> bool {
        let tells = |command: &str| {
            command
                .strip_prefix("AT+COPS=")
                .is_some_and(|rest| matches!(rest.as_bytes().first(), Some(b'0'..=b'2')))
        };
        self.turns.iter().any(|turn| turn.command.as_deref().is_some_and(tells))
    }

    /// The line of this moment, else the last line of the scan.
    #[must_use]
    pub fn line_of(&self, moment: &Moment) -> u64 {
        self.marks.iter().find(|mark| mark.what == *moment).map_or(self.last_line, |mark| mark.line)
    }

    pub(super) fn is_over(&self) -> bool {
        self.asked_up.is_some() && self.outcome != Outcome::Unfinished
    }
}

impl Scan {
    /// Takes a note that concerns no trial in progress.
    pub(super) fn note(&mut self, event: &Event<'_>, note: Note<'_>) {
        let at = event.at;
        let once = |place: &mut Option<Millis>| *place = place.or(at);
        match note {
            Note::AskedDown => once(&mut self.asked_down),
            Note::IsDown => once(&mut self.is_down),
            Note::PortFree => once(&mut self.port_free),
            Note::AskedUp => once(&mut self.asked_up),
            Note::LinkUp if self.asked_up.is_some() => once(&mut self.link_up),
            Note::TrialDenied(which) if self.trials.len() < TRIALS_MAX => {
                self.trials.push(Trial { ended: at, ..begin(event, which) });
            }
            Note::Chosen(which) => {
                self.selected = self.digits(which);
                self.selected_line = event.line;
            }
            Note::Verified(which) => self.selected = self.digits(which).or_else(|| self.selected.take()),
            Note::Complete | Note::Failed => {
                self.outcome = if note == Note::Failed { Outcome::Failed } else { Outcome::Complete };
                self.ended = at;
            }
            Note::Requested
            | Note::Began
            | Note::State(_)
            | Note::Listed
            | Note::TrialBegan(_)
            | Note::TrialDenied(_)
            | Note::TrialConnected
            | Note::TrialFailed
            | Note::Measured(_)
            | Note::NoneChosen
            | Note::Denied(_)
            | Note::LinkUp
            | Note::LinkLate
            | Note::Pppd(_)
            | Note::SupervisorKilled
            | Note::PortGone => {}
        }
        if let (Some(at), Some(what)) = (at, moment(note))
            && self.marks.len() < MARKS_MAX
        {
            self.marks.push(Mark { line: event.line, at, what });
        }
    }

    /// The digits of a carrier in the log; a name alone is looked up in the list.
    pub(super) fn digits(&self, which: Carrier<'_>) -> Option<String> {
        if !which.plmn.is_empty() {
            return Some(shown(which.plmn).into_owned());
        }
        let name = shown(which.name);
        let tried = self.trials.iter().find(|trial| trial.name == name).and_then(|trial| trial.plmn.clone());
        tried.or_else(|| {
            let listed =
                self.operators.iter().flatten().find(|listed| listed.long == name || listed.short == name)?;
            listed.plmn.clone()
        })
    }
}

fn moment(note: Note<'_>) -> Option<Moment> {
    Some(match note {
        Note::State(text) => Moment::State(shown(text).into_owned()),
        Note::AskedDown => Moment::AskedDown,
        Note::IsDown => Moment::IsDown,
        Note::PortFree => Moment::PortFree,
        Note::AskedUp => Moment::AskedUp,
        Note::LinkUp => Moment::LinkUp,
        Note::LinkLate => Moment::LinkLate,
        Note::Pppd(what) => Moment::Pppd(what),
        Note::SupervisorKilled => Moment::SupervisorKilled,
        Note::PortGone => Moment::PortGone,
        Note::Complete => Moment::Complete,
        Note::Failed => Moment::Failed,
        Note::Requested
        | Note::Began
        | Note::Listed
        | Note::TrialBegan(_)
        | Note::TrialDenied(_)
        | Note::TrialConnected
        | Note::TrialFailed
        | Note::Measured(_)
        | Note::Chosen(_)
        | Note::NoneChosen
        | Note::Verified(_)
        | Note::Denied(_) => return None,
    })
}
