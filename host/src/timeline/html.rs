//! One self-contained file: no network, no build step. The template escapes all text of the log.

use askama::Template;

use crate::import::event::Millis;
use crate::replay::analysis::Analysis;
use crate::replay::findings::Kind;
use crate::replay::scans::{self, Scan, Tried};
use crate::replay::text::{clock, compared, signal, span};
use crate::replay::turns::Turn;
use crate::replay::what_if::{self, Alternative, WhatIf};
use crate::report::words;
use crate::spans::millis;

use super::lanes::{Class, Lane, Timeline};
use super::terminal::tick;

/// Height of a lane and of the axis, in pixels.
const LANE: usize = 26;
const AXIS: usize = 24;
/// Largest number of marks on the axis.
const TICKS: usize = 12;
/// Largest number of lines shown of an answer.
const ANSWER_SHOWN: usize = 12;
/// Largest number of scans in one page.
pub const SCANS_MAX: usize = 50;

#[derive(Template)]
#[template(path = "timeline.html")]
struct Page<'a> {
    source: &'a str,
    format: &'static str,
    lines: u64,
    unread: u64,
    unread_lines: String,
    left_out: usize,
    problems: Vec<Problem>,
    scans: Vec<Section<'a>>,
    /// What all scans assume, each once.
    assumed: Vec<String>,
}

/// All findings of one kind.
struct Problem {
    title: &'static str,
    name: &'static str,
    why: &'static str,
    count: u64,
    places: Vec<Place>,
}

/// One finding; `target`: what shows it in this page.
struct Place {
    line: u64,
    detail: String,
    target: Option<String>,
}

/// A carrier of a scan.
struct CarrierRow {
    plmn: String,
    name: String,
    outcome: &'static str,
    class: &'static str,
    signal: String,
    took: String,
    selected: bool,
}

struct Section<'a> {
    number: usize,
    line: u64,
    started: String,
    outcome: &'static str,
    good: bool,
    selected: &'a str,
    facts: Vec<(&'static str, String)>,
    height: usize,
    axis: usize,
    rows: Vec<Row>,
    ticks: Vec<Tick>,
    dialogue: Vec<Said>,
    carriers: Vec<CarrierRow>,
    saved: Vec<Saved>,
}

struct Row {
    name: String,
    title: bool,
    y: usize,
    text_y: usize,
    height: usize,
    bars: Vec<Bar>,
    marks: Vec<Bar>,
}

struct Bar {
    x: String,
    width: String,
    class: &'static str,
    label: String,
    hint: String,
    line: Option<u64>,
}

struct Tick {
    x: String,
    label: String,
}

struct Said {
    line: u64,
    at: String,
    command: String,
    result: String,
    class: &'static str,
    took: String,
    answer: Vec<String>,
}

struct Saved {
    way: &'static str,
    outcome: &'static str,
    selected: String,
    outage: String,
    won: String,
    limit: String,
}

/// The page of a log, with the what-ifs of each of its scans.
///
/// # Errors
/// The template could not be rendered, for which lack of memory is the only cause.
pub fn page(source: &str, analysis: &Analysis, what_ifs: &[Vec<WhatIf>]) -> Result<String, askama::Error> {
    let shown = analysis.scans.len().min(SCANS_MAX);
    let scans = analysis.scans.iter().zip(what_ifs).take(shown).enumerate();
    let mut assumed: Vec<String> = Vec::new();
    for note in what_ifs.iter().take(shown).flatten().flat_map(|what_if| &what_if.assumed) {
        if !assumed.contains(note) {
            assumed.push(note.clone());
        }
    }
    let page = Page {
        source,
        format: analysis.format.name(),
        lines: analysis.lines,
        unread: analysis.skipped.total(),
        unread_lines: analysis.skipped.ranges(),
        left_out: analysis.scans.len() - shown,
        problems: problems(analysis, shown),
        scans: scans.map(|(index, (scan, what_ifs))| section(index, scan, what_ifs)).collect(),
        assumed,
    };
    page.render()
}

