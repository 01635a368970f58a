//! Syslog with lines of `chat -v`, `pppd` and `comgt` (started by `netifd`); also what `chat -s -v` and `pppd` write to a terminal.
//!
//! ```text
//! line = envelope body        the envelope of [`super::envelope`], with a tag or, on a terminal, without one
//! chat = "send (" v ")" | "expect (" v ")" | " -- got it" | "alarm" | "Failed" … | v
//! v    = visible: "^" (byte xor 0x40), "M-" (byte - 0x80)
//! ```
//!
//! `chat` logs a line of the modem when its LF comes, and a piece of 80 bytes when no LF comes: the next record continues
//! that piece, without a mark. What follows a match (the CR LF of `OK`) appears under the next `expect`.

use std::collections::BTreeSet;

use super::envelope::{Envelope, uncoloured};
use super::event::{Event, Millis, Note, Pppd, What};
use super::stamp::{Calendar, syslog};
use super::stream::Names;
use super::terminal::is_of_shell;
use super::text::{contains, split_once};
use super::{Importer, Sink, pppd, svlogd};

/// Bytes after which `chat` cuts a line (`chat.c`: `logged`, an array of 80).
const PIECE_LEN: usize = 80;
/// Largest length of a line put together from pieces, in bytes.
const LINE_MAX: usize = 64 * 1024;

/// Reads syslog.
#[derive(Debug, Default)]
pub struct Chat {
    tags: Names,
    /// Incomplete lines of `chat`, each with its dialogue.
    pieces: Vec<(u32, Vec<u8>)>,
    /// A process named `chat` logs here: the same words under other names are copies (systemd and `chat -s` log twice).
    named: bool,
    /// `chat -s -v` on a terminal, or behind stamps alone: lines without a tag are its own.
    untagged: bool,
    /// Dialogues of other names that have used the words of `chat`.
    speakers: BTreeSet<u32>,
    calendar: Calendar,
    at: Option<Millis>,
}

impl Chat {
    /// An importer for a log that begins with `head`.
    #[must_use]
    pub fn new(head: &[u8]) -> Self {
        let (mut named, mut tagged, mut bare) = (false, 0_u32, 0_u32);
        for line in head.split(|byte| *byte == b'\n') {
            let found = Envelope::of(uncoloured(line));
            named |= found.tag.is_some_and(|tag| tag.name == b"chat");
            let speaks = u32::from(is_chat(found.text));
            (tagged, bare) =
                if found.tag.is_some() { (tagged + speaks, bare) } else { (tagged, bare + speaks) };
        }
        Self { named, untagged: bare > tagged, ..Self::default() }
    }
}

impl Importer for Chat {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let mut line = uncoloured(line);
        // A record may contain the next one.
        while let Some(inside) = record_inside(line) {
            self.record(number, &line[..inside], sink);
            line = &line[inside..];
        }
        self.record(number, line, sink);
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        for (channel, piece) in core::mem::take(&mut self.pieces) {
            sink(Event { line: 0, at: self.at, channel, what: What::Received(&piece) });
        }
    }
}

impl Chat {
    fn record(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let found = Envelope::of(line);
        if let Some(stamp) = &found.stamp {
            self.at = Some(self.calendar.place(stamp));
        }
        let body = found.text;
        let Some(tag) = found.tag else {
            if self.untagged {
                return self.bare(number, body, sink);
            }
            return sink(Event::new(number, self.at, What::Other(line)));
        };
        let channel = self.tags.number(tag.whole);
        let event = |what| Event { line: number, at: self.at, channel, what };
        match tag.name {
            b"chat" => self.named = true,
            b"pppd" => {
                let what = pppd::note(body).map_or(What::Other(body), What::Note);
                return sink(event(what));
            }
            b"netifd" => {
                let sent = split_once(body, b"sending -> ").map(|(_, command)| command);
                return sink(event(sent.map_or(What::Other(body), What::Sent)));
            }
            _ if self.named => return sink(event(What::Other(body))),
            _ if is_chat(body) => {
                self.speakers.insert(channel);
            }
            _ if !self.speakers.contains(&channel) => return sink(event(What::Other(body))),
            _ => {}
        }
        self.chat(number, channel, body, sink);
    }

    /// A line of a terminal, where `chat`, `pppd` and the shell write.
    fn bare(&mut self, number: u64, body: &[u8], sink: &mut Sink<'_>) {
        let of_pppd =
            svlogd::is_of_pppd(body) || contains(body, b"# (from ") || body.starts_with(b"pppd options ");
        let what = match pppd::note(body) {
            Some(note) => What::Note(note),
            None if of_pppd || is_of_shell(body) => What::Other(body),
            None => {
                let channel = self.tags.number(b"");
                return self.chat(number, channel, body, sink);
            }
        };
        sink(Event::new(number, self.at, what));
    }

