//! Further logs of each format, and logs of programs that no importer knows.

use cellscan::import::Format;
use cellscan::replay::turns::TIMEOUT;

use super::{Read, file, read, sample_path};

/// Reads a sample without its format, and compares its turns.
#[track_caller]
fn turns(name: &str, format: Format, expected: &[(&str, &str)]) -> Read {
    let found = read(&file(&sample_path(name)), None);
    assert_eq!(found.analysis.format, format, "{name}");
    let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
    let turns: Vec<(String, String)> =
        found.turns.iter().map(|(command, result)| (word(command), word(result))).collect();
    let turns: Vec<(&str, &str)> =
        turns.iter().map(|(command, result)| (command.as_str(), result.as_str())).collect();
    assert_eq!(turns, expected, "{name}");
    found
}

#[test]
fn words_before_commands_and_answers_are_learned() {
    let expected = [
        ("AT", "OK"),
        ("AT+CREG?", "OK"),
        ("AT+COPS=1,2,\"26299\"", "CME ERROR: 30"),
        ("AT+COPS=?", TIMEOUT),
    ];
    let found = turns("learned", Format::Learned, &expected);
    assert_eq!((found.analysis.unsolicited, found.analysis.other), (1, 1));
}

#[test]
fn an_answer_in_quotes_is_decoded() {
    let expected = [("AT+CGATT?", "OK"), ("AT+COPS=1,2,\"26299\"", "CME ERROR: 30"), ("AT+CSQ", "OK")];
    turns("learned_repr", Format::Learned, &expected);
}

#[test]
fn a_command_that_is_named_twice_is_one_turn() {
    turns("learned_brackets", Format::Learned, &[("AT+CSQ", "OK"), ("AT+CREG?", "ERROR")]);
}

#[test]
fn a_trace_of_a_shell_has_its_answers_in_assignments() {
    let found = turns("learned_shell", Format::Learned, &[("AT+CSQ;+COPS?", "OK"), ("AT+XYZ?", "ERROR")]);
    assert_eq!(found.analysis.unsolicited, 0, "the lines of the shell are no answers");
}

#[test]
fn the_end_of_a_call_is_no_result_of_a_command() {
    let found = turns("learned_mux", Format::Learned, &[("AT+CGDCONT=1,\"IP\",\"net\";D*99#", "CONNECT")]);
    assert_eq!(found.analysis.unsolicited, 2, "+CSQ and NO CARRIER");
}

#[test]
fn remarks_of_a_page_are_no_part_of_a_command() {
    let expected = [("AT", "OK"), ("AT+CGDCONT=1,\"IP\",\"net // a\"", "OK"), ("AT+COPS=?", "OK")];
    let found = turns("learned_page", Format::Learned, &expected);
    assert_eq!(found.analysis.unsolicited, 1);
}

#[test]
fn chat_on_a_terminal_is_told_from_the_lines_of_pppd_and_the_shell() {
    let expected = [("AT", "OK"), ("AT+CREG?", "OK"), ("ATD*99#", TIMEOUT)];
    turns("chat_terminal", Format::Chat, &expected);
}

#[test]
fn a_torn_answer_ends_its_own_command_only() {
    let found = turns(
        "modem_manager_torn",
        Format::ModemManager,
        &[("AT+CSQ", "-"), ("AT+CFUN?", "OK"), ("AT+CREG?", "OK")],
    );
    assert_eq!(found.analysis.skipped.lines, [2]);
}

#[test]
fn the_chat_of_zephyr_has_a_line_for_each_command_and_answer() {
    let expected = [("AT", "OK"), ("AT+CREG?", "OK"), ("AT+CGMM", TIMEOUT)];
    turns("zephyr_chat", Format::Zephyr, &expected);
}

#[test]
fn commands_joined_to_a_message_are_found() {
    let expected = [("AT", "OK"), ("ATI", "OK"), ("AT+CREG?", "OK"), ("AT+CSQ", "OK")];
    let found = turns("terminal_joined", Format::Terminal, &expected);
    assert_eq!((found.analysis.unsolicited, found.analysis.other), (0, 4));
}

#[test]
fn an_up_time_of_more_than_a_hundred_hours_is_no_torn_line() {
    let found = turns("gateway_hours", Format::Gateway, &[("AT+COPS?", "OK"), ("AT+CSQ", "OK")]);
    assert_eq!(found.analysis.skipped.total(), 0);
}

#[test]
fn a_log_that_no_importer_knows_is_unknown_and_its_first_lines_are_shown_redacted() {
    let found = turns("unknown", Format::Unknown, &[]);
    assert!(found.analysis.is_unknown());
    assert_eq!((found.analysis.other, found.analysis.not_understood.len()), (3, 3));
    assert!(
        !found.analysis.not_understood.concat().contains("9876543210"),
        "{:?}",
        found.analysis.not_understood
    );
    assert!(!read(b"", None).analysis.is_unknown(), "there is nothing to be understood");
    assert!(
        !read(b"Feb  3 10:11:12 gw kernel: x\n", Some(Format::Chat)).analysis.is_unknown(),
        "it was named"
    );
}

#[test]
fn a_dialogue_that_begins_late_in_a_log_is_found() {
    let mut log = b"the device starts\n".repeat(20_000);
    log.extend(file(&sample_path("learned")));
    let found = read(&log, None);
    assert_eq!((found.analysis.format, found.turns.len()), (Format::Learned, 4));
    assert_eq!(found.analysis.other, 20_001);
}

/// Each line that is not empty is counted, whatever the importer.
#[test]
fn no_line_of_text_passes_without_a_trace() {
    let text = b"all is well\nand goes on\n";
    for format in Format::ALL.iter().filter(|format| **format != Format::Fixture) {
        let found = read(text, Some(*format)).analysis;
        let counted = found.other + found.skipped.total() + found.unsolicited;
        assert_eq!(counted, 2, "{format}");
    }
}
