//! The operator list, `+COPS: (2,"long","short","310410",7),…,,(0,1,2,3,4),(0,1,2)` (3GPP TS 27.007 §7.3).
//!
//! Read byte by byte, since a list is longer than any line buffer: the reader holds one operator and returns it once it is
//! complete. It recognises the groups at the end (modes and formats that the modem knows) by their shape; a field log
//! showed a client that tried them as carriers, five seconds each.

use heapless::{Vec, VecView};

use crate::carrier::{AccessTechnology, Availability, Name, Plmn};

use super::fields::decimal;
use super::line::{find_any, trimmed};
use super::text::Text;

mod reader;

pub use reader::ListReader;
pub(crate) use reader::begins_list;

/// Bytes kept of one value of an operator: 32 characters in UCS2, four hex digits each. The rest is dropped.
pub const VALUE_LEN_MAX: usize = 128;

/// Digits kept of an operator's code: a PLMN has five or six, and a modem that pads it sends seven.
pub const CODE_DIGITS_MAX: usize = 7;

/// Positions of an operator's values: status, long name, short name, digits, access technology.
const SHORT: u8 = 2;
const DIGITS: u8 = 3;
const TECHNOLOGY: u8 = 4;

/// The digits of an operator as the modem gave them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Code {
    digits: [u8; CODE_DIGITS_MAX],
    len: u8,
}

impl Code {
    /// Reads five to seven digits, also in UCS2, blanks and dashes between them allowed.
    #[must_use]
    pub fn parse(text: Text<'_>) -> Option<Self> {
        let mut digits = [0; CODE_DIGITS_MAX];
        // The form of nearly all modems.
        if let bytes @ [_, _, _, _, _, ..] = text.bytes()
            && let Some(room) = digits.get_mut(..bytes.len())
            && bytes.iter().all(u8::is_ascii_digit)
        {
            room.copy_from_slice(bytes);
            return Some(Self { digits, len: u8::try_from(bytes.len()).ok()? });
        }
        let mut len = 0_u8;
        for character in text.chars().filter(|character| !matches!(character, ' ' | '-')) {
            let digit = u8::try_from(character).ok().filter(u8::is_ascii_digit)?;
            *digits.get_mut(usize::from(len))? = digit;
            len = len.saturating_add(1);
        }
        (len >= 5).then_some(Self { digits, len })
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.digits()).unwrap_or_default()
    }

    fn digits(&self) -> &[u8] {
        self.digits.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The network that they name. Seven digits are six and the padding of a modem that lists the same network with
    /// another technology with six (Sierra Wireless and ZTE devices of about 2010): a zero at the end.
    #[must_use]
    pub fn plmn(&self) -> Option<Plmn> {
        Plmn::parse(match self.digits() {
            [six @ .., b'0'] if six.len() == 6 => six,
            all => all,
        })
        .ok()
    }
}

/// One entry of an operator list.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ListedOperator<'a> {
    /// `<stat>`.
    pub availability: Availability,
    /// The long name; empty where the modem gave none.
    pub long: Text<'a>,
    /// The short name; empty where the modem gave none.
    pub short: Text<'a>,
    /// The digits; `None` where the modem gave none, or not five to seven of them.
    pub code: Option<Code>,
    /// The access technology; `None` where the modem gives none (before Release 99).
    pub technology: Option<AccessTechnology>,
    /// A value was longer than [`VALUE_LEN_MAX`] and is cut.
    pub cut: bool,
}

impl ListedOperator<'_> {
    /// The network, in the form in which it can be selected.
    #[must_use]
    pub fn plmn(&self) -> Option<Plmn> {
        self.code.and_then(|code| code.plmn())
    }

    /// The long name, or the short one where there is no other.
    #[must_use]
    pub fn name(&self) -> Name {
        let text = if self.long.is_empty() { self.short } else { self.long };
        Name::from_chars(Text::new(trimmed(text.bytes())).chars())
    }
}

#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
enum Place {
    #[default]
    Outside,
    /// After an opening bracket: the buffer still holds the previous operator.
    Opened,
    Value,
    Quoted,
    /// After a quote: the end of the value if a comma or a bracket follows, else a part of the name.
    QuoteSeen,
    /// After the closing bracket of an operator without technology: some modems give it there, `),2),(…`.
    Closed,
    /// After the comma that follows.
    ClosedComma,
    /// In a technology outside the brackets.
    Stray,
}

