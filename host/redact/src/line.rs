//! One line, byte by byte: the output for each byte depends on the bytes before it alone, so it does not depend on the pieces
//! in which they come, nor on their times.

use super::bytes::{Token, is_mark, is_printable, is_telling, masked};
use super::context::{Context, Direction, Ended, Inside, Sent, Text};
use super::kept::{self, Asked, Level};

/// Largest length of a name that is examined; the longest of V.250 and 3GPP have some twelve bytes.
const NAME_LEN_MAX: usize = 16;
/// Largest number of consecutive digits in a name: `+C5GREG`, `+WS46`.
const NAME_DIGITS_MAX: u8 = 2;
/// Largest number of consecutive digits in a basic command: `S10=255`.
const BASIC_DIGITS_MAX: u8 = 3;
/// Largest number of digits of a service code: `*99`, `#777`.
const SERVICE_DIGITS_MAX: u8 = 3;
/// Largest number of digits of the context after it: `***1#`, `***16#`.
const CONTEXT_DIGITS_MAX: u8 = 2;
/// Largest number of digits in the name of a model: `SIM7600E`.
const MODEL_DIGITS_MAX: u8 = 4;
/// Largest number of digits of the speed of a connection: `CONNECT 150000000`.
const SPEED_DIGITS_MAX: u8 = 9;
/// Largest length of a value in UCS2 (`AT+CSCS="UCS2"`): 32 characters of four hex digits.
const UCS2_LEN_MAX: u8 = 128;

type Name = heapless::Vec<u8, NAME_LEN_MAX>;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    /// No printable byte yet.
    #[default]
    Start,
    /// An `A` that may begin a command.
    MayBeCommand,
    /// After `AT`, or in a basic command.
    Basic,
    /// After `D`.
    Dial,
    /// In a name.
    Name,
    /// After a name, in the values of a command or of an answer.
    Values,
    /// Text without a name.
    Free,
    /// The rest is masked.
    Masked,
}

/// A line of one direction.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact about the place in the line")]
pub(super) struct Line {
    direction: Direction,
    state: State,
    /// The line holds commands, or the echo of commands.
    command: bool,
    name: Name,
    text: Text,
    written: Text,
    /// Bytes at the end of a masked line that match the line sent last.
    echoed: usize,
    token: Token,
    before: u8,
    /// The index of the value after a name, and whether the value is blank so far.
    param: u8,
    fresh: bool,
    quoted: bool,
    /// Between brackets.
    group: bool,
    /// The text without a name contained a colon or an equals sign.
    behind: bool,
    /// Numbers of a dial string so far, and whether it began with `*` or `#`.
    numbers: u8,
    service: bool,
    asks: Asked,
}

impl Line {
    pub(super) const fn new(direction: Direction) -> Self {
        Self {
            direction,
            state: State::Start,
            command: false,
            name: Name::new(),
            text: Text::new(),
            written: Text::new(),
            echoed: 0,
            token: Token::new(),
            before: 0,
            param: 0,
            fresh: false,
            quoted: false,
            group: false,
            behind: false,
            numbers: 0,
            service: false,
            asks: Asked::Known,
        }
    }

    /// Takes the next byte, which is no line end; returns the byte to write.
    pub(super) fn byte(&mut self, byte: u8, context: &Context) -> u8 {
        if self.state == State::Start && (!is_printable(byte) || byte == b' ') {
            // Noise before a line (`\0OK`, `\xffOK`) does not belong to it.
            return byte;
        }
        let is_room = self.text.push(byte).is_ok();
        let kept = match self.direction {
            Direction::Sent if context.text_sent => !is_telling(byte),
            Direction::Received if context.text_received => {
                if self.state != State::Masked && !(is_room && self.is_known(context)) && !self.is_in_kept() {
                    self.state = State::Masked;
                }
                self.decide(byte, context)
            }
            Direction::Sent | Direction::Received => self.decide(byte, context),
        };
        self.token.push(byte);
        self.before = byte;
        let kept = kept && !(is_room && self.is_masked_echo(byte, context));
        let written = if kept { byte } else { masked(byte) };
        let written = self.echo(byte, context).unwrap_or(written);
        let _no_room = self.written.push(written);
        written
    }

