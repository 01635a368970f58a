//! The commands of a scan and their bytes.

use heapless::Vec;

use crate::carrier::Plmn;

use super::registration::Domain;
use super::settings::{ErrorFormat, NameFormat};
use super::vendor::Vendor;

/// Bytes of the longest command: `AT+COPS=1,2,"310410"` and its CR.
pub const COMMAND_LEN_MAX: usize = 24;

/// A command of the scan.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Command {
    /// `AT`: does the modem answer?
    Attention,
    /// `AT+CMEE?`: how errors are reported (3GPP TS 27.007 §9.1).
    ErrorFormat,
    /// `AT+CMEE=1` and the like (§9.1). By number during a scan: their table is shorter than that of their texts.
    SetErrorFormat(ErrorFormat),
    /// `AT+CPIN?` (§8.3).
    Sim,
    /// `AT+COPS=3,2` and the like: how operators are named from now on (§7.3). By their digits during a scan.
    SetNameFormat(NameFormat),
    /// `AT+COPS?`: the operator, and how it was selected (§7.3).
    CurrentOperator,
    /// `AT+COPS=2`: deregister (§7.3).
    Deregister,
    /// `AT+COPS=?`: the operators in reach (§7.3).
    Operators,
    /// `AT+COPS=1,2,"<plmn>"`: select this operator, and no other (§7.3).
    Select(Plmn),
    /// `AT+COPS=0`: the modem chooses the operator (§7.3).
    SelectAutomatically,
    /// `AT+CEREG?` and the like (§7.2, §10.1.20, §10.1.22, §10.1.47).
    Registration(Domain),
    /// `AT+CSQ` (§8.5).
    Signal,
    /// `AT+CESQ` (§8.69).
    SignalExtended,
    /// `ATI`: the vendor of the modem (V.250 §6.1.3).
    Identify,
    /// The vendor's own signal command.
    VendorSignal(Vendor),
}

impl Command {
    /// The text without its CR, as the modem echoes it.
    #[must_use]
    pub fn text(&self) -> Vec<u8, COMMAND_LEN_MAX> {
        // Three parts at most, so that one place appends them.
        let parts = match self {
            Self::Attention => ["AT", "", ""],
            Self::ErrorFormat => ["AT+CMEE?", "", ""],
            Self::SetErrorFormat(format) => [format.command(), "", ""],
            Self::Sim => ["AT+CPIN?", "", ""],
            Self::SetNameFormat(format) => [format.command(), "", ""],
            Self::CurrentOperator => ["AT+COPS?", "", ""],
            Self::Deregister => ["AT+COPS=2", "", ""],
            Self::Operators => ["AT+COPS=?", "", ""],
            Self::Select(plmn) => ["AT+COPS=1,2,\"", plmn.as_str(), "\""],
            Self::SelectAutomatically => ["AT+COPS=0", "", ""],
            Self::Registration(domain) => ["AT", domain.prefix(), "?"],
            Self::Signal => ["AT+CSQ", "", ""],
            Self::SignalExtended => ["AT+CESQ", "", ""],
            Self::Identify => ["ATI", "", ""],
            Self::VendorSignal(vendor) => [vendor.command(), "", ""],
        };
        let mut text = Vec::new();
        for part in parts {
            let fits = text.extend_from_slice(part.as_bytes());
            debug_assert!(fits.is_ok(), "COMMAND_LEN_MAX is too small for {self:?}");
        }
        text
    }

    /// Whether it waits for the network, and so may take minutes.
    #[must_use]
    pub const fn asks_the_network(&self) -> bool {
        match self {
            Self::Deregister | Self::Operators | Self::Select(_) | Self::SelectAutomatically => true,
            Self::Attention
            | Self::ErrorFormat
            | Self::SetErrorFormat(_)
            | Self::Sim
            | Self::SetNameFormat(_)
            | Self::CurrentOperator
            | Self::Registration(_)
            | Self::Signal
            | Self::SignalExtended
            | Self::Identify
            | Self::VendorSignal(_) => false,
        }
    }

    /// Whether the answer has a line of its own before the final result. An `OK` without it belongs to another command.
    #[must_use]
    pub const fn has_answer_line(&self) -> bool {
        match self {
            Self::ErrorFormat
            | Self::Sim
            | Self::CurrentOperator
            | Self::Operators
            | Self::Registration(_)
            | Self::Signal
            | Self::SignalExtended
            | Self::VendorSignal(_) => true,
            // Its lines are free text, or missing.
            Self::Identify
            | Self::Attention
            | Self::SetErrorFormat(_)
            | Self::SetNameFormat(_)
            | Self::Deregister
            | Self::Select(_)
            | Self::SelectAutomatically => false,
        }
    }
}

/// What the scan sends on the line.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outgoing {
    /// A command and its CR.
    Command(Command),
    /// A bare CR: ends a partial command in the modem's line buffer, or aborts the one in flight (V.250 §5.6.1).
    Return,
    /// `+++`, with silence before and after: leaves data mode, in which a killed `pppd` left the modem.
    Escape,
    /// `ATH` and its CR: ends the call that [`Outgoing::Escape`] left.
    HangUp,
}

impl Outgoing {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8, COMMAND_LEN_MAX> {
        let mut bytes = Vec::new();
        let fits = match self {
            Self::Command(command) => {
                bytes = command.text();
                bytes.extend_from_slice(b"\r")
            }
            Self::Return => bytes.extend_from_slice(b"\r"),
            Self::Escape => bytes.extend_from_slice(b"+++"),
            Self::HangUp => bytes.extend_from_slice(b"ATH\r"),
        };
        debug_assert!(fits.is_ok(), "COMMAND_LEN_MAX is too small for {self:?}");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_spelled_as_in_the_standard() {
        let plmn = Plmn::parse(b"310410").unwrap();
        assert_eq!(Outgoing::Command(Command::Select(plmn)).bytes(), *b"AT+COPS=1,2,\"310410\"\r");
        assert_eq!(Outgoing::Command(Command::Registration(Domain::FiveG)).bytes(), *b"AT+C5GREG?\r");
        assert_eq!(Outgoing::Escape.bytes(), *b"+++", "no CR: it would end the guard time");
    }
}
