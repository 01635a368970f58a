//! A dump of mixed replies through the core path of `decode`, and through atat's digester, which finds the end of a reply
//! and does not read its values.
//!
//! `cargo bench -p cellscan-tests --bench decode`

use atat::DigestResult;
use atat::digest::parser::{try_urc, urc_helper};
use atat::digest::{AtDigester, Digester, ParseError, Parser};
use atat::nom::error::Error;
use cellscan_core::at::decode::Decoder;
use cellscan_core::at::line::Lines;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

/// Bytes in a read, as in the driver.
const READ_LEN: usize = 64;

/// Bytes of atat's ingress buffer: its users take one or two KiB.
const INGRESS_LEN: usize = 2_048;

fn main() {
    divan::main();
}

/// Replies of a scan, each complete.
fn replies() -> Vec<Vec<u8>> {
    let operator = |n: u32| format!("({},\"Carrier Number {n}\",\"Carr {n}\",\"99901{n}\",7)", n % 4);
    let list = (0..8).map(operator).collect::<Vec<_>>().join(",");
    let each = [
        "AT\r\r\nOK\r\n".to_owned(),
        "AT+CPIN?\r\r\n+CPIN: READY\r\n\r\nOK\r\n".to_owned(),
        "AT+COPS?\r\r\n+COPS: 0,2,\"999010\",7\r\n\r\nOK\r\n".to_owned(),
        format!("AT+COPS=?\r\r\n+COPS: {list},,(0,1,2,3,4),(0,1,2)\r\n\r\nOK\r\n"),
        "AT+COPS=1,2,\"999011\"\r\r\n+CME ERROR: 30\r\n".to_owned(),
        "\r\n^MODE: 3,3\r\n".to_owned(),
        "AT+COPS=1,2,\"999012\"\r\r\nOK\r\n".to_owned(),
        "AT+CEREG?\r\r\n+CEREG: 2,1,\"1A2B\",\"01C3D4E5\",7\r\n\r\nOK\r\n".to_owned(),
        "AT+CGREG?\r\r\n+CGREG: 0,4\r\n\r\nOK\r\n".to_owned(),
        "AT+CSQ\r\r\n+CSQ: 25,99\r\n\r\nOK\r\n".to_owned(),
        "AT+CESQ\r\r\n+CESQ: 99,99,255,255,20,50\r\n\r\nOK\r\n".to_owned(),
        "\r\n^RSSI:23\r\n".to_owned(),
        "AT+CGATT?\r\r\nERROR\r\n".to_owned(),
    ];
    each.into_iter().cycle().take(13 * 20).map(String::into_bytes).collect()
}

struct Unsolicited;

impl Parser for Unsolicited {
    fn parse(buf: &[u8]) -> Result<(&[u8], usize), ParseError> {
        for token in [&b"^MODE"[..], b"^RSSI"] {
            if let Some(found) = try_urc(urc_helper::<_, Error<&[u8]>>(token), buf) {
                return found;
            }
        }
        Err(ParseError::NoMatch)
    }
}

#[divan::bench]
fn decode_core(bencher: Bencher<'_, '_>) {
    let dump = replies().concat();
    bencher.counter(BytesCount::new(dump.len())).bench_local(|| {
        let (mut lines, mut decoder, mut count) = (Lines::new(), Decoder::new(), 0_usize);
        for mut piece in black_box(&dump).chunks(READ_LEN) {
            while let Some(line) = lines.next(&mut piece) {
                decoder.line(line, &mut |reply| {
                    black_box(&reply);
                    count += 1;
                });
            }
        }
        count
    });
}

/// Each reply passed complete and alone, which no serial line does: its best case.
#[divan::bench]
fn atat_whole_replies(bencher: Bencher<'_, '_>) {
    let replies = replies();
    let bytes: usize = replies.iter().map(Vec::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        let (mut digester, mut count) = (AtDigester::<Unsolicited>::new(), 0_usize);
        for reply in black_box(&replies) {
            let mut rest = &reply[..];
            while !rest.is_empty() {
                let (found, used) = digester.digest(rest);
                count += usize::from(black_box(found) != DigestResult::None);
                if used == 0 {
                    break;
                }
                rest = &rest[used..];
            }
        }
        count
    });
}

/// In reads of 64 bytes into a buffer, digested after each, as its ingress does.
#[divan::bench]
fn atat_64_byte_reads(bencher: Bencher<'_, '_>) {
    let dump = replies().concat();
    bencher.counter(BytesCount::new(dump.len())).bench_local(|| {
        let (mut digester, mut count) = (AtDigester::<Unsolicited>::new(), 0_usize);
        let mut buffer = [0_u8; INGRESS_LEN];
        let mut len = 0;
        for piece in black_box(&dump).chunks(READ_LEN) {
            if len + piece.len() > buffer.len() {
                // Its ingress clears a full buffer too.
                len = 0;
            }
            buffer[len..len + piece.len()].copy_from_slice(piece);
            len += piece.len();
            loop {
                let (found, used) = digester.digest(&buffer[..len]);
                let is_none = black_box(found) == DigestResult::None;
                count += usize::from(!is_none);
                buffer.copy_within(used..len, 0);
                len -= used;
                if is_none || len == 0 {
                    break;
                }
            }
        }
        count
    });
}
