//! Lanes in a terminal: one line each, and a line with the labels of its spans below.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use crate::import::event::Millis;
use crate::report::words;

use super::lanes::{Class, Lane, Timeline};

/// Columns for the names.
const NAME_WIDTH: usize = 12;
/// Smallest number of columns for the lanes: with fewer the spans cannot be told apart.
const LANE_WIDTH_MIN: usize = 20;

const fn style(class: Class) -> Style {
    let color = match class {
        Class::Good => AnsiColor::Green,
        Class::Bad => AnsiColor::Red,
        Class::Doubtful => AnsiColor::Yellow,
        Class::Away => AnsiColor::BrightBlack,
        Class::Search => AnsiColor::Cyan,
        Class::Scan => AnsiColor::Magenta,
    };
    color.on_default()
}

/// The letter drawn without colours.
const fn letter(class: Class) -> char {
    match class {
        Class::Good => '=',
        Class::Bad => 'x',
        Class::Doubtful => '~',
        Class::Away => '.',
        Class::Search => '?',
        Class::Scan => '#',
    }
}

/// Draws the timeline in `columns` columns, with escape sequences for colours, which the caller may strip.
#[must_use]
pub fn draw(timeline: &Timeline, columns: usize) -> String {
    let width = columns.saturating_sub(NAME_WIDTH).max(LANE_WIDTH_MIN);
    let mut text = String::new();
    axis(timeline, width, &mut text);
    for lane in &timeline.recorded {
        lane_line(timeline, lane, width, &mut text);
    }
    for (title, lanes) in &timeline.would_be {
        let _always = writeln!(text, "what if {}", words::shown(title));
        for lane in lanes {
            lane_line(timeline, lane, width, &mut text);
        }
    }
    legend(columns, &mut text);
    text
}

/// The meaning of the letters, on as many lines as it needs.
fn legend(columns: usize, text: &mut String) {
    let mut at = 0;
    for meaning in [
        "= good",
        "x refused or failed",
        "~ late, given up, in between",
        ". away",
        "? search",
        "# the scan has it",
    ] {
        if at > 0 && at + 2 + meaning.len() > columns {
            text.push('\n');
            at = 0;
        } else if at > 0 {
            text.push_str("  ");
            at += 2;
        }
        text.push_str(meaning);
        at += meaning.len();
    }
}

fn column(timeline: &Timeline, at: Millis, width: usize) -> usize {
    let (whole, part) = (timeline.to - timeline.from, at - timeline.from);
    let width_ms = Millis::try_from(width).unwrap_or(Millis::MAX);
    usize::try_from(part.saturating_mul(width_ms) / whole.max(1)).unwrap_or(0).min(width)
}

/// An axis with as many marks as fit.
fn axis(timeline: &Timeline, width: usize, text: &mut String) {
    let step = tick(timeline, width / 10);
    let mut line = vec![' '; width];
    let mut at = 0;
    while at <= timeline.to {
        let label = format!("|{}", at / 1_000);
        let from = column(timeline, at, width);
        // A number that does not fit is left out.
        let label = if from + label.len() > width { String::new() } else { label };
        for (place, character) in line.iter_mut().skip(from).zip(label.chars()) {
            *place = character;
        }
        at += step;
    }
    let line: String = line.into_iter().collect();
    let _always = writeln!(text, "{:<NAME_WIDTH$}{}", "seconds", line.trim_end());
}

/// The distance between two marks of the axis: 1, 2 or 5 times a power of ten seconds, so that there are at most `most`.
#[must_use]
pub fn tick(timeline: &Timeline, most: usize) -> Millis {
    let whole = timeline.to - timeline.from;
    let most = Millis::try_from(most.max(1)).unwrap_or(Millis::MAX);
    let mut step = 1_000;
    while whole / step > most {
        for factor in [2, 5, 10] {
            if whole / (step * factor) <= most {
                return step * factor;
            }
        }
        step *= 10;
    }
    step
}

fn lane_line(timeline: &Timeline, lane: &Lane, width: usize, text: &mut String) {
    let mut cells: Vec<Option<Class>> = vec![None; width];
    for span in &lane.spans {
        let from = column(timeline, span.from, width).min(width - 1);
        let to = column(timeline, span.to, width).clamp(from + 1, width);
        // A worse class is drawn over a better one.
        for cell in &mut cells[from..to] {
            if !matches!(cell, Some(Class::Bad)) {
                *cell = Some(span.class);
            }
        }
    }
    let _always = write!(text, "{:<NAME_WIDTH$}", lane.name);
    let mut current: Option<Class> = None;
    for cell in cells {
        if cell != current {
            if let Some(class) = current {
                let _always = write!(text, "{:#}", style(class));
            }
            if let Some(class) = cell {
                let _always = write!(text, "{}", style(class));
            }
            current = cell;
        }
        text.push(cell.map_or(' ', letter));
    }
    if let Some(class) = current {
        let _always = write!(text, "{:#}", style(class));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_the_axis_are_few_and_at_round_numbers() {
        let of = |to, most| tick(&Timeline { from: 0, to, recorded: Vec::new(), would_be: Vec::new() }, most);
        assert_eq!(
            [of(8_000, 10), of(60_000, 10), of(110_000, 10), of(600_000, 10)],
            [1_000, 10_000, 20_000, 100_000]
        );
    }
}
