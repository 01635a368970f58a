//! Lines → final results and the state of the SIM.

use super::errors::{self, Meaning};
use super::fields::{Fields, after_prefix, integer};
use super::line::{trimmed, without_noise};
use super::text::Text;

/// How a command ended (V.250 §5.7.1, 3GPP TS 27.007 §9.2, TS 27.005 §3.2.5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FinalResult {
    /// `OK`.
    Ok,
    /// `ERROR`, and the words that some vendors have for it.
    Error,
    /// `+CME ERROR:` with its code; `None` for a text outside the table. One vendor sends −1.
    Cme(Option<i32>),
    /// `+CMS ERROR:` with its code. Some modems answer `+COPS` with it.
    Cms(Option<i32>),
    /// `NO CARRIER`: a modem also sends it when the call of the `pppd` before the scan ends.
    NoCarrier,
    /// `BUSY`.
    Busy,
    /// `NO ANSWER`.
    NoAnswer,
    /// `NO DIALTONE`, `NO DIAL TONE`.
    NoDialtone,
    /// `CONNECT`, with or without a speed.
    Connect,
    /// `ABORTED`: the modem's word for a command that was aborted by a byte (V.250 §5.6.1 leaves the word open).
    Aborted,
}

/// Words that end a command, without blanks and punctuation.
const WORDS: [(&[u8], FinalResult); 14] = [
    (b"ok", FinalResult::Ok),
    (b"error", FinalResult::Error),
    (b"nocarrier", FinalResult::NoCarrier),
    (b"busy", FinalResult::Busy),
    (b"noanswer", FinalResult::NoAnswer),
    (b"nodialtone", FinalResult::NoDialtone),
    (b"aborted", FinalResult::Aborted),
    // Wavecom, Simcom, Quectel; Huawei and ZTE; ZTE; Option; Nokia.
    (b"commandnotsupport", FinalResult::Error),
    (b"commandnotsupported", FinalResult::Error),
    (b"operationnotsupported", FinalResult::Error),
    (b"na", FinalResult::Error),
    (b"toomanyparameters", FinalResult::Error),
    (b"parametererror", FinalResult::Error),
    (b"commandaborted", FinalResult::Aborted),
];

/// Letters of the longest of [`WORDS`].
const WORD_LEN_MAX: usize = 24;

