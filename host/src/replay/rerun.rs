//! A recording of our own, once more through the same machine: it must decide the same.
//!
//! The scanner and driver of a gateway run on a port and a supervisor that say what was recorded, when it was recorded.
//! Whatever they are asked for is compared with what is there: the first difference ends the replay and is told.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

use cellscan_core::carrier::Plmn;
use cellscan_core::driver::Driver;
use cellscan_core::scan::Policy;
use cellscan_core::scan::deny::Denied;
use cellscan_core::time::Instant;

use crate::import::{Event, Format, Unread, What, import};
use crate::recording::entry::{Entry, Timed, Who};
use crate::recording::recorder::{DATA, LEFT_OUT};
use crate::recording::{policy, words};

mod scripted;

use scripted::{ScriptedPort, ScriptedSupervisor};

/// Entries of a recording, at most: a scan has some hundreds.
const ENTRIES_MAX: usize = 1_000_000;
/// Polls at one time, at most.
const POLLS_MAX: usize = 1_024;

/// A recording, read.
#[derive(Debug, Default)]
pub struct Recording {
    policy: Policy,
    remembered: Vec<Plmn>,
    denied: Vec<Denied>,
    /// Deadlines were met to the millisecond: in virtual time.
    exact: bool,
    entries: Vec<(u64, Timed)>,
    /// There were more than [`ENTRIES_MAX`].
    too_long: bool,
    /// Lines that are none of a recording, the last one cut by a crash among them.
    pub malformed: Vec<u64>,
}

/// What came of replaying a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// What the scan told, with times in milliseconds.
    pub told: Vec<(u64, String)>,
    /// Events that were compared.
    pub compared: usize,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// Where the machine did something else.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The line of the recording; `None`: behind its end.
    pub line: Option<u64>,
    /// What is recorded.
    pub recorded: String,
    /// What the machine did now.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: recorded {:?}, now {:?}", self.recorded, self.now),
            None => write!(f, "behind the end: now {:?}", self.now),
        }
    }
}

/// What is left of the recording, and what was found so far; the two stand-ins share it.
#[derive(Debug, Default)]
struct Script {
    now: u64,
    inputs: VecDeque<(u64, Timed)>,
    /// The line of what is to be told next: what was said behind that is not due before. In virtual time it is, since all that
    /// happens at one time is taken in first.
    told_next: Option<u64>,
    difference: Option<Difference>,
}

impl Script {
    /// The next entry, if its time has come.
    fn due(&self) -> Option<&Entry> {
        let in_turn = |line: u64| self.told_next.is_none_or(|told| line < told);
        let due = |(line, timed): &&(u64, Timed)| timed.at_ms <= self.now && in_turn(*line);
        self.inputs.front().filter(due).map(|(_, timed)| &timed.entry)
    }

    /// The words of the next entry, if its time has come and it is this one's.
    fn due_words(&self, who: Who) -> Option<&str> {
        match self.due()? {
            Entry::Said(said, words) if *said == who => Some(words),
            Entry::Said(..) | Entry::Sent(_) | Entry::Received(_) => None,
        }
    }

    fn pop(&mut self) {
        self.inputs.pop_front();
    }

    fn differ(&mut self, now: impl Into<String>) {
        if self.difference.is_none() {
            let front = self.inputs.front();
            self.difference = Some(Difference {
                line: front.map(|(line, _)| *line),
                recorded: front.map(|(_, timed)| timed.line()).unwrap_or_default(),
                now: now.into(),
            });
        }
    }
}

impl Recording {
    /// Reads it.
    ///
    /// # Errors
    /// It cannot be read to its end, or is too long.
    pub fn read(log: impl Read) -> io::Result<Self> {
        let mut recording = Self::default();
        import(log, Some(Format::Atlog), &mut |event| recording.event(&event))?;
        recording.complete()
    }

