//! Whether a path is a tty, without opening it: an open may raise DTR, or take the port from `pppd`.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{major, minor};
use thiserror::Error;

/// The kernel's list of tty drivers (`proc_tty(5)`; `drivers/tty/tty_io.c`).
const DRIVERS: &str = "/proc/tty/drivers";
/// The class of modem ports that are not ttys and accept the same calls (`wwan_port_fops_at_ioctl` in
/// `drivers/net/wwan/wwan_core.c`).
const WWAN: &str = "wwan";

/// Why a path cannot be the port of a modem.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotATty {
    /// It does not exist.
    #[error("there is no such file")]
    Missing,
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// It is a regular file.
    #[error("it is a regular file")]
    RegularFile,
    /// It is a device, and no tty driver has its number.
    #[error("it is a character device, but no tty")]
    OtherDevice,
    /// It is a FIFO, a socket or a block device.
    #[error("it is no character device")]
    OtherFile,
    /// It could not be examined.
    #[error("it cannot be looked at: {0}")]
    Io(#[source] io::Error),
}

/// The device number (`st_rdev`) of the tty at `path`; links are followed.
///
/// # Errors
/// It is no tty. If the kernel does not list its tty drivers, any character device counts as one.
pub fn device_of(path: &Path) -> Result<u64, NotATty> {
    let is_missing =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    let meta = fs::metadata(path)
        .map_err(|error| if is_missing(&error) { NotATty::Missing } else { NotATty::Io(error) })?;
    let kind = meta.file_type();
    if kind.is_dir() {
        Err(NotATty::Directory)
    } else if kind.is_file() {
        Err(NotATty::RegularFile)
    } else if !kind.is_char_device() {
        Err(NotATty::OtherFile)
    } else if is_tty(meta.rdev()) {
        Ok(meta.rdev())
    } else {
        Err(NotATty::OtherDevice)
    }
}

/// Whether the character device of this number is a tty, or a port that accepts the same calls.
pub(crate) fn is_tty(device: u64) -> bool {
    let listed = fs::read_to_string(DRIVERS).map(|text| drivers(&text)).unwrap_or_default();
    listed.is_empty() || is_driven(&listed, device) || class_of(device).is_some_and(|class| class == WWAN)
}

/// One line of the list: a major number and its minor numbers.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Driver {
    major: u32,
    minors: RangeInclusive<u32>,
}

fn drivers(text: &str) -> Vec<Driver> {
    text.lines().filter_map(driver).collect()
}

/// `usbserial            /dev/ttyUSB   188 0-511 serial`. Parsed from its end: the name of a driver may contain blanks. No
/// modem is behind the system's own names (`/dev/tty`, `/dev/ptmx`) and the masters of pseudo-terminals.
fn driver(line: &str) -> Option<Driver> {
    let mut words = line.split_ascii_whitespace().rev();
    let kind = words.next().filter(|kind| !kind.starts_with("system") && *kind != "pty:master");
    let (_, minors, major) = (kind?, words.next()?, words.next()?.parse().ok()?);
    let (first, last) = minors.split_once('-').unwrap_or((minors, minors));
    Some(Driver { major, minors: first.parse().ok()?..=last.parse().ok()? })
}

fn is_driven(drivers: &[Driver], device: u64) -> bool {
    let (major, minor) = (major(device), minor(device));
    drivers.iter().any(|driver| driver.major == major && driver.minors.contains(&minor))
}

/// The class of a character device in sysfs.
fn class_of(device: u64) -> Option<String> {
    let link = format!("/sys/dev/char/{}:{}/subsystem", major(device), minor(device));
    Some(fs::read_link(link).ok()?.file_name()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use rustix::fs::makedev;
    use rustix::pty::OpenptFlags;

    use super::*;

    /// From a gateway (Linux 6.1), with a driver whose name contains a blank.
    const LISTED: &str = "\
/dev/tty             /dev/tty        5       0 system:/dev/tty
/dev/ptmx            /dev/ptmx       5       2 system
usbserial            /dev/ttyUSB   188 0-511 serial
acm driver           /dev/ttyACM   166 0-255 serial
serial               /dev/ttyS       4 64-95 serial
pty_slave            /dev/pts      136 0-1048575 pty:slave
pty_master           /dev/ptm      128 0-1048575 pty:master
unknown              /dev/tty        4 1-63 console
";

    #[test]
    fn a_device_is_a_tty_when_a_listed_driver_has_its_number() {
        let listed = drivers(LISTED);
        assert_eq!(listed.len(), 5, "{listed:?}");
        for (major, minor, expected) in [
            (188, 0, true),
            (188, 511, true),
            (188, 512, false),
            (166, 3, true),
            (4, 64, true),
            (4, 0, false),
            (5, 0, false),
            (5, 2, false),
            (128, 0, false),
            (136, 300, true),
            (1, 3, false),
            (108, 0, false),
        ] {
            assert_eq!(is_driven(&listed, makedev(major, minor)), expected, "{major}:{minor}");
        }
    }

    #[test]
    fn lines_that_are_no_drivers_are_skipped() {
        for bad in ["", "serial", "a b c", "x /dev/x one 0-1 serial", "x /dev/x 4 0-y serial", "4 64 "] {
            assert_eq!(drivers(bad), [], "{bad:?}");
        }
    }

    #[test]
    fn a_pseudo_terminal_is_a_tty_and_other_files_are_not() {
        let modem = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::CLOEXEC).unwrap();
        rustix::pty::unlockpt(&modem).unwrap();
        let name = rustix::pty::ptsname(&modem, Vec::new()).unwrap().into_string().unwrap();
        assert_eq!(device_of(Path::new(&name)).unwrap(), fs::metadata(&name).unwrap().rdev());
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
        let why = |path: &Path| device_of(path).unwrap_err();
        assert!(matches!(why(dir.path()), NotATty::Directory));
        assert!(matches!(why(&file), NotATty::RegularFile));
        assert!(matches!(why(&file.join("below")), NotATty::Missing));
        assert!(matches!(why(&dir.path().join("none")), NotATty::Missing));
        assert!(matches!(why(&dir.path().join("socket")), NotATty::OtherFile));
        if !drivers(&fs::read_to_string(DRIVERS).unwrap_or_default()).is_empty() {
            assert!(matches!(why(Path::new("/dev/null")), NotATty::OtherDevice));
        }
        drop(socket);
    }
}
