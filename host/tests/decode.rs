//! `cellscan decode` from outside: bytes in, one JSON object per reply out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics with its place")]

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use cellscan::decode::OPERATORS_MAX;
use serde_json::{Value, json};

fn cellscan(command: &str) -> Command {
    let mut cellscan = Command::new(env!("CARGO_BIN_EXE_cellscan"));
    cellscan.arg("decode").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if !command.is_empty() {
        cellscan.args(["--command", command]);
    }
    cellscan
}

/// The program's output for these bytes.
fn decode(command: &str, bytes: &[u8]) -> Vec<Value> {
    let mut child = cellscan(command).spawn().unwrap();
    let (mut input, bytes) = (child.stdin.take().unwrap(), bytes.to_vec());
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_kind_has_its_keys() {
    let said = decode(
        "",
        b"AT+COPS=?\r\r\n+COPS: (2,\"A, B\",\"\",\"310410\",7),(3,\"X\",\"X\",\"\"),,(0-4),(0-2)\r\n\r\nOK\r\n\
          AT+COPS?;+CEREG?\r\r\n+COPS: 1,2,\"310410\",7\r\n+CEREG: 2,5,\"1A2B\",\"01C3D4E5\",7\r\n\r\nOK\r\n\
          +CSQ: 25,99\r\n+CESQ: 99,99,255,255,20,80\r\n+CPIN: READY\r\n+CREG: 2\r\n+CME ERROR: SIM busy\r\n",
    );
    let expected = [
        json!({"kind": "line", "text": "AT+COPS=?"}),
        json!({"kind": "operator_list", "truncated": false, "listed": 2, "skipped": 0, "operators": [
            {"stat": 2, "long": "A, B", "short": null, "plmn": "310410", "act": 7},
            {"stat": 3, "long": "X", "short": "X", "plmn": null, "act": null},
        ]}),
        json!({"kind": "final", "result": "ok", "code": null, "text": null, "means": null}),
        json!({"kind": "line", "text": "AT+COPS?;+CEREG?"}),
        json!({"kind": "current_operator", "mode": 1, "format": 2, "operator": "310410", "act": 7}),
        json!({"kind": "registration", "domain": "cereg", "n": 2, "stat": 5, "lac": "1A2B", "ci": "01C3D4E5", "act": 7,
            "unsolicited": false}),
        json!({"kind": "final", "result": "ok", "code": null, "text": null, "means": null}),
        json!({"kind": "signal", "rssi": 25, "ber": 99, "dbm": -63}),
        json!({"kind": "signal_ext", "rxlev": null, "ber": null, "rscp": null, "ecno": null, "rsrq": 20, "rsrp": 80,
            "ss_rsrq": null, "ss_rsrp": null, "ss_sinr": null, "rsrp_dbm": -61, "rsrq_db": -10.0,
            "ss_rsrp_dbm": null, "ss_rsrq_db": null, "ss_sinr_db": null}),
        json!({"kind": "sim", "state": "READY"}),
        json!({"kind": "registration", "domain": "creg", "n": null, "stat": 2, "lac": null, "ci": null, "act": null,
            "unsolicited": true}),
        json!({"kind": "final", "result": "cme", "code": 14, "text": "SIM busy", "means": "try_later"}),
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(&expected) {
        assert_eq!(said, expected);
    }
}

#[test]
fn the_command_decides_whether_a_line_is_an_answer() {
    let unsolicited =
        |command| decode(command, b"\r\n+CREG: 2,5,\"0502\",\"0404736D\"\r\n")[0]["unsolicited"] == true;
    assert!(unsolicited("") && unsolicited("AT+CGREG?"));
    assert!(!unsolicited("AT+CREG?") && !unsolicited("at+csq;+creg?"));
}

#[test]
fn results_have_a_name_and_a_meaning() {
    let cases = [
        ("ERROR", "error", Value::Null, Value::Null, Value::Null),
        ("no carrier", "no_carrier", Value::Null, Value::Null, Value::Null),
        ("COMMAND NOT SUPPORT", "error", Value::Null, json!("COMMAND NOT SUPPORT"), Value::Null),
        ("NA", "error", Value::Null, json!("NA"), Value::Null),
        ("ABORTED", "aborted", Value::Null, Value::Null, json!("try_later")),
        ("CONNECT 150000000", "connect", Value::Null, json!("150000000"), Value::Null),
        ("+CME ERROR: 30", "cme", json!(30), json!("No network service"), json!("not_this_carrier")),
        ("+CME ERROR: -1", "cme", json!(-1), Value::Null, Value::Null),
        ("+CME ERROR: who knows", "cme", Value::Null, json!("who knows"), Value::Null),
        ("+CMS ERROR: 310", "cms", json!(310), json!("(U)SIM not inserted"), json!("sim")),
        ("+CME ERROR", "cme", Value::Null, Value::Null, Value::Null),
        ("4", "error", Value::Null, Value::Null, Value::Null),
    ];
    for (line, result, code, text, means) in cases {
        let expected = json!({"kind": "final", "result": result, "code": code, "text": text, "means": means});
        assert_eq!(decode("", format!("\r\n{line}\r\n").as_bytes()), [expected], "{line}");
    }
}

#[test]
fn a_list_longer_than_the_capacity_is_kept_in_order_and_counted() {
    let entry = |n: usize| format!("(1,\"Carrier {n}\",\"C\",\"{:06}\",7)", 100_000 + n);
    let list = |count| (0..count).map(entry).collect::<Vec<_>>().join(",");
    let said = decode(
        "AT+COPS=?",
        format!("\r\n+COPS: {},,(0-4),(0-2)\r\n\r\nOK\r\n", list(OPERATORS_MAX + 20)).as_bytes(),
    );
    let operators = said[0]["operators"].as_array().unwrap();
    assert_eq!(operators.len(), OPERATORS_MAX);
    assert_eq!((&said[0]["truncated"], &said[0]["listed"]), (&json!(true), &json!(OPERATORS_MAX + 20)));
    assert!(operators.iter().enumerate().all(|(n, operator)| operator["long"] == format!("Carrier {n}")));
    assert_eq!(said[1]["result"], "ok");
}

#[test]
fn no_line_is_dropped_and_no_output_controls_a_terminal() {
    let said = decode("", b"\x1b[2Jx\r\n\xff\x9b2J\r\n+CREG: what\r\n\xe2\x80\xaeend");
    let texts: Vec<_> = said.iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["\u{1b}[2Jx", "\u{ff}\u{9b}2J", "+CREG: what", "\u{202e}end"]);
    let mut child = cellscan("").spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"{\"kind\":\"line\",\"text\":\"\\u001b[2J\\u007f\\u009b\\u202e\"}\n");
}

