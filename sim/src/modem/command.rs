//! Command lines, as a modem reads them (V.250 §5.2 to §5.4).

use super::profile::{Canned, Delays};

/// Commands in one line, at most: a line is bounded, and this bounds the number of basic commands in it.
const COMMANDS_MAX: usize = 32;
/// Bytes in the name of an extended command, at most; no known one is longer.
const NAME_BYTES_MAX: usize = 16;

/// One command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    /// A basic command without an effect here.
    Attention,
    Echo(bool),
    Verbose(bool),
    Quiet(bool),
    Defaults,
    HangUp,
    Online,
    Dial,
    /// It has output and changes nothing.
    Read(Read),
    ErrorsSet(u8),
    OperatorSearch,
    OperatorAutomatic,
    OperatorLeave,
    OperatorFormat(u8),
    OperatorSelect {
        fallback: bool,
        name: String,
        act: Option<u8>,
    },
    RegistrationSet(Domain, u8),
    FunctionalitySet,
    Canned(Canned),
    /// Known, with an invalid value: the error of 3GPP TS 27.007 §9.2.
    Refused(u16),
    Unknown,
}

/// The queries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Read {
    Identity,
    Manufacturer,
    Model,
    Revision,
    Serial,
    Pin,
    Errors,
    Signal,
    SignalExtended,
    Operator,
    Registration(Domain),
    Functionality,
}

/// The commands that report registration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Domain {
    Circuit,
    Gprs,
    Eps,
    FiveG,
}

impl Domain {
    pub(crate) const ALL: [Self; 4] = [Self::Circuit, Self::Gprs, Self::Eps, Self::FiveG];

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Circuit => 0,
            Self::Gprs => 1,
            Self::Eps => 2,
            Self::FiveG => 3,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Circuit => "+CREG",
            Self::Gprs => "+CGREG",
            Self::Eps => "+CEREG",
            Self::FiveG => "+C5GREG",
        }
    }
}

impl Command {
    /// Its duration, where that does not depend on the network.
    pub(crate) fn delay_ms(&self, delays: &Delays) -> u64 {
        match self {
            Self::Canned(canned) => canned.delay_ms,
            Self::Read(Read::Signal | Read::SignalExtended) => delays.signal,
            Self::Read(_) => delays.read,
            Self::OperatorSearch => delays.search,
            Self::OperatorAutomatic => delays.automatic,
            Self::OperatorLeave => delays.deregister,
            // The radio plans it, see `Radio::begin_selection`.
            Self::OperatorSelect { .. } => 0,
            Self::Dial | Self::Online => delays.dial,
            Self::ErrorsSet(_)
            | Self::OperatorFormat(_)
            | Self::RegistrationSet(..)
            | Self::FunctionalitySet
            | Self::Refused(_) => delays.settings,
            Self::Attention
            | Self::Echo(_)
            | Self::Verbose(_)
            | Self::Quiet(_)
            | Self::Defaults
            | Self::HangUp
            | Self::Unknown => delays.attention,
        }
    }

    /// Whether one character aborts it, where the modem supports aborts. 3GPP TS 27.007 §7.3 defines that for the search;
    /// modems support it for selections too.
    pub(crate) const fn is_abortable(&self) -> bool {
        matches!(
            self,
            Self::OperatorSearch | Self::OperatorAutomatic | Self::OperatorSelect { .. } | Self::Dial
        )
    }
}

