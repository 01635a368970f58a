//! The events of a log, in the order of the log.

use crate::recording::entry::Timed;

/// Milliseconds on the log's own clock. The format has the origin: up time, midnight, 1970. Only differences matter.
pub type Millis = i64;

/// One event of a log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event<'a> {
    /// The line of the log, from 1.
    pub line: u64,
    /// The time; `None` where neither this line nor a line before it has a stamp.
    pub at: Option<Millis>,
    /// The dialogue, a port or a process, of several. 0 where there is only one.
    pub channel: u32,
    /// What happened.
    pub what: What<'a>,
}

impl<'a> Event<'a> {
    /// An event of a log with one dialogue.
    #[must_use]
    pub const fn new(line: u64, at: Option<Millis>, what: What<'a>) -> Self {
        Self { line, at, channel: 0, what }
    }

    /// A line that breaks the rule of its record.
    #[must_use]
    pub const fn unread(line: u64, why: Unread) -> Self {
        Self::new(line, None, What::Unread(why))
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What<'a> {
    /// The host sent a command: its text, without CR.
    Sent(&'a [u8]),
    /// The modem sent a line, without its CR LF; it may be the echo of the command.
    Received(&'a [u8]),
    /// The command in flight ended with this result, as the log says in its own words or as an omission shows.
    Ended(&'a [u8]),
    /// The host gave up waiting for the command in flight; its answer may still come.
    GivenUp,
    /// The dialogue has ended: open commands get no answer.
    Closed,
    /// An event of the scan, the service or the link.
    Note(Note<'a>),
    /// A header line of our own recording, without `# `. It counts as a line that fits no rule.
    Header(&'a [u8]),
    /// An entry of our own recording, for a rerun. The events that the log analysis needs follow.
    Entry(&'a Timed),
    /// The line fits no rule of the format: other programs write into the same log.
    Other(&'a [u8]),
    /// The line breaks the rule of its record.
    Unread(Unread),
}

/// Why a line, or a part of a line, could not be read.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Unread {
    /// Two writers overwrote each other.
    Torn,
    /// It is longer than the limit, and was cut.
    Overlong,
    /// A record announces a length or a continuation that does not come.
    Incomplete,
    /// A record begins as a record of the format and breaks its grammar.
    Malformed,
}

impl Unread {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Torn => "torn",
            Self::Overlong => "overlong",
            Self::Incomplete => "incomplete",
            Self::Malformed => "malformed",
        }
    }
}

/// A carrier as a log names it; either may be empty.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Carrier<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its digits.
    pub plmn: &'a [u8],
}

/// An event of the scan, the service or the link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Note<'a> {
    /// A user or a program requests a scan.
    Requested,
    /// A scan begins.
    Began,
    /// A state of the scan, in the log's own words.
    State(&'a [u8]),
    /// The scan asks the supervisor for down.
    AskedDown,
    /// The supervisor says that the service is down.
    IsDown,
    /// The port is free.
    PortFree,
    /// The list of operators is complete, as the scan understood it.
    Listed,
    /// The trial of a carrier begins.
    TrialBegan(Carrier<'a>),
    /// The scan skips a carrier on the deny list.
    TrialDenied(Carrier<'a>),
    /// The scan takes the carrier under trial as registered.
    TrialConnected,
    /// The trial has failed.
    TrialFailed,
    /// The signal of the carrier under trial, `<rssi>` of `+CSQ`; `None`: the modem did not give it.
    Measured(Option<u8>),
    /// The scan chooses this carrier.
    Chosen(Carrier<'a>),
    /// The scan chooses no carrier.
    NoneChosen,
    /// The scan has verified that the modem is registered on this carrier.
    Verified(Carrier<'a>),
    /// The scan gives the service back.
    AskedUp,
    /// The scan is complete.
    Complete,
    /// The scan has failed.
    Failed,
    /// The scan puts a carrier on the deny list.
    Denied(&'a [u8]),
    /// The link is up.
    LinkUp,
    /// The link did not come up before its time limit.
    LinkLate,
    /// An event of a `pppd`.
    Pppd(Pppd),
    /// A process killed the supervisor.
    SupervisorKilled,
    /// The port is missing, or went away.
    PortGone,
}

/// What happens to a `pppd`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pppd {
    /// The supervisor starts it.
    Started,
    /// An operator starts it by hand.
    StartedByHand,
    /// Its connect script has failed.
    ConnectFailed,
    /// Its connect script has succeeded.
    Connected,
    /// It has an address, or says that it needs no route.
    Addressed,
    /// A process asks it to end.
    Stopping,
    /// A process kills it.
    Killed,
    /// It has ended.
    Ended,
    /// The modem hung up.
    HungUp,
}
