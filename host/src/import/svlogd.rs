//! Standard error of `pppd`, `chat -V` and their `run` script, as `svlogd` keeps it; also a `logfile` of `pppd`, and an
//! excerpt without stamps.
//!
//! ```text
//! line = [stamp] text
//! ```
//!
//! No mark says which program wrote a line: the echo of a command stands for the command, and its reply follows. `chat -V`
//! does not end its lines, so text of other programs is joined to the modem's: `+CME ERRORScript …`, `CONNECTchat: …`.

use super::event::{Event, What};
use super::text::{is_command, split_once};
use super::{Importer, Sink, pppd};

/// Reads output of `pppd` that `svlogd` keeps.
#[derive(Debug, Default)]
pub struct Svlogd;

/// Whether the text comes from `pppd` or its script, and not from the modem.
#[must_use]
pub fn is_of_pppd(text: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 28] = [
        b"Script ",
        b"Connect: ",
        b"using channel ",
        b"Using interface ",
        b"local  IP",
        b"remote IP",
        b"sent [",
        b"rcvd [",
        b"Serial connection ",
        b"Connect time ",
        b"Connect script",
        b"Connection terminated",
        b"LCP ",
        b"primary   DNS",
        b"secondary DNS",
        b"pppd ",
        b"Terminating ",
        b"No response to ",
        b"PAP ",
        b"CHAP ",
        b"Could not determine",
        b"not replacing ",
        b"Start Pppd",
        b"Finish Pppd",
        b"Hangup ",
        b"Modem hangup",
        b"tcflush ",
        b"ioctl(",
    ];
    BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}

impl Importer for Svlogd {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let text = line.trim_ascii();
        for mark in [&b"Script /"[..], b"chat:  ", b"Finish Pppd", b"Start Pppd"] {
            if let Some((modem, _)) = split_once(text, mark).filter(|(modem, _)| !modem.is_empty()) {
                let (modem, rest) = text.split_at(modem.len());
                read(number, modem, sink);
                return read(number, rest, sink);
            }
        }
        read(number, text, sink);
    }
}

fn read(number: u64, text: &[u8], sink: &mut Sink<'_>) {
    let mut tell = |what: What<'_>| sink(Event::new(number, None, what));
    if text.is_empty() {
        return;
    }
    if let Some(note) = pppd::note(text) {
        return tell(What::Note(note));
    }
    if is_of_pppd(text) || text.starts_with(b"chat:  ") {
        return tell(What::Other(text));
    }
    // `AATQ0`: an `A` of the previous command was still in the modem's line buffer.
    let command = if text.starts_with(b"AAT") { &text[1..] } else { text };
    tell(if is_command(command) { What::Sent(command) } else { What::Received(text) });
}
