//! A service directory and its `supervise` files, held by descriptor: a name may come to mean another directory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cellscan_core::supervisor::{ServiceState, Want};
use cellscan_custody::{Identity, Reading};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{Access, AtFlags, FlockOperation, Mode, OFlags, accessat, fcntl_lock, fstat, open, openat};
use rustix::io::{Errno, ioctl_fionread};
use rustix::process::geteuid;

use crate::checked::{self, Refused, Wanted};
use crate::locks::{self, Kind};
use crate::process::{self, Proc, Stat};
use crate::runit::RunitError;
use crate::runit::status::{StatusRecord, parse_file};

/// Bytes of a status file that are looked at: more than any supervisor writes (40).
const STATUS_READ_MAX: u64 = 64;
/// Bits that let anybody but the owner do anything.
const OTHERS_ANYTHING: u32 = 0o077;
/// A handle by which nothing is read or written.
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Events read in one go; the rest stays readable.
const EVENTS_MAX: u64 = 1_024;

/// A service directory as it was when it was opened.
#[derive(Debug)]
pub struct ServiceDir {
    name: PathBuf,
    real: PathBuf,
    service: OwnedFd,
    supervise: OwnedFd,
    identity: (u64, u64),
}

/// Tells one status file from the next: a rename puts a new inode in place, and an inode that is used again has another
/// time of change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StatusIdentity {
    inode: u64,
    changed: (i64, i64),
}

