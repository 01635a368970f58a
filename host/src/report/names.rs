//! Names of carriers: from the modem's list, or, in a scan without a search, as they were remembered.

use cellscan_core::carrier::Plmn;
use cellscan_core::scan::Scanner;

use super::words;
use crate::clean;

/// Names that are known without a list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Names(Vec<(Plmn, String)>);

impl Names {
    /// These.
    #[must_use]
    pub const fn of(known: Vec<(Plmn, String)>) -> Self {
        Self(known)
    }

    /// The name of a carrier, from the list if it has one there.
    #[must_use]
    pub fn name<'a>(&'a self, scanner: &'a Scanner, plmn: Plmn) -> Option<&'a str> {
        let listed = scanner.carriers().iter().find(|carrier| carrier.plmn == plmn);
        let listed = listed.map(|carrier| carrier.name.as_str()).filter(|name| !name.is_empty());
        let known = || self.0.iter().find(|(known, _)| *known == plmn).map(|(_, name)| name.as_str());
        listed.or_else(known)
    }

    /// `AT&T (310410)`, or the digits alone if no name is known.
    #[must_use]
    pub fn carrier(&self, scanner: &Scanner, plmn: Plmn) -> String {
        words::named(self.name(scanner, plmn), plmn)
    }

    /// The name for a column, or nothing.
    #[must_use]
    pub fn shown(&self, scanner: &Scanner, plmn: Plmn) -> String {
        self.name(scanner, plmn).map(clean::shown).unwrap_or_default()
    }
}
