//! The claim on a service: no other user can take it, nor wait for it, and only a living process of ours is left alone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cellscan_tests::support::other_user::{OTHER_UID, as_other_user, is_root, let_others_reach};
use cellscan_tests::support::{Bench, Want, Workbench, leases, processes};
use rustix::process::Signal;
use serde_json::Value;

use super::SOON;
use super::ends::{must_be_up_again, started};
use super::lease::{abandoned_in, restore};
use super::running::{Running, quick_modem, run_dir, scan};

/// A process that ends with this.
struct Holder(Child);

impl Holder {
    /// Started, and past the line that says so.
    #[track_caller]
    fn start(mut command: Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut holder = Self(child.expect("it starts"));
        let mut line = String::new();
        let stdout = holder.0.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("UTF-8");
        assert_eq!(line.trim_end(), "ready");
        holder
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Another user's process that has the service directory open and locked, by `flock(1)`.
fn locker(bench: &Bench) -> Option<Holder> {
    let mut command = as_other_user("flock")?;
    let_others_reach(bench.root());
    command.args(["--exclusive", "--no-fork"]).arg(bench.service());
    command.args(["sh", "-c", "echo ready; exec sleep 600"]);
    Some(Holder::start(command))
}

/// The same, which waits for the lock and has it as soon as it is free.
fn waiter(bench: &Bench) -> Option<Holder> {
    let mut command = as_other_user("sh")?;
    let_others_reach(bench.root());
    command.args(["-c", "exec 9<\"$0\"; echo ready; flock -x 9; exec sleep 600"]).arg(bench.service());
    Some(Holder::start(command))
}

/// The file that is locked for the claim.
#[track_caller]
fn claim_file(bench: &Bench) -> PathBuf {
    let entries = fs::read_dir(run_dir(bench)).expect("it is there").flatten();
    let mut claims = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("claim-"));
    claims.next().expect("a claim").path()
}

/// Holds a lock on a file that was opened for it by root, as this user or as another: in the kernel's table it is that process.
fn holder_of(file: &Path, as_other: bool) -> Holder {
    let user = if as_other {
        format!("--reuid={OTHER_UID} --regid={OTHER_UID} --clear-groups")
    } else {
        String::new()
    };
    // Of perl-base, which every Debian has: `flock(1)` would open the file anew.
    let locks = r#"open(F, ">&=9") or die; flock(F, 2) or die; $| = 1; print "ready\n"; sleep 600"#;
    let script = format!("exec 9<>\"$0\"; exec setpriv {user} --pdeathsig KILL perl -e '{locks}'");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(file);
    Holder::start(command)
}

fn up() -> (Bench, u32) {
    let bench = Workbench::new().modem(quick_modem()).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up() && bench.status().pid == before);
    (bench, before)
}

#[test]
fn another_user_who_locks_the_service_directory_keeps_no_scan_out() {
    let (bench, before) = up();
    let Some(_holder) = locker(&bench) else { return };
    Running::start(scan(&bench)).end().must_be_complete(&bench);
    must_be_up_again(&bench, before);
}

#[test]
fn another_user_who_waits_for_a_lock_keeps_no_guard_from_giving_back() {
    let (bench, before, scan) = started("3");
    let Some(_holder) = waiter(&bench) else { return };
    scan.signal(Signal::KILL);
    // No lease is left either.
    must_be_up_again(&bench, before);
}

#[test]
fn another_user_who_waits_for_a_lock_keeps_restore_from_nothing() {
    let (bench, before, _pid) = abandoned_in("3");
    let Some(_holder) = waiter(&bench) else { return };
    let (code, out) = restore(&bench, &[]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("wanted up again; the lease of process ") && !out.contains("left alone"), "{out}");
    must_be_up_again(&bench, before);
}

#[test]
fn another_user_can_open_neither_the_claim_nor_its_directory() {
    let (bench, _before, scan) = started("3");
    let claim = claim_file(&bench);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
    assert_eq!((mode(&claim), mode(&run_dir(&bench))), (0o600, 0o700));
    let_others_reach(bench.root());
    for path in [&claim, &run_dir(&bench)] {
        let Some(mut flock) = as_other_user("flock") else { break };
        let tried = flock.arg("--nonblock").arg(path).arg("true").output().expect("it starts");
        let said = String::from_utf8_lossy(&tried.stderr);
        assert!(!tried.status.success() && said.contains("Permission denied"), "{said}");
    }
    scan.end().must_be_complete(&bench);
}

