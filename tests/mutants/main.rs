//! Each rule of the walk (`tests/properties/walk.rs`) finds a machine that violates it.
//!
//! The core is copied, one place in it is changed, and a shorter walk is built against it, in a package of its own. It must find
//! the rule violated that the mutant was made for; a mutant that cannot be applied or does not build fails the test.
//! `cargo test -p cellscan-tests --test mutants -- --nocapture` prints how far each walk went.

#![expect(clippy::expect_used, reason = "a copy that cannot be made must fail the test at that line")]

mod list;
#[path = "../properties/rules.rs"]
mod rules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use list::{MUTANTS, Mutant};

/// Snapshots of each setting, at most. The slowest to be found needs half of them.
const NODES_MAX: usize = 30_000;

/// Builds at once. Each needs a copy of its own.
const COPIES: usize = 2;

/// The files of the walk.
const WALK: [&str; 6] = ["alphabet.rs", "explore.rs", "heard.rs", "key.rs", "rules.rs", "world.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The manifest of the workspace around a copy: the versions of the libraries are those of the real one.
fn manifest(real: &str) -> String {
    let from = real.find("[workspace.package]").expect("the manifest has a package section");
    let to = real.find("[profile.").unwrap_or(real.len());
    let shared = real.get(from..to).unwrap_or_default();
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"core\", \"walk\"]\n\n{shared}\n\
         # Assertions stay on. More optimisation takes longer than it saves in a short walk.\n\
         [profile.dev]\nopt-level = 1\ndebug = false\n"
    )
}

const WALKS_MANIFEST: &str = "[package]
name = \"cellscan-walk\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true

[dependencies]
cellscan-core.workspace = true
foldhash.workspace = true
";

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("it can be made");
    // An unchanged file keeps its time, so that cargo does not build it again.
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::write(path, text).expect("it can be written");
    }
}

