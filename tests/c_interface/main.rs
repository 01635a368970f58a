//! The C interface: what a C compiler, a linker, valgrind and the real `runsv` say of it.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot be set up fails loudly")]

mod compile;
mod headers;

use std::path::{Path, PathBuf};

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
