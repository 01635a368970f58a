//! A directory of our own, by descriptor: what was checked is what is used.
//!
//! What lies there is believed, so it has to be ours: no symbolic link leads to it, it belongs to this user, and no other may write
//! to it. The same is asked of each file that is read. What is made there is for this user alone, whatever the umask is.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, fsync, open, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;
use thiserror::Error;

use crate::checked::{self, Refused, Wanted};

/// Entries that are looked at. A gateway has one modem, or a few.
const ENTRIES_MAX: usize = 4_096;
/// Attempts to make a file that is there, and gone at the next look.
const ATTEMPTS_MAX: u32 = 4;
/// Bits that let anybody but the owner write.
const OTHERS_WRITE: u32 = 0o022;
/// Bits that let anybody but the owner do anything.
const OTHERS_ANYTHING: u32 = 0o077;
/// Of a file that is made here.
const OWNER_ALONE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Why a directory or a file in it could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OwnError {
    /// The kernel refused.
    #[error("unable to {what} {}", path.display())]
    Io {
        /// What was being done, in one verb.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// It is not as this program makes it, so another user may have made or written it.
    #[error("{} is not to be trusted: {found}", path.display())]
    NotOurs {
        /// Which file or directory.
        path: PathBuf,
        /// What it is instead.
        found: &'static str,
    },
    /// It holds more than this program ever writes.
    #[error("{}: longer than {max} bytes", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// Bytes, at most.
        max: u64,
    },
}

/// A directory that is ours, no link, and writable by no other user.
#[derive(Debug)]
pub struct OwnDir {
    path: PathBuf,
    fd: OwnedFd,
}

impl OwnDir {
    /// Opens it; `None` where there is none.
    ///
    /// # Errors
    /// It is a link or no directory, belongs to or may be written by another user, or cannot be opened.
    pub fn open(path: &Path) -> Result<Option<Self>, OwnError> {
        // Without a slash at its end: behind one a link would be followed.
        let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.into()).components().collect();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match open(&path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(OwnError::NotOurs { path, found: "no directory, or a symbolic link" });
            }
            Err(errno) => return Err(io_error("open", &path, errno)),
        };
        let meta = File::from(fd.try_clone().map_err(|source| at("open", &path, source))?).metadata();
        let meta = meta.map_err(|source| at("look at", &path, source))?;
        if let Some(found) = distrusted(meta.uid(), meta.mode()) {
            return Err(OwnError::NotOurs { path, found });
        }
        Ok(Some(Self { path, fd }))
    }

    /// Opens it, and makes it where there is none.
    ///
    /// # Errors
    /// As [`OwnDir::open`]; or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, OwnError> {
        if let Some(found) = Self::open(path)? {
            return Ok(found);
        }
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(path).map_err(|source| at("make", path, source))?;
        let gone = || at("open", path, Errno::NOENT.into());
        Self::open(path)?.ok_or_else(gone)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names that begin so, sorted.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn names(&self, start: &str) -> Result<Vec<String>, OwnError> {
        let entries = Dir::read_from(&self.fd).map_err(|errno| io_error("read", &self.path, errno))?;
        let mut names = Vec::new();
        for entry in entries.take(ENTRIES_MAX) {
            let entry = entry.map_err(|errno| io_error("read", &self.path, errno))?;
            let name = entry.file_name().to_string_lossy();
            if name.starts_with(start) {
                names.push(name.into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// What a file holds; `None` where there is none.
    ///
    /// # Errors
    /// It is a link or no regular file, belongs to or may be written by another user, cannot be read, or holds more than `max`
    /// bytes.
    pub fn read(&self, name: &str, max: u64) -> Result<Option<Vec<u8>>, OwnError> {
        let path = self.path.join(name);
        let file = match checked::open_in(&self.fd, Path::new(name), Wanted::File, OFlags::RDONLY) {
            Ok(fd) => File::from(fd),
            Err(Refused::Errno(Errno::NOENT)) => return Ok(None),
            Err(refused) => return Err(refusal("open", path, refused)),
        };
        let meta = file.metadata().map_err(|source| at("look at", &path, source))?;
        if let Some(found) = distrusted(meta.uid(), meta.mode()) {
            return Err(OwnError::NotOurs { path, found });
        }
        let mut content = Vec::new();
        file.take(max + 1).read_to_end(&mut content).map_err(|source| at("read", &path, source))?;
        if content.len() as u64 > max {
            return Err(OwnError::TooLong { path, max });
        }
        Ok(Some(content))
    }

    /// Puts a file with this content in place of the one before it: written beside it first, under the name `new`, and to the disk
    /// before it has its own, so that no half of it is ever read. Two processes that may write at once name `new` differently.
    ///
    /// # Errors
    /// There is no room, or it is not allowed. What was there before stays.
    pub fn replace(&self, name: &str, new: &str, content: &[u8]) -> Result<(), OwnError> {
        let path = self.path.join(new);
        let _left_by_a_dead_process = unlinkat(&self.fd, new, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            openat(&self.fd, new, flags, OWNER_ALONE).map_err(|errno| io_error("make", &path, errno))?;
        let mut file = File::from(file);
        let written = file
            .write_all(content)
            .and_then(|()| file.sync_all())
            .map_err(|source| at("write", &path, source))
            .and_then(|()| {
                let renamed = renameat(&self.fd, new, &self.fd, name).and_then(|()| fsync(&self.fd));
                renamed.map_err(|errno| io_error("replace", &self.path.join(name), errno))
            });
        if written.is_err() {
            let _renamed_already = unlinkat(&self.fd, new, AtFlags::empty());
        }
        written
    }

    /// A file that is there to be locked, made where there is none. Only its owner can open it, and so lock it.
    ///
    /// # Errors
    /// It cannot be made; or it is a link or no regular file, belongs to another user, may be opened by one, or has another name
    /// by which one may have opened it.
    pub fn lock_file(&self, name: &str) -> Result<OwnedFd, OwnError> {
        let path = self.path.join(name);
        let file = self.open_or_make(name, &path)?;
        let meta = file.metadata().map_err(|source| at("look at", &path, source))?;
        let found = if meta.uid() != geteuid().as_raw() {
            "it belongs to another user"
        } else if meta.mode() & OTHERS_ANYTHING != 0 {
            "others may open it"
        } else if meta.nlink() != 1 {
            "it has another name"
        } else {
            return Ok(file.into());
        };
        Err(OwnError::NotOurs { path, found })
    }

    fn open_or_make(&self, name: &str, path: &Path) -> Result<File, OwnError> {
        for _ in 0..ATTEMPTS_MAX {
            match checked::open_in(&self.fd, Path::new(name), Wanted::File, OFlags::WRONLY) {
                Ok(fd) => return Ok(fd.into()),
                Err(Refused::Errno(Errno::NOENT)) => {}
                Err(refused) => return Err(refusal("open", path.into(), refused)),
            }
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(&self.fd, name, flags, OWNER_ALONE) {
                Ok(fd) => return Ok(fd.into()),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(io_error("make", path, errno)),
            }
        }
        Err(io_error("make", path, Errno::EXIST))
    }

    /// A handle of a file that nothing can be read by; `None` where there is none.
    #[must_use]
    pub fn handle(&self, name: &str) -> Option<OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.fd, name, flags, Mode::empty()).ok()
    }

    /// Removes a file; one that is not there is none.
    ///
    /// # Errors
    /// It is not allowed.
    pub fn remove(&self, name: &str) -> Result<(), OwnError> {
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(io_error("remove", &self.path.join(name), errno)),
        }
    }
}

fn distrusted(uid: u32, mode: u32) -> Option<&'static str> {
    if uid != geteuid().as_raw() {
        Some("it belongs to another user")
    } else if mode & OTHERS_WRITE != 0 {
        Some("others may write to it")
    } else {
        None
    }
}

