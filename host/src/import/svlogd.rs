//! Standard error of `pppd`, `chat -V` and their `run` script, as `svlogd` keeps it; also a `logfile` of `pppd`, and an
//! excerpt without stamps.
//!
//! ```text
//! line = [YYYY-MM-DD_HH:MM:SS.frac " " | "@" 24 hex " "] text
//! ```
//!
//! No mark says which program wrote a line: the echo of a command stands for the command, and its reply follows. `chat -V`
//! does not end its lines, so text of other programs is joined to the modem's: `+CME ERRORScript …`, `CONNECTchat: …`.

use super::event::{Event, Millis, What};
use super::stamp::date_and_clock;
use super::text::{is_command, split_once};
use super::{Importer, Sink, pppd};

/// Reads output of `pppd` that `svlogd` keeps.
#[derive(Debug, Default)]
pub struct Svlogd {
    at: Option<Millis>,
}

/// TAI64 of 1970-01-01 (cr.yp.to/libtai/tai64.html); its ten leap seconds do not matter for differences.
const TAI_EPOCH: u64 = 1 << 62;

/// A stamp at the beginning, and the rest.
#[must_use]
pub fn stamp(line: &[u8]) -> Option<(Millis, &[u8])> {
    if let Some((head, rest)) = line.strip_prefix(b"@").and_then(|rest| rest.split_at_checked(24)) {
        let hex = |digits: &[u8]| u64::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok();
        let seconds = i64::try_from(hex(&head[..16])?.checked_sub(TAI_EPOCH)?).ok()?;
        let millis = i64::try_from(hex(&head[16..])? / 1_000_000).ok()?;
        return Some((
            seconds.checked_mul(1_000)?.checked_add(millis)?,
            rest.strip_prefix(b" ").unwrap_or(rest),
        ));
    }
    let (at, rest) = date_and_clock(line, b".")?;
    Some((at, rest.strip_prefix(b" ").unwrap_or(rest)))
}

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
        let mut text = line.trim_ascii();
        if let Some((at, rest)) = stamp(text) {
            self.at = Some(at);
            text = rest.trim_ascii_end();
        }
        for mark in [&b"Script /"[..], b"chat:  ", b"Finish Pppd", b"Start Pppd"] {
            if let Some((modem, _)) = split_once(text, mark).filter(|(modem, _)| !modem.is_empty()) {
                let (modem, rest) = text.split_at(modem.len());
                self.text(number, modem, sink);
                return self.text(number, rest, sink);
            }
        }
        self.text(number, text, sink);
    }
}

impl Svlogd {
    fn text(&self, number: u64, text: &[u8], sink: &mut Sink<'_>) {
        let mut tell = |what: What<'_>| sink(Event::new(number, self.at, what));
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_stamps_are_read() {
        let (tai, rest) = stamp(b"@4000000065c2b3a01dcd6500 OK").unwrap();
        assert_eq!((tai, rest), (1_707_258_784_500, &b"OK"[..]));
        assert_eq!(stamp(b"2024-02-06_22:33:04.50000 OK"), Some((1_707_258_784_500, &b"OK"[..])));
        assert_eq!(stamp(b"OK"), None);
    }
}
