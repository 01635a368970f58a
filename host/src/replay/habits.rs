//! How long the recorded modem takes for each kind of command, and the results of its selections, over a whole log.

use std::collections::BTreeMap;

use cellscan_core::at::reply::FinalResult;
use cellscan_core::at::signal::Csq;
use cellscan_sim::modem::recorded::RecordedSelection;

use crate::import::event::Millis;

use super::scans::selected_plmn;
use super::turns::{TIMEOUT, Turn};

/// Largest number of times kept of one kind of command: the median is that of the first ones.
const TIMES_MAX: usize = 512;
/// Largest number of selections kept.
const SELECTIONS_MAX: usize = 4_096;
/// A selection of the carrier on which the modem was seen to be, within this time, changed nothing; the slowest of them in a field log took
/// 0.4 s. A modem that changes carriers as quickly has done so all the same, if the log says that it was on another one, or on none.
const RESELECT_MAX: Millis = 1_500;
/// A command within this time after the `OK` of a selection meets a modem that is still busy.
const RIGHT_AFTER: Millis = 300;
/// A signal that is read so long after the `OK` of a selection is no first impression: field logs show a fall within 4.6 s.
const LATER: Millis = 4_000;
/// A signal that loses so many steps of `+CSQ` within so long after the selection did not stay.
const FELL_STEPS: u8 = 4;
const FELL_WITHIN: Millis = 60_000;
/// An answer that comes later than this after its time-out was waiting in a buffer: its real time is not known.
const LATE_MAX: Millis = 2_000;

/// Commands that take the same time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "each is a command or a group of them, by name")]
pub enum Kind {
    Attention,
    Settings,
    Read,
    Signal,
    Deregister,
    Automatic,
    Search,
    Reselect,
    /// From the `OK` of a selection to the first answer to another command.
    AfterSelection,
}

/// A selection in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Its line.
    pub line: u64,
    /// The carrier.
    pub plmn: String,
    /// The result.
    pub came: RecordedSelection,
    /// The answer came after the host had given up.
    pub late: bool,
}

/// A reading of `+CSQ` on a carrier.
#[derive(Clone, Debug)]
struct Measured {
    line: u64,
    plmn: String,
    rssi: u8,
    /// Long enough after the selection to be no first impression.
    is_later: bool,
}

/// A signal that did not stay.
#[derive(Clone, Debug, PartialEq)]
pub struct Fell {
    /// The carrier.
    pub plmn: String,
    /// The line of the first reading, and its `<rssi>`.
    pub first: (u64, u8),
    /// The later line, and its `<rssi>`.
    pub later: (u64, u8),
    /// When.
    pub at: Option<Millis>,
}

/// Times and properties of the modem of a log.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    times: BTreeMap<Kind, Vec<Millis>>,
    selections: Vec<Selection>,
    signals: Vec<Measured>,
    on: Option<String>,
    /// When the carrier of `on` was accepted, and its first signal since; the signal is taken once it was seen to fall.
    accepted: Option<Millis>,
    first: Option<(u64, u8)>,
    /// When the last selection that changed the carrier got its `OK`.
    changed: Option<Millis>,
    echoed: u64,
    unechoed: u64,
    cesq: Option<bool>,
    domains: [Option<bool>; 4],
}

impl Habits {
    /// Takes the next turn. Returns a signal that it shows to have fallen since the selection of its carrier.
    pub fn turn(&mut self, turn: &Turn) -> Option<Fell> {
        let command = turn.command.as_deref().map(str::to_ascii_uppercase)?;
        let fell = if command == "AT+CSQ" { self.measured(turn) } else { None };
        self.learn(&command, turn);
        fell
    }

