//! The journal of a modem: input, output and events, with times.

use std::fmt;

use cellscan_core::time::{Instant, Span};

use super::fault::ModemFault;

/// Capacity in entries: the journal of a day of scans fits. Later entries are only counted.
const ENTRIES_MAX: usize = 100_000;
/// Pieces that arrive within this time of one another are one entry, up to a line's end.
const ENTRY_GAP: Span = Span::from_millis(50);
/// Bytes in one entry, at most, for input without line ends.
const ENTRY_BYTES_MAX: usize = 4_096;
/// Entries of a usual scan; there is room for more.
const ENTRIES: usize = 128;
/// Bytes of a usual entry: an echo and an answer of one line.
const ENTRY_BYTES: usize = 48;

/// An event with its time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModemLog {
    /// Virtual time.
    pub at: Instant,
    /// What happened.
    pub what: ModemEvent,
}

/// An event of a modem.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ModemEvent {
    /// A process opened the port.
    Opened,
    /// The last process closed the port.
    Closed,
    /// It read a command line, without its CR.
    Received(String),
    /// Bytes that were not read as a command: in data mode, while booting or silent, while busy.
    Ignored(Vec<u8>),
    /// Bytes reached the client, up to the end of a line.
    Sent(Vec<u8>),
    /// A character aborted the command.
    Aborted,
    /// Data mode began (true) or ended.
    DataMode(bool),
    /// It is on this network now, or on none.
    Registered(Option<String>),
    /// A fault was applied.
    Fault(ModemFault),
}

impl fmt::Display for ModemEvent {
    /// One line: a word and the details, with control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened => f.write_str("opened"),
            Self::Closed => f.write_str("closed"),
            Self::Received(line) => write!(f, "> {}", line.escape_debug()),
            Self::Ignored(bytes) => write!(f, "ignored {}", bytes.escape_ascii()),
            Self::Sent(bytes) => write!(f, "< {}", bytes.escape_ascii()),
            Self::Aborted => f.write_str("aborted"),
            Self::DataMode(on) => write!(f, "data {}", if *on { "begin" } else { "end" }),
            Self::Registered(plmn) => write!(f, "registered {}", plmn.as_deref().unwrap_or("-")),
            Self::Fault(fault) => write!(f, "fault {fault:?}"),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Journal {
    entries: Vec<ModemLog>,
    /// The time of the last bytes of the last entry.
    last: Instant,
    left_out: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self { entries: Vec::with_capacity(ENTRIES), last: Instant::ZERO, left_out: 0 }
    }
}

impl Journal {
    pub(crate) fn note(&mut self, at: Instant, what: ModemEvent) {
        if self.entries.len() >= ENTRIES_MAX {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.last = at;
        self.entries.push(ModemLog { at, what });
    }

    pub(crate) fn sent(&mut self, at: Instant, bytes: &[u8]) {
        let goes_on = at.saturating_since(self.last) <= ENTRY_GAP;
        if let Some(ModemLog { what: ModemEvent::Sent(held), .. }) = self.entries.last_mut()
            && goes_on
            && held.len() + bytes.len() <= ENTRY_BYTES_MAX
            && !(held.len() > 2 && held.ends_with(b"\n"))
        {
            held.extend_from_slice(bytes);
            self.last = at;
            return;
        }
        // Most answers follow their echo in the same entry.
        let mut held = Vec::with_capacity(bytes.len().max(ENTRY_BYTES));
        held.extend_from_slice(bytes);
        self.note(at, ModemEvent::Sent(held));
    }

    pub(crate) fn ignored(&mut self, at: Instant, byte: u8) {
        if let Some(ModemLog { at: since, what: ModemEvent::Ignored(held) }) = self.entries.last_mut()
            && *since == at
            && held.len() < ENTRY_BYTES_MAX
        {
            held.push(byte);
            return;
        }
        self.note(at, ModemEvent::Ignored(vec![byte]));
    }

    pub(crate) fn entries(&self) -> &[ModemLog] {
        &self.entries
    }

    pub(crate) fn take(&mut self) -> Vec<ModemLog> {
        std::mem::take(&mut self.entries)
    }

    /// Entries that did not fit.
    pub(crate) const fn left_out(&self) -> u64 {
        self.left_out
    }
}
