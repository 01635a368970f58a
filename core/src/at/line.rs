//! Bytes → lines.

use heapless::Vec;

/// Bytes of a line held at once. The longest line of fixed shape that a scan asks for is a `+CEREG:` of some 90 bytes;
/// a longer line (an operator list) is passed on in parts of this size.
pub const LINE_LEN_MAX: usize = 256;

/// The part of a line that some bytes are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Part {
    /// The whole line.
    Whole,
    /// The first [`LINE_LEN_MAX`] bytes of a longer one.
    First,
    /// Neither the begin nor the end of a line.
    Middle,
    /// The rest; may be empty.
    Last,
    /// No bytes: the port lost bytes of the current line, and no more parts of it follow.
    Torn,
}

/// A line, or a part of one that is longer than [`LINE_LEN_MAX`], without its end.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Line<'a> {
    /// The bytes, without CR or LF.
    pub bytes: &'a [u8],
    /// Which part.
    pub part: Part,
}

impl<'a> Line<'a> {
    /// A complete line.
    #[must_use]
    pub const fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, part: Part::Whole }
    }

    /// A line of which bytes were lost.
    #[must_use]
    pub const fn torn() -> Self {
        Self { bytes: &[], part: Part::Torn }
    }
}

/// Gathers bytes into lines.
///
/// A line ends at CR or LF, since both occur alone (V.250 §5.7 lets the modem choose; echoes end in a bare CR); empty
/// lines are passed over, and NUL and blanks around a line are dropped. The lines do not depend on how the bytes were cut
/// into reads.
///
/// ```
/// use cellscan_core::at::line::Lines;
/// let mut lines = Lines::new();
/// let mut bytes: &[u8] = b"AT\r\r\nOK\r\n+CS";
/// assert_eq!(lines.next(&mut bytes).map(|line| line.bytes), Some(&b"AT"[..]));
/// assert_eq!(lines.next(&mut bytes).map(|line| line.bytes), Some(&b"OK"[..]));
/// assert_eq!(lines.next(&mut bytes), None);
/// ```
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and together they are four bytes"
)]
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Lines {
    held: Vec<u8, LINE_LEN_MAX>,
    /// The last call returned `held`.
    spent: bool,
    /// A part of the line was returned already.
    continued: bool,
    /// Bytes of the line were lost: its rest is dropped.
    torn: bool,
    /// The line is torn, and that was not reported yet.
    tells: bool,
}

impl Lines {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self { held: Vec::new(), spent: false, continued: false, torn: false, tells: false }
    }

    /// Drops a partial line.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Drops the current line, up to its end: bytes of it were lost, and the rest of a line is not a line. The next call of
    /// [`Lines::next`] returns a [`Part::Torn`], once a line; the line after it is complete again.
    pub fn tear(&mut self) {
        let tells = !self.torn;
        *self = Self { torn: true, tells, ..Self::new() };
    }

    /// Takes bytes off the front of `bytes` until it has a line or a part of one; `None` once all are taken.
    pub fn next<'a, 'b: 'a>(&'a mut self, bytes: &mut &'b [u8]) -> Option<Line<'a>> {
        if core::mem::take(&mut self.spent) {
            self.held.clear();
        }
        if core::mem::take(&mut self.tells) {
            return Some(Line::torn());
        }
        loop {
            if bytes.is_empty() {
                return None;
            }
            let until_end = find_any(bytes, [b'\r', b'\n']);
            let run = until_end.unwrap_or(bytes.len());
            if self.torn {
                self.torn = until_end.is_none();
                *bytes = bytes.get(run..).and_then(|rest| rest.get(1..)).unwrap_or_default();
                continue;
            }
            let room = LINE_LEN_MAX.saturating_sub(self.held.len());
            if run > room {
                // Full is no error: the bytes are passed on as a part, and nothing of the line is lost.
                let (fitting, rest) = bytes.split_at_checked(room)?;
                *bytes = rest;
                let part = if self.continued { Part::Middle } else { Part::First };
                self.continued = true;
                if self.held.is_empty() {
                    return Some(Line { bytes: fitting, part });
                }
                let _fits = self.held.extend_from_slice(fitting);
                self.spent = true;
                return Some(Line { bytes: &self.held, part });
            }
            let (line, rest) = bytes.split_at_checked(run)?;
            if until_end.is_none() {
                let _fits = self.held.extend_from_slice(line);
                *bytes = rest;
                return None;
            }
            *bytes = rest.get(1..).unwrap_or_default();
            if self.continued {
                self.continued = false;
                if self.held.is_empty() {
                    return Some(Line { bytes: line, part: Part::Last });
                }
                let _fits = self.held.extend_from_slice(line);
                self.spent = true;
                return Some(Line { bytes: &self.held, part: Part::Last });
            }
            if self.held.is_empty() {
                let line = trimmed(line);
                if !line.is_empty() {
                    return Some(Line::whole(line));
                }
            } else {
                let _fits = self.held.extend_from_slice(line);
                if trimmed(&self.held).is_empty() {
                    self.held.clear();
                } else {
                    self.spent = true;
                    return Some(Line::whole(trimmed(&self.held)));
                }
            }
        }
    }
}

