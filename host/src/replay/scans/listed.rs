//! Parses the operators in the lines of an answer.

use cellscan_core::at::current::{CurrentOperator, Operator, SelectionMode};
use cellscan_core::at::operators::{ListedOperator, OperatorList};

/// An entry of an operator list, as the modem sent it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// `<stat>`: 0 unknown, 1 available, 2 current, 3 forbidden.
    pub stat: u8,
    /// The long name; may be empty.
    pub long: String,
    /// The short name; may be empty.
    pub short: String,
    /// The digits.
    pub plmn: Option<String>,
    /// The access technology.
    pub act: Option<u8>,
}

impl From<ListedOperator<'_>> for Listed {
    fn from(found: ListedOperator<'_>) -> Self {
        Self {
            stat: found.availability.number(),
            long: found.long.chars().collect(),
            short: found.short.chars().collect(),
            plmn: found.plmn().map(|plmn| plmn.as_str().to_owned()),
            act: found.technology.map(|technology| technology.0),
        }
    }
}

/// The operators in the lines that answered `AT+COPS=?`; the list may span several lines.
#[must_use]
pub fn operators(answer: &[String]) -> Vec<Listed> {
    let mut list = OperatorList::new();
    let mut found = Vec::new();
    for byte in answer.iter().flat_map(|line| line.bytes()) {
        found.extend(list.push(byte).map(Listed::from));
    }
    found.extend(list.end().map(Listed::from));
    found
}

/// The digits in an answer to `AT+COPS?`, and whether the selection is manual.
pub(super) fn current(line: &str) -> Option<(String, bool)> {
    let found = CurrentOperator::parse(line.as_bytes())?;
    match found.operator? {
        Operator::Plmn(plmn) => Some((plmn.as_str().to_owned(), found.mode == SelectionMode::Manual)),
        Operator::Name(_) => None,
    }
}
