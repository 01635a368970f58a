//! Detects the format of a log by content: each line of the beginning adds to the score of the formats that it fits, and
//! the format with the highest score wins. A format whose importer finds no answered command gives way to markers learned from the log.

use super::envelope::{Envelope, uncoloured};
use super::learned::Survey;
use super::payload::without_remark;
use super::stamp::number;
use super::text::{contains, final_result, is_command, is_information, split_once};
use super::{Event, Format, What, chat, hexdump, svlogd};

/// The format of a log that begins with `head`; `None` if no importer finds anything in it.
#[must_use]
pub fn format(head: &[u8]) -> Option<Format> {
    let lines = || head.split(|byte| *byte == b'\n').map(Line::of).filter(|line| !line.whole.is_empty());
    let mut scores = [0_u32; Format::ALL.len()];
    for line in lines() {
        for (score, format) in scores.iter_mut().zip(Format::ALL) {
            *score = score.saturating_add(line.score(*format));
        }
    }
    let mut best = (0, None);
    for (score, format) in scores.into_iter().zip(Format::ALL) {
        if score > best.0 {
            best = (score, Some(*format));
        }
    }
    match best.1 {
        Some(format) if is_certain(format) => return Some(format),
        found => {
            let survey = Survey::of(head);
            let read = found.map_or(0, |format| answered(format, head));
            let better = match found {
                Some(Format::Chat | Format::Svlogd | Format::ModemManager) => {
                    read == 0 && survey.answered() > 0
                }
                Some(_) => survey.answered() > read,
                None => survey.answered() > 0,
            };
            if better && survey.is_marked() {
                return Some(Format::Learned);
            }
            if found.is_some() {
                return found;
            }
        }
    }
    Terminal::of(lines()).then_some(Format::Terminal)
}

/// Whether the marks of a format are in no other log.
const fn is_certain(format: Format) -> bool {
    matches!(format, Format::Gateway | Format::Atlog | Format::Fixture | Format::Gammu | Format::Mbed)
}

/// The number of commands with a result that the importer of a format finds in the beginning of a log.
fn answered(format: Format, head: &[u8]) -> u32 {
    let mut importer = format.importer(head);
    let (mut open, mut count) = (false, 0);
    let mut sink = |event: Event<'_>| match event.what {
        What::Sent(_) => open = true,
        What::Ended(_) | What::GivenUp => count += u32::from(core::mem::take(&mut open)),
        What::Received(line) if final_result(line).is_some() => {
            count += u32::from(core::mem::take(&mut open));
        }
        What::Received(_)
        | What::Closed
        | What::Note(_)
        | What::Header(_)
        | What::Entry(_)
        | What::Other(_)
        | What::Unread(_) => {}
    };
    for line in head.split(|byte| *byte == b'\n') {
        importer.line(0, line, &mut sink);
    }
    importer.end(&mut sink);
    count
}

/// Whether a log is a capture of a terminal: commands, or results with information between.
struct Terminal;

impl Terminal {
    fn of<'a>(lines: impl Iterator<Item = Line<'a>>) -> bool {
        let (mut results, mut information) = (false, false);
        for line in lines {
            let text = line.text.trim_ascii();
            let text = text.strip_prefix(b"->").map_or(text, <[u8]>::trim_ascii_start);
            let prompted = text
                .strip_prefix(b">")
                .or_else(|| text.strip_prefix(b"$"))
                .unwrap_or(text)
                .trim_ascii_start();
            if is_command(without_remark(prompted)) {
                return true;
            }
            results |= final_result(text).is_some();
            information |= is_information(text);
        }
        results && information
    }
}

/// A line of the beginning, taken apart once for all formats.
struct Line<'a> {
    whole: &'a [u8],
    stamped: bool,
    tag: &'a [u8],
    text: &'a [u8],
    /// Behind the first stamp, with a tag.
    behind_stamp: &'a [u8],
}

impl<'a> Line<'a> {
    fn of(line: &'a [u8]) -> Self {
        let envelope = Envelope::of(uncoloured(line));
        let line = uncoloured(line).trim_ascii();
        Self {
            whole: line,
            stamped: envelope.stamp.is_some(),
            tag: envelope.tag.map_or(b"", |tag| tag.name),
            text: envelope.text,
            behind_stamp: envelope.stamp.map_or(line, |stamp| stamp.rest),
        }
    }