/// The Rust files below a directory, from there.
fn sources(of: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(of.join(&at)).expect("it can be listed") {
            let entry = entry.expect("it can be read");
            let path = at.join(entry.file_name());
            if entry.file_type().expect("it has a type").is_dir() {
                left.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// A copy of the core and of the walk.
struct Copy {
    place: PathBuf,
}

impl Copy {
    fn new(number: usize) -> Self {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutants-{number}"));
        let copy = Self { place };
        let read = |path: PathBuf| fs::read_to_string(path).expect("it is in the repository");
        write(&copy.place.join("Cargo.toml"), &manifest(&read(root().join("Cargo.toml"))));
        write(&copy.place.join("Cargo.lock"), &read(root().join("Cargo.lock")));
        write(&copy.place.join("core/Cargo.toml"), &read(root().join("core/Cargo.toml")));
        write(&copy.place.join("walk/Cargo.toml"), WALKS_MANIFEST);
        write(&copy.place.join("walk/src/main.rs"), &read(root().join("tests/mutants/walk.rs")));
        for file in WALK {
            write(&copy.place.join("walk/src").join(file), &read(root().join("tests/properties").join(file)));
        }
        // Files of an older checkout must not stay.
        let _ = fs::remove_dir_all(copy.place.join("core/src"));
        for file in sources(&root().join("core/src")) {
            copy.restore(&file);
        }
        copy
    }

    fn restore(&self, file: &Path) {
        let text = fs::read_to_string(root().join("core/src").join(file)).expect("a source is text");
        write(&self.place.join("core/src").join(file), &text);
    }

    /// What the walk of all settings, or of a whole one, prints; the error of the compiler where it does not build.
    fn walk(&self, whole: Option<&str>) -> Result<String, String> {
        let mut cargo = Command::new(env!("CARGO"));
        // The flags of this test's own build do not apply to another package.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").current_dir(&self.place);
        cargo.args(["build", "--quiet", "--offline", "--package", "cellscan-walk", "--target-dir", "target"]);
        let built = cargo.output().expect("cargo can be started");
        if !built.status.success() {
            return Err(String::from_utf8_lossy(&built.stderr).into_owned());
        }
        let walked = Command::new(self.place.join("target/debug/cellscan-walk"))
            .arg(whole.map_or(NODES_MAX, |_| usize::MAX).to_string())
            .args(whole)
            .output()
            .expect("the walk can be started");
        Ok(String::from_utf8_lossy(&walked.stdout).into_owned())
    }

    /// Applies a mutant, walks, and takes it back. The error says why it was not caught.
    fn catch(&self, mutant: &Mutant) -> Result<String, String> {
        let file = Path::new(mutant.file);
        write(&self.place.join("core/src").join(file), &applied(mutant)?);
        let walked = self.walk(mutant.late_in);
        self.restore(file);
        let walked = walked.map_err(|error| format!("it does not build:\n{error}"))?;
        // A step may violate more than one.
        let mut violated = walked.lines().filter_map(|line| line.strip_prefix("violated: "));
        if violated.any(|rule| rule == mutant.rule) {
            Ok(walked)
        } else {
            Err(format!("instead of {:?} the walk found this:\n{walked}", mutant.rule))
        }
    }
}

/// The length of the piece at the begin of `source` that equals `text` but for the amount of white space.
fn matched(source: &str, text: &str) -> Option<usize> {
    let mut rest = source;
    for (nth, word) in text.split_whitespace().enumerate() {
        let trimmed = rest.trim_start();
        if nth == 0 && trimmed.len() != rest.len() {
            return None;
        }
        rest = trimmed.strip_prefix(word)?;
    }
    Some(source.len() - rest.len())
}

/// `source` with the only occurrence of `text` replaced.
fn mutated(source: &str, text: &str, replacement: &str) -> Result<String, String> {
    let found: Vec<(usize, usize)> = source
        .char_indices()
        .filter_map(|(at, _)| matched(source.get(at..)?, text).map(|length| (at, length)))
        .collect();
    let [(at, length)] = found[..] else {
        return Err(format!("this text occurs {} times, not once: {text}", found.len()));
    };
    let (before, behind) = source.split_at(at);
    Ok([before, replacement, behind.get(length..).unwrap_or_default()].concat())
}

/// The file of a mutant with its change.
fn applied(mutant: &Mutant) -> Result<String, String> {
    let original = fs::read_to_string(root().join("core/src").join(mutant.file));
    let original = original.map_err(|error| format!("core/src/{}: {error}", mutant.file))?;
    mutated(&original, mutant.text, mutant.replacement)
        .map_err(|error| format!("core/src/{}: {error}", mutant.file))
}

#[test]
fn the_text_of_each_mutant_occurs_once() {
    let failed = |mutant: &Mutant| applied(mutant).err().map(|why| format!("{}: {why}", mutant.name));
    let lost: Vec<String> = MUTANTS.iter().filter_map(failed).collect();
    assert!(lost.is_empty(), "the core has changed: tests/mutants/list.rs must follow\n{}", lost.join("\n"));
}

#[test]
fn each_mutant_is_caught_by_the_walk() {
    let left = Mutex::new(MUTANTS.iter());
    let next = &|| left.lock().expect("no test panics while it holds this").next();
    let missed: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..COPIES)
            .map(|number| {
                scope.spawn(move || {
                    let copy = Copy::new(number);
                    let unchanged = copy.walk(None).expect("the core builds as it is");
                    assert!(unchanged.starts_with("kept: "), "the core as it is: {unchanged}");
                    let mut missed = Vec::new();
                    while let Some(mutant) = next() {
                        match copy.catch(mutant) {
                            Ok(walked) => {
                                let reached = walked.lines().next().unwrap_or_default();
                                println!("{}: caught, {reached}", mutant.name);
                            }
                            Err(why) => missed.push(format!("{}: {why}", mutant.name)),
                        }
                    }
                    missed
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("the cause is above")).collect()
    });
    assert!(missed.is_empty(), "{} of {} mutants live\n{}", missed.len(), MUTANTS.len(), missed.join("\n"));
}

#[test]
fn a_text_that_is_not_found_once_is_an_error_that_says_so() {
    let source = "fn f() {\n    act(now);\n    act(later);\n}\n";
    assert_eq!(mutated(source, "f() { act(now);", "f() {"), Ok("fn f() {\n    act(later);\n}\n".to_owned()));
    assert_eq!(mutated(source, "gone", ""), Err("this text occurs 0 times, not once: gone".to_owned()));
    assert_eq!(mutated(source, "act(", ""), Err("this text occurs 2 times, not once: act(".to_owned()));
}
