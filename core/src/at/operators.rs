//! The operator list, `+COPS: (2,"long","short","310410",7),…,,(0,1,2,3,4),(0,1,2)` (3GPP TS 27.007 §7.3).
//!
//! Read byte by byte, since a list is longer than any line buffer: an operator comes out when its bracket closes, and
//! what is held is one operator. The groups at the end (modes and formats that the modem knows) are told by their
//! shape; a field log showed them tried as carriers, five seconds each.

use heapless::Vec;

use crate::carrier::{AccessTechnology, Availability, Name, Plmn};

use super::fields::decimal;
use super::line::trimmed;

/// Bytes kept of one value of an operator: 32 characters in UCS2, four hex digits each. What is over is dropped.
pub const VALUE_LEN_MAX: usize = 128;

/// Values of an operator: status, long name, short name, digits, access technology.
const VALUES: usize = 5;

/// One entry of an operator list.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ListedOperator {
    /// `<stat>`.
    pub availability: Availability,
    /// The long name; empty where the modem gave none.
    pub long: Name,
    /// The short name; empty where the modem gave none.
    pub short: Name,
    /// The digits; `None` where the modem gave none or not five or six of them.
    pub plmn: Option<Plmn>,
    /// The access technology; `None` where the modem does not say (before Release 99).
    pub technology: Option<AccessTechnology>,
}

#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
enum Place {
    #[default]
    Outside,
    Value,
    Quoted,
    /// Behind a quote: the end of the value if a comma or a bracket follows, a part of the name if not.
    QuoteSeen,
}

/// Reads an operator list from its bytes.
///
/// ```
/// use cellscan_core::at::operators::OperatorList;
/// let mut list = OperatorList::new();
/// let bytes = b"+COPS: (1,\"AT&T\",\"AT&T\",\"310410\",7),,(0,1,2,3,4),(0,1,2)";
/// let found: Vec<_> = bytes.iter().filter_map(|byte| list.push(*byte)).collect();
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].plmn.unwrap().as_str(), "310410");
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct OperatorList {
    place: Place,
    /// Which value of the operator is being read; counts on past [`VALUES`].
    index: u8,
    status: Vec<u8, 2>,
    long: Vec<u8, VALUE_LEN_MAX>,
    short: Vec<u8, VALUE_LEN_MAX>,
    digits: Vec<u8, 32>,
    technology: Vec<u8, 4>,
}

impl OperatorList {
    /// Before the first byte.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            place: Place::Outside,
            index: 0,
            status: Vec::new(),
            long: Vec::new(),
            short: Vec::new(),
            digits: Vec::new(),
            technology: Vec::new(),
        }
    }

    /// Takes one byte; gives the operator whose bracket it closes.
    pub fn push(&mut self, byte: u8) -> Option<ListedOperator> {
        match (self.place, byte) {
            // Also where the last bracket did not close: what stood between is lost, this operator need not be.
            (Place::Outside | Place::Value, b'(') => self.begin(),
            (Place::Outside, _) | (Place::QuoteSeen, b' ') => {}
            (Place::Value, b'"') if self.value_is_blank() => self.place = Place::Quoted,
            (Place::Quoted, b'"') => self.place = Place::QuoteSeen,
            (Place::Value | Place::QuoteSeen, b',') => {
                self.index = self.index.saturating_add(1);
                self.place = Place::Value;
            }
            (Place::Value | Place::QuoteSeen, b')') => {
                self.place = Place::Outside;
                return self.finish();
            }
            (Place::QuoteSeen, _) => {
                self.keep(b'"');
                self.keep(byte);
                self.place = Place::Quoted;
            }
            (Place::Value | Place::Quoted, _) => self.keep(byte),
        }
        None
    }

    fn begin(&mut self) {
        *self = Self { place: Place::Value, ..Self::new() };
    }

    fn value_is_blank(&self) -> bool {
        trimmed(match self.index {
            0 => &self.status,
            1 => &self.long,
            2 => &self.short,
            3 => &self.digits,
            _ => &self.technology,
        })
        .is_empty()
    }

    fn keep(&mut self, byte: u8) {
        // Full is no error: names are cut anyway, and a status or number that is too long is none.
        let _kept = match self.index {
            0 => self.status.push(byte),
            1 => self.long.push(byte),
            2 => self.short.push(byte),
            3 => self.digits.push(byte),
            _ => self.technology.push(byte),
        };
    }

    /// The operator just read, if it is one: a status of one digit, then two names and the digits, not all empty, and
    /// not the bare small numbers of the groups at the end of a list.
    fn finish(&self) -> Option<ListedOperator> {
        let &[status] = trimmed(&self.status) else { return None };
        let availability = Availability::from_digit(status)?;
        if usize::from(self.index) < VALUES.saturating_sub(2) {
            return None;
        }
        let mut unpacked = [0; 8];
        let digits = match from_ucs2(&self.digits, &mut unpacked) {
            Some(digits) => digits,
            None => trimmed(&self.digits),
        };
        let plmn = Plmn::parse(digits).ok();
        if plmn.is_none() {
            let looks_like_a_name = |text: &[u8]| trimmed(text).iter().any(|byte| !byte.is_ascii_digit());
            if !(looks_like_a_name(&self.long) || looks_like_a_name(&self.short)) {
                return None;
            }
        }
        let technology = decimal(trimmed(&self.technology)).and_then(|number| u8::try_from(number).ok());
        Some(ListedOperator {
            availability,
            long: name(&self.long),
            short: name(&self.short),
            plmn,
            technology: technology.map(AccessTechnology),
        })
    }
}

