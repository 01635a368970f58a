//! Reports a scan to people and programs: states on standard error as they come, the result on standard output.
//!
//! | module | output |
//! | --- | --- |
//! | [`audience`](crate::audience) | the events of a scan, for any receiver |
//! | [`console`] | standard error: lines, and a bar on a terminal |
//! | [`states`] | one line per state, for people |
//! | [`summary`], [`table`] | the result, for people |
//! | [`names`] | names of carriers that are in no list |
//! | [`wrap`] | lines that fit a terminal |
//! | [`json`] | one object per line, for programs |
//! | [`words`] | the words that these share |
//!
//! A real and a simulated scan use the same code: its input is events with their times.

use std::io::{self, Write};
use std::time::Duration;

use cellscan_core::carrier::Plmn;
use cellscan_core::scan::{Event, Phase, Report, Scanner};
use cellscan_core::time::Instant;
use serde::Serialize;

use crate::audience::Audience;
use crate::exit::{Exit, Fatal};
pub use crate::{clean, words};

pub mod console;
pub mod json;
pub mod names;
pub mod states;
pub mod summary;
pub mod table;
pub mod wrap;

use console::Console;
use names::Names;
use states::States;

/// Interval between two steps of the bar.
const TICK: Duration = Duration::from_secs(1);

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one output, or an option of one")]
pub struct Style {
    /// JSON on standard output instead of text.
    pub json: bool,
    /// No states on standard error.
    pub quiet: bool,
    /// A bar while the scan waits, if standard error is a terminal.
    pub bar: bool,
    /// The table of carriers with all its columns.
    pub wide: bool,
    /// The result goes to standard error: standard output has a recording.
    pub aside: bool,
    /// The link is not looked at.
    pub link_unseen: bool,
    /// Keep all output for [`Reporter::relayed`] too.
    pub relay: bool,
}

/// A scan that has ended, with facts that its own report does not have.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The state machine, with its carriers.
    pub scanner: &'a Scanner,
    /// Its report.
    pub report: &'a Report,
    /// The exit code of the program.
    pub exit: Exit,
    /// Why it failed, if the state machine's report does not say.
    pub reason: Option<&'static str>,
    /// Whether the service is wanted as it was found.
    pub given_back: bool,
    /// Bytes came from the modem.
    pub heard: bool,
    /// What the modem said of a SIM that cannot be used.
    pub sim: Option<&'a str>,
    /// Whether the link is watched.
    pub watches_link: bool,
    /// The name of the simulated world.
    pub simulated: Option<&'a str>,
    /// How long the scan took in that world's time.
    pub virtual_time: Option<Duration>,
}

/// Reports events.
#[derive(Debug)]
pub struct Reporter {
    style: Style,
    /// The time of the request, from which times count.
    origin: Instant,
    console: Console,
    states: States,
    /// The first failure of standard output; after it no more output is written there, and the scan goes on.
    broken: Option<io::Error>,
    next_tick: Option<Instant>,
    last_warning: Option<String>,
    relayed: Vec<Relayed>,
}

/// Output for a client of the daemon.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Relayed {
    /// An object of `--json`.
    Object {
        /// As written there.
        line: String,
    },
    /// A line for standard error.
    Said {
        /// The line.
        text: String,
    },
    /// The result for people.
    Summary {
        /// As written to standard output.
        text: String,
    },
}

impl Reporter {
    /// A reporter without output so far; `origin` is the time of the request.
    #[must_use]
    pub fn new(style: Style, origin: Instant) -> Self {
        Self {
            style,
            origin,
            console: Console::new(style.bar && !style.quiet),
            states: States::new(!style.link_unseen),
            broken: None,
            next_tick: None,
            last_warning: None,
            relayed: Vec::new(),
        }
    }

    /// Uses these names of carriers where the modem's list has none.
    pub fn know(&mut self, names: Vec<(Plmn, String)>) {
        self.states.know(Names::of(names));
    }

    /// Reports an event; `scanner` is the state after it.
    pub fn event(&mut self, at: Instant, event: Event, scanner: &Scanner) {
        let mut waits = None;
        if let Event::Moved { to, .. } = event {
            if (self.style.json || self.style.relay) && to != Phase::Idle {
                let line = json::state(to, at.duration_since(self.origin));
                if self.style.json {
                    self.print(&line);
                }
                self.relay(|| Relayed::Object { line });
            }
            self.next_tick = None;
            self.console.end_bar();
            waits = Some(to);
        }
        for line in self.states.tell(at, event, scanner) {
            self.relay(|| Relayed::Said {
                text: format!("Cellular Scan - State {}: {}", line.phase.number(), line.text),
            });
            if !self.style.quiet {
                self.console.state(line.phase, &line.text);
            }
        }
        if let Some(phase) = waits {
            self.wait_in(phase, at, scanner);
        }
    }

    /// Begins a bar where a state may take long.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other states end within seconds")]
    fn wait_in(&mut self, phase: Phase, at: Instant, scanner: &Scanner) {
        let times = &scanner.policy().timeouts;
        let (label, limit) = match phase {
            Phase::WaitResults => ("searching", times.search),
            Phase::TestCarrier => ("registering", times.register),
            Phase::WaitPpp if !self.style.link_unseen => ("link", times.link),
            _ => return,
        };
        if self.console.begin_bar(label, limit.into()) {
            self.next_tick = Some(at + TICK);
        }
    }

    /// When to call [`Reporter::tick`]; `None` while there is no bar.
    #[must_use]
    pub const fn next_tick(&self) -> Option<Instant> {
        self.next_tick
    }

    /// Moves the bar.
    pub fn tick(&mut self, now: Instant) {
        if self.next_tick.is_some_and(|at| at <= now) {
            self.console.advance_bar(TICK);
            self.next_tick = Some(now + TICK);
        }
    }

    /// Reports a problem that does not fail the scan. A repeated text is reported once.
    pub fn warn(&mut self, text: &str) {
        if self.last_warning.as_deref() != Some(text) {
            self.console.warn(text);
            self.relay(|| Relayed::Said { text: format!("cellscan: warning: {text}") });
            self.last_warning = Some(text.to_owned());
        }
    }

    /// Reports a fact.
    pub fn note(&mut self, text: &str) {
        self.relay(|| Relayed::Said { text: format!("cellscan: {text}") });
        if !self.style.quiet {
            self.console.note(text);
        }
    }

    /// Reports the result.
    ///
    /// # Errors
    /// Standard output failed, other than by being closed.
    pub fn finish(&mut self, ended: &Ended<'_>) -> Result<(), Fatal> {
        self.console.end_bar();
        if self.style.relay {
            self.relayed.extend(
                json::result(ended, self.states.names()).into_iter().map(|line| Relayed::Object { line }),
            );
            let text = summary::text(ended, self.states.names(), self.style.wide);
            self.relay(|| Relayed::Summary { text });
        }
        if self.style.json {
            for line in json::result(ended, self.states.names()) {
                self.print(&line);
            }
        } else if self.style.aside {
            console::result(&summary::text(ended, self.states.names(), self.style.wide));
        } else {
            self.print(&summary::text(ended, self.states.names(), self.style.wide));
        }
        match self.broken.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Fatal::system(format!("unable to write to standard output: {error}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The output since the last call.
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