/// What went wrong, in a scan or outside of any.
fn problems(analysis: &Analysis, shown: usize) -> Vec<Problem> {
    let scans = || analysis.scans.iter().take(shown).enumerate();
    let target = |line: u64| {
        let (index, scan) = scans().find(|(_, scan)| (scan.line..=scan.last_line).contains(&line))?;
        let is_turn = scan.turns.iter().any(|turn| turn.line == line);
        let number = index + 1;
        Some(if is_turn { format!("s{number}l{line}") } else { format!("scan{number}") })
    };
    let of_kind = |(kind, count): (&Kind, &u64)| Problem {
        title: kind.title(),
        name: kind.name(),
        why: kind.why(),
        count: *count,
        places: analysis
            .findings
            .iter()
            .filter(|finding| finding.kind == *kind)
            .map(|finding| Place {
                line: finding.line,
                detail: words::shown(&finding.detail),
                target: target(finding.line),
            })
            .collect(),
    };
    analysis.finding_counts.iter().map(of_kind).collect()
}

fn section<'a>(index: usize, scan: &'a Scan, what_ifs: &[WhatIf]) -> Section<'a> {
    let timeline = Timeline::new(scan, what_ifs);
    let rows = rows(&timeline);
    Section {
        number: index + 1,
        line: scan.line,
        started: clock(scan.started),
        outcome: scan.outcome.name(),
        good: scan.outcome.name() == "complete",
        selected: scan.selected.as_deref().unwrap_or("none"),
        facts: facts(scan),
        height: AXIS + rows.len() * LANE,
        axis: AXIS,
        rows,
        ticks: ticks(&timeline),
        dialogue: scan.turns.iter().map(|turn| said(scan, turn)).collect(),
        carriers: scan.trials.iter().map(|trial| carrier(scan, trial)).collect(),
        saved: what_ifs.iter().map(|what_if| saved(scan, what_if)).collect(),
    }
}

fn carrier(scan: &Scan, trial: &scans::Trial) -> CarrierRow {
    let (outcome, class) = match trial.outcome {
        Tried::Registered => ("registered", Class::Good),
        Tried::Refused => ("refused", Class::Bad),
        Tried::TimedOut => ("not in time", Class::Bad),
        Tried::Skipped => ("not tried", Class::Doubtful),
    };
    let plmn = trial.plmn.clone().unwrap_or_default();
    CarrierRow {
        selected: !plmn.is_empty() && scan.selected.as_deref() == Some(plmn.as_str()),
        name: words::shown(&trial.name),
        outcome,
        class: class.name(),
        signal: trial.signal.map(signal).unwrap_or_default(),
        took: trial.took().filter(|_| trial.outcome != Tried::Skipped).map(span).unwrap_or_default(),
        plmn: words::shown(&plmn),
    }
}

fn facts(scan: &Scan) -> Vec<(&'static str, String)> {
    let trials = scan.trials.iter().filter_map(scans::Trial::took).sum::<Millis>();
    [
        ("link away", scan.outage()),
        ("until the port was free", scan.stop()),
        ("search", scan.search),
        ("trials", Some(trials).filter(|trials| *trials > 0)),
        ("link after up", scan.link_up.zip(scan.asked_up).map(|(link, up)| link - up)),
    ]
    .into_iter()
    .filter_map(|(name, took)| Some((name, span(took?))))
    .collect()
}

/// A position on the axis, in percent.
fn percent(timeline: &Timeline, at: Millis) -> String {
    let whole = (timeline.to - timeline.from).max(1);
    let part = (at - timeline.from).clamp(0, whole).saturating_mul(100_000) / whole;
    format!("{}.{:03}%", part / 1_000, part % 1_000)
}

fn width(timeline: &Timeline, from: Millis, to: Millis) -> String {
    percent(timeline, timeline.from + (to - from))
}

