//! Compiles and links C, as an application would.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::root;

/// The warnings of the compiler; each is an error.
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

/// The library that a program is linked with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Library {
    Static,
    Shared,
    /// The state machine alone, as in firmware.
    Firmware,
}

/// A compiled and linked program; its directory is removed with this value.
#[derive(Debug)]
pub(super) struct Program {
    directory: TempDir,
}

impl Program {
    /// Compiles and links it.
    #[track_caller]
    pub(super) fn new(source: &Path, library: Library) -> Self {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary directory");
        let program = directory.path().join("program");
        let mut command = compiler(Language::C11);
        command.arg(source).args(["-x", "none", "-o"]).arg(&program);
        match library {
            Library::Static => command.arg(built("libcellscan_gateway.a")).args(["-lpthread", "-ldl", "-lm"]),
            // The archive needs from a libc only functions that the compiler may call, and they are present here.
            Library::Firmware => command.arg(firmware()).arg("-Wl,--gc-sections"),
            Library::Shared => {
                let shared = built("libcellscan_gateway.so");
                // As installed: the name for the linker leads to the name for the loader.
                for name in ["libcellscan_gateway.so", SHARED_NAME] {
                    symlink(&shared, directory.path().join(name)).expect("a link");
                }
                command.arg("-L").arg(directory.path()).arg("-lcellscan_gateway")
            }
        };
        done(&mut command);
        Self { directory }
    }

    /// A command that runs it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(self.directory.path().join("program"));
        command.env("LD_LIBRARY_PATH", self.directory.path());
        command
    }

    /// A command that runs it under valgrind: any error and any lost byte ends it with a special exit code.
    pub(super) fn under_valgrind(&self) -> Command {
        let mut command = Command::new("valgrind");
        command
            .args(["-q", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible"])
            .args(["--track-fds=yes", "--child-silent-after-fork=yes", "--error-exitcode=99"])
            .arg(format!("--log-file={}", self.valgrind_log().display()))
            .arg(self.directory.path().join("program"))
            .env("LD_LIBRARY_PATH", self.directory.path());
        command
    }

    fn valgrind_log(&self) -> PathBuf {
        self.directory.path().join("valgrind.log")
    }

    /// Checks that valgrind reported only system calls that are newer than itself (they return `ENOSYS`), and that only descriptors
    /// from the beginning were open at the end.
    #[track_caller]
    pub(super) fn must_have_been_clean(&self) {
        let log = fs::read_to_string(self.valgrind_log()).expect("valgrind wrote one");
        let found = |word: &str| log.lines().filter(|line| line.contains(word)).count();
        let open = found("Open file descriptor");
        assert!(log.contains("FILE DESCRIPTORS"), "it did not run to its end:\n{log}");
        assert_eq!(open, found("<inherited from parent>"), "a descriptor was left open:\n{log}");
        for word in ["Invalid", "ninitialised", "lost in loss record", "overlap", "Mismatched"] {
            assert_eq!(found(word), 0, "{log}");
        }
    }
}

/// The name of the shared library with the version of its interface.
const SHARED_NAME: &str = "libcellscan_gateway.so.1";

/// A library that Cargo has built of this package for its tests, in the directory of this test.
#[track_caller]
fn built(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a running test knows its path");
    let path = test.with_file_name(name);
    assert!(
        path.exists(),
        "{} is missing: Cargo builds it for the tests of cellscan-gateway",
        path.display()
    );
    path
}

/// The archive for firmware, built as the header says, for this machine.
#[track_caller]
fn firmware() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware");
    let mut cargo = Command::new(env!("CARGO"));
    // Flags for this test's own build do not apply to another profile.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").current_dir(root());
    cargo.args(["rustc", "--offline", "--locked", "-q", "-p", "cellscan-machine", "--profile", "firmware"]);
    cargo.args(["--features", "firmware", "--crate-type", "staticlib", "--target-dir"]).arg(&target);
    done(&mut cargo);
    target.join("firmware/libcellscan_machine.a")
}

/// A path for temporary files of this test.
pub(super) fn scratch(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("c-{}-{number}-{name}", std::process::id()))
}

#[track_caller]
pub(super) fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}{errors}");
    said
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

/// Compiles a text as a file of its own, and removes the result.
#[track_caller]
pub(super) fn compile_alone(text: &str, language: Language) {
    let (source, object) = (scratch("alone.txt"), scratch("alone.o"));
    fs::write(&source, text).expect("the target directory can be written to");
    done(compiler(language).arg("-c").arg(&source).arg("-o").arg(&object));
    for file in [source, object] {
        fs::remove_file(file).expect("it was created above");
    }
}