    fn measured(&mut self, turn: &Turn) -> Option<Fell> {
        let on = self.on.clone()?;
        let csq = turn.answer.iter().find_map(|line| Csq::parse(line.as_bytes()))?;
        let rssi = u8::try_from(csq.rssi).ok()?;
        let after = turn.at.zip(self.accepted).map(|(at, accepted)| at - accepted);
        if self.signals.len() < SELECTIONS_MAX {
            let is_later = after.is_some_and(|after| after >= LATER);
            self.signals.push(Measured { line: turn.line, plmn: on.clone(), rssi, is_later });
        }
        if rssi > 31 || after.is_none_or(|after| after > FELL_WITHIN) {
            return None;
        }
        let first = *self.first.get_or_insert((turn.line, rssi));
        if first.1.saturating_sub(rssi) < FELL_STEPS {
            return None;
        }
        // Once a selection.
        self.accepted = None;
        Some(Fell { plmn: on, first, later: (turn.line, rssi), at: turn.at })
    }

    fn learn(&mut self, command: &str, turn: &Turn) {
        if turn.result.is_some() && !turn.inferred {
            if turn.echoed { self.echoed += 1 } else { self.unechoed += 1 }
        }
        let answered = turn.result.as_deref().is_some_and(|result| result != TIMEOUT);
        self.learn_what_is_known(command, turn, answered);
        if let Some(plmn) = selected_plmn(command) {
            return self.selected(plmn, turn, answered);
        }
        if command.starts_with("AT+COPS=")
            && answered
            && !command.starts_with("AT+COPS=3")
            && command != "AT+COPS=?"
        {
            self.on = None;
        }
        let Some(took) = turn.own().filter(|_| answered && !turn.late && !turn.inferred) else { return };
        if let (Some(changed), Some(at), Some(ended)) = (self.changed.take(), turn.at, turn.ended)
            && (0..=RIGHT_AFTER).contains(&(at - changed))
        {
            return self.note(Kind::AfterSelection, ended - changed);
        }
        let kind = match command {
            "AT" | "ATZ" | "ATE0" | "ATE1" => Kind::Attention,
            "AT+CSQ" => Kind::Signal,
            "AT+COPS=2" => Kind::Deregister,
            "AT+COPS=0" => Kind::Automatic,
            "AT+COPS=?" => Kind::Search,
            _ if command.starts_with("AT+CMEE=") || command.starts_with("AT+COPS=3") => Kind::Settings,
            "AT+COPS?" | "AT+CREG?" | "AT+CGREG?" | "AT+CEREG?" | "AT+C5GREG?" | "AT+CPIN?" => Kind::Read,
            _ => return,
        };
        self.note(kind, took);
    }

    fn note(&mut self, kind: Kind, took: Millis) {
        let times = self.times.entry(kind).or_default();
        if times.len() < TIMES_MAX {
            times.push(took);
        }
    }

    fn learn_what_is_known(&mut self, command: &str, turn: &Turn, answered: bool) {
        if !answered {
            return;
        }
        if command == "AT+CESQ" {
            self.cesq = Some(turn.is_ok());
        }
        for (index, name) in ["AT+CREG", "AT+CGREG", "AT+CEREG", "AT+C5GREG"].into_iter().enumerate() {
            if command.strip_prefix(name).is_some_and(|rest| rest.starts_with(['?', '='])) {
                self.domains[index] = Some(turn.is_ok());
            }
        }
    }

    fn selected(&mut self, plmn: &str, turn: &Turn, answered: bool) {
        let was_on = self.on.as_deref() == Some(plmn);
        let Some(took) = turn.own() else { return };
        self.on = turn.is_ok().then(|| plmn.to_owned());
        if !was_on || self.on.is_none() {
            (self.accepted, self.first) = (turn.ended.filter(|_| turn.is_ok() && !turn.late), None);
        }
        // The carrier on which the modem was: most modems say OK to it at once.
        let again = was_on && turn.is_ok() && took <= RESELECT_MAX && !turn.late;
        self.changed = turn.ended.filter(|_| turn.is_ok() && !again && !turn.late);
        if again {
            return self.note(Kind::Reselect, took);
        }
        let after_ms = u64::try_from(took).unwrap_or_default();
        let came = match turn.result.as_deref() {
            Some("OK") => RecordedSelection::Accepted { after_ms },
            Some(_) if answered => {
                let said = turn.result.as_deref().map(|said| format!("+{said}")).unwrap_or_default();
                let code = FinalResult::parse(said.as_bytes()).and_then(FinalResult::cme);
                RecordedSelection::Refused { after_ms, code }
            }
            _ => RecordedSelection::Unanswered { after_ms },
        };
        if self.selections.len() < SELECTIONS_MAX {
            self.selections.push(Selection { line: turn.line, plmn: plmn.to_owned(), came, late: turn.late });
        }
    }

