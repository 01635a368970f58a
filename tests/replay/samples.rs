//! One small log of each format.

use std::path::Path;

use cellscan::import::Format;
use cellscan::replay::scans::{Outcome, Tried};
use cellscan::replay::turns::TIMEOUT;
use cellscan::replay::what_if;

use super::{Read, file, read};

fn sample(format: Format) -> Read {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("replay/samples/{format}.log"));
    let log = file(&path);
    let found = read(&log, None);
    assert_eq!(found.analysis.format, format, "found by content");
    let named = read(&log, Some(format));
    assert_eq!(named.turns, found.turns, "named, it is read alike");
    found
}

#[track_caller]
fn turns(format: Format, expected: &[(&str, &str)]) -> Read {
    let found = sample(format);
    let words = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
    let turns: Vec<(String, String)> =
        found.turns.iter().map(|(command, result)| (words(command), words(result))).collect();
    let turns: Vec<(&str, &str)> =
        turns.iter().map(|(command, result)| (command.as_str(), result.as_str())).collect();
    assert_eq!(turns, expected);
    found
}

#[test]
fn modem_manager_puts_replies_of_two_ports_together() {
    turns(
        Format::ModemManager,
        &[("AT+CREG?", "OK"), ("ATI", "OK"), ("AT+COPS=1,2,\"26201\"", "CME ERROR: 32")],
    );
}

#[test]
fn chat_is_put_together_over_its_cuts_and_swallowed_lines() {
    turns(Format::Chat, &[("AT", "OK"), ("AT+COPS=?", "OK"), ("ATD*99#", "NO CARRIER")]);
}

#[test]
fn svlogd_has_its_glued_words_taken_apart() {
    turns(Format::Svlogd, &[("AT", "OK"), ("AT+COPS?", "OK"), ("ATD*99***1#", "CONNECT")]);
}

#[test]
fn wvdial_gives_up_and_sends_again() {
    turns(Format::Wvdial, &[("ATZ", "-"), ("ATQ0", TIMEOUT), ("ATZ", "OK"), ("ATDT*99#", "CONNECT")]);
}

#[test]
fn radio_layers_have_unsolicited_lines_between() {
    let found = turns(Format::Ril, &[("AT+CSQ", "OK"), ("AT+COPS=0", "CME ERROR: 30")]);
    assert_eq!(found.analysis.unsolicited, 1);
}

#[test]
fn hex_dumps_are_read_to_their_bytes() {
    let found = turns(Format::Gammu, &[("AT", "OK")]);
    assert_eq!(found.analysis.skipped.total(), 0, "the counts in the headers agree");
    turns(Format::Zephyr, &[("AT+CSQ", "OK")]);
}

#[test]
fn mbed_breaks_anywhere() {
    turns(Format::Mbed, &[("AT+CEREG?", "OK")]);
}

#[test]
fn what_notes_leave_out_is_inferred_and_what_nobody_says_is_not() {
    turns(Format::Comgt, &[("AT^", "-"), ("AT+CSQ", "OK")]);
    turns(Format::Ublox, &[("AT+COPS?", "OK"), ("AT+COPS=2", "OK")]);
    turns(Format::Mikrotik, &[("AT+CSQ", "OK"), ("AT+COPS=1,2,\"26201\"", "CME ERROR: 30")]);
}

#[test]
fn tables_of_three_kinds_are_read() {
    let expected = [("AT", "OK"), ("AT+CPIN?", "-"), ("AT+CGMI", "OK"), ("AT+X=\"&\"", "ERROR")];
    turns(Format::Fixture, &expected);
}

#[test]
fn terminals_have_prompts_echoes_marks_and_other_peoples_lines() {
    let expected =
        [("AT+CSQ", "OK"), ("at+cops=?", "OK"), ("AT+COPS=1,2,\"26299\"", "CME ERROR: no network service")];
    let found = turns(Format::Terminal, &expected);
    assert_eq!(found.analysis.other, 3, "the shell, the comment and the kernel");
}