/// Parses the text after `AT` into commands. Basic commands may follow one another without a separator; an
/// extended command extends to the end of the line, since no client here joins commands with `;`.
pub(crate) fn parse(body: &str, canned: &[Canned]) -> Vec<Command> {
    let body = body.trim();
    if let Some(canned) = canned.iter().find(|canned| canned.command.eq_ignore_ascii_case(body)) {
        return vec![Command::Canned(canned.clone())];
    }
    if body.is_empty() {
        return vec![Command::Attention];
    }
    let mut commands = Vec::new();
    let mut rest = body;
    while let Some(first) = rest.chars().next() {
        if commands.len() == COMMANDS_MAX {
            commands.push(Command::Unknown);
            return commands;
        }
        let (command, left) = match first.to_ascii_uppercase() {
            ' ' => {
                rest = &rest[1..];
                continue;
            }
            'D' => (Command::Dial, ""),
            '+' | '^' | '#' | '%' | '$' | '*' => (extended(rest), ""),
            _ => basic(rest),
        };
        commands.push(command);
        rest = left;
    }
    commands
}

/// One basic command: a letter, `&` and a letter, or `S` and a register, each with a number that may be missing.
fn basic(text: &str) -> (Command, &str) {
    let letters = text.bytes().take_while(|byte| *byte == b'&' || *byte == b'\\').count();
    let Some(letter) = text[letters..].chars().next().filter(char::is_ascii_alphabetic) else {
        return (Command::Unknown, "");
    };
    let letter = letter.to_ascii_uppercase();
    let (number, rest) = number_at(&text[letters + 1..]);
    if letters > 0 {
        let command = if letter == 'F' { Command::Defaults } else { Command::Attention };
        return (command, rest);
    }
    let command = match (letter, number.unwrap_or(0)) {
        ('E', flag @ 0..=1) => Command::Echo(flag == 1),
        ('V', flag @ 0..=1) => Command::Verbose(flag == 1),
        ('Q', flag @ 0..=1) => Command::Quiet(flag == 1),
        ('Z', _) => Command::Defaults,
        ('I', _) => Command::Read(Read::Identity),
        ('H', 0) => Command::HangUp,
        ('O', _) => Command::Online,
        ('X' | 'L' | 'M' | 'T' | 'P', _) => Command::Attention,
        ('S', _) => {
            let (_, rest) = rest.strip_prefix('=').map_or((None, rest), number_at);
            return (Command::Attention, rest);
        }
        _ => return (Command::Unknown, ""),
    };
    (command, rest)
}

