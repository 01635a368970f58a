//! What is kept of a command and of an answer, by its name.

/// How much of what stands behind a name is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    /// Letters, quoted text, and of a number so many digits: the rest of a longer one is masked.
    Kept(u8),
    /// Letters outside quotes, and one digit of a number: the words of `+CPIN`.
    Words,
    /// One digit at the begin of a parameter outside quotes: a mode or the number of a context.
    Modes,
    /// Neither digits nor letters.
    Nothing,
}

/// A name and what is kept behind it.
struct Kept {
    name: &'static [u8],
    command: Level,
    answer: Level,
    /// Parameters from this one on, counted from 0, are no more than [`Level::Modes`].
    params: u8,
}

/// Digits of a PLMN, at most (3GPP TS 23.003 §2.2 has six; one modem sends seven).
const PLMN: u8 = 7;
/// Digits in a row of a cell or an area code in hex (TS 27.007 §7.2), at most.
const CELL: u8 = 10;
/// Digits of a value of signal, a band, a context: none is an identity.
const VALUE: u8 = 4;

const fn both(name: &'static [u8], level: Level) -> Kept {
    Kept { name, command: level, answer: level, params: u8::MAX }
}

const fn answer(name: &'static [u8], level: Level) -> Kept {
    Kept { name, command: Level::Modes, answer: level, params: u8::MAX }
}

/// What a scan needs, then what tells how a modem is set up; last the names whose numbers are secrets.
const TABLE: &[Kept] = &[
    both(b"+COPS", Level::Kept(PLMN)),
    both(b"+CREG", Level::Kept(CELL)),
    both(b"+CGREG", Level::Kept(CELL)),
    both(b"+CEREG", Level::Kept(CELL)),
    both(b"+C5GREG", Level::Kept(CELL)),
    both(b"+CSQ", Level::Kept(VALUE)),
    both(b"+CESQ", Level::Kept(VALUE)),
    both(b"+CMEE", Level::Kept(VALUE)),
    answer(b"+CME ERROR", Level::Kept(VALUE)),
    answer(b"+CMS ERROR", Level::Kept(VALUE)),
    answer(b"+EXT ERROR", Level::Kept(VALUE)),
    // Of a modem behind a multiplexer that loses the plus.
    answer(b"CME ERROR", Level::Kept(VALUE)),
    answer(b"CMS ERROR", Level::Kept(VALUE)),
    answer(b"MODEM ERROR", Level::Kept(VALUE)),
    // The vendors' own commands for the signal.
    both(b"+QCSQ", Level::Kept(VALUE)),
    both(b"+QENG", Level::Kept(VALUE)),
    both(b"#RFSTS", Level::Kept(VALUE)),
    both(b"+CPSI", Level::Kept(VALUE)),
    both(b"!GSTATUS", Level::Kept(VALUE)),
    both(b"^HCSQ", Level::Kept(VALUE)),
    both(b"^SMONI", Level::Kept(VALUE)),
    both(b"+UCGED", Level::Kept(VALUE)),
    // How a modem is set up.
    both(b"+CFUN", Level::Kept(VALUE)),
    both(b"+CGATT", Level::Kept(VALUE)),
    both(b"+CGACT", Level::Kept(VALUE)),
    both(b"+CGDATA", Level::Kept(VALUE)),
    both(b"+CSCS", Level::Kept(VALUE)),
    both(b"+CPMS", Level::Kept(VALUE)),
    both(b"+CNMI", Level::Kept(VALUE)),
    both(b"+CGEREP", Level::Kept(VALUE)),
    both(b"+CGEQREQ", Level::Kept(VALUE)),
    both(b"+CGEQMIN", Level::Kept(VALUE)),
    both(b"+IPR", Level::Kept(CELL)),
    both(b"+IFC", Level::Kept(VALUE)),
    both(b"+WS46", Level::Kept(VALUE)),
    both(b"+CNMP", Level::Kept(VALUE)),
    both(b"+URAT", Level::Kept(VALUE)),
    both(b"+QCFG", Level::Kept(VALUE)),
    both(b"+QNWPREFCFG", Level::Kept(VALUE)),
    both(b"+QNWINFO", Level::Kept(PLMN)),
    both(b"^SYSCFG", Level::Kept(CELL)),
    both(b"^SYSCFGEX", Level::Kept(CELL)),
    both(b"^SXRAT", Level::Kept(VALUE)),
    both(b"^MODE", Level::Kept(VALUE)),
    // Context, type and access point; the addresses behind them are masked.
    Kept { name: b"+CGDCONT", command: Level::Kept(VALUE), answer: Level::Kept(VALUE), params: 3 },
    // `READY`, `SIM PIN2`; in a command it is the PIN.
    Kept { name: b"+CPIN", command: Level::Nothing, answer: Level::Words, params: u8::MAX },
    both(b"+CPIN2", Level::Nothing),
    both(b"+CPWD", Level::Nothing),
    both(b"+CLCK", Level::Nothing),
    both(b"+SPIC", Level::Nothing),
    both(b"^SPIC", Level::Nothing),
    both(b"^CPIN", Level::Nothing),
    both(b"+CGAUTH", Level::Nothing),
    both(b"+XGAUTH", Level::Nothing),
    both(b"^SGAUTH", Level::Nothing),
    both(b"^AUTHDATA", Level::Nothing),
    both(b"$QCPDPP", Level::Nothing),
    both(b"#PDPAUTH", Level::Nothing),
    both(b"#PASSW", Level::Nothing),
];

