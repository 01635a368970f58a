//! UUCP lock files: the one convention by which `pppd`, `minicom`, `mgetty` and friends leave a tty to each other.
//!
//! `/var/lock/LCK..ttyUSB0` holds the owner's process id as ten characters and a line feed (the HDB form, FHS 3.0
//! §5.9). `pppd` with its `lock` option reads it, refuses while that process lives, and removes it when it does not
//! (pppd/utils.c:lock). So a lock that is ours keeps a `pppd` off the line that the supervisor starts against
//! all plans.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::num::NonZeroU32;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat};
use rustix::process::{Pid, getpid, test_kill_process};

use crate::checked::{self, Refused, Wanted};
use crate::process::{Stat, has_device_open};

/// Bytes of a lock file that are looked at: ten digits and a line feed are the form, a host name may follow.
const CONTENT_LEN_MAX: u64 = 64;
/// Attempts to create a lock, each after a stale one was removed. Two suffice without a competitor.
const ATTEMPTS_MAX: u32 = 4;
/// Entries of a lock directory that are looked at when one process's locks are removed.
const ENTRIES_MAX: usize = 4_096;
/// How old a lock without a readable process id must be to count as left behind. `pppd` creates the file first and
/// writes into it next (pppd/utils.c:lock), which takes less than this.
const UNREADABLE_AGE_MIN: Duration = Duration::from_secs(10);
/// By how much a lock must be older than the process that it names to be of an earlier process with that number. A program makes its lock
/// after it has started; both times are known to a second.
const REUSED_MARGIN: Duration = Duration::from_secs(3);

/// Why a lock could not be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum LockError {
    /// A live process has it.
    Held {
        /// The lock file.
        path: PathBuf,
        /// Its owner.
        pid: i32,
        /// The owner's name, where `/proc` tells it.
        comm: Option<String>,
    },
    /// The file says nothing readable and is too young to be a leftover.
    Unreadable {
        /// The lock file.
        path: PathBuf,
    },
    /// The file system refused.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path, pid, comm } => {
                write!(f, "{} is held by process {pid}", path.display())?;
                comm.as_ref().map_or(Ok(()), |comm| write!(f, " ({comm})"))
            }
            Self::Unreadable { path } => {
                write!(f, "{} names no process and was made just now", path.display())
            }
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Held { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// The locks held for one device. Dropping them removes what is still ours, and nothing else.
#[derive(Debug, Default)]
pub struct UucpLocks {
    held: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    path: PathBuf,
    inode: u64,
}

impl UucpLocks {
    /// Locks the device under each of its names in each of the directories that exist.
    ///
    /// Some programs lock the name they were given (`/dev/modem`), some the device behind it (`/dev/ttyUSB0`): both
    /// are taken. Directories that are one and the same (`/var/lock` → `/run/lock`) count once.
    ///
    /// # Errors
    /// A live process holds one of them, or the file system refused. Nothing is held then.
    pub fn take(dirs: &[PathBuf], names: &[&Path]) -> Result<Self, LockError> {
        let mut locks = Self::default();
        let device = number_of(names);
        for dir in each_once(dirs) {
            let mut files: Vec<String> = names.iter().map(|name| lock_name(name)).collect();
            files.dedup();
            for file in files {
                locks.held.push(take_one(dir, &file, device)?);
            }
        }
        Ok(locks)
    }

    /// The lock files, in the order they were made.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.held.iter().map(|held| held.path.as_path())
    }
}

impl Drop for UucpLocks {
    fn drop(&mut self) {
        let own = getpid().as_raw_nonzero().get();
        for held in self.held.drain(..) {
            // Another process may have taken ours for stale and made its own: that one stays.
            if matches!(read_lock(&held.path), Ok((Some(pid), inode)) if pid == own && inode == held.inode) {
                let _gone_already = fs::remove_file(&held.path);
            }
        }
    }
}

/// A lock that another process has, or left behind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundLock {
    /// The file.
    pub path: PathBuf,
    /// Its owner; `None` where it names none.
    pub pid: Option<u32>,
    /// Whether that process is there.
    pub alive: bool,
    /// The process with this number started after the lock was made, so that it is another one.
    pub reused: bool,
}

