//! Compiles and links C, as an application would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::root;

/// What is warned of, all of it an error.
const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

/// A language, by its version.
#[derive(Clone, Copy, Debug)]
pub(super) enum Language {
    C11,
    Cpp17,
}

impl Language {
    const fn compiler(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::C11 => ("gcc", "-std=c11", "c"),
            Self::Cpp17 => ("g++", "-std=c++17", "c++"),
        }
    }
}

/// Where something of this test may be made.
pub(super) fn scratch(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("c-{}-{number}-{name}", std::process::id()))
}

#[track_caller]
pub(super) fn done(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn compiler(language: Language) -> Command {
    let (program, standard, kind) = language.compiler();
    let mut command = Command::new(program);
    command.arg(standard).args(WARNINGS).args(["-g", "-D_DEFAULT_SOURCE", "-x", kind]);
    for directory in ["core/c/include", "host/c/include"] {
        command.arg("-I").arg(root().join(directory));
    }
    command
}

/// Compiles a text that is a whole file, and keeps nothing of it.
#[track_caller]
pub(super) fn compile_alone(text: &str, language: Language) {
    let (source, object) = (scratch("alone.txt"), scratch("alone.o"));
    fs::write(&source, text).expect("the target directory can be written to");
    done(compiler(language).arg("-c").arg(&source).arg("-o").arg(&object));
    for file in [source, object] {
        fs::remove_file(file).expect("it was made above");
    }
}
