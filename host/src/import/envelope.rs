//! What stands around a record of any format: colours of a terminal, stamps, host, tag.
//!
//! ```text
//! line = [colour] { [stamp] [[host] [facility "." level] tag ["[" pid "]"] ": "] } text [colour]
//!      | service blanks "| " line                         docker compose
//!      | stamp ("stdout" | "stderr") (" F " | " P ") text  container runtimes
//!      | "<" prio ">1 " stamp host app pid msgid (["[" structured data "]"] | "-") " " text          RFC 5424
//! ```

use super::event::{Event, Millis};
use super::stamp::{Calendar, Origin, Stamp, at_start};
use super::{Importer, Sink};

/// Words before the tag: host, facility and level.
const WORDS_MAX: usize = 3;
/// Envelopes in one another: docker's stamp, syslog's, the program's.
const NESTED_MAX: usize = 3;
/// Programs whose name before a colon is a tag, with neither a pid nor the stamp of a syslog daemon.
const PROGRAMS: [&[u8]; 5] = [b"chat", b"pppd", b"wvdial", b"netifd", b"ModemManager"];
/// The levels of syslog, as busybox and logread write them behind the facility.
const LEVELS: [&[u8]; 11] = [
    b"emerg", b"panic", b"alert", b"crit", b"err", b"error", b"warn", b"warning", b"notice", b"info",
    b"debug",
];

/// The process that wrote a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tag<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its name and its pid as the log has them.
    pub whole: &'a [u8],
}

/// A line, taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Envelope<'a> {
    /// The outermost stamp.
    pub stamp: Option<Stamp<'a>>,
    /// The innermost tag.
    pub tag: Option<Tag<'a>>,
    /// What is left.
    pub text: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes a line apart.
    #[must_use]
    pub fn of(line: &'a [u8]) -> Self {
        let mut found = Self { stamp: None, tag: None, text: of_service(line) };
        for _ in 0..NESTED_MAX {
            let stamp = at_start(found.text);
            let rest = stamp.map_or(found.text, |stamp| of_container(stamp.rest));
            let tagged = match stamp {
                Some(stamp) if stamp.rfc5424 => header(rest),
                _ => tag(rest, stamp.is_some_and(|stamp| stamp.tagged)),
            };
            if stamp.is_none() && tagged.is_none() {
                break;
            }
            found.stamp = found.stamp.or(stamp);
            found.text = rest;
            if let Some((tag, text)) = tagged {
                (found.tag, found.text) = (tag.or(found.tag), text);
            }
        }
        found
    }
}

/// Without the name of the service that docker compose writes before each line: `modem-1  | `.
pub(super) fn of_service(line: &[u8]) -> &[u8] {
    let name = line.iter().take(64).position(|byte| matches!(byte, b' ' | b'|')).filter(|len| *len > 2);
    let Some((name, rest)) = name.map(|len| line.split_at(len)) else { return line };
    let is_name = name[0].is_ascii_alphabetic()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    rest.trim_ascii_start().strip_prefix(b"| ").filter(|_| is_name).unwrap_or(line)
}

/// Without the stream and the flag that a container runtime writes behind its stamp: `stderr F `.
pub(super) fn of_container(text: &[u8]) -> &[u8] {
    let rest = text.strip_prefix(b"stdout ").or_else(|| text.strip_prefix(b"stderr "));
    rest.and_then(|rest| rest.strip_prefix(b"F ").or_else(|| rest.strip_prefix(b"P "))).unwrap_or(text)
}

