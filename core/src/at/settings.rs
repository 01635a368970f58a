//! The settings of a modem that a scan changes for its own time.

use super::fields::Fields;

/// How errors are reported (`+CMEE`, 3GPP TS 27.007 §9.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ErrorFormat {
    /// 0: `ERROR` alone.
    Plain,
    /// 1: by number.
    Numeric,
    /// 2: in words.
    Verbose,
}

/// How `+COPS?` names the operator (`<format>` of `+COPS`, 3GPP TS 27.007 §7.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NameFormat {
    /// 0: by the long name.
    Long,
    /// 1: by the short name.
    Short,
    /// 2: by its digits.
    Numeric,
}

impl ErrorFormat {
    /// Reads a `+CMEE:` line; `None` for another line, and for a number that the standard does not have.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        match Fields::after(b"+CMEE", line)?.next()?.small()? {
            0 => Some(Self::Plain),
            1 => Some(Self::Numeric),
            2 => Some(Self::Verbose),
            _ => None,
        }
    }

    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Plain => "AT+CMEE=0",
            Self::Numeric => "AT+CMEE=1",
            Self::Verbose => "AT+CMEE=2",
        }
    }
}

impl NameFormat {
    /// The format with this number.
    #[must_use]
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Long),
            1 => Some(Self::Short),
            2 => Some(Self::Numeric),
            _ => None,
        }
    }

    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Long => "AT+COPS=3,0",
            Self::Short => "AT+COPS=3,1",
            Self::Numeric => "AT+COPS=3,2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_format_is_one_of_three_numbers() {
        assert_eq!(ErrorFormat::parse(b"+CMEE: 0"), Some(ErrorFormat::Plain));
        assert_eq!(ErrorFormat::parse(b" +CMEE:2 "), Some(ErrorFormat::Verbose));
        for line in [&b"+CMEE: (0-2)"[..], b"+CMEE: 3", b"+CMEE:", b"+CME ERROR: 1", b"OK"] {
            assert_eq!(ErrorFormat::parse(line), None, "{line:?}");
        }
    }
}
