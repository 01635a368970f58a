//! Processes by handle: a process id may be used again, a handle stays with its process.
//!
//! Everything is read from `/proc` (`proc(5)`), whose files may vanish, be refused, or hold anything: a process that
//! cannot be read is left out, and where that matters the count of those is told.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal as RawSignal, kill_process, pidfd_open, pidfd_send_signal};

use cellscan_core::supervisor::Signal;

use crate::clock::Clock;
use crate::event_loop::wait_one;

mod stat;

pub use stat::Stat;

/// What is done to the command of a process that may outlive this one, before it is started.
pub type Prepare = fn(&mut Command);

/// Processes that one scan of `/proc` looks at. The kernel's default `pid_max` is 32768.
pub(crate) const PROCESSES_MAX: usize = 32_768;
/// Descriptors of one process that are looked at. `pppd` and `chat` have about ten.
const FDS_MAX: usize = 4_096;
/// Bytes of a command line that are looked at: its first two words, paths of the longest kind.
const CMDLINE_LEN_MAX: u64 = 8_192;
/// Descendants that are followed: a tree this large is no `pppd`.
const DESCENDANTS_MAX: usize = 256;

/// A handle on one process.
#[derive(Debug)]
pub struct Proc {
    pid: NonZeroU32,
    start_time: u64,
    comm: String,
    /// `None` on kernels before 5.3, which have no `pidfd_open(2)`; then pid and start time stand in for it.
    pidfd: Option<OwnedFd>,
}

impl Proc {
    /// Takes a handle on the process that has this id now; `None` where there is none.
    ///
    /// # Errors
    /// No descriptor is left, or the kernel refuses (`pidfd_open(2)`).
    pub fn open(pid: NonZeroU32) -> io::Result<Option<Self>> {
        let Some(raw) = raw_pid(pid) else { return Ok(None) };
        let pidfd = match pidfd_open(raw, PidfdFlags::empty()) {
            Ok(pidfd) => Some(pidfd),
            Err(Errno::SRCH | Errno::INVAL) => return Ok(None),
            // EPERM: older sandboxes refuse calls that they do not know.
            Err(Errno::NOSYS | Errno::PERM) => None,
            Err(errno) => return Err(errno.into()),
        };
        // Read after the handle was taken: if the handle's process still lives then this is about that one.
        let Some(stat) = Stat::of(pid) else { return Ok(None) };
        let opened = Self { pid, start_time: stat.start_time, comm: stat.comm, pidfd };
        Ok((!opened.is_gone()).then_some(opened))
    }

    /// The same, if it is the process that started at `start_time`.
    ///
    /// # Errors
    /// As [`Proc::open`].
    pub fn open_same(pid: NonZeroU32, start_time: u64) -> io::Result<Option<Self>> {
        Ok(Self::open(pid)?.filter(|found| found.start_time == start_time))
    }

    /// Its id.
    #[must_use]
    pub const fn pid(&self) -> NonZeroU32 {
        self.pid
    }

    /// When it started, in clock ticks since boot.
    #[must_use]
    pub const fn start_time(&self) -> u64 {
        self.start_time
    }

    /// Its name when the handle was taken.
    #[must_use]
    pub fn comm(&self) -> &str {
        &self.comm
    }

    /// Its program, where it may be read.
    #[must_use]
    pub fn exe(&self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/exe", self.pid)).ok().filter(|_| !self.is_gone())
    }

    /// Whether it has ended. A zombie has.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        match &self.pidfd {
            Some(pidfd) => {
                wait_one(pidfd.as_fd(), PollFlags::IN, Duration::ZERO, Clock::new()).unwrap_or(false)
            }
            None => {
                !Stat::of(self.pid).is_some_and(|stat| stat.start_time == self.start_time && !stat.is_dead())
            }
        }
    }

    /// Signals this process and no other; one that has ended already is no error.
    ///
    /// # Errors
    /// It is not ours to signal (`EPERM`).
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let signal = match signal {
            Signal::Term => RawSignal::TERM,
            Signal::Kill => RawSignal::KILL,
        };
        let sent = match (&self.pidfd, raw_pid(self.pid)) {
            (Some(pidfd), _) => pidfd_send_signal(pidfd, signal),
            (None, Some(pid)) if !self.is_gone() => kill_process(pid, signal),
            (None, _) => Ok(()),
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// The descriptor that becomes readable when it ends; `None` on kernels without them.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }
}

/// Waits until a process has ended, but no longer than that.
pub(crate) fn wait_for_end(pid: u32, limit: Duration) {
    let proc = NonZeroU32::new(pid).and_then(|pid| Proc::open(pid).ok().flatten());
    if let Some(fd) = proc.as_ref().and_then(Proc::fd) {
        let _lives_on = wait_one(fd, PollFlags::IN, limit, Clock::new());
    }
}

