//! Recognises the lines of an operator list.

use crate::at::fields::after_colon;
use crate::at::line::{Line, Part, trimmed};

use super::{ListedOperator, OperatorList};

/// Reads an operator list from lines. It recognises them by their begin, since a list may come in one line or many, with
/// line ends between its operators and within them, and with other lines in between.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct ListReader {
    list: OperatorList,
    begun: bool,
    /// The line belongs to the list, and more of it follows.
    in_line: bool,
    /// A line of it was torn: operators are missing.
    torn: bool,
}

impl ListReader {
    /// Before the first line.
    #[must_use]
    pub const fn new() -> Self {
        Self { list: OperatorList::new(), begun: false, in_line: false, torn: false }
    }

    /// Takes a line if it belongs to the list; calls `operator` with each complete operator. Whether a list was requested
    /// decides about a list without `+COPS:`.
    #[inline(never)]
    pub fn take(
        &mut self,
        line: Line<'_>,
        asked: bool,
        mut operator: impl FnMut(ListedOperator<'_>),
    ) -> bool {
        let of_list = match line.part {
            Part::Torn => {
                if self.begun {
                    // The current operator is lost with the line.
                    *self = Self { begun: true, torn: true, ..Self::new() };
                }
                return false;
            }
            Part::Middle | Part::Last => self.in_line,
            Part::Whole | Part::First if begins_list(line.bytes) => {
                if let Some(found) = self.list.end() {
                    operator(found);
                }
                true
            }
            Part::Whole | Part::First => {
                (asked && is_bare_list(line.bytes)) || (self.begun && self.goes_on(line.bytes))
            }
        };
        self.in_line = of_list && matches!(line.part, Part::First | Part::Middle);
        if !of_list {
            return false;
        }
        self.begun = true;
        self.list.extend(line.bytes, &mut operator);
        true
    }

    /// Whether a list has begun.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether a line of the list was torn: the list is incomplete.
    #[must_use]
    pub const fn is_torn(&self) -> bool {
        self.torn
    }

    /// The list has ended: returns the operator that may have had more values, and how many groups were no operator.
    pub fn end(&mut self, operator: impl FnOnce(ListedOperator<'_>)) -> u16 {
        if let Some(found) = self.list.end() {
            operator(found);
        }
        let skipped = self.list.skipped();
        *self = Self::new();
        skipped
    }

    /// A line without `+COPS:` after one with it.
    fn goes_on(&self, line: &[u8]) -> bool {
        if matches!(line.first(), Some(b'(' | b',' | b'"' | b')')) {
            return true;
        }
        // The line end was inside an operator. A line of another reply begins as replies do.
        let is_reply = matches!(
            line,
            [b'+' | b'^' | b'#' | b'*' | b'!' | b'$' | b'%' | b'&', b'A'..=b'Z' | b'a'..=b'z', ..]
        ) || line.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(b"AT"));
        self.list.is_in_group() && !is_reply && line.iter().any(|byte| matches!(byte, b'"' | b',' | b')'))
    }
}

/// `+COPS:` and no digit: `+COPS: 1,2,"310410"` answers another question, and so does that in brackets (a Marvell LTE modem).
pub(crate) fn begins_list(line: &[u8]) -> bool {
    after_colon(b"+COPS", line).is_some_and(|rest| {
        !matches!(trimmed(rest), [b'0'..=b'9', ..] | [b'(', b'0'..=b'9', b',', b'0'..=b'2', b',', b'"', ..])
    })
}

/// `(1,"…`: the begin of a list whose `+COPS:` is missing.
fn is_bare_list(line: &[u8]) -> bool {
    matches!(line, [b'(', b'0'..=b'3', b',', b'"', ..])
}
