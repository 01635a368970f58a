//! Networks and their data: PLMN, name, access technology, signal.

use core::fmt;
use core::ops::RangeInclusive;

use crate::at::errors::{Meaning, cme_meaning};
use crate::time::Span;

mod list;
mod technology;

pub use list::Carriers;
pub use technology::{AccessTechnology, Technologies};

/// Digits in a PLMN, at most: three of country (MCC), two or three of network (MNC) (3GPP TS 23.003 §2.2).
pub const PLMN_DIGITS_MAX: usize = 6;

/// Bytes of UTF-8 kept of an operator's name. The long alphanumeric form has 16 characters (3GPP TS 22.101 §A.4); modems
/// send up to some thirty; the rest is cut at a character.
pub const NAME_LEN_MAX: usize = 32;

/// Carriers that a scan keeps, in list order; the rest is counted. Most places list four to ten networks, border regions
/// some twenty: the feature `carriers-32` makes room for those, without it there is room for what a microcontroller can hold.
pub const CARRIERS_MAX: usize = if cfg!(feature = "carriers-32") { 32 } else { 16 };

/// A public land mobile network by its five or six digits.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Plmn {
    /// Five digits are followed by a zero.
    digits: [u8; PLMN_DIGITS_MAX],
}

/// Why some bytes are not a [`Plmn`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PlmnError {
    /// This many bytes were found; a PLMN has five or six.
    Length(usize),
    /// This byte was found in place of a digit.
    NotADigit(u8),
}

impl fmt::Display for PlmnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(found) => write!(f, "a PLMN has 5 or 6 digits, found {found}"),
            Self::NotADigit(found) => write!(f, "a PLMN is digits only, found byte 0x{found:02x}"),
        }
    }
}

impl core::error::Error for PlmnError {}

impl Plmn {
    /// Parses the digits, as `+COPS` in format 2 gives them.
    ///
    /// # Errors
    /// Anything but five or six ASCII digits.
    ///
    /// ```
    /// # use cellscan_core::carrier::Plmn;
    /// let plmn = Plmn::parse(b"310410").unwrap();
    /// assert_eq!((plmn.mcc(), plmn.mnc()), ("310", "410"));
    /// assert!(Plmn::parse(b"3104100").is_err());
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self, PlmnError> {
        if !matches!(bytes.len(), 5 | 6) {
            return Err(PlmnError::Length(bytes.len()));
        }
        let mut digits = [0; PLMN_DIGITS_MAX];
        for (to, from) in digits.iter_mut().zip(bytes) {
            if !from.is_ascii_digit() {
                return Err(PlmnError::NotADigit(*from));
            }
            *to = *from;
        }
        Ok(Self { digits })
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let digits = self.digits.strip_suffix(&[0]).unwrap_or(&self.digits);
        core::str::from_utf8(digits).unwrap_or_default()
    }

    /// The country: three digits.
    #[must_use]
    pub fn mcc(&self) -> &str {
        self.as_str().get(..3).unwrap_or_default()
    }

    /// The network: two or three digits.
    #[must_use]
    pub fn mnc(&self) -> &str {
        self.as_str().get(3..).unwrap_or_default()
    }
}

impl fmt::Display for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An operator's name, cut to [`NAME_LEN_MAX`] bytes.
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct Name {
    /// UTF-8, followed by zeros.
    bytes: [u8; NAME_LEN_MAX],
    len: u8,
}

impl Name {
    /// The name, as far as it fits.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self::from_chars(text.chars())
    }

    /// The name, as far as it fits.
    #[must_use]
    pub fn from_chars(characters: impl Iterator<Item = char>) -> Self {
        let mut name = Self::default();
        for character in characters {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            let end = usize::from(name.len).saturating_add(bytes.len());
            let Some(room) = name.bytes.get_mut(usize::from(name.len)..end) else { break };
            for (to, from) in room.iter_mut().zip(bytes) {
                *to = *from;
            }
            name.len = u8::try_from(end).unwrap_or(u8::MAX);
        }
        name
    }

    /// The name; empty where the modem gave none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Whether the modem gave none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Name {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

/// `<stat>` of an operator list (3GPP TS 27.007 §7.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Availability {
    /// 0. Not skipped: some modems report this for networks that work.
    Unknown,
    /// 1.
    Available,
    /// 2: the modem is registered there.
    Current,
    /// 3: forbidden by the SIM or the network.
    Forbidden,
}

impl Availability {
    /// From the number in the table; `None` outside 0…3.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Unknown),
            1 => Some(Self::Available),
            2 => Some(Self::Current),
            3 => Some(Self::Forbidden),
            _ => None,
        }
    }

    /// The number in the table.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Available => 1,
            Self::Current => 2,
            Self::Forbidden => 3,
        }
    }
}

/// The range of RSSI, dBm: that of `+CSQ` (3GPP TS 27.007 §8.5).
pub const RSSI_DBM: RangeInclusive<i16> = -113..=-51;