/// Reads an operator list from its bytes.
///
/// ```
/// use cellscan_core::at::operators::OperatorList;
/// let mut list = OperatorList::new();
/// let mut found = 0;
/// for byte in b"+COPS: (1,\"AT&T\",\"AT&T\",\"310410\",7),,(0,1,2,3,4),(0,1,2)" {
///     if let Some(operator) = list.push(*byte) {
///         assert_eq!(operator.plmn().unwrap().as_str(), "310410");
///         found += 1;
///     }
/// }
/// assert!(list.end().is_none());
/// assert_eq!((found, list.skipped()), (1, 0));
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct OperatorList {
    place: Place,
    /// The position of the value being read; counts past [`TECHNOLOGY`].
    index: u8,
    cut: bool,
    skipped: u16,
    /// Blanks after a quote: part of the name if the quote is.
    blanks: u8,
    status: Vec<u8, 4, u8>,
    long: Vec<u8, VALUE_LEN_MAX, u8>,
    short: Vec<u8, VALUE_LEN_MAX, u8>,
    digits: Vec<u8, 32, u8>,
    technology: Vec<u8, 4, u8>,
}

impl OperatorList {
    /// Before the first byte.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            place: Place::Outside,
            index: 0,
            cut: false,
            skipped: 0,
            blanks: 0,
            status: Vec::new(),
            long: Vec::new(),
            short: Vec::new(),
            digits: Vec::new(),
            technology: Vec::new(),
        }
    }

    /// Takes one byte; returns the operator that is complete with it.
    #[inline(never)]
    pub fn push(&mut self, byte: u8) -> Option<ListedOperator<'_>> {
        if self.place == Place::Opened {
            self.begin();
        }
        match (self.place, byte) {
            (Place::Outside, b'(') => self.place = Place::Opened,
            // The last bracket did not close: an operator with all its values counts anyway.
            (Place::Value, b'(') => {
                let whole = self.has_all();
                self.place = Place::Opened;
                if whole {
                    return self.finish();
                }
                self.skip();
            }
            (Place::Outside | Place::Opened, _)
            | (Place::Closed | Place::ClosedComma | Place::Stray, b' ' | b'\t' | 0) => {}
            (Place::QuoteSeen, b' ') => self.blanks = self.blanks.saturating_add(1),
            (Place::Value, b'"') if self.value_is_blank() => {
                self.clear_value();
                self.place = Place::Quoted;
            }
            (Place::Quoted, b'"') => {
                self.place = Place::QuoteSeen;
                self.blanks = 0;
            }
            (Place::Value | Place::QuoteSeen, b',') => {
                self.index = self.index.saturating_add(1);
                self.place = Place::Value;
            }
            (Place::Value | Place::QuoteSeen, b')') => return self.close(),
            (Place::QuoteSeen, _) => {
                self.keep(b'"');
                for _ in 0..self.blanks {
                    self.keep(b' ');
                }
                self.blanks = 0;
                if byte != b'"' {
                    self.keep(byte);
                    self.place = Place::Quoted;
                }
            }
            (Place::Value | Place::Quoted, _) => self.keep(byte),
            (Place::Closed, b',') => self.place = Place::ClosedComma,
            (Place::ClosedComma | Place::Stray, b'0'..=b'9') => {
                self.index = TECHNOLOGY;
                self.keep(byte);
                self.place = Place::Stray;
            }
            (Place::Closed | Place::ClosedComma | Place::Stray, _) => {
                self.place = if byte == b'(' { Place::Opened } else { Place::Outside };
                return self.finish();
            }
        }
        None
    }

    /// Takes bytes, as [`OperatorList::push`] does one by one; calls `operator` with each complete operator.
    #[inline(never)]
    pub fn extend(&mut self, mut bytes: &[u8], mut operator: impl FnMut(ListedOperator<'_>)) {
        loop {
            // Skipped bytes, and bytes kept as they are, come in runs.
            let run = match self.place {
                Place::Outside => find_any(bytes, [b'(']),
                Place::Quoted => find_any(bytes, [b'"']),
                Place::Value => find_any(bytes, [b'"', b',', b'(', b')']),
                Place::Opened | Place::QuoteSeen | Place::Closed | Place::ClosedComma | Place::Stray => {
                    Some(0)
                }
            };
            let (run, rest) = bytes.split_at_checked(run.unwrap_or(bytes.len())).unwrap_or((bytes, b""));
            if matches!(self.place, Place::Quoted | Place::Value) {
                self.keep_all(run);
            }
            let Some((byte, behind)) = rest.split_first() else { return };
            if let Some(found) = self.push(*byte) {
                operator(found);
            }
            bytes = behind;
        }
    }

    /// The list has ended, or another begins: returns the operator that may have had more values, or whose bracket did not
    /// close.
    pub fn end(&mut self) -> Option<ListedOperator<'_>> {
        let whole = match self.place {
            Place::Outside => return None,
            Place::Closed | Place::ClosedComma | Place::Stray => true,
            Place::Value | Place::QuoteSeen => self.has_all(),
            Place::Opened | Place::Quoted => false,
        };
        self.place = Place::Outside;
        if whole {
            return self.finish();
        }
        self.skip();
        None
    }

    /// In the middle of a group: a line end here is one inside an operator.
    #[must_use]
    pub const fn is_in_group(&self) -> bool {
        matches!(self.place, Place::Opened | Place::Value | Place::Quoted | Place::QuoteSeen)
    }

    /// How many groups were neither an operator nor one of those at the end: torn, or of an unknown grammar.
    #[must_use]
    pub const fn skipped(&self) -> u16 {
        self.skipped
    }

    fn begin(&mut self) {
        *self = Self { place: Place::Value, skipped: self.skipped, ..Self::new() };
    }

    fn skip(&mut self) {
        self.skipped = self.skipped.saturating_add(1);
    }

    /// Whether an operator that did not close can be complete.
    fn has_all(&self) -> bool {
        self.index >= TECHNOLOGY || (self.index == DIGITS && self.place == Place::QuoteSeen)
    }

    fn close(&mut self) -> Option<ListedOperator<'_>> {
        self.place = Place::Outside;
        let Some(operator) = self.operator() else {
            if !self.is_of_the_end() {
                self.skip();
            }
            return None;
        };
        if self.index == DIGITS && operator.technology.is_none() {
            self.place = Place::Closed;
            return None;
        }
        // Borrowed again: a borrow returned above would last for the whole function.
        self.operator()
    }

    /// The value being read; `None` for values that later releases may add.
    fn value(&mut self) -> Option<&mut VecView<u8, u8>> {
        Some(match self.index {
            0 => self.status.as_mut_view(),
            1 => self.long.as_mut_view(),
            SHORT => self.short.as_mut_view(),
            DIGITS => self.digits.as_mut_view(),
            TECHNOLOGY => self.technology.as_mut_view(),
            _ => return None,
        })
    }

    fn value_is_blank(&mut self) -> bool {
        let value = match self.value() {
            Some(value) => &*value,
            // A value after the technology may be blank too.
            None => &self.technology,
        };
        trimmed(value).is_empty()
    }

    /// Blanks before a quote are not part of the value.
    fn clear_value(&mut self) {
        if let Some(value) = self.value() {
            value.clear();
        }
    }

    fn keep(&mut self, byte: u8) {
        self.keep_all(&[byte]);
    }

    fn keep_all(&mut self, run: &[u8]) {
        let Some(value) = self.value() else { return };
        let room = value.capacity().saturating_sub(value.len());
        let fitting = run.get(..room).unwrap_or(run);
        let kept = value.extend_from_slice(fitting);
        self.cut |= kept.is_err() || fitting.len() < run.len();
    }

    fn availability(&self) -> Option<Availability> {
        decimal(trimmed(&self.status)).and_then(Availability::from_number)
    }

    /// The digits, and whether they come one position early: a value is missing, or two were merged.
    fn code(&self) -> Option<(Code, bool)> {
        if let Some(code) = Code::parse(Text::new(trimmed(&self.digits))) {
            return Some((code, false));
        }
        let early = self.index == DIGITS && decimal(trimmed(&self.digits)).is_some();
        Code::parse(Text::new(trimmed(&self.short))).filter(|_| early).map(|code| (code, true))
    }

    /// Numbers and ranges only, like the modes and formats at the end of a list.
    fn is_of_the_end(&self) -> bool {
        let values = [&self.status[..], &self.long, &self.short, &self.digits, &self.technology];
        values.into_iter().flatten().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b' ' | b'\t'))
    }

    fn finish(&mut self) -> Option<ListedOperator<'_>> {
        if self.operator().is_none() {
            self.skip();
            return None;
        }
        self.operator()
    }

    /// The operator that was read: a status, two names and the digits, not all empty, and not the small numbers of
    /// the groups at the end.
    fn operator(&self) -> Option<ListedOperator<'_>> {
        let availability = self.availability()?;
        if self.index < DIGITS {
            return None;
        }
        let code = self.code();
        let is_name = |text: &[u8]| trimmed(text).iter().any(|byte| !byte.is_ascii_digit());
        if code.is_none() && (self.is_of_the_end() || !(is_name(&self.long) || is_name(&self.short))) {
            return None;
        }
        let early = code.is_some_and(|(_, early)| early);
        let technology = if early { &self.digits[..] } else { &self.technology };
        let technology = decimal(trimmed(technology)).and_then(|number| u8::try_from(number).ok());
        // Longer than any code in hex, four digits each.
        let ucs2 = code.is_some() && self.digits.len() >= 20;
        // No function pointer: the bound of a firmware's stack follows direct calls only.
        let text = |bytes| if ucs2 { Text::beside_ucs2(bytes) } else { Text::new(bytes) };
        Some(ListedOperator {
            availability,
            long: text(&self.long),
            short: if early { Text::default() } else { text(&self.short) },
            code: code.map(|(code, _)| code),
            technology: technology.map(AccessTechnology),
            cut: self.cut,
        })
    }
}

#[cfg(test)]
mod tests;
