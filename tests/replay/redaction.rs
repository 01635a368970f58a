//! Whatever is said, in whatever pieces and at whatever times: a recording holds no identity, number, message or secret.
//!
//! What a scan needs, and so is kept, is in the documentation of `cellscan_redact`. Secrets are of digits and letters that nothing of
//! what is kept here has, so that a recording that shows one shows it for no other reason.

use cellscan::recording::{Entry, Header, Recorder, Timed, Who};
use cellscan_core::time::Instant;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::kept::Kept;

/// Digits of a run that gives something away.
const RUN: usize = 5;

/// What goes over the line, without its end; `#` stands for digits and `@` for a word that are secret.
const SENT: [&str; 32] = [
    "AT+CPIN=\"#\"",
    "AT+CPIN=#,#",
    "AT +CPIN = #",
    "at+cpin=\"#\"",
    "AT+CMEE=1;+CPIN=\"#\"",
    "ATE0+CPIN=#",
    "AAT+CPIN=\"#\"",
    "AT+CLCK=\"SC\",1,\"#\"",
    "AT+CPWD=\"SC\",\"#\",\"#\"",
    "AT+CGAUTH=1,1,\"@\",\"@#\"",
    "AT+CGAUTH=1,1,@,@#",
    "AT^AUTHDATA=1,2,\"@\",\"@\",\"@\"",
    "AT#PDPAUTH=1,1,@,@",
    "AT#PASSW=\"@\"",
    "AT+CSTT=\"@\",\"@\",\"@#\"",
    "AT+UPSD=0,3,\"@\"",
    "AT+XGAUTH=1,1,\"@\",\"@\"",
    "AT^SGAUTH=1,1,\"@\",\"@\"",
    "AT$QCPDPP=1,2,\"@\",\"@\"",
    "AT+QICSGP=1,1,\"@\",\"@\",\"@\",1",
    "AT+SOMETHING=@,#,\"@ #\"",
    "AT%OTHER=\"@\";+CSQ;#ONE=@",
    "AT+CGDCONT=1,\"IP\",\"net\",\"#\"",
    "AT+CMGS=\"#\"",
    "ATD#;",
    "ATDT #",
    "ATD>\"@\"",
    "ATD+#",
    "@",
    "@#",
    "# AT @",
    "ATE0 \"@ #\"",
];
/// From the modem.
const RECEIVED: [&str; 26] = [
    "#",
    "35-#-1",
    "+CCID: #AF0F",
    "+CCID: \"#\"",
    "IMEI: #",
    "IMSI=#",
    "+#",
    "call from +# now",
    "+CNUM: ,\"#\",120",
    "+CLIP: \"+#\",140",
    "+CPBF: 1,\"#\",120,\"@\"",
    "+CGAUTH: 1,1,@,@#",
    "+CGPADDR: 1,#",
    "+CUSD: 0,\"@ #\",10",
    "+CUSD: 0,\"@ #",
    "+CMT: \"+#\",,\"@\"\r\n@ # @",
    "+CMT: \"+#\",,\"@\"\r\nAT @\r\n# @\r\n\r\n+@",
    "+CMGR: 0,,22\r\n#",
    "+CMGL: 1,1,\"@\",22\r\n@\r\n+CMGL: 2,1,\"@\",22\r\nOK @",
    "+CDS: 22\r\n#",
    "#RFSTS: \"310 410\",2000,-90,\"#\"",
    "+CSQ: #",
    "+CSQ: 12,40+CCID: #",
    "password: @",
    "user=@ #",
    "AT+CPIN=\"#\"",
];
/// What a scan needs, both ways.
const KEPT: [&str; 14] = [
    ">AT",
    ">AT+COPS=?",
    ">AT+COPS=1,2,\"310410\"",
    ">AT+CSQ",
    ">AT+CEREG?",
    ">ATI",
    ">AT+CPIN?",
    "<+COPS: (2,\"AT&T\",\"AT&T\",\"310410\",7),(1,\"VZW\",\"VZW\",\"311430\",7),,(0,1,2,3,4),(0,1,2)",
    "<+CSQ: 22,99",
    "<+CEREG: 2,1,\"0A1B\",\"0010C3D0\",7",
    "<+CPIN: READY",
    "<OK",
    "<+CME ERROR: 30",
    "<NO CARRIER",
];

/// A line of a dialogue, its secrets, and the sizes and times of its pieces.
#[derive(Clone, Debug)]
struct Said {
    sent: bool,
    line: String,
    secrets: Vec<String>,
    pieces: Vec<(usize, u16)>,
}

/// Digits that nothing that is kept here has in a row, and a word of letters that it has not.
fn secrets() -> impl Strategy<Value = (String, String)> {
    ("[5-8]{5,20}", "[jqxwJQXW]{4,12}")
}

