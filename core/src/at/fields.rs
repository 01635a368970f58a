//! The comma-separated values of a reply line.

use super::line::{trimmed, without_noise};
use super::text::Text;

/// One value of a reply line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Field<'a> {
    /// The bytes, without the quotes or, where there are none, the blanks around them.
    pub bytes: &'a [u8],
    /// Whether it was in quotes.
    pub quoted: bool,
}

impl<'a> Field<'a> {
    /// As a decimal number; `None` where it is anything else, or too large.
    #[must_use]
    pub fn number(&self) -> Option<u16> {
        decimal(trimmed(self.bytes))
    }

    /// As a small decimal number.
    #[must_use]
    pub fn small(&self) -> Option<u8> {
        self.number().and_then(|number| u8::try_from(number).ok())
    }

    /// As a decimal number with a sign, in tenths; one decimal place counts.
    #[must_use]
    pub fn tenths(&self) -> Option<i16> {
        tenths(trimmed(self.bytes))
    }

    /// The hex digits that it begins with. Text after a blank is not part of the number.
    #[must_use]
    pub fn hex(&self) -> Option<&'a [u8]> {
        let bytes = trimmed(self.bytes);
        let end = bytes.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(bytes.len());
        bytes.get(..end).filter(|digits| !digits.is_empty())
    }

    /// As text.
    #[must_use]
    pub const fn text(&self) -> Text<'a> {
        Text::new(self.bytes)
    }

    /// Whether it is blank.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        trimmed(self.bytes).is_empty()
    }
}

/// Digits to a number; `None` for no digit, another character, or more than a `u16` holds.
pub(crate) fn decimal(bytes: &[u8]) -> Option<u16> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_u16, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        sum.checked_mul(10)?.checked_add(u16::from(digit))
    })
}

/// Digits, perhaps with a sign.
pub(crate) fn integer(bytes: &[u8]) -> Option<i32> {
    let (digits, negative) = match bytes {
        [b'-', digits @ ..] => (digits, true),
        [b'+', digits @ ..] | digits => (digits, false),
    };
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0_i32, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        sum.checked_mul(10)?.checked_add(i32::from(digit))
    })?;
    Some(if negative { value.saturating_neg() } else { value })
}

/// `-14`, `-14.0`, `-6.5`: in tenths; further decimal places are cut.
fn tenths(bytes: &[u8]) -> Option<i16> {
    let point = bytes.iter().position(|byte| *byte == b'.');
    let (whole, behind) = match point {
        Some(at) => (bytes.get(..at)?, bytes.get(at..)?.get(1..)?),
        None => (bytes, &b"0"[..]),
    };
    let tenth = match behind {
        [first @ b'0'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
            i16::from(first.wrapping_sub(b'0'))
        }
        _ => return None,
    };
    let whole_tenths = i16::try_from(integer(whole)?).ok()?.checked_mul(10)?;
    if whole.starts_with(b"-") { whole_tenths.checked_sub(tenth) } else { whole_tenths.checked_add(tenth) }
}

/// The values after `+XXXX:`, split at commas outside quotes. Never fails: a quote that does not end runs to the end,
/// and one that neither a comma nor the end follows is part of the value.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Splits the text after the colon.
    #[must_use]
    pub const fn new(text: &'a [u8]) -> Self {
        Self { rest: Some(text) }
    }

    /// Splits `line` where it begins with `prefix` (in any case) and a colon, blanks allowed in between. Of a prefix that
    /// begins with a plus the plus may be missing (seen on one modem behind a multiplexer).
    #[must_use]
    pub fn after(prefix: &[u8], line: &'a [u8]) -> Option<Self> {
        after_colon(prefix, line).map(Self::new)
    }
}

/// The text after `prefix` and a colon.
pub(crate) fn after_colon<'a>(prefix: &[u8], line: &'a [u8]) -> Option<&'a [u8]> {
    match trimmed_start(after_prefix(prefix, line)?) {
        [b':', values @ ..] => Some(values),
        _ => None,
    }
}