impl FinalResult {
    /// Reads a whole line; `None` for lines that end nothing. Words are read in any case, with any blanks and
    /// punctuation between and after them; a number alone (`ATV0`) is not one of them, see [`FinalResult::from_digit`].
    ///
    /// ```
    /// use cellscan_core::at::reply::FinalResult;
    /// assert_eq!(FinalResult::parse(b"OK"), Some(FinalResult::Ok));
    /// assert_eq!(FinalResult::parse(b"+CME ERROR: 30"), Some(FinalResult::Cme(Some(30))));
    /// assert_eq!(FinalResult::parse(b"+CSQ: 25,99"), None);
    /// ```
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let line = trimmed(without_noise(line));
        match line.first()? {
            b'+' => Self::coded(line),
            // A modem behind a multiplexer loses the plus.
            b'C' | b'c' => Self::coded(line).or_else(|| Self::word(line)),
            first if first.is_ascii_alphabetic() => Self::word(line),
            _ => None,
        }
    }

    /// Reads a numeric result code (`ATV0`, V.250 §5.7.1): a single digit on its line. Only where such a code is expected:
    /// it looks like any other number.
    #[must_use]
    pub const fn from_digit(line: &[u8]) -> Option<Self> {
        match line {
            b"0" => Some(Self::Ok),
            b"1" => Some(Self::Connect),
            b"3" => Some(Self::NoCarrier),
            b"4" => Some(Self::Error),
            b"6" => Some(Self::NoDialtone),
            b"7" => Some(Self::Busy),
            b"8" => Some(Self::NoAnswer),
            _ => None,
        }
    }

    fn word(line: &[u8]) -> Option<Self> {
        if let Some(rest) = after_prefix(b"CONNECT", line)
            && matches!(rest, [] | [b' ' | b'/', ..])
        {
            return Some(Self::Connect);
        }
        if after_prefix(b"MODEM ERROR:", line).is_some() {
            return Some(Self::Error);
        }
        let mut letters = [0; WORD_LEN_MAX];
        let mut len = 0_usize;
        for byte in line {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' => {
                    *letters.get_mut(len)? = byte.to_ascii_lowercase();
                    len = len.saturating_add(1);
                }
                b' ' | b'\t' | b'-' | b'_' | b'.' | b'!' => {}
                _ => return None,
            }
        }
        let letters = letters.get(..len)?;
        WORDS.iter().find(|(word, _)| *word == letters).map(|(_, result)| *result)
    }

    fn coded(line: &[u8]) -> Option<Self> {
        // Most lines with this begin are no final results.
        if !matches!(
            line,
            [b'+', b'C' | b'c' | b'E' | b'e', b'M' | b'm' | b'X' | b'x', ..] | [b'C' | b'c', ..]
        ) {
            return None;
        }
        if let Some(detail) = detail(b"+CME ERROR", line) {
            return Some(Self::Cme(integer(detail).or_else(|| errors::cme_code(detail).map(i32::from))));
        }
        if let Some(detail) = detail(b"+CMS ERROR", line) {
            return Some(Self::Cms(integer(detail).or_else(|| errors::cms_code(detail).map(i32::from))));
        }
        detail(b"+EXT ERROR", line).map(|_| Self::Error)
    }

    /// The detail of a final result after its word: the text of an error, the speed of a connection.
    #[must_use]
    pub fn detail(line: &[u8]) -> Option<Text<'_>> {
        let line = trimmed(without_noise(line));
        let rest = [&b"+CME ERROR"[..], b"+CMS ERROR", b"+EXT ERROR", b"MODEM ERROR"]
            .into_iter()
            .find_map(|prefix| detail(prefix, line))
            .or_else(|| after_prefix(b"CONNECT", line).map(trimmed))?;
        (!rest.is_empty()).then_some(Text::new(rest))
    }

    /// Whether the command succeeded.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        matches!(self, Self::Ok)
    }

    /// The code of a `+CME ERROR`.
    #[must_use]
    pub fn cme(self) -> Option<u16> {
        match self {
            Self::Cme(code) => code.and_then(|code| u16::try_from(code).ok()),
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

    /// Its meaning for a scan; `None` where it has none.
    #[must_use]
    pub const fn meaning(self) -> Option<Meaning> {
        match self {
            Self::Cme(Some(code)) => errors::cme_meaning(code),
            Self::Cms(Some(code)) => errors::cms_meaning(code),
            Self::Aborted => Some(Meaning::TryLater),
            Self::Ok
            | Self::Error
            | Self::Cme(None)
            | Self::Cms(None)
            | Self::NoCarrier
            | Self::Busy
            | Self::NoAnswer
            | Self::NoDialtone
            | Self::Connect => None,
        }
    }

    /// Whether it ends a command without success. Results of a call end no command of a scan.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Error | Self::Cme(_) | Self::Cms(_) | Self::Aborted)
    }

    /// Whether no command can succeed before an operator has dealt with the SIM.
    #[must_use]
    pub fn blames_the_sim(self) -> bool {
        self.meaning() == Some(Meaning::Sim)
    }
}

/// The text after `prefix` and a colon; also where the line ends right after the prefix (a log shows such a cut reply).
fn detail<'a>(prefix: &[u8], line: &'a [u8]) -> Option<&'a [u8]> {
    match trimmed(after_prefix(prefix, line)?) {
        [b':', detail @ ..] => Some(trimmed(detail)),
        [] => Some(&[]),
        _ => None,
    }
}

