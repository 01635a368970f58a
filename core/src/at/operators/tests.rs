//! The forms of operator lists.

extern crate std;

use super::*;
use crate::at::line::Lines;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec as StdVec;

/// `stat long|short plmn act` of each operator, and the number of skipped groups.
fn read(text: &str) -> (StdVec<String>, u16) {
    read_bytes(text.as_bytes())
}

fn read_bytes(bytes: &[u8]) -> (StdVec<String>, u16) {
    let (mut lines, mut reader, mut found) = (Lines::new(), ListReader::new(), StdVec::new());
    let mut add = |operator: ListedOperator<'_>| {
        let name = |text: Text<'_>| text.chars().collect::<String>();
        found.push(format!(
            "{} {}|{} {} {}",
            operator.availability.number(),
            name(operator.long),
            name(operator.short),
            operator.code.map_or_else(|| "-".to_string(), |code| code.as_str().to_string()),
            operator.technology.map_or_else(|| "-".to_string(), |act| act.0.to_string()),
        ));
    };
    let mut bytes = bytes;
    while let Some(line) = lines.next(&mut bytes) {
        reader.take(line, true, &mut add);
    }
    let mut end: &[u8] = b"\n";
    if let Some(line) = lines.next(&mut end) {
        reader.take(line, true, &mut add);
    }
    let skipped = reader.end(&mut add);
    (found, skipped)
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let (found, skipped) = read(text);
    assert_eq!(found, expected, "{text}");
    assert_eq!(skipped, 0, "{text}");
}

#[test]
fn the_groups_at_the_end_are_not_operators() {
    let list = "+COPS: (1,\"T-Mobile\",\"TMO\",\"310260\",7),(3,\"313 100\",\"313 100\",\"313100\",7)";
    let expected = ["1 T-Mobile|TMO 310260 7", "3 313 100|313 100 313100 7"];
    for end in [
        "",
        ",,(0,1,2,3,4),(0,1,2)",
        ",,(0-4),(0-2)",
        ",,(0, 1, 3),(0-2)",
        "(0,1,2,3,4),(0,1,2)",
        ",,(0,1,2,3,4),)",
        ",,)",
        ",(0-4),(0,2)",
        ",,(0,1,2,3,4,5),(0,1,2,90,91)",
        ",",
        ",,(0-4)",
        ",,(),()",
    ] {
        check(&format!("{list}{end}"), &expected);
    }
    check(",,(0-4),(0-2)", &[]);
    check("+COPS: (0,1,2,3,4),(0,1,2)", &[]);
    check("+COPS: (0,1,2,3),(1,2,3,4)", &[]);
}

#[test]
fn a_name_may_hold_commas_brackets_and_quotes() {
    check("+COPS: (2,\"A, (B) \"C\"D\",\"A),B\",\"26202\",0)", &["2 A, (B) \"C\"D|A),B 26202 0"]);
    check("+COPS: (2,\"The \"A\"  Net\",\"\"\"B\" \",\"26202\" ,0)", &["2 The \"A\"  Net|\"\"B\"  26202 0"]);
    check("+COPS: (2,\"Tele (2), Ltd\",\"T\",\"24007\",7),,(0-4)", &["2 Tele (2), Ltd|T 24007 7"]);
}

#[test]
fn values_may_be_empty_unquoted_or_blank_around() {
    check("+COPS: (0,\"\",\"\",\"26203\"),(1,\"X\",,\"26201\",2)", &["0 | 26203 -", "1 X| 26201 2"]);
    check("+COPS:( 1 , \"A\" , \"B\" , \"26201\" , 7 )", &["1 A|B 26201 7"]);
    check("+cops : (1,Telekom,TDG,26201,7)", &["1 Telekom|TDG 26201 7"]);
    check("+COPS: (2,\"Verizon \",\"VZW\",\"311480\",8)", &["2 Verizon |VZW 311480 8"]);
}