/// The position of the first of some bytes; examines one machine word at a time.
pub(crate) fn find_any<const N: usize>(bytes: &[u8], wanted: [u8; N]) -> Option<usize> {
    const LEN: usize = size_of::<usize>();
    const ONES: usize = usize::from_ne_bytes([0x01; LEN]);
    const HIGHS: usize = usize::from_ne_bytes([0x80; LEN]);
    let (words, rest) = bytes.as_chunks::<LEN>();
    // A zero byte borrows from its high bit, and so may the byte above it: the result shows only whether there is one.
    let has = |word: usize, byte: u8| {
        let zero = word ^ ONES.wrapping_mul(usize::from(byte));
        zero.wrapping_sub(ONES) & !zero & HIGHS != 0
    };
    let is_wanted = |byte: &u8| wanted.contains(byte);
    let mut at = 0_usize;
    for word in words {
        let value = usize::from_ne_bytes(*word);
        if wanted.iter().any(|byte| has(value, *byte)) {
            return word.iter().position(is_wanted).map(|within| at.saturating_add(within));
        }
        at = at.saturating_add(LEN);
    }
    rest.iter().position(is_wanted).map(|within| at.saturating_add(within))
}

/// Without NUL, blanks and tabs at both ends.
pub(crate) fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [0 | b' ' | b'\t', rest @ ..] | [rest @ .., 0 | b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Strips line noise before the first letter of a reply: NUL, control characters, bytes over ASCII
/// (baud rate detected mid-line).
pub(crate) fn without_noise(mut bytes: &[u8]) -> &[u8] {
    while let [0..=b' ' | 0x7f.., rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec as StdVec;

    fn split(pieces: &[&[u8]]) -> StdVec<(StdVec<u8>, Part)> {
        let mut lines = Lines::new();
        let mut found = StdVec::new();
        for piece in pieces {
            let mut bytes = *piece;
            while let Some(line) = lines.next(&mut bytes) {
                found.push((line.bytes.to_vec(), line.part));
            }
        }
        found
    }

    #[test]
    fn the_first_of_some_bytes_is_found_at_any_position() {
        for len in 0..40_usize {
            let mut bytes = std::vec![b'x'; len];
            assert_eq!(find_any(&bytes, [b'\r', b'\n']), None);
            for at in (0..len).rev() {
                for byte in [b'\r', b'\n', 0x80, 0] {
                    bytes[at] = byte;
                    assert_eq!(find_any(&bytes, [b'\r', b'\n', 0x80, 0]), Some(at));
                }
            }
        }
        assert_eq!(find_any(b"\x0e\x0c\x8d\x8a\x0d", [b'\r', b'\n']), Some(4));
    }

    #[test]
    fn ends_at_cr_or_lf_and_passes_over_empty_lines() {
        let found = split(&[b"\0AT\r\r\n\r\n+CSQ: 1,99 \n\r\nOK\r\nrest"]);
        let texts: StdVec<_> = found.iter().map(|(line, _)| line.as_slice()).collect();
        assert_eq!(texts, [&b"AT"[..], b"+CSQ: 1,99", b"OK"]);
    }

    #[test]
    fn a_line_longer_than_the_buffer_comes_in_parts_and_the_next_is_complete() {
        let mut bytes = std::vec![b'x'; 600];
        bytes.extend_from_slice(b"\r\nOK\r\n");
        let found = split(&[&bytes]);
        let parts: StdVec<_> = found.iter().map(|(line, part)| (line.len(), *part)).collect();
        assert_eq!(parts, [(256, Part::First), (256, Part::Middle), (88, Part::Last), (2, Part::Whole)]);
    }

    #[test]
    fn the_rest_of_a_torn_line_is_dropped_and_the_next_is_complete() {
        for (before, after) in [
            (&b"+COPS: 0,2,\"310"[..], &b"410\",7\r\nOK\r\n"[..]),
            (b"", b"RROR\r\nOK\r\n"),
            (b"RDY\r\n+CSQ: 2", b"\r\n\r\nOK\r\n"),
            (b"AT+C", b"PS?\rOK\r\n"),
        ] {
            let mut lines = Lines::new();
            let (mut before, mut after) = (before, after);
            while lines.next(&mut before).is_some() {}
            lines.tear();
            assert_eq!(lines.next(&mut &b""[..]), Some(Line::torn()));
            lines.tear();
            assert_eq!(lines.next(&mut after), Some(Line::whole(b"OK")), "the tear was reported before");
            assert_eq!(lines.next(&mut after), None);
        }
    }

    #[test]
    fn a_torn_line_longer_than_the_buffer_ends_at_its_line_end() {
        let mut lines = Lines::new();
        let long = [b'x'; 2 * LINE_LEN_MAX];
        let mut bytes = &long[..];
        assert_eq!(lines.next(&mut bytes).map(|line| line.part), Some(Part::First));
        lines.tear();
        assert_eq!(lines.next(&mut &b"xxx"[..]), Some(Line::torn()));
        for mut bytes in [&long[..], &long[..], b"\r"] {
            assert_eq!(lines.next(&mut bytes), None);
        }
        let mut bytes = &b"\nOK\r\n"[..];
        assert_eq!(lines.next(&mut bytes), Some(Line::whole(b"OK")));
    }

    #[test]
    fn any_cut_of_the_same_bytes_gives_the_same_lines() {
        let mut bytes = b"\r\nOK\r\n+COPS: ".to_vec();
        bytes.extend((b'a'..=b'z').cycle().take(700));
        bytes.extend_from_slice(b"\r\n\0\0 \r\nEND\r");
        let whole = split(&[&bytes]);
        for size in 1..bytes.len() {
            let pieces: StdVec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(split(&pieces), whole, "in pieces of {size}");
        }
    }
}