    /// Whether the line so far is the beginning of the line sent last, and no result, and that line's byte was masked here: what was
    /// a secret when it was sent is one in its echo, and in a text that begins alike.
    fn is_masked_echo(&self, byte: u8, context: &Context) -> bool {
        let Sent { text, written } = &context.sent;
        let at = self.text.len().saturating_sub(1);
        self.direction == Direction::Received
            && text.starts_with(&self.text)
            && written.get(at).is_some_and(|written| *written != byte)
            && !kept::RESULTS.iter().any(|known| known.starts_with(&self.text))
    }

    /// In a masked line: the byte to write for a byte of the echo of the line sent last, which the modem also sends after
    /// noise.
    fn echo(&mut self, byte: u8, context: &Context) -> Option<u8> {
        let sent = |at: usize| context.sent.text.get(at) == Some(&byte);
        self.echoed = if sent(self.echoed) { self.echoed.saturating_add(1) } else { usize::from(sent(0)) };
        let is_echo = self.state == State::Masked && self.direction == Direction::Received;
        let at = self.echoed.checked_sub(1).filter(|_| is_echo)?;
        context.sent.written.get(at).copied()
    }

    /// Ends the line, and begins the next. Returns its kind, and its beginning.
    pub(super) fn end(&mut self) -> (Ended, Sent) {
        let line = core::mem::replace(self, Self::new(self.direction));
        (line.ended(), Sent { text: line.text, written: line.written })
    }

    /// Whether the line is empty so far.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether the line is `> `: the modem waits for text (3GPP TS 27.005 §3.5.1). No line end follows.
    pub(super) fn is_prompt(&self) -> bool {
        self.text == b"> "
    }

    /// Whether the line is `+++`, which leaves data mode.
    pub(super) fn is_escape(&self) -> bool {
        self.text == b"+++"
    }

    fn ended(&self) -> Ended {
        if self.command {
            let in_name = matches!(self.state, State::Name | State::Values);
            return Ended::Command(if in_name { Asked::of(&self.name) } else { self.asks });
        }
        let text: Text = self.text.trim_ascii().iter().map(u8::to_ascii_uppercase).collect();
        if kept::is_before_text(&self.name) || self.quoted && !self.is_in_kept() {
            Ended::BeforeText
        } else if text.strip_prefix(b"CONNECT").is_some_and(|rest| matches!(rest, [] | [b' ' | b'/', ..])) {
            Ended::Connect
        } else if kept::RESULTS.contains(&text.as_slice()) || self.name.ends_with(b" ERROR") {
            Ended::Result
        } else if self.name == kept::LIST && self.state == State::Values {
            Ended::List(Inside { group: self.group, quoted: self.quoted })
        } else if self.is_in_kept() {
            Ended::Kept
        } else {
            Ended::Other
        }
    }

    /// Whether this is a value of a kept answer.
    fn is_in_kept(&self) -> bool {
        self.state == State::Values && !self.command && matches!(self.level(), Level::Kept(_) | Level::Words)
    }

    /// Where text may come: whether the line so far begins a result, a kept answer, or the echo of the line sent last.
    fn is_known(&self, context: &Context) -> bool {
        let text: Text = self.text.iter().map(u8::to_ascii_uppercase).collect();
        let name = text.split(|byte| *byte == b':').next().unwrap_or_default();
        context.sent.text.starts_with(&self.text)
            || kept::RESULTS.iter().any(|known| known.starts_with(&self.text))
            || text.first().is_some_and(|first| is_mark(*first)) && kept::begins_kept(name)
    }

    fn decide(&mut self, byte: u8, context: &Context) -> bool {
        if !(is_printable(byte) || self.state == State::Values && byte >= 0x80) {
            // A PPP frame, or noise: the rest of the line is no dialogue.
            self.state = State::Masked;
            return self.direction == Direction::Received;
        }
        match self.state {
            State::Start => self.start(byte, context),
            State::MayBeCommand => self.may_be_command(byte, context),
            State::Basic => self.basic(byte),
            State::Dial => self.dial(byte),
            State::Name => self.in_name(byte),
            State::Values => self.value(byte),
            State::Free => self.free(byte, context),
            State::Masked => !is_telling(byte),
        }
    }

