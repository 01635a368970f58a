//! The code in the section "In your firmware" of core/README.md is the firmware's own, which is compiled and run.

use std::fs;
use std::path::{Path, PathBuf};

const SECTION: &str = "\n## In your firmware\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Lines without indentation; without documentation, which the README words differently, and without empty lines.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("///")).collect()
}

#[test]
fn the_code_in_readme_is_the_firmware_s_own() {
    let readme = fs::read_to_string(root().join("core/README.md")).expect("README");
    let (_, section) = readme.split_once(SECTION).expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let sources = [
        "core/src/supervisor/own_ppp.rs",
        "tests/firmware/uart-scan/src/app.rs",
        "tests/firmware/embassy/src/main.rs",
    ]
    .map(|name| fs::read_to_string(root().join(name)).expect("a source"));
    let blocks: Vec<_> =
        section.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "there is code in it");
    for block in blocks {
        // A line of dots stands for omitted lines.
        let parts: Vec<_> = block.split("…\n").map(lines).collect();
        let says = |source: &String| {
            let source = lines(source);
            parts.iter().all(|part| source.windows(part.len()).any(|some| some == part))
        };
        assert!(sources.iter().any(says), "not in one file of the firmware:\n{block}");
    }
}
