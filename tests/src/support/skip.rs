//! Tests that this machine cannot run.

use std::env;
use std::path::PathBuf;

use super::binaries;

/// Prints that a test is skipped, and why.
#[expect(clippy::print_stdout, reason = "the output says which tests were skipped")]
pub fn skipped(why: &str) {
    println!("SKIPPED: {why}");
}

/// A busybox with `runsv` and `sv`; `None`, and a SKIPPED line, where there is none.
///
/// # Panics
/// Where there is none and `CI=true`: there `tests/run` builds one, and its absence must not look like success.
#[must_use]
pub fn busybox_or_skipped() -> Option<PathBuf> {
    let found = binaries::busybox();
    if found.is_none() {
        let why = "no busybox with runsv and sv; tests/busybox builds one";
        assert!(!is_ci(env::var("CI").ok().as_deref()), "{why}");
        skipped(why);
    }
    found
}

fn is_ci(variable: Option<&str>) -> bool {
    variable == Some("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ci_true_makes_a_missing_busybox_a_failure() {
        assert!(is_ci(Some("true")));
        assert!(!is_ci(None) && !is_ci(Some("")) && !is_ci(Some("false")));
    }
}