    fn mask(&mut self, byte: u8) -> bool {
        self.state = State::Masked;
        !is_telling(byte)
    }

    fn start(&mut self, byte: u8, context: &Context) -> bool {
        match byte {
            b'A' | b'a' => {
                self.state = State::MayBeCommand;
                true
            }
            b'>' => self.mask(byte),
            _ if self.is_of_list(byte, context) && !is_mark(byte) => self.list(byte, context),
            byte if is_mark(byte) => self.begin_name(byte),
            _ => {
                self.state = State::Free;
                self.free(byte, context)
            }
        }
    }

    fn may_be_command(&mut self, byte: u8, context: &Context) -> bool {
        match byte {
            b'T' | b't' => {
                (self.state, self.command) = (State::Basic, true);
                true
            }
            // A leftover in the line buffer: `AATQ0` (field log).
            b'A' | b'a' => true,
            _ if context.list.group && self.is_of_list(byte, context) => self.list(byte, context),
            _ => {
                self.state = State::Free;
                self.free(byte, context)
            }
        }
    }

    fn begin_name(&mut self, byte: u8) -> bool {
        if self.direction == Direction::Sent && !self.command {
            return self.mask(byte);
        }
        self.state = State::Name;
        self.name = Name::from_iter([byte]);
        true
    }

    fn basic(&mut self, byte: u8) -> bool {
        if byte == b'"' || self.quoted {
            self.quoted ^= byte == b'"';
            return !is_telling(byte);
        }
        let extends = matches!(self.before, b'&' | b'\\');
        match byte {
            b'D' | b'd' if !extends => self.state = State::Dial,
            b'I' | b'i' if !extends => self.asks = Asked::Identity,
            b'0'..=b'9' => return self.token.digits < BASIC_DIGITS_MAX,
            byte if is_mark(byte) && byte != b'&' => return self.begin_name(byte),
            _ => {}
        }
        true
    }

    fn dial(&mut self, byte: u8) -> bool {
        match byte {
            b'0'..=b'9' => {
                let most = if self.numbers == 0 { SERVICE_DIGITS_MAX } else { CONTEXT_DIGITS_MAX };
                self.service && self.token.digits < most
            }
            b'*' | b'#' => {
                self.service |= self.numbers == 0 && self.token.digits == 0;
                self.numbers = self.numbers.saturating_add(u8::from(self.token.digits > 0));
                true
            }
            // Tone or pulse dialling.
            b'T' | b't' | b'P' | b'p' => matches!(self.before, b'D' | b'd'),
            _ => !is_telling(byte),
        }
    }

    fn in_name(&mut self, byte: u8) -> bool {
        let blank = self.name.last() == Some(&b' ');
        match byte {
            b'=' | b'?' if self.command => self.begin_values(),
            b':' if !self.command => self.begin_values(),
            b';' if self.command => self.next_command(),
            b' ' => blank || self.name.push(byte).is_ok() || self.mask(byte),
            b'0'..=b'9' if !blank && self.name.len() > 1 && self.token.digits < NAME_DIGITS_MAX => {
                self.name.push(byte).is_ok() || self.mask(byte)
            }
            byte if byte.is_ascii_alphabetic() && self.name.push(byte.to_ascii_uppercase()).is_ok() => {
                let goes_on = !self.name.contains(&b' ') || !self.command && kept::begins_kept(&self.name);
                goes_on || self.mask(byte)
            }
            // `+4915112345678`, `+CPIN 1234`, `+CPIN"1234"`: no name, or a value without an equals sign before it.
            _ => self.mask(byte),
        }
    }

    fn begin_values(&mut self) -> bool {
        if self.name.last() == Some(&b' ') {
            self.name.pop();
        }
        self.state = State::Values;
        (self.param, self.fresh, self.quoted) = (0, true, false);
        true
    }

    fn next_command(&mut self) -> bool {
        self.state = State::Basic;
        true
    }

