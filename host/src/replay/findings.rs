//! Finds problems in a log: each with a name, the line that shows it, and why it matters.

use std::collections::{BTreeMap, BTreeSet};

use crate::import::event::Millis;
use crate::import::{Event, Note, Pppd, What};

use super::habits::Fell;
use super::scans::{Moment, Outcome, Scan, Tried, selected_plmn};
use super::text;
use super::turns::{TIMEOUT, Turn};

/// Largest number of findings of one kind kept of one log; more are counted.
const KEPT_MAX: usize = 100;
/// Number of kills, each within [`BATTLE_PAUSE`] of the last, that make a battle: `runsv` starts a new `pppd` within a
/// second, and a gateway that fights it needs one to four seconds per round.
const BATTLE_KILLS: u32 = 3;
const BATTLE_PAUSE: Millis = 15_000;
/// A `pppd` that ends within this time after it was up was of no use: its address takes two to six seconds.
const YOUNG: Millis = 30_000;
/// Number of requests for a scan within [`STORM_TIME`] that make a storm.
const STORM_REQUESTS: u32 = 3;
const STORM_TIME: Millis = 300_000;
/// Two lines within this time belong to one request.
const SAME_REQUEST: Millis = 1_000;
/// Failures of the connect script within this time after the service was given back are an effect of the scan.
const AFTER_SCAN: Millis = 180_000;
/// Carriers whose signals differ by no more, in steps of `+CSQ`, were measured on one and the same carrier.
const ALIKE: u8 = 2;
/// Smallest number of such carriers: two neighbours may well have the same signal.
const ALIKE_MIN: usize = 3;

/// The kinds of findings.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "`why` explains each")]
pub enum Kind {
    SupervisorBattle,
    LateAnswer,
    TrailerTried,
    DuplicateTried,
    ForbiddenTried,
    LeftDeregistered,
    DenyListExhausted,
    SignalTooEarly,
    SignalDidNotStay,
    PortVanished,
    SecondClient,
    PppdKilledAfterUp,
    RescanStorm,
    ChatFailingAfterScan,
}

impl Kind {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SupervisorBattle => "supervisor_battle",
            Self::LateAnswer => "late_answer",
            Self::TrailerTried => "trailer_tried",
            Self::DuplicateTried => "duplicate_tried",
            Self::ForbiddenTried => "forbidden_tried",
            Self::LeftDeregistered => "left_deregistered",
            Self::DenyListExhausted => "deny_list_exhausted",
            Self::SignalTooEarly => "signal_too_early",
            Self::SignalDidNotStay => "signal_did_not_stay",
            Self::PortVanished => "port_vanished",
            Self::SecondClient => "second_client",
            Self::PppdKilledAfterUp => "pppd_killed_after_up",
            Self::RescanStorm => "rescan_storm",
            Self::ChatFailingAfterScan => "chat_failing_after_scan",
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::SupervisorBattle => "A fight with the supervisor",
            Self::LateAnswer => "An answer went to the wrong command",
            Self::TrailerTried => "No carrier, and tried all the same",
            Self::DuplicateTried => "The same carrier tried twice",
            Self::ForbiddenTried => "A forbidden carrier tried",
            Self::LeftDeregistered => "The modem was left on no network",
            Self::DenyListExhausted => "No carrier was left to try",
            Self::SignalTooEarly => "Signals read too early",
            Self::SignalDidNotStay => "A signal that did not last",
            Self::PortVanished => "The modem's port went away",
            Self::SecondClient => "Another process used the service",
            Self::PppdKilledAfterUp => "pppd killed when its link was up",
            Self::RescanStorm => "Scans one after the other",
            Self::ChatFailingAfterScan => "The connect script failed after the scan",
        }
    }

    /// Why the finding matters.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::SupervisorBattle => {
                "runsv restarts what is killed while it is wanted up at once: the port is never free, and the link is \
                 never up; ask the supervisor for down instead"
            }
            Self::LateAnswer => {
                "an answer that comes after its time-out is taken for the next command's, and from there every answer \
                 belongs to the wrong carrier"
            }
            Self::TrailerTried => {
                "the groups at the end of the operator list are no carriers: each costs a trial of some seconds while \
                 the link is away"
            }
            Self::DuplicateTried => {
                "a carrier listed under two access technologies is one carrier: the second trial gives nothing new"
            }
            Self::ForbiddenTried => {
                "the network or the SIM forbids it: its trial ends in a refusal or a time-out"
            }
            Self::LeftDeregistered => {
                "the modem is on no network when the service comes back, so that pppd's connect script fails for minutes"
            }
            Self::DenyListExhausted => {
                "a deny list without a carrier left to try leaves the gateway without a link; it may only order and delay"
            }
            Self::SignalTooEarly => {
                "carriers with the same signal were measured before the modem had reached them: the choice between them \
                 is chance"
            }
            Self::SignalDidNotStay => {
                "the level right after a selection may not last: a carrier that was chosen by it may be worse than the next, \
                 and is read again some seconds later"
            }
            Self::PortVanished => {
                "the modem's port went away (reset, USB): a process that had it open must open it again"
            }
            Self::SecondClient => {
                "another process used the service while the scan had it: both talk to the modem at once"
            }
            Self::PppdKilledAfterUp => {
                "the link had just come up, or was about to: killing it then costs another registration and another dial"
            }
            Self::RescanStorm => {
                "each scan takes the link away for a minute or more: requests need an identity and a cool-down"
            }
            Self::ChatFailingAfterScan => {
                "the service was given back before the modem could be dialled: the outage goes on after the scan's end"
            }
        }
    }
}

