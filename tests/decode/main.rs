//! The output of `decode` for samples of every known quirk, written from the grammar and from observed replies.
//!
//! `samples/*.txt`: `## name`, `> command`, `< bytes` (escaped as in Rust), `= {…}` for each object, in order.
//! After a change: `CELLSCAN_BLESS=1 cargo test -p cellscan-tests --test decode`, and read the difference.

#![expect(clippy::expect_used, clippy::panic, reason = "a sample that cannot be read has to fail the test")]

mod judge;
mod samples;

use std::io::{self, Read};

use cellscan::decode;

use samples::Sample;

/// Returns at most this many bytes per read.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        let (piece, rest) = self.0.split_at(count);
        buffer[..count].copy_from_slice(piece);
        self.0 = rest;
        Ok(count)
    }
}

/// The objects for `bytes`, as lines.
fn decode(command: Option<&str>, bytes: &[u8], at_once: usize) -> Vec<String> {
    let mut said = Vec::new();
    decode::run(Pieces(bytes, at_once), &mut said, command).expect("memory can be read and written");
    String::from_utf8(said).expect("JSON is UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn every_sample_gives_its_objects() {
    let bless = std::env::var_os("CELLSCAN_BLESS").is_some();
    let mut wrong = Vec::new();
    for mut file in samples::files() {
        let name = file.name();
        for sample in &mut file.samples {
            let said = decode(sample.command.as_deref(), &sample.bytes, usize::MAX);
            if bless {
                sample.says = said;
            } else if said != sample.says {
                wrong.push(format!("{name}: {}\n said {said:#?}\n for {:#?}", sample.name, sample.says));
            }
        }
        if bless {
            file.write();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_sample_gives_the_same_objects_in_pieces_of_any_size() {
    for file in samples::files() {
        for Sample { name, command, bytes, .. } in &file.samples {
            let whole = decode(command.as_deref(), bytes, usize::MAX);
            for size in 1..bytes.len() {
                assert_eq!(decode(command.as_deref(), bytes, size), whole, "{name}, {size} bytes at once");
            }
        }
    }
}

#[test]
fn no_sample_affects_the_next() {
    let ending = b"\r\n\r\nERROR\r\n";
    let samples: Vec<Sample> = samples::files().into_iter().flat_map(|file| file.samples).collect();
    for first in &samples {
        for second in &samples {
            // The command of an echo counts after any bytes; `--command` cannot be given twice.
            if second.command.is_some() || second.bytes.first() == Some(&b'0') {
                continue;
            }
            let alone = decode(None, &second.bytes, usize::MAX);
            let both = [&first.bytes[..], ending, &second.bytes].concat();
            let said = decode(None, &both, usize::MAX);
            assert!(said.ends_with(&alone), "{} behind {}", second.name, first.name);
        }
    }
}
