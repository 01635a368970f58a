//! `+CREG`, `+CGREG`, `+CEREG`, `+C5GREG` (3GPP TS 27.007 §7.2, §10.1.20, §10.1.22, §10.1.47).

use crate::carrier::AccessTechnology;

use super::fields::{Field, Fields};

/// A registration domain and the command that asks for it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Domain {
    /// `+CREG`: circuit switched; a modem on LTE may report "denied" here and be connected (field log).
    Circuit,
    /// `+CGREG`: GPRS and UMTS packet.
    Packet,
    /// `+CEREG`: LTE.
    Eps,
    /// `+C5GREG`: 5G.
    FiveG,
}

impl Domain {
    /// In the order in which a scan queries them: the domain of today's `pppd` first, `+CREG` only where no other exists.
    pub const ALL: [Self; 4] = [Self::Eps, Self::Packet, Self::FiveG, Self::Circuit];

    /// The prefix of its command and its lines.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Circuit => "+CREG",
            Self::Packet => "+CGREG",
            Self::Eps => "+CEREG",
            Self::FiveG => "+C5GREG",
        }
    }
}

/// Digits of `<stat>` at most, leading zeros included (`+CREG:002,001,…` of a satellite modem): a location area that is
/// not in quotes has four.
const STAT_DIGITS_MAX: usize = 3;

/// Four digits behind a padded `<n>` are a padded `<stat>` (`+CGREG:002,0011,…`), if they are one of two digits.
const fn is_padded_stat(digits: &[u8]) -> bool {
    matches!(digits, [b'0', b'0', _, _])
}

/// A value over this is no `<stat>`: the table ends at 11, and later releases add to it one by one.
const STAT_MAX: u16 = 99;

/// The raw values of a registration line.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RegistrationLine<'a> {
    /// The domain.
    pub domain: Domain,
    /// `<n>`, which an answer has before `<stat>`.
    pub n: Option<u16>,
    /// `<stat>`.
    pub stat: u8,
    /// `<lac>` or `<tac>`: hex digits.
    pub area: Option<&'a [u8]>,
    /// `<ci>`: hex digits.
    pub cell: Option<&'a [u8]>,
    /// `<AcT>`.
    pub technology: Option<AccessTechnology>,
}

impl<'a> RegistrationLine<'a> {
    /// Reads a line of any domain.
    #[must_use]
    pub fn parse_any(line: &'a [u8]) -> Option<Self> {
        Domain::ALL.into_iter().find_map(|domain| Self::parse(domain, line))
    }

    /// Reads a line of `domain`. An answer has one number more in front than an unsolicited result code. The next value
    /// shows which it is: `<stat>` is a short number, and the location area that the other form has there is quoted, or has
    /// four hex digits.
    #[must_use]
    pub fn parse(domain: Domain, line: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::after(domain.prefix().as_bytes(), line)?;
        let first = fields.next()?;
        let is_padded = matches!(first.bytes, [b'0', _, ..]);
        let first = first.number()?;
        let mut rest = fields.clone();
        let second = rest
            .next()
            .filter(|field| !field.quoted)
            .filter(|field| {
                field.bytes.len() <= STAT_DIGITS_MAX || (is_padded && is_padded_stat(field.bytes))
            })
            .and_then(|field| field.number())
            .filter(|stat| *stat <= STAT_MAX);
        let (n, stat, places) = match second {
            Some(stat) => (Some(first), stat, rest),
            None => (None, first, fields),
        };
        let (area, cell, technology) = location(places);
        Some(Self {
            domain,
            n,
            stat: u8::try_from(stat).ok()?,
            area: area.hex(),
            cell: cell.hex(),
            technology: technology.small().map(AccessTechnology),
        })
    }
}

/// `<lac>,<ci>,<AcT>`, or `<lac>,<rac>,<ci>,<AcT>` as some LTE modems have it (Novatel, Altair, u-blox SARA-R4, Alcatel):
/// a routing area has two hex digits, which no cell id of theirs has.
fn location(mut places: Fields<'_>) -> (Field<'_>, Field<'_>, Field<'_>) {
    let mut next = || places.next().unwrap_or_default();
    let (area, cell, technology) = (next(), next(), next());
    let digits = |field: &Field<'_>| field.hex().map_or(0, <[u8]>::len);
    if matches!(digits(&cell), 1 | 2) && digits(&technology) > STAT_DIGITS_MAX.saturating_sub(1) {
        return (area, technology, next());
    }
    (area, cell, technology)
}

/// The registration state of a domain, as a scan needs it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Registration {
    /// The domain.
    pub domain: Domain,
    /// `<stat>` (3GPP TS 27.007 §7.2): 1 home, 5 roaming, 9 and 10 the same without voice, 2 searching, 3 denied …
    pub stat: u8,
    /// The access technology, where the modem gives one.
    pub technology: Option<AccessTechnology>,
    /// An unsolicited result code (`+CEREG: 1`), not an answer (`+CEREG: 2,1`).
    pub unsolicited: bool,
}

