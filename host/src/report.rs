//! What people and programs are told of a scan: states to standard error as they come, the result to standard output.
//!
//! | module | to whom |
//! | --- | --- |
//! | [`audience`](crate::audience) | whoever it is: what a scan can tell |
//! | [`console`] | standard error: lines, and a bar where somebody looks |
//! | [`states`] | people: one line for each state |
//! | [`summary`] | people: the result |
//! | [`json`] | programs: one object a line |
//! | [`words`] | the words that these share |
//!
//! The same for a real and for a simulated scan: what is told goes in as events with their times.

use std::io::{self, Write};
use std::time::Duration;

use cellscan_core::scan::{Event, Phase, Scanner};
use cellscan_core::time::Instant;
use serde::Serialize;

use crate::audience::Audience;
use crate::exit::{Exit, Fatal};
pub use crate::{clean, words};

pub mod console;
pub mod json;
pub mod states;
pub mod summary;

use console::Console;
use states::States;

/// How often the bar moves.
const TICK: Duration = Duration::from_secs(1);

/// How it is told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one audience, or a wish of one")]
pub struct Style {
    /// JSON to standard output, in the place of text.
    pub json: bool,
    /// No states to standard error.
    pub quiet: bool,
    /// A bar while the network is searched, where standard error is a terminal.
    pub bar: bool,
    /// All that is told is kept too, for [`Reporter::relayed`].
    pub relay: bool,
}

/// A scan that has ended, and what is known of it beside its own report.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The machine, with its report and its carriers.
    pub scanner: &'a Scanner,
    /// How the program will exit.
    pub exit: Exit,
    /// Why it failed, where the machine's own report does not say.
    pub reason: Option<&'static str>,
    /// Whether the service is wanted as it was found.
    pub given_back: bool,
    /// Whether anybody looks whether the link is up.
    pub watches_link: bool,
    /// The name of the simulated world.
    pub simulated: Option<&'a str>,
    /// How long the scan took in the time of that world.
    pub virtual_time: Option<Duration>,
}

/// Tells what happens.
#[derive(Debug)]
pub struct Reporter {
    style: Style,
    /// The request: times are told from here.
    origin: Instant,
    console: Console,
    states: States,
    /// The first failure of standard output; nothing more is written there then, and the scan goes on.
    broken: Option<io::Error>,
    next_tick: Option<Instant>,
    last_warning: Option<String>,
    relayed: Vec<Relayed>,
}

/// Something told, for somebody elsewhere.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Relayed {
    /// An object that `--json` writes.
    Object {
        /// As it is written there.
        line: String,
    },
    /// A line for standard error.
    Said {
        /// The line.
        text: String,
    },
    /// The result for people.
    Summary {
        /// As it is written to standard output.
        text: String,
    },
}

impl Reporter {
    /// Nothing told yet; `origin` is the time of the request.
    #[must_use]
    pub fn new(style: Style, origin: Instant) -> Self {
        Self {
            style,
            origin,
            console: Console::new(style.bar && !style.quiet),
            states: States::new(),
            broken: None,
            next_tick: None,
            last_warning: None,
            relayed: Vec::new(),
        }
    }

    /// The scan tells this; `scanner` as it stands by now.
    pub fn event(&mut self, at: Instant, event: Event, scanner: &Scanner) {
        if let Event::Moved { to, .. } = event {
            if (self.style.json || self.style.relay) && to != Phase::Idle {
                let line = json::state(to, at.saturating_since(self.origin));
                if self.style.json {
                    self.print(&line);
                }
                self.relay(|| Relayed::Object { line });
            }
            self.search_bar(to, at, scanner);
        }
        for line in self.states.tell(at, event, scanner) {
            self.relay(|| Relayed::Said {
                text: format!("Cellular Scan - State {}: {}", line.phase.number(), line.text),
            });
            if !self.style.quiet {
                self.console.state(line.phase, &line.text);
            }
        }
    }

    fn search_bar(&mut self, to: Phase, at: Instant, scanner: &Scanner) {
        self.next_tick = None;
        self.console.end_bar();
        if to == Phase::WaitResults && self.console.begin_bar(scanner.policy().timeouts.search) {
            self.next_tick = Some(at + TICK);
        }
    }

    /// When [`Reporter::tick`] is to be called; `None` where nothing moves by itself.
    #[must_use]
    pub const fn next_tick(&self) -> Option<Instant> {
        self.next_tick
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        if self.next_tick.is_some_and(|at| at <= now) {
            self.console.advance_bar(TICK);
            self.next_tick = Some(now + TICK);
        }
    }

    /// Something that is no failure of the scan, but worth a line. The same thing again is not said again.
    pub fn warn(&mut self, text: &str) {
        if self.last_warning.as_deref() != Some(text) {
            self.console.warn(text);
            self.relay(|| Relayed::Said { text: format!("cellscan: warning: {text}") });
            self.last_warning = Some(text.to_owned());
        }
    }

    /// Something that is good to know.
    pub fn note(&mut self, text: &str) {
        self.relay(|| Relayed::Said { text: format!("cellscan: {text}") });
        if !self.style.quiet {
            self.console.note(text);
        }
    }

    /// The result.
    ///
    /// # Errors
    /// Standard output took not all of it, other than by being closed.
    pub fn finish(&mut self, ended: &Ended<'_>) -> Result<(), Fatal> {
        self.console.end_bar();
        if self.style.relay {
            self.relayed.extend(json::result(ended).into_iter().map(|line| Relayed::Object { line }));
            self.relay(|| Relayed::Summary { text: summary::text(ended) });
        }
        if self.style.json {
            for line in json::result(ended) {
                self.print(&line);
            }
        } else {
            self.print(&summary::text(ended));
        }
        match self.broken.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Fatal::system(format!("unable to write to standard output: {error}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What was told since this was last asked.
    pub fn relayed(&mut self) -> Vec<Relayed> {
        core::mem::take(&mut self.relayed)
    }

    fn relay(&mut self, told: impl FnOnce() -> Relayed) {
        if self.style.relay {
            self.relayed.push(told());
        }
    }

    fn print(&mut self, line: &str) {
        if self.broken.is_none() {
            let mut out = io::stdout().lock();
            self.broken = writeln!(out, "{line}").and_then(|()| out.flush()).err();
        }
    }
}

impl Audience for Reporter {
    fn event(&mut self, at: Instant, event: Event, scanner: &Scanner) {
        Self::event(self, at, event, scanner);
    }

    fn note(&mut self, text: &str) {
        Self::note(self, text);
    }

    fn warn(&mut self, text: &str) {
        Self::warn(self, text);
    }

    fn tick(&mut self, now: Instant) {
        Self::tick(self, now);
    }

    fn next_tick(&self) -> Option<Instant> {
        Self::next_tick(self)
    }
}