/// Answers behind which lines of text or of a PDU follow (3GPP TS 27.005 §3.4, §4).
const BEFORE_TEXT: [&[u8]; 7] = [b"+CMT", b"+CDS", b"+CBM", b"+CMGR", b"+CMGL", b"^CMGR", b"^CMGL"];
/// Commands whose text goes to the modem behind a prompt (TS 27.005 §3.5.1, §4.3, §4.4).
const TAKES_TEXT: [&[u8]; 4] = [b"+CMGS", b"+CMGW", b"+CMGC", b"+CNMA"];
/// Commands that are answered with who made the modem, without a name of their own before it.
const IDENTIFY: [&[u8]; 6] = [b"+CGMI", b"+CGMM", b"+CGMR", b"+GMI", b"+GMM", b"+GMR"];
/// Words before what identifies the modem (V.250 §6.1.3 leaves them open).
pub(super) const MODEL: [&[u8]; 3] = [b"MANUFACTURER", b"MODEL", b"REVISION"];
/// Commands of vendors that are answered with lines without a name, of which a scan reads the signal.
const REPORTS: [&[u8]; 2] = [b"!GSTATUS", b"+UCGED"];

/// What the lines that no name stands before are the answer to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Asked {
    /// A basic command, or one that is kept: answered with a name, and never with a prompt.
    #[default]
    Known,
    /// Any other.
    Other,
    /// `AT+COPS=?` or `AT+COPS?`.
    Operators,
    /// Who made the modem.
    Identity,
    /// The signal, in a vendor's own lines.
    Report,
    /// A prompt, and text behind it.
    Text,
}

impl Asked {
    /// From the name of a command.
    pub(super) fn of(name: &[u8]) -> Self {
        if name == LIST {
            Self::Operators
        } else if IDENTIFY.contains(&name) {
            Self::Identity
        } else if REPORTS.contains(&name) {
            Self::Report
        } else if TAKES_TEXT.contains(&name) {
            Self::Text
        } else if find(name).is_some() {
            Self::Known
        } else {
            Self::Other
        }
    }
}

fn find(name: &[u8]) -> Option<&'static Kept> {
    TABLE.iter().find(|kept| kept.name == name)
}

/// Behind the name of a command, in its parameter `param`.
pub(super) fn of_command(name: &[u8], param: u8) -> Level {
    find(name).map_or(Level::Modes, |kept| if param < kept.params { kept.command } else { Level::Modes })
}

/// Behind the name of an answer, in its parameter `param`.
pub(super) fn of_answer(name: &[u8], param: u8) -> Level {
    find(name).map_or(Level::Modes, |kept| if param < kept.params { kept.answer } else { Level::Modes })
}

/// The name of an operator list, which its further lines do not have.
pub(super) const LIST: &[u8] = b"+COPS";
/// What is kept of the lines of a vendor's report, which have no name.
pub(super) const REPORT: Level = Level::Kept(VALUE);

/// Whether text follows on the next line.
pub(super) fn is_before_text(name: &[u8]) -> bool {
    BEFORE_TEXT.contains(&name)
}

/// Whether a name that is kept begins so.
pub(super) fn begins_kept(name: &[u8]) -> bool {
    let kept = TABLE.iter().filter(|kept| matches!(kept.answer, Level::Kept(_) | Level::Words));
    kept.map(|kept| kept.name).chain(BEFORE_TEXT).any(|known| known.starts_with(name))
}

/// Results that end a command and have no name.
pub(super) const RESULTS: [&[u8]; 9] = [
    b"OK",
    b"ERROR",
    b"NO CARRIER",
    b"NO DIALTONE",
    b"NO ANSWER",
    b"BUSY",
    b"CONNECT",
    b"ABORTED",
    b"COMMAND NOT SUPPORT",
];
