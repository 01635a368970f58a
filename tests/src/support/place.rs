//! Programs and scripts, put in the place where they are started.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Puts a program in the place where it is started. A file that a process has open for writing cannot be executed, and a
/// fork in another thread of this test is such a process for a moment: so this function writes nothing, but links the
/// file, or copies it by a process of its own.
#[track_caller]
pub(super) fn place_program(from: &Path, to: &Path) {
    if fs::hard_link(from, to).is_err() {
        copy(from, to);
    }
}

#[track_caller]
pub(super) fn place_script(path: &Path, text: &str) {
    let source = path.with_extension("text");
    fs::create_dir_all(path.parent().expect("a script is in a directory"))
        .expect("a directory for the script");
    fs::write(&source, text).expect("a script");
    copy(&source, path);
    fs::remove_file(&source).expect("the script's source goes");
    let made = Command::new("chmod").arg("755").arg(path).status();
    assert!(made.is_ok_and(|made| made.success()), "{} cannot be made executable", path.display());
}

#[track_caller]
pub(super) fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("--").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|copied| copied.success()), "{} cannot be copied", from.display());
}