/// The text after `prefix`, in any case, with or without its plus.
pub(crate) fn after_prefix<'a>(prefix: &[u8], line: &'a [u8]) -> Option<&'a [u8]> {
    let line = without_noise(line);
    let prefix = match (prefix, line) {
        ([b'+', bare @ ..], [first, ..]) if *first != b'+' => bare,
        _ => prefix,
    };
    let (head, rest) = line.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn trimmed_start(mut bytes: &[u8]) -> &[u8] {
    while let [0 | b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let text = self.rest.take()?;
        if let [b'"', inner @ ..] = trimmed_start(text) {
            let (value, rest) = until_quote(inner);
            self.rest = rest;
            return Some(Field { bytes: value, quoted: true });
        }
        let comma = text.iter().position(|byte| *byte == b',').unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(comma).unwrap_or((text, b""));
        self.rest = rest.get(1..);
        Some(Field { bytes: trimmed(value), quoted: false })
    }
}

/// The value up to its closing quote, and the text after the comma.
fn until_quote(inner: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut quote_at = None;
    for (at, byte) in inner.iter().enumerate() {
        match (quote_at, byte) {
            (_, b'"') => quote_at = Some(at),
            (Some(end), b',') => {
                let rest = inner.get(at..).and_then(|tail| tail.get(1..));
                return (inner.get(..end).unwrap_or_default(), rest);
            }
            (Some(_), b' ' | b'\t' | 0) | (None, _) => {}
            (Some(_), _) => quote_at = None,
        }
    }
    (quote_at.and_then(|end| inner.get(..end)).unwrap_or(inner), None)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn texts(text: &[u8]) -> Vec<&[u8]> {
        Fields::new(text).map(|field| field.bytes).collect()
    }

    #[test]
    fn commas_in_quotes_do_not_split() {
        let fields: Vec<_> = Fields::after(b"+COPS", b"+cops : 0,0,\"A, B\" ,7").unwrap().collect();
        let texts: Vec<_> = fields.iter().map(|field| field.bytes).collect();
        assert_eq!(texts, [&b"0"[..], b"0", b"A, B", b"7"]);
        assert!(fields[2].quoted);
    }

    #[test]
    fn a_quote_before_a_comma_ends_a_value_and_an_open_quote_runs_to_the_end() {
        assert_eq!(texts(b"1,\"abc,2"), [&b"1"[..], b"abc,2"]);
        assert_eq!(texts(b"1,\"A \"B\" C\" , 2"), [&b"1"[..], b"A \"B\" C", b"2"]);
        assert_eq!(texts(b",\"\","), [&b""[..], b"", b""]);
    }

    #[test]
    fn a_prefix_may_lack_its_plus_and_have_noise_before_it() {
        for line in [&b"+CREG: 1"[..], b"CREG:1", b"\xff\xfe+creg : 1", b"\0+CREG:1"] {
            assert_eq!(Fields::after(b"+CREG", line).unwrap().next().unwrap().number(), Some(1));
        }
        assert!(Fields::after(b"+CREG", b"+CGREG: 1").is_none());
        assert!(Fields::after(b"^SMONI", b"SMONI: 2G").is_none(), "only a plus");
    }

    #[test]
    fn a_partial_number_is_no_number() {
        assert_eq!(decimal(b"65535"), Some(65_535));
        for wrong in [&b""[..], b"65536", b"-1", b"1 2", b"0x1"] {
            assert_eq!(decimal(wrong), None);
        }
        assert_eq!((integer(b"-1"), integer(b"+7"), integer(b"-")), (Some(-1), Some(7), None));
    }

    #[test]
    fn tenths_keep_sign_and_one_place() {
        let read = |bytes| Field { bytes, quoted: false }.tenths();
        assert_eq!((read(b"-14.0"), read(b"-6.57"), read(b"9")), (Some(-140), Some(-65), Some(90)));
        assert_eq!((read(b"-0.5"), read(b"--"), read(b"1."), read(b"4000")), (Some(-5), None, None, None));
    }

    #[test]
    fn hex_ends_at_the_first_other_character() {
        let read = |bytes| Field { bytes, quoted: false }.hex();
        assert_eq!((read(b"1A2b"), read(b"0 5"), read(b"x")), (Some(&b"1A2b"[..]), Some(&b"0"[..]), None));
    }
}
