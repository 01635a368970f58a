//! A short walk of the states of a machine, in a package of its own: the test beside this file builds it against a core with
//! one mutant. It prints the first violated rule, and exits with 1 where there is one.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program of a test, which reads what it prints")]

mod alphabet;
mod explore;
mod heard;
mod key;
mod rules;
mod world;

use std::process::ExitCode;

use alphabet::SETTINGS;
use explore::{Extent, explore};

fn main() -> ExitCode {
    let nodes_max = std::env::args().nth(1).and_then(|count| count.parse().ok()).expect("a number of snapshots");
    // A violated assertion of the machine is reported as a violated rule.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut reached, mut steps) = (0, 0);
    for setting in SETTINGS {
        let walk = explore(setting, Extent { nodes_max, stops_at_once: true });
        reached += walk.reached();
        steps += walk.steps;
        let silence = walk.longest_silence().err().map(|story| (rules::ENDS, story));
        let broken = walk.broken.into_iter().next().map(|broken| (broken.rule, broken.story));
        if let Some((rule, story)) = broken.or(silence) {
            println!("violated: {rule}\n{reached} snapshots\n{story}");
            return ExitCode::FAILURE;
        }
    }
    println!("kept: {reached} snapshots, {steps} steps");
    ExitCode::SUCCESS
}