/// The tag and the text behind it. A tag without a pid counts only behind a stamp of a syslog daemon, and with a small first letter: text may
/// have a colon too. [`PROGRAMS`] count everywhere.
fn tag(rest: &[u8], behind_stamp: bool) -> Option<(Option<Tag<'_>>, &[u8])> {
    let mut text = rest.trim_ascii_start();
    for _ in 0..=WORDS_MAX {
        let len = text.iter().take(128).position(|byte| *byte == b' ').unwrap_or_else(|| text.len().min(128));
        let (word, after) = text.split_at(len);
        if let Some(whole) = word.strip_suffix(b":") {
            let after = after.strip_prefix(b" ").unwrap_or(after);
            if is_level(whole) {
                // socklog writes `user.info: ` before the record of the program.
                return Some((None, after));
            }
            let name_len = whole.iter().position(|byte| *byte == b'[').unwrap_or(whole.len());
            let (name, pid) = whole.split_at(name_len);
            let pid = pid.strip_prefix(b"[").and_then(|pid| pid.strip_suffix(b"]"));
            let has_pid = pid.is_some_and(|pid| !pid.is_empty() && pid.iter().all(u8::is_ascii_digit));
            let is_name = name
                .iter()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'=' | b','));
            let small =
                name.first().is_some_and(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'('));
            let fits = is_name
                && !name.is_empty()
                && (has_pid
                    || (name.len() == whole.len() && (behind_stamp && small || PROGRAMS.contains(&name))));
            return fits.then_some((Some(Tag { name, whole }), after));
        }
        let host = |byte: &u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'@' | b'/')
        };
        if word.is_empty() || !word.iter().all(host) {
            return None;
        }
        text = after.trim_ascii_start();
    }
    None
}

/// `daemon.notice`
fn is_level(word: &[u8]) -> bool {
    let Some(point) = word.iter().position(|byte| *byte == b'.') else { return false };
    let (facility, level) = (&word[..point], &word[point + 1..]);
    facility.iter().all(u8::is_ascii_alphanumeric) && LEVELS.contains(&level)
}

/// The header of RFC 5424 behind its stamp.
fn header(rest: &[u8]) -> Option<(Option<Tag<'_>>, &[u8])> {
    let word = |text: &'_ [u8]| text.iter().position(|byte| *byte == b' ');
    let (_, app_on) = rest.split_at_checked(word(rest)? + 1)?;
    let app = word(app_on)?;
    let (_, pid_on) = app_on.split_at_checked(app + 1)?;
    let pid = word(pid_on)?;
    let (_, id_on) = pid_on.split_at_checked(pid + 1)?;
    let (_, mut data) = id_on.split_at_checked(word(id_on)? + 1)?;
    let tag = Tag { name: &app_on[..app], whole: &app_on[..app + 1 + pid] };
    if let Some(text) = data.strip_prefix(b"-") {
        return Some((Some(tag), text.strip_prefix(b" ").unwrap_or(text)));
    }
    while data.starts_with(b"[") {
        let (mut quoted, mut escaped) = (false, false);
        let end = data.iter().position(|byte| {
            quoted ^= *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            *byte == b']' && !quoted
        })?;
        data = &data[end + 1..];
    }
    Some((Some(tag), data.strip_prefix(b" ").unwrap_or(data)))
}

/// The line without the colours of a terminal (ECMA-48, SGR and EL) at both ends.
#[must_use]
pub fn uncoloured(mut line: &[u8]) -> &[u8] {
    line = line.strip_suffix(b"\r").unwrap_or(line);
    while let Some(rest) = line.strip_prefix(b"\x1b[") {
        let len = rest.iter().take(16).position(u8::is_ascii_alphabetic);
        let Some(len) = len else { break };
        line = &rest[len + 1..];
    }
    // A colour is ended at the end of the line: `ESC [ 0 m`.
    while let Some(at) =
        line.iter().rev().take(8).position(|byte| *byte == 0x1b).map(|behind| line.len() - 1 - behind)
    {
        let Some(rest) = line[at..].strip_prefix(b"\x1b[") else { break };
        let Some(end) = rest.iter().position(u8::is_ascii_alphabetic) else { break };
        if end + 1 < rest.len() {
            break;
        }
        line = &line[..at];
    }
    line
}

/// Which lines an importer receives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Given {
    /// The text without stamps, host and tag.
    Text,
    /// The same, but lines of the kernel as they are: their stamp is their mark.
    TextAndKernel,
    /// The whole line: the importer finds its record anywhere.
    Whole,
}

/// Reads stamps for an importer that has none of its own, or not on every line.
#[derive(Debug)]
pub struct Enveloped<I> {
    inner: I,
    given: Given,
    calendar: Calendar,
    at: Option<Millis>,
}

impl<I> Enveloped<I> {
    /// Gives lines to an importer.
    pub fn new(inner: I, given: Given) -> Self {
        Self { inner, given, calendar: Calendar::default(), at: None }
    }

