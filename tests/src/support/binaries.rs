//! The programs under test.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The built `cellscan`, ready for arguments. It is searched beside the running test, and built once, with the same
/// profile, where it is missing or older than its sources.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
#[track_caller]
pub fn cellscan() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let path = BUILT.get_or_init(|| {
        let path = beside_this_test("cellscan");
        if is_outdated(&path) {
            build(&path);
        }
        path
    });
    Command::new(path)
}

/// The stand-in for `pppd`, which Cargo builds before it runs the tests of this package.
///
/// # Panics
///
/// When it is missing.
#[must_use]
#[track_caller]
pub fn stand_in() -> PathBuf {
    let path = beside_this_test("pppd_stand_in");
    assert!(
        path.exists(),
        "{} is missing: run the tests with `cargo test -p cellscan-tests`",
        path.display()
    );
    path
}

/// A busybox with the applets `runsv` and `sv`: `$CELLSCAN_BUSYBOX`, or what `tests/busybox` has built. `None`
/// where there is none: Debian's own has neither.
#[must_use]
pub fn busybox() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let built = || Some(beside_this_test("").parent()?.join("busybox/busybox"));
        let path = env::var_os("CELLSCAN_BUSYBOX").map(PathBuf::from).or_else(built)?;
        let listed = Command::new(&path).arg("--list").output().ok()?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        ["runsv", "sv"].iter().all(|name| listed.lines().any(|line| line == *name)).then_some(path)
    };
    FOUND.get_or_init(find).clone()
}

/// `target/<profile>/<name>`; the test itself is in `target/<profile>/deps`.
#[track_caller]
fn beside_this_test(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a running test knows its path");
    let directory = test.parent().expect("a program is in a directory");
    let profile =
        if directory.ends_with("deps") { directory.parent().unwrap_or(directory) } else { directory };
    profile.join(name)
}

fn is_outdated(program: &Path) -> bool {
    let Ok(built) = fs::metadata(program).and_then(|file| file.modified()) else {
        return true;
    };
    let root = workspace();
    // The packages that the program is made of.
    let packages = ["core", "host", "host/custody", "host/linux", "host/redact", "sim"];
    packages.iter().map(|package| root.join(package)).any(|package| {
        let manifest = fs::metadata(package.join("Cargo.toml")).and_then(|file| file.modified()).ok();
        newest(&package.join("src")).max(manifest).is_some_and(|source| source > built)
    })
}

fn newest(directory: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(directory).ok()?.flatten();
    let times = entries.filter_map(|entry| {
        let path = entry.path();
        match path.extension() {
            None if path.is_dir() => newest(&path),
            Some(kind) if kind == "rs" || kind == "toml" => entry.metadata().ok()?.modified().ok(),
            _ => None,
        }
    });
    times.max()
}

#[track_caller]
fn build(program: &Path) {
    let profile = program.parent().expect("a program is in a directory");
    let target = profile.parent().expect("a profile is in the target directory");
    let name = profile.file_name().and_then(|name| name.to_str()).unwrap_or("debug");
    let name = if name == "debug" { "dev" } else { name };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "cellscan", "--profile", name, "--target-dir"])
        .arg(target)
        .current_dir(workspace())
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success() && program.exists(), "{} cannot be built:\n{said}", program.display());
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new(".")).to_owned()
}
