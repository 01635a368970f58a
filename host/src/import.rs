//! Reads logs of other programs, and our own recordings, as one sequence of events.
//!
//! ```text
//!  file ──lines──► Importer of its format ──► Event, Event, … ──► turns, scans, findings (`replay`)
//! ```
//!
//! A log is read once, line by line, in constant memory. Every line becomes at least one event: a line that fits no rule
//! becomes [`What::Other`], a line that breaks the rule of its record becomes [`What::Unread`]. No line is dropped silently.
//!
//! The grammar of each format is at the head of its module.

use std::fmt;
use std::io::{self, Read};

pub mod atlog;
pub mod chat;
pub mod detect;
pub mod envelope;
pub mod event;
pub mod fixture;
pub mod gateway;
pub mod hexdump;
pub mod learned;
pub mod lines;
pub mod mbed;
pub mod modem_manager;
pub mod payload;
pub mod pppd;
pub mod ril;
pub mod stamp;
pub mod stream;
pub mod svlogd;
pub mod terminal;
pub mod text;
pub mod words;
pub mod wvdial;

pub use event::{Carrier, Event, Note, Pppd, Unread, What};

use envelope::{Enveloped, Given};
use lines::{HEAD_LEN, Lines};

/// Parts of [`HEAD_LEN`] in which the format is looked for; what follows them is read as a terminal's.
const HEADS_MAX: usize = 64;

/// Receives the events that an importer makes of a line.
pub type Sink<'a> = dyn FnMut(Event<'_>) + 'a;

/// Reads one format, line by line.
pub trait Importer {
    /// Reads the next line, without its LF; a CR before the LF is still there.
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>);

    /// The time on the log's clock from the next line on, of an importer in an [`Enveloped`]; for events that are told later.
    fn at(&mut self, _at: Option<event::Millis>) {}

    /// The log has ended: emits what the importer held back.
    fn end(&mut self, _sink: &mut Sink<'_>) {}
}

/// The formats that the importers read.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Format {
    /// The gateway's own log: `[Cellular Scan - State 4: …]`.
    Gateway,
    /// Our own recording.
    Atlog,
    /// `ModemManager --debug`, `mmtty`.
    ModemManager,
    /// Syslog with `chat -v`, `pppd`, `netifd` in it.
    Chat,
    /// Output of `pppd` and `chat -V` that `svlogd` keeps; a `logfile` of `pppd`.
    Svlogd,
    /// `wvdial`.
    Wvdial,
    /// Quectel-CM and Android's radio layer: `AT> `, `AT< `.
    Ril,
    /// `gammu` and `gammu-smsd`, debug output.
    Gammu,
    /// Zephyr's log with hex dumps.
    Zephyr,
    /// mbed's cellular trace.
    Mbed,
    /// `comgt -v`.
    Comgt,
    /// The notes of ublox-cellular-rs.
    Ublox,
    /// `MikroTik`'s `at-chat`.
    Mikrotik,
    /// Replay tables: `QModem`, `ModemManager`'s fake ports, phonesim.
    Fixture,
    /// A program that no other importer knows, by markers learned from its log.
    Learned,
    /// A capture of a terminal.
    Terminal,
    /// No importer finds anything in the log.
    Unknown,
}

impl Format {
    /// All formats that have an importer, in the order of detection.
    pub const ALL: &[Self] = &[
        Self::Gateway,
        Self::Atlog,
        Self::ModemManager,
        Self::Chat,
        Self::Svlogd,
        Self::Wvdial,
        Self::Ril,
        Self::Gammu,
        Self::Zephyr,
        Self::Mbed,
        Self::Comgt,
        Self::Ublox,
        Self::Mikrotik,
        Self::Fixture,
        Self::Learned,
        Self::Terminal,
    ];

