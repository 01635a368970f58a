//! Recordings: what went over the line, what was asked of the supervisor and what it said, and what the scan made of it.
//!
//! ```text
//! # atlog: 1
//! # dialogue: 2
//! # port: /dev/ttyACM2
//! # redacted: all but what a scan needs
//! 0.000 scan request 1 manual
//! 0.000 sv taken supervised run 103 up
//! 0.000 sv ask down
//! 0.302 sv status supervised down - down
//! 0.552 > AT\r
//! 0.560 < AT\r\r\nOK\r\n
//! 61.203 ppp link up
//! ```
//!
//! Text, one event a line, appended as it happens: `<seconds.millis> <who> <escaped bytes or words>`. `>` went to the modem,
//! `<` came from it, `sv`, `ppp` and `scan` are the supervisor, the link and the scan. Seconds count from the first event.
//! A crash loses the last line at most.
//!
//! `scan data sent 812 received 4096` are bytes of data mode, which are not recorded; from `scan left-out from here on` the file is
//! at its limit, and bytes of the line are only counted, while words are still written.
//!
//! `dialogue` counts the versions of what a scan sends to the modem; a recording without it has version 1. A program with another
//! version sends other commands, and cannot rerun the recording: 1 asked for texts of errors (`AT+CMEE=2`), 2 asks for numbers, 3 asks
//! for the modem's settings before it changes them, and puts them back.
//!
//! All that the scan was told is in it, so that the same machine fed with it decides the same
//! (`cellscan replay`). What it does not need is unreadable, see [`cellscan_redact`].
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`entry`] | one line of a recording, written and read |
//! | [`recorder`] | the file, its limit, and what is left out of it |
//! | [`recorded`] | a port and a supervisor whose answers are recorded |
//! | [`listening`] | where a recording goes, and a scan of this gateway that is listened to |
//! | [`shown`] | a recording that is shown while it is made |
//! | [`words`], [`policy`] | what the scan tells, and how it is to go, in words |
//! | [`ring`] | the last few recordings of a daemon |

pub mod entry;
pub mod listening;
pub mod policy;
pub mod recorded;
pub mod recorder;
pub mod ring;
pub mod shown;
pub mod words;

pub use entry::{Entry, Timed, Who};
pub use recorded::Recorded;
pub use recorder::{Extent, Header, Recorder, Tape};
pub use shown::Shown;
