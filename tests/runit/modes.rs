//! Who may read what a scan leaves on disk, and what it believes of what it finds there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use cellscan_tests::support::other_user::{OTHER_UID, is_root};
use cellscan_tests::support::{Bench, Workbench};

use super::SOON;
use super::running::{Ended, Running, quick_modem, run_dir, scan};

fn up() -> Bench {
    let bench = Workbench::new().modem(quick_modem()).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up() && bench.status().pid == before);
    bench
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

/// A command with a umask that takes nothing away.
fn with_umask_0(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 0; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn what_a_scan_leaves_on_disk_is_for_its_user_alone_also_with_umask_0() {
    let bench = up();
    let scan = Running::start(with_umask_0(&scan(&bench)));
    scan.wait_for_state(&bench, "3");
    let state = bench.root().join("state");
    let files = |dir: &Path| -> Vec<_> {
        fs::read_dir(dir).expect("it is there").flatten().map(|entry| entry.path()).collect()
    };
    let in_run_dir = files(&run_dir(&bench));
    assert_eq!(in_run_dir.len(), 2, "lease and claim: {in_run_dir:?}");
    for file in in_run_dir {
        assert_eq!(mode_of(&file), 0o600, "{}", file.display());
    }
    scan.end().must_be_complete(&bench);
    assert_eq!((mode_of(&run_dir(&bench)), mode_of(&state)), (0o700, 0o700));
    let in_state_dir = files(&state);
    assert!(in_state_dir.contains(&state.join("carriers")), "{in_state_dir:?}");
    assert_eq!(in_state_dir.len(), 3, "carriers, the record of the selected one, its lock: {in_state_dir:?}");
    for file in in_state_dir {
        assert_eq!(mode_of(&file), 0o600, "{}", file.display());
    }
}

/// A quick scan with this state directory, which holds a carrier that is not there.
fn quick(bench: &Bench, state: &Path) -> Ended {
    let mut command = bench.cellscan();
    command.arg("scan").arg("--service").arg(bench.service()).arg("--port").arg(bench.port());
    command.arg("--lock-dir").arg(bench.locks()).arg("--state-dir").arg(state);
    command.arg("--run-dir").arg(run_dir(bench)).args(["--json", "--quick", "--link", "none"]);
    Running::start(command).end()
}

#[test]
fn a_state_directory_that_is_not_ours_alone_is_warned_of_and_neither_read_nor_written() {
    let bench = up();
    let (state, link) = (bench.root().join("state"), bench.root().join("link"));
    let carriers = state.join("carriers");
    fs::create_dir(&state).expect("a directory");
    fs::write(&carriers, "# by another user\n00101\n").expect("written");
    symlink(&state, &link).expect("a link");
    let mode = |mode| fs::set_permissions(&state, fs::Permissions::from_mode(mode)).expect("it is ours");
    let must_be_warned_of = |dir: &Path, found: &str| {
        bench.wait_until(SOON, "up", || bench.status().is_up());
        let ended = quick(&bench, dir);
        ended.must_be_complete(&bench);
        for what in ["nothing is remembered", "the carriers are not remembered"] {
            let said = format!("{what}: {} is not to be trusted: {found}", dir.display());
            assert!(ended.lines.iter().any(|line| line.contains(&said)), "{said}: {:#?}", ended.lines);
        }
        assert!(!ended.lines.iter().any(|line| line.contains("00101")), "{:#?}", ended.lines);
        assert_eq!(fs::read_to_string(&carriers).expect("it stays"), "# by another user\n00101\n");
    };
    mode(0o777);
    must_be_warned_of(&state, "others may write to it");
    mode(0o720);
    must_be_warned_of(&state, "others may write to it");
    mode(0o700);
    must_be_warned_of(&link, "no directory, or a symbolic link");
    if is_root("no directory can be given to another user") {
        chown(&state, Some(OTHER_UID), None).expect("we are root");
        must_be_warned_of(&state, "it belongs to another user");
        chown(&state, Some(0), None).expect("we are root");
    }
    // The same directory, ours alone, is used.
    fs::write(&carriers, "310410\n").expect("written");
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let ended = quick(&bench, &state);
    ended.must_be_complete(&bench);
    assert!(!ended.lines.iter().any(|line| line.contains("remembered")), "{:#?}", ended.lines);
    assert_eq!(mode_of(&carriers), 0o600, "written anew");
}