fn rows(timeline: &Timeline) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |name: String, lane: Option<&Lane>| {
        let y = AXIS + rows.len() * LANE;
        let (bars, marks) = lane.map(|lane| bars(timeline, lane)).unwrap_or_default();
        rows.push(Row {
            name,
            title: lane.is_none(),
            y: y + 3,
            text_y: y + LANE - 9,
            height: LANE - 6,
            bars,
            marks,
        });
    };
    for lane in &timeline.recorded {
        add(lane.name.to_owned(), Some(lane));
    }
    for (title, lanes) in &timeline.would_be {
        add(format!("what if: {title}"), None);
        for lane in lanes {
            add(lane.name.to_owned(), Some(lane));
        }
    }
    rows
}

fn bars(timeline: &Timeline, lane: &Lane) -> (Vec<Bar>, Vec<Bar>) {
    let hint = |from: Millis, to: Millis, label: &str| {
        let at = span(from);
        if to > from {
            format!("{label}: {}, from {at}", span(to - from))
        } else {
            format!("{label}: at {at}")
        }
    };
    let spans = lane.spans.iter().map(|bar| Bar {
        x: percent(timeline, bar.from),
        width: width(timeline, bar.from, bar.to),
        class: bar.class.name(),
        hint: hint(bar.from, bar.to, &words::shown(&bar.label)),
        label: words::shown(&bar.label),
        line: bar.line,
    });
    let marks = lane.marks.iter().map(|mark| Bar {
        x: percent(timeline, mark.at),
        width: String::new(),
        class: mark.class.name(),
        hint: hint(mark.at, mark.at, &words::shown(&mark.label)),
        label: words::shown(&mark.label),
        line: mark.line,
    });
    (spans.collect(), marks.collect())
}

fn ticks(timeline: &Timeline) -> Vec<Tick> {
    let step = tick(timeline, TICKS);
    let mut ticks = Vec::new();
    let mut at = 0;
    while at <= timeline.to {
        ticks.push(Tick { x: percent(timeline, at), label: format!("{} s", at / 1_000) });
        at += step;
    }
    ticks
}

fn said(scan: &Scan, turn: &Turn) -> Said {
    let class = match turn.result.as_deref() {
        _ if turn.late => Class::Doubtful,
        Some("OK" | "CONNECT") => Class::Good,
        Some("TIMEOUT") | None => Class::Doubtful,
        Some(_) => Class::Bad,
    };
    let late = if turn.late { ", late" } else { "" };
    Said {
        line: turn.line,
        at: turn.at.map(|at| span(at - scan.started)).unwrap_or_default(),
        command: words::shown(turn.command.as_deref().unwrap_or("(no command)")),
        result: format!("{}{late}", words::shown(turn.result.as_deref().unwrap_or("(no result)"))),
        class: class.name(),
        took: turn.took().map(span).unwrap_or_default(),
        answer: turn.answer.iter().take(ANSWER_SHOWN).map(|line| words::shown(line)).collect(),
    }
}

fn saved(scan: &Scan, what_if: &WhatIf) -> Saved {
    let report = what_if.run.as_ref().map(|run| &run.report);
    let outage = report.and_then(|report| report.outage);
    let millis = outage.map(millis);
    let limit = what_if.run.as_ref().and_then(|run| run.limit);
    Saved {
        way: match what_if.alternative {
            Alternative::Full => "all carriers",
            Alternative::GoodEnough => "the first good one",
            Alternative::Adaptive => "known carriers first",
            Alternative::Quick => "known carriers only",
        },
        outcome: report.map_or("unknown", what_if::outcome),
        selected: report.and_then(|report| report.selected).map(|plmn| plmn.to_string()).unwrap_or_default(),
        outage: outage.map(words::span).unwrap_or_default(),
        won: scan.outage().zip(millis).map(|(was, is)| compared(was, is)).unwrap_or_default(),
        limit: limit.map(|limit| words::span(limit.total())).unwrap_or_default(),
    }
}
