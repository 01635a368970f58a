//! The comma-separated values of a reply line.

use super::line::trimmed;

/// One value of a reply line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field<'a> {
    /// The bytes, without quotes and blanks around them.
    pub bytes: &'a [u8],
    /// Whether it stood in quotes.
    pub quoted: bool,
}

impl Field<'_> {
    /// As a decimal number; `None` where it is anything else, or too large.
    #[must_use]
    pub fn number(&self) -> Option<u16> {
        decimal(self.bytes)
    }

    /// Nothing there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Digits to a number; `None` where there is none, another character, or more than a `u16` holds.
pub(crate) fn decimal(bytes: &[u8]) -> Option<u16> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_u16, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        sum.checked_mul(10)?.checked_add(u16::from(digit))
    })
}

/// The values after `+XXXX:`, split at commas outside quotes. Never fails: a quote that does not end runs to the end.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Splits what follows the colon.
    #[must_use]
    pub const fn new(text: &'a [u8]) -> Self {
        Self { rest: Some(text) }
    }

    /// Splits `line` where it begins with `prefix` (in any case) and a colon, blanks allowed in between.
    #[must_use]
    pub fn after(prefix: &[u8], line: &'a [u8]) -> Option<Self> {
        let (head, rest) = line.split_at_checked(prefix.len())?;
        if !head.eq_ignore_ascii_case(prefix) {
            return None;
        }
        match trimmed(rest) {
            [b':', values @ ..] => Some(Self::new(values)),
            _ => None,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let text = self.rest?;
        let mut in_quotes = false;
        let comma = text.iter().position(|byte| {
            in_quotes ^= *byte == b'"';
            *byte == b',' && !in_quotes
        });
        let (value, rest) = match comma {
            Some(at) => (text.get(..at), text.get(at..).and_then(|tail| tail.get(1..))),
            None => (Some(text), None),
        };
        self.rest = rest;
        let value = trimmed(value.unwrap_or_default());
        Some(match value {
            [b'"', inner @ .., b'"'] | [b'"', inner @ ..] => Field { bytes: trimmed(inner), quoted: true },
            _ => Field { bytes: value, quoted: false },
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn commas_in_quotes_do_not_split() {
        let fields: Vec<_> = Fields::after(b"+COPS", b"+cops : 0,0,\"A, B\" ,7").unwrap().collect();
        let texts: Vec<_> = fields.iter().map(|field| field.bytes).collect();
        assert_eq!(texts, [&b"0"[..], b"0", b"A, B", b"7"]);
        assert!(fields[2].quoted);
    }

    #[test]
    fn an_open_quote_runs_to_the_end() {
        let texts: Vec<_> = Fields::new(b"1,\"abc,2").map(|field| field.bytes).collect();
        assert_eq!(texts, [&b"1"[..], b"abc,2"]);
    }

    #[test]
    fn numbers_are_whole_or_nothing() {
        assert_eq!(decimal(b"65535"), Some(65_535));
        for wrong in [&b""[..], b"65536", b"-1", b"1 2", b"0x1"] {
            assert_eq!(decimal(wrong), None);
        }
    }
}
