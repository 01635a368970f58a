//! What a log tells, in the order in which it tells it.

use crate::recording::entry::Timed;

/// Milliseconds on the log's own clock, whose origin the format has: up time, midnight, 1970. Only differences count.
pub type Millis = i64;

/// One thing that a log tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event<'a> {
    /// The line of the log, from 1.
    pub line: u64,
    /// When; `None` where neither this line nor one before it has a stamp.
    pub at: Option<Millis>,
    /// Which of several dialogues: a port or a process. 0 where there is only one.
    pub channel: u32,
    /// What.
    pub what: What<'a>,
}

impl<'a> Event<'a> {
    /// An event of the only dialogue.
    #[must_use]
    pub const fn new(line: u64, at: Option<Millis>, what: What<'a>) -> Self {
        Self { line, at, channel: 0, what }
    }

    /// A line that was to fit a rule and does not.
    #[must_use]
    pub const fn unread(line: u64, why: Unread) -> Self {
        Self::new(line, None, What::Unread(why))
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What<'a> {
    /// A command went to the modem: its text, without CR.
    Sent(&'a [u8]),
    /// A line came from the modem, without its CR LF; it may be the echo of the command.
    Received(&'a [u8]),
    /// The command in flight ended so, as the log says in its own words or by what it leaves out.
    Ended(&'a [u8]),
    /// The host has given up waiting for the command in flight; its answer may come yet.
    GivenUp,
    /// The dialogue is over: what has no answer gets none.
    Closed,
    /// Something about the scan, the service or the link.
    Note(Note<'a>),
    /// A line of the header of our own recording, without `# `. It counts as a line that fits no rule.
    Header(&'a [u8]),
    /// A line of our own recording, for a rerun of it. The events that the log analysis needs follow.
    Entry(&'a Timed),
    /// It fits no rule of the format: other programs write into the same log.
    Other(&'a [u8]),
    /// It was to fit a rule and does not.
    Unread(Unread),
}

/// Why a line, or a part of one, could not be read.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Unread {
    /// Two writers wrote into each other.
    Torn,
    /// It is longer than a line may be, and was cut.
    Overlong,
    /// A record says how long it is, or that it goes on, and is not so.
    Incomplete,
    /// A record begins as one of the format and breaks its grammar.
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

/// Something about the scan, the service or the link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Note<'a> {
    /// A scan is asked for.
    Requested,
    /// A scan begins.
    Began,
    /// A state of the scan, in the log's own words.
    State(&'a [u8]),
    /// The supervisor is asked for down.
    AskedDown,
    /// It says that the service is down.
    IsDown,
    /// The port is free.
    PortFree,
    /// The list of operators is there, as the scan understood it.
    Listed,
    /// The trial of a carrier begins.
    TrialBegan(Carrier<'a>),
    /// A carrier is passed over, since the deny list has it.
    TrialDenied(Carrier<'a>),
    /// The scan holds the carrier under trial for registered.
    TrialConnected,
    /// The trial has failed.
    TrialFailed,
    /// The signal of the carrier under trial, `<rssi>` of `+CSQ`; `None`: it could not be had.
    Measured(Option<u8>),
    /// This carrier is chosen.
    Chosen(Carrier<'a>),
    /// No carrier is chosen.
    NoneChosen,
    /// The modem is on this carrier, as the scan has verified.
    Verified(Carrier<'a>),
    /// The service is given back.
    AskedUp,
    /// The scan is complete.
    Complete,
    /// The scan has failed.
    Failed,
    /// A carrier is put on a deny list.
    Denied(&'a [u8]),
    /// The link is up.
    LinkUp,
    /// The link did not come up in its time.
    LinkLate,
    /// Something about a `pppd`.
    Pppd(Pppd),
    /// The supervisor's process was killed.
    SupervisorKilled,
    /// The port is not there, or is gone.
    PortGone,
}

/// What happens to a `pppd`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pppd {
    /// The supervisor starts it.
    Started,
    /// Somebody starts it by hand.
    StartedByHand,
    /// Its connect script has failed.
    ConnectFailed,
    /// Its connect script has ended well.
    Connected,
    /// It has an address, or says that it needs no route.
    Addressed,
    /// Somebody asks it to end.
    Stopping,
    /// It is killed.
    Killed,
    /// It has ended.
    Ended,
    /// The modem hung up.
    HungUp,
}