    fn level(&self) -> Level {
        if self.command {
            kept::of_command(&self.name, self.param)
        } else {
            kept::of_answer(&self.name, self.param)
        }
    }

    fn value(&mut self, byte: u8) -> bool {
        let level = self.level();
        if byte == b'"' {
            (self.quoted, self.fresh) = (!self.quoted, false);
            return true;
        }
        if self.quoted {
            return !is_telling(byte) || matches!(level, Level::Kept(_)) && self.is_kept(byte, level);
        }
        match byte {
            b',' => {
                (self.param, self.fresh) = (self.param.saturating_add(1), true);
                true
            }
            b';' if self.command => self.next_command(),
            b' ' => true,
            b'(' | b')' => {
                (self.group, self.fresh) = (byte == b'(', true);
                true
            }
            // Another line begins where this one lost its end.
            b'+' | b'^' | b'#' | b'$' | b'%' | b':' if !self.command => self.mask(byte),
            _ => {
                let kept = !is_telling(byte) || self.is_kept(byte, level);
                self.fresh = false;
                kept
            }
        }
    }

    fn is_kept(&self, byte: u8, level: Level) -> bool {
        let is_digit = byte.is_ascii_digit();
        match level {
            Level::Kept(most) if is_digit => {
                let first = if self.token.len == 0 { byte } else { self.token.first };
                let ucs2 = first == b'0' && self.name == kept::LIST && self.token.len < UCS2_LEN_MAX;
                self.token.digits < most || ucs2
            }
            Level::Kept(_) => true,
            Level::Words => {
                byte.is_ascii_alphabetic() || is_digit && self.token.len > 0 && self.token.digits == 0
            }
            Level::Modes => is_digit && self.fresh,
            Level::Nothing => false,
        }
    }

    /// A line without a name before it.
    fn free(&mut self, byte: u8, context: &Context) -> bool {
        if self.direction == Direction::Sent {
            return self.mask(byte);
        }
        if self.text.len() == 1 && self.is_of_list(byte, context) {
            return self.list(byte, context);
        }
        if context.asked == Asked::Report {
            return !is_telling(byte) || self.is_kept(byte, kept::REPORT);
        }
        if byte == b'"' || self.quoted {
            self.quoted ^= byte == b'"';
            return !is_telling(byte);
        }
        let identity = context.asked == Asked::Identity;
        match byte {
            b':' | b'=' => self.behind_a_word(),
            b'0'..=b'9' if self.text.starts_with(b"CONNECT ") => self.token.digits < SPEED_DIGITS_MAX,
            // A numeric result (`ATV0`), or a digit in the name of a model.
            b'0'..=b'9' => {
                let model = identity
                    && !self.behind
                    && self.token.first.is_ascii_alphabetic()
                    && self.token.digits < MODEL_DIGITS_MAX;
                self.text.len() == 1 || model
            }
            _ => !is_telling(byte) || !self.behind && (identity || !self.token.mixed),
        }
    }

    /// A further line of an operator list, or a list whose name is missing.
    fn is_of_list(&self, byte: u8, context: &Context) -> bool {
        let begins = matches!(byte, b'(' | b',' | b'"' | b')');
        self.direction == Direction::Received
            && context.asked == Asked::Operators
            && (begins || context.list.group)
    }

    fn list(&mut self, byte: u8, context: &Context) -> bool {
        self.name = kept::LIST.iter().copied().collect();
        self.begin_values();
        (self.quoted, self.group) = (context.list.quoted, context.list.group);
        self.value(byte)
    }

    /// `CME ERROR: 11` has a name even without its plus.
    fn behind_a_word(&mut self) -> bool {
        let word = self.text.split_last().map(|(_, word)| word.trim_ascii_end()).unwrap_or_default();
        let name: Name = word.iter().map(u8::to_ascii_uppercase).take(NAME_LEN_MAX).collect();
        if matches!(kept::of_answer(&name, 0), Level::Kept(_)) {
            self.name = name;
            return self.begin_values();
        }
        self.behind |= !kept::MODEL.contains(&name.as_slice());
        true
    }
}
