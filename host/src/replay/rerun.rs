//! Reruns a recording of our own through the same state machine: it must make the same decisions.
//!
//! The scanner and driver of a gateway run on a port and a supervisor that return what was recorded, at the recorded times.
//! Every request is compared with the recording: the first difference ends the rerun and is reported.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

use cellscan_core::carrier::Remembered;
use cellscan_core::driver::Driver;
use cellscan_core::scan::Policy;
use cellscan_core::scan::deny::Denied;
use cellscan_core::time::Instant;

use crate::import::{Event, Format, Unread, What, import};
use crate::recording::entry::{Entry, Timed, Who};
use crate::recording::recorder::{DATA, DIALOGUE, FIRST_DIALOGUE, LEFT_OUT};
use crate::recording::{policy, words};

mod scripted;

use scripted::{ScriptedPort, ScriptedSupervisor};

/// Largest number of entries of a recording: a scan has some hundreds.
const ENTRIES_MAX: usize = 1_000_000;
/// Largest number of polls at one time.
const POLLS_MAX: usize = 1_024;

/// A recording in memory.
#[derive(Debug, Default)]
pub struct Recording {
    policy: Policy,
    remembered: Vec<Remembered>,
    denied: Vec<Denied>,
    /// The version of the dialogue; `None`: the first.
    dialogue: Option<String>,
    /// Deadlines were met to the millisecond, as virtual time does.
    exact: bool,
    entries: Vec<(u64, Timed)>,
    /// The log has more than [`ENTRIES_MAX`] entries.
    too_long: bool,
    /// Numbers of malformed lines; a crash may have cut the last one.
    pub malformed: Vec<u64>,
}

/// The result of a rerun.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// The events of the scan, with times in milliseconds.
    pub told: Vec<(u64, String)>,
    /// The number of events compared.
    pub compared: usize,
    /// The first difference.
    pub difference: Option<Difference>,
    /// The version of the recorded dialogue, where this program has another: then it sends other commands.
    pub other_dialogue: Option<String>,
}

/// A difference between the recording and the rerun.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The line of the recording; `None`: after its end.
    pub line: Option<u64>,
    /// The recorded entry.
    pub recorded: String,
    /// What the state machine did in the rerun.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: recorded {:?}, now {:?}", self.recorded, self.now),
            None => write!(f, "after the end: now {:?}", self.now),
        }
    }
}

/// The rest of the recording, and the first difference; the scripted port and supervisor share it.
#[derive(Debug, Default)]
struct Script {
    now: u64,
    inputs: VecDeque<(u64, Timed)>,
    /// The line of the next event that the scan must report: an entry after that line is not due before. `None` in virtual
    /// time, where the scan takes in all entries of one time first.
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

    /// The words of the next entry, if its time has come and `who` wrote it.
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
    /// Reads a recording.
    ///
    /// # Errors
    /// The log cannot be read to its end, or is too long.
    pub fn read(log: impl Read) -> io::Result<Self> {
        let mut recording = Self::default();
        import(log, Some(Format::Atlog), &mut |event| recording.event(&event))?;
        recording.complete()
    }

    /// Takes the next event of an imported recording. Events of other formats are ignored.
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
    /// The log is too long.
    pub(super) fn complete(self) -> io::Result<Self> {
        if self.too_long {
            return Err(io::Error::other(format!("more than {ENTRIES_MAX} entries")));
        }
        Ok(self)
    }

    fn header(&mut self, line: &str) {
        match line.split_once(": ") {
            Some(("policy", words)) => self.policy = policy::parse(words).unwrap_or_default(),
            Some(("remembered", list)) => {
                self.remembered.extend(list.split(',').filter_map(words::parse_remembered));
            }
            Some(("denied", list)) => self.denied.extend(list.split(',').filter_map(words::parse_denied)),
            Some(("dialogue", version)) => self.dialogue = Some(version.to_owned()),
            Some(("deadlines", word)) => self.exact = word == "exact",
            _ => {}
        }
    }

    /// Whether the recording holds a scan of ours.
    #[must_use]
    pub fn has_scan(&self) -> bool {
        self.entries.iter().any(|(_, timed)| is_said(&timed.entry, "request "))
    }

    /// Reruns the recording.
    #[must_use]
    pub fn replay(&self) -> Replayed {
        let (mut inputs, mut expected) = (VecDeque::new(), VecDeque::new());
        for (line, timed) in &self.entries {
            if is_said(&timed.entry, LEFT_OUT) {
                // From here on the dialogue is incomplete; the comparison ends here.
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
        for carrier in &self.remembered {
            driver.remember(*carrier);
        }
        for denied in &self.denied {
            driver.deny(*denied);
        }
        let mut run = Run { driver, script, expected, exact: self.exact, replayed: Replayed::default() };
        run.expect();
        run.live();
        let mut replayed = run.replayed;
        let dialogue = self.dialogue.as_deref().unwrap_or(FIRST_DIALOGUE);
        replayed.other_dialogue = (dialogue != DIALOGUE).then(|| dialogue.to_owned());
        replayed.difference = replayed.difference.or_else(|| run.script.borrow_mut().difference.take());
        replayed
    }
}

/// Whether the entry is an input of the scan, and not an event that it reports.
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
            // In virtual time every event comes with an input or a deadline; after the last input only time drives the scan.
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
                return self.script.borrow_mut().differ("not requested");
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

    /// Passes on requests to the scan.
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

    /// On a gateway the clock advances between two polls: the result of the next poll has a time of its own.
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
            // A recording that was cut off lacks its last events.
            None => return,
        };
        let now = Timed { at_ms, entry: Entry::Said(Who::Scan, words) }.line();
        self.replayed.difference.get_or_insert(Difference { line, recorded, now });
    }

    /// All inputs are used up: an event that is still expected is a difference.
    fn finish(&mut self) {
        if let Some((line, timed)) = self.expected.front() {
            let difference =
                Difference { line: Some(*line), recorded: timed.line(), now: "nothing".to_owned() };
            self.replayed.difference.get_or_insert(difference);
        }
    }
}