fn said() -> impl Strategy<Value = Said> {
    let line = prop_oneof![
        3 => select(&SENT[..]).prop_map(|line| (true, line)),
        3 => select(&RECEIVED[..]).prop_map(|line| (false, line)),
        2 => select(&KEPT[..]).prop_map(|line| (line.starts_with('>'), &line[1..])),
    ];
    (line, secrets(), vec((1_usize..40, 0_u16..4_000), 1..8)).prop_map(
        |((sent, line), (digits, word), pieces)| {
            let mut secrets = Vec::new();
            if line.contains('#') && line != "AT#PASSW=\"@\"" {
                secrets.push(digits.clone());
            }
            if line.contains('@') {
                secrets.push(word.clone());
            }
            // The names of commands have the sign, too.
            let marks = ["#PDPAUTH", "#PASSW", "#ONE", "#RFSTS"];
            let mut text = line.to_owned();
            for (index, mark) in marks.iter().enumerate() {
                text = text.replace(mark, &format!("\u{1}{index}"));
            }
            text = text.replace('#', &digits).replace('@', &word);
            for (index, mark) in marks.iter().enumerate() {
                text = text.replace(&format!("\u{1}{index}"), mark);
            }
            Said { sent, line: text, secrets, pieces }
        },
    )
}

/// What is written of both directions.
fn recorded(dialogue: &[Said]) -> (Vec<u8>, Vec<u8>) {
    let file = Kept::default();
    let mut recorder =
        Recorder::new(Box::new(file.clone()), &Header::default()).expect("memory can be written");
    let mut now = 0;
    for said in dialogue {
        let bytes = [said.line.as_bytes(), if said.sent { b"\r" } else { b"\r\n" }].concat();
        let (mut rest, mut pieces) = (bytes.as_slice(), said.pieces.iter().cycle());
        while let (false, Some((size, ms))) = (rest.is_empty(), pieces.next()) {
            let (piece, behind) = rest.split_at((*size).min(rest.len()));
            rest = behind;
            now += u64::from(*ms);
            let at = Instant::from_millis(now);
            if said.sent {
                recorder.sent(at, piece);
            } else {
                recorder.received(at, piece);
            }
            if ms % 3 == 0 {
                recorder.said(at, Who::Sv, "status supervised run 103 up");
            }
        }
    }
    assert!(recorder.finish().is_none(), "memory can be written");
    let (mut sent, mut received) = (Vec::new(), Vec::new());
    for line in file.0.borrow().split(|byte| *byte == b'\n') {
        match Timed::parse(line).expect("what is recorded can be read").map(|timed| timed.entry) {
            Some(Entry::Sent(bytes)) => sent.extend(bytes),
            Some(Entry::Received(bytes)) => received.extend(bytes),
            Some(Entry::Said(..)) | None => {}
        }
    }
    (sent, received)
}

/// The first part of a secret that stands in what was written.
fn leak(secrets: &[String], written: &[u8]) -> Option<String> {
    let has = |part: &&[u8]| written.windows(part.len()).any(|window| window == *part);
    let parts = secrets.iter().flat_map(|secret| {
        let run = if secret.starts_with(|first: char| first.is_ascii_digit()) { RUN } else { 3 };
        secret.as_bytes().windows(run)
    });
    parts.into_iter().find(has).map(|part| String::from_utf8_lossy(part).into_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_secret_is_in_a_recording_in_whatever_pieces_and_times_it_came(dialogue in vec(said(), 1..12)) {
        let (sent, received) = recorded(&dialogue);
        let secrets: Vec<String> = dialogue.iter().flat_map(|said| said.secrets.clone()).collect();
        for written in [&sent, &received] {
            let leak = leak(&secrets, written);
            prop_assert!(leak.is_none(), "{leak:?} is in {}", String::from_utf8_lossy(written));
        }
    }

    #[test]
    fn what_a_scan_needs_is_in_a_recording_as_it_was(lines in vec(select(&KEPT[..]), 1..20), size in 1_usize..40) {
        let dialogue: Vec<Said> = lines.iter().map(|line| Said {
            sent: line.starts_with('>'),
            line: line[1..].to_owned(),
            secrets: Vec::new(),
            pieces: vec![(size, 7)],
        }).collect();
        let (sent, received) = recorded(&dialogue);
        let of = |to: char, end: &str| -> String {
            lines.iter().filter_map(|line| line.strip_prefix(to)).flat_map(|line| [line, end]).collect()
        };
        prop_assert_eq!(String::from_utf8_lossy(&sent), of('>', "\r"));
        prop_assert_eq!(String::from_utf8_lossy(&received), of('<', "\r\n"));
    }

    #[test]
    fn no_bytes_before_it_make_a_secret_readable(noise in vec((any::<bool>(), vec(any::<u8>(), 0..40)), 0..8)) {
        let mut redactor = cellscan_redact::Redactor::new();
        for (sent, bytes) in &noise {
            let _written = if *sent { redactor.sent(bytes) } else { redactor.received(bytes) };
        }
        let mut written = redactor.sent(b"\rAT+CPIN=\"86868\"\r").text;
        written.extend(redactor.received(b"\r\n+CCID: 8686868686868686868\r\n").text);
        written.extend(redactor.received(b"\r\n+CMT: \"+86868686\",,\"\"\r\nwxjq 86868\r\n").text);
        let secrets = ["86868".to_owned(), "wxjq".to_owned()];
        prop_assert_eq!(leak(&secrets, &written), None, "{}", String::from_utf8_lossy(&written));
    }
}
