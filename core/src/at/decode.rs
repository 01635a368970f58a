//! Lines → replies outside a dialogue: a dump, a recording, a line that another process uses.
//!
//! The [dialogue](super::dialogue) knows its command. Here the caller states it ([`Decoder::ask`]), or the decoder learns
//! it from the echoes in the stream; it decides whether a registration line is an answer or an unsolicited result code.
//! Every line becomes a reply: an unknown one is a [`Reply::Line`].

use super::current::OperatorLine;
use super::fields::after_prefix;
use super::line::{Line, Part, trimmed, without_noise};
use super::operators::{ListReader, ListedOperator};
use super::registration::{Domain, RegistrationLine};
use super::reply::{FinalResult, pin_state};
use super::signal::{Cesq, Csq};
use super::text::Text;
use super::vendor::Vendor;
use crate::carrier::Strength;

/// Bytes before the colon of a known line, at most: those of `+C5GREG`, and blanks.
const NAME_LEN_MAX: usize = 16;

/// The meaning of a line.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reply<'a> {
    /// One entry of an operator list; [`Reply::OperatorsEnd`] follows the last.
    Operator(ListedOperator<'a>),
    /// The operator list has ended.
    OperatorsEnd {
        /// Groups that were neither an operator nor the modes and formats at the end.
        skipped: u16,
    },
    /// An answer to `+COPS?`.
    Current(OperatorLine<'a>),
    /// A registration.
    Registration {
        /// The values of the line.
        line: RegistrationLine<'a>,
        /// It is an unsolicited result code, not an answer.
        unsolicited: bool,
    },
    /// `+CSQ:`.
    Signal(Csq),
    /// `+CESQ:`.
    SignalExtended(Cesq),
    /// A vendor's own signal line, of those vendors that use a single line.
    VendorSignal {
        /// The vendor.
        vendor: Vendor,
        /// The values, as far as they are read.
        strength: Strength,
        /// The whole line.
        line: &'a [u8],
    },
    /// `+CPIN:`.
    Sim(Text<'a>),
    /// The end of a command.
    Final {
        /// How it ended.
        result: FinalResult,
        /// The line of the result.
        line: &'a [u8],
    },
    /// Anything else: echoes, unknown lines, and parts of lines that are longer than the buffer.
    Line(Line<'a>),
}

/// The command that has not been answered yet.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
struct Asked {
    domains: [bool; Domain::ALL.len()],
    list: bool,
}

/// Reads replies from the lines of a stream; see the [module](self).
///
/// ```
/// use cellscan_core::at::decode::{Decoder, Reply};
/// use cellscan_core::at::line::Lines;
/// let (mut lines, mut decoder, mut said) = (Lines::new(), Decoder::new(), 0);
/// let mut bytes: &[u8] = b"AT+CEREG?\r\r\n+CEREG: 0,5\r\n\r\nOK\r\n\r\n+CEREG: 1\r\n";
/// while let Some(line) = lines.next(&mut bytes) {
///     decoder.line(line, &mut |reply| {
///         if let Reply::Registration { line, unsolicited } = reply {
///             assert_eq!((line.stat, unsolicited), if said == 0 { (5, false) } else { (1, true) });
///             said += 1;
///         }
///     });
/// }
/// assert_eq!(said, 2);
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Decoder {
    list: ListReader,
    asked: Asked,
    /// The modem gives results in words: a digit alone is no result.
    words: bool,
}

impl Decoder {
    /// A decoder that knows of no command.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            list: ListReader::new(),
            asked: Asked { domains: [false; Domain::ALL.len()], list: false },
            words: false,
        }
    }

    /// States the command; its line may hold several (V.250 §5.2.1). The command before counts as answered.
    pub fn ask(&mut self, command: &[u8]) {
        self.asked = Asked::default();
        // Split where a command may begin; each part is examined once.
        for text in command.split(|byte| *byte == b'+') {
            let is = |name: &str| {
                after_prefix(name.as_bytes(), text).is_some_and(|rest| matches!(rest, [b'?', ..]))
            };
            for (asked, domain) in self.asked.domains.iter_mut().zip(Domain::ALL) {
                *asked |= is(domain.prefix());
            }
            self.asked.list |=
                after_prefix(b"+COPS", text).is_some_and(|rest| matches!(rest, [b'=', b'?', ..]));
        }
    }

    /// Takes a line; calls `say` with its replies, in order.
    pub fn line(&mut self, line: Line<'_>, say: &mut impl FnMut(Reply<'_>)) {
        if self.list.take(line, self.asked.list, |operator| say(Reply::Operator(operator))) {
            return;
        }
        match line.part {
            Part::Whole => self.whole(line.bytes, say),
            Part::First | Part::Middle | Part::Last | Part::Torn => say(Reply::Line(line)),
        }
    }

    /// The stream has ended.
    pub fn end(&mut self, say: &mut impl FnMut(Reply<'_>)) {
        if self.list.has_begun() {
            let skipped = self.list.end(|operator| say(Reply::Operator(operator)));
            say(Reply::OperatorsEnd { skipped });
        }
    }

    fn whole(&mut self, line: &[u8], say: &mut impl FnMut(Reply<'_>)) {
        let noise = line.len().saturating_sub(without_noise(line).len());
        let mut say = |reply: Reply<'_>| {
            if !matches!(reply, Reply::Line(_) | Reply::Operator(_) | Reply::OperatorsEnd { .. })
                && let Some(noise) = line.get(..noise).filter(|noise| !noise.is_empty())
            {
                say(Reply::Line(Line::whole(noise)));
            }
            say(reply);
        };
        let in_words = FinalResult::parse(line);
        self.words |= in_words.is_some();
        if let Some(result) = in_words.or_else(|| FinalResult::from_digit(line).filter(|_| !self.words)) {
            self.end(&mut say);
            self.asked = Asked::default();
            return say(Reply::Final { result, line });
        }
        match without_noise(line).first() {
            Some(b'+' | b'C' | b'c') => {
                if let Some(reply) = self.reply(line) {
                    if matches!(reply, Reply::Current(_)) {
                        self.end(&mut say);
                    }
                    return say(reply);
                }
            }
            Some(b'#' | b'^') => {
                if let Some(reply) = own_signal(line) {
                    return say(reply);
                }
            }
            Some(_) if is_echo(line) => {
                // A new command: the answer before it is over, also where its `OK` is missing.
                self.end(&mut say);
                self.ask(line);
            }
            Some(_) | None => {}
        }
        say(Reply::Line(Line::whole(line)));
    }

    fn reply<'a>(&mut self, line: &'a [u8]) -> Option<Reply<'a>> {
        let name = name(line)?;
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        if is(b"COPS") {
            return OperatorLine::parse(line).map(Reply::Current);
        }
        if is(b"CSQ") {
            return Csq::parse(line).map(Reply::Signal);
        }
        if is(b"CESQ") {
            return Cesq::parse(line).map(Reply::SignalExtended);
        }
        if is(b"XCESQ") {
            return Cesq::parse_intel(line).map(Reply::SignalExtended);
        }
        if is(b"RSRP") || is(b"RSRQ") {
            return vendor_signal(&[Vendor::Ublox], line);
        }
        if is(b"CPIN") {
            return pin_state(line).map(Reply::Sim);
        }
        let named = |domain: &Domain| domain.prefix().as_bytes().get(1..).is_some_and(is);
        let Some((asked, domain)) =
            self.asked.domains.iter_mut().zip(Domain::ALL).find(|(_, domain)| named(domain))
        else {
            return own_signal(line);
        };
        let registration = RegistrationLine::parse(domain, line)?;
        let answers = registration.n.is_some() && core::mem::take(asked);
        Some(Reply::Registration { line: registration, unsolicited: !answers })
    }
}