#[test]
fn a_technology_outside_its_bracket_belongs_to_the_operator_before() {
    check(
        "+COPS: (2,\"A\",\"A\",\"31026\",0),(1,\"B\",\"B\",\"310410\"),2),(1,\"C\",\"C\",\"26201\"), 0)",
        &["2 A|A 31026 0", "1 B|B 310410 2", "1 C|C 26201 0"],
    );
    check("+COPS: (1,\"B\",\"B\",\"310410\"),2", &["1 B|B 310410 2"]);
    check("+COPS: (1,\"B\",\"B\",\"310410\"),,(0-4),(0-2)", &["1 B|B 310410 -"]);
    check(
        "+COPS: (1,\"B\",\"B\",\"310410\"))(1,\"C\",\"C\",\"26201\")",
        &["1 B|B 310410 -", "1 C|C 26201 -"],
    );
    check(
        "+COPS: (1,\"B\",\"B\",\"310410\",7)),(1,\"C\",\"C\",\"26201\",2))",
        &["1 B|B 310410 7", "1 C|C 26201 2"],
    );
}

#[test]
fn a_list_may_come_on_many_lines_and_be_broken_anywhere() {
    let expected = ["2 A|A 26201 7", "1 B, C|B 26202 -", "3 D|D 26203 2"];
    let parts =
        ["+COPS: (2,\"A\",\"A\",\"26201\",7)", "(1,\"B, C\",\"B\",\"26202\")", "(3,\"D\",\"D\",\"26203\",2)"];
    check(&parts.join(","), &expected);
    check(&parts.join(",\r\n"), &expected);
    check(&parts.join("\r\n,"), &expected);
    check(&parts.join("\r\n+COPS: "), &expected);
    check(&parts.join(",,(0-4),(0-2)\r\n+COPS: "), &expected);
    let whole = parts.join(",");
    for at in 7..whole.len() {
        let (head, tail) = whole.split_at(at);
        if head.ends_with(' ') || tail.starts_with(' ') {
            // Blanks around a line end are not kept.
            continue;
        }
        check(&format!("{head}\r\n{tail}"), &expected);
    }
}

#[test]
fn other_lines_in_between_do_not_belong_to_the_list() {
    check(
        "+COPS: (2,\"A\",\"A\",\r\n+CREG: 1,\"00A1\",\"0B2C\",7\r\n\"26201\",7)\r\nRING\r\n,(1,\"B\",\"B\",\"26202\",7)\r\nOK\r\n",
        &["2 A|A 26201 7", "1 B|B 26202 7"],
    );
}

#[test]
fn ucs2_names_and_digits_are_decoded_together_and_alone() {
    check(
        "+COPS: (2,\"0056006500720069\",\"0056005A0057\",\"003300310031003400380030\",7)",
        &["2 Veri|VZW 311480 7"],
    );
    check("+COPS: (1,\"4E2D56FD79FB52A8\",\"CMCC\",\"46000\",7)", &["1 中国移动|CMCC 46000 7"]);
}

#[test]
fn seven_digits_are_given_as_they_are_and_selected_by_six() {
    let mut list = OperatorList::new();
    let mut plmns = StdVec::new();
    for byte in b"(2,\"\",\"\",\"3104100\",2),(1,\"\",\"\",\"3104101\",2),(1,\"N\",\"N\",\"31041000\",2)" {
        if let Some(found) = list.push(*byte) {
            plmns.push((
                found.code.map(|code| code.as_str().to_string()),
                found.plmn().map(|plmn| plmn.as_str().to_string()),
            ));
        }
    }
    let text = |digits: &str| Some(digits.to_string());
    assert_eq!(plmns, [(text("3104100"), text("310410")), (text("3104101"), None), (None, None)]);
}

#[test]
fn a_missing_or_merged_value_costs_the_short_name_only() {
    check("+COPS: (2,\"PLAY\",\"26006\",2)", &["2 PLAY| 26006 2"]);
    check("+COPS: (1,\"A,\"A\",\"26201\",7)", &["1 A,\"A| 26201 7"]);
    check("+COPS: (3,\"46000\",\"46000\",\"46000\",9)", &["3 46000|46000 46000 9"]);
}