fn refusal(what: &'static str, path: PathBuf, refused: Refused) -> OwnError {
    match refused {
        Refused::Found { found, .. } => OwnError::NotOurs { path, found },
        Refused::Errno(errno) => io_error(what, &path, errno),
    }
}

fn at(what: &'static str, path: &Path, source: io::Error) -> OwnError {
    OwnError::Io { what, path: path.into(), source }
}

fn io_error(what: &'static str, path: &Path, errno: Errno) -> OwnError {
    at(what, path, errno.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn own_dir() -> (tempfile::TempDir, OwnDir) {
        let root = tempfile::tempdir().unwrap();
        let dir = OwnDir::create(&root.path().join("own")).unwrap();
        (root, dir)
    }

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_is_made_is_for_its_owner_alone() {
        let (_root, dir) = own_dir();
        dir.replace("file", ".file.new", b"content").unwrap();
        drop(dir.lock_file("lock").unwrap());
        assert_eq!(mode_of(dir.path()), 0o700);
        for name in ["file", "lock"] {
            assert_eq!(mode_of(&dir.path().join(name)), 0o600, "{name}");
        }
        assert_eq!(dir.read("file", 7).unwrap().unwrap(), b"content");
        assert!(matches!(dir.read("file", 6).unwrap_err(), OwnError::TooLong { .. }));
        assert_eq!(dir.names("f").unwrap(), ["file"]);
    }

    #[test]
    fn a_file_to_lock_that_another_user_could_have_opened_is_refused() {
        let (root, dir) = own_dir();
        let file = dir.path().join("lock");
        drop(dir.lock_file("lock").unwrap());
        let refused = |found: &str| {
            let error = dir.lock_file("lock").unwrap_err();
            assert!(error.to_string().ends_with(&format!("is not to be trusted: {found}")), "{error}");
        };
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        refused("others may open it");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::hard_link(&file, root.path().join("another name")).unwrap();
        refused("it has another name");
        fs::remove_file(&file).unwrap();
        symlink(root.path().join("another name"), &file).unwrap();
        refused("a symbolic link");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        refused("a directory");
        fs::remove_dir(&file).unwrap();
        drop(dir.lock_file("lock").unwrap());
        if std::os::unix::fs::chown(&file, Some(65_534), None).is_ok() {
            refused("it belongs to another user");
        }
    }
}
