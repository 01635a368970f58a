//! The output of LLVM's tools for a program.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The version that Debian's compiler comes with; `LLVM` names another (empty: none).
const VERSION: &str = "-22";

/// The data of a linked program.
pub(crate) struct Program {
    /// Bytes of each section.
    pub(crate) sections: BTreeMap<String, u64>,
    /// Bytes of each symbol, by its demangled name, and its type letter.
    pub(crate) symbols: Vec<Symbol>,
    /// The output of `-Zemit-stack-sizes`, by mangled name.
    pub(crate) stack_sizes: String,
    /// The disassembly.
    pub(crate) code: String,
}

/// A symbol of a program.
pub(crate) struct Symbol {
    /// Bytes.
    pub(crate) size: u64,
    /// As in `nm`: `t` is code, `r` constants, `b` zeroed RAM.
    pub(crate) kind: char,
    /// Demangled.
    pub(crate) name: String,
}

impl Program {
    /// Reads `elf`.
    ///
    /// # Errors
    /// A missing tool, or its error.
    pub(crate) fn read(elf: &Path) -> Result<Self, String> {
        Ok(Self {
            sections: sections(&ask("llvm-size", &["-A"], elf)?),
            symbols: symbols(&ask("llvm-nm", &["-S", "-C"], elf)?),
            stack_sizes: ask("llvm-readobj", &["--stack-sizes"], elf)?,
            code: ask("llvm-objdump", &["-d", "--no-show-raw-insn"], elf)?,
        })
    }

    /// Bytes of the symbol of this name.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn size_of(&self, name: &str) -> Result<u64, String> {
        let found = self.symbols.iter().find(|symbol| symbol.name == name);
        found.map(|symbol| symbol.size).ok_or_else(|| format!("{name} is not linked"))
    }
}

impl Symbol {
    /// Its module in the core; else its owner, as far as its name shows.
    pub(crate) fn module(&self) -> String {
        let Some((_, path)) = self.name.split_once("cellscan_core::") else {
            let own = self.name.contains("budget");
            return if own { "what the program itself calls" } else { "libraries, texts" }.to_owned();
        };
        let mut parts = path.split("::");
        let is_module = |part: &&str| part.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        parts.by_ref().take(2).take_while(is_module).collect::<Vec<_>>().join("::")
    }
}

/// A name as it was written.
pub(crate) fn demangled(name: &str) -> Result<String, String> {
    let named = ask("llvm-cxxfilt", &[], Path::new(name))?;
    // Without the hash after each crate.
    let parts =
        named.trim_end().split('[').map(|part| part.split_once(']').map_or(part, |(_, behind)| behind));
    Ok(parts.collect())
}

fn ask(tool: &str, args: &[&str], elf: &Path) -> Result<String, String> {
    let version = std::env::var("LLVM").unwrap_or_else(|_| VERSION.to_owned());
    let tool = format!("{tool}{version}");
    let output = Command::new(&tool)
        .args(args)
        .arg(elf)
        .output()
        .map_err(|error| format!("unable to run {tool}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{tool} {}: {}", elf.display(), String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{tool}: {error}"))
}

/// `.text   38946   0`.
fn sections(text: &str) -> BTreeMap<String, u64> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
        })
        .collect()
}

/// `0000f1d8 00000142 t name of it`; a symbol without a size has no second number.
fn symbols(text: &str) -> Vec<Symbol> {
    text.lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(' ')?;
            let (first, behind) = rest.split_once(' ')?;
            let (size, kind, name) = match first.chars().next() {
                Some(kind) if first.len() == 1 => (0, kind, behind),
                _ => {
                    let (kind, name) = behind.split_once(' ')?;
                    (u64::from_str_radix(first, 16).ok()?, kind.chars().next()?, name)
                }
            };
            Some(Symbol { size, kind, name: name.to_owned() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_symbols_are_read() {
        let found = sections("x:\nsection size addr\n.text  38946  0\n.rodata 3531 38952\nTotal 9\n");
        assert_eq!((found[".text"], found[".rodata"]), (38_946, 3_531));
        let found = symbols("00000000 0000000a t core::a<b c>::d\n00000000 T e\n         U f\n");
        let found: Vec<_> = found.iter().map(|s| (s.size, s.kind, s.name.as_str())).collect();
        assert_eq!(found, [(10, 't', "core::a<b c>::d"), (0, 'T', "e")]);
    }

    #[test]
    fn a_symbol_shows_its_module() {
        let module = |name: &str| Symbol { size: 0, kind: 't', name: name.to_owned() }.module();
        assert_eq!(module("<cellscan_core::scan::scanner::Scanner>::step"), "scan::scanner");
        assert_eq!(module("<cellscan_core::time::Instant as core::ops::Add>::add"), "time");
        assert_eq!(module("memcpy"), "libraries, texts");
    }
}
