//! Captures of terminals: minicom, microcom, picocom, atinout, atcom, gcom, the Arduino monitor, forum posts.
//!
//! A line that looks like a command is a command, with or without a prompt (`> `, `$ `, `# `) before it; all lines up to
//! the next final result are its reply. Shell lines, comments and kernel messages belong to no command. A stamp may be
//! joined to the text: `[2022-10-06_15:15:28:241]AT`, `14:25:36.443 -> AT`. `[CR]` and `[LF]` may be escaped like this.

use super::event::{Event, Millis, What};
use super::stamp::{clock_with_fraction, date_and_clock, number};
use super::text::{contains, final_result, is_command, split_once};
use super::{Importer, Sink};

/// Reads captures of terminals.
#[derive(Debug, Default)]
pub struct Terminal {
    at: Option<Millis>,
    /// The command without a final result yet, and whether a line answered it.
    open: Option<(Vec<u8>, bool)>,
}

/// The stamp before the text, and the text.
fn stamp(line: &[u8]) -> (Option<Millis>, &[u8]) {
    let found = line
        .strip_prefix(b"[")
        .and_then(|rest| date_and_clock(rest, b".:,").or_else(|| clock_with_fraction(rest, b".:,")))
        .and_then(|(at, rest)| Some((at, rest.strip_prefix(b"]")?)))
        .or_else(|| {
            let (at, rest) = clock_with_fraction(line, b".,")?;
            Some((at, rest.trim_ascii_start().strip_prefix(b"->")?))
        });
    found.map_or((None, line), |(at, rest)| (Some(at), rest))
}

/// `[  123.456789] usb 1-1: …`
fn is_of_kernel(line: &[u8]) -> bool {
    line.strip_prefix(b"[")
        .and_then(|rest| split_once(rest, b"] "))
        .and_then(|(inner, _)| split_once(inner, b"."))
        .is_some_and(|(seconds, micros)| number(seconds.trim_ascii()).is_some() && number(micros).is_some())
}

/// The text after a prompt; `None` without a prompt.
fn behind_prompt(line: &[u8]) -> Option<&[u8]> {
    let rest =
        line.strip_prefix(b">").or_else(|| line.strip_prefix(b"$")).or_else(|| line.strip_prefix(b"#"))?;
    Some(rest.trim_ascii_start())
}

impl Importer for Terminal {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        let line = line.trim_ascii();
        let (at, text) = stamp(line);
        self.at = at.or(self.at);
        if contains(text, b"[CR]") || contains(text, b"[LF]") {
            let mut bytes = Vec::with_capacity(text.len());
            let mut rest = text;
            while let Some((first, after)) = rest.split_first() {
                let mark = rest.strip_prefix(b"[CR]").or_else(|| rest.strip_prefix(b"[LF]"));
                bytes.push(if mark.is_some() { b'\n' } else { *first });
                rest = mark.unwrap_or(after);
            }
            for part in bytes.split(|byte| *byte == b'\n') {
                self.text(number, part.trim_ascii(), sink);
            }
            return;
        }
        self.text(number, text.trim_ascii(), sink);
    }
}

impl Terminal {
    fn text(&mut self, number: u64, text: &[u8], sink: &mut Sink<'_>) {
        let at = self.at;
        let mut tell = |what: What<'_>| sink(Event::new(number, at, what));
        if text.is_empty() {
            return;
        }
        let prompted = behind_prompt(text);
        let command = prompted.unwrap_or(text);
        if is_command(command) || command == b"+++" {
            let is_echo = self
                .open
                .as_ref()
                .is_some_and(|(open, answered)| !answered && open.eq_ignore_ascii_case(command));
            if is_echo {
                return tell(What::Received(command));
            }
            self.open = Some((command.to_vec(), false));
            return tell(What::Sent(command));
        }
        if prompted.is_some() || is_of_kernel(text) || is_of_shell(text) {
            return tell(What::Other(text));
        }
        if final_result(text).is_some() {
            self.open = None;
        } else if let Some((_, answered)) = &mut self.open {
            *answered = true;
        }
        tell(What::Received(text));
    }
}

/// `root@OpenWrt:/# microcom …`
fn is_of_shell(text: &[u8]) -> bool {
    split_once(text, b"# ").or_else(|| split_once(text, b"$ ")).is_some_and(|(head, _)| {
        head.contains(&b'@') && head.contains(&b':') && !head.contains(&b' ') && !head.contains(&b'"')
    })
}
