//! What stands before a command or an answer.

use super::super::envelope::{of_container, of_service};
use super::super::stamp::{Stamp, at_start};

/// Bytes of the longest marker.
pub(super) const MARKER_MAX: usize = 160;

/// Which commands follow a marker.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Commands {
    /// None.
    #[default]
    None,
    /// Those that the program sends.
    Sent,
    /// Those that another marker has told already.
    Repeated,
}

/// A marker and its part in the log. In its pattern `\0` stands for a number and `' '` for a run of blanks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Marker {
    /// A stamp precedes it.
    pub(super) stamped: bool,
    pub(super) pattern: Vec<u8>,
    pub(super) commands: Commands,
    /// Answers follow it.
    pub(super) receives: bool,
}

/// The stamp of a line, and its text without the blanks around.
pub(super) fn stripped(line: &[u8]) -> (Option<Stamp<'_>>, &[u8]) {
    let line = of_service(line);
    let stamp = at_start(line);
    (stamp, without_step(stamp.map_or(line, |stamp| of_container(stamp.rest)).trim_ascii()))
}

/// Without the time since the line before that some programs write behind the text: ` +12ms`.
fn without_step(text: &[u8]) -> &[u8] {
    let step = text.strip_suffix(b"ms").or_else(|| text.strip_suffix(b"s"));
    let digits = |text: &[u8]| text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let head = step.map(|step| &step[..step.len() - digits(step)]).filter(|head| head.len() + 1 < text.len());
    head.and_then(|head| head.strip_suffix(b" +")).map_or(text, <[u8]>::trim_ascii_end)
}

/// The pattern of the text before a payload.
pub(super) fn pattern(before: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(before.len());
    let mut rest = before;
    while let Some(first) = rest.first() {
        let (sign, len) = match number(rest) {
            Some(len) => (0, len),
            None if is_blank(*first) => (b' ', blanks(rest)),
            None => (*first, 1),
        };
        pattern.push(sign);
        rest = &rest[len..];
    }
    pattern
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_blank(**byte)).count()
}

/// The length of the number at the beginning: decimal, or hexadecimal with `0x`.
fn number(text: &[u8]) -> Option<usize> {
    let hex = text
        .strip_prefix(b"0x")
        .map_or(0, |text| text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count());
    let decimal = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if hex > 0 { Some(hex + 2) } else { (decimal > 0).then_some(decimal) }
}

impl Marker {
    /// Whether it is empty: the payload stands alone on its line.
    pub(super) fn is_empty(&self) -> bool {
        self.pattern.is_empty() && !self.stamped
    }

    /// Whether it is more than the prompt of a terminal or the end of a message that a command is joined to.
    pub(super) fn marks(&self) -> bool {
        let prompt: [&[u8]; 7] = [b"", b">", b"> ", b"$", b"$ ", b"#", b"# "];
        !prompt.contains(&self.pattern.as_slice()) && (self.stamped || !self.pattern.ends_with(b"..."))
    }

    /// A command in a trace of a shell.
    pub(super) fn is_traced(&self) -> bool {
        self.pattern.starts_with(b"+ ")
    }

    /// The length of what fits it at the beginning of `text`.
    pub(super) fn fits(&self, stamped: bool, text: &[u8]) -> Option<usize> {
        if stamped != self.stamped {
            return None;
        }
        let mut at = 0;
        for (index, sign) in self.pattern.iter().enumerate() {
            let rest = &text[at..];
            at += match sign {
                0 => number(rest)?,
                // An empty line of the modem: the blank behind the marker was trimmed.
                b' ' if rest.is_empty() && index + 1 == self.pattern.len() => 0,
                b' ' => Some(blanks(rest)).filter(|len| *len > 0)?,
                sign => (rest.first() == Some(sign)).then_some(1)?,
            };
        }
        Some(at)
    }
}
