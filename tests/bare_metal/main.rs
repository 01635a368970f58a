//! The core runs on bare metal: the linker proves it, not an attribute.

#![expect(clippy::expect_used, reason = "a program that cannot be started must fail the test at that line")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Functions that a compiler may call implicitly; everything else must be in the archive.
const COMPILERS_OWN: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];

/// Those that a build without features links.
const CORES_OWN: [&str; 3] = ["embedded-io", "heapless", "nb"];

/// All libraries that the core may depend on, each a direct and normal dependency.
const DEPENDENCIES: [&str; 6] = ["defmt", "embedded-hal-nb", "embedded-io", "heapless", "log", "nb"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    // The flags of this test's own build do not apply to another package.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").arg("--offline");
    cargo
}

#[track_caller]
fn done(command: &mut Command) -> Output {
    let output = command.output().expect("it can be started");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The archive, built with the versions of the workspace's own lock file.
fn archive() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bare");
    let manifest = root().join("tests/bare/Cargo.toml");
    done(
        cargo()
            .args(["build", "--release", "--locked", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target),
    );
    target.join("release/libcellscan_bare.a")
}

/// Links the parts of the archive that the scan needs and nothing else: no libc, no start files, no undefined symbol.
fn link(archive: &Path, to: &Path) {
    let own = COMPILERS_OWN.iter().map(|name| format!("-Wl,--defsym={name}=0"));
    done(
        Command::new("cc")
            .args(["-shared", "-nostdlib", "-nostartfiles", "-Wl,-z,defs", "-Wl,--gc-sections"])
            .args(["-Wl,-u,cellscan_bare_scan", "-Wl,--exclude-libs,ALL"])
            .args(own)
            .arg(archive)
            .arg("-o")
            .arg(to),
    );
}

#[test]
fn a_scan_links_without_std_and_without_an_allocator() {
    let archive = archive();
    let linked = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bare.so");
    link(&archive, &linked);
    let symbols = done(Command::new("nm").arg("-C").arg(&linked)).stdout;
    let symbols = String::from_utf8_lossy(&symbols);
    for foreign in ["__rust_alloc", "__rdl_alloc", "std::", "alloc::", " malloc"] {
        let found: Vec<_> = symbols.lines().filter(|line| line.contains(foreign)).collect();
        assert_eq!(found, [""; 0], "{foreign} is linked");
    }
    let sections = done(Command::new("size").arg(&linked)).stdout;
    println!("{}", String::from_utf8_lossy(&sections));
}

/// Runs a scan and prints its sizes.
const PROGRAM: &str = r#"
#include <stdio.h>
int cellscan_bare_scan(void);
extern const size_t cellscan_bare_sizes[2];
int main(void) {
    printf("%zu bytes of scanner, %zu of driver\n", cellscan_bare_sizes[0], cellscan_bare_sizes[1]);
    return cellscan_bare_scan();
}
"#;

#[test]
fn a_scan_runs_on_a_stack_alone() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (directory.join("bare_scan.c"), directory.join("bare_scan"));
    std::fs::write(&source, PROGRAM).expect("the target directory can be written to");
    // Unwinding symbols occur only in functions that are never called, and are dropped with them.
    done(Command::new("cc").arg("-Wl,--gc-sections").arg(&source).arg(archive()).arg("-o").arg(&program));
    let said = done(&mut Command::new(program)).stdout;
    println!("{}", String::from_utf8_lossy(&said));
}

#[test]
fn other_lock_files_have_the_versions_of_the_workspace() {
    let packages = |path: PathBuf| -> Vec<(String, String)> {
        let text = std::fs::read_to_string(path).expect("a lock file");
        let value = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines
            .windows(2)
            .filter(|pair| pair[0].starts_with("name = "))
            .map(|pair| (value(pair[0]), value(pair[1])))
            .collect()
    };
    let workspace = packages(root().join("Cargo.lock"));
    for other in ["tests/bare/Cargo.lock", "tests/firmware/Cargo.lock"] {
        let found = packages(root().join(other));
        for name in CORES_OWN {
            // Other crates built there may use another version of their own.
            let is_same = found.iter().any(|package| package.0 == name && workspace.contains(package));
            assert!(is_same, "{name} in {other}: copy the version from the workspace's lock file");
        }
    }
}

#[test]
fn the_core_depends_on_six_libraries_at_most() {
    let tree = done(
        cargo()
            .current_dir(root())
            .args(["tree", "--locked", "-p", "cellscan-core", "-e", "normal", "--all-features"])
            .args(["--depth", "1", "--prefix", "none", "--format", "{p}"]),
    );
    let tree = String::from_utf8(tree.stdout).expect("text");
    let mut names: Vec<_> = tree.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, DEPENDENCIES);
}
