//! Access technologies.

/// An access technology by its number in `+COPS` and `+CEREG` (`<AcT>`, 3GPP TS 27.007 §7.3, Rel-18).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AccessTechnology(pub u8);

impl AccessTechnology {
    /// The number that stands for E-UTRAN (LTE).
    pub const LTE: Self = Self(7);

    /// A short name for people; `"?"` for numbers outside the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 | 1 => "GSM",
            2 => "UMTS",
            3 => "EDGE",
            4..=6 => "HSPA",
            7 => "LTE",
            8 => "LTE-M",
            9 => "NB-IoT",
            10 => "LTE-5GCN",
            11 | 12 => "NR",
            13 => "NR-NSA",
            14..=16 => "NTN",
            _ => "?",
        }
    }

    /// The rank between equal signals: more is better. By generation, and within one the technologies with less capacity (LTE-M,
    /// NB-IoT, satellite) below those with more.
    #[must_use]
    pub const fn preference(self) -> u8 {
        match self.0 {
            0 | 1 => 2,
            3 => 3,
            2 => 4,
            4..=6 => 5,
            8 => 6,
            7 | 10 => 7,
            13 => 8,
            11 | 12 => 9,
            _ => 1,
        }
    }
}

/// The access technologies of one PLMN in the list.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Technologies(u32);

impl Technologies {
    /// None known.
    pub const NONE: Self = Self(0);

    /// Adds one; numbers over 31 cannot be kept and are left out (the table ends at 16).
    pub fn insert(&mut self, technology: AccessTechnology) {
        self.0 |= 1_u32.checked_shl(u32::from(technology.0)).unwrap_or(0);
    }

    /// Adds all of `others`.
    pub fn join(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Each of them, by number.
    pub fn iter(self) -> impl Iterator<Item = AccessTechnology> {
        (0..32_u8).filter(move |n| self.0 >> n & 1 == 1).map(AccessTechnology)
    }

    /// The most preferred of them.
    #[must_use]
    pub fn best(self) -> Option<AccessTechnology> {
        self.iter().max_by_key(|technology| technology.preference())
    }
}