/// What a `pppd` does, in words.
const fn deed(what: Pppd) -> &'static str {
    match what {
        Pppd::Started => "its supervisor starts it",
        Pppd::StartedByHand => "it is started by hand",
        Pppd::ConnectFailed => "its connect script fails",
        Pppd::Connected => "its connect script succeeds",
        Pppd::Addressed => "it has an address",
        Pppd::Stopping => "it is asked to end",
        Pppd::Killed => "it is killed",
        Pppd::Ended => "it ends",
        Pppd::HungUp => "the modem hangs up",
    }
}

/// A problem in a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The kind.
    pub kind: Kind,
    /// The line that shows it.
    pub line: u64,
    /// The time, where the log has one.
    pub at: Option<Millis>,
    /// The details.
    pub detail: String,
}

/// Looks for findings of all kinds.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Finding>,
    counts: BTreeMap<Kind, u64>,
    /// The scan holds the service.
    holding: bool,
    /// A second client was already seen during this scan.
    second: bool,
    /// Consecutive kills: their number, the line of the first, the time of the last.
    kills: (u32, u64, Option<Millis>),
    /// The line and time at which a `pppd` was last seen up.
    up: Option<(u64, Option<Millis>)>,
    /// Consecutive requests: their number, the time of the first and of the last.
    requests: (u32, Millis, Millis),
    /// When the service was last given back, and the number of failures of the connect script since.
    given: Option<(Millis, u32)>,
    port_gone: Option<Millis>,
    /// Signals measured since the scan began, with the last line.
    measured: Vec<u8>,
}

impl Findings {
    /// Takes the next event.
    pub fn event(&mut self, event: &Event<'_>) {
        let What::Note(note) = event.what else { return };
        match note {
            Note::Began => self.measured.clear(),
            Note::AskedDown => (self.holding, self.second) = (true, false),
            Note::AskedUp => {
                self.holding = false;
                self.given = event.at.map(|at| (at, 0));
            }
            Note::LinkUp => {
                self.given = None;
                self.up = Some((event.line, event.at));
            }
            Note::Requested => self.requested(event),
            Note::SupervisorKilled => self.killed(event),
            Note::PortGone => self.port_gone(event),
            Note::Measured(Some(signal)) if signal <= 31 => self.measured.push(signal),
            Note::Chosen(_) | Note::NoneChosen => self.compare_signals(event),
            Note::Pppd(what) => self.pppd(event, what),
            Note::State(_)
            | Note::IsDown
            | Note::PortFree
            | Note::Listed
            | Note::TrialBegan(_)
            | Note::TrialDenied(_)
            | Note::TrialConnected
            | Note::TrialFailed
            | Note::Measured(_)
            | Note::Verified(_)
            | Note::Complete
            | Note::Failed
            | Note::Denied(_)
            | Note::LinkLate => {}
        }
    }

