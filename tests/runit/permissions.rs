//! `doctor` says what is open to other users, and the command that it names closes it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use cellscan_tests::support::{Bench, Supervised};
use rustix::process::geteuid;
use serde_json::Value;

use super::doctor::{doctor, run, sound, up};
use super::running::{run_dir, text};

/// A user that is neither root nor the one who runs the tests.
const ANOTHER: u32 = 65_534;

fn recordings(bench: &Bench) -> PathBuf {
    bench.root().join("recordings")
}

/// The record of a selection.
const RECORD: &str = "selected-0123456789abcdef.json";

/// The warnings about permissions: what was found, and the command.
#[track_caller]
fn warnings(bench: &Bench) -> Vec<(String, String)> {
    let mut command = doctor(bench);
    command.arg("--json").arg("--recordings").arg(recordings(bench));
    let said = text(&run(command));
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    let checks = lines.filter(|line| line["check"] == "permissions" && line["level"] != "ok");
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    checks.map(|line| (word(&line["found"]), word(&line["do"]))).collect()
}

/// A bench with all that there is to look at, a daemon included, and nothing of it open.
fn closed() -> (Bench, Supervised) {
    let bench = up(sound().script("finish", "#!/bin/sh\nexit 0\n").start());
    let daemon = Supervised::start(&bench, &run_dir(&bench), "--link none");
    let state = bench.root().join("state");
    for dir in [&state, &recordings(&bench)] {
        fs::DirBuilder::new().mode(0o700).recursive(true).create(dir).expect("it is ours");
    }
    for file in [state.join("carriers"), state.join(RECORD), recordings(&bench).join("scan-000001.atlog")] {
        fs::write(&file, "").expect("it is ours");
        set_mode(&file, 0o600);
    }
    assert_eq!(warnings(&bench), []);
    (bench, daemon)
}

#[track_caller]
fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

fn things(bench: &Bench) -> Vec<(&'static str, PathBuf, u32)> {
    let (run, state, service) = (run_dir(bench), bench.root().join("state"), bench.service());
    vec![
        ("run directory", run.clone(), 0o755),
        ("control socket", run.join("control"), 0o666),
        ("state directory", state.clone(), 0o755),
        ("remembered carriers", state.join("carriers"), 0o644),
        ("record of a selection", state.join(RECORD), 0o644),
        ("recordings", recordings(bench), 0o755),
        ("recording", recordings(bench).join("scan-000001.atlog"), 0o644),
        ("lock directory", bench.locks().to_path_buf(), 0o777),
        ("service directory", service.to_path_buf(), 0o777),
        ("service", service.join("run"), 0o757),
        ("service", service.join("finish"), 0o757),
        ("service", service.join("supervise"), 0o707),
        ("service", service.join("supervise/control"), 0o602),
        ("port", fs::canonicalize(bench.port()).expect("it is there"), 0o666),
    ]
}

#[test]
fn what_is_open_to_others_is_told_and_the_command_that_is_named_closes_it() {
    let (bench, _daemon) = closed();
    for (what, path, mode) in things(&bench) {
        set_mode(&path, mode);
        let told = warnings(&bench);
        let [(found, remedy)] = told.as_slice() else { panic!("{what} {}: {told:?}", path.display()) };
        let start = format!("{what} {} (mode {mode:04o}, user {}): ", path.display(), geteuid().as_raw());
        assert!(found.starts_with(&start) && found.contains("; wanted mode "), "{found}");
        let done = Command::new("sh").args(["-c", remedy]).status().expect("a shell");
        assert!(done.success(), "{remedy}");
        assert_eq!(warnings(&bench), [], "{remedy}");
    }
}

#[test]
fn what_belongs_to_another_user_is_told_and_the_command_that_is_named_takes_it_back() {
    if !geteuid().is_root() {
        println!("SKIPPED: only root may give a file to another user");
        return;
    }
    let (bench, _daemon) = closed();
    for (what, path, _) in things(&bench) {
        chown(&path, Some(ANOTHER), None).expect("we are root");
        let told = warnings(&bench);
        let [(found, remedy)] = told.as_slice() else { panic!("{what} {}: {told:?}", path.display()) };
        assert!(
            found.starts_with(what) && found.contains("user 65534): another user may change it"),
            "{found}"
        );
        let done = Command::new("sh").args(["-c", remedy]).status().expect("a shell");
        assert!(done.success(), "{remedy}");
        assert_eq!(warnings(&bench), [], "{remedy}");
    }
}
