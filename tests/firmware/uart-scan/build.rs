//! The memory layout of each target: the linker finds `memory.x` in the output directory.

use std::path::PathBuf;
use std::{env, fs};

/// AN386: code in the SSRAM at 0, data in that at `0x2000_0000`; QEMU has 4 MiB of each.
const MPS2_AN386: &str =
    "MEMORY { FLASH : ORIGIN = 0x00000000, LENGTH = 4M RAM : ORIGIN = 0x20000000, LENGTH = 4M }";
/// nRF51822 as on the first micro:bit.
const MICROBIT: &str =
    "MEMORY { FLASH : ORIGIN = 0x00000000, LENGTH = 256K RAM : ORIGIN = 0x20000000, LENGTH = 16K }";
/// All in RAM, where QEMU loads a kernel.
const VIRT: &str = r#"MEMORY { RAM : ORIGIN = 0x80000000, LENGTH = 1M }
REGION_ALIAS("REGION_TEXT", RAM);
REGION_ALIAS("REGION_RODATA", RAM);
REGION_ALIAS("REGION_DATA", RAM);
REGION_ALIAS("REGION_BSS", RAM);
REGION_ALIAS("REGION_HEAP", RAM);
REGION_ALIAS("REGION_STACK", RAM);
"#;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let target = env::var("TARGET").unwrap_or_default();
    let memory = match target.as_str() {
        "thumbv7em-none-eabihf" => MPS2_AN386,
        "thumbv6m-none-eabi" => MICROBIT,
        "riscv32imc-unknown-none-elf" => VIRT,
        // The library alone needs none.
        _ => return Ok(()),
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("memory.x"), memory)?;
    println!("cargo::rustc-link-search={}", out.display());
    if target.starts_with("riscv") {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    }
    Ok(())
}
