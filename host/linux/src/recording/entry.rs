//! One line of a recording.

use std::fmt::Write;

/// Who says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Who {
    /// The supervisor, or what is asked of it.
    Sv,
    /// The link.
    Ppp,
    /// The scan and its port.
    Scan,
}

impl Who {
    const ALL: [Self; 3] = [Self::Sv, Self::Ppp, Self::Scan];

    /// The word in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sv => "sv",
            Self::Ppp => "ppp",
            Self::Scan => "scan",
        }
    }
}

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry {
    /// Bytes went to the modem.
    Sent(Vec<u8>),
    /// Bytes came from it.
    Received(Vec<u8>),
    /// Words.
    Said(Who, String),
}

/// What happened, and when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Timed {
    /// Milliseconds from the first event.
    pub at_ms: u64,
    /// What.
    pub entry: Entry,
}

/// A line that is no line of a recording.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

impl Timed {
    /// The line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!("{}.{:03} ", self.at_ms / 1_000, self.at_ms % 1_000);
        match &self.entry {
            Entry::Sent(bytes) => {
                line.push_str("> ");
                escape(bytes, &mut line);
            }
            Entry::Received(bytes) => {
                line.push_str("< ");
                escape(bytes, &mut line);
            }
            Entry::Said(who, words) => {
                line.push_str(who.name());
                line.push(' ');
                // Words have no line ends; what comes from outside may.
                escape(words.as_bytes(), &mut line);
            }
        }
        line
    }

    /// Reads a line. `None` for a header and for an empty line.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(line: &[u8]) -> Result<Option<Self>, Malformed> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(None);
        }
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        let (time, who) = (parts.next().ok_or(Malformed)?, parts.next().ok_or(Malformed)?);
        let rest = parts.next().unwrap_or_default();
        let at_ms = time_ms(time).ok_or(Malformed)?;
        let bytes = unescape(rest).ok_or(Malformed)?;
        let entry = match who {
            b">" => Entry::Sent(bytes),
            b"<" => Entry::Received(bytes),
            _ => {
                let who =
                    Who::ALL.into_iter().find(|known| known.name().as_bytes() == who).ok_or(Malformed)?;
                Entry::Said(who, String::from_utf8(bytes).map_err(|_| Malformed)?)
            }
        };
        Ok(Some(Self { at_ms, entry }))
    }
}

/// A decimal number of at most 15 digits; `None` where there is another byte, or no byte.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

fn time_ms(time: &[u8]) -> Option<u64> {
    let point = time.iter().position(|byte| *byte == b'.')?;
    let (seconds, millis) = (number(&time[..point])?, &time[point + 1..]);
    if millis.len() != 3 {
        return None;
    }
    Some(seconds * 1_000 + number(millis)?)
}

/// Printable ASCII as it is, but for the backslash; the rest as `\r`, `\n`, `\t`, `\\`, `\xHH`. A blank at either end would not
/// survive an editor.
pub fn escape(bytes: &[u8], text: &mut String) {
    for (index, byte) in bytes.iter().enumerate() {
        let at_an_end = index == 0 || index + 1 == bytes.len();
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b' ' if at_an_end => text.push_str("\\x20"),
            b' '..=b'~' => text.push(char::from(*byte)),
            byte => {
                // Writing to a string does not fail.
                let _always = write!(text, "\\x{byte:02x}");
            }
        }
    }
}

/// The bytes again; `None` where something is escaped that cannot be.
#[must_use]
pub fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let (mark, after) = rest.split_first()?;
        rest = after;
        bytes.push(match mark {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).chain([b' ']).collect();
        for entry in [
            Entry::Sent(all.clone()),
            Entry::Received(Vec::new()),
            Entry::Said(Who::Sv, " a\\b\n".to_owned()),
        ] {
            let timed = Timed { at_ms: 59_516, entry };
            let line = timed.line();
            assert!(
                line.starts_with("59.516 ") && line.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{line}"
            );
            assert_eq!(Timed::parse(line.as_bytes()), Ok(Some(timed)));
        }
    }

    #[test]
    fn what_is_no_line_is_named_so() {
        for line in ["1.5 > AT", "x > AT", "1.000", "1.000 who AT", "1.000 > \\q", "1.000 < \\x4"] {
            assert_eq!(Timed::parse(line.as_bytes()), Err(Malformed), "{line}");
        }
        assert_eq!(Timed::parse(b"# modem: x"), Ok(None));
    }
}