impl ServiceDir {
    /// Opens `SVC` and `SVC/supervise`, which may be a symbolic link.
    ///
    /// # Errors
    /// There is no such directory, it has never been supervised, or it is not ours to look into.
    pub fn open(name: &Path) -> Result<Self, RunitError> {
        let not_there = || RunitError::NoService { path: name.into() };
        let real = name.canonicalize().map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                not_there()
            } else {
                RunitError::io("resolve", name, source)
            }
        })?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let service = open(&real, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR => not_there(),
            errno => RunitError::errno("open", &real, errno),
        })?;
        let supervise = openat(&service, "supervise", flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT => RunitError::NeverSupervised { path: real.clone() },
            errno => RunitError::errno("open", &real.join("supervise"), errno),
        })?;
        let identity = identity_of(&service).map_err(|source| RunitError::io("look at", &real, source))?;
        Ok(Self { name: name.into(), real, service, supervise, identity })
    }

    /// The directory with all links resolved, as it was when opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.real
    }

    /// Its device and inode.
    #[must_use]
    pub const fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// Device and inode of its `supervise`; `None` where that cannot be told.
    #[must_use]
    pub fn supervise_identity(&self) -> Option<(u64, u64)> {
        identity_of(&self.supervise).ok()
    }

    /// Whether the name it was opened by still means this service. `runsvdir` follows the name, so a link that points
    /// elsewhere now has another supervisor. A directory that was made anew with a link to the same `supervise` (a package
    /// upgrade on Debian or Void) has its supervisor there too, and is no other.
    #[must_use]
    pub fn is_still_named(&self) -> bool {
        let identity = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
        let same_supervise = || {
            let here = identity(&self.name.join("supervise"));
            here.is_some() && here == self.supervise_identity()
        };
        identity(&self.name) == Some(self.identity) || same_supervise()
    }

    /// Whether a supervisor works in another directory than this: it was deleted or moved under it. The supervisor still
    /// obeys, and its record is not seen any more. `false` also where that cannot be seen.
    #[must_use]
    pub fn is_displaced(&self, supervisor: Option<&Proc>) -> bool {
        let dir = supervisor.and_then(|proc| process::working_dir(proc.pid()));
        dir.is_some_and(|dir| dir != self.identity)
    }

    /// Whether the file `down` keeps the service from starting by itself.
    #[must_use]
    pub fn has_down_file(&self) -> bool {
        accessat(&self.service, "down", Access::EXISTS, AtFlags::empty()).is_ok()
    }

    /// The record as it stands. `runsv` replaces it by `rename(2)`, so it is never half written.
    ///
    /// # Errors
    /// It is missing, not ours to read, or no record of `runsv`.
    pub fn read_status(&self) -> Result<StatusRecord, RunitError> {
        Ok(self.read(None)?.0)
    }

    /// The record, and what goes with it: which file it was read from, how many bytes waited in `control` before, and whether the
    /// supervisor slept in between.
    ///
    /// # Errors
    /// As [`ServiceDir::read_status`].
    pub fn read(&self, supervisor: Option<&Proc>) -> Result<(StatusRecord, Reading), RunitError> {
        // Before the record: what has been taken out by now is answered in it, or about to be.
        let unread = self.unread();
        let sleeps = |proc: &Proc| {
            Stat::of(proc.pid())
                .is_some_and(|stat| stat.state == b'S' && stat.start_time == proc.start_time())
        };
        let settled = unread == Some(0) && supervisor.is_some_and(sleeps);
        let file = File::from(self.open_file("status", Wanted::File, OFlags::RDONLY)?);
        let failed = |source| RunitError::io("read", &self.file("status"), source);
        let meta = file.metadata().map_err(failed)?;
        let mut content = Vec::new();
        file.take(STATUS_READ_MAX + 1).read_to_end(&mut content).map_err(failed)?;
        let record = parse_file(&content)
            .map_err(|source| RunitError::NotRunit { path: self.real.clone(), source })?;
        let identity =
            Identity { device: meta.dev(), inode: meta.ino(), modified: (meta.mtime(), meta.mtime_nsec()) };
        let reading = Reading {
            identity,
            want_up: record.want_up,
            at_rest: record.is_at_rest(),
            runs: record.state == ServiceState::Run && !record.got_term,
            unread,
            settled,
        };
        Ok((record, reading))
    }

    /// Whether a process reads `control` and `ok`. Both are asked: a reader of `ok` alone need not be `runsv`.
    ///
    /// # Errors
    /// They are no FIFOs, or not ours to open.
    pub fn is_supervised(&self) -> Result<bool, RunitError> {
        for fifo in ["ok", "control"] {
            match self.open_file(fifo, Wanted::Fifo, OFlags::WRONLY) {
                Ok(_) => {}
                Err(RunitError::NotSupervised { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Bytes that wait in `control`, ours or others'; `None` where that cannot be told.
    #[must_use]
    pub fn unread(&self) -> Option<u64> {
        ioctl_fionread(self.open_file("control", Wanted::Fifo, OFlags::WRONLY).ok()?).ok()
    }

    /// Writes one byte to `control`. The FIFO is opened for it alone: a write end that stays open would keep unread
    /// bytes for a later `runsv` to obey.
    ///
    /// # Errors
    /// No `runsv` reads it (`ENXIO`, `EPIPE`), 64 KiB of others' bytes wait already (`EAGAIN`), or it is not allowed.
    pub fn send(&self, byte: u8) -> Result<(), RunitError> {
        let fifo = self.open_file("control", Wanted::Fifo, OFlags::WRONLY)?;
        match rustix::io::retry_on_intr(|| rustix::io::write(&fifo, &[byte])) {
            Ok(1) => Ok(()),
            Ok(_) | Err(Errno::AGAIN) => Err(RunitError::ControlFull { path: self.real.clone() }),
            Err(Errno::PIPE) => Err(RunitError::NotSupervised { path: self.real.clone() }),
            Err(errno) => Err(RunitError::errno("write to", &self.file("control"), errno)),
        }
    }

    /// Opens a file of `supervise`, where it is what it is to be; another user may have put something else there. It never
    /// waits, and never makes a file.
    fn open_file(&self, name: &str, wanted: Wanted, access: OFlags) -> Result<OwnedFd, RunitError> {
        checked::open_in(&self.supervise, Path::new(name), wanted, access).map_err(|refused| match refused {
            Refused::Errno(Errno::NXIO) => RunitError::NotSupervised { path: self.real.clone() },
            Refused::Errno(Errno::NOENT) => RunitError::NeverSupervised { path: self.real.clone() },
            Refused::Errno(errno) => RunitError::errno("open", &self.file(name), errno),
            Refused::Found { found, wanted } => {
                RunitError::Misplaced { path: self.file(name), found, wanted }
            }
        })
    }

    /// The `runsv` of this directory: the process that holds the lock on `supervise/lock`, as `/proc/locks` tells it
    /// (`proc_locks(5)`), with this as its working directory. Where the lock table does not tell (another process
    /// namespace, a file system whose numbers differ there), a `runsv` with this working directory.
    #[must_use]
    pub fn supervisor(&self) -> Option<Proc> {
        let by_lock = self.lock_holders();
        let here = |pid: &NonZeroU32| process::working_dir(*pid) == Some(self.identity);
        let found = by_lock.iter().copied().find(here).or_else(|| {
            process::all().into_iter().find(|pid| here(pid) && process::is_called(*pid, "runsv"))
        });
        // A lock holder elsewhere runs a directory that was deleted or moved: worth knowing, by its handle.
        Proc::open(found.or_else(|| by_lock.first().copied())?).ok().flatten()
    }

    /// Locks `supervise/lock` by `fcntl(2)`, for [`claim`](crate::custody::claim); `None` where it is not this user's alone to open.
    ///
    /// # Errors
    /// A process of this user has it.
    pub(crate) fn claim(&self) -> Result<Option<OwnedFd>, NonZeroU32> {
        let Some(file) = self.lock_file(OFlags::WRONLY) else { return Ok(None) };
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(Errno::AGAIN | Errno::ACCESS) => match record_holder(&file) {
                Some(by) => Err(by),
                None => Ok(None),
            },
            Err(_no_such_locks_here) => Ok(None),
        }
    }

    /// The process of this user that has locked it so.
    pub(crate) fn claimed_by(&self) -> Option<NonZeroU32> {
        let file = openat(&self.supervise, "lock", LOOK, Mode::empty()).ok()?;
        record_holder(&file)
    }

    /// `supervise/lock`, where no other user can open it: `runsv` makes it with mode 0600, in a directory with 0700.
    fn lock_file(&self, access: OFlags) -> Option<OwnedFd> {
        let file = checked::open_in(&self.supervise, Path::new("lock"), Wanted::File, access).ok()?;
        let stat = fstat(&file).ok()?;
        let is_ours_alone = stat.st_uid == geteuid().as_raw() && stat.st_mode & OTHERS_ANYTHING == 0;
        is_ours_alone.then_some(file)
    }

    fn lock_holders(&self) -> Vec<NonZeroU32> {
        let lock = openat(&self.supervise, "lock", LOOK, Mode::empty());
        lock.map(|lock| locks::holders(&lock, Kind::Flock)).unwrap_or_default()
    }

    /// An inotify descriptor that tells every rewrite of the record, also of unchanged content. The directory is
    /// watched, since the file itself is replaced each time.
    ///
    /// # Errors
    /// The limit of inotify instances of this user is reached (inotify(7)).
    pub fn watch(&self) -> io::Result<OwnedFd> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        // Through the descriptor: the directory that was opened, wherever its name leads by now.
        let path = format!("/proc/self/fd/{}", self.supervise.as_raw_fd());
        inotify::add_watch(&fd, path, WatchFlags::MOVED_TO)?;
        Ok(fd)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.real.join("supervise").join(name)
    }
}

/// Takes what a [`ServiceDir::watch`] descriptor has to tell, without waiting. It only wakes: events may be late, or lost,
/// and what counts is what is read.
pub fn drain(watch: &OwnedFd) {
    let mut buf = [MaybeUninit::uninit(); 4_096];
    let mut reader = inotify::Reader::new(watch, &mut buf);
    for _ in 0..EVENTS_MAX {
        if reader.next().is_err() {
            return;
        }
    }
}

/// What the record means; see [`cellscan_custody::want_of`].
#[must_use]
pub fn want_of(record: &StatusRecord, asked: Option<Want>, obeyed: bool) -> Want {
    cellscan_custody::want_of(record.want_up, record.runs(), asked, obeyed)
}

/// The byte that asks for it (runsv.c:ctrl).
#[must_use]
pub const fn byte_of(want: Want) -> u8 {
    match want {
        Want::Up => b'u',
        Want::Once => b'o',
        Want::Down => b'd',
    }
}

/// A process of this user that has locked it by `fcntl(2)`. A `runsv` that locks it so is no scan.
fn record_holder(file: &OwnedFd) -> Option<NonZeroU32> {
    locks::own_holder(file, Kind::Record).filter(|pid| !process::is_called(*pid, "runsv"))
}

fn identity_of(fd: &OwnedFd) -> io::Result<(u64, u64)> {
    let meta = File::from(fd.as_fd().try_clone_to_owned()?).metadata()?;
    Ok((meta.dev(), meta.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_was_never_supervised_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = ServiceDir::open(dir.path()).unwrap_err();
        assert!(matches!(error, RunitError::NeverSupervised { .. }), "{error}");
        let error = ServiceDir::open(&dir.path().join("none")).unwrap_err();
        assert!(matches!(error, RunitError::NoService { .. }), "{error}");
    }

    #[test]
    fn a_plain_file_in_place_of_the_fifo_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let supervise = dir.path().join("supervise");
        fs::create_dir(&supervise).unwrap();
        fs::write(supervise.join("control"), "").unwrap();
        fs::write(supervise.join("status"), [0xff; 20]).unwrap();
        let service = ServiceDir::open(dir.path()).unwrap();
        assert!(matches!(service.send(b'd').unwrap_err(), RunitError::Misplaced { .. }));
        assert_eq!(fs::read(supervise.join("control")).unwrap(), b"");
        assert!(matches!(service.read_status().unwrap_err(), RunitError::NotRunit { .. }));
    }

    #[test]
    fn every_rewrite_is_another_record_also_one_that_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let supervise = dir.path().join("supervise");
        fs::create_dir(&supervise).unwrap();
        let service = ServiceDir::open(dir.path()).unwrap();
        let mut record = [0; 20];
        record[17] = b'd';
        let mut identities = Vec::new();
        for _ in 0..3 {
            fs::write(supervise.join("status.new"), record).unwrap();
            fs::rename(supervise.join("status.new"), supervise.join("status")).unwrap();
            let (status, reading) = service.read(None).unwrap();
            assert!(status.is_at_rest() && reading.at_rest && reading.unread.is_none());
            assert_eq!(service.read(None).unwrap().1, reading, "and the same while it is not rewritten");
            identities.push(reading.identity);
        }
        assert!(identities[0] != identities[1] && identities[1] != identities[2], "{identities:?}");
    }

    #[test]
    fn a_watch_wakes_for_a_rewrite_and_is_quiet_once_drained() {
        let dir = tempfile::tempdir().unwrap();
        let supervise = dir.path().join("supervise");
        fs::create_dir(&supervise).unwrap();
        let service = ServiceDir::open(dir.path()).unwrap();
        let watch = service.watch().unwrap();
        fs::write(supervise.join("new"), "same").unwrap();
        fs::rename(supervise.join("new"), supervise.join("status")).unwrap();
        let woken = || {
            crate::event_loop::wait_one(
                watch.as_fd(),
                rustix::event::PollFlags::IN,
                std::time::Duration::ZERO,
                crate::clock::Clock::new(),
            )
        };
        assert_eq!(woken(), Ok(true));
        drain(&watch);
        assert_eq!(woken(), Ok(false));
    }

    #[test]
    fn a_directory_made_anew_around_the_same_supervise_is_the_same_service() {
        let dir = tempfile::tempdir().unwrap();
        let (name, supervise) = (dir.path().join("pppd"), dir.path().join("run"));
        fs::create_dir(&supervise).unwrap();
        let make = || {
            fs::create_dir(&name).unwrap();
            std::os::unix::fs::symlink("../run", name.join("supervise")).unwrap();
        };
        make();
        let service = ServiceDir::open(&name).unwrap();
        fs::rename(&name, dir.path().join("old")).unwrap();
        assert!(!service.is_still_named());
        make();
        assert!(service.is_still_named());
        fs::rename(&supervise, dir.path().join("run.old")).unwrap();
        fs::create_dir(&supervise).unwrap();
        assert!(!service.is_still_named());
    }

    #[test]
    fn a_link_that_points_elsewhere_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a/supervise", "b/supervise"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        let name = dir.path().join("pppd");
        std::os::unix::fs::symlink("a", &name).unwrap();
        let service = ServiceDir::open(&name).unwrap();
        assert!(service.is_still_named());
        fs::remove_file(&name).unwrap();
        std::os::unix::fs::symlink("b", &name).unwrap();
        assert!(!service.is_still_named());
    }
}
