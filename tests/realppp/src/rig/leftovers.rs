//! What is there, and should not be.

use std::fs;
use std::time::Duration;

use cellscan_tests::support::processes::{all, argument, comm, is_alive};
use cellscan_tests::support::wait::look_for;

/// The last steps of a guard come after the end of its scan.
const LEFT_WITHIN: Duration = Duration::from_secs(20);

/// The living processes of this name.
pub(crate) fn processes_named(name: &str) -> Vec<u32> {
    all().into_iter().filter(|pid| comm(*pid).as_deref() == Some(name) && is_alive(*pid)).collect()
}

/// The `pppd`s of the gateway. The network's are told by their first argument.
pub(crate) fn pppds() -> Vec<u32> {
    let of_the_network = |pid: &u32| argument(*pid, 1).as_deref() == Some("notty");
    processes_named("pppd").into_iter().filter(|pid| !of_the_network(pid)).collect()
}

/// Waits until nothing of a scan is left, and returns what is.
pub(crate) fn left_behind() -> Vec<String> {
    let mut left = Vec::new();
    let _ = look_for(LEFT_WITHIN, || {
        left = left_now();
        left.is_empty().then_some(())
    });
    left
}

/// What a scan must not leave: a process of its own, a lease, the lock of a port that a dead process or its own has.
fn left_now() -> Vec<String> {
    let ours = |pid: &u32| is_alive(*pid) && comm(*pid).is_some_and(|name| name.starts_with("cellscan"));
    let mut found: Vec<_> =
        all().into_iter().filter(ours).map(|pid| format!("process {pid} of cellscan")).collect();
    let listed = |directory: &str, start: &str| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let names = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(start));
        names.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    found.extend(listed("/run/cellscan", "lease-").iter().map(|lease| lease.display().to_string()));
    for lock in listed("/run/lock", "LCK..") {
        let owner = fs::read_to_string(&lock).unwrap_or_default().trim().parse().unwrap_or(0);
        if !pppds().contains(&owner) {
            found.push(format!("{} of process {owner}", lock.display()));
        }
    }
    found
}