    /// The name of the format on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Atlog => "atlog",
            Self::ModemManager => "modem_manager",
            Self::Chat => "chat",
            Self::Svlogd => "svlogd",
            Self::Wvdial => "wvdial",
            Self::Ril => "ril",
            Self::Gammu => "gammu",
            Self::Zephyr => "zephyr",
            Self::Mbed => "mbed",
            Self::Comgt => "comgt",
            Self::Ublox => "ublox",
            Self::Mikrotik => "mikrotik",
            Self::Fixture => "fixture",
            Self::Learned => "learned",
            Self::Terminal => "terminal",
            Self::Unknown => "unknown",
        }
    }

    /// Finds a format by name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// The importer of this format, for a log that begins with `head`.
    fn importer(self, head: &[u8]) -> Box<dyn Importer> {
        match self {
            Self::Gateway => Box::new(gateway::Gateway::default()),
            Self::Atlog => Box::new(atlog::Atlog::default()),
            Self::ModemManager => {
                Box::new(Enveloped::new(modem_manager::ModemManager::default(), Given::Whole))
            }
            Self::Chat => Box::new(chat::Chat::new(head)),
            Self::Svlogd => Box::new(Enveloped::new(svlogd::Svlogd, Given::Text)),
            Self::Wvdial => Box::new(Enveloped::new(wvdial::Wvdial, Given::Text)),
            Self::Ril => Box::new(Enveloped::new(ril::Ril, Given::Whole)),
            Self::Gammu => Box::new(Enveloped::new(hexdump::Gammu::default(), Given::Text)),
            Self::Zephyr => Box::new(Enveloped::new(hexdump::Zephyr::default(), Given::Text)),
            Self::Mbed => Box::new(Enveloped::new(mbed::Mbed::default(), Given::Whole)),
            Self::Comgt => Box::new(Enveloped::new(words::Comgt::default(), Given::Text)),
            Self::Ublox => Box::new(Enveloped::new(words::Ublox::default(), Given::Text)),
            Self::Mikrotik => Box::new(Enveloped::new(words::Mikrotik::default(), Given::Text)),
            Self::Fixture => Box::new(fixture::Fixture::default()),
            Self::Learned => Box::new(learned::Learned::new(head)),
            Self::Terminal => Box::new(Enveloped::of_terminal(terminal::Terminal::default(), head)),
            Self::Unknown => Box::new(Unknown),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Tells every line as one that fits no rule.
#[derive(Debug)]
struct Unknown;

impl Importer for Unknown {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let text = line.trim_ascii();
        if !text.is_empty() {
            sink(Event::new(number, None, What::Other(text)));
        }
    }
}

/// Reads a whole log. `format`: `None` detects the format by content, where the log begins to have one. Returns the format and the number of
/// lines; the format is [`Format::Unknown`] if it was to be detected, and nothing was found in the log.
///
/// # Errors
/// The log could not be read to its end. The events before the error were passed on.
pub fn import(log: impl Read, format: Option<Format>, sink: &mut Sink<'_>) -> io::Result<(Format, u64)> {
    let mut lines = Lines::new(log);
    let mut number = 0;
    let mut found = false;
    let mut tell = |event: Event<'_>| {
        found |= !matches!(event.what, What::Other(_) | What::Unread(_) | What::Closed | What::GivenUp);
        sink(event);
    };
    let (known, mut importer) = match format {
        Some(format) => (format, format.importer(lines.head(HEAD_LEN)?)),
        None => detected(&mut lines, &mut number, &mut tell)?,
    };
    while let Some(line) = lines.next()? {
        number += 1;
        read(importer.as_mut(), number, line, &mut tell);
    }
    importer.end(&mut tell);
    let known = if found || format.is_some() { known } else { Format::Unknown };
    Ok((known, number))
}

fn read(importer: &mut dyn Importer, number: u64, line: lines::Line<'_>, sink: &mut Sink<'_>) {
    if line.overlong {
        sink(Event::unread(number, Unread::Overlong));
    }
    importer.line(number, line.bytes, sink);
}

/// Looks for the first part of the log that has a format; the lines before it are told as unknown.
fn detected(
    lines: &mut Lines<impl Read>,
    number: &mut u64,
    sink: &mut Sink<'_>,
) -> io::Result<(Format, Box<dyn Importer>)> {
    for _ in 0..HEADS_MAX {
        let head = lines.head(HEAD_LEN)?;
        if let Some(format) = detect::format(head) {
            return Ok((format, format.importer(head)));
        }
        let mut left = head.len();
        if left == 0 {
            return Ok((Format::Unknown, Box::new(Unknown)));
        }
        while left > 0 {
            let Some(line) = lines.next()? else { break };
            *number += 1;
            left = left.saturating_sub(line.bytes.len() + 1);
            read(&mut Unknown, *number, line, sink);
        }
    }
    Ok((Format::Terminal, Format::Terminal.importer(lines.head(HEAD_LEN)?)))
}