    fn pppd(&mut self, event: &Event<'_>, what: Pppd) {
        let runs = match what {
            Pppd::Started | Pppd::StartedByHand | Pppd::Connected | Pppd::Addressed | Pppd::ConnectFailed => {
                true
            }
            Pppd::Stopping | Pppd::Killed | Pppd::Ended | Pppd::HungUp => false,
        };
        if self.holding && runs && !core::mem::replace(&mut self.second, true) {
            self.find(
                Kind::SecondClient,
                event,
                format!("a pppd runs while the scan has the service ({})", deed(what)),
            );
        }
        match what {
            Pppd::Connected | Pppd::Addressed => self.up = Some((event.line, event.at)),
            Pppd::Killed => {
                self.killed(event);
                self.ended_young(event);
            }
            Pppd::Stopping | Pppd::Ended if !self.holding => self.ended_young(event),
            Pppd::ConnectFailed => self.connect_failed(event),
            Pppd::Started | Pppd::StartedByHand | Pppd::Stopping | Pppd::Ended | Pppd::HungUp => {}
        }
    }

    fn ended_young(&mut self, event: &Event<'_>) {
        let Some((line, up)) = self.up.take() else { return };
        let young = match (up, event.at) {
            (Some(up), Some(now)) => (0..=YOUNG).contains(&(now - up)),
            // Without time stamps: the very next line about it.
            _ => event.line.abs_diff(line) <= 2,
        };
        if young && !self.holding {
            self.find(Kind::PppdKilledAfterUp, event, format!("it was up at line {line}"));
        }
    }

    fn killed(&mut self, event: &Event<'_>) {
        let (count, first, last) = self.kills;
        let soon = match (last, event.at) {
            (Some(last), Some(now)) => now - last <= BATTLE_PAUSE,
            _ => count > 0,
        };
        self.kills = if soon { (count + 1, first, event.at) } else { (1, event.line, event.at) };
        if self.kills.0 == BATTLE_KILLS {
            let detail = format!(
                "killed {BATTLE_KILLS} times since line {}, and runsv restarted it each time",
                self.kills.1
            );
            self.find(Kind::SupervisorBattle, event, detail);
        }
    }

    fn requested(&mut self, event: &Event<'_>) {
        let Some(now) = event.at else { return };
        let (count, first, last) = self.requests;
        if count > 0 && now - last <= SAME_REQUEST {
            return;
        }
        self.requests =
            if count > 0 && now - first <= STORM_TIME { (count + 1, first, now) } else { (1, now, now) };
        if self.requests.0 == STORM_REQUESTS {
            let seconds = (now - self.requests.1) / 1_000;
            self.find(
                Kind::RescanStorm,
                event,
                format!("{STORM_REQUESTS} scans were requested within {seconds} s"),
            );
        }
    }

    fn port_gone(&mut self, event: &Event<'_>) {
        let again = self.port_gone.zip(event.at).is_some_and(|(last, now)| now - last <= BATTLE_PAUSE);
        self.port_gone = event.at;
        if !again {
            self.find(Kind::PortVanished, event, "no such device, or an I/O error".to_owned());
        }
    }

    fn connect_failed(&mut self, event: &Event<'_>) {
        let Some((given, failures)) = self.given else { return };
        if event.at.is_some_and(|now| now - given > AFTER_SCAN) {
            self.given = None;
            return;
        }
        self.given = Some((given, failures + 1));
        if failures + 1 == 2 {
            self.find(Kind::ChatFailingAfterScan, event, "the connect script failed twice since".to_owned());
        }
    }

    fn compare_signals(&mut self, event: &Event<'_>) {
        let measured = core::mem::take(&mut self.measured);
        let (least, most) = (measured.iter().min(), measured.iter().max());
        if let (Some(least), Some(most)) = (least, most)
            && measured.len() >= ALIKE_MIN
            && most - least <= ALIKE
        {
            let (least, most) = (text::signal(*least), text::signal(*most));
            let detail = format!("{} carriers measured between {least} and {most}", measured.len());
            self.find(Kind::SignalTooEarly, event, detail);
        }
    }