    /// The median time of this kind; `None` if the log does not show it.
    #[must_use]
    pub fn time(&self, kind: Kind) -> Option<u64> {
        let mut times = self.times.get(&kind)?.clone();
        times.sort_unstable();
        times.get(times.len().checked_sub(1)? / 2).and_then(|time| u64::try_from(*time).ok())
    }

    /// The result of selecting this carrier: in the scan of these lines if it was tried there, else in the nearest trial.
    /// An answer in time is preferred to a late one, and that to none.
    #[must_use]
    pub fn selection(&self, plmn: &str, lines: (u64, u64)) -> Option<&Selection> {
        let grade = |selection: &Selection| match selection.came {
            RecordedSelection::Unanswered { .. } => 2_u8,
            RecordedSelection::Accepted { after_ms } | RecordedSelection::Refused { after_ms, .. } => {
                let patient = u64::try_from(LATE_MAX + 10_000).unwrap_or_default();
                if selection.late { 1 + u8::from(after_ms > patient) } else { 0 }
            }
        };
        let inside = |selection: &Selection| (lines.0..=lines.1).contains(&selection.line);
        let of = || self.selections.iter().filter(|selection| selection.plmn == plmn);
        of().filter(|selection| inside(selection) && grade(selection) < 2)
            .min_by_key(|selection| grade(selection))
            .or_else(|| {
                of().filter(|selection| grade(selection) < 2)
                    .min_by_key(|selection| (grade(selection), selection.line.abs_diff(lines.0)))
            })
            .or_else(|| of().min_by_key(|selection| (!inside(selection), selection.line.abs_diff(lines.0))))
    }

    /// `<rssi>` of this carrier right after its selection: in the scan of these lines, else in the nearest.
    #[must_use]
    pub fn signal(&self, plmn: &str, lines: (u64, u64)) -> Option<(u64, u8)> {
        self.nearest(plmn, lines, false).or_else(|| self.nearest(plmn, lines, true))
    }

    /// The same some seconds after the selection.
    #[must_use]
    pub fn later_signal(&self, plmn: &str, lines: (u64, u64)) -> Option<(u64, u8)> {
        self.nearest(plmn, lines, true)
    }

    fn nearest(&self, plmn: &str, lines: (u64, u64), is_later: bool) -> Option<(u64, u8)> {
        let of = || {
            let on = |measured: &&Measured| measured.plmn == plmn && measured.rssi <= 31;
            self.signals.iter().filter(on).filter(move |measured| measured.is_later == is_later)
        };
        of().find(|measured| (lines.0..=lines.1).contains(&measured.line))
            .or_else(|| of().min_by_key(|measured| measured.line.abs_diff(lines.0)))
            .map(|measured| (measured.line, measured.rssi))
    }

    /// Whether the modem echoes, by majority.
    #[must_use]
    pub const fn echo(&self) -> Option<bool> {
        if self.echoed + self.unechoed == 0 { None } else { Some(self.echoed > self.unechoed) }
    }

    /// Whether the modem knows `+CESQ`.
    #[must_use]
    pub const fn cesq(&self) -> Option<bool> {
        self.cesq
    }

    /// Whether the modem knows the four registration commands.
    #[must_use]
    pub const fn domains(&self) -> [Option<bool>; 4] {
        self.domains
    }
}
