//! What the core takes of a microcontroller, beside what it may: `table PROGRAM PROGRAM-WITH-32-CARRIERS`.
//!
//! Ends with 1 where anything is over its limit or must not be there.

mod foreign;
mod limits;
mod stack;
mod tools;

use std::path::Path;
use std::process::ExitCode;

use limits::Limit;
use stack::{Calls, Depth};
use tools::Program;

/// What a firmware calls: where the stack begins.
const ROOTS: [&str; 7] = [
    "budget_new",
    "budget_request",
    "budget_restore",
    "budget_abort",
    "budget_remember",
    "budget_poll",
    "budget_result",
];

/// Functions shown as the largest.
const LARGEST: usize = 12;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [small, large] = args.as_slice() else {
        eprintln!("usage: table PROGRAM PROGRAM-WITH-32-CARRIERS");
        return ExitCode::from(100);
    };
    match table(Path::new(small), Path::new(large)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(broken) => {
            eprintln!("{broken} over their limits");
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}

/// Prints it; how many rows are over their limits.
fn table(small: &Path, large: &Path) -> Result<u32, String> {
    let (small, large) = (Program::read(small)?, Program::read(large)?);
    let size = |program: &Program, name: &str| program.size_of(name).ok_or(format!("{name} is not linked"));
    let section = |name: &str| small.sections.get(name).copied().unwrap_or_default();
    let (text, constants) = (section(".text"), section(".rodata"));
    let (calls, deepest) = deepest(&small)?;

    println!("{:<34} {:>8} {:>8}", "bytes", "taken", "at most");
    let mut over = 0;
    let mut row = |limit: &Limit, taken: u64| {
        over += u32::from(taken > limit.bytes);
        let mark = if taken > limit.bytes { "  TOO MUCH" } else { "" };
        println!("{:<34} {taken:>8} {:>8}{mark}", limit.what, limit.bytes);
    };
    row(&limits::CODE, text + constants);
    row(&limits::DRIVER_16, size(&small, "RAM_OF_DRIVER")?);
    row(&limits::DRIVER_32, size(&large, "RAM_OF_DRIVER")?);
    row(&limits::STACK, deepest.bytes);
    for (part, bytes) in [
        ("  code", text),
        ("  constants", constants),
        ("  scanner alone, 16 carriers", size(&small, "RAM_OF_SCANNER")?),
        ("  scanner alone, 32 carriers", size(&large, "RAM_OF_SCANNER")?),
        ("  variables of its own", section(".data") + section(".bss") - rooms(&small)?),
    ] {
        println!("{part:<34} {bytes:>8}");
    }

    println!("\n{:<34} {:>8} {:>8}", "must not be there", "found", "at most");
    let mut none = |what: &str, found: &[&str]| {
        over += u32::from(!found.is_empty());
        println!("{what:<34} {:>8} {:>8}", found.len(), 0);
        for name in found {
            println!("  {name}");
        }
    };
    for kind in &foreign::FOREIGN {
        none(kind.what, &foreign::found(&small.symbols, kind));
    }
    none("floating-point instructions", &foreign::float_instructions(&small.code));
    none("calls through a pointer", &calls.indirect().iter().map(String::as_str).collect::<Vec<_>>());

    println!("\nthe deepest stack");
    for (name, bytes) in &deepest.chain {
        println!("{bytes:>8}  {}", tools::demangled(name)?);
    }
    println!("\nthe largest");
    let mut symbols: Vec<_> = small.symbols.iter().filter(|symbol| "tTrR".contains(symbol.kind)).collect();
    symbols.sort_unstable_by_key(|symbol| core::cmp::Reverse(symbol.size));
    for symbol in symbols.iter().take(LARGEST) {
        println!("{:>8}  {}", symbol.size, symbol.name);
    }
    Ok(over)
}

/// The room that stands for a scanner and a driver.
fn rooms(program: &Program) -> Result<u64, String> {
    let of = |name: &str| program.size_of(name).ok_or(format!("{name} is not linked"));
    Ok(of("RAM_OF_SCANNER")? + of("RAM_OF_DRIVER")?)
}

fn deepest(program: &Program) -> Result<(Calls, Depth), String> {
    let calls = Calls::read(&program.stack_sizes, &program.code);
    let mut deepest = Depth::default();
    for root in ROOTS {
        let depth = calls.deepest(root)?;
        if depth.bytes > deepest.bytes {
            deepest = depth;
        }
    }
    Ok((calls, deepest))
}
