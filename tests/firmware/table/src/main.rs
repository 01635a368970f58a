//! The size of the core on a microcontroller, beside its limits: `table PROGRAM PROGRAM-WITH-ALL PROGRAM-WITH-32-CARRIERS`.
//!
//! Exits with 1 where a size is over its limit or forbidden code is linked.

mod foreign;
mod limits;
mod stack;
mod tools;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use limits::Limit;
use stack::{Calls, Depth};
use tools::Program;

/// The functions that a firmware calls: the roots of the stack.
const ROOTS: [&str; 7] = [
    "budget_new",
    "budget_request",
    "budget_restore",
    "budget_abort",
    "budget_remember",
    "budget_poll",
    "budget_result",
];

/// Modules, and symbols, shown as the largest.
const LARGEST: usize = 12;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [small, all, large] = args.as_slice() else {
        eprintln!("usage: table PROGRAM PROGRAM-WITH-ALL PROGRAM-WITH-32-CARRIERS");
        return ExitCode::from(100);
    };
    match table(Path::new(small), Path::new(all), Path::new(large)) {
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

/// Printed rows, and how many of them are over their limits.
#[derive(Default)]
struct Table {
    over: u32,
}

impl Table {
    fn row(&mut self, limit: &Limit, taken: u64) {
        let is_over = taken > limit.bytes;
        self.over += u32::from(is_over);
        let mark = if is_over { "  TOO MUCH" } else { "" };
        println!("{:<34} {taken:>8} {:>8}{mark}", limit.what, limit.bytes);
    }

    fn none(&mut self, what: &str, found: &[&str]) {
        self.over += u32::from(!found.is_empty());
        println!("{what:<34} {:>8} {:>8}", found.len(), 0);
        for name in found {
            println!("  {name}");
        }
    }
}

/// Prints it; how many rows are over their limits.
fn table(small: &Path, all: &Path, large: &Path) -> Result<u32, String> {
    let (small, all, large) = (Program::read(small)?, Program::read(all)?, Program::read(large)?);
    let section = |name: &str| small.sections.get(name).copied().unwrap_or_default();
    let (text, constants) = (section(".text"), section(".rodata"));
    let (scanner, driver) = (small.size_of("RAM_OF_SCANNER")?, small.size_of("RAM_OF_DRIVER")?);
    let code_of_all: u64 = [".text", ".rodata"].iter().filter_map(|name| all.sections.get(*name)).sum();
    let (calls, deepest) = deepest(&all)?;
    let mut table = Table::default();

    println!("{:<34} {:>8} {:>8}", "bytes", "taken", "at most");
    table.row(&limits::CODE_OF_ALL, code_of_all);
    table.row(&limits::CODE, text + constants);
    table.row(&limits::DRIVER_16, driver);
    table.row(&limits::DRIVER_32, large.size_of("RAM_OF_DRIVER")?);
    table.row(&limits::STACK, deepest.bytes);
    // The placeholders for a scanner and a driver do not count.
    table.row(&limits::VARIABLES, (section(".data") + section(".bss")).saturating_sub(scanner + driver));
    for (part, bytes) in [
        ("  of the code: instructions", text),
        ("  of the code: constants", constants),
        ("  of the driver: scanner", scanner),
        ("  the same, 32 carriers", large.size_of("RAM_OF_SCANNER")?),
    ] {
        println!("{part:<34} {bytes:>8}");
    }

    println!("\n{:<34} {:>8} {:>8}", "must not be there", "found", "at most");
    for kind in &foreign::FOREIGN {
        table.none(kind.what, &foreign::found(&all.symbols, kind));
    }
    table.none("floating-point instructions", &foreign::float_instructions(&all.code));
    table.none("calls through a pointer", &calls.indirect().iter().map(String::as_str).collect::<Vec<_>>());

    println!("\nthe deepest stack");
    for (name, bytes) in &deepest.chain {
        println!("{bytes:>8}  {}", tools::demangled(name)?);
    }
    largest(&all);
    Ok(table.over)
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

/// The parts of the code.
fn largest(program: &Program) {
    let mut symbols: Vec<_> = program.symbols.iter().filter(|symbol| "tTrR".contains(symbol.kind)).collect();
    let mut modules: BTreeMap<String, u64> = BTreeMap::new();
    for symbol in &symbols {
        *modules.entry(symbol.module()).or_default() += symbol.size;
    }
    let mut modules: Vec<_> = modules.into_iter().collect();
    modules.sort_unstable_by_key(|(_, bytes)| Reverse(*bytes));
    symbols.sort_unstable_by_key(|symbol| Reverse(symbol.size));
    println!("\nthe largest modules");
    for (module, bytes) in modules.iter().take(LARGEST) {
        println!("{bytes:>8}  {module}");
    }
    println!("\nthe largest symbols");
    for symbol in symbols.iter().take(LARGEST) {
        println!("{:>8}  {}", symbol.size, symbol.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_over_their_limit_and_forbidden_code_are_counted() {
        let (mut table, limit) = (Table::default(), Limit { what: "x", bytes: 10 });
        table.row(&limit, 10);
        table.none("y", &[]);
        assert_eq!(table.over, 0);
        table.row(&limit, 11);
        table.none("y", &["z"]);
        assert_eq!(table.over, 2);
    }
}
