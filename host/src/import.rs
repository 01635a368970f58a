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
pub mod event;
pub mod fixture;
pub mod gateway;
pub mod hexdump;
pub mod lines;
pub mod mbed;
pub mod modem_manager;
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

use lines::{HEAD_LEN, Lines};

/// Receives the events that an importer makes of a line.
pub type Sink<'a> = dyn FnMut(Event<'_>) + 'a;

/// Reads one format, line by line.
pub trait Importer {
    /// Reads the next line, without its LF; a CR before the LF is still there.
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>);

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
    /// A capture of a terminal.
    Terminal,
}

impl Format {
    /// All formats, in the order of detection.
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
            Self::Terminal => "terminal",
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
            Self::ModemManager => Box::new(modem_manager::ModemManager::default()),
            Self::Chat => Box::new(chat::Chat::new(head)),
            Self::Svlogd => Box::new(svlogd::Svlogd::default()),
            Self::Wvdial => Box::new(wvdial::Wvdial),
            Self::Ril => Box::new(ril::Ril::default()),
            Self::Gammu => Box::new(hexdump::Gammu::default()),
            Self::Zephyr => Box::new(hexdump::Zephyr::default()),
            Self::Mbed => Box::new(mbed::Mbed::default()),
            Self::Comgt => Box::new(words::Comgt::default()),
            Self::Ublox => Box::new(words::Ublox::default()),
            Self::Mikrotik => Box::new(words::Mikrotik::default()),
            Self::Fixture => Box::new(fixture::Fixture::default()),
            Self::Terminal => Box::new(terminal::Terminal::default()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a whole log. `format`: `None` detects the format by content. Returns the format and the number of lines.
///
/// # Errors
/// The log could not be read to its end. The events before the error were passed on.
pub fn import(log: impl Read, format: Option<Format>, sink: &mut Sink<'_>) -> io::Result<(Format, u64)> {
    let mut lines = Lines::new(log);
    let head = lines.head(HEAD_LEN)?;
    let format = format.unwrap_or_else(|| detect::format(head));
    let mut importer = format.importer(head);
    let mut number = 0;
    while let Some(line) = lines.next()? {
        number += 1;
        if line.overlong {
            sink(Event::unread(number, Unread::Overlong));
        }
        importer.line(number, line.bytes, sink);
    }
    importer.end(sink);
    Ok((format, number))
}
