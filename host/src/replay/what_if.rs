//! What core's state machine would have done: the same scanner and driver as on a gateway, in a simulated world whose modem
//! gives the recorded answers with the recorded delays, and whose `pppd` takes the recorded times.
//!
//! `limit_s` is the sum of the modem's answers and of `pppd`'s stop and start: no scan with the same commands is quicker.
//! The rest is the state machine's own: quiet times, settling of a signal, pauses, second tries, time-outs.

use std::time::Duration;

use cellscan_core::at::dialogue::{LULL, LULL_AFTER_OK};
use cellscan_core::carrier::{Carriers, Plmn, Remembered};
use cellscan_core::scan::scanner::REMEMBERED_MAX;
use cellscan_core::scan::{Event, Outcome, Policy, Report, Strategy};
use cellscan_core::time::{Instant, Span};
use cellscan_sim::check::SCAN_TIME_MAX;
use cellscan_sim::machine::{MachineProfile, RunsvProfile, Supervision};
use cellscan_sim::modem::recorded::{Assumption, Recorded, RecordedNetwork, Times};
use cellscan_sim::modem::{ModemEvent, ModemLog};
use cellscan_sim::pppd::{PppdProfile, PppdTerm};
use cellscan_sim::scenario::Scenario;
use cellscan_sim::world::{Told, World};

use crate::import::event::Millis;

use super::habits::{Habits, Kind};
use super::regret::Lasting;
use super::scans::{Listed, Scan};

/// The level at which `good_enough` ends the trials, in dBm: as in `scan --strategy good-enough`.
pub const GOOD_ENOUGH_DBM: i16 = -75;

/// The strategy of the scan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the words of `Strategy`")]
pub enum Alternative {
    Full,
    GoodEnough,
    Adaptive,
    Quick,
}

impl Alternative {
    /// All strategies.
    pub const ALL: [Self; 4] = [Self::Full, Self::GoodEnough, Self::Adaptive, Self::Quick];

    /// The stable word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::GoodEnough => "good_enough",
            Self::Adaptive => "adaptive",
            Self::Quick => "quick",
        }
    }

    const fn strategy(self) -> Strategy {
        match self {
            Self::Full => Strategy::Full,
            Self::GoodEnough => Strategy::GoodEnough(GOOD_ENOUGH_DBM),
            Self::Adaptive => Strategy::Adaptive(GOOD_ENOUGH_DBM),
            Self::Quick => Strategy::Quick,
        }
    }
}

/// What the state machine would have done.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIf {
    /// The strategy.
    pub alternative: Alternative,
    /// Assumptions about facts that the record does not show.
    pub assumed: Vec<String>,
    /// The run; `None`: the record shows too little of the modem.
    pub run: Option<Run>,
    /// The dB by which the chosen carrier was below the best; `None`: none was chosen, or the record has no value of it.
    pub regret_db: Option<u16>,
    /// The same of the carrier that the recorded scan chose.
    pub recorded_regret_db: Option<u16>,
}

/// A scan in a simulated world made from a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The report of the scan.
    pub report: Report,
    /// The carriers.
    pub carriers: Carriers,
    /// The sum of the modem's and `pppd`'s own times.
    pub limit: Option<Limit>,
    /// The events of the scan, with times from the request.
    pub told: Vec<(Duration, Event)>,
    /// The dialogue, with times from the request.
    pub dialogue: Vec<(Duration, ModemEvent)>,
}

/// The lower limit of the outage.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limit {
    /// `pppd`'s own stop.
    pub stop: Duration,
    /// The modem's answers.
    pub modem: Duration,
    /// The silence around the first `AT` after each opening of the port, without which the line is not known to be quiet.
    pub line: Duration,
    /// Until the signal of the chosen carrier can be read again.
    pub confirm: Duration,
    /// `pppd`'s own start.
    pub start: Duration,
}

impl Limit {
    /// The sum.
    #[must_use]
    pub const fn total(&self) -> Duration {
        let dialogue = self.modem.saturating_add(self.line).saturating_add(self.confirm);
        self.stop.saturating_add(dialogue).saturating_add(self.start)
    }
}

