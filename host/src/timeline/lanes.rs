//! Lanes with spans and marks.

use cellscan_core::at::current::{CurrentOperator, Operator};
use cellscan_core::scan::Event;
use cellscan_sim::modem::ModemEvent;

use crate::import::event::Millis;
use crate::replay::scans::{Moment, Scan, Tried, selected_plmn};
use crate::replay::text::{signal, span as for_people};
use crate::replay::turns::{TIMEOUT, Turn};
use crate::replay::what_if::{Run, WhatIf};
use crate::report::words;
use crate::spans::millis;

/// Time shown before the scan.
const MARGIN: Millis = 2_000;

/// The meaning of a span or a mark, for its colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// As it should be: up, registered, answered.
    Good,
    /// Refused, failed, gone.
    Bad,
    /// Late, given up, in between.
    Doubtful,
    /// Away, down, no carrier.
    Away,
    /// The search.
    Search,
    /// The scan has the port.
    Scan,
}

impl Class {
    /// The name of its colour.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Doubtful => "doubtful",
            Self::Away => "away",
            Self::Search => "search",
            Self::Scan => "scan",
        }
    }
}

/// A span. Times are milliseconds from the beginning of the scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its beginning.
    pub from: Millis,
    /// Its end.
    pub to: Millis,
    /// Its colour.
    pub class: Class,
    /// Its label.
    pub label: String,
    /// The line of the log, where there is one.
    pub line: Option<u64>,
}

/// A moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The time.
    pub at: Millis,
    /// Its colour.
    pub class: Class,
    /// The label.
    pub label: String,
    /// The line of the log, where there is one.
    pub line: Option<u64>,
}

/// One lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Its name.
    pub name: &'static str,
    /// The spans, in order.
    pub spans: Vec<Span>,
    /// The marks, in order.
    pub marks: Vec<Mark>,
}

impl Lane {
    const fn new(name: &'static str) -> Self {
        Self { name, spans: Vec::new(), marks: Vec::new() }
    }

    fn span(&mut self, from: Millis, to: Millis, class: Class, label: impl Into<String>, line: Option<u64>) {
        if to >= from {
            self.spans.push(Span { from, to, class, label: label.into(), line });
        }
    }
}

/// A scan and its what-ifs.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// The beginning of the axis.
    pub from: Millis,
    /// The end of the axis.
    pub to: Millis,
    /// The recorded scan.
    pub recorded: Vec<Lane>,
    /// The what-ifs: a title, and its lanes.
    pub would_be: Vec<(String, Vec<Lane>)>,
}

impl Timeline {
    /// The timeline of one scan.
    #[must_use]
    pub fn new(scan: &Scan, what_ifs: &[WhatIf]) -> Self {
        let end = scan.end() - scan.started;
        let away = |what_if: &WhatIf| Some(millis(what_if.run.as_ref()?.report.outage?));
        let longest = what_ifs.iter().filter_map(away).max().unwrap_or(0);
        // After the end there is room for its labels.
        let (from, to) = (-MARGIN, end.max(longest) + MARGIN.max(end.max(longest) / 8));
        let recorded = vec![
            service(scan, from, to),
            port(scan, from, to),
            at(scan),
            steps(scan),
            registration(scan, to),
            link(scan, from, to),
        ];
        let would_be = what_ifs
            .iter()
            .filter_map(|what_if| {
                let run = what_if.run.as_ref()?;
                let outage = run
                    .report
                    .outage
                    .map_or_else(String::new, |outage| format!(", link away for {}", words::span(outage)));
                let title = format!("{}{outage}", what_if.alternative.name());
                Some((title, vec![would_be_steps(run), would_be_dialogue(run), would_be_link(run, from, to)]))
            })
            .collect();
        Self { from, to, recorded, would_be }
    }
}

fn since(scan: &Scan, at: Option<Millis>) -> Option<Millis> {
    Some(at? - scan.started)
}

fn service(scan: &Scan, from: Millis, to: Millis) -> Lane {
    let mut lane = Lane::new("service");
    let asked = since(scan, scan.asked_down).unwrap_or(0);
    let down = since(scan, scan.is_down.or(scan.port_free));
    let up = since(scan, scan.asked_up);
    lane.span(from, asked, Class::Good, "up", None);
    lane.span(asked, down.unwrap_or(asked), Class::Doubtful, "asked for down", None);
    lane.span(down.unwrap_or(asked), up.unwrap_or(to), Class::Away, "down", None);
    if let Some(up) = up {
        lane.span(up, to, Class::Good, "sv up", None);
    }
    for mark in &scan.marks {
        let (class, label) = match &mark.what {
            Moment::AskedDown => (Class::Doubtful, "sv down".to_owned()),
            Moment::AskedUp => (Class::Good, "sv up".to_owned()),
            Moment::Pppd(what) => (Class::Bad, format!("pppd: {what:?}")),
            Moment::SupervisorKilled => (Class::Bad, "runsv killed".to_owned()),
            Moment::PortGone => (Class::Bad, "port gone".to_owned()),
            Moment::State(_)
            | Moment::IsDown
            | Moment::PortFree
            | Moment::LinkUp
            | Moment::LinkLate
            | Moment::Complete
            | Moment::Failed => continue,
        };
        lane.marks.push(Mark { at: mark.at - scan.started, class, label, line: Some(mark.line) });
    }
    lane
}