impl Registration {
    /// Reads a line of `domain` during its query: a line with the form of an answer is one.
    #[must_use]
    #[inline(never)]
    pub fn parse(domain: Domain, line: &[u8]) -> Option<Self> {
        let RegistrationLine { n, stat, technology, .. } = RegistrationLine::parse(domain, line)?;
        Some(Self { domain, stat, technology, unsolicited: n.is_none() })
    }

    /// Registered, at home or roaming, with voice or without.
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        matches!(self.stat, 1 | 5 | 9 | 10)
    }

    /// The network denied the registration.
    #[must_use]
    pub const fn is_denied(&self) -> bool {
        self.stat == 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_distinguished_from_an_unsolicited_result_code() {
        let read = |line: &[u8]| Registration::parse(Domain::Eps, line).map(|r| (r.stat, r.unsolicited));
        assert_eq!(read(b"+CEREG: 0,1"), Some((1, false)));
        assert_eq!(read(b"+CEREG: 2,5,\"2ECB\",\"0B4A0D15\",7"), Some((5, false)));
        assert_eq!(read(b"+CEREG: 1"), Some((1, true)));
        assert_eq!(read(b"+CEREG: 1,\"2ECB\",\"0B4A0D15\",7"), Some((1, true)));
        assert_eq!(read(b"+CEREG: 11, 78FE, 20 ,14419E ,7"), Some((11, true)));
        assert_eq!(read(b"+CREG: 0,1"), None);
        assert_eq!(read(b"+CEREG: x"), None);
    }

    #[test]
    fn only_home_and_roaming_count_as_registered() {
        let registered: [bool; 12] = core::array::from_fn(|stat| {
            let stat = u8::try_from(stat).unwrap();
            Registration { domain: Domain::Eps, stat, technology: None, unsolicited: false }.is_registered()
        });
        let expected = [false, true, false, false, false, true, false, false, false, true, true, false];
        assert_eq!(registered, expected);
    }

    #[test]
    fn each_form_gives_its_location_values() {
        let read = |line: &'static str| {
            let found = RegistrationLine::parse_any(line.as_bytes())?;
            let hex =
                |digits: Option<&'static [u8]>| digits.and_then(|digits| core::str::from_utf8(digits).ok());
            Some((found.n, found.stat, hex(found.area), hex(found.cell), found.technology.map(|act| act.0)))
        };
        let cases = [
            ("+CREG: 2,,", (None, 2, None, None, None)),
            ("+CREG: 2,0,00,0", (Some(2), 0, Some("00"), Some("0"), None)),
            ("+CREG:002,001,\"18d8\",\"ffff\"", (Some(2), 1, Some("18d8"), Some("ffff"), None)),
            ("+CGREG:002,0011,\"18d8\",\"ffff\"", (Some(2), 11, Some("18d8"), Some("ffff"), None)),
            ("+CREG: 0011,\"0001\",\"0010\",000", (None, 11, Some("0001"), Some("0010"), Some(0))),
            ("+CREG: 1,0001,0010,0", (None, 1, Some("0001"), Some("0010"), Some(0))),
            ("+CREG: 2,1,4CA,81DE445", (Some(2), 1, Some("4CA"), Some("81DE445"), None)),
            ("+CREG: 2,1,\"\",\"605F\"", (Some(2), 1, None, Some("605F"), None)),
            ("+CREG: 2,1,  0 5, 2715", (Some(2), 1, Some("0"), Some("2715"), None)),
            (
                "+CGREG: 11,\"B092\",\"00000697\",3,\"00\"",
                (None, 11, Some("B092"), Some("00000697"), Some(3)),
            ),
            ("+CGREG:2,10,ebbd,f025", (Some(2), 10, Some("ebbd"), Some("f025"), None)),
            ("+CEREG: 11, 78FE, 20 ,14419E ,7", (None, 11, Some("78FE"), Some("14419E"), Some(7))),
            (
                "+CEREG: 4,1,\"2B67\",\"63\",\"69F6BC7\",7",
                (Some(4), 1, Some("2B67"), Some("69F6BC7"), Some(7)),
            ),
            ("+CEREG: 1, 2, 0001, 00000100, 7", (Some(1), 2, Some("0001"), Some("00000100"), Some(7))),
            (
                "+CEREG: 3,3,\"124A\",\"02ED0202\",7,0,0",
                (Some(3), 3, Some("124A"), Some("02ED0202"), Some(7)),
            ),
            ("+CEREG: 0,\"FFFF\",\"FFFFFFFF\",9,0,0,,", (None, 0, Some("FFFF"), Some("FFFFFFFF"), Some(9))),
            ("+C5GREG: 2,1,1F00,79D903,11,6,ABCDEF", (Some(2), 1, Some("1F00"), Some("79D903"), Some(11))),
            ("CGREG: 10,43", (Some(10), 43, None, None, None)),
        ];
        for (line, expected) in cases {
            assert_eq!(read(line), Some(expected), "{line}");
        }
        assert_eq!(read("+CREG: 300"), None);
        assert_eq!(read("+CREGX: 1"), None);
    }
}
