//! Captures of terminals: minicom, microcom, picocom, atinout, atcom, gcom, the Arduino monitor, forum posts.
//!
//! A line that looks like a command is a command, with or without a prompt (`> `, `$ `, `# `) before it; all lines up to
//! the next final result are its reply. Shell lines, comments and kernel messages belong to no command. A stamp may be
//! joined to the text: `[2022-10-06_15:15:28:241]AT`, `14:25:36.443 -> AT`. `[CR]` and `[LF]` may be escaped like this.

use super::event::{Event, What};
use super::payload::{self, without_remark};
use super::stamp::number;
use super::text::{contains, final_result, is_command, is_information, rsplit_once, split_once};
use super::{Importer, Sink, pppd, svlogd};

/// Reads captures of terminals.
#[derive(Debug, Default)]
pub struct Terminal {
    /// The command without a final result yet, and whether a line answered it.
    open: Option<(Vec<u8>, bool)>,
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
        let text = line.trim_ascii();
        let text = text.strip_prefix(b"->").map_or(text, <[u8]>::trim_ascii_start);
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
        let mut tell = |what: What<'_>| sink(Event::new(number, None, what));
        if text.is_empty() {
            return;
        }
        let prompted = behind_prompt(text);
        let command = without_remark(prompted.unwrap_or(text));
        if is_command(command) || command == b"+++" {
            return self.command(command, &mut tell);
        }
        let prompted = prompted.is_some() && !is_information(text);
        if prompted || is_of_kernel(text) || is_of_shell(text) {
            return tell(What::Other(text));
        }
        if let Some(note) = pppd::note(text) {
            return tell(What::Note(note));
        }
        if svlogd::is_of_pppd(text) {
            return tell(What::Other(text));
        }
        if let Some((message, command)) = joined(text) {
            tell(What::Other(message));
            return self.command(command, &mut tell);
        }
        let text = without_remark(text);
        if final_result(text).is_some() {
            self.open = None;
        } else if let Some((_, answered)) = &mut self.open {
            *answered = true;
        } else if !is_information(text) && !is_unsolicited(text) {
            // No command is open, and no modem says this.
            return tell(What::Other(text));
        }
        tell(What::Received(text));
    }

    fn command(&mut self, command: &[u8], tell: &mut dyn FnMut(What<'_>)) {
        let is_echo = self
            .open
            .as_ref()
            .is_some_and(|(open, answered)| !answered && open.eq_ignore_ascii_case(command));
        if is_echo {
            return tell(What::Received(command));
        }
        self.open = Some((command.to_vec(), false));
        tell(What::Sent(command));
    }
}

/// A message of a program with a command joined to it, and nothing behind: `Waiting for network...AT+CEREG?`
fn joined(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if is_information(text) || !text.first()?.is_ascii_alphabetic() && text.first() != Some(&b'[') {
        return None;
    }
    let at = rsplit_once(text, b"AT").map(|(head, _)| head.len())?;
    let (message, command) = text.split_at(at);
    let mark = message.trim_ascii_end().last()?;
    let ends = matches!(mark, b'.' | b':' | b'>' | b']' | b')')
        || message.trim_ascii_end().ends_with("…".as_bytes());
    (ends && payload::command(message, command)? == without_remark(command))
        .then_some((message.trim_ascii(), command))
}

/// Words that a modem says without being asked.
fn is_unsolicited(text: &[u8]) -> bool {
    let words: [&[u8]; 5] = [b"RING", b"RDY", b"SMS READY", b"CALL READY", b"PB DONE"];
    words.iter().any(|word| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)))
}

/// `root@OpenWrt:/# microcom …`
pub(super) fn is_of_shell(text: &[u8]) -> bool {
    split_once(text, b"# ").or_else(|| split_once(text, b"$ ")).is_some_and(|(head, _)| {
        let head = head.trim_ascii_end();
        head.contains(&b'@') && head.contains(&b':') && !head.contains(&b' ') && !head.contains(&b'"')
    })
}