    /// The next event of a recording that is imported. Events of other formats are ignored.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event.what {
            What::Header(line) => self.header(&String::from_utf8_lossy(line)),
            What::Entry(timed) if self.entries.len() < ENTRIES_MAX => {
                self.entries.push((event.line, timed.clone()));
            }
            What::Entry(_) => self.too_long = true,
            What::Unread(Unread::Malformed) => self.malformed.push(event.line),
            What::Sent(_)
            | What::Received(_)
            | What::Ended(_)
            | What::GivenUp
            | What::Closed
            | What::Note(_)
            | What::Other(_)
            | What::Unread(_) => {}
        }
    }

    /// The recording, at the end of the log.
    ///
    /// # Errors
    /// It is too long.
    pub(super) fn complete(self) -> io::Result<Self> {
        if self.too_long {
            return Err(io::Error::other(format!("more than {ENTRIES_MAX} entries")));
        }
        Ok(self)
    }

    fn header(&mut self, line: &str) {
        match line.split_once(": ") {
            Some(("policy", words)) => self.policy = policy::parse(words).unwrap_or_default(),
            Some(("remembered", words)) => {
                let known = words.split(',').filter_map(|word| Plmn::parse(word.trim().as_bytes()).ok());
                self.remembered.extend(known);
            }
            Some(("denied", list)) => self.denied.extend(list.split(',').filter_map(words::parse_denied)),
            Some(("deadlines", word)) => self.exact = word == "exact",
            _ => {}
        }
    }

    /// Whether a scan of ours is in it.
    #[must_use]
    pub fn has_scan(&self) -> bool {
        self.entries.iter().any(|(_, timed)| is_said(&timed.entry, "request "))
    }

    /// Through the machine once more.
    #[must_use]
    pub fn replay(&self) -> Replayed {
        let (mut inputs, mut expected) = (VecDeque::new(), VecDeque::new());
        for (line, timed) in &self.entries {
            if is_said(&timed.entry, LEFT_OUT) {
                // From here on the dialogue is not whole: as far as this it can be compared.
                break;
            }
            if is_said(&timed.entry, DATA) {
                continue;
            }
            if is_input(&timed.entry) {
                inputs.push_back((*line, timed.clone()));
            } else {
                expected.push_back((*line, timed.clone()));
            }
        }
        let script = Rc::new(RefCell::new(Script { inputs, ..Script::default() }));
        let mut driver = Driver::new(
            ScriptedPort::new(Rc::clone(&script)),
            ScriptedSupervisor::new(Rc::clone(&script)),
            self.policy,
        );
        for plmn in &self.remembered {
            driver.scanner_mut().remember(*plmn);
        }
        for denied in &self.denied {
            driver.scanner_mut().deny(*denied);
        }
        let mut run = Run { driver, script, expected, exact: self.exact, replayed: Replayed::default() };
        run.expect();
        run.live();
        let mut replayed = run.replayed;
        replayed.difference = replayed.difference.or_else(|| run.script.borrow_mut().difference.take());
        replayed
    }
}

/// What the scan was told, and not what it told.
fn is_input(entry: &Entry) -> bool {
    match entry {
        Entry::Said(Who::Scan, words) => {
            let first = words.split(' ').next().unwrap_or_default();
            matches!(first, "request" | "abort" | "due" | "open" | "close" | "port")
        }
        Entry::Said(..) | Entry::Sent(_) | Entry::Received(_) => true,
    }
}

fn is_said(entry: &Entry, beginning: &str) -> bool {
    matches!(entry, Entry::Said(Who::Scan, words) if words.starts_with(beginning))
}

struct Run {
    driver: Driver<ScriptedPort, ScriptedSupervisor>,
    script: Rc<RefCell<Script>>,
    expected: VecDeque<(u64, Timed)>,
    exact: bool,
    replayed: Replayed,
}