#[test]
fn a_line_longer_than_the_buffer_comes_in_parts() {
    let said = decode("", format!("{}\r\nOK\r\n", "x".repeat(600)).as_bytes());
    let parts: Vec<_> = said.iter().map(|line| line["part"].as_str().unwrap_or("-")).collect();
    assert_eq!(parts, ["first", "middle", "last", "-"]);
}

#[test]
fn a_reply_is_written_as_soon_as_it_is_complete() {
    let mut child = cellscan("").spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    input.write_all(b"+CSQ: 9,99\r\n").unwrap();
    let mut line = vec![0; 48];
    let count = output.read(&mut line).unwrap();
    assert!(line[..count].starts_with(b"{\"kind\":\"signal\""), "while the input is still open");
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn endless_noise_takes_constant_memory() {
    // Four megabytes of noise, a tenth of it line ends, six minutes' worth at 115,200 baud; seeded by a constant.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let byte = u8::try_from(state >> 56).unwrap();
        if byte < 26 { b'\n' } else { byte }
    };
    let mut child = cellscan("AT+COPS=?").stdout(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut peak = 0;
    for _ in 0..64 {
        let piece: Vec<u8> = (0..65_536).map(|_| noise()).collect();
        input.write_all(&piece).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        peak = peak.max(resident.trim().trim_end_matches(" kB").parse::<u64>().unwrap());
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(peak < 32 * 1024, "{peak} kB");
}
