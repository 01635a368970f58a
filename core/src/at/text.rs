//! The characters of a value's bytes.

use core::char::{DecodeUtf16, decode_utf16};
use core::slice::{ChunksExact, Iter};
use core::str::Chars as StrChars;

/// Hex digits of one unit of UCS2.
const UNIT_LEN: usize = 4;

/// A text as a modem sent it. No reply states the character set: UCS2 in hex (`AT+CSCS="UCS2"`) is recognised by its shape;
/// other bytes are UTF-8 where they are valid, and Latin-1 where they are not.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Text<'a> {
    bytes: &'a [u8],
    /// The value beside it is UCS2.
    beside_ucs2: bool,
}

impl<'a> Text<'a> {
    /// A text of these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, beside_ucs2: false }
    }

    /// A text of these bytes beside a value that can only be UCS2: even a single letter counts as UCS2 then.
    #[must_use]
    pub const fn beside_ucs2(bytes: &'a [u8]) -> Self {
        Self { bytes, beside_ucs2: true }
    }

    /// The bytes as sent.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// Its characters.
    ///
    /// ```
    /// # use cellscan_core::at::text::Text;
    /// assert!(Text::new(b"0056005A0057").chars().eq("VZW".chars()));
    /// assert!(Text::new(b"Telef\xf3nica").chars().eq("Telefónica".chars()));
    /// assert!(Text::new(b"313 100").chars().eq("313 100".chars()));
    /// ```
    #[must_use]
    pub fn chars(self) -> Chars<'a> {
        Chars(if is_ucs2(self.bytes, self.beside_ucs2) {
            Set::Ucs2(decode_utf16(Units(self.bytes.chunks_exact(UNIT_LEN))))
        } else if let Ok(text) = core::str::from_utf8(self.bytes) {
            Set::Utf8(text.chars())
        } else {
            Set::Latin1(self.bytes.iter())
        })
    }
}

/// Whether all of it is UCS2 in hex. A Latin letter is `00` and two more digits; other scripts need two letters at least,
/// and one hex letter, so that digits stay digits and `CAFE` stays a name.
fn is_ucs2(bytes: &[u8], is_due: bool) -> bool {
    let Some((first, _)) = bytes.split_at_checked(UNIT_LEN) else { return false };
    let latin = first.starts_with(b"00");
    if !latin && !is_due && (bytes.len() < 2 * UNIT_LEN || !bytes.iter().any(u8::is_ascii_alphabetic)) {
        return false;
    }
    bytes.chunks(UNIT_LEN).all(|digits| {
        // Neither control characters, except the padding of some modems, nor the private use area (E000…F8FF).
        unit(digits)
            .is_some_and(|unit| matches!(unit, 0 | 0x20..=0x7e | 0xa0..=0xdfff | 0xf900..=0xfffd | 0xffff))
    })
}

fn unit(digits: &[u8]) -> Option<u16> {
    if digits.len() != UNIT_LEN {
        return None;
    }
    digits.iter().try_fold(0_u16, |sum, digit| {
        let value = match digit {
            b'0'..=b'9' => digit.wrapping_sub(b'0'),
            b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
            b'A'..=b'F' => digit.wrapping_sub(b'A').wrapping_add(10),
            _ => return None,
        };
        Some(sum << 4 | u16::from(value))
    })
}

/// The characters of a [`Text`].
#[derive(Clone, Debug)]
pub struct Chars<'a>(Set<'a>);

#[derive(Clone, Debug)]
enum Set<'a> {
    Ucs2(DecodeUtf16<Units<'a>>),
    Utf8(StrChars<'a>),
    Latin1(Iter<'a, u8>),
}

#[derive(Clone, Debug)]
struct Units<'a>(ChunksExact<'a, u8>);

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        // Padding is skipped.
        self.0.by_ref().filter_map(unit).find(|unit| !matches!(unit, 0 | 0xffff))
    }
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match &mut self.0 {
            Set::Ucs2(units) => units.next().map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER)),
            Set::Utf8(chars) => chars.next(),
            Set::Latin1(bytes) => bytes.next().map(|byte| char::from(*byte)),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    fn read(bytes: &[u8]) -> String {
        Text::new(bytes).chars().collect()
    }

    #[test]
    fn ucs2_is_told_by_its_shape() {
        assert_eq!(read(b"0056006F00640061006606F0"), "Vodaf۰");
        assert_eq!(read(b"4e2d56fd79fb52a8"), "中国移动");
        assert_eq!(read(b"041C0422042100000000"), "МТС", "padding");
        assert_eq!(read(b"0041D83DDCF1"), "A📱", "two units");
        assert_eq!(read(b"0041D83D0042"), "A\u{fffd}B", "half of a surrogate pair");
    }

    #[test]
    fn text_that_only_looks_like_hex_stays_as_it_is() {
        assert!(Text::beside_ucs2(b"7EA2").chars().eq("红".chars()));
        for name in ["CAFE", "310410", "46000", "26201234", "FACE 1", "0056006", "00010002", "E001F000AAAA"] {
            assert_eq!(read(name.as_bytes()), name);
        }
    }
}
