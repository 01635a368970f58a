//! A scan, as a log tells of it.

use crate::import::event::{Carrier, Millis};
use crate::import::text::shown;
use crate::import::{Event, Note, Pppd};
use crate::replay::turns::Turn;

use super::{Listed, TRIALS_MAX, begin};

/// Marks kept of one scan, at most.
const MARKS_MAX: usize = 4_000;

/// How a scan ended, as the log says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Outcome {
    /// It says that it is complete.
    Complete,
    /// It says that it failed.
    Failed,
    /// The log ends, or another scan begins, before it says either.
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

/// How a trial ended, as the log says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tried {
    /// The scan held it for registered.
    Registered,
    /// The modem said no.
    Refused,
    /// Nothing came in the scan's time.
    TimedOut,
    /// Passed over.
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
    /// Where it begins.
    pub line: u64,
    /// Its name, as logged.
    pub name: String,
    /// Its digits; `None`: the log gives none, or an empty string was tried.
    pub plmn: Option<String>,
    /// When it began.
    pub began: Option<Millis>,
    /// When it ended.
    pub ended: Option<Millis>,
    /// `<rssi>` of `+CSQ`, as the scan took it.
    pub signal: Option<u8>,
    /// How.
    pub outcome: Tried,
}

impl Trial {
    /// How long it took, milliseconds.
    #[must_use]
    pub fn took(&self) -> Option<Millis> {
        Some(self.ended? - self.began?)
    }
}

/// A moment of a scan, for the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where.
    pub line: u64,
    /// When.
    pub at: Millis,
    /// What.
    pub what: Moment,
}

/// What the lanes of a timeline are made of.
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
    /// When, on the log's clock.
    pub started: Millis,
    /// When the supervisor was asked for down.
    pub asked_down: Option<Millis>,
    /// When it said so.
    pub is_down: Option<Millis>,
    /// When the port was held for free.
    pub port_free: Option<Millis>,
    /// The operators of the list, as the modem gave them; `None`: no list came.
    pub operators: Option<Vec<Listed>>,
    /// How long `AT+COPS=?` took that gave them.
    pub search: Option<Millis>,
    /// In order.
    pub trials: Vec<Trial>,
    /// The digits of the carrier chosen.
    pub selected: Option<String>,
    /// The line of that choice.
    pub selected_line: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// When it said so.
    pub ended: Option<Millis>,
    /// When the service was given back.
    pub asked_up: Option<Millis>,
    /// When the link was up again.
    pub link_up: Option<Millis>,
    /// The carrier that the modem was on before, and whether it was chosen by hand; as far as the log tells.
    pub before: Option<(String, bool)>,
    /// Carriers that the log shows to have worked before this scan, likeliest last.
    pub known: Vec<String>,
    /// The dialogue.
    pub turns: Vec<Turn>,
    /// The moments.
    pub marks: Vec<Mark>,
}

impl Scan {
    /// From "asked for down" to "the port is free", milliseconds.
    #[must_use]
    pub fn stop(&self) -> Option<Millis> {
        Some(self.port_free? - self.started)
    }

    /// From "asked for down" to the link being up or, where the log does not show that, to the service being given back.
    #[must_use]
    pub fn outage(&self) -> Option<Millis> {
        Some(self.link_up.or(self.asked_up)? - self.asked_down.unwrap_or(self.started))
    }

    /// The last moment that is known of it.
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

    /// The modem was told by the scan to leave the carrier that it was on.
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
    /// What concerns no trial under way.
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

    /// The digits of a carrier that a log names, by the list where it gives the name alone.
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