/// The words of a `+CPIN:` line.
#[must_use]
pub fn pin_state(line: &[u8]) -> Option<Text<'_>> {
    Fields::after(b"+CPIN", line)?.next().map(|field| field.text())
}

/// The state of the SIM in `+CPIN?` (3GPP TS 27.007 §8.3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SimState {
    /// `READY`.
    Ready,
    /// It needs a code that a scan does not have.
    Locked,
}

impl SimState {
    /// Reads a `+CPIN:` line.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let state = pin_state(line)?;
        Some(if state.bytes().eq_ignore_ascii_case(b"READY") { Self::Ready } else { Self::Locked })
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
        for line in [
            &b"OKAY"[..],
            b"BOOK",
            b"CONNECTED",
            b"ERROR 5",
            b"",
            b"+CMEE: 2",
            b"\"OK\"",
            b"0",
            b"O,K",
            b"NA: 1",
        ] {
            assert_eq!(FinalResult::parse(line), None);
        }
    }

    #[test]
    fn words_are_read_with_any_punctuation_and_after_noise() {
        for line in
            [&b"NO CARRIER"[..], b"no carrier.", b"No-Carrier", b"NO_CARRIER", b"\0\xff\xfeNO  CARRIER!"]
        {
            assert_eq!(FinalResult::parse(line), Some(FinalResult::NoCarrier));
        }
        for line in
            [&b"COMMAND NOT SUPPORT"[..], b"NA", b"TOO MANY PARAMETERS", b"MODEM ERROR: 4", b"+EXT ERROR: 1"]
        {
            assert_eq!(FinalResult::parse(line), Some(FinalResult::Error));
        }
        assert_eq!(FinalResult::parse(b"Aborted"), Some(FinalResult::Aborted));
    }

    #[test]
    fn a_digit_is_a_result_where_one_is_expected() {
        let read = [&b"0"[..], b"4", b"3", b"2", b"00", b""].map(FinalResult::from_digit);
        let expected = [FinalResult::Ok, FinalResult::Error, FinalResult::NoCarrier].map(Some);
        assert_eq!((&read[..3], &read[3..]), (&expected[..], &[None; 3][..]));
    }

    #[test]
    fn the_detail_is_the_text_after_the_word() {
        let read = |line: &'static [u8]| FinalResult::detail(line).map(Text::bytes);
        assert_eq!(read(b"CONNECT 150000000"), Some(&b"150000000"[..]));
        assert_eq!(read(b"+CME ERROR: no network service"), Some(&b"no network service"[..]));
        assert_eq!((read(b"OK"), read(b"+CME ERROR")), (None, None));
    }

    #[test]
    fn cme_errors_come_as_numbers_and_cut() {
        assert_eq!(FinalResult::parse(b"+CME ERROR: 30"), Some(FinalResult::Cme(Some(30))));
        assert_eq!(FinalResult::parse(b"+CME ERROR:what"), Some(FinalResult::Cme(None)));
        assert_eq!(FinalResult::parse(b"+CME ERROR"), Some(FinalResult::Cme(None)));
        assert_eq!(FinalResult::parse(b"+CME ERROR:-1"), Some(FinalResult::Cme(Some(-1))));
        assert_eq!(FinalResult::parse(b"+CMS ERROR: 302"), Some(FinalResult::Cms(Some(302))));
    }

    #[test]
    fn the_text_of_an_error_gives_its_code_with_error_texts_and_no_code_without() {
        let with = |code| cfg!(feature = "error-texts").then_some(code);
        for (line, result) in [
            (&b"+CME ERROR: No network service"[..], FinalResult::Cme(with(30))),
            (b"+cme error : SIM_BUSY", FinalResult::Cme(with(14))),
            (b"+CMS ERROR: SIM not inserted", FinalResult::Cms(with(310))),
        ] {
            assert_eq!(FinalResult::parse(line), Some(result), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_missing_sim_is_distinguished_from_a_missing_network() {
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
