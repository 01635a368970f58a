//! Processes in `/proc`. A process that ends while it is examined counts as gone.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// All pids.
#[must_use]
pub fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The processes that have the device at `port` open, under any name.
#[must_use]
pub fn holders(port: &Path) -> Vec<u32> {
    let Ok(device) = fs::metadata(port) else {
        return Vec::new();
    };
    let is_it = |link: &Path| {
        // The name first, since following a link of a pipe or an event costs more; the number decides.
        fs::read_link(link).is_ok_and(|name| name.starts_with("/dev"))
            && fs::metadata(link).is_ok_and(|file| file.rdev() == device.rdev() && file.dev() == device.dev())
    };
    let holds = |pid: &u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors.into_iter().any(|entry| is_it(&entry.path()))
    };
    all().into_iter().filter(holds).collect()
}

/// The name of a process, 15 characters at most; `None`: it is gone.
#[must_use]
pub fn comm(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// An argument of a process, the program being 0; `None`: it has fewer, or is gone.
#[must_use]
pub fn argument(pid: u32, number: usize) -> Option<String> {
    let cmdline = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let found = cmdline.split(|byte| *byte == 0).nth(number)?;
    Some(String::from_utf8_lossy(found).into_owned())
}

/// Whether it still runs; a zombie does not.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name is in brackets and may contain anything; the state follows the last of them.
    stat.rsplit_once(')')
        .and_then(|(_, rest)| rest.trim_start().chars().next())
        .is_some_and(|state| state != 'Z')
}

/// The living children of `parent` that were started with `word` among their arguments.
#[must_use]
pub fn children_with(parent: u32, word: &str) -> Vec<u32> {
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let found = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        found == Some(parent.to_string().as_str())
    };
    let says = |pid: &u32| {
        let cmdline = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        cmdline.split(|byte| *byte == 0).any(|found| found == word.as_bytes())
    };
    all().into_iter().filter(is_child).filter(says).collect()
}

/// The living processes whose environment has `mark`, for example `NAME=value`.
#[must_use]
pub fn marked(mark: &str) -> Vec<u32> {
    all().into_iter().filter(|pid| is_marked(*pid, mark)).collect()
}

fn is_marked(pid: u32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
}

/// Sends `signal` to `pid`; false: there is no such process.
#[must_use]
pub fn signal(pid: u32, signal: Signal) -> bool {
    signal_if(pid, signal, |_| true)
}

/// Kills `pid` if its environment has `mark`. The process is held by a handle meanwhile, so that no other one
/// with its number is killed.
#[must_use]
pub fn kill_marked(pid: u32, mark: &str) -> bool {
    signal_if(pid, Signal::KILL, |pid| is_marked(pid, mark))
}

fn signal_if(pid: u32, signal: Signal, wanted: impl Fn(u32) -> bool) -> bool {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let Some(process) = raw.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
        return false;
    };
    wanted(pid) && pidfd_send_signal(&process, signal).is_ok()
}