/// The signal of a carrier. RSSI and RSRP are two quantities: they are never compared with each other.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Strength {
    /// Received power over the whole band, dBm (`+CSQ`, 3GPP TS 27.007 §8.5); `None` where unknown.
    pub rssi_dbm: Option<i16>,
    /// Reference signal power, dBm (`+CESQ`, 3GPP TS 27.007 §8.69); `None` where unknown or not on LTE.
    pub rsrp_dbm: Option<i16>,
    /// Reference signal quality, tenths of dB (`+CESQ`); `None` where unknown or not on LTE.
    pub rsrq_db10: Option<i16>,
}

impl Strength {
    /// Takes unknown values from `other`.
    pub const fn fill(&mut self, other: Self) {
        if self.rssi_dbm.is_none() {
            self.rssi_dbm = other.rssi_dbm;
        }
        if self.rsrp_dbm.is_none() {
            self.rsrp_dbm = other.rsrp_dbm;
        }
        if self.rsrq_db10.is_none() {
            self.rsrq_db10 = other.rsrq_db10;
        }
    }

    /// Whether any value is known.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.rssi_dbm.is_some() || self.rsrp_dbm.is_some()
    }
}

/// The result of a carrier's trial.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Trial {
    /// Not tried, or not yet.
    #[default]
    Untried,
    /// Registered; with the values that the modem gave.
    Registered(Strength),
    /// The network or the modem refused; the `+CME ERROR` code where it gave one.
    Refused(Option<u16>),
    /// Not registered within the time-out.
    TimedOut,
    /// Registered in the trial, and lost afterwards: no registration when selected, or no link over it.
    Lost,
}

/// One PLMN in reach, or remembered.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Carrier {
    /// The network.
    pub plmn: Plmn,
    /// Its long name, or the short one where there is no other.
    pub name: Name,
    /// The availability in the list; the most permissive of several entries.
    pub availability: Availability,
    /// The access technologies under which it was listed.
    pub technologies: Technologies,
    /// The result of its trial.
    pub trial: Trial,
    /// Its trial was repeated: the first was refused with a code that means "try later".
    pub retried: bool,
    /// How long the trial took; zero where there was none.
    pub took: Span,
    /// Its signal was read long enough after its selection (`Policy::confirm`): it is no first impression.
    pub confirmed: bool,
}

/// A carrier that registered in an earlier scan.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Remembered {
    /// The network.
    pub plmn: Plmn,
    /// Its RSSI then, dBm; `None` where it is not known.
    pub rssi_dbm: Option<i16>,
}

impl From<Plmn> for Remembered {
    fn from(plmn: Plmn) -> Self {
        Self { plmn, rssi_dbm: None }
    }
}

impl Carrier {
    /// Whether its trial was refused with a code that means "try later" (busy, congestion, a time-out of the network), and was not
    /// repeated.
    pub(crate) fn is_to_be_retried(&self) -> bool {
        matches!(self.trial, Trial::Refused(Some(code)) if !self.retried && is_passing(code))
    }
}

/// Whether a code of `+CME ERROR` says nothing about the carrier: modem or network were busy for a moment.
pub(crate) fn is_passing(code: u16) -> bool {
    cme_meaning(code.into()) == Some(Meaning::TryLater)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plmn(digits: &str) -> Plmn {
        Plmn::parse(digits.as_bytes()).unwrap()
    }

    #[test]
    fn plmn_takes_five_or_six_digits_and_reports_anything_else() {
        assert_eq!(plmn("26202").as_str(), "26202");
        assert_eq!(Plmn::parse(b"2620"), Err(PlmnError::Length(4)));
        assert_eq!(Plmn::parse(b"26 02"), Err(PlmnError::NotADigit(b' ')));
    }

    #[test]
    fn name_is_cut_at_a_character() {
        assert_eq!(Name::new("ééééééééééééééééé").as_str(), "éééééééééééééééé");
    }

    #[test]
    fn a_plmn_listed_twice_is_one_carrier_with_both_technologies() {
        let mut carriers = Carriers::new();
        for act in [7, 0] {
            let mut technologies = Technologies::NONE;
            technologies.insert(AccessTechnology(act));
            carriers.insert(plmn("310260"), &Name::new("T-Mobile"), Availability::Available, technologies);
        }
        assert_eq!((carriers.len(), carriers.listed()), (1, 2));
        let acts = carriers.get(0).unwrap().technologies;
        assert!(acts.iter().eq([AccessTechnology(0), AccessTechnology(7)]));
        assert_eq!(acts.best(), Some(AccessTechnology::LTE));
    }

    #[test]
    fn a_list_longer_than_the_capacity_is_counted_and_marked() {
        let mut carriers = Carriers::new();
        for n in 0..40_u8 {
            let digits = [b'2', b'6', b'2', b'0' + n / 10, b'0' + n % 10];
            carriers.insert(
                Plmn::parse(&digits).unwrap(),
                &Name::default(),
                Availability::Unknown,
                Technologies::NONE,
            );
        }
        assert_eq!((carriers.len(), carriers.listed(), carriers.truncated()), (CARRIERS_MAX, 40, true));
        assert_eq!(carriers.get(0).unwrap().plmn.as_str(), "26200");
    }
}