#[test]
fn the_gateways_scan_is_read_with_each_answer_at_its_own_command() {
    let found = sample(Format::Gateway);
    let scan = &found.analysis.scans[0];
    assert_eq!((scan.line, scan.started, scan.outcome), (6, 102_100, Outcome::Complete));
    assert_eq!((scan.stop(), scan.search, scan.outage()), (Some(1_200), Some(30_000), Some(63_900)));
    assert_eq!(scan.before, Some(("26201".to_owned(), true)));
    let trials: Vec<_> =
        scan.trials.iter().map(|trial| (trial.plmn.as_deref(), trial.outcome, trial.signal)).collect();
    assert_eq!(
        trials,
        [
            (Some("26201"), Tried::Registered, Some(14)),
            (Some("26202"), Tried::TimedOut, None),
            (Some("26203"), Tried::TimedOut, None),
            (Some("26201"), Tried::Registered, Some(14)),
        ],
        "the error that came under the third was the second's"
    );
    let late = scan.turns.iter().find(|turn| turn.is("AT+COPS=1,2,\"26202\"")).expect("it was sent");
    assert!(late.late && late.result.as_deref() == Some("CME ERROR: no network service"), "{late:?}");
    let mistaken = scan.turns.iter().find(|turn| turn.is("AT+COPS=1,2,\"26203\"")).expect("it was sent");
    assert!(
        mistaken.late && mistaken.is_ok(),
        "the third was accepted, and the scan never knew: {mistaken:?}"
    );
    assert_eq!(found.analysis.skipped.lines, [16]);
}

#[test]
fn the_machine_does_better_on_that_record_and_says_what_it_assumed() {
    let found = sample(Format::Gateway);
    let recorded = found.analysis.scans[0].outage().expect("it ended");
    let what_ifs = found.analysis.what_if(0);
    assert_eq!(
        what_ifs.iter().map(|what_if| what_if.alternative.name()).collect::<Vec<_>>(),
        ["full", "good_enough", "adaptive", "quick"]
    );
    for what_if in &what_ifs {
        let run = what_if.run.as_ref().expect("there is a list");
        assert_eq!(what_if::outcome(&run.report), "complete", "{:?}", what_if.alternative);
        assert!(run.report.given_back);
        let outage = std::time::Duration::from(run.report.outage.expect("it was taken"));
        let limit = run.limit.expect("as well").total();
        assert!(
            outage >= limit && outage.as_secs_f64() <= 1.05 * limit.as_secs_f64(),
            "{outage:?} of {limit:?}"
        );
        assert!(what_if.assumed.iter().any(|assumed| assumed.contains("+CESQ")), "{:?}", what_if.assumed);
    }
    let quick = what_ifs.iter().find(|what_if| what_if.alternative.name() == "quick").expect("it was asked");
    let quick = quick.run.as_ref().expect("there is a list");
    assert_eq!((quick.carriers.len(), quick.report.search), (1, None), "only the carrier known before");
    let outage = quick.report.outage.expect("it was taken").as_millis();
    assert!(u64::from(outage) < recorded.unsigned_abs() / 4, "{outage} of {recorded} ms");
}

#[test]
fn anything_at_all_is_read_to_its_end_as_every_format() {
    let mut noise = Vec::new();
    let mut state = 1_u32;
    for _ in 0..40_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.push((state >> 24) as u8);
    }
    let mut mixed = noise.clone();
    for format in Format::ALL.iter().filter(|format| **format != Format::Atlog) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("replay/samples/{format}.log"));
        mixed.extend(file(&path));
    }
    for format in Format::ALL {
        for log in [&noise, &mixed] {
            let found = read(log, Some(*format));
            let lines = log.split(|byte| *byte == b'\n').count() as u64;
            assert!(lines - found.analysis.lines <= 1, "{format}");
        }
    }
}
