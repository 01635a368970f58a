//! `cellscan scan` is killed with SIGKILL at the n-th of its system calls of a kind (`strace --inject`), while it takes the
//! service and while it gives it back; its guard lives.
//!
//! Longer: `CELLSCAN_CALLS=2000 cargo test --release -p cellscan-tests --test campaign nth -- --nocapture`.

use std::os::unix::process::ExitStatusExt;

use cellscan_tests::support::wait_until;

use super::*;

/// Kills of a run of the default length.
const KILLS: usize = 200;
/// A scan that its kill misses ends normally.
const END: Duration = Duration::from_secs(240);
/// Calls of one kind, at most: a scan makes a thousand that look for the holder of the port.
const NTH_MAX: usize = 4_000;
/// The first calls of a kind are those of taking the service, and as many last ones those of giving it back.
const ENDS: usize = 24;
/// The step in between.
const STRIDE: usize = 97;

/// How many calls of each kind a whole scan makes, by `strace -c`.
fn counted(bench: &Bench) -> Vec<(String, usize)> {
    let table = bench.root().join("calls");
    let mut strace = traced(bench);
    strace.args(["-c", "-o"]).arg(&table);
    let ended =
        scan_on(with_program(strace, bench), bench).status().expect("strace starts: apt-get install strace");
    assert!(ended.success());
    wait_until_well(bench);
    let table = std::fs::read_to_string(table).expect("a table");
    let mut calls: Vec<(String, usize)> = table
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            // % time, seconds, usecs/call, calls, perhaps errors, syscall.
            let (count, name) = (words.get(3)?.parse().ok()?, *words.last()?);
            (name != "total" && name != "execve").then(|| (name.to_owned(), count))
        })
        .collect();
    calls.sort();
    calls
}

/// The calls to kill at: all of a rare kind, both ends of a frequent one.
fn points(calls: &[(String, usize)]) -> Vec<(String, usize)> {
    let mut points = Vec::new();
    for (call, count) in calls {
        for nth in 1..=(*count).min(NTH_MAX) {
            if nth <= ENDS || nth + ENDS > *count || nth % STRIDE == 0 {
                points.push((call.clone(), nth));
            }
        }
    }
    points
}

#[test]
fn a_scan_killed_at_its_nth_system_call_leaves_the_service_wanted_up_and_running() {
    let _loaded_by_none = beside_others();
    let wanted = number_in("CELLSCAN_CALLS", KILLS);
    let first = up();
    let points = points(&counted(&first));
    drop(first);
    assert!(points.len() >= KILLS, "only {} calls to kill at", points.len());
    let count = wanted.min(points.len());
    let ends = over(count, |bench, number| {
        // Spread over all kinds and places.
        let (call, nth) = &points[number * points.len() / count];
        let mut strace = traced(bench);
        strace.args(["-o", "/dev/null", "-e"]).arg(format!("inject={call}:signal=KILL:when={nth}"));
        let mut scan = scan_on(with_program(strace, bench), bench).spawn().expect("strace starts");
        wait_until(END, &format!("the scan ends, killed at {call} {nth}"), || {
            scan.try_wait().is_ok_and(|status| status.is_some())
        });
        let status = scan.wait().expect("it has ended");
        wait_until_well(bench);
        // strace ends in the way of the traced program.
        status.signal().map(|_| call.clone())
    });
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for call in ends.iter().flatten() {
        *met.entry(call.clone()).or_default() += 1;
    }
    let killed: usize = met.values().sum();
    println!("{killed} of {count} scans killed at a system call: {met:?}; no service was left down");
    assert!(killed * 10 >= count * 7, "most must be met: only {killed} were");
}
