//! `+COPS?` and `+CREG`, `+CGREG`, `+CEREG`, `+C5GREG`.

use crate::carrier::{AccessTechnology, Name, Plmn};

use super::fields::Fields;

/// How the operator is selected (`<mode>` of `+COPS?`, 3GPP TS 27.007 §7.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SelectionMode {
    /// 0: the modem chooses.
    Automatic,
    /// 1 (and 4 as long as it holds): the one that was named.
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

/// The answer to `+COPS?`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CurrentOperator {
    /// How it was selected.
    pub mode: SelectionMode,
    /// Which one; `None` where the modem is on none (`+COPS: 0`), which is not "registered" whatever the mode.
    pub operator: Option<Operator>,
    /// Over which access technology, where it says.
    pub technology: Option<AccessTechnology>,
}

impl CurrentOperator {
    /// Reads a `+COPS:` line that answers `+COPS?`.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = Fields::after(b"+COPS", line)?;
        let mode = match fields.next()?.number()? {
            0 => SelectionMode::Automatic,
            1 | 4 => SelectionMode::Manual,
            2 => SelectionMode::Deregistered,
            other => SelectionMode::Other(u8::try_from(other).ok()?),
        };
        let _format = fields.next();
        // The digits tell themselves: some modems name format 0 and send format 2.
        let operator = fields.next().filter(|field| !field.is_empty()).map(|field| {
            Plmn::parse(field.bytes).map_or_else(
                |_| Operator::Name(Name::new(core::str::from_utf8(field.bytes).unwrap_or_default())),
                Operator::Plmn,
            )
        });
        let technology = fields.next().and_then(|field| field.number()).and_then(|n| u8::try_from(n).ok());
        Some(Self { mode, operator, technology: technology.map(AccessTechnology) })
    }
}

/// A registration domain and the command that asks for it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Domain {
    /// `+CREG`: circuit switched; a modem on LTE may say "denied" here and be connected (field log).
    Circuit,
    /// `+CGREG`: GPRS and UMTS packet.
    Packet,
    /// `+CEREG`: LTE.
    Eps,
    /// `+C5GREG`: 5G.
    FiveG,
}

impl Domain {
    /// In the order in which a scan asks: what carries a `pppd` today first, `+CREG` only where the others do not exist.
    pub const ALL: [Self; 4] = [Self::Eps, Self::Packet, Self::FiveG, Self::Circuit];

    /// What its command and its lines begin with.
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

/// The registration state of a domain.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Registration {
    /// Which domain.
    pub domain: Domain,
    /// `<stat>` (3GPP TS 27.007 §7.2): 1 home, 5 roaming, 9 and 10 the same without voice, 2 searching, 3 denied …
    pub stat: u8,
    /// Over which access technology, where it says.
    pub technology: Option<AccessTechnology>,
    /// Said by itself (`+CEREG: 1`), not as an answer (`+CEREG: 2,1`).
    pub unsolicited: bool,
}

impl Registration {
    /// Reads a line of `domain`. The forms differ by one number in front; where two numbers stand alone it is an
    /// answer, and a second value that cannot be a state (quoted, or two digits and more) shows that there is none.
    #[must_use]
    pub fn parse(domain: Domain, line: &[u8]) -> Option<Self> {
        let mut fields = Fields::after(domain.prefix().as_bytes(), line)?;
        let first = fields.next()?.number()?;
        let mut rest = fields.clone();
        let second = rest.next();
        let solicited = second
            .filter(|field| !field.quoted && field.bytes.len() <= 2 && first <= 5)
            .and_then(|field| field.number());
        let (stat, mut places) = match solicited {
            Some(stat) => (stat, rest),
            None => (first, fields),
        };
        let technology = places.nth(2).and_then(|field| field.number()).and_then(|n| u8::try_from(n).ok());
        Some(Self {
            domain,
            stat: u8::try_from(stat).ok()?,
            technology: technology.map(AccessTechnology),
            unsolicited: solicited.is_none(),
        })
    }

    /// Registered, at home or roaming, with voice or without.
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        matches!(self.stat, 1 | 5 | 9 | 10)
    }

    /// The network said no.
    #[must_use]
    pub const fn is_denied(&self) -> bool {
        self.stat == 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operator_named_is_no_operator() {
        let current = CurrentOperator::parse(b"+COPS: 1").unwrap();
        assert_eq!((current.mode, current.operator), (SelectionMode::Manual, None));
        assert_eq!(CurrentOperator::parse(b"+COPS: 0,2,\"\"").unwrap().operator, None);
    }

    #[test]
    fn operator_comes_as_digits_or_as_a_name() {
        let current = CurrentOperator::parse(b"+COPS: 0,2,\"310410\",7").unwrap();
        assert_eq!(current.operator, Some(Operator::Plmn(Plmn::parse(b"310410").unwrap())));
        assert_eq!(current.technology, Some(AccessTechnology::LTE));
        let named = CurrentOperator::parse(b"+COPS: 1,0,\"AT&T, Inc\"").unwrap();
        assert_eq!(named.operator, Some(Operator::Name(Name::new("AT&T, Inc"))));
    }

    #[test]
    fn an_answer_is_told_from_a_line_said_by_itself() {
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
}