    /// The score for a format. A mark that no other format has weighs most.
    fn score(&self, format: Format) -> u32 {
        let (line, text) = (self.whole, self.text.trim_ascii());
        let starts = |mark: &[u8]| text.starts_with(mark);
        let has = |mark: &[u8]| contains(line, mark);
        let weigh = |weight: u32, fits: bool| if fits { weight } else { 0 };
        match format {
            Format::Gateway => weigh(4, has(b"[Cellular ") || has(b"[NETMGR")),
            Format::ModemManager => {
                weigh(6, has(b"--> '") || has(b"<-- '")) + weigh(1, self.tag == b"ModemManager")
            }
            Format::Chat => {
                let tagged = matches!(self.tag, b"chat" | b"pppd" | b"netifd");
                let speaks = chat::is_chat(self.text);
                // Only `chat` names what it sends and expects; without a tag the lines between have no mark.
                weigh(3, tagged)
                    + weigh(3, speaks || has(b": sending -> "))
                    + weigh(20, speaks && self.tag.is_empty())
            }
            Format::Svlogd => {
                weigh(2, self.stamped && !line.starts_with(b"[") && self.is_svlogds())
                    + weigh(3, svlogd::is_of_pppd(self.behind_stamp))
            }
            Format::Wvdial => {
                let said = text.strip_prefix(b"--> ");
                let of_dialler = |said: &[u8]| {
                    !said.starts_with(b"'")
                        && final_result(said).is_none()
                        && !is_information(said)
                        && !is_command(said)
                };
                weigh(4, said.is_some_and(of_dialler) || starts(b"WvDial"))
            }
            Format::Ril => weigh(5, has(b"AT> ") || has(b"AT< ")),
            Format::Gammu => {
                weigh(6, has(b"frame type 0x") || has(b"frametype 0x")) + weigh(1, has(b"gammu"))
            }
            Format::Mbed => weigh(6, has(b"AT TX (") || has(b"AT RX (")),
            Format::Zephyr => hexdump::said(text).map_or(0, |said| {
                let marks: [&[u8]; 5] = [b"modem_chat", b"modem_cmd", b"RECV", b"SENT", b"SEND"];
                1 + weigh(5, marks.iter().any(|mark| contains(said, mark)))
            }),
            Format::Comgt => weigh(6, starts(b"comgt ") && has(b" -> ")),
            Format::Ublox => weigh(5, starts(b">> \"") || starts(b"<< ") || starts(b"<<< ")),
            Format::Mikrotik => weigh(5, has(b" at-chat ") || starts(b"output:")),
            Format::Fixture => {
                let fake = split_once(line, b" ").is_some_and(|(command, reply)| {
                    is_command(command) && reply.trim_ascii().starts_with(b"\\r\\n")
                });
                weigh(20, has(b"\"response_hex\"")) + weigh(6, has(b"<chat>") || fake)
            }
            Format::Atlog => {
                let words = line.split(|byte| *byte == b' ').take(2).collect::<Vec<_>>();
                let stamped = words.first().is_some_and(|word| {
                    split_once(word, b".").is_some_and(|(whole, millis)| {
                        number(whole).is_some() && millis.len() == 3 && number(millis).is_some()
                    })
                });
                let who = words
                    .get(1)
                    .is_some_and(|word| matches!(*word, b">" | b"<" | b"sv" | b"ppp" | b"scan" | b"port"));
                weigh(5, stamped && who) + weigh(20, line.starts_with(b"# atlog:"))
            }
            Format::Learned | Format::Terminal | Format::Unknown => 0,
        }
    }

    /// Whether the line has a stamp of svlogd: TAI64N, or a date and a clock joined by `_`.
    fn is_svlogds(&self) -> bool {
        self.whole.starts_with(b"@") || matches!(self.whole.get(10), Some(b'_'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_detected_by_its_marks() {
        for (line, expected) in [
            ("[1767039137.465] [00:09:31.225] [Cellular Scan - State 1: Stopping PPP]", Format::Gateway),
            (
                "ModemManager[911]: <dbg> [1764000100.250318] [modem0/ttyUSB2/at] --> 'AT+COPS=?<CR>'",
                Format::ModemManager,
            ),
            ("(ttyUSB3): <-- '<CR><LF>ERROR<CR><LF>'", Format::ModemManager),
            ("Jun 26 22:37:48 HOST chat[31167]: send (ATH^M)", Format::Chat),
            ("Dec 31 19:33:50 gateway daemon.err pppd[490]: Connect script failed", Format::Chat),
            ("2025-11-16_23:22:33.77886 Start Pppd runit service...", Format::Svlogd),
            ("Connect: ppp0 <--> /dev/ttyACM0", Format::Svlogd),
            ("--> Sending: ATZ", Format::Wvdial),
            ("WvDial Modem<*1>: ATZ", Format::Wvdial),
            ("[04-21_17:35:14:371] AT> ATE0Q0V1", Format::Ril),
            (
                "Thu 2019/05/02 11:20:14 gammu-smsd[771]: gammu: SENDING frame type 0x00/length 0x09/9",
                Format::Gammu,
            ),
            ("[00018163ms][INFO][CELL]: AT TX ( 8): AT+CPIN?", Format::Mbed),
            ("[00:00:00.403,259] <dbg> modem_cmd_handler: cmd_handler_process: RECV", Format::Zephyr),
            ("comgt 20:38:50 -> @0177 send \"AT+COPS?^m\"", Format::Comgt),
            (">> \"AT+CPIN?\"", Format::Ublox),
            ("[admin@router] > /interface lte at-chat lte1 input=\"AT+COPS?\"", Format::Mikrotik),
            ("{\"command\":\"AT\",\"response_hex\":\"4f4b\"}", Format::Fixture),
            ("AT+COPS?  \\r\\n+COPS: 0\\r\\n\\r\\nOK\\r\\n", Format::Fixture),
            ("12.345 > AT+COPS?\\r", Format::Atlog),
            ("14:25:36.443 -> AT", Format::Terminal),
            ("> AT+CNMP=2", Format::Terminal),
            ("Feb  3 10:11:12 gw wvdial[7]: --> Sending: ATZ", Format::Wvdial),
            ("send (AT^M)", Format::Chat),
            ("2024-02-03_10:11:12.12345 send (AT^M)", Format::Chat),
            ("<30>1 2024-02-03T10:11:12Z gw chat 812 - - send (AT^M)", Format::Chat),
            ("[100:00:00.403,259] <dbg> modem_chat: modem_chat_script_next: sending: AT", Format::Zephyr),
            ("TX: AT\nRX: OK", Format::Learned),
            ("AT  // checks\n--> OK", Format::Learned),
        ] {
            assert_eq!(format(line.as_bytes()), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_log_that_no_importer_knows_has_no_format() {
        for log in [
            "nothing of the kind",
            "",
            "OK",
            "Starting the service... done\n[OK]\nattached to ttyUSB0",
            "\0\x01\u{fffd}",
        ] {
            assert_eq!(format(log.as_bytes()), None, "{log}");
        }
    }
}