/// The locks of a device under each of its names; nothing is taken and nothing removed. Directories that are one and the
/// same count once.
#[must_use]
pub fn look(dirs: &[PathBuf], names: &[&Path]) -> Vec<FoundLock> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    let device = number_of(names);
    for path in dirs.iter().flat_map(|dir| names.iter().map(|name| dir.join(lock_name(name)))) {
        let Ok((owner, inode)) = read_lock(&path) else { continue };
        if !seen.contains(&inode) {
            seen.push(inode);
            let pid = owner.and_then(|pid| u32::try_from(pid).ok());
            let reused = owner.is_some_and(|pid| is_reused(pid, &path, device));
            let alive = !reused && owner.is_some_and(is_alive);
            found.push(FoundLock { path, pid, alive, reused });
        }
    }
    found
}

/// Everything that would keep the device from being locked under one of its names; nothing is taken and nothing removed.
#[must_use]
pub fn obstacles(dirs: &[PathBuf], names: &[&Path]) -> Vec<LockError> {
    let mut found = Vec::new();
    let device = number_of(names);
    for dir in each_once(dirs) {
        let may = accessat(CWD, dir, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
        if let Err(errno) = may {
            found.push(LockError::Io { path: dir.into(), source: errno.into() });
        }
        for path in names.iter().map(|name| dir.join(lock_name(name))) {
            match read_lock(&path) {
                Ok((owner, _)) => found.extend(obstacle(&path, owner, device)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => found.push(LockError::Io { path, source }),
            }
        }
    }
    found
}

/// The directories that are there, those that are one and the same (`/var/lock` → `/run/lock`) once.
fn each_once(dirs: &[PathBuf]) -> Vec<&Path> {
    let mut seen = Vec::new();
    let is_new = |dir: &&Path| {
        let Some(meta) = fs::metadata(dir).ok().filter(fs::Metadata::is_dir) else { return false };
        let identity = (meta.dev(), meta.ino());
        let is_new = !seen.contains(&identity);
        seen.push(identity);
        is_new
    };
    dirs.iter().map(PathBuf::as_path).filter(is_new).collect()
}

/// Why a lock file is to be left alone; `None`: it is ours or left behind. `device`: the number of the locked one.
fn obstacle(path: &Path, owner: Option<i32>, device: Option<u64>) -> Option<LockError> {
    match owner {
        Some(pid)
            if pid != getpid().as_raw_nonzero().get() && is_alive(pid) && !is_reused(pid, path, device) =>
        {
            let comm = fs::read_to_string(format!("/proc/{pid}/comm"));
            let comm = comm.ok().map(|comm| comm.trim_end().to_owned());
            Some(LockError::Held { path: path.into(), pid, comm })
        }
        None if is_young(path) => Some(LockError::Unreadable { path: path.into() }),
        Some(_) | None => None,
    }
}

/// Removes the locks of a process that has died; returns how many. Files that name anybody else stay.
#[must_use]
pub fn remove_locks_of(dir: &Path, pid: i32) -> usize {
    let is_removed = |lock: &PathBuf| !is_alive(pid) && fs::remove_file(lock).is_ok();
    locks_of(dir, pid).filter(is_removed).count()
}

/// The locks of a process in a directory, whether it lives or not.
pub fn locks_of(dir: &Path, pid: i32) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().take(ENTRIES_MAX).flatten();
    let locks = entries.filter(|entry| entry.file_name().as_bytes().starts_with(b"LCK.."));
    let is_its = move |path: &PathBuf| matches!(read_lock(path), Ok((Some(owner), _)) if owner == pid);
    locks.map(|entry| entry.path()).filter(is_its)
}

/// `LCK..` and the device's path below `/dev/` with each `/` as `_` (pppd/utils.c:lock): `/dev/pts/0` → `LCK..pts_0`.
fn lock_name(device: &Path) -> String {
    let device = device.to_string_lossy();
    let below = device.rsplit_once("/dev/").map_or(&*device, |(_, below)| below);
    format!("LCK..{}", below.trim_start_matches('/').replace('/', "_"))
}

fn take_one(dir: &Path, file: &str, device: Option<u64>) -> Result<Held, LockError> {
    let path = dir.join(file);
    let own = getpid().as_raw_nonzero().get();
    let io = |source| LockError::Io { path: path.clone(), source };
    for _ in 0..ATTEMPTS_MAX {
        match create(dir, &path, own) {
            Ok(inode) => return Ok(Held { path, inode }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io(error)),
        }
        let (owner, inode) = match read_lock(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io(error)),
        };
        if let Some(error) = obstacle(&path, owner, device) {
            return Err(error);
        }
        log::warn!("{}: left behind by {owner:?}, removed", path.display());
        // Looked at again: a competitor may have replaced it since. The instant between this look and the removal is the
        // convention's own; the `link(2)` above then still lets only one in.
        if matches!(read_lock(&path), Ok(found) if found == (owner, inode)) {
            let _gone_already = fs::remove_file(&path);
        }
    }
    Err(io(io::Error::from(io::ErrorKind::AlreadyExists)))
}