impl Run {
    fn live(&mut self) {
        loop {
            let input = self.script.borrow().inputs.front().map(|(_, timed)| timed.at_ms);
            let told = self.expected.front().map(|(_, timed)| timed.at_ms);
            // In virtual time all that is told comes with an input or a deadline; behind the last input only time moves it.
            let next = if self.exact {
                input.or_else(|| self.expected.back().map(|(_, timed)| timed.at_ms))
            } else {
                input.into_iter().chain(told).min()
            };
            let Some(next) = next else { return self.finish() };
            let of_scan = self.driver.scanner().next_deadline();
            let deadline = of_scan.filter(|_| self.exact).map(Instant::as_millis);
            let now = deadline.map_or(next, |deadline| deadline.min(next));
            let now = now.max(self.script.borrow().now);
            self.script.borrow_mut().now = now;
            let left = self.left() + self.expected.len();
            self.stimulate(Instant::from_millis(now));
            self.poll(Instant::from_millis(now));
            if self.is_over() {
                return;
            }
            let moved = self.left() + self.expected.len() < left
                || deadline.is_some_and(|deadline| deadline <= now && deadline < next);
            if !moved && self.left() == 0 {
                return self.finish();
            }
            if !moved {
                return self.script.borrow_mut().differ("nobody asked for that");
            }
        }
    }

    fn expect(&self) {
        let next = self.expected.front().filter(|_| !self.exact);
        self.script.borrow_mut().told_next = next.map(|(line, _)| *line);
    }

    fn left(&self) -> usize {
        self.script.borrow().inputs.len()
    }

    fn is_over(&self) -> bool {
        self.replayed.difference.is_some() || self.script.borrow().difference.is_some()
    }

    /// What is asked of the scan from outside.
    fn stimulate(&mut self, now: Instant) {
        let due = self.script.borrow().due_words(Who::Scan).map(str::to_owned);
        let Some(words) = due else { return };
        if let Some(request) = words.strip_prefix("request ").and_then(words::parse_request) {
            self.script.borrow_mut().pop();
            self.driver.request(now, request);
        } else if words == "abort" {
            self.script.borrow_mut().pop();
            self.driver.abort(now);
        } else if words == "due" {
            self.script.borrow_mut().pop();
        }
    }

    fn poll(&mut self, now: Instant) {
        for _ in 0..POLLS_MAX {
            match self.driver.poll(now) {
                Ok(event) => self.told(now, words::event(&event)),
                Err(nb::Error::Other(_)) => {}
                Err(nb::Error::WouldBlock) => return,
            }
            if self.is_over() || !(self.exact || self.more_is_due()) {
                return;
            }
        }
    }

    /// On a gateway the clock goes on between two polls: what came of the next one has its own time.
    fn more_is_due(&self) -> bool {
        let script = self.script.borrow();
        script.due().is_some() || self.expected.front().is_some_and(|(_, timed)| timed.at_ms <= script.now)
    }

    fn told(&mut self, now: Instant, words: String) {
        let at_ms = now.as_millis();
        let expected = self.expected.pop_front();
        self.expect();
        self.replayed.told.push((at_ms, words.clone()));
        let (line, recorded) = match expected {
            Some((line, timed)) => {
                let same = matches!(&timed.entry, Entry::Said(Who::Scan, recorded) if *recorded == words);
                if same && (!self.exact || timed.at_ms == at_ms) {
                    self.replayed.compared += 1;
                    return;
                }
                (Some(line), timed.line())
            }
            // A recording that was cut off lacks what was told last.
            None => return,
        };
        let now = Timed { at_ms, entry: Entry::Said(Who::Scan, words) }.line();
        self.replayed.difference.get_or_insert(Difference { line, recorded, now });
    }

    /// Everything was taken in: what is expected beyond that must have been told.
    fn finish(&mut self) {
        if let Some((line, timed)) = self.expected.front() {
            let difference =
                Difference { line: Some(*line), recorded: timed.line(), now: "nothing".to_owned() };
            self.replayed.difference.get_or_insert(difference);
        }
    }
}
