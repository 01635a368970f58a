//! One system call of `cellscan scan` fails in each scan, with each error that it may give; the guard's own calls do not fail. In
//! every case the service is wanted up and runs afterwards.
//!
//! Longer: `CELLSCAN_FAULTS=1000 cargo test --release -p cellscan-tests --test campaign system_call -- --nocapture`.

use cellscan_tests::support::wait_until;

use super::*;

/// Faults of a run of the default length.
const FAULTS: usize = 220;

/// A scan that meets a fault may wait for its time-outs: synchronising with a modem takes 25 s at most, a port that
/// does not open 20 s, restoring 20 s; on a busy machine each of them comes late.
const END: Duration = Duration::from_secs(400);

/// System calls and their errors.
const CALLS: &[(&str, &[&str])] = &[
    ("openat", &["EACCES", "ENOENT", "EMFILE", "EIO", "ENXIO", "ESTALE"]),
    ("read", &["EIO", "EINTR", "ENXIO", "EAGAIN"]),
    ("write", &["EIO", "EPIPE", "ENOSPC", "EAGAIN", "EINTR"]),
    ("ppoll", &["EINTR", "ENOMEM"]),
    ("poll", &["EINTR", "ENOMEM"]),
    ("ioctl", &["EIO", "ENOTTY", "ENXIO"]),
    ("flock", &["EINTR", "ENOLCK"]),
    ("inotify_init1", &["EMFILE", "ENOMEM"]),
    ("inotify_add_watch", &["ENOSPC", "EACCES"]),
    ("pidfd_open", &["EMFILE", "ESRCH", "ENODEV"]),
    ("pidfd_send_signal", &["ESRCH", "EPERM"]),
    ("readlink,readlinkat", &["EACCES", "ENOENT", "EIO"]),
    ("statx,newfstatat", &["EACCES", "ENOENT", "ESTALE"]),
    ("getdents64", &["EIO", "ENOENT"]),
    ("rename,renameat", &["ENOSPC", "EIO", "EROFS"]),
    ("link,linkat", &["ENOSPC", "EROFS", "EMLINK"]),
    ("unlink,unlinkat", &["EIO", "EROFS", "EACCES"]),
    ("socket", &["EMFILE", "EAFNOSUPPORT"]),
    ("sendto,recvfrom", &["ENOBUFS", "EIO"]),
    ("pipe2", &["EMFILE", "ENFILE"]),
    ("clone3,vfork", &["EAGAIN", "ENOMEM"]),
    ("fcntl", &["EBADF", "EMFILE"]),
    ("mkdir,mkdirat", &["ENOSPC", "EROFS", "EACCES"]),
    ("fsync,fdatasync", &["EIO", "ENOSPC"]),
];

/// The n-th call fails: the first ones are those of taking, the later ones of the dialogue and of giving back.
const WHEN: [u32; 9] = [1, 2, 3, 5, 9, 17, 33, 70, 150];

/// All faults, those of one call spread over the whole list, so that a short run covers every call.
fn all() -> Vec<(&'static str, &'static str, u32)> {
    let mut faults = Vec::new();
    for (round, when) in WHEN.into_iter().enumerate() {
        for nth in 0..6 {
            for (call, errors) in CALLS {
                if let Some(error) = errors.get(nth) {
                    faults.push((nth + round, *call, *error, when));
                }
            }
        }
    }
    faults.sort_by_key(|fault| fault.0);
    faults.into_iter().map(|(_, call, error, when)| (call, error, when)).collect()
}

#[test]
fn after_any_failed_system_call_the_service_is_wanted_up_and_runs() {
    let _loaded_by_none = beside_others();
    let count = number_in("CELLSCAN_FAULTS", FAULTS);
    let faults = all();
    assert!(faults.len() >= FAULTS, "only {} faults are known", faults.len());
    let count = count.min(faults.len());
    let ends = over(count, |bench, number| {
        let (call, error, when) = faults[number];
        let mut strace = traced(bench);
        strace.args(["-o", "/dev/null", "-e"]).arg(format!("inject={call}:error={error}:when={when}"));
        let mut scan = scan_on(with_program(strace, bench), bench).spawn();
        let scan = scan.as_mut().expect("strace starts: apt-get install strace");
        let what = format!("the scan ends, {call} number {when} failing with {error}");
        wait_until(END, &what, || scan.try_wait().is_ok_and(|status| status.is_some()));
        let code = scan.wait().expect("it has ended").code();
        println!("{call} {when} {error}: exit {code:?}");
        wait_until_well(bench);
        code
    });
    let mut tally: BTreeMap<Option<i32>, usize> = BTreeMap::new();
    for code in ends {
        *tally.entry(code).or_default() += 1;
    }
    println!("{count} faults, exits {tally:?}; no service was left down");
}
