//! Counts that a busy machine does not change: instructions, and simulated scans in a second of processor time.
//!
//! Instructions are counted by valgrind's callgrind or, without it, by `perf stat`: this program starts itself under it, once with few
//! repetitions and once with many, and divides the difference.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and must not count nothing"
)]

use std::process::Command;
use std::time::Duration;

use cellscan_core::at::line::Lines;
use cellscan_core::scan::{Input, Outcome};
use cellscan_sim::scenario::Scenario;
use cellscan_sim::world::World;
use divan::black_box;
use rustix::time::{ClockId, clock_gettime};

use super::{STOPPING, list, list_through_dialogue, ready, searching, stopping};

/// The first argument of a counted run; a work and a number of repetitions follow.
const ARGUMENT: &str = "--counted";

/// Repetitions of the short run; of the long one there are twice as many.
const REPETITIONS: u32 = 200;

/// Scans that are timed.
const SCANS: u32 = 20_000;

/// What is repeated, what it is measured in, and how many units one repetition has.
struct Work {
    name: &'static str,
    unit: &'static str,
    units: u64,
    run: fn(u32),
}

fn works() -> [Work; 5] {
    let bytes = list().len() as u64;
    [
        Work { name: "service", unit: "step, service observed", units: 1, run: observe_service },
        Work { name: "line", unit: "step, a line in a search", units: 1, run: take_line },
        Work { name: "list", unit: "byte, a list through a scan", units: bytes, run: take_list },
        Work {
            name: "dialogue",
            unit: "byte, a list through lines and dialogue",
            units: bytes,
            run: take_dialogue,
        },
        Work { name: "scan", unit: "simulated scan, its world included", units: 1, run: scan },
    ]
}

fn observe_service(times: u32) {
    let mut driven = stopping();
    for _ in 0..times {
        black_box(driven.scanner.step(driven.now, black_box(Input::Service(STOPPING))));
    }
}

fn take_line(times: u32) {
    let mut driven = searching();
    let line = cellscan_core::at::line::Line::whole(b"+CREG: 2,\"1A2B\",\"01C3D4E5\",7");
    for _ in 0..times {
        black_box(driven.scanner.step(driven.now, black_box(Input::Line(line))));
    }
}

fn take_list(times: u32) {
    let (driven, text) = (searching(), list());
    for _ in 0..times {
        let mut driven = driven.clone();
        let (mut lines, mut bytes) = (Lines::new(), text.as_bytes());
        while let Some(line) = lines.next(&mut bytes) {
            black_box(driven.scanner.step(driven.now, Input::Line(line)));
        }
    }
}

fn take_dialogue(times: u32) {
    let (ready, text) = (ready(), list());
    for _ in 0..times {
        list_through_dialogue(&mut ready.clone(), &text);
    }
}

fn one_scan(scenario: &Scenario) {
    let mut world = World::new(scenario.clone());
    world.run_scan(Duration::from_secs(900));
    assert_eq!(black_box(&world).report().outcome, Some(Outcome::Complete));
}

fn scan(times: u32) {
    let scenario = Scenario::default();
    for _ in 0..times {
        one_scan(&scenario);
    }
}

/// Whether this process is a counted run, which it then does.
pub(super) fn was_run() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, first, name, times, ..] = &arguments[..] else { return false };
    if first != ARGUMENT {
        return false;
    }
    let times = times.parse().expect("a number of repetitions");
    let work = works().into_iter().find(|work| work.name == name).expect("the name of a work");
    (work.run)(times);
    true
}

/// The instructions of a run; `None`: there is no program that counts them.
fn instructions(name: &str, times: u32) -> Option<u64> {
    let program = std::env::current_exe().ok()?;
    let counted = |counter: &[&str], mark: &str| {
        let (tool, options) = counter.split_first()?;
        let output = Command::new(tool)
            .args(options)
            .arg(&program)
            .args([ARGUMENT, name, &times.to_string()])
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = said.lines().find(|line| line.contains(mark))?;
        // `==7== Collected : 1234`, `1234,,instructions:u,…`
        let number = line.rsplit(": ").next()?.split(',').next()?;
        number.trim().parse().ok()
    };
    counted(&["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"], "Collected")
        .or_else(|| counted(&["perf", "stat", "-x,", "-e", "instructions:u"], "instructions:u"))
}

fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).expect("it does not run backwards")
}

/// Prints all counts.
pub(super) fn print() {
    let scenario = Scenario::default();
    let (mut running, whole) = (Duration::ZERO, processor_time());
    for _ in 0..SCANS {
        let mut world = World::new(scenario.clone());
        let began = processor_time();
        world.run_scan(Duration::from_secs(900));
        running += processor_time().saturating_sub(began);
        black_box(&world);
    }
    let whole = processor_time().saturating_sub(whole);
    let rate = |time: Duration| f64::from(SCANS) / time.as_secs_f64();
    println!("\n{:>10.0} simulated scans in a second of processor time", rate(running));
    println!("{:>10.0} the same, with the making of their worlds", rate(whole));
    for Work { name, unit, units, .. } in works() {
        let few = instructions(name, REPETITIONS);
        let Some((few, many)) = few.zip(instructions(name, 2 * REPETITIONS)) else {
            println!("           instructions: neither valgrind nor perf counts them here");
            return;
        };
        let tenths = many.saturating_sub(few) * 10 / u64::from(REPETITIONS) / units;
        println!("{:>8}.{} instructions per {unit}", tenths / 10, tenths % 10);
    }
}
