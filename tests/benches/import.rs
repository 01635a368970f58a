//! Speed and memory of reading a log: 200 MB of a gateway's log, generated while it is read, on one core.
//!
//! `cargo bench -p cellscan-tests --bench import`. The log has scans with their trials, and between them lines of other
//! programs, in the proportions of real logs; torn lines included. The measurement covers lines, events, turns, scans and
//! findings.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench that cannot be set up fails loudly, and prints"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::time::Instant;

use cellscan::import::{What, import};
use cellscan::replay::analysis::Analysis;
use cellscan::replay::turns::Shown;

/// Bytes of the log.
const LOG_LEN: usize = 200_000_000;
/// Lines of other programs for each line of the scan: in the field logs there are one to five.
const NOISE: usize = 2;
const SAMPLE: &str = include_str!("../replay/samples/gateway.log");

/// A log that is generated while it is read: the sample again and again, each time an hour later.
struct Log {
    block: Vec<u8>,
    given: usize,
    rounds: u64,
    left: usize,
}

impl Log {
    fn new(len: usize) -> Self {
        Self { block: Vec::new(), given: 0, rounds: 0, left: len }
    }

    fn next_block(&mut self) {
        let mut text = String::new();
        let hour = self.rounds % 100;
        for (index, line) in SAMPLE.lines().enumerate() {
            let line = line.replacen("[00:", &format!("[{hour:02}:"), 1);
            writeln!(text, "{line}").expect("memory can be written");
            for noise in 0..NOISE {
                let second = index % 60;
                writeln!(text, "[1700000000.{noise:03}] [{hour:02}:01:{second:02}.{noise:03}] [NETMGR-PPP0] State: NET_ONLINE_CHECK_RESULTS | Deferring PPPD conflict resolution - ping test running on wlan0").expect("memory can be written");
            }
        }
        self.rounds += 1;
        self.block = text.into_bytes();
        self.given = 0;
    }
}

impl Read for Log {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() {
            self.next_block();
        }
        let count = buf.len().min(self.block.len() - self.given).min(self.left);
        buf[..count].copy_from_slice(&self.block[self.given..self.given + count]);
        self.given += count;
        self.left -= count;
        Ok(count)
    }
}

/// The peak memory of this process, KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
}

fn megabytes_a_second(len: usize, began: Instant) -> f64 {
    let megabytes = f64::from(u32::try_from(len / 1_000).unwrap_or(u32::MAX)) / 1_000.0;
    megabytes / began.elapsed().as_secs_f64()
}

fn main() {
    // `cargo test --benches` and `cargo bench -- --list` measure nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let began = Instant::now();
    io::copy(&mut Log::new(LOG_LEN), &mut io::sink()).expect("it is made");
    println!(
        "making the log           {:6.0} MB/s (in each figure below)",
        megabytes_a_second(LOG_LEN, began)
    );

    let began = Instant::now();
    let mut events = 0_u64;
    let read = import(Log::new(LOG_LEN), None, &mut |event| {
        events += u64::from(!matches!(event.what, What::Other(_)));
    });
    let (format, lines) = read.expect("it can be read");
    println!(
        "import: lines to events  {:6.0} MB/s ({format}, {lines} lines, {events} events)",
        megabytes_a_second(LOG_LEN, began)
    );

    // The kept data is bounded: a tenth of the log must take as much memory as the whole.
    Analysis::read(Log::new(LOG_LEN / 10), None, Shown::Redacted, &mut |_| ()).expect("it can be read");
    let before = peak_kib();
    let began = Instant::now();
    let analysis =
        Analysis::read(Log::new(LOG_LEN), None, Shown::Redacted, &mut |_| ()).expect("it can be read");
    println!(
        "turns, scans, findings   {:6.0} MB/s ({} turns, {} scans)",
        megabytes_a_second(LOG_LEN, began),
        analysis.turns,
        analysis.scans_left_out + u64::try_from(analysis.scans.len()).expect("it is bounded"),
    );
    println!("memory at its most       {before} KiB after 20 MB, {} KiB after 200 MB", peak_kib());
}