#[test]
fn a_torn_group_is_counted_and_costs_only_itself() {
    let cases: [(&str, &[&str]); 8] = [
        ("+COPS: (2,\"PLAY\",\"PLAY\")", &[]),
        ("+COPS: (1,\"x\")", &[]),
        ("+COPS: (9,\"A\",\"B\",\"26201\",7)", &[]),
        ("+COPS: (1,\"A\",\"A\",26201(1,\"B\",\"B\",\"26202\",7)", &["1 B|B 26202 7"]),
        ("+COPS: (1,\"A\",\"A\",\"26201\",7),(3,\"E-Plus\",\"E)", &["1 A|A 26201 7"]),
        ("+COPS: (1,\"A\",\"A\",\"26201\",7),(1,\"B\",\"B\",\"262", &["1 A|A 26201 7"]),
        ("+COPS: (1,\"A\"\r\n+COPS: (1,\"B\",\"B\",\"26202\",7)", &["1 B|B 26202 7"]),
        ("+COPS: (1,\"A\",\"A\",\"26201\",7),(", &["1 A|A 26201 7"]),
    ];
    for (text, expected) in cases {
        let (found, skipped) = read(text);
        assert_eq!(
            (found.iter().map(String::as_str).collect::<StdVec<_>>(), skipped),
            (expected.to_vec(), 1),
            "{text}"
        );
    }
}

#[test]
fn an_operator_without_its_bracket_counts_if_it_has_all_values() {
    check(
        "+COPS: (1,\"A\",\"A\",\"26201\",7,(1,\"B\",\"B\",\"26202\",7)",
        &["1 A|A 26201 7", "1 B|B 26202 7"],
    );
    check("+COPS: (1,\"A\",\"A\",\"26201\",7\r\nOK\r\n", &["1 A|A 26201 7"]);
    check("+COPS: (1,\"A\",\"A\",\"26201\"\r\nOK\r\n", &["1 A|A 26201 -"]);
}

#[test]
fn values_after_the_technology_are_ignored() {
    check("+COPS: (1,\"A\",\"A\",\"26201\",7,1,\"x\")", &["1 A|A 26201 7"]);
}

#[test]
fn a_value_that_is_too_long_is_cut_and_marked() {
    let mut list = OperatorList::new();
    let text = format!("(1,\"{}\",\"S\",\"26201\",7)", "x".repeat(300));
    let mut cut = None;
    for byte in text.bytes() {
        if let Some(found) = list.push(byte) {
            cut = Some((found.cut, found.long.bytes().len(), found.plmn().is_some()));
        }
    }
    assert_eq!(cut, Some((true, VALUE_LEN_MAX, true)));
}

#[test]
fn a_name_that_is_not_utf8_is_read_as_latin_1() {
    let (found, _) = read_bytes(b"+COPS: (1,\"Telef\xf3nica\",\"T\",\"21407\",7)");
    assert_eq!(found, ["1 Telefónica|T 21407 7"]);
}

#[test]
fn runs_are_read_like_single_bytes() {
    let text = format!(
        "+COPS: (2,\"A, (B) \"C\" D\",  \"{}\",\"26201\",7),(1,X y,,26202),2),(3,\"\",\"\",\"26203\"),,(0-4),(0-2)",
        "z".repeat(VALUE_LEN_MAX + 3)
    );
    for at in 0..text.len() {
        let (mut one, mut other) = (OperatorList::new(), OperatorList::new());
        let (mut first, mut second) = (StdVec::new(), StdVec::new());
        for byte in text.bytes() {
            if let Some(found) = one.push(byte) {
                first.push(format!("{found:?}"));
            }
        }
        let (head, tail) = text.as_bytes().split_at(at);
        other.extend(head, |found| second.push(format!("{found:?}")));
        other.extend(tail, |found| second.push(format!("{found:?}")));
        assert_eq!((first.len(), first, one), (3, second, other));
    }
}
