//! Another user of this machine, without any privileges.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

/// The user id of `nobody` on every Linux.
pub const OTHER_UID: u32 = 65_534;

/// A program run by that user, which ends with the calling thread at the latest. `None`, and a SKIPPED line: this test
/// does not run as root, and so cannot become another user.
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

/// Whether this test runs as root; else it prints SKIPPED and what it leaves out.
#[must_use]
#[expect(clippy::print_stdout, reason = "the output says which tests were skipped")]
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
