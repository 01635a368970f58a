//! Who holds a lock, as the kernel's table tells it (`proc_locks(5)`).

use std::fs::{self, File};
use std::io::Read;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;

use rustix::fs::fstat;
use rustix::process::geteuid;

use crate::process::{self, Stat};

/// Bytes of the table that are looked at: some ten thousand locks.
const LOCKS_LEN_MAX: u64 = 1 << 20;

/// How a file is locked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// By `flock(2)`; the lock is the open file's.
    Flock,
    /// By `fcntl(2)`; the lock is the process's.
    Record,
}

/// The processes that hold an exclusive lock on a file; one that does not live, and one with a file of the same inode number on another
/// file system, may be among them.
pub(crate) fn holders(file: &OwnedFd, kind: Kind) -> Vec<NonZeroU32> {
    let Ok(stat) = fstat(file) else { return Vec::new() };
    let mut table = Vec::new();
    let read = File::open("/proc/locks").and_then(|file| file.take(LOCKS_LEN_MAX).read_to_end(&mut table));
    if read.is_err() {
        return Vec::new();
    }
    let table = String::from_utf8_lossy(&table);
    let on_it = |line| parse(line).filter(|lock| (lock.0, lock.2) == (kind, stat.st_ino));
    table.lines().filter_map(on_it).map(|lock| lock.1).collect()
}

/// A living process of this user that holds the lock, the file open. Another user's is not believed: that one holds a lock on
/// another file, or was handed a descriptor that it should not have.
pub(crate) fn own_holder(file: &OwnedFd, kind: Kind) -> Option<NonZeroU32> {
    let stat = fstat(file).ok()?;
    let identity = (stat.st_dev, stat.st_ino);
    let user = geteuid().as_raw();
    holders(file, kind).into_iter().find(|pid| {
        Stat::of(*pid).is_some_and(|stat| !stat.is_dead())
            && is_of_user(*pid, user)
            && process::has_open(*pid, identity) != Some(false)
    })
}

/// Whether a process belongs to a user by each of its four numbers: one that runs with root's rights for another user has
/// that user's as its real one.
fn is_of_user(pid: NonZeroU32, user: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    line.is_some_and(|line| is_all(line, user))
}

fn is_all(numbers: &str, user: u32) -> bool {
    let mut numbers = numbers.split_ascii_whitespace().map(str::parse::<u32>).peekable();
    numbers.peek().is_some() && numbers.all(|number| number == Ok(user))
}

/// Kind, process and inode of an exclusive lock in a line of `/proc/locks`. The device is not compared: on overlay and btrfs the
/// number there is another than stat(2) gives. Blocked waiters have `->` and are none.
fn parse(line: &str) -> Option<(Kind, NonZeroU32, u64)> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let kind = match words.next()? {
        "FLOCK" => Kind::Flock,
        "POSIX" => Kind::Record,
        _ => return None,
    };
    if (words.next()?, words.next()?) != ("ADVISORY", "WRITE") {
        return None;
    }
    let pid = words.next()?.parse().ok()?;
    let inode = words.next()?.rsplit(':').next()?.parse().ok()?;
    Some((kind, pid, inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_table_is_read_and_waiters_and_shared_locks_are_not_holders() {
        let pid = NonZeroU32::new(271).unwrap();
        assert_eq!(parse("5: FLOCK  ADVISORY  WRITE 271 08:01:4711 0 EOF"), Some((Kind::Flock, pid, 4711)));
        assert_eq!(parse("5: POSIX  ADVISORY  WRITE 271 08:01:4711 0 EOF"), Some((Kind::Record, pid, 4711)));
        for line in [
            "5: -> FLOCK  ADVISORY  WRITE 271 08:01:4711 0 EOF",
            "5: OFDLCK ADVISORY  WRITE 271 08:01:4711 0 EOF",
            "5: FLOCK  ADVISORY  READ 271 08:01:4711 0 EOF",
            "5: FLOCK  ADVISORY  WRITE 0 08:01:4711 0 EOF",
            "5: FLOCK  ADVISORY  WRITE -1 08:01:4711 0 EOF",
            "5: FLOCK  ADVISORY  WRITE 271 nonsense",
            "",
        ] {
            assert_eq!(parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_process_is_of_a_user_only_by_all_its_numbers() {
        assert!(is_all("\t0\t0\t0\t0", 0));
        // A program with root's rights, started by another user.
        assert!(!is_all("\t65534\t0\t0\t0", 0));
        assert!(!is_all("", 0) && !is_all("\tx\t0\t0\t0", 0));
        assert!(is_of_user(NonZeroU32::new(std::process::id()).unwrap(), geteuid().as_raw()));
    }
}