    /// Gives text to an importer; lines of the kernel too, unless most lines of the beginning of the log have such a stamp.
    pub fn of_terminal(inner: I, head: &[u8]) -> Self {
        let lines = || head.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let of_kernel = lines().filter(|line| is_of_kernel(&Envelope::of(line), line)).count();
        let given = if 2 * of_kernel > lines().count() { Given::Text } else { Given::TextAndKernel };
        Self::new(inner, given)
    }
}

/// `[  123.456789] usb 1-1: …`
fn is_of_kernel(envelope: &Envelope<'_>, line: &[u8]) -> bool {
    let of_boot = |stamp: Stamp<'_>| stamp.tagged && stamp.origin == Origin::Boot;
    line.starts_with(b"[") && envelope.tag.is_none() && envelope.stamp.is_some_and(of_boot)
}

impl<I: Importer> Importer for Enveloped<I> {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = uncoloured(line);
        let envelope = Envelope::of(line);
        let kernel = self.given == Given::TextAndKernel && is_of_kernel(&envelope, line);
        if let Some(stamp) = envelope.stamp.filter(|_| !kernel) {
            self.at = Some(self.calendar.place(&stamp));
        }
        let text = if kernel || self.given == Given::Whole { line } else { envelope.text };
        let at = self.at;
        self.inner.at(at);
        self.inner.line(number, text, &mut |event| sink(Event { at: event.at.or(at), ..event }));
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        let at = self.at;
        self.inner.end(&mut |event| sink(Event { at: event.at.or(at), ..event }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn taken_apart(line: &str) -> (String, String) {
        let found = Envelope::of(line.as_bytes());
        let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (words(found.tag.map_or(b"-", |tag| tag.name)), words(found.text))
    }

    #[test]
    fn hosts_and_tags_stand_before_the_text_or_do_not() {
        for (line, name, text) in [
            ("Feb  3 10:11:12 gw chat[812]:  -- got it", "chat", " -- got it"),
            ("Feb  3 10:11:12 gw local2.info wvdial[812]: --> x", "wvdial", "--> x"),
            ("Feb  3 10:11:12 gw wvdial: --> x", "wvdial", "--> x"),
            ("Feb  3 10:11:12 chat: send (AT^M)", "chat", "send (AT^M)"),
            ("@4000000065be114a075bca00 chat[812]: send (AT^M)", "chat", "send (AT^M)"),
            ("@4000000065be114a075bca00 Connect: ppp0", "-", "Connect: ppp0"),
            ("@4000000065be114a075bca00 local2.info: Feb  3 10:11:12 chat[8]: OK", "chat", "OK"),
            ("[   12.345678] gw pppd[1]: x", "pppd", "x"),
            ("<30>1 2024-02-03T10:11:12Z gw chat 812 - - send (AT^M)", "chat", "send (AT^M)"),
            ("<30>1 2024-02-03T10:11:12Z gw chat 812 ID1 [a b=\"]\\]\"][c] OK", "chat", "OK"),
            ("2024-02-03T10:11:12Z Feb  3 10:11:12 gw chat[8]: OK", "chat", "OK"),
            ("2024-02-03T10:11:12Z CME ERROR: 30", "-", "CME ERROR: 30"),
            ("2024-02-03 10:11:12 +CSQ: 12,99", "-", "+CSQ: 12,99"),
            ("modem-1  | 2024-02-03T10:11:12Z OK", "-", "OK"),
            ("2024-02-03T10:11:12.123456Z stderr F  -- got it", "-", " -- got it"),
            ("chat[812]: OK", "chat", "OK"),
            ("+COPS: 0", "-", "+COPS: 0"),
            ("", "-", ""),
        ] {
            assert_eq!(taken_apart(line), (name.to_owned(), text.to_owned()), "{line}");
        }
    }

    #[test]
    fn colours_at_both_ends_are_no_text() {
        assert_eq!(uncoloured(b"\x1b[0;32mI (12) modem: AT\x1b[0m\r"), b"I (12) modem: AT");
        assert_eq!(uncoloured(b"\x1b[K\x1b[1mOK\x1b[0m\x1b[K"), b"OK");
        assert_eq!(uncoloured(b"a\x1b[1mb"), b"a\x1b[1mb");
        assert_eq!(uncoloured(b"\x1b[\x1b["), b"\x1b[\x1b[");
    }
}
