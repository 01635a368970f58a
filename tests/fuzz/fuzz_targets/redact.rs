//! Bytes in both directions: the same is written in one piece and byte by byte, no byte is lost, and a secret that stands behind them
//! is unreadable whatever they were.
#![no_main]

use cellscan_redact::{Passed, Redactor};
use libfuzzer_sys::fuzz_target;

/// Bytes that change the direction.
const TURN: u8 = 0xfe;

fn pass(redactor: &mut Redactor, sent: bool, bytes: &[u8]) -> Passed {
    if sent { redactor.sent(bytes) } else { redactor.received(bytes) }
}

/// What is written of both directions, in pieces of so many bytes; and how many bytes of data mode are not.
fn written(redactor: &mut Redactor, bytes: &[u8], size: usize) -> (Vec<u8>, i64) {
    let (mut text, mut data) = (Vec::new(), 0);
    for (index, said) in bytes.split(|byte| *byte == TURN).enumerate() {
        for piece in said.chunks(size) {
            let passed = pass(redactor, index % 2 == 0, piece);
            text.extend(passed.text);
            data += passed.data;
        }
    }
    (text, data)
}

fuzz_target!(|bytes: &[u8]| {
    let mut redactor = Redactor::new();
    let (text, data) = written(&mut redactor, bytes, usize::MAX);
    let turns = bytes.iter().filter(|byte| **byte == TURN).count();
    let count = i64::try_from(text.len()).expect("it is short") + data;
    assert_eq!(count, i64::try_from(bytes.len() - turns).expect("it is short"), "no byte is lost");
    assert_eq!(written(&mut Redactor::new(), bytes, 1), (text, data));

    let mut behind = redactor.sent(b"\rAT+CPIN=\"86868\"\r").text;
    behind.extend(redactor.received(b"\r\n+CCID: 8686868686868686868\r\n").text);
    behind.extend(redactor.received(b"\r\n+CMT: \"+86868686\",,\"\"\r\nwxjq 86868\r\n").text);
    for secret in [&b"86868"[..], b"wxjq"] {
        assert!(!behind.windows(secret.len()).any(|window| window == secret), "{}", behind.escape_ascii());
    }
});