fn port(scan: &Scan, from: Millis, to: Millis) -> Lane {
    let mut lane = Lane::new("port");
    let free = since(scan, scan.port_free.or(scan.is_down));
    let up = since(scan, scan.asked_up);
    lane.span(from, free.unwrap_or(to), Class::Good, "pppd", None);
    if let Some(free) = free {
        lane.span(free, up.unwrap_or(to), Class::Scan, "the scan", None);
    }
    if let (Some(_), Some(up)) = (free, up) {
        lane.span(up, to, Class::Good, "pppd", None);
    }
    lane
}

fn at(scan: &Scan) -> Lane {
    let mut lane = Lane::new("AT");
    for turn in &scan.turns {
        let Some(from) = since(scan, turn.at) else { continue };
        let to = since(scan, turn.ended).unwrap_or(from);
        lane.span(from, to, class_of(turn), label_of(turn), Some(turn.line));
    }
    lane
}

fn class_of(turn: &Turn) -> Class {
    match turn.result.as_deref() {
        _ if turn.late => Class::Doubtful,
        Some("OK" | "CONNECT") => Class::Good,
        Some(TIMEOUT) | None => Class::Doubtful,
        Some(_) => Class::Bad,
    }
}

fn label_of(turn: &Turn) -> String {
    let command = turn.command.as_deref().unwrap_or("(no command)");
    let late = if turn.late { ", late" } else { "" };
    format!("{command} → {}{late}", turn.result.as_deref().unwrap_or("(no result)"))
}

/// The lane of search, trials and choice.
fn steps(scan: &Scan) -> Lane {
    let mut lane = Lane::new("scan");
    if let Some(turn) = scan.turns.iter().find(|turn| turn.is("AT+COPS=?"))
        && let Some(from) = since(scan, turn.at)
    {
        let to = since(scan, turn.ended).unwrap_or(from);
        lane.span(from, to, Class::Search, format!("search {}", for_people(to - from)), Some(turn.line));
    }
    let mut tried: Vec<&str> = Vec::new();
    for trial in &scan.trials {
        let (Some(from), Some(to)) = (since(scan, trial.began), since(scan, trial.ended)) else { continue };
        let plmn = trial.plmn.as_deref().unwrap_or_default();
        let again = if plmn.is_empty() || !tried.contains(&plmn) { "" } else { ", tried before" };
        tried.push(plmn);
        let class = match trial.outcome {
            Tried::Registered if again.is_empty() => Class::Good,
            Tried::Registered | Tried::Skipped => Class::Doubtful,
            Tried::Refused | Tried::TimedOut => Class::Bad,
        };
        let signal = trial.signal.map(|rssi| format!(", {}", signal(rssi))).unwrap_or_default();
        let label = format!("{} {plmn} {}{signal}{again}", trial.name, trial.outcome.name());
        lane.span(from, to, class, label.trim(), Some(trial.line));
    }
    for mark in &scan.marks {
        let (class, label) = match &mark.what {
            Moment::Complete => (Class::Good, "complete"),
            Moment::Failed => (Class::Bad, "failed"),
            Moment::State(_)
            | Moment::AskedDown
            | Moment::IsDown
            | Moment::PortFree
            | Moment::AskedUp
            | Moment::LinkUp
            | Moment::LinkLate
            | Moment::Pppd(_)
            | Moment::SupervisorKilled
            | Moment::PortGone => continue,
        };
        lane.marks.push(Mark {
            at: mark.at - scan.started,
            class,
            label: label.to_owned(),
            line: Some(mark.line),
        });
    }
    if let (Some(selected), Some(at)) =
        (&scan.selected, scan.trials.iter().filter_map(|trial| trial.ended).max())
    {
        let label = format!("selected {selected}");
        lane.marks.push(Mark {
            at: at - scan.started,
            class: Class::Good,
            label,
            line: Some(scan.selected_line),
        });
    }
    lane
}