fn raw_pid(pid: NonZeroU32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid.get()).ok()?)
}

/// The ids of all processes there are, at most `PROCESSES_MAX` (32768).
#[must_use]
pub fn all() -> Vec<NonZeroU32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.take(PROCESSES_MAX).collect()
}

/// The processes that descend from `pid`, it excluded, at most 256. Those whose parent has died are no longer
/// among them: that is why they have to be noted in time.
#[must_use]
pub fn descendants(pid: NonZeroU32) -> Vec<Proc> {
    let mut children: HashMap<u32, Vec<NonZeroU32>> = HashMap::new();
    for other in all() {
        if let Some(stat) = Stat::of(other).filter(|stat| !stat.is_dead()) {
            children.entry(stat.parent).or_default().push(other);
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        // Removed, so that a table that was read while it changed cannot lead in a circle.
        for child in children.remove(&parent.get()).unwrap_or_default() {
            if found.len() >= DESCENDANTS_MAX {
                log::warn!("process {pid} has more than {DESCENDANTS_MAX} descendants, the rest is left out");
                return found;
            }
            parents.push(child);
            found.extend(Proc::open(child).ok().flatten());
        }
    }
    found
}

/// Whether `pid` descends from one of `ancestors`.
#[must_use]
pub fn descends_from(pid: NonZeroU32, ancestors: &[NonZeroU32]) -> bool {
    let mut at = pid;
    for _ in 0..DESCENDANTS_MAX {
        let Some(parent) = Stat::of(at).and_then(|stat| NonZeroU32::new(stat.parent)) else { return false };
        if ancestors.contains(&parent) {
            return true;
        }
        at = parent;
    }
    false
}

/// Who has a device open.
#[derive(Debug, Default)]
pub struct Holders {
    /// The processes, ours excluded.
    pub processes: Vec<Proc>,
    /// Processes whose descriptors may not be read: without root the answer has holes.
    pub unreadable: usize,
}

/// Looks through `/proc/*/fd` for a character device by its number (`st_rdev`), whatever its name was when it
/// was opened. Our own process is left out.
#[must_use]
pub fn holders_of(device: u64) -> Holders {
    let own = std::process::id();
    let mut holders = Holders::default();
    for pid in all().into_iter().filter(|pid| pid.get() != own) {
        match has_device_open(pid, device) {
            Ok(true) => holders.processes.extend(Proc::open(pid).ok().flatten()),
            Ok(false) => {}
            Err(_) => holders.unreadable += 1,
        }
    }
    holders
}

/// Whether a process is seen to have a character device open, by its number.
#[must_use]
pub fn has_device(pid: NonZeroU32, device: u64) -> bool {
    has_device_open(pid, device).unwrap_or(false)
}

/// Whether a process has a character device open, by its number. One that is gone, or a zombie, has not.
///
/// # Errors
/// Its descriptors may not be read.
pub(crate) fn has_device_open(pid: NonZeroU32, device: u64) -> io::Result<bool> {
    match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(fds) => Ok(fds.take(FDS_MAX).flatten().any(|fd| is_device(&fd.path(), device))),
        // It may end while it is looked at.
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                || Errno::from_io_error(&error) == Some(Errno::SRCH) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn is_device(fd: &Path, device: u64) -> bool {
    // The link's text first: sockets and pipes need no `stat(2)`, which could hang on a dead network file system.
    let Ok(target) = fs::read_link(fd) else { return false };
    target.as_os_str().as_bytes().starts_with(b"/")
        && fs::metadata(fd).is_ok_and(|meta| meta.file_type().is_char_device() && meta.rdev() == device)
}

/// The serial ports that a process has open: devices named `/dev/tty` and a capital letter, in the order of its
/// descriptors. A console or a terminal is none.
#[must_use]
pub fn ports_of(pid: NonZeroU32) -> Vec<PathBuf> {
    let Ok(fds) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let mut ports: Vec<PathBuf> = Vec::new();
    for target in fds.take(FDS_MAX).flatten().filter_map(|fd| fs::read_link(fd.path()).ok()) {
        let name = target.as_os_str().as_bytes().strip_prefix(b"/dev/tty");
        if name.and_then(<[u8]>::first).is_some_and(u8::is_ascii_uppercase) && !ports.contains(&target) {
            ports.push(target);
        }
    }
    ports
}

/// Device and inode of a process's working directory, where they may be read.
#[must_use]
pub fn working_dir(pid: NonZeroU32) -> Option<(u64, u64)> {
    fs::metadata(format!("/proc/{pid}/cwd")).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Whether a process is called `pppd`.
pub(crate) fn is_pppd(pid: NonZeroU32) -> bool {
    Stat::of(pid).is_some_and(|stat| stat.comm == "pppd" && !stat.is_dead())
}

/// Whether a process was started under this name, or as an applet of this name of a multi-call program
/// (`busybox runsv`), whose own name is another.
#[must_use]
pub fn is_called(pid: NonZeroU32, name: &str) -> bool {
    let mut line = Vec::new();
    let read = fs::File::open(format!("/proc/{pid}/cmdline"))
        .and_then(|file| io::Read::read_to_end(&mut io::Read::take(file, CMDLINE_LEN_MAX), &mut line));
    let is_it = |word: &[u8]| word.rsplit(|byte| *byte == b'/').next() == Some(name.as_bytes());
    read.is_ok() && line.split(|byte| *byte == 0).take(2).any(is_it)
}

/// Whether a process has this file open, by device and inode; `None` where its descriptors may not be read.
#[must_use]
pub fn has_open(pid: NonZeroU32, file: (u64, u64)) -> Option<bool> {
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let same = |fd: fs::DirEntry| fs::metadata(fd.path()).is_ok_and(|meta| (meta.dev(), meta.ino()) == file);
    Some(fds.take(FDS_MAX).flatten().any(same))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use rustix::pty::OpenptFlags;

    use super::*;
    use crate::soon::soon;

    fn pid_of(child: &Child) -> NonZeroU32 {
        NonZeroU32::new(child.id()).unwrap()
    }

    #[test]
    fn an_applet_is_called_by_its_own_name() {
        use std::os::unix::process::CommandExt;
        let mut child = Command::new("/bin/sh")
            .arg0("/bin/toolbox")
            .args(["-c", "echo; read end", "runsv"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let pid = pid_of(&child);
        assert!(is_called(pid, "toolbox") && is_called(pid, "-c"));
        assert!(!is_called(pid, "runsv"), "the third word is no name");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!is_called(pid, "toolbox"));
    }

    #[test]
    fn a_handle_outlives_its_process_and_says_so() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let proc = Proc::open(pid_of(&child)).unwrap().unwrap();
        assert!(!proc.is_gone());
        assert!(Proc::open_same(proc.pid(), proc.start_time()).unwrap().is_some());
        assert!(Proc::open_same(proc.pid(), proc.start_time() + 1).unwrap().is_none());
        proc.signal(Signal::Kill).unwrap();
        assert!(wait_one(proc.fd().unwrap(), PollFlags::IN, Duration::from_secs(5), Clock::new()).unwrap());
        assert!(proc.is_gone(), "a zombie has ended");
        assert!(Proc::open(proc.pid()).unwrap().is_none(), "and is not taken for alive");
        child.wait().unwrap();
        proc.signal(Signal::Term).unwrap();
    }

    #[test]
    fn without_pidfds_the_start_time_stands_in() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let mut proc = Proc::open(pid_of(&child)).unwrap().unwrap();
        proc.pidfd = None;
        assert!(!proc.is_gone());
        let stranger = Proc { start_time: proc.start_time + 1, pidfd: None, comm: String::new(), ..proc };
        stranger.signal(Signal::Kill).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "the id was used again: not signalled");
        let same = Proc { start_time: stranger.start_time - 1, ..stranger };
        same.signal(Signal::Kill).unwrap();
        child.wait().unwrap();
        assert!(same.is_gone());
    }

    #[test]
    fn descendants_are_found_through_the_generations() {
        let script = "sh -c 'sleep 60 & echo; wait' & wait";
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let found = descendants(pid_of(&child));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|proc| descends_from(proc.pid(), &[pid_of(&child)])));
        assert!(!descends_from(pid_of(&child), &[found[0].pid()]));
        for proc in &found {
            proc.signal(Signal::Kill).unwrap();
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_holder_is_found_by_the_number_of_the_device() {
        let modem = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::CLOEXEC).unwrap();
        rustix::pty::unlockpt(&modem).unwrap();
        let name = rustix::pty::ptsname(&modem, Vec::new()).unwrap().into_string().unwrap();
        let device = fs::metadata(&name).unwrap().rdev();
        let tty = fs::File::options().read(true).write(true).open(&name).unwrap();
        let mut child = Command::new("sleep").arg("60").stdin(tty).spawn().unwrap();
        let found = || holders_of(device).processes.iter().map(Proc::pid).collect::<Vec<_>>();
        assert!(soon(|| found() == [pid_of(&child)]), "{:?}", found());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(soon(|| found().is_empty()), "{:?}", found());
    }
}
