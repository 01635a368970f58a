//! The program: parse, run, exit.

use std::process::ExitCode;

use cellscan::custody::guard;
use cellscan::{cli, commands, starting};

fn main() -> ExitCode {
    starting::put_in_order();
    let mut words = std::env::args_os().skip(1);
    // Before anything else: the scan waits for the guard's first line.
    if words.next().is_some_and(|word| word == guard::SUBCOMMAND) {
        return guard::main(words);
    }
    match cli::parse(std::env::args_os()) {
        Ok(args) => commands::run(&args).into(),
        Err(exit) => exit.into(),
    }
}