/// The lane of the registration, as far as the answers show it.
fn registration(scan: &Scan, end: Millis) -> Lane {
    let mut lane = Lane::new("registered");
    let mut on: Option<(String, Millis, Option<u64>)> =
        scan.before.as_ref().map(|(plmn, _)| (plmn.clone(), -MARGIN, None));
    for turn in &scan.turns {
        let Some(command) = turn.command.as_deref() else { continue };
        let (began, ended) = (since(scan, turn.at).unwrap_or(0), since(scan, turn.ended));
        let read = turn.answer.iter().find_map(|line| CurrentOperator::parse(line.as_bytes()));
        let selects = selected_plmn(command);
        let leaves = command == "AT+COPS=2" || selects.is_some();
        if let Some((plmn, from, line)) = on.take_if(|(plmn, ..)| leaves && selects != Some(plmn)) {
            lane.span(from, began, Class::Good, plmn, line);
        }
        let now = match (selects, read.and_then(|read| read.operator)) {
            (Some(plmn), _) if turn.is_ok() => Some(plmn.to_owned()),
            (None, Some(Operator::Plmn(plmn))) if turn.is("AT+COPS?") => Some(plmn.as_str().to_owned()),
            _ => None,
        };
        if let (Some(now), Some(ended)) = (now, ended)
            && on.as_ref().is_none_or(|(plmn, ..)| *plmn != now)
        {
            if let Some((plmn, from, line)) = on.take() {
                lane.span(from, ended, Class::Good, plmn, line);
            }
            on = Some((now, ended, Some(turn.line)));
        }
    }
    if let Some((plmn, from, line)) = on {
        lane.span(from, end, Class::Good, plmn, line);
    }
    lane
}

fn link(scan: &Scan, from: Millis, to: Millis) -> Lane {
    let mut lane = Lane::new("link");
    let asked = since(scan, scan.asked_down).unwrap_or(0);
    let up = since(scan, scan.link_up);
    lane.span(from, asked, Class::Good, "up", None);
    let back = since(scan, scan.link_up.or(scan.asked_up));
    let away =
        scan.outage().map_or_else(|| "away".to_owned(), |outage| format!("away for {}", for_people(outage)));
    lane.span(asked, back.unwrap_or(to), Class::Away, away, None);
    match (up, back) {
        (Some(up), _) => lane.span(up, to, Class::Good, "up", None),
        (None, Some(back)) => lane.span(back, to, Class::Doubtful, "not seen to come up", None),
        (None, None) => {}
    }
    lane
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the list may grow, and only these have a place in the lane"
)]
fn would_be_steps(run: &Run) -> Lane {
    let mut lane = Lane::new("scan");
    let mut trial: Option<(Millis, String)> = None;
    for (at, event) in &run.told {
        let at = millis(*at);
        match event {
            Event::Down(after) => lane.span(at - millis(*after), at, Class::Doubtful, "asked for down", None),
            Event::Listed { took, .. } => {
                lane.span(
                    at - millis(*took),
                    at,
                    Class::Search,
                    format!("search {}", words::span(*took)),
                    None,
                );
            }
            Event::TrialBegins(plmn) => trial = Some((at, plmn.to_string())),
            Event::TrialEnded(plmn) => {
                if let Some((from, digits)) = trial.take() {
                    let carrier = run.carriers.iter().find(|carrier| carrier.plmn == *plmn);
                    let outcome = carrier.map_or("", |carrier| words::trial(carrier.trial));
                    let class = if outcome == "registered" { Class::Good } else { Class::Bad };
                    let name = carrier.map(|carrier| carrier.name.as_str().to_owned()).unwrap_or_default();
                    lane.span(from, at, class, format!("{name} {digits} {outcome}").trim().to_owned(), None);
                }
            }
            Event::Selected(plmn) => {
                lane.marks.push(Mark {
                    at,
                    class: Class::Good,
                    label: format!("selected {plmn}"),
                    line: None,
                });
            }
            Event::GivenBack => {
                lane.marks.push(Mark { at, class: Class::Good, label: "given back".to_owned(), line: None });
            }
            _ => {}
        }
    }
    lane
}

fn would_be_dialogue(run: &Run) -> Lane {
    let mut lane = Lane::new("AT");
    let mut open: Option<(Millis, String, Millis)> = None;
    for (at, event) in &run.dialogue {
        let at = millis(*at);
        match event {
            ModemEvent::Received(command) => {
                if let Some((from, command, to)) = open.replace((at, command.clone(), at)) {
                    lane.span(from, to, Class::Good, command, None);
                }
            }
            ModemEvent::Sent(bytes) => {
                if let Some((_, _, to)) = &mut open {
                    *to = at;
                }
                let failed = bytes.windows(5).any(|word| word == b"ERROR");
                if let Some((from, command, to)) = open.take_if(|_| failed) {
                    lane.span(from, to, Class::Bad, command, None);
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
    if let Some((from, command, to)) = open {
        lane.span(from, to, Class::Good, command, None);
    }
    lane
}

fn would_be_link(run: &Run, from: Millis, to: Millis) -> Lane {
    let mut lane = Lane::new("link");
    let away = run.report.outage.map(millis);
    lane.span(from, 0, Class::Good, "up", None);
    if let Some(away) = away {
        lane.span(0, away, Class::Away, format!("away for {}", for_people(away)), None);
        lane.span(away, to, Class::Good, "up", None);
    }
    lane
}
