//! Standard error. A closed standard error does not stop a scan.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use cellscan_core::scan::Phase;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::clean::shown;
use super::wrap;

/// What lines that are no state begin with.
const NAME: &str = "cellscan";
/// Blanks before the rest of a line that the terminal is too narrow for.
const INDENT: usize = 4;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();

/// The colour of a level.
#[must_use]
pub fn style(level: &str) -> Style {
    match level {
        "fatal" | "error" => RED,
        "warning" | "warn" => YELLOW,
        _ => DIM,
    }
}

/// Writes one line, `cellscan: LEVEL: TEXT`, for code that has no console of its own. As in every other line here, text from others
/// cannot control the terminal, nor begin a line.
pub fn complain(level: &str, text: &str) {
    let style = style(level);
    let text = fitted(text, NAME.len() + level.len() + 4);
    write_line(format_args!("{NAME}: {style}{level}{style:#}: {text}"));
}

/// Writes a line that the daemon has made.
pub fn relay(text: &str) {
    write_line(format_args!("{}", shown(text)));
}

/// Writes the result, where standard output has something else.
pub fn result(text: &str) {
    for line in text.lines() {
        write_line(format_args!("{}", shown(line)));
    }
}

/// Text that cannot control the terminal, broken at its columns; `before`: the columns to its left.
fn fitted(text: &str, before: usize) -> String {
    let text = shown(text);
    match wrap::columns(io::stderr()) {
        Some(columns) => wrap::wrapped(&text, columns, before, INDENT),
        None => text,
    }
}

/// Removes colours where they are not wanted: no terminal, `NO_COLOR`, `TERM=dumb`.
fn write_line(line: fmt::Arguments<'_>) {
    let _nobody_listens = writeln!(anstream::AutoStream::auto(io::stderr().lock()), "{line}");
}

/// Writes lines, and at most one bar below them.
#[derive(Debug)]
pub struct Console {
    draws: bool,
    bar: Option<ProgressBar>,
}

impl Console {
    /// A console with a bar if `bar` allows it and standard error is a terminal that can draw one.
    #[must_use]
    pub fn new(bar: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { draws: bar && !dumb && io::stderr().is_terminal(), bar: None }
    }

    /// Writes the line of a state.
    pub fn state(&self, phase: Phase, text: &str) {
        let head = format!("Cellular Scan - State {}:", phase.number());
        let text = fitted(text, head.len() + 1);
        self.line(format_args!("{BOLD}{head}{BOLD:#} {text}"));
    }

    /// Writes a warning.
    pub fn warn(&self, text: &str) {
        let text = fitted(text, NAME.len() + "warning".len() + 4);
        self.line(format_args!("{NAME}: {YELLOW}warning{YELLOW:#}: {text}"));
    }

    /// Writes a note.
    pub fn note(&self, text: &str) {
        self.line(format_args!("{NAME}: {}", fitted(text, NAME.len() + 2)));
    }

    fn line(&self, line: fmt::Arguments<'_>) {
        match &self.bar {
            Some(bar) => bar.suspend(|| write_line(line)),
            None => write_line(line),
        }
    }

    /// Begins a bar that is full after `limit`; returns `false` if none is drawn. It has 60 columns at most, `registering` included.
    pub fn begin_bar(&mut self, label: &str, limit: Duration) -> bool {
        if !self.draws {
            return false;
        }
        let bar = ProgressBar::with_draw_target(Some(limit.as_secs()), ProgressDrawTarget::stderr());
        let template = format!("{label} [{{bar:20}}] {{pos}} s, {{len}} s at most");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.tick();
        self.bar = Some(bar);
        true
    }

    /// Advances the bar by `span`.
    pub fn advance_bar(&self, span: Duration) {
        if let Some(bar) = &self.bar {
            bar.inc(span.as_secs());
        }
    }

    /// Removes the bar.
    pub fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
