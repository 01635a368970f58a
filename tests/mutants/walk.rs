//! A walk of the states of a machine: `cellscan-walk SNAPSHOTS [SETTING]`, in a package of its own: the test beside this file builds it against a core with
//! one mutant. It prints the rules that the first wrong state violates, and exits with 1 where there is one.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program of a test, which reads what it prints")]

mod alphabet;
mod explore;
mod heard;
mod key;
mod rules;
mod world;

use std::process::ExitCode;

use alphabet::SETTINGS;
use explore::{Broken, Extent, explore};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let nodes_max = arguments.next().and_then(|count| count.parse().ok()).expect("a number of snapshots");
    let only = arguments.next();
    // A violated assertion of the machine is reported as a violated rule.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut reached, mut steps) = (0, 0);
    for setting in SETTINGS.iter().filter(|setting| only.as_ref().is_none_or(|only| only == setting.name)) {
        let walk = explore(setting, Extent { nodes_max, stops_at_once: true });
        reached += walk.reached();
        steps += walk.steps;
        let silence = walk.longest_silence().err().map(|story| Broken { rule: rules::ENDS, story });
        let broken: Vec<Broken> = walk.broken.into_iter().chain(silence).collect();
        if !broken.is_empty() {
            println!("{reached} snapshots");
            for Broken { rule, story } in broken {
                println!("violated: {rule}\n{story}");
            }
            return ExitCode::FAILURE;
        }
    }
    println!("kept: {reached} snapshots, {steps} steps");
    ExitCode::SUCCESS
}
