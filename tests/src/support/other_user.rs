//! Another user of this machine, who has a shell and no more.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

/// Nobody's number on every Linux.
pub const OTHER_UID: u32 = 65_534;

/// A program as that user runs it, which ends with the calling thread at the latest. `None`, and a line that says so: this test
/// does not run as root, and cannot be another.
#[must_use]
pub fn as_other_user(program: impl AsRef<OsStr>) -> Option<Command> {
    if !is_root("nothing can be done as another user") {
        return None;
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--clear-groups", "--no-new-privs"]);
    command.arg(format!("--reuid={OTHER_UID}")).arg(format!("--regid={OTHER_UID}")).arg("--").arg(program);
    Some(command)
}

/// Whether this test runs as root; else a line says what is left out.
#[must_use]
#[expect(clippy::print_stdout, reason = "whoever reads the tests' output is to know what they did not do")]
pub fn is_root(left_out: &str) -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        println!("SKIPPED: not root, {left_out}");
    }
    is_root
}

/// Others may walk through the directory of a bench from now on.
///
/// # Panics
/// When it is not ours.
#[track_caller]
#[expect(clippy::expect_used, reason = "a bench that cannot be set up fails loudly")]
pub fn let_others_reach(root: &Path) {
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("it is ours");
}