/// What the state machine would have done with each strategy. `others`: the scans of the same log, for facts that this one
/// does not show.
#[must_use]
pub fn ask(scan: &Scan, others: &[Scan], habits: &Habits) -> Vec<WhatIf> {
    let mut notes = Vec::new();
    let from = listing(scan, others);
    let operators = from.and_then(|from| from.operators.as_deref()).unwrap_or_default();
    let lasting = Lasting::of(operators, habits, (scan.line, scan.last_line));
    let recorded_regret_db = scan.selected.as_deref().and_then(|plmn| lasting.regret_db(plmn));
    let recorded = recorded(scan, from, habits, &mut notes);
    let pppd = pppd(scan, &mut notes);
    Alternative::ALL
        .into_iter()
        .map(|alternative| {
            let mut assumed = notes.clone();
            let Some(recorded) = &recorded else {
                return WhatIf { alternative, assumed, run: None, regret_db: None, recorded_regret_db };
            };
            let (modem, more) = recorded.profile();
            assumed.extend(
                more.iter().filter(|more| concerns(alternative, scan, more)).map(ToString::to_string),
            );
            let remembered = remembered(alternative, scan, &mut assumed);
            let mut policy = Policy { strategy: alternative.strategy(), ..Policy::DEFAULT };
            if scan.link_up.is_none() {
                policy.timeouts.link = Span::ZERO;
            }
            let scenario = Scenario {
                machine: MachineProfile {
                    supervision: Supervision::Runsv(RunsvProfile::default()),
                    pppd: pppd.clone(),
                    ..MachineProfile::default()
                },
                modem,
                policy,
                remembered,
                ..Scenario::default()
            };
            let run = live(scenario, &pppd, scan.link_up.is_some());
            let regret_db = run.report.selected.and_then(|plmn| lasting.regret_db(plmn.as_str()));
            WhatIf { alternative, assumed, run: Some(run), regret_db, recorded_regret_db }
        })
        .collect()
}

/// A quick scan with remembered carriers neither searches nor deregisters; an adaptive one may.
fn concerns(alternative: Alternative, scan: &Scan, assumption: &Assumption) -> bool {
    let searches = alternative != Alternative::Quick || scan.known.is_empty();
    match assumption {
        Assumption::Time { what, .. } => searches || !matches!(*what, "+COPS=2" | "+COPS=?"),
        Assumption::NeverTried(plmn)
        | Assumption::GivenUp { plmn, .. }
        | Assumption::Signal { plmn, .. }
        | Assumption::Lasting(plmn) => searches || scan.known.contains(plmn),
        Assumption::Before | Assumption::Domains | Assumption::Cesq | Assumption::Registration => true,
    }
}

fn remembered(alternative: Alternative, scan: &Scan, assumed: &mut Vec<String>) -> Vec<Remembered> {
    if !matches!(alternative, Alternative::Quick | Alternative::Adaptive) {
        return Vec::new();
    }
    let known: Vec<Plmn> = scan.known.iter().filter_map(|plmn| Plmn::parse(plmn.as_bytes()).ok()).collect();
    let surplus = known.len().saturating_sub(REMEMBERED_MAX);
    if known.is_empty() {
        assumed.push("the record shows no carrier known before the scan: the network is searched".to_owned());
    }
    known.into_iter().skip(surplus).map(Remembered::from).collect()
}

fn pppd(scan: &Scan, assumed: &mut Vec<String>) -> PppdProfile {
    let default = PppdProfile::default();
    let stop = scan.is_down.zip(scan.asked_down).and_then(|(down, asked)| not_negative(down - asked));
    let term = stop.map_or_else(
        || {
            assumed.push(
                "the record does not show when the service was down: assumed 300 ms after the request"
                    .to_owned(),
            );
            default.term
        },
        PppdTerm::Ends,
    );
    let link = scan.link_up.zip(scan.asked_up).and_then(|(link, asked)| not_negative(link - asked));
    if link.is_none() {
        assumed.push(
            "the record does not show the link coming up: both outages end with the service given back"
                .to_owned(),
        );
    }
    let link_after_ms =
        link.map_or(default.link_after_ms, |link| link.saturating_sub(default.opens_after_ms));
    PppdProfile { term, link_after_ms, ..default }
}

