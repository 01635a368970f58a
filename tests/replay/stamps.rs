//! The same dialogue behind every stamp, host and tag.

use cellscan::import::Format;
use cellscan::replay::analysis::Analysis;
use cellscan::replay::turns::Shown;

use super::{file, sample_path};

/// What stands before each line, `@` for the second of the line.
const TAGGED: [&str; 19] = [
    "Feb  3 10:11:@ gw TAG: ",
    "Feb 03 10:11:@.123456 gw TAG: ",
    "<30>Feb  3 10:11:@ gw TAG: ",
    "Feb  3 10:11:@ gw local2.info TAG: ",
    "Sat Feb  3 10:11:@ 2024 local2.info TAG: ",
    "Sat 2024-02-03 10:11:@ CET gw TAG: ",
    "2024-02-03T10:11:@+0100 gw TAG: ",
    "2024-02-03T10:11:@.123456+01:00 gw TAG: ",
    "2024-02-03T10:11:@.123456789Z TAG: ",
    "17069514@.123456 gw TAG: ",
    "[  123@.345678] gw TAG: ",
    "Okt  3 10:11:@ gw TAG: ",
    "3 févr. 10:11:@ gw TAG: ",
    "2月  3 10:11:@ gw TAG: ",
    "[Feb  3 10:11:@] gw TAG: ",
    "la 3.2.2024 10:11:@ gw TAG: ",
    "dialler-1  | 2024-02-03T10:11:@Z TAG: ",
    "2024-02-03T10:11:@.123456789Z stderr F ",
    "<30>1 2024-02-03T10:11:@.123456+01:00 gw NAME 812 - - ",
];
const UNTAGGED: [&str; 12] = [
    "2024-02-03 10:11:@ ",
    "2024-02-03 10:11:@,123 ",
    "[2024-02-03 10:11:@.123] ",
    "[10:11:@.123,456] ",
    "[100:11:@] ",
    "10:11:@.123 ",
    "02-03 10:11:@.123 ",
    "03.02.2024 10:11:@ ",
    "17069514@123 ",
    "[17069514@.123] ",
    "123@.345 ",
    "2024-02-03_10:11:@.12345 ",
];

const CHAT: &str = "abort on (BUSY)\nsend (AT^M)\nexpect (OK)\nAT^M^M\nOK\n -- got it\nsend (AT+CREG?^M)\nexpect (OK)\n^M\n\
                    AT+CREG?^M^M\n+CREG: 0,1^M\n^M\nOK\n -- got it\nsend (ATD*99#^M)\nexpect (CONNECT)\n^M\n\
                    NO CARRIER\n -- failed\nFailed (NO CARRIER)\n";
const WVDIAL: &str = "--> Initializing modem.\n--> Sending: ATZ\nATZ\nOK\n--> Sending: ATDT*99#\n--> Waiting for carrier.\n\
                      ATDT*99#\nNO CARRIER\n--> No Carrier!  Trying again.\n";
const TERMINAL: &str = "AT+CSQ\n+CSQ: 11,99\nOK\nAT+COPS=1,2,\"26299\"\n+CME ERROR: 30\n";
const ARROWS: &str = "-> AT+CSQ\n<- +CSQ: 11,99\n<- OK\n-> AT+COPS=0\n<- +CME ERROR: 30\n";

/// The turns of a dialogue behind a stamp, with the time from the first command to the last.
fn read(stamp: &str, name: &str, dialogue: &str) -> (Format, Vec<(String, String)>, Option<i64>) {
    let stamp = stamp.replace("TAG", &format!("{name}[812]")).replace("NAME", name);
    let stamped = |(index, line): (usize, &str)| {
        format!("{}{line}\n", stamp.replace('@', &format!("{:02}", index + 10)))
    };
    let log: String = dialogue.lines().enumerate().map(stamped).collect();
    let (mut turns, mut times) = (Vec::new(), Vec::new());
    let analysis = Analysis::read(log.as_bytes(), None, Shown::Redacted, &mut |turn| {
        turns.push((turn.command.clone().unwrap_or_default(), turn.result.clone().unwrap_or_default()));
        times.push(turn.at);
    });
    let format = analysis.map_or(Format::Unknown, |analysis| analysis.format);
    let took = times.first().copied().flatten().zip(times.last().copied().flatten());
    (format, turns, took.map(|(first, last)| last - first))
}