    /// Takes the next turn.
    pub fn turn(&mut self, turn: &Turn) {
        let command = turn.command.as_deref().unwrap_or_default();
        if turn.late && turn.result.as_deref().is_some_and(|result| result != TIMEOUT) {
            let result = turn.result.as_deref().unwrap_or_default();
            let detail = format!("{result} belongs to {command} of line {}", turn.line);
            self.add(Kind::LateAnswer, turn.ended_line, turn.ended, detail);
        }
        if command.to_ascii_uppercase().starts_with("AT+COPS=1") && command.contains("\"\"") {
            self.add(Kind::TrailerTried, turn.line, turn.at, format!("{command} selects no carrier"));
        }
    }

    /// Takes a signal that did not stay.
    pub fn fell(&mut self, fell: &Fell) {
        let Fell { plmn, first, later, at } = fell;
        let (at_first, then) = (text::signal(first.1), text::signal(later.1));
        let detail = format!("{plmn}: {at_first} in line {}, then {then}", first.0);
        self.add(Kind::SignalDidNotStay, later.0, *at, detail);
    }

    /// Takes a complete scan.
    pub fn scan(&mut self, scan: &Scan) {
        let mut tried: BTreeSet<&str> = BTreeSet::new();
        for trial in scan.trials.iter().filter(|trial| trial.outcome != Tried::Skipped) {
            let Some(plmn) = trial.plmn.as_deref() else { continue };
            if !tried.insert(plmn) {
                let took = trial.took().map(|took| format!(", {} s more", took / 1_000)).unwrap_or_default();
                self.add(
                    Kind::DuplicateTried,
                    trial.line,
                    trial.began,
                    format!("{plmn} was tried before{took}"),
                );
            }
            let mut listed = scan
                .operators
                .iter()
                .flatten()
                .filter(|listed| listed.plmn.as_deref() == Some(plmn))
                .peekable();
            if listed.peek().is_some() && listed.all(|listed| listed.stat == 3) {
                self.add(
                    Kind::ForbiddenTried,
                    trial.line,
                    trial.began,
                    format!("{plmn} is listed as forbidden"),
                );
            }
        }
        let skipped = scan.trials.iter().filter(|trial| trial.outcome == Tried::Skipped).count();
        let worked = scan.trials.iter().any(|trial| trial.outcome == Tried::Registered);
        if skipped > 0 && !worked && scan.outcome == Outcome::Failed {
            let detail =
                format!("{skipped} of {} were skipped, and no other carrier registered", scan.trials.len());
            self.add(Kind::DenyListExhausted, scan.line_of(&Moment::Failed), scan.ended, detail);
        }
        self.deregistered(scan);
    }

    /// The last command about networks left one, or selected one that refused the modem.
    fn deregistered(&mut self, scan: &Scan) {
        if scan.outcome == Outcome::Complete || scan.asked_up.is_none() {
            return;
        }
        let last = scan.turns.iter().rev().find_map(|turn| {
            let command = turn.command.as_deref()?;
            let chooses =
                selected_plmn(command).is_some() || command == "AT+COPS=0" || command == "AT+COPS=2";
            chooses.then_some((turn, command))
        });
        if let Some((turn, command)) = last.filter(|(turn, command)| *command == "AT+COPS=2" || !turn.is_ok())
        {
            let detail =
                format!("{command} of line {} was the last command before the service came back", turn.line);
            self.add(Kind::LeftDeregistered, scan.line_of(&Moment::AskedUp), scan.asked_up, detail);
        }
    }

    fn find(&mut self, kind: Kind, event: &Event<'_>, detail: String) {
        self.add(kind, event.line, event.at, detail);
    }

    fn add(&mut self, kind: Kind, line: u64, at: Option<Millis>, detail: String) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= u64::try_from(KEPT_MAX).unwrap_or(u64::MAX) {
            self.found.push(Finding { kind, line, at, detail });
        }
    }

    /// Ends the log: all findings, by line, and the number of each kind, findings that were not kept included.
    #[must_use]
    pub fn finish(mut self, last_line: u64) -> (Vec<Finding>, BTreeMap<Kind, u64>) {
        let end = Event::new(last_line, None, What::Note(Note::NoneChosen));
        self.compare_signals(&end);
        self.found.sort_by_key(|finding| finding.line);
        (self.found, self.counts)
    }
}