/// The scan with a list of operators: this one, else the nearest.
fn listing<'a>(scan: &'a Scan, others: &'a [Scan]) -> Option<&'a Scan> {
    let nearest = || {
        let with_list = others.iter().filter(|other| other.operators.is_some() && other.line != scan.line);
        with_list.min_by_key(|other| other.line.abs_diff(scan.line))
    };
    if scan.operators.is_some() { Some(scan) } else { nearest() }
}

fn recorded(
    scan: &Scan,
    listing: Option<&Scan>,
    habits: &Habits,
    notes: &mut Vec<String>,
) -> Option<Recorded> {
    let lines = (scan.line, scan.last_line);
    let Some((from, operators)) = listing.and_then(|from| Some((from, from.operators.as_ref()?))) else {
        notes.push("the record has no list of operators: the modem's answer is unknown".to_owned());
        return None;
    };
    if from.line != scan.line {
        notes.push(format!("no list came in this scan: that of the scan at line {}, in its time", from.line));
    }
    let networks = operators.iter().filter_map(|listed| network(listed, habits, lines, notes)).collect();
    let times = Times {
        attention: habits.time(Kind::Attention),
        settings: habits.time(Kind::Settings),
        read: habits.time(Kind::Read),
        signal: habits.time(Kind::Signal),
        deregister: own_time(scan, "AT+COPS=2").or_else(|| habits.time(Kind::Deregister)),
        automatic: habits.time(Kind::Automatic),
        search: from.search.and_then(not_negative),
        reselect: habits.time(Kind::Reselect),
        after_selection: habits.time(Kind::AfterSelection),
        after_stop: after_stop(scan),
    };
    Some(Recorded {
        networks,
        list_trailer: None,
        before: scan.before.clone(),
        echo: habits.echo(),
        times,
        cesq: habits.cesq(),
        domains: habits.domains(),
    })
}

/// The host waited for an echo that comes later than this after its command.
const ECHO_SLOW: Millis = 300;

/// From the end of `pppd` to the first echo, where that was late: the modem was busy with the end of the call.
fn after_stop(scan: &Scan) -> Option<u64> {
    let down = scan.is_down?;
    let first = scan.turns.iter().find(|turn| turn.at.is_some_and(|at| at >= down))?;
    let echoed = first.echoed_at.filter(|echoed| *echoed > first.at.unwrap_or(*echoed) + ECHO_SLOW)?;
    not_negative(echoed - down)
}

/// The modem's time for a command of this scan, from its echo where that was late.
fn own_time(scan: &Scan, command: &str) -> Option<u64> {
    let turn = scan.turns.iter().find(|turn| turn.is(command) && turn.is_ok() && !turn.late)?;
    let waited = turn.echoed_at.zip(turn.at).map_or(0, |(echoed, at)| echoed - at);
    not_negative(turn.took()? - if waited > ECHO_SLOW { waited } else { 0 })
}

fn network(
    listed: &Listed,
    habits: &Habits,
    lines: (u64, u64),
    notes: &mut Vec<String>,
) -> Option<RecordedNetwork> {
    let plmn = listed.plmn.clone()?;
    let selection = habits.selection(&plmn, lines);
    let signal = habits.signal(&plmn, lines);
    let mut elsewhere = |what: &str, line: u64| {
        let note = format!("{plmn}: its {what} is that of line {line}");
        if listed.stat != 3 && !(lines.0..=lines.1).contains(&line) && !notes.contains(&note) {
            notes.push(note);
        }
    };
    if let Some(selection) = selection {
        elsewhere("answer", selection.line);
    }
    if let Some((line, _)) = signal {
        elsewhere("signal", line);
    }
    Some(RecordedNetwork {
        long: listed.long.clone(),
        short: listed.short.clone(),
        act: listed.act,
        stat: listed.stat,
        rssi: signal.map(|(_, rssi)| rssi),
        later: habits.later_signal(&plmn, lines).map(|(_, rssi)| rssi),
        selection: selection.map(|selection| selection.came),
        plmn,
    })
}

