//! The deepest stack: sizes of frames along the calls that the code names.
//!
//! The bound holds as long as every call is direct and no function is recursive; other calls are an error. It is the deepest
//! chain of calls in the code, whether or not it can be executed.

use std::collections::{BTreeMap, BTreeSet};

/// The deepest chain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Depth {
    /// Bytes in all.
    pub(crate) bytes: u64,
    /// The functions of the chain, each with its own bytes.
    pub(crate) chain: Vec<(String, u64)>,
}

/// Frames and calls.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    frames: BTreeMap<String, u64>,
    callees: BTreeMap<String, BTreeSet<String>>,
    indirect: Vec<String>,
}

impl Calls {
    /// From the output of `llvm-readobj --stack-sizes` and `llvm-objdump -d`.
    pub(crate) fn read(sizes: &str, code: &str) -> Self {
        let mut found = Self { frames: frames(sizes), ..Self::default() };
        let mut function = String::new();
        for line in code.lines() {
            if let Some(name) = line.strip_suffix(">:").and_then(|line| Some(line.split_once('<')?.1)) {
                name.clone_into(&mut function);
                found.callees.entry(name.to_owned()).or_default();
            } else {
                found.instruction(&function, line);
            }
        }
        found
    }

    /// `    15c2:      bl      0x1a2 <name> @ imm = #0x10`.
    fn instruction(&mut self, function: &str, line: &str) {
        let mut words = line.split_whitespace().skip(1);
        let (Some(operation), operands) = (words.next(), words.collect::<Vec<_>>()) else { return };
        let target = operands.iter().find_map(|word| word.strip_prefix('<')?.strip_suffix('>'));
        let operation = operation.trim_end_matches(".w");
        match (operation, target) {
            // A branch within a function names it with an offset; one to its begin is a loop.
            ("bl" | "blx", Some(name)) => self.call(function, name),
            (branch, Some(name)) if branch.starts_with('b') && !name.contains('+') && name != function => {
                self.call(function, name);
            }
            ("blx" | "bx" | "mov" | "ldr" | "add", None) if goes_anywhere(operation, &operands) => {
                self.indirect.push(format!("{function}: {}", line.trim()));
            }
            _ => {}
        }
    }

    fn call(&mut self, from: &str, to: &str) {
        self.callees.entry(from.to_owned()).or_default().insert(to.to_owned());
    }

    /// Indirect calls, through a pointer.
    pub(crate) fn indirect(&self) -> &[String] {
        &self.indirect
    }

    /// The deepest stack from `root` on.
    ///
    /// # Errors
    /// A recursive function, or one with an unknown frame.
    pub(crate) fn deepest(&self, root: &str) -> Result<Depth, String> {
        self.below(root, &mut Vec::new(), &mut BTreeMap::new())
    }

    fn below(
        &self,
        function: &str,
        above: &mut Vec<String>,
        known: &mut BTreeMap<String, Depth>,
    ) -> Result<Depth, String> {
        if let Some(depth) = known.get(function) {
            return Ok(depth.clone());
        }
        if above.iter().any(|name| name == function) {
            return Err(format!("recursion: {} -> {function}", above.join(" -> ")));
        }
        let own = *self.frames.get(function).ok_or_else(|| format!("no frame is known of {function}"))?;
        above.push(function.to_owned());
        let mut deepest = Depth::default();
        for callee in self.callees.get(function).into_iter().flatten() {
            let depth = self.below(callee, above, known)?;
            if depth.bytes > deepest.bytes {
                deepest = depth;
            }
        }
        above.pop();
        deepest.bytes += own;
        deepest.chain.insert(0, (function.to_owned(), own));
        known.insert(function.to_owned(), deepest.clone());
        Ok(deepest)
    }
}

/// Whether it is an indirect jump; except for the return, and the jump tables of a `match`, which stay within the function.
fn goes_anywhere(operation: &str, operands: &[&str]) -> bool {
    match operation {
        "blx" => true,
        "bx" => operands != ["lr"],
        _ => operands.first().is_some_and(|to| *to == "pc,"),
    }
}

/// `Functions: [a, b]` and then `Size: 0x10`.
fn frames(text: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut names = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(list) = line.strip_prefix("Functions: [") {
            names = list.trim_end_matches(']').split(", ").map(str::to_owned).collect();
        } else if let Some(size) = line.strip_prefix("Size: 0x")
            && let Ok(size) = u64::from_str_radix(size, 16)
        {
            found.extend(names.drain(..).map(|name| (name, size)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: &str = "Entry {\n Functions: [a, alias]\n Size: 0x10\n}\nEntry {\n Functions: [b]\n Size: 0x8\n}\n\
        Entry {\n Functions: [c]\n Size: 0x20\n}\n";

    fn calls(code: &str) -> Calls {
        Calls::read(SIZES, code)
    }

    #[test]
    fn the_deepest_chain_counts_calls_and_branches_to_another_function() {
        let calls = calls(
            "00000000 <a>:\n  0: push {r7, lr}\n  2: bl 0x10 <b> @ imm\n  6: beq 0x2 <a+0x2>\n  8: b.w 0x20 <c>\n\
             00000010 <b>:\n  10: bx lr\n00000020 <c>:\n  20: pop {r7, pc}\n",
        );
        let chain = vec![("a".to_owned(), 16), ("c".to_owned(), 32)];
        assert_eq!(calls.deepest("a"), Ok(Depth { bytes: 48, chain }));
        assert_eq!(calls.indirect(), [""; 0]);
    }

    #[test]
    fn recursion_is_an_error() {
        let calls = calls("0 <a>:\n 0: bl 0x10 <b>\n10 <b>:\n 10: bl 0x0 <a>\n");
        assert_eq!(calls.deepest("a"), Err("recursion: a -> b -> a".to_owned()));
    }

    #[test]
    fn a_call_of_the_own_function_is_recursion_and_a_loop_is_not() {
        assert!(calls("0 <a>:\n 0: bl 0x0 <a>\n").deepest("a").is_err());
        assert!(calls("0 <a>:\n 0: b 0x0 <a>\n").deepest("a").is_ok());
    }

    #[test]
    fn a_function_without_a_frame_is_an_error() {
        assert!(calls("0 <a>:\n 0: bl 0x10 <d>\n10 <d>:\n 10: bx lr\n").deepest("a").is_err());
    }

    #[test]
    fn calls_through_a_pointer_are_found() {
        for line in ["blx r10", "bx r3", "mov pc, r4", "ldr pc, [r1]"] {
            assert_eq!(calls(&format!("0 <a>:\n 0: {line}\n")).indirect().len(), 1, "{line}");
        }
        for line in ["bx lr", "tbb [pc, r0]", "mov r4, pc", "blx 0x10 <b>"] {
            assert_eq!(calls(&format!("0 <a>:\n 0: {line}\n")).indirect().len(), 0, "{line}");
        }
    }
}
