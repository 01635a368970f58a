//! Lines → final results and the state of the SIM.

use super::fields::{Fields, decimal};
use super::line::trimmed;

/// How a command ended (V.250 §5.7.1, 3GPP TS 27.007 §9.2, TS 27.005 §3.2.5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FinalResult {
    /// `OK`.
    Ok,
    /// `ERROR`.
    Error,
    /// `+CME ERROR:` with its code; `None` for a text outside the table.
    Cme(Option<u16>),
    /// `+CMS ERROR:` with its code. Some modems answer `+COPS` with it.
    Cms(Option<u16>),
    /// `NO CARRIER`: also what a modem says when the call of the `pppd` before us ends.
    NoCarrier,
    /// `BUSY`.
    Busy,
    /// `NO ANSWER`.
    NoAnswer,
    /// `NO DIALTONE`, `NO DIAL TONE`.
    NoDialtone,
    /// `CONNECT`, with or without a speed.
    Connect,
    /// `ABORTED`: the modem's word for a command that a byte from us ended (V.250 §5.6.1 leaves the word open).
    Aborted,
}

impl FinalResult {
    /// Reads a whole line; `None` for lines that end nothing.
    ///
    /// ```
    /// # use cellscan_core::at::reply::FinalResult;
    /// assert_eq!(FinalResult::parse(b"OK"), Some(FinalResult::Ok));
    /// assert_eq!(FinalResult::parse(b"+CME ERROR: no network service"), Some(FinalResult::Cme(Some(30))));
    /// assert_eq!(FinalResult::parse(b"+CSQ: 25,99"), None);
    /// ```
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        const WORDS: [(&[u8], FinalResult); 8] = [
            (b"OK", FinalResult::Ok),
            (b"ERROR", FinalResult::Error),
            (b"NO CARRIER", FinalResult::NoCarrier),
            (b"BUSY", FinalResult::Busy),
            (b"NO ANSWER", FinalResult::NoAnswer),
            (b"NO DIALTONE", FinalResult::NoDialtone),
            (b"NO DIAL TONE", FinalResult::NoDialtone),
            (b"ABORTED", FinalResult::Aborted),
        ];
        let line = trimmed(line);
        if let Some((_, result)) = WORDS.iter().find(|(word, _)| line.eq_ignore_ascii_case(word)) {
            return Some(*result);
        }
        if let Some((head, rest)) = line.split_at_checked(7)
            && head.eq_ignore_ascii_case(b"CONNECT")
            && matches!(rest.first(), None | Some(b' ' | b'/'))
        {
            return Some(Self::Connect);
        }
        if let Some(detail) = after_colon(b"+CME ERROR", line) {
            return Some(Self::Cme(decimal(detail).or_else(|| cme_code(detail))));
        }
        after_colon(b"+CMS ERROR", line).map(|detail| Self::Cms(decimal(detail)))
    }

    /// Whether the command did what was asked.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        matches!(self, Self::Ok)
    }

    /// The code of a `+CME ERROR`.
    #[must_use]
    pub const fn cme(self) -> Option<u16> {
        match self {
            Self::Cme(code) => code,
            Self::Ok
            | Self::Error
            | Self::Cms(_)
            | Self::NoCarrier
            | Self::Busy
            | Self::NoAnswer
            | Self::NoDialtone
            | Self::Connect
            | Self::Aborted => None,
        }
    }

    /// Whether it says that no command will do before somebody has seen to the SIM.
    #[must_use]
    pub fn blames_the_sim(self) -> bool {
        // PH-SIM PIN, not inserted, PIN, PUK, failure, wrong (3GPP TS 27.007 §9.2.1); "busy" (14) passes.
        self.cme().is_some_and(|code| matches!(code, 5 | 10..=13 | 15))
    }
}