fn not_negative(span: Millis) -> Option<u64> {
    u64::try_from(span).ok()
}

fn live(scenario: Scenario, pppd: &PppdProfile, link: bool) -> Run {
    let origin = Instant::ZERO + scenario.asked_after;
    let mut world = World::new(scenario);
    world.run_scan(SCAN_TIME_MAX);
    let record = world.record();
    let since = |at: Instant| at.duration_since(origin);
    let asked: Vec<&ModemLog> = record.modem.iter().filter(|entry| entry.at >= origin).collect();
    let stop = match pppd.term {
        PppdTerm::Ends(ms) | PppdTerm::FirstLost(ms) => Duration::from_millis(ms),
        PppdTerm::Ignored => Duration::ZERO,
    };
    let came_up = record.report.link == Some(true) && link;
    let start = Duration::from_millis(pppd.opens_after_ms + pppd.link_after_ms);
    let openings = asked.iter().map(|entry| u32::from(entry.what == ModemEvent::Opened)).sum::<u32>();
    let limit = record.report.outage.map(|_| Limit {
        stop,
        modem: own_time_of_modem(&asked),
        line: openings * Duration::from(LULL + LULL_AFTER_OK),
        confirm: waited_to_confirm(&record.told, &asked),
        start: if came_up { start } else { Duration::ZERO },
    });
    Run {
        limit,
        told: record.told.iter().map(|Told { at, event }| (since(*at), *event)).collect(),
        dialogue: asked.into_iter().map(|entry| (since(entry.at), entry.what.clone())).collect(),
        report: record.report,
        carriers: record.carriers,
    }
}

/// Longer than any other pause in a trial: those of settling and of polling are half as long.
const LASTS: Duration = Duration::from_secs(1);

/// The time in which a scan waits until the signal of a carrier is no first impression, and the modem does nothing: before each
/// second reading the longest pause between an answer and a command since the carrier was selected.
fn waited_to_confirm(told: &[Told], log: &[&ModemLog]) -> Duration {
    let mut total = Duration::ZERO;
    let mut chosen = Instant::ZERO;
    for Told { at, event } in told {
        if let Event::Selected(_) | Event::TrialBegins(_) = event {
            chosen = *at;
        } else if let Event::Confirmed(_) | Event::TrialEnded(_) = event {
            let since = log.iter().filter(|entry| (chosen..=*at).contains(&entry.at));
            let (mut longest, mut answered) = (Duration::ZERO, None);
            for entry in since {
                if let ModemEvent::Sent(_) = entry.what {
                    answered = Some(entry.at);
                } else if let (ModemEvent::Received(_), Some(answered)) = (&entry.what, answered) {
                    longest = longest.max(entry.at.duration_since(answered));
                }
            }
            if matches!(event, Event::Confirmed(_)) || longest >= LASTS {
                total += longest;
            }
        }
    }
    total
}

/// The sum of the times from each command to the last byte of its answer.
fn own_time_of_modem(log: &[&ModemLog]) -> Duration {
    let mut total = Duration::ZERO;
    let mut command: Option<(Instant, Instant)> = None;
    for entry in log {
        match &entry.what {
            ModemEvent::Received(_) => {
                total += command.map_or(Duration::ZERO, |(from, to)| to.duration_since(from));
                command = Some((entry.at, entry.at));
            }
            ModemEvent::Sent(_) => {
                if let Some((_, to)) = &mut command {
                    *to = entry.at;
                }
            }
            ModemEvent::Opened
            | ModemEvent::Closed
            | ModemEvent::Ignored(_)
            | ModemEvent::Aborted
            | ModemEvent::DataMode(_)
            | ModemEvent::Registered(_)
            | ModemEvent::Fault(_) => {}
        }
    }
    total + command.map_or(Duration::ZERO, |(from, to)| to.duration_since(from))
}

/// The outcome in one word.
#[must_use]
pub const fn outcome(report: &Report) -> &'static str {
    match report.outcome {
        Some(Outcome::Complete) => "complete",
        Some(Outcome::Failed(_)) => "failed",
        None => "unfinished",
    }
}