    fn chat(&mut self, number: u64, channel: u32, body: &[u8], sink: &mut Sink<'_>) {
        let at = self.at;
        let mut tell = |what: What<'_>| sink(Event { line: number, at, channel, what });
        let in_brackets = |name: &[u8]| body.strip_prefix(name)?.strip_prefix(b" (")?.strip_suffix(b")");
        if let Some(shown) = in_brackets(b"send") {
            self.flush(channel, &mut tell);
            return tell(What::Sent(&plain(shown)));
        }
        let words: [&[u8]; 5] = [b"abort on", b"clear abort on", b"report", b"clear report", b"expect"];
        if words.iter().any(|word| in_brackets(word).is_some())
            || body.starts_with(b"timeout set to ")
            || body.starts_with(b"warning: ")
            || body == b"got it"
        {
            return tell(What::Other(body));
        }
        match body {
            b" -- got it" | b" -- failed" => self.flush(channel, &mut tell),
            b"alarm" | b" -- write timed out" => {
                self.flush(channel, &mut tell);
                tell(What::GivenUp);
            }
            b"SIGHUP" => tell(What::Note(Note::Pppd(Pppd::HungUp))),
            b"Failed" | b"SIGTERM" | b"SIGINT" => tell(What::Other(body)),
            _ if body.starts_with(b"Failed (") || body.starts_with(b" -- write failed") => {
                tell(What::Other(body));
            }
            _ if body.starts_with(b"Can't ") => {
                tell(pppd::note(body).map_or(What::Other(body), What::Note));
            }
            _ => self.text(channel, body, &mut tell),
        }
    }

    /// Text from the modem.
    fn text(&mut self, channel: u32, body: &[u8], tell: &mut dyn FnMut(What<'_>)) {
        let bytes = unvisible(body);
        let goes_on = bytes.len() >= PIECE_LEN && !bytes.ends_with(b"\r");
        let index = self.pieces.iter().position(|(known, _)| *known == channel).unwrap_or_else(|| {
            self.pieces.push((channel, Vec::new()));
            self.pieces.len() - 1
        });
        let piece = &mut self.pieces[index].1;
        let room = LINE_MAX.saturating_sub(piece.len());
        piece.extend(bytes.into_iter().take(room));
        if !goes_on {
            self.flush(channel, tell);
        }
    }

    fn flush(&mut self, channel: u32, tell: &mut dyn FnMut(What<'_>)) {
        if let Some((_, piece)) = self.pieces.iter_mut().find(|(known, _)| *known == channel) {
            for line in piece.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty()) {
                tell(What::Received(line));
            }
            piece.clear();
        }
    }
}

/// Whether these are words of `chat` itself.
pub(super) fn is_chat(body: &[u8]) -> bool {
    let words: [&[u8]; 6] =
        [b"send (", b"expect (", b"abort on (", b"timeout set to ", b" -- got it", b"report ("];
    words.iter().any(|word| body.starts_with(word))
}

/// The position of a record inside another: a stamp, and a tag with a pid after it.
fn record_inside(line: &[u8]) -> Option<usize> {
    let mut from = 16;
    while let Some(found) = line.get(from..).and_then(|rest| memchr::memmem::find(rest, b"]: ")) {
        let end = from + found;
        // The stamp is at most 120 bytes before the colon: host, facility, tag and pid lie between.
        let begin = end.saturating_sub(120).max(1);
        for at in begin..end {
            let rest = &line[at..];
            if rest.first().is_some_and(u8::is_ascii_uppercase)
                && rest.get(3) == Some(&b' ')
                && let Some((_, after)) = syslog(rest)
                && split_once(after, b"]: ")
                    .is_some_and(|(head, _)| !head.contains(&b'(') && head.contains(&b'['))
                && line[..at].trim_ascii().len() > 12
            {
                return Some(at);
            }
        }
        from = end + 3;
    }
    None
}

/// Decodes the visible form of `chat`.
fn unvisible(mut shown: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(shown.len());
    while let Some((first, rest)) = shown.split_first() {
        let (high, rest_high) = match shown.strip_prefix(b"M-") {
            // Only where a byte above 0x7f was encoded; a name may contain these two characters as they are.
            Some(rest) if !rest.is_empty() && rest[0] != b' ' && !rest[0].is_ascii_alphanumeric() => {
                (0x80, rest)
            }
            _ => (0, shown),
        };
        match rest_high {
            [b'^', control, rest @ ..] if (0x3f..=0x5f).contains(control) => {
                bytes.push((control ^ 0x40) | high);
                shown = rest;
            }
            [byte, rest @ ..] if high != 0 => {
                bytes.push(byte | high);
                shown = rest;
            }
            _ => {
                bytes.push(*first);
                shown = rest;
            }
        }
    }
    bytes
}

/// The command as sent, from the form that `chat` logs: without pauses and other escapes for `chat` itself.
fn plain(shown: &[u8]) -> Vec<u8> {
    let raw = unvisible(shown);
    let mut plain = Vec::with_capacity(raw.len());
    let mut bytes = raw.into_iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {}
            b'\\' => match bytes.next() {
                Some(b's') => plain.push(b' '),
                Some(b't') => plain.push(b'\t'),
                // A pause, no CR at the end, quiet, a break, and line ends, which every command has.
                Some(b'd' | b'p' | b'c' | b'q' | b'K' | b'r' | b'n' | b'N' | b'b') | None => {}
                Some(other) => plain.push(other),
            },
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sent_command_has_no_escapes_of_chat() {
        assert_eq!(plain(b"\\dAT^M"), b"AT");
        assert_eq!(plain(b"\\d+++\\d\\d"), b"+++");
        assert_eq!(plain(b"AT+CGDCONT=1,\"IP\",\"a\\sb\"^M"), b"AT+CGDCONT=1,\"IP\",\"a b\"");
        assert_eq!(unvisible(b"a^M^@M-^?M-i"), b"a\r\0\xffM-i");
    }

    #[test]
    fn a_record_inside_another_is_found() {
        let line = b"Jun 26 22:37:51 H chat[7]: AT+CGEQMIN=1^M^MJun 26 22:37:51 H chat[7]: OK";
        let at = record_inside(line).unwrap();
        assert_eq!(&line[at..], b"Jun 26 22:37:51 H chat[7]: OK");
        assert_eq!(record_inside(&line[at..]), None);
    }
}
