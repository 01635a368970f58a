//! Scan and guard killed together: the lease on disk is left, and the next scan or `restore` goes by it.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use cellscan_tests::support::{Bench, StandIn, Want, Workbench, leases, processes};
use rustix::process::Signal;
use serde_json::Value;

use super::ends::{must_be_up_again, started};
use super::running::{Running, quick_modem, run_dir, scan, text};
use super::{SCAN, SOON};

/// The line of "1" comes when the scan has asked for down and waits: state 1b.
const STATES: [&str; 3] = ["1", "3", "5"];
/// How long the test watches a service that no process may bring up.
const STAYS_DOWN: Duration = Duration::from_secs(2);

/// The guard of a scan: its child, among the processes of the bench, that was started as one.
pub(super) fn guard_of(bench: &Bench, scan: u32) -> u32 {
    bench.wait_for(SOON, "the scan has a guard", || processes::children_with(scan, "guard").first().copied())
}

/// A bench whose scan and guard were killed in a state, the process that had the port before, and the scan's pid.
pub(super) fn abandoned_in(number: &str) -> (Bench, u32, u32) {
    let (bench, before, scan) = started(number);
    let pid = scan.pid();
    let guard = guard_of(&bench, pid);
    let found = leases(&bench);
    assert_eq!(found.len(), 1, "{number}");
    assert_eq!((&found[0]["pid"], &found[0]["want"]), (&pid.into(), &"up".into()));
    // A running scan would start another guard.
    scan.signal(Signal::STOP);
    assert!(processes::signal(guard, Signal::KILL));
    scan.signal(Signal::KILL);
    bench.wait_until(SOON, "both are gone", || !processes::is_alive(pid) && !processes::is_alive(guard));
    bench.wait_until(SOON, "down", || bench.status().is_held_down());
    let until = Instant::now() + STAYS_DOWN;
    while Instant::now() < until {
        assert!(bench.status().is_held_down(), "{number}: no process gives back\n{}", bench.story());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(leases(&bench).len(), 1, "{number}: the lease stays");
    // Its lock counts as that of a dead process also before it is reaped.
    drop(scan);
    (bench, before, pid)
}

/// `restore` on the run directory of a bench: exit code and standard output.
pub(super) fn restore(bench: &Bench, more: &[&str]) -> (Option<i32>, String) {
    let mut command = bench.cellscan();
    command.arg("restore").arg("--run-dir").arg(run_dir(bench)).args(more);
    let output = command.output().expect("the built cellscan starts");
    (output.status.code(), text(&output))
}

/// A scan that is killed between the start of its second guard and the first byte to it: that guard was started with the same
/// arguments, and knows what to restore without a byte.
#[track_caller]
fn must_have_nothing_to_do(bench: &Bench) {
    let (code, out) = restore(bench, &[]);
    assert!(code == Some(0) && out.starts_with("nothing to restore: no lease in "), "{code:?}: {out}");
}

#[test]
fn a_second_guard_gives_back_even_if_the_scan_dies_before_the_first_byte_to_it() {
    let (bench, before, scan) = started("3");
    let first = guard_of(&bench, scan.pid());
    assert!(processes::signal(first, Signal::KILL));
    let second = bench.wait_for(SOON, "another guard", || {
        processes::children_with(scan.pid(), "guard").into_iter().find(|pid| *pid != first)
    });
    let words = fs::read_to_string(format!("/proc/{second}/cmdline")).expect("it lives");
    super::custody::kill_with_its_guard(&bench, &scan);
    drop(scan);
    assert!(bench.status().is_held_down(), "{}", bench.story());
    let mut guard = bench.cellscan();
    guard.args(words.trim_end_matches('\0').split('\0').skip(1)).stdin(Stdio::null());
    guard.stdout(Stdio::null());
    assert!(guard.status().expect("it starts").success(), "{words:?}");
    must_be_up_again(&bench, before);
    assert!(leases(&bench).is_empty());
}

#[test]
fn restore_brings_the_service_up_and_removes_the_lease() {
    for number in STATES {
        let (bench, before, pid) = abandoned_in(number);
        let started = Instant::now();
        let (code, out) = restore(&bench, &["--json"]);
        println!("{number}: given back in {} ms", started.elapsed().as_millis());
        let said: Value = serde_json::from_str(out.trim()).expect("one object");
        assert_eq!((code, &said["outcome"]), (Some(0), &"given_back".into()), "{number}: {out}");
        assert_eq!((&said["pid"], &said["want"]), (&pid.into(), &"up".into()), "{number}: {out}");
        assert!(leases(&bench).is_empty(), "{number}");
        must_be_up_again(&bench, before);
        must_have_nothing_to_do(&bench);
    }
}

/// `runsv` writes a record for the byte `d` before it runs `control/t` and sends TERM. Until then a service that was wanted up
/// reads like one that is to run once.
#[test]
fn restore_brings_up_what_was_found_up_while_runsv_has_not_yet_sent_term() {
    let bench = Workbench::new()
        .modem(quick_modem())
        .pppd(StandIn { lock: true, ..StandIn::default() })
        .script("control/t", "#!/bin/sh\nuntil test -e ../../let-go; do sleep 0.05; done\nexit 1\n")
        .start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let scan = Running::start(scan(&bench));
    bench.wait_until(SOON, "runsv has read the d and waits for its script", || {
        let status = bench.status();
        status.want == Want::Down && status.pid == before && !status.got_term
    });
    super::custody::kill_with_its_guard(&bench, &scan);
    drop(scan);
    let control = File::options().read(true).write(true).open(bench.service().join("supervise/control"));
    let control = control.expect("it is a FIFO");
    let unread = || rustix::io::ioctl_fionread(&control).expect("a FIFO tells");
    let before_restore = unread();
    let mut command = bench.cellscan();
    command.arg("restore").arg("--run-dir").arg(run_dir(&bench)).stdout(Stdio::piped());
    let restore = command.spawn().expect("the built cellscan starts");
    bench.wait_until(SOON, "it has asked for the service", || unread() > before_restore);
    fs::write(bench.root().join("let-go"), "").expect("the directory is ours");
    let output = restore.wait_with_output().expect("it is our child");
    assert!(text(&output).contains("wanted up again"), "{}", text(&output));
    must_be_up_again(&bench, before);
}

#[test]
fn the_next_scan_goes_by_the_lease_and_ends_with_the_service_up() {
    for number in STATES {
        let (bench, before, pid) = abandoned_in(number);
        let ended = Running::start(scan(&bench)).end();
        assert!(
            ended.lines.iter().any(|line| line.contains(&format!("process {pid} ended with the service"))),
            "{number}: {:#?}",
            ended.lines
        );
        ended.must_be_complete(&bench);
        must_be_up_again(&bench, before);
    }
}

#[test]
fn a_second_scan_killed_too_leaves_the_same_want_in_the_lease() {
    let (bench, before, first) = abandoned_in("3");
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    let guard = guard_of(&bench, scan.pid());
    scan.signal(Signal::STOP);
    assert!(processes::signal(guard, Signal::KILL));
    scan.signal(Signal::KILL);
    bench.wait_until(SOON, "both are gone", || {
        !processes::is_alive(scan.pid()) && !processes::is_alive(guard)
    });
    let found = leases(&bench);
    assert_eq!((&found[0]["pid"], &found[0]["want"]), (&scan.pid().into(), &"up".into()));
    assert_ne!(scan.pid(), first);
    assert_eq!(restore(&bench, &[]).0, Some(0));
    must_be_up_again(&bench, before);
}

#[test]
fn restore_names_a_running_scan_and_leaves_it_alone() {
    let (bench, before, scan) = started("3");
    let (code, out) = restore(&bench, &[]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains(&format!("process {} holds it; left alone", scan.pid())), "{out}");
    assert!(bench.status().is_held_down() && leases(&bench).len() == 1);
    scan.end().must_be_complete(&bench);
    must_be_up_again(&bench, before);
}

#[test]
fn a_reused_pid_does_not_count_as_the_running_scan() {
    let (bench, _before, pid) = abandoned_in("3");
    let mut paths = fs::read_dir(run_dir(&bench)).expect("there").flatten().map(|entry| entry.path());
    let is_lease = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let entry = paths.find(is_lease).expect("a lease");
    let reused = fs::read_to_string(&entry).expect("text");
    // This test's own process, with another start time than in the lease.
    let reused = reused.replace(&format!("\"pid\":{pid}"), &format!("\"pid\":{}", std::process::id()));
    fs::write(&entry, reused).expect("written");
    let (code, out) = restore(&bench, &[]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("wanted up again"), "{out}");
    // The lock names the scan that died; this lease does not.
    bench.wait_until(SOON, "up", || bench.status().is_up());
    assert!(leases(&bench).is_empty());
}

#[test]
fn without_a_supervisor_the_lease_stays_until_one_runs() {
    let (mut bench, before, _pid) = abandoned_in("3");
    bench.kill_runsv();
    let (code, out) = restore(&bench, &["--timeout", "2s"]);
    assert_eq!(code, Some(111), "{out}");
    assert!(out.contains("not obeyed within 2 s"), "{out}");
    assert_eq!(leases(&bench).len(), 1);
    bench.start_runsv();
    let (code, out) = restore(&bench, &[]);
    assert_eq!(code, Some(0), "{out}");
    must_be_up_again(&bench, before);
}

#[test]
fn a_lease_of_a_missing_directory_is_removed_and_an_invalid_lease_is_named() {
    let bench = Workbench::new().modem(quick_modem()).start();
    let _pppd = bench.wait_for_holder(SOON, None);
    let dir = run_dir(&bench);
    must_have_nothing_to_do(&bench);
    fs::DirBuilder::new().mode(0o700).create(&dir).expect("made");
    let gone = r#"{"pid":7,"start_time":1,"since_unix_s":0,"since_boot_ms":0,"service":"/nonexistent/pppd",
        "dev":1,"inode":2,"want":"up","ppp_port":null,"lock_dirs":[]}"#;
    fs::write(dir.join("lease-1-2.json"), gone).expect("written");
    let (code, out) = restore(&bench, &[]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("/nonexistent/pppd: the directory is gone"), "{out}");
    assert!(leases(&bench).is_empty());
    fs::write(dir.join("lease-1-2.json"), "\u{1b}[2J").expect("written");
    let (code, out) = restore(&bench, &[]);
    assert_eq!(code, Some(111), "{out}");
    assert!(out.contains("is no lease") && !out.contains('\u{1b}'), "{out}");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).expect("ours");
    assert_eq!(restore(&bench, &[]), (Some(111), String::new()), "other users may have written there");
}

#[test]
fn no_room_for_a_lease_causes_a_warning_and_the_guard_suffices() {
    let modem = quick_modem();
    for kill in [false, true] {
        let bench = Workbench::new().modem(modem.clone()).start();
        let before = bench.wait_for_holder(SOON, None);
        bench.wait_until(SOON, "up", || bench.status().is_up());
        fs::write(run_dir(&bench), "in its place").expect("written");
        let scan = Running::start(scan(&bench));
        bench.wait_until(SCAN, "it is warned of", || {
            scan.lines().iter().any(|line| line.contains("there is no lease on disk"))
        });
        if kill {
            scan.wait_for_state(&bench, "3");
            scan.signal(Signal::KILL);
        } else {
            scan.end().must_be_complete(&bench);
        }
        must_be_up_again(&bench, before);
    }
}

#[test]
fn a_service_found_down_needs_no_lease() {
    let bench = Workbench::new().modem(quick_modem()).down().start();
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    assert!(leases(&bench).is_empty());
    scan.end().must_be_complete(&bench);
}
