//! Who connects to the daemon's control socket and says nothing does not keep a request out, and a shortage of descriptors
//! does not keep the daemon awake.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use cellscan_tests::support::{Bench, Supervised};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

use super::SOON;
use super::ends::must_be_up_again;
use super::quiet::{must_be_quiet, searching_for};
use super::running::{Running, run_dir, text};

fn daemon(search_ms: u64) -> (Bench, u32, Supervised) {
    let (bench, before) = searching_for(search_ms);
    let daemon = Supervised::start(&bench, &run_dir(&bench), "--link none");
    (bench, before, daemon)
}

fn socket(bench: &Bench) -> PathBuf {
    run_dir(bench).join("control")
}

/// Connections that say nothing.
fn idle(socket: &Path, count: usize) -> Vec<UnixStream> {
    (0..count).map(|_| UnixStream::connect(socket).expect("the daemon listens")).collect()
}

#[track_caller]
fn status(daemon: &Supervised, bench: &Bench) -> Value {
    let output = daemon.ask(&["status", "--json"]).arg("--service").arg(bench.service()).output();
    let said = text(&output.expect("it starts"));
    let said: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(said["daemon"]["pid"].as_u64(), daemon.pid().map(u64::from), "{said}");
    said["daemon"].clone()
}

/// Asks for the end of the scan under way, as an interrupted `cellscan scan` does.
#[track_caller]
fn abort(socket: &Path) -> Value {
    let mut stream = UnixStream::connect(socket).expect("the daemon listens");
    stream.set_read_timeout(Some(SOON)).expect("a time-out");
    stream.write_all(b"{\"request\":\"abort\"}\n").expect("the daemon reads");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("an answer in time");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

#[test]
fn status_and_abort_are_answered_beside_eight_and_two_hundred_idle_connections() {
    for count in [8, 200] {
        let (bench, before, daemon) = daemon(20_000);
        let socket = socket(&bench);
        let _before_the_scan = idle(&socket, count);
        assert_eq!(status(&daemon, &bench)["phase"], "idle");
        assert_eq!(abort(&socket)["scanning"], false);
        let asked = Running::start(daemon.ask(&["scan", "--json"]));
        asked.wait_for_state(&bench, "3");
        let _during_the_scan = idle(&socket, count);
        assert_eq!(status(&daemon, &bench)["phase"], "wait_results");
        assert_eq!(abort(&socket)["scanning"], true);
        // The connection that watches the scan was none of those that gave way.
        let ended = asked.end();
        assert_eq!((ended.code, &ended.json["reason"]), (Some(1), &"aborted".into()), "{:#?}", ended.lines);
        must_be_up_again(&bench, before);
    }
}

/// The number that the next descriptor of a process would have.
fn next_descriptor(pid: u32) -> u64 {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten();
    let open: Vec<u64> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    (0..1 << 20).find(|number| !open.contains(number)).expect("there is one")
}

#[test]
fn a_daemon_without_a_free_descriptor_sleeps_and_serves_again_once_there_is_one() {
    let (bench, _before, daemon) = daemon(600);
    let pid = daemon.pid().expect("it runs");
    let target = Pid::from_raw(i32::try_from(pid).expect("a pid"));
    let limit = Rlimit { current: Some(next_descriptor(pid)), maximum: None };
    let found = prlimit(target, Resource::Nofile, limit_of(pid, limit)).expect("the process is ours");
    let waiting = idle(&socket(&bench), 20);
    bench.wait_until(SOON, "the daemon says that it cannot accept", || {
        bench.story().contains("unable to accept a connection")
    });
    must_be_quiet(&bench, &[("the daemon", pid)]);
    prlimit(target, Resource::Nofile, found).expect("the process is ours");
    bench.wait_until(SOON, "it serves again", || {
        let output = daemon.ask(&["status", "--json"]).arg("--service").arg(bench.service()).output();
        text(&output.expect("it starts")).contains("\"phase\":\"idle\"")
    });
    let said = bench.story().matches("unable to accept a connection").count();
    assert!((1..=3).contains(&said), "{said} lines for one shortage");
    drop(waiting);
}

/// The same with the hard limit as it is, which only root could raise again.
fn limit_of(pid: u32, limit: Rlimit) -> Rlimit {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("it runs");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("its line");
    let hard = line.split_whitespace().nth(4).and_then(|word| word.parse().ok());
    Rlimit { maximum: hard, ..limit }
}
