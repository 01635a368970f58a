//! The operator selection that the modem had before the scan, as far as it can be restored.

use crate::at::current::{CurrentOperator, Operator, SelectionMode};
use crate::carrier::Plmn;

/// A selection that can be restored (3GPP TS 27.007 §7.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Selection {
    /// `AT+COPS=0`: the modem chooses.
    Automatic,
    /// `AT+COPS=1,2,"…"`: this operator.
    Manual(Plmn),
}

impl Selection {
    /// The selection that restores what this answer shows. A modem that was deregistered, or on an operator that it did not
    /// name by its digits, is set to automatic: a gateway without any registration is of no use.
    #[must_use]
    pub const fn of(current: &CurrentOperator) -> Self {
        match (current.mode, &current.operator) {
            (SelectionMode::Manual, Some(Operator::Plmn(plmn))) => Self::Manual(*plmn),
            (
                SelectionMode::Automatic
                | SelectionMode::Manual
                | SelectionMode::Deregistered
                | SelectionMode::Other(_),
                _,
            ) => Self::Automatic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restores_manual_selection_only_for_an_operator_named_by_its_digits() {
        let of = |line: &[u8]| Selection::of(&CurrentOperator::parse(line).unwrap());
        assert_eq!(of(b"+COPS: 1,2,\"310410\",7"), Selection::Manual(Plmn::parse(b"310410").unwrap()));
        for line in
            [&b"+COPS: 0,2,\"310410\",7"[..], b"+COPS: 1,0,\"AT&T\"", b"+COPS: 1", b"+COPS: 2", b"+COPS: 3,2"]
        {
            assert_eq!(of(line), Selection::Automatic, "{}", line.escape_ascii());
        }
    }
}
