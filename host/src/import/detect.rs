//! Detects the format of a log by content: each line of the beginning adds to the score of the formats that it fits, and
//! the format with the highest score wins.

use super::stamp::{clock_with_fraction, number};
use super::text::{contains, final_result, is_command, split_once};
use super::{Format, svlogd};

/// The format with the highest score in the first bytes of a log; the terminal where no format scores.
#[must_use]
pub fn format(head: &[u8]) -> Format {
    let mut best = (0, Format::Terminal);
    for format in Format::ALL {
        let score: u32 =
            head.split(|byte| *byte == b'\n').map(|line| score(*format, line.trim_ascii())).sum();
        if score > best.0 {
            best = (score, *format);
        }
    }
    best.1
}

/// The score of a line for a format. A mark that no other format has weighs most.
fn score(format: Format, line: &[u8]) -> u32 {
    if line.is_empty() {
        return 0;
    }
    let starts = |mark: &[u8]| line.starts_with(mark);
    let has = |mark: &[u8]| contains(line, mark);
    let weigh = |weight: u32, fits: bool| if fits { weight } else { 0 };
    match format {
        Format::Gateway => weigh(4, has(b"[Cellular ") || has(b"[NETMGR")),
        Format::ModemManager => weigh(6, has(b"--> '") || has(b"<-- '")) + weigh(1, starts(b"ModemManager[")),
        Format::Chat => {
            let tagged = has(b"chat[") || has(b"pppd[") || has(b"netifd: ");
            weigh(3, tagged && has(b": "))
                + weigh(3, has(b"]: send (") || has(b"]: expect (") || has(b": sending -> "))
        }
        Format::Svlogd => {
            let stamped = svlogd::stamp(line);
            let text = stamped.map_or(line, |(_, rest)| rest);
            weigh(2, stamped.is_some() && !starts(b"[")) + weigh(3, svlogd::is_of_pppd(text))
        }
        Format::Wvdial => weigh(4, (starts(b"--> ") && !has(b"--> '")) || starts(b"WvDial")),
        Format::Ril => weigh(5, has(b"AT> ") || has(b"AT< ")),
        Format::Gammu => weigh(6, has(b"frame type 0x") || has(b"frametype 0x")) + weigh(1, has(b"gammu")),
        Format::Mbed => weigh(6, has(b"AT TX (") || has(b"AT RX (")),
        Format::Zephyr => {
            let rest = line.strip_prefix(b"[").and_then(|rest| clock_with_fraction(rest, b"."));
            weigh(5, rest.is_some_and(|(_, rest)| rest.starts_with(b",") && contains(rest, b"] <")))
        }
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
            weigh(5, stamped && who) + weigh(20, starts(b"# atlog:"))
        }
        Format::Terminal => {
            let text = line.trim_start_with_prompt();
            weigh(2, is_command(text)) + weigh(1, final_result(line).is_some())
        }
    }
}

trait Prompted {
    fn trim_start_with_prompt(&self) -> &[u8];
}

impl Prompted for [u8] {
    /// Without a prompt, and without a stamp joined to the prompt.
    fn trim_start_with_prompt(&self) -> &[u8] {
        let behind_stamp = match split_once(self, b"]") {
            Some((head, rest)) if head.starts_with(b"[2") => rest,
            _ => split_once(self, b" -> ").map_or(self, |(_, rest)| rest),
        };
        behind_stamp.strip_prefix(b"> ").unwrap_or(behind_stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_detected_by_its_marks() {
        for (line, format) in [
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
            ("nothing of the kind", Format::Terminal),
        ] {
            assert_eq!(super::format(line.as_bytes()), format, "{line}");
        }
    }
}
