use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::LocalModes;
use tempfile::TempDir;

use super::*;
use crate::soon::soon;

/// A modem's end (the master) and the name of ours.
fn pty() -> (OwnedFd, PathBuf) {
    let modem = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&modem).unwrap();
    unlockpt(&modem).unwrap();
    let name = ptsname(&modem, Vec::new()).unwrap();
    let path = PathBuf::from(OsStr::from_bytes(name.as_bytes()));
    (modem, path)
}

fn line(path: &Path) -> (SerialLine, TempDir) {
    let locks = tempfile::tempdir().unwrap();
    let options = SerialOptions { lock_dirs: vec![locks.path().into()], ..SerialOptions::new(path) };
    (SerialLine::new(options), locks)
}

fn open(line: &mut SerialLine) -> Result<(), SerialError> {
    nb::block!(line.open())
}

/// Reads until that many bytes have come.
fn read_bytes(line: &mut SerialLine, wanted: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    while heard.len() < wanted {
        assert!(soon(|| line.read_ready().unwrap()), "{heard:?}, and no more");
        let mut buf = [0; 32];
        let count = line.read(&mut buf).unwrap();
        heard.extend_from_slice(&buf[..count]);
    }
    heard
}

fn locks_in(dir: &TempDir) -> usize {
    fs::read_dir(dir.path()).unwrap().count()
}

#[test]
fn bytes_go_both_ways_raw() {
    let (modem, path) = pty();
    let (mut line, _locks) = line(&path);
    open(&mut line).unwrap();
    line.write_all(b"AT+COPS?\r").unwrap();
    let mut buf = [0; 32];
    let count = rustix::io::read(&modem, &mut buf).unwrap();
    assert_eq!(&buf[..count], b"AT+COPS?\r", "no translation of CR");
    assert!(!line.read_ready().unwrap());
    rustix::io::write(&modem, b"\r\nOK\r\n\x03\x11\x13").unwrap();
    let sent = b"\r\nOK\r\n\x03\x11\x13";
    assert_eq!(read_bytes(&mut line, sent.len()), sent, "no echo, no signal, no flow control");
}

#[test]
fn an_empty_line_ends_a_read_with_a_time_out() {
    let (_modem, path) = pty();
    let (mut line, _locks) = line(&path);
    open(&mut line).unwrap();
    assert!(matches!(line.read(&mut [0; 8]), Err(SerialError::ReadTimeout)));
}

#[test]
fn what_came_before_the_open_is_thrown_away() {
    let (modem, path) = pty();
    let (mut line, _locks) = line(&path);
    let other = File::options().read(true).write(true).open(&path).unwrap();
    rustix::io::write(&modem, b"AATQ0\r\n").unwrap();
    poll(&mut [PollFd::new(&other, PollFlags::IN)], None).unwrap();
    open(&mut line).unwrap();
    assert!(!line.read_ready().unwrap());
    drop(other);
}

#[test]
fn a_modem_that_goes_away_is_a_hang_up_and_not_an_end_of_file() {
    let (modem, path) = pty();
    let (mut line, _locks) = line(&path);
    open(&mut line).unwrap();
    drop(modem);
    assert!(soon(|| line.read_ready().unwrap()), "the read is what tells");
    assert!(matches!(line.read(&mut [0; 8]), Err(SerialError::HungUp)));
    assert!(matches!(line.write_all(b"AT\r"), Err(SerialError::HungUp)));
}

#[test]
fn a_modem_that_takes_nothing_stalls_the_write_within_its_limit() {
    let (_modem, path) = pty();
    let (mut line, _locks) = line(&path);
    open(&mut line).unwrap();
    let clock = Clock::new();
    let start = clock.now();
    let error = line.write(&vec![b'x'; 256 * 1024]).unwrap_err();
    assert!(
        matches!(error, SerialError::WriteStalled { written, wanted } if 0 < written && written < wanted)
    );
    let took = clock.now().duration_since(start);
    assert!(took >= WRITE_LIMIT && took < WRITE_LIMIT * 3, "{took:?}");
}

#[test]
fn closing_puts_the_settings_back_and_removes_the_locks() {
    let (_modem, path) = pty();
    let other = File::options().read(true).write(true).open(&path).unwrap();
    let before = tcgetattr(&other).unwrap();
    let (mut line, locks) = line(&path);
    open(&mut line).unwrap();
    assert!(locks_in(&locks) >= 1);
    let during = tcgetattr(&other).unwrap();
    assert!(!during.local_modes.contains(LocalModes::ICANON));
    assert_eq!(
        during.control_modes.contains(ControlModes::HUPCL),
        before.control_modes.contains(ControlModes::HUPCL),
        "DTR at close is the business of the process that set it"
    );
    line.close();
    line.close();
    let after = tcgetattr(&other).unwrap();
    assert_eq!((after.local_modes, after.input_modes), (before.local_modes, before.input_modes));
    assert_eq!(after.control_modes, before.control_modes);
    assert_eq!(locks_in(&locks), 0);
    assert!(matches!(line.read_ready(), Err(SerialError::Closed)));
}

#[test]
fn a_second_opener_is_kept_out_even_with_other_lock_directories() {
    let (_modem, path) = pty();
    let (mut first, _locks) = line(&path);
    let (mut second, other_locks) = line(&path);
    open(&mut first).unwrap();
    assert!(matches!(open(&mut second), Err(SerialError::Busy { .. })));
    assert_eq!(locks_in(&other_locks), 0, "nothing is held after a refusal");
    first.close();
    open(&mut second).unwrap();
}

#[test]
fn a_stable_name_is_resolved_anew_at_each_open() {
    let (_modem, first) = pty();
    let (modem, second) = pty();
    let names = tempfile::tempdir().unwrap();
    let name = names.path().join("modem");
    let (mut line, _locks) = line(&name);
    assert!(matches!(open(&mut line), Err(SerialError::Missing { .. })), "not plugged in");
    symlink(&first, &name).unwrap();
    open(&mut line).unwrap();
    fs::remove_file(&name).unwrap();
    symlink(&second, &name).unwrap();
    open(&mut line).unwrap();
    line.write_all(b"AT\r").unwrap();
    let mut buf = [0; 8];
    assert_eq!(rustix::io::read(&modem, &mut buf).unwrap(), 3, "the second device has it");
}

#[test]
fn what_is_no_tty_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path(), Path::new("/dev/null")] {
        let (mut line, locks) = line(path);
        assert!(matches!(open(&mut line), Err(SerialError::NotATty { .. })), "{}", path.display());
        assert_eq!(locks_in(&locks), 0);
    }
}

#[test]
fn a_lock_of_a_live_process_keeps_the_line_closed() {
    let (_modem, path) = pty();
    let (mut line, locks) = line(&path);
    let name = path.strip_prefix("/dev").unwrap().to_string_lossy().replace('/', "_");
    fs::write(locks.path().join(format!("LCK..{name}")), "         1\n").unwrap();
    let error = open(&mut line).unwrap_err();
    assert!(matches!(error, SerialError::Locked(LockError::Held { pid: 1, .. })));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("process 1"));
}

#[test]
fn no_error_of_the_kernel_is_taken_for_damaged_bytes_of_a_line_that_goes_on() {
    use embedded_io::Error as _;
    for number in 1..134 {
        let error = io_error("read from the line", Errno::from_raw_os_error(number));
        let goes_on = matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::Interrupted);
        assert!(!goes_on, "{error:?}");
    }
}