/// Makes the lock whole in one step: written under another name, then linked, since `link(2)` refuses an existing
/// name and no reader ever sees an empty file.
fn create(dir: &Path, path: &Path, own: i32) -> io::Result<u64> {
    let temp = dir.join(format!("LTMP.{own}"));
    // Of this name only an earlier process with our id can have left one.
    let _none = fs::remove_file(&temp);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&temp)?;
    let made = file.write_all(format!("{own:>10}\n").as_bytes()).and_then(|()| fs::hard_link(&temp, path));
    let inode = file.metadata().map(|meta| meta.ino());
    fs::remove_file(&temp)?;
    made.and(inode)
}

/// The owner a lock file names, `None` where it names none or is no regular file, and the file's inode.
fn read_lock(path: &Path) -> io::Result<(Option<i32>, u64)> {
    // The directory is writable for all: what lies there may be a device.
    let file = match checked::open_at(path, Wanted::File, OFlags::RDONLY) {
        Ok(fd) => File::from(fd),
        // It names no process. What it is matters no more than what an empty file would say.
        Err(Refused::Found { .. }) => return Ok((None, fs::symlink_metadata(path)?.ino())),
        Err(Refused::Errno(errno)) => return Err(errno.into()),
    };
    let inode = file.metadata()?.ino();
    let mut content = Vec::new();
    file.take(CONTENT_LEN_MAX).read_to_end(&mut content)?;
    Ok((parse_owner(&content), inode))
}

/// The HDB form (digits, perhaps padded, perhaps with more words after), or four bytes in native order.
fn parse_owner(content: &[u8]) -> Option<i32> {
    let text = std::str::from_utf8(content).ok().and_then(|text| text.split_whitespace().next());
    let pid = text.and_then(|word| word.parse().ok());
    let binary = || <[u8; 4]>::try_from(content).ok().map(i32::from_ne_bytes);
    pid.or_else(binary).filter(|pid| *pid > 0)
}

fn is_alive(pid: i32) -> bool {
    let Some(raw) = Pid::from_raw(pid) else { return false };
    // EPERM also says that it is there.
    let there = test_kill_process(raw) != Err(rustix::io::Errno::SRCH);
    // A zombie is there too, and uses nothing.
    let id = u32::try_from(pid).ok().and_then(NonZeroU32::new);
    there && !id.and_then(Stat::of).is_some_and(|stat| stat.is_dead())
}

/// The number of the device behind the first of these names that leads to one.
fn number_of(names: &[&Path]) -> Option<u64> {
    let device = |name: &&Path| {
        let meta = fs::metadata(name).ok()?;
        meta.file_type().is_char_device().then(|| meta.rdev())
    };
    names.iter().find_map(device)
}

/// Whether a live process that a lock names cannot be its owner: it started after the lock was made, and has not the device open. By the times
/// alone a clock that was set forward since would make every lock a leftover.
fn is_reused(pid: i32, lock: &Path, device: Option<u64>) -> bool {
    let Some(pid) = u32::try_from(pid).ok().and_then(NonZeroU32::new) else { return false };
    let made = fs::symlink_metadata(lock).and_then(|meta| meta.modified()).ok();
    let lock_age = made.and_then(|made| made.elapsed().ok());
    let older = lock_age
        .zip(Stat::of(pid).and_then(|stat| stat.age()))
        .is_some_and(|(lock, process)| lock > process + REUSED_MARGIN);
    older && device.is_some_and(|device| has_device_open(pid, device).is_ok_and(|open| !open))
}

fn is_young(path: &Path) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|meta| meta.modified());
    // A time stamp in the future (the clock was set back) is no proof of youth; waiting for it could take years.
    modified.ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age < UNREADABLE_AGE_MIN)
}

#[cfg(test)]
mod tests;
