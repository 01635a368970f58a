//! What is kept of a command and of an answer, by name.

/// How much is kept of the text after a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    /// Letters, quoted text, and this many digits of a number: further digits are masked.
    Kept(u8),
    /// Letters outside quotes, and one digit of a number: the words of `+CPIN`.
    Words,
    /// One digit at the beginning of a parameter outside quotes: a mode or the number of a context.
    Modes,
    /// Neither digits nor letters.
    Nothing,
}

/// A name, and what is kept after it.
struct Kept {
    name: &'static [u8],
    command: Level,
    answer: Level,
    /// From this parameter on, counted from 0, no more than [`Level::Modes`] is kept.
    params: u8,
}

/// Largest number of digits of a PLMN (3GPP TS 23.003 §2.2 has six; one modem sends seven).
const PLMN: u8 = 7;
/// Largest number of digits of a cell or an area code in hex (TS 27.007 §7.2).
const CELL: u8 = 10;
/// Largest number of digits of a signal, a band, a context: no identity is so short.
const VALUE: u8 = 4;

const fn both(name: &'static [u8], level: Level) -> Kept {
    Kept { name, command: level, answer: level, params: u8::MAX }
}

const fn answer(name: &'static [u8], level: Level) -> Kept {
    Kept { name, command: Level::Modes, answer: level, params: u8::MAX }
}

/// First what a scan needs, then the settings of the modem; last the names whose numbers are secrets.
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
    // From a modem behind a multiplexer that loses the plus.
    answer(b"CME ERROR", Level::Kept(VALUE)),
    answer(b"CMS ERROR", Level::Kept(VALUE)),
    answer(b"MODEM ERROR", Level::Kept(VALUE)),
    // The vendors' signal commands.
    both(b"+QCSQ", Level::Kept(VALUE)),
    both(b"+QENG", Level::Kept(VALUE)),
    both(b"#RFSTS", Level::Kept(VALUE)),
    both(b"+CPSI", Level::Kept(VALUE)),
    both(b"!GSTATUS", Level::Kept(VALUE)),
    both(b"^HCSQ", Level::Kept(VALUE)),
    both(b"^SMONI", Level::Kept(VALUE)),
    both(b"+UCGED", Level::Kept(VALUE)),
    // Settings of the modem.
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
    // Context, type and access point; the addresses after them are masked.
    Kept { name: b"+CGDCONT", command: Level::Kept(VALUE), answer: Level::Kept(VALUE), params: 3 },
    // `READY`, `SIM PIN2`; in a command the parameter is the PIN.
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

/// Answers that lines of text or a PDU follow (3GPP TS 27.005 §3.4, §4).
const BEFORE_TEXT: [&[u8]; 7] = [b"+CMT", b"+CDS", b"+CBM", b"+CMGR", b"+CMGL", b"^CMGR", b"^CMGL"];
/// Commands whose text goes to the modem after a prompt (TS 27.005 §3.5.1, §4.3, §4.4).
const TAKES_TEXT: [&[u8]; 4] = [b"+CMGS", b"+CMGW", b"+CMGC", b"+CNMA"];
/// Commands that return vendor, model and revision of the modem, in lines without a name.
const IDENTIFY: [&[u8]; 6] = [b"+CGMI", b"+CGMM", b"+CGMR", b"+GMI", b"+GMM", b"+GMR"];
/// Words before an identification of the modem (V.250 §6.1.3 leaves them open).
pub(super) const MODEL: [&[u8]; 3] = [b"MANUFACTURER", b"MODEL", b"REVISION"];
/// Vendors' commands that return lines without a name, from which a scan reads the signal.
const REPORTS: [&[u8]; 2] = [b"!GSTATUS", b"+UCGED"];

/// The command that lines without a name answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Asked {
    /// A basic command, or one in the table: its answer has a name, and it never has a prompt.
    #[default]
    Known,
    /// Any other command.
    Other,
    /// `AT+COPS=?` or `AT+COPS?`.
    Operators,
    /// Vendor, model and revision of the modem.
    Identity,
    /// The signal, in a vendor's own lines.
    Report,
    /// A prompt, and text after it.
    Text,
}

impl Asked {
    /// The kind of a command, by its name.
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

/// The level after the name of a command, in its parameter `param`.
pub(super) fn of_command(name: &[u8], param: u8) -> Level {
    find(name).map_or(Level::Modes, |kept| if param < kept.params { kept.command } else { Level::Modes })
}

/// The level after the name of an answer, in its parameter `param`.
pub(super) fn of_answer(name: &[u8], param: u8) -> Level {
    find(name).map_or(Level::Modes, |kept| if param < kept.params { kept.answer } else { Level::Modes })
}

/// The name of an operator list; its further lines have none.
pub(super) const LIST: &[u8] = b"+COPS";
/// The level of the lines of a vendor's report, which have no name.
pub(super) const REPORT: Level = Level::Kept(VALUE);

/// Whether the next line is text.
pub(super) fn is_before_text(name: &[u8]) -> bool {
    BEFORE_TEXT.contains(&name)
}

/// Whether a kept name begins like this.
pub(super) fn begins_kept(name: &[u8]) -> bool {
    let kept = TABLE.iter().filter(|kept| matches!(kept.answer, Level::Kept(_) | Level::Words));
    kept.map(|kept| kept.name).chain(BEFORE_TEXT).any(|known| known.starts_with(name))
}

/// Results without a name that end a command.
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