#[test]
fn restore_does_not_believe_another_user_who_has_the_claim() {
    if !is_root("a descriptor of the claim cannot be given to another user") {
        return;
    }
    let (bench, before, _pid) = abandoned_in("3");
    let holder = holder_of(&claim_file(&bench), true);
    // What it cannot do is no success.
    let runsv = bench.runsv_pid().expect("it runs");
    assert!(processes::signal(runsv, Signal::STOP));
    let (code, out) = restore(&bench, &["--timeout", "1s"]);
    assert_eq!(code, Some(111), "{out}");
    assert!(
        out.contains("not obeyed within 1 s")
            && out.contains("the claim could not be had, though no living process of this user has it"),
        "{out}"
    );
    assert_eq!((bench.status().want, leases(&bench).len()), (Want::Down, 1));
    assert!(processes::signal(runsv, Signal::CONT));
    let (code, out) = restore(&bench, &["--json"]);
    let said: Value = serde_json::from_str(out.trim()).expect("one object");
    assert_eq!((code, &said["outcome"]), (Some(0), &"given_back".into()), "{out}");
    must_be_up_again(&bench, before);
    drop(holder);
}

#[test]
fn restore_leaves_alone_what_a_living_process_of_ours_has_claimed() {
    let (bench, before, _pid) = abandoned_in("3");
    let holder = holder_of(&claim_file(&bench), false);
    let (code, out) = restore(&bench, &[]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains(&format!("process {} holds it; left alone", holder.0.id())), "{out}");
    assert!(bench.status().is_held_down() && leases(&bench).len() == 1);
    drop(holder);
    assert_eq!(restore(&bench, &[]).0, Some(0));
    must_be_up_again(&bench, before);
}

#[test]
fn a_claim_that_another_user_may_have_opened_is_refused_and_nothing_is_taken() {
    let (bench, before) = up();
    Running::start(scan(&bench)).end().must_be_complete(&bench);
    must_be_up_again(&bench, before);
    let (claim, other) = (claim_file(&bench), run_dir(&bench).join("other"));
    let mode = |mode| fs::set_permissions(&claim, fs::Permissions::from_mode(mode)).expect("it is ours");
    let must_be_refused = |found: &str| {
        let before = bench.status().pid;
        let ended = Running::start(scan(&bench)).end();
        let said = format!("{} is not to be trusted: {found}", claim.display());
        assert!(ended.lines.iter().any(|line| line.contains(&said)), "{said}: {:#?}", ended.lines);
        assert_eq!((ended.code, bench.status().pid, bench.status().want), (Some(111), before, Want::Up));
    };
    mode(0o644);
    must_be_refused("others may open it");
    mode(0o600);
    fs::hard_link(&claim, &other).expect("a second name");
    must_be_refused("it has another name");
    fs::remove_file(&claim).expect("it is ours");
    std::os::unix::fs::symlink(&other, &claim).expect("a link");
    must_be_refused("a symbolic link");
    fs::remove_file(&claim).expect("it is ours");
    fs::write(&claim, "").expect("it is ours");
    mode(0o600);
    if is_root("no file can be given to another user") {
        chown(&claim, Some(OTHER_UID), None).expect("we are root");
        must_be_refused("it belongs to another user");
    }
    fs::remove_file(&claim).expect("it is ours");
    Running::start(scan(&bench)).end().must_be_complete(&bench);
}

/// Each with a lease and a claim of its own: neither would see the other, were it not for the lock at the supervisor.
#[test]
fn a_scan_with_another_run_directory_is_refused_and_the_first_is_named() {
    let (bench, before, first) = started("3");
    let mut second = bench.cellscan();
    second.arg("scan").arg("--service").arg(bench.service()).arg("--port").arg(bench.port());
    let (locks, run) = (bench.root().join("other-locks"), bench.root().join("other-run"));
    fs::create_dir(&locks).expect("a directory");
    second.arg("--lock-dir").arg(&locks).arg("--run-dir").arg(&run).args(["--link", "none", "--json"]);
    second.arg("--state-dir").arg(bench.root().join("state"));
    let ended = Running::start(second).end();
    assert_eq!(ended.code, Some(111), "{:#?}", ended.lines);
    let said = format!("process {} is scanning already", first.pid());
    assert!(ended.lines.iter().any(|line| line.contains(&said)), "{said}: {:#?}", ended.lines);
    let status = bench
        .cellscan()
        .arg("status")
        .arg("--service")
        .arg(bench.service())
        .arg("--run-dir")
        .arg(&run)
        .arg("--json")
        .output();
    let json: Value = serde_json::from_slice(&status.expect("it starts").stdout).expect("one object");
    assert_eq!(json["scan"]["pid"], first.pid(), "{json}");
    first.end().must_be_complete(&bench);
    must_be_up_again(&bench, before);
}
