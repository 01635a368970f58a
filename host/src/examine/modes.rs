//! The owner of a file, and which other users may read or write it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Mode bits by which other users may read.
const READABLE: u32 = 0o044;
const WRITABLE: u32 = 0o022;
const WRITABLE_BY_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Owner and mode of a file, a directory or a device; links are followed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Modes {
    /// Its name.
    pub path: PathBuf,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// The twelve lowest mode bits.
    pub mode: u32,
}

impl Modes {
    /// Reads them; `None` if the file does not exist, or may not be read.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        let (uid, gid, mode) = (meta.uid(), meta.gid(), meta.mode() & 0o7777);
        Some(Self { path: path.to_path_buf(), uid, gid, mode })
    }

    /// Whether another user than root and `us` owns it, and so may change its mode.
    #[must_use]
    pub const fn has_another_owner(&self, us: u32) -> bool {
        self.uid != 0 && self.uid != us
    }

    /// Whether others than the owner may write: all users, or a group that is not root's.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        self.mode & self.relevant(WRITABLE) != 0
    }

    /// Whether others than the owner may read or write.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.mode & self.relevant(WRITABLE | READABLE) != 0
    }

    /// Whether every user may write.
    #[must_use]
    pub const fn is_writable_by_all(&self) -> bool {
        self.mode & WRITABLE_BY_ALL != 0
    }

    /// Whether every user may remove other users' files from this directory.
    #[must_use]
    pub const fn lets_all_remove(&self) -> bool {
        self.is_writable_by_all() && self.mode & STICKY == 0
    }

    /// Members of root's group may do no more than root.
    const fn relevant(&self, bits: u32) -> u32 {
        if self.gid == 0 { bits & 0o007 } else { bits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(uid: u32, gid: u32, mode: u32) -> Modes {
        Modes { path: "/x".into(), uid, gid, mode }
    }

    #[test]
    fn other_users_access_follows_from_the_mode() {
        assert!(!modes(0, 5, 0o700).is_open() && !modes(0, 5, 0o600).is_open());
        assert!(modes(0, 5, 0o640).is_open() && modes(0, 5, 0o604).is_open());
        assert!(!modes(0, 0, 0o660).is_open(), "the group of root");
        assert!(!modes(0, 5, 0o755).is_writable() && modes(0, 5, 0o775).is_writable());
        assert!(!modes(0, 0, 0o775).is_writable() && modes(0, 0, 0o777).is_writable());
        assert!(modes(0, 5, 0o777).lets_all_remove() && !modes(0, 5, 0o1777).lets_all_remove());
        assert!(!modes(0, 5, 0o775).lets_all_remove(), "a group of programs that lock");
    }

    #[test]
    fn root_and_the_own_user_do_not_count_as_others() {
        assert!(!modes(0, 0, 0).has_another_owner(7) && !modes(7, 0, 0).has_another_owner(7));
        assert!(modes(7, 0, 0).has_another_owner(0) && modes(8, 0, 0).has_another_owner(7));
    }
}
