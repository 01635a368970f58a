//! The log of the stand-in for `pppd`.

use std::fs;
use std::path::Path;

/// A line of its log: `<monotonic ms> <pid> <event> [<detail>]`.
///
/// Events are `start`, `locked` (by the pid in the detail), `opened`, `term`, `ignored`, `hangup` and `exit` (with
/// its code); those of its child are `child`, `child-alone` and `child-exit`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// `CLOCK_MONOTONIC`, in milliseconds.
    pub at_ms: u64,
    /// The process that wrote it.
    pub pid: u32,
    /// The event.
    pub what: String,
    /// Its detail; may be empty.
    pub detail: String,
}

impl Event {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        Some(Self {
            at_ms: words.next()?.parse().ok()?,
            pid: words.next()?.parse().ok()?,
            what: words.next()?.to_owned(),
            detail: words.next().unwrap_or_default().to_owned(),
        })
    }
}

/// The events in `path`, in the order in which they were written; none where there is no such file.
#[must_use]
pub fn read(path: &Path) -> Vec<Event> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(Event::parse).collect()
}