/// The decimal number at the start of `text`, saturated, and what follows it.
fn number_at(text: &str) -> (Option<u32>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let value = number
        .bytes()
        .fold(0_u32, |sum, digit| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
    ((digits > 0).then_some(value), rest)
}

fn extended(text: &str) -> Command {
    let end = text.find(['=', '?']).unwrap_or(text.len());
    let (name, tail) = text.split_at(end);
    let mut upper = [0; NAME_BYTES_MAX];
    let name = name.trim().as_bytes();
    let Some(upper) = upper.get_mut(..name.len()) else { return Command::Unknown };
    upper.copy_from_slice(name);
    upper.make_ascii_uppercase();
    let name = core::str::from_utf8(upper).unwrap_or_default();
    let form = match tail.trim() {
        "" => Form::Bare,
        "?" => Form::Read,
        "=?" => Form::Test,
        set => Form::Set(set.strip_prefix('=').unwrap_or(set)),
    };
    if let Some(domain) = Domain::ALL.into_iter().find(|domain| domain.name() == name) {
        return match form {
            Form::Read => Command::Read(Read::Registration(domain)),
            Form::Test => Command::Attention,
            Form::Set(value) => match number_at(value.trim()) {
                (Some(n @ 0..=5), "") => Command::RegistrationSet(domain, small(n)),
                _ => Command::Refused(50),
            },
            Form::Bare => Command::Unknown,
        };
    }
    match (name, form) {
        ("+CGMI" | "+GMI", Form::Bare) => Command::Read(Read::Manufacturer),
        ("+CGMM" | "+GMM", Form::Bare) => Command::Read(Read::Model),
        ("+CGMR" | "+GMR", Form::Bare) => Command::Read(Read::Revision),
        ("+CGSN" | "+GSN", Form::Bare) => Command::Read(Read::Serial),
        ("+CPIN", Form::Read) => Command::Read(Read::Pin),
        ("+CMEE", Form::Read) => Command::Read(Read::Errors),
        ("+CMEE", Form::Set(value)) => match number_at(value.trim()) {
            (Some(n @ 0..=2), "") => Command::ErrorsSet(small(n)),
            _ => Command::Refused(50),
        },
        ("+CSQ", Form::Bare) => Command::Read(Read::Signal),
        ("+CESQ", Form::Bare) => Command::Read(Read::SignalExtended),
        ("+COPS", Form::Read) => Command::Read(Read::Operator),
        ("+COPS", Form::Test) => Command::OperatorSearch,
        ("+COPS", Form::Set(value)) => operator(value),
        ("+CFUN", Form::Read) => Command::Read(Read::Functionality),
        ("+CFUN", Form::Set(_)) => Command::FunctionalitySet,
        _ => Command::Unknown,
    }
}

enum Form<'a> {
    Bare,
    Read,
    Test,
    Set(&'a str),
}

/// `+COPS=<mode>[,<format>[,<oper>[,<AcT>]]]` (3GPP TS 27.007 §7.3).
fn operator(value: &str) -> Command {
    let mut fields = value.split(',').map(str::trim);
    let mode = fields.next().unwrap_or_default();
    let format = fields.next().map(|field| number_at(field).0);
    let name = fields.next().map(|field| field.trim_matches('"').to_owned());
    let act = fields.next().and_then(|field| number_at(field).0);
    match (mode, format, name) {
        ("0", ..) => Command::OperatorAutomatic,
        ("2", ..) => Command::OperatorLeave,
        ("3", Some(Some(format @ 0..=2)), _) => Command::OperatorFormat(small(format)),
        ("1" | "4", Some(Some(0..=2)), Some(name)) => {
            Command::OperatorSelect { fallback: mode == "4", name, act: act.map(small) }
        }
        _ => Command::Refused(50),
    }
}

fn small(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// The words of `+CMEE=2` for an error of 3GPP TS 27.007 §9.2.
pub(crate) const fn error_text(code: u16) -> &'static str {
    match code {
        3 => "operation not allowed",
        4 => "operation not supported",
        10 => "SIM not inserted",
        11 => "SIM PIN required",
        13 => "SIM failure",
        14 => "SIM busy",
        20 => "memory full",
        21 => "invalid index",
        30 => "no network service",
        31 => "network timeout",
        32 => "network not allowed - emergency calls only",
        50 => "incorrect parameters",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_commands_follow_one_another() {
        assert_eq!(
            parse("q0V1 E0 s0=0&D2z", &[]),
            [
                Command::Quiet(false),
                Command::Verbose(true),
                Command::Echo(false),
                Command::Attention,
                Command::Attention,
                Command::Defaults,
            ]
        );
        assert_eq!(parse("E0+cops?", &[]), [Command::Echo(false), Command::Read(Read::Operator)]);
        assert_eq!(parse("E7", &[]), [Command::Unknown]);
    }

    #[test]
    fn a_selection_needs_a_name_and_a_format() {
        let select = |fallback, act| Command::OperatorSelect { fallback, name: "310410".to_owned(), act };
        assert_eq!(parse("+COPS=1,2,\"310410\"", &[]), [select(false, None)]);
        assert_eq!(parse("+cops=4,2,\"310410\",7", &[]), [select(true, Some(7))]);
        assert_eq!(parse("+COPS=1", &[]), [Command::Refused(50)]);
        assert_eq!(parse("+COPS=9", &[]), [Command::Refused(50)]);
        assert_eq!(parse("+COPS", &[]), [Command::Unknown]);
    }

    #[test]
    fn numbers_saturate() {
        assert_eq!(number_at("99999999999999999999x"), (Some(u32::MAX), "x"));
        assert_eq!(number_at(""), (None, ""));
    }
}
