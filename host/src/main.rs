//! The program: parse, run, exit.

use std::process::ExitCode;

use cellscan::{cli, commands, guard};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    // Before anything else: the guard has one byte to say, and somebody who waits for it.
    if words.next().is_some_and(|word| word == guard::SUBCOMMAND) {
        return guard::main(words);
    }
    match cli::parse(std::env::args_os()) {
        Ok(args) => commands::run(&args).into(),
        Err(exit) => exit.into(),
    }
}
