//! The answer to `+COPS?` (3GPP TS 27.007 §7.3).

use crate::carrier::{AccessTechnology, Name, Plmn};

use super::fields::{Fields, after_colon, decimal};
use super::line::trimmed;
use super::operators::{Code, begins_list};
use super::settings::NameFormat;
use super::text::Text;

/// How the operator is selected (`<mode>` of `+COPS?`, 3GPP TS 27.007 §7.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SelectionMode {
    /// 0: the modem chooses.
    Automatic,
    /// 1 (and 4 as long as it holds): the named operator.
    Manual,
    /// 2: deregistered.
    Deregistered,
    /// Another number.
    Other(u8),
}

/// The operator that `+COPS?` names.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Operator {
    /// Format 2.
    Plmn(Plmn),
    /// Formats 0 and 1, of a modem that does not obey `+COPS=3,2`.
    Name(Name),
}

/// The raw values of a `+COPS:` line that answers `+COPS?`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OperatorLine<'a> {
    /// `<mode>`.
    pub mode: u8,
    /// `<format>`.
    pub format: Option<u8>,
    /// `<oper>`; `None` where there is none, or an empty one.
    pub operator: Option<Text<'a>>,
    /// `<AcT>`.
    pub technology: Option<AccessTechnology>,
}

impl<'a> OperatorLine<'a> {
    /// Reads a `+COPS:` line that answers `+COPS?`; `None` for others, such as a list. It may stand in brackets, of which the first
    /// counts, and an empty value may stand before `<AcT>`.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        if begins_list(line) {
            return None;
        }
        let values = trimmed(after_colon(b"+COPS", line)?);
        let mut fields = Fields::new(values.strip_prefix(b"(").unwrap_or(values));
        let mode = fields.next()?.small()?;
        let format = fields.next().and_then(|field| field.small());
        let operator = fields.next().filter(|field| !field.is_empty()).map(|field| field.text());
        // Digits alone: a bracket may follow them.
        let technology = fields.find(|field| !field.is_empty()).and_then(|field| decimal(field.hex()?));
        let technology = technology.and_then(|number| u8::try_from(number).ok()).map(AccessTechnology);
        Some(Self { mode, format, operator, technology })
    }
}

/// The answer to `+COPS?`, as a scan needs it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CurrentOperator {
    /// How the operator was selected.
    pub mode: SelectionMode,
    /// The operator; `None` where the modem is on none (`+COPS: 0`), which is not "registered" in any mode.
    pub operator: Option<Operator>,
    /// The access technology, where the modem gives one.
    pub technology: Option<AccessTechnology>,
    /// How the modem says that it names the operator; `None` also where it is on none.
    pub format: Option<NameFormat>,
}

impl CurrentOperator {
    /// Reads a `+COPS:` line that answers `+COPS?`.
    #[must_use]
    #[inline(never)]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let OperatorLine { mode, operator, technology, format } = OperatorLine::parse(line)?;
        let mode = match mode {
            0 => SelectionMode::Automatic,
            1 | 4 => SelectionMode::Manual,
            2 => SelectionMode::Deregistered,
            other => SelectionMode::Other(other),
        };
        // Digits are recognised by their form: some modems state format 0 and send format 2.
        let operator = operator.map(|text| match Code::parse(text).and_then(|code| code.plmn()) {
            Some(plmn) => Operator::Plmn(plmn),
            None => Operator::Name(Name::from_chars(Text::new(trimmed(text.bytes())).chars())),
        });
        Some(Self { mode, operator, technology, format: format.and_then(NameFormat::of) })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    #[test]
    fn an_answer_without_a_name_is_no_operator() {
        let current = CurrentOperator::parse(b"+COPS: 1").unwrap();
        assert_eq!((current.mode, current.operator), (SelectionMode::Manual, None));
        assert_eq!(CurrentOperator::parse(b"+COPS: 0,2,\"\"").unwrap().operator, None);
    }

    #[test]
    fn reads_an_operator_given_as_digits_or_as_a_name() {
        let current = CurrentOperator::parse(b"+COPS: 0,2,\"310410\",7").unwrap();
        assert_eq!(current.operator, Some(Operator::Plmn(Plmn::parse(b"310410").unwrap())));
        assert_eq!(current.technology, Some(AccessTechnology::LTE));
        let named = CurrentOperator::parse(b"+COPS: 1,0,\"AT&T, Inc\"").unwrap();
        assert_eq!(named.operator, Some(Operator::Name(Name::new("AT&T, Inc"))));
        let ucs2 = CurrentOperator::parse(b"+COPS: 0,2,\"003300310030003400310030\",7").unwrap();
        assert_eq!(ucs2.operator, current.operator);
    }

    #[test]
    fn raw_values_are_those_of_the_line() {
        let read = |line: &'static [u8]| {
            let line = OperatorLine::parse(line)?;
            let operator = line.operator.map(|text| text.chars().collect::<String>());
            Some((line.mode, line.format, operator, line.technology.map(|technology| technology.0)))
        };
        let named = |name: &str| Some(String::from(name));
        assert_eq!(read(b"+COPS: 0"), Some((0, None, None, None)));
        assert_eq!(read(b"+COPS: 0,0,\"A  B\",12, 3"), Some((0, Some(0), named("A  B"), Some(12))));
        assert_eq!(read(b"+COPS: 1,1,0056005A0057,x"), Some((1, Some(1), named("VZW"), None)));
        assert_eq!(read(b"+COPS: (1,\"A\",\"A\",\"26201\",7)"), None);
    }

    #[test]
    fn an_answer_in_brackets_or_with_an_empty_value_is_read_like_any_other() {
        for line in [
            &b"+COPS: 0,2,\"25001\",7"[..],
            b"+COPS: (0,2,\"25001\",7,0),(0,2,\"25001\",7,0)",
            b"+COPS:(0,2,\"25001\",7)",
            b"+COPS: 0,2,\"25001\",,7",
            b"+COPS: 0,2,\"25001\", ,7,0",
        ] {
            let found = CurrentOperator::parse(line).unwrap();
            assert_eq!(found.operator, Some(Operator::Plmn(Plmn::parse(b"25001").unwrap())));
            assert_eq!(found.technology, Some(AccessTechnology::LTE), "{}", line.escape_ascii());
        }
    }
}
