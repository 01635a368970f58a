//! Code that must not be linked.

use crate::tools::Symbol;

/// Forbidden code, and how its symbols are recognised.
pub(crate) struct Foreign {
    /// Its name.
    pub(crate) what: &'static str,
    /// Whether this symbol belongs to it.
    pub(crate) is: fn(&str) -> bool,
}

/// The forbidden code. The linker finds panics; here is other code with an unbounded cost in flash, RAM or time.
pub(crate) const FOREIGN: [Foreign; 5] = [
    Foreign { what: "panics", is: is_panic },
    Foreign { what: "allocations", is: is_allocation },
    Foreign { what: "core::fmt", is: |name| name.contains("core::fmt") },
    // A microcontroller divides 32 bits in hardware; for 64 it calls a routine of half a kilobyte.
    Foreign { what: "divisions of 64 bits", is: is_long_division },
    Foreign { what: "floating-point routines", is: is_soft_float },
];

fn is_panic(name: &str) -> bool {
    ["core::panicking", "rust_begin_unwind", "a_panic_can_be_reached"].iter().any(|part| name.contains(part))
}

fn is_allocation(name: &str) -> bool {
    ["__rust_alloc", "__rust_realloc", "__rdl_", "alloc::", "malloc"].iter().any(|part| name.contains(part))
}

fn is_long_division(name: &str) -> bool {
    let routine = ["__aeabi_uldivmod", "__aeabi_ldivmod", "__udivdi3", "__umoddi3", "__divdi3", "__moddi3"];
    routine.contains(&name) || name.contains("u64_div_rem") || name.contains("udivmod")
}

/// `__aeabi_fadd`, `__aeabi_d2iz`, `__muldf3` …
fn is_soft_float(name: &str) -> bool {
    let of_arm = [
        "__aeabi_f",
        "__aeabi_d",
        "__aeabi_i2",
        "__aeabi_ui2",
        "__aeabi_l2",
        "__aeabi_ul2",
        "__aeabi_cf",
        "__aeabi_cd",
    ];
    let of_gcc = name.starts_with("__")
        && ["sf", "df", "sf2", "df2", "sf3", "df3"].iter().any(|end| name.ends_with(end));
    of_arm.iter().any(|begin| name.starts_with(begin)) || of_gcc || name.contains("compiler_builtins::float")
}

/// Arithmetic of the floating-point unit: moves are left out, since a compiler may copy with them.
pub(crate) fn float_instructions(code: &str) -> Vec<&str> {
    code.lines()
        .filter(|line| {
            let operation = line.split_whitespace().nth(1).unwrap_or_default();
            let (name, kind) = operation.split_once('.').unwrap_or_default();
            let is_float = kind.contains("f16") || kind.contains("f32") || kind.contains("f64");
            name.starts_with('v') && is_float && !name.starts_with("vmov")
        })
        .map(str::trim)
        .collect()
}

/// The symbols that belong to it.
pub(crate) fn found<'a>(symbols: &'a [Symbol], foreign: &Foreign) -> Vec<&'a str> {
    symbols.iter().map(|symbol| symbol.name.as_str()).filter(|name| (foreign.is)(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_symbols_are_distinguished_from_allowed_ones() {
        let foreign = [
            "core::panicking::panic_bounds_check",
            "__rust_alloc",
            "<u32 as core::fmt::Display>::fmt",
            "__aeabi_uldivmod",
            "__aeabi_fadd",
        ];
        for (name, kind) in foreign.iter().zip(&FOREIGN) {
            assert!((kind.is)(name), "{name} is of {}", kind.what);
        }
        for (name, kind) in ["__muldf3", "compiler_builtins::int::u64_div_rem"].iter().zip([4, 3]) {
            assert!((FOREIGN[kind].is)(name), "{name}");
        }
        for own in ["__aeabi_memcpy", "cellscan_core::at::errors::cme_code", "budget_poll"] {
            assert!(FOREIGN.iter().all(|kind| !(kind.is)(own)), "{own}");
        }
    }

    #[test]
    fn arithmetic_on_floats_is_found() {
        let code = "  0: vadd.f32 s0, s0, s1\n  4: vmov.f64 d0, d1\n  8: vstr d0, [r0]\n  c: add r0, r1\n";
        assert_eq!(float_instructions(code), ["0: vadd.f32 s0, s0, s1"]);
    }
}
