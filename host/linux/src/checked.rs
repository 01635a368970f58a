//! Files that another user may have put there: opened once it is known what they are, and never before.
//!
//! An open is an act: of a tty it raises DTR, of a tape or a watchdog it does more, of a FIFO it wakes the other end. So the name is
//! opened with `O_PATH` first, which does nothing to what it names, and it is that very file which is opened next, through its
//! descriptor: a name that has come to mean another file meanwhile is not met.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, open, openat};
use rustix::io::Errno;

/// What a file is to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// A regular file.
    File,
    /// A FIFO.
    Fifo,
}

/// Why a file was not opened.
#[derive(Clone, Copy, Debug)]
pub enum Refused {
    /// It is something else.
    Found {
        /// What it is.
        found: &'static str,
        /// What it is to be.
        wanted: &'static str,
    },
    /// The kernel refused.
    Errno(Errno),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { found, wanted } => write!(f, "found {found}, wanted {wanted}"),
            Self::Errno(errno) => io::Error::from(*errno).fmt(f),
        }
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Errno(errno) => errno.into(),
            found @ Refused::Found { .. } => Self::other(found.to_string()),
        }
    }
}

/// Opens a file of a directory by its name. A symbolic link of that name is not followed: it is no file.
///
/// # Errors
/// It is something else, or the kernel refused.
pub fn open_in(dir: impl AsFd, name: &Path, wanted: Wanted, access: OFlags) -> Result<OwnedFd, Refused> {
    let dir = dir.as_fd();
    let path = openat(dir, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .map_err(Refused::Errno)?;
    let again = |flags| openat(dir, name, flags | OFlags::NOFOLLOW, Mode::empty());
    reopen(&path, wanted, access, again)
}

/// The same for a path, whose last component is no link either.
///
/// # Errors
/// As [`open_in`].
pub fn open_at(path: &Path, wanted: Wanted, access: OFlags) -> Result<OwnedFd, Refused> {
    open_in(CWD, path, wanted, access)
}

/// Opens the regular file that a path leads to, by links too, for reading.
///
/// # Errors
/// As [`open_in`].
pub fn open_followed(path: &Path) -> Result<File, Refused> {
    let found = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(Refused::Errno)?;
    let again = |flags| open(path, flags, Mode::empty());
    reopen(&found, Wanted::File, OFlags::RDONLY, again).map(File::from)
}

/// Opens what `found` is a handle of; `again` is the open by name, for where there is no `/proc`.
fn reopen(
    found: &OwnedFd,
    wanted: Wanted,
    access: OFlags,
    again: impl FnOnce(OFlags) -> Result<OwnedFd, Errno>,
) -> Result<OwnedFd, Refused> {
    let seen = fstat(found).map_err(Refused::Errno)?;
    let kind = FileType::from_raw_mode(seen.st_mode);
    let is_wanted = match wanted {
        Wanted::File => kind == FileType::RegularFile,
        Wanted::Fifo => kind == FileType::Fifo,
    };
    if !is_wanted {
        return Err(Refused::Found { found: name_of(kind), wanted: wanted.name() });
    }
    // `O_NONBLOCK`, `O_NOCTTY`: for what `again` may meet.
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = match open(format!("/proc/self/fd/{}", found.as_raw_fd()), flags, Mode::empty()) {
        Err(Errno::NOENT) => again(flags),
        opened => opened,
    };
    let opened = opened.map_err(Refused::Errno)?;
    let is = fstat(&opened).map_err(Refused::Errno)?;
    if (is.st_dev, is.st_ino) != (seen.st_dev, seen.st_ino) {
        return Err(Refused::Found { found: "another file than a moment ago", wanted: wanted.name() });
    }
    Ok(opened)
}

impl Wanted {
    const fn name(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Fifo => "a FIFO",
        }
    }
}

const fn name_of(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice => "a character device",
        FileType::BlockDevice => "a block device",
        FileType::Unknown => "a file of an unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::pty::OpenptFlags;

    use super::*;

    #[test]
    fn a_file_and_a_fifo_are_opened_as_what_they_are_and_as_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (file, fifo) = (dir.path().join("file"), dir.path().join("fifo"));
        fs::write(&file, "content").unwrap();
        rustix::fs::mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        let mut text = String::new();
        let opened = open_at(&file, Wanted::File, OFlags::RDONLY).unwrap();
        File::from(opened).read_to_string(&mut text).unwrap();
        assert_eq!(text, "content");
        let reader = open_at(&fifo, Wanted::Fifo, OFlags::RDONLY).unwrap();
        let writer = open_at(&fifo, Wanted::Fifo, OFlags::WRONLY).unwrap();
        File::from(writer).write_all(b"x").unwrap();
        let mut byte = [0];
        File::from(reader).read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"x");
        let no_reader = open_at(&fifo, Wanted::Fifo, OFlags::WRONLY).unwrap_err();
        assert!(matches!(no_reader, Refused::Errno(Errno::NXIO)), "{no_reader}");
        let said = |path: &Path, wanted| open_at(path, wanted, OFlags::RDONLY).unwrap_err().to_string();
        assert_eq!(said(&file, Wanted::Fifo), "found a regular file, wanted a FIFO");
        assert_eq!(said(&fifo, Wanted::File), "found a FIFO, wanted a regular file");
        assert_eq!(said(dir.path(), Wanted::File), "found a directory, wanted a regular file");
        assert_eq!(
            said(Path::new("/dev/null"), Wanted::File),
            "found a character device, wanted a regular file"
        );
    }

    #[test]
    fn a_link_is_no_file_unless_links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "content").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        let error = open_at(&link, Wanted::File, OFlags::RDONLY).unwrap_err();
        assert_eq!(error.to_string(), "found a symbolic link, wanted a regular file");
        assert!(open_followed(&link).is_ok());
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(open_followed(&link).is_err());
    }

    #[test]
    fn a_terminal_in_the_place_of_a_file_is_not_opened() {
        let modem = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::CLOEXEC).unwrap();
        rustix::pty::unlockpt(&modem).unwrap();
        let name = rustix::pty::ptsname(&modem, Vec::new()).unwrap().into_string().unwrap();
        // Once the other end was open and is closed again, the master hangs up.
        let hung_up = || {
            let mut fds = [PollFd::new(&modem, PollFlags::IN)];
            poll(&mut fds, Some(&Timespec::default())).unwrap();
            fds[0].revents().contains(PollFlags::HUP)
        };
        for wanted in [Wanted::File, Wanted::Fifo] {
            assert!(open_at(Path::new(&name), wanted, OFlags::RDWR).is_err());
        }
        assert!(open_followed(Path::new(&name)).is_err());
        assert!(!hung_up(), "it was opened");
        drop(File::options().read(true).write(true).open(&name).unwrap());
        assert!(hung_up(), "a master that does not tell proves nothing");
    }
}
