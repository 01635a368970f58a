//! Names the shared library by the version of its interface: a program linked to one version does not start with another.

use std::fs;
use std::io;
use std::path::Path;

/// The file that states the version of the interface.
const BORDER: &str = "../../core/c/src/border.rs";
const STATEMENT: &str = "pub const CELLSCAN_ABI: u32 = ";

fn main() -> io::Result<()> {
    let border = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(BORDER))?;
    let stated = border.lines().find_map(|line| line.strip_prefix(STATEMENT)?.strip_suffix(';'));
    let abi = stated.ok_or_else(|| io::Error::other(format!("{BORDER} states no CELLSCAN_ABI")))?;
    println!("cargo:rerun-if-changed={BORDER}");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcellscan_gateway.so.{abi}");
    Ok(())
}