/// The text before the colon, without its plus.
fn name(line: &[u8]) -> Option<&[u8]> {
    let line = without_noise(line);
    let end = line.iter().take(NAME_LEN_MAX).position(|byte| *byte == b':')?;
    let name = trimmed(line.get(..end)?);
    Some(name.strip_prefix(b"+").unwrap_or(name))
}

fn own_signal(line: &[u8]) -> Option<Reply<'_>> {
    // Sierra and u-blox use many lines, most of which can be read only if the command is known.
    vendor_signal(&[Vendor::Quectel, Vendor::Telit, Vendor::Simcom, Vendor::Huawei, Vendor::Cinterion], line)
}

fn vendor_signal<'a>(vendors: &[Vendor], line: &'a [u8]) -> Option<Reply<'a>> {
    vendors.iter().find_map(|&vendor| {
        vendor.read(line).map(|strength| Reply::VendorSignal { vendor, strength, line: without_noise(line) })
    })
}

/// The echo of a command: `AT` and no letter of a word, perhaps behind a rest in the modem's line buffer
/// (`AATQ0`, `RDATE0`).
fn is_echo(line: &[u8]) -> bool {
    let begins = line.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(b"AT"));
    begins
        || line.windows(3).any(|three| {
            matches!(three, [b'A' | b'a', b'T' | b't', b'+' | b'^' | b'#' | b'!' | b'$' | b'*' | b'%' | b'&'])
        })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::at::line::Lines;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    /// One word for each reply.
    fn decode(command: &str, bytes: &[u8]) -> Vec<String> {
        let (mut lines, mut decoder, mut said) = (Lines::new(), Decoder::new(), Vec::new());
        decoder.ask(command.as_bytes());
        let mut say = |reply: Reply<'_>| {
            said.push(match reply {
                Reply::Operator(found) => {
                    format!("op {}", found.plmn().map_or_else(String::new, |plmn| format!("{plmn}")))
                }
                Reply::OperatorsEnd { skipped } => format!("end {skipped}"),
                Reply::Current(line) => format!("current {}", line.mode),
                Reply::Registration { line, unsolicited } => {
                    format!("{} {}{}", line.domain.prefix(), line.stat, if unsolicited { " urc" } else { "" })
                }
                Reply::Signal(signal) => format!("csq {}", signal.rssi),
                Reply::SignalExtended(_) => String::from("cesq"),
                Reply::VendorSignal { vendor, strength, .. } => format!("{vendor:?} {:?}", strength.rsrp_dbm),
                Reply::Sim(state) => format!("sim {}", state.chars().collect::<String>()),
                Reply::Final { result, .. } => format!("{result:?}"),
                Reply::Line(line) => format!("line {}", String::from_utf8_lossy(line.bytes)),
            });
        };
        let mut bytes = bytes;
        while let Some(line) = lines.next(&mut bytes) {
            decoder.line(line, &mut say);
        }
        decoder.end(&mut say);
        said
    }

    #[test]
    fn the_stated_command_decides_and_is_answered_once() {
        let bytes = b"\r\n+CEREG: 2\r\n\r\n+CEREG: 2,5,\"0502\",\"0404736D\"\r\n\r\n+CEREG: 2,5,\"0502\",\"0404736D\"\r\n\r\nOK\r\n";
        let expected = ["+CEREG 2 urc", "+CEREG 5", "+CEREG 5 urc", "Ok"];
        assert_eq!(decode("AT+CEREG?", bytes), expected);
        assert_eq!(decode("", bytes)[1], "+CEREG 5 urc");
        assert_eq!(decode("AT+CREG?", bytes)[1], "+CEREG 5 urc", "another domain");
        assert_eq!(decode("at+creg?;+cereg?", bytes)[1], "+CEREG 5");
        assert_eq!(
            decode("", b"AT+CEREG?\r\r\n+CEREG: 0,1\r\nOK\r\n+CEREG: 0,1\r\n")[1..],
            ["+CEREG 1", "Ok", "+CEREG 1 urc"]
        );
    }

    #[test]
    fn a_list_ends_at_a_final_result_an_echo_another_answer_or_the_end() {
        let list = "+COPS: (1,\"A\",\"A\",\"26201\",7),\r\n(1,\"B\",\"B\",\"26202\")\r\n";
        for (behind, last) in [
            ("OK\r\n", &["Ok"][..]),
            ("AT+CSQ\r\n+CSQ: 9,99\r\n", &["line AT+CSQ", "csq 9"]),
            ("+COPS: 0\r\n", &["current 0"]),
            ("", &[]),
        ] {
            let said = decode("AT+COPS=?", format!("{list}{behind}").as_bytes());
            assert_eq!(said[..3], ["op 26201", "op 26202", "end 0"], "{behind}");
            assert_eq!(said[3..], *last, "{behind}");
        }
        assert_eq!(decode("", b"+COPS: \r\nOK\r\n"), ["end 0", "Ok"], "an empty one");
        assert_eq!(
            decode("AT+COPS=?", b"(1,\"A\",\"A\",\"26201\",7)\r\nOK\r\n")[0],
            "op 26201",
            "without its name"
        );
        assert_eq!(
            decode("", b"(1,\"A\",\"A\",\"26201\",7)\r\n"),
            ["line (1,\"A\",\"A\",\"26201\",7)"],
            "without a command"
        );
    }

    #[test]
    fn every_line_becomes_a_reply() {
        let said = decode("", b"u\xae\xae\r\nRDATE0Q0V1\r\nRING\r\n+CREG: x\r\n+CPIN: \"SIM PIN\"\r\n+CESQ: 99,99,255,255,20,80\r\n0\r\n");
        assert_eq!(said.len(), 7, "{said:?}");
        assert_eq!(said[3..], ["line +CREG: x", "sim SIM PIN", "cesq", "Ok"]);
        let own = decode("", b"+QCSQ: \"NR5G\",-75,4,-11\r\n^SMONI: 4G,SEARCH\r\n^MODE: 3\r\n");
        assert_eq!(own, ["Quectel Some(-75)", "Cinterion None", "line ^MODE: 3"]);
        assert_eq!(decode("", b"OK\r\n0\r\n"), ["Ok", "line 0"], "a modem that gives results in words");
        let long = format!("{}\r\n+CSQ: 1,99\r\n", "x".repeat(600));
        assert_eq!(decode("", long.as_bytes()).len(), 4, "three parts and a line");
    }
}