/// What follows `prefix` and a colon; also where the modem ends right after the prefix (a log showed a reply so cut).
fn after_colon<'a>(prefix: &[u8], line: &'a [u8]) -> Option<&'a [u8]> {
    let (head, rest) = line.split_at_checked(prefix.len())?;
    if !head.eq_ignore_ascii_case(prefix) {
        return None;
    }
    match trimmed(rest) {
        [b':', detail @ ..] => Some(trimmed(detail)),
        [] => Some(&[]),
        _ => None,
    }
}

/// Codes of the verbose texts that a scan meets (3GPP TS 27.007 §9.2.1 … §9.2.2).
fn cme_code(text: &[u8]) -> Option<u16> {
    const TEXTS: [(&[u8], u16); 19] = [
        (b"phone failure", 0),
        (b"no connection to phone", 1),
        (b"operation not allowed", 3),
        (b"operation not supported", 4),
        (b"PH-SIM PIN required", 5),
        (b"SIM not inserted", 10),
        (b"SIM PIN required", 11),
        (b"SIM PUK required", 12),
        (b"SIM failure", 13),
        (b"SIM busy", 14),
        (b"SIM wrong", 15),
        (b"memory full", 20),
        (b"no network service", 30),
        (b"network timeout", 31),
        (b"network not allowed - emergency calls only", 32),
        (b"incorrect parameters", 50),
        (b"unknown", 100),
        (b"PLMN not allowed", 111),
        (b"unspecified GPRS error", 148),
    ];
    TEXTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(text)).map(|(_, code)| *code)
}

/// What `+CPIN?` says of the SIM (3GPP TS 27.007 §8.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SimState {
    /// `READY`.
    Ready,
    /// It wants a code that a scan does not have.
    Locked,
}

impl SimState {
    /// Reads a `+CPIN:` line.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let state = Fields::after(b"+CPIN", line)?.next()?;
        Some(if state.bytes.eq_ignore_ascii_case(b"READY") { Self::Ready } else { Self::Locked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finals_are_whole_lines_in_any_case() {
        assert_eq!(FinalResult::parse(b" ok "), Some(FinalResult::Ok));
        assert_eq!(FinalResult::parse(b"CONNECT 150000000"), Some(FinalResult::Connect));
        assert_eq!(FinalResult::parse(b"No Dial Tone"), Some(FinalResult::NoDialtone));
        for line in [&b"OKAY"[..], b"BOOK", b"CONNECTED", b"ERROR 5", b"", b"+CMEE: 2"] {
            assert_eq!(FinalResult::parse(line), None);
        }
    }

    #[test]
    fn cme_errors_come_as_numbers_as_texts_and_cut() {
        assert_eq!(FinalResult::parse(b"+CME ERROR: 30"), Some(FinalResult::Cme(Some(30))));
        assert_eq!(FinalResult::parse(b"+CME ERROR: No network service"), Some(FinalResult::Cme(Some(30))));
        assert_eq!(FinalResult::parse(b"+CME ERROR:what"), Some(FinalResult::Cme(None)));
        assert_eq!(FinalResult::parse(b"+CME ERROR"), Some(FinalResult::Cme(None)));
        assert_eq!(FinalResult::parse(b"+CMS ERROR: 302"), Some(FinalResult::Cms(Some(302))));
    }

    #[test]
    fn a_missing_sim_is_told_from_a_missing_network() {
        assert!(FinalResult::Cme(Some(10)).blames_the_sim());
        assert!(!FinalResult::Cme(Some(30)).blames_the_sim());
        assert!(!FinalResult::Cme(Some(14)).blames_the_sim(), "busy passes");
    }

    #[test]
    fn sim_state_is_ready_or_locked() {
        assert_eq!(SimState::parse(b"+CPIN: READY"), Some(SimState::Ready));
        assert_eq!(SimState::parse(b"+CPIN: SIM PUK"), Some(SimState::Locked));
        assert_eq!(SimState::parse(b"+CREG: 1"), None);
    }
}