#[track_caller]
fn must_read(
    stamps: &[&str],
    name: &str,
    dialogue: &str,
    format: Format,
    commands: &[(&str, &str)],
    took: i64,
) {
    for stamp in stamps {
        let (found, turns, between) = read(stamp, name, dialogue);
        let turns: Vec<(&str, &str)> =
            turns.iter().map(|(command, result)| (command.as_str(), result.as_str())).collect();
        assert_eq!(turns, commands, "{stamp}{dialogue}");
        assert_eq!(found, format, "{stamp}{dialogue}");
        assert!(between.is_some_and(|between| (between - took).abs() < 1_000), "{stamp}: {between:?}");
    }
}

#[test]
fn chat_is_read_behind_every_stamp() {
    let expected = [("AT", "OK"), ("AT+CREG?", "OK"), ("ATD*99#", "NO CARRIER")];
    must_read(&TAGGED, "chat", CHAT, Format::Chat, &expected, 13_000);
    must_read(&TAGGED, "pppd-wan", CHAT, Format::Chat, &expected, 13_000);
    must_read(&UNTAGGED, "", CHAT, Format::Chat, &expected, 13_000);
}

#[test]
fn the_name_of_a_dialler_is_a_tag_without_a_pid_and_a_date() {
    let expected = [("AT", "OK"), ("AT+CREG?", "OK"), ("ATD*99#", "NO CARRIER")];
    must_read(&["[10:11:@] NAME: ", "10:11:@.5 NAME: "], "chat", CHAT, Format::Chat, &expected, 13_000);
}

#[test]
fn wvdial_is_read_behind_every_stamp() {
    let expected = [("ATZ", "OK"), ("ATDT*99#", "NO CARRIER")];
    must_read(&TAGGED, "wvdial", WVDIAL, Format::Wvdial, &expected, 3_000);
    let (svlogd, others) = UNTAGGED.split_last().map_or((&"", &[][..]), |(last, others)| (last, others));
    must_read(others, "", WVDIAL, Format::Wvdial, &expected, 3_000);
    must_read(&[svlogd], "", WVDIAL, Format::Wvdial, &expected, 3_000);
}

#[test]
fn a_terminal_is_read_behind_every_stamp() {
    let expected = [("AT+CSQ", "OK"), ("AT+COPS=1,2,\"26299\"", "CME ERROR: 30")];
    for stamp in TAGGED.iter().chain(&UNTAGGED) {
        let (_, turns, _) = read(stamp, "minicom", TERMINAL);
        let turns: Vec<(&str, &str)> =
            turns.iter().map(|(command, result)| (command.as_str(), result.as_str())).collect();
        assert_eq!(turns, expected, "{stamp}");
    }
}

#[test]
fn arrows_are_learned_behind_every_stamp() {
    let expected = [("AT+CSQ", "OK"), ("AT+COPS=0", "CME ERROR: 30")];
    must_read(&TAGGED, "modemd", ARROWS, Format::Learned, &expected, 3_000);
    must_read(&UNTAGGED, "", ARROWS, Format::Learned, &expected, 3_000);
}

#[test]
fn a_log_over_new_year_goes_on() {
    let log = file(&sample_path("chat"));
    let log = String::from_utf8_lossy(&log).replace("Mar  3 03:03:03", "Dec 31 23:59:58");
    let log = log.replace("Mar  3 03:03:33", "Jan  1 00:00:28").replace("Mar  3 03:03:34", "Jan  1 00:00:29");
    let mut took = Vec::new();
    let read = Analysis::read(log.as_bytes(), None, Shown::Redacted, &mut |turn| took.push(turn.took()));
    assert!(read.is_ok());
    assert_eq!(took, [Some(0), Some(30_000), Some(1_000)]);
}