/// Digits that are each four hex digits of UCS2 (`0033` for 3).
fn from_ucs2<'a>(hex: &[u8], unpacked: &'a mut [u8; 8]) -> Option<&'a [u8]> {
    let count = hex.len().checked_div(4)?;
    if !matches!(hex.len(), 20 | 24) {
        return None;
    }
    for (to, unit) in unpacked.iter_mut().zip(hex.chunks_exact(4)) {
        let [b'0', b'0', b'3', digit @ b'0'..=b'9'] = unit else { return None };
        *to = *digit;
    }
    unpacked.get(..count)
}

/// A name as text: UTF-8 where it is that, each byte as Latin-1 where it is not.
fn name(bytes: &[u8]) -> Name {
    let bytes = trimmed(bytes);
    if let Ok(text) = core::str::from_utf8(bytes) {
        return Name::new(text);
    }
    let mut buffer = [0_u8; VALUE_LEN_MAX];
    let mut used = 0_usize;
    for character in bytes.iter().map(|byte| char::from(*byte)) {
        let end = used.saturating_add(character.len_utf8());
        let Some(room) = buffer.get_mut(used..end) else { break };
        character.encode_utf8(room);
        used = end;
    }
    Name::new(buffer.get(..used).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec as StdVec;

    fn read(text: &str) -> StdVec<ListedOperator> {
        let mut list = OperatorList::new();
        text.bytes().filter_map(|byte| list.push(byte)).collect()
    }

    fn plmns(text: &str) -> StdVec<Option<StdVec<u8>>> {
        read(text).into_iter().map(|found| found.plmn.map(|plmn| plmn.as_str().as_bytes().to_vec())).collect()
    }

    #[test]
    fn the_groups_at_the_end_are_no_operators() {
        let list = "+COPS: (1,\"T-Mobile\",\"T-Mobile\",\"310260\",7),(3,\"313 100\",\"313 100\",\"313100\",7),,(0,1,2,3,4),(0,1,2)";
        assert_eq!(plmns(list), [Some(b"310260".to_vec()), Some(b"313100".to_vec())]);
        assert!(read(",,(0-4),(0-2)").is_empty());
        assert!(read("(0,1,2,3,4)").is_empty());
    }

    #[test]
    fn a_name_may_hold_commas_brackets_and_quotes() {
        let found = read("(2,\"A, (B) \"C\"D\",\"AB\",\"26202\",0)");
        assert_eq!(found[0].long.as_str(), "A, (B) \"C\"D");
        assert_eq!(found[0].plmn.unwrap().as_str(), "26202");
    }

    #[test]
    fn an_operator_without_technology_or_names_is_one_all_the_same() {
        let found = read("(0,\"\",\"\",\"26203\"),(1,\"X\",,\"26201\",2)");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].technology, found[0].long.is_empty()), (None, true));
        assert_eq!(found[1].technology, Some(AccessTechnology(2)));
    }

    #[test]
    fn too_few_values_or_no_status_is_no_operator() {
        assert!(read("(2,\"PLAY\",\"PLAY\")").is_empty());
        assert!(read("(9,\"A\",\"B\",\"26201\",7)").is_empty());
        assert!(read("(,\"\",\"\",\"\")").is_empty());
        assert!(read("(1,\"\",\"\",\"\")").is_empty());
    }

    #[test]
    fn a_torn_group_costs_itself_and_not_the_next() {
        let found = plmns("(1,\"A\",\"A\",26201(1,\"B\",\"B\",\"26202\",7)");
        assert_eq!(found, [Some(b"26202".to_vec())]);
    }

    #[test]
    fn digits_in_ucs2_are_digits() {
        let found = plmns("(1,\"A\",\"A\",\"003300310030003400310030\",7)");
        assert_eq!(found, [Some(b"310410".to_vec())]);
    }

    #[test]
    fn a_name_that_is_not_utf8_is_read_as_latin_1() {
        let mut list = OperatorList::new();
        let bytes = b"(1,\"Telef\xf3nica\",\"T\",\"21407\",7)";
        let found: StdVec<_> = bytes.iter().filter_map(|byte| list.push(*byte)).collect();
        assert_eq!(found[0].long.as_str(), "Telefónica");
    }
}
