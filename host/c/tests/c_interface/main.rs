//! The C interface: checked by a C compiler, a linker, valgrind and the real `runsv`.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot be set up fails loudly")]

mod app;
mod callers;
mod compile;
mod gateway;
mod headers;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// For events that take a second at most on an idle machine.
const SOON: Duration = Duration::from_secs(20);

/// For a whole scan of the quick modem, which takes three seconds, under valgrind.
const SCAN: Duration = Duration::from_secs(90);

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
