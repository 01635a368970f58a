//! Locks in a directory of the test.

use std::process::{Child, Command};

use super::*;

const DEVICE: &str = "/dev/ttyTEST7";

fn take(dir: &Path) -> Result<UucpLocks, LockError> {
    UucpLocks::take(&[dir.to_path_buf()], &[Path::new(DEVICE)])
}

fn dead_pid() -> u32 {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

#[test]
fn a_lock_is_ten_characters_and_a_line_feed_and_goes_with_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let locks = take(dir.path()).unwrap();
    let file = dir.path().join("LCK..ttyTEST7");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{:>10}\n", std::process::id()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    drop(locks);
    assert!(!file.exists());
}

#[test]
fn the_lock_of_a_live_process_is_respected_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("LCK..ttyTEST7");
    fs::write(&file, "         1\n").unwrap();
    let error = take(dir.path()).unwrap_err();
    assert!(matches!(error, LockError::Held { pid: 1, .. }), "{error}");
    assert!(file.exists());
}

#[test]
fn obstacles_are_what_taking_would_refuse_and_stay_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("LCK..ttyTEST7");
    let found = || obstacles(&[dir.path().into(), dir.path().join(".")], &[Path::new(DEVICE)]);
    assert!(found().is_empty() && !file.exists());
    for (content, held) in [
        (format!("{:>10}\n", dead_pid()), None),
        (format!("{:>10}\n", std::process::id()), None),
        ("         1\n".to_owned(), Some(1)),
        (String::new(), Some(0)),
    ] {
        fs::write(&file, &content).unwrap();
        let seen = match found().as_slice() {
            [] => None,
            [LockError::Held { pid, .. }] => Some(*pid),
            [LockError::Unreadable { .. }] => Some(0),
            other => panic!("{other:?}"),
        };
        assert_eq!(seen, held, "{content:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), content, "left as it was");
    }
}

#[test]
fn the_lock_of_a_dead_process_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("LCK..ttyTEST7"), format!("{:>10}\n", dead_pid())).unwrap();
    let locks = take(dir.path()).unwrap();
    assert_eq!(locks.paths().count(), 1);
}

/// A device that each machine has, and that no test opens.
const THERE: &str = "/dev/full";

/// A lock of [`THERE`] that names another process, made so long before now.
fn aged(age: Duration) -> (tempfile::TempDir, Child) {
    let dir = tempfile::tempdir().unwrap();
    let other = Command::new("sleep").arg("60").spawn().unwrap();
    let file = dir.path().join("LCK..full");
    fs::write(&file, format!("{:>10}\n", other.id())).unwrap();
    let made = std::time::SystemTime::now() - age;
    File::options().write(true).open(&file).unwrap().set_modified(made).unwrap();
    (dir, other)
}

fn end(mut other: Child) {
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_lock_older_than_the_process_that_has_its_number_now_is_left_behind() {
    let (dir, other) = aged(Duration::from_secs(3_600));
    let found = look(&[dir.path().into()], &[Path::new(THERE)]);
    assert_eq!((found[0].alive, found[0].reused, found[0].pid), (false, true, Some(other.id())));
    assert!(obstacles(&[dir.path().into()], &[Path::new(THERE)]).is_empty());
    assert!(UucpLocks::take(&[dir.path().into()], &[Path::new(THERE)]).is_ok());
    end(other);
}

#[test]
fn a_lock_that_its_process_may_have_made_is_respected() {
    let (dir, other) = aged(Duration::ZERO);
    assert_eq!(obstacles(&[dir.path().into()], &[Path::new(THERE)]).len(), 1);
    end(other);
}

#[test]
fn an_old_lock_of_a_process_that_has_the_device_open_is_respected_whatever_the_clock_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = Command::new("sleep").arg("60").stdin(File::open(THERE).unwrap()).spawn().unwrap();
    let file = dir.path().join("LCK..full");
    fs::write(&file, format!("{:>10}\n", other.id())).unwrap();
    let before = std::time::SystemTime::now() - Duration::from_secs(3_600);
    File::options().write(true).open(&file).unwrap().set_modified(before).unwrap();
    assert_eq!(obstacles(&[dir.path().into()], &[Path::new(THERE)]).len(), 1);
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_lock_that_names_nobody_is_left_alone_while_it_is_young() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("LCK..ttyTEST7");
    fs::write(&file, "").unwrap();
    assert!(matches!(take(dir.path()).unwrap_err(), LockError::Unreadable { .. }));
    let old = std::time::SystemTime::now() - Duration::from_secs(60);
    File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
    assert!(take(dir.path()).is_ok());
}

#[test]
fn a_lock_that_somebody_replaced_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let locks = take(dir.path()).unwrap();
    let file = dir.path().join("LCK..ttyTEST7");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "         1\n").unwrap();
    drop(locks);
    assert!(file.exists());
}

#[test]
fn both_names_of_a_device_are_locked_and_a_directory_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let again = dir.path().join(".");
    let names = [Path::new("/dev/serial/by-id/usb-x"), Path::new("/dev/ttyUSB3")];
    let locks = UucpLocks::take(&[dir.path().into(), again, dir.path().join("none")], &names).unwrap();
    let found: Vec<_> = locks.paths().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(found, ["LCK..serial_by-id_usb-x", "LCK..ttyUSB3"]);
}

#[test]
fn only_the_locks_of_the_dead_process_are_removed_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let dead = dead_pid();
    fs::write(dir.path().join("LCK..ttyA"), format!("{dead:>10}\n")).unwrap();
    fs::write(dir.path().join("LCK..ttyB"), "         1\n").unwrap();
    fs::write(dir.path().join("other"), format!("{dead:>10}\n")).unwrap();
    assert_eq!(remove_locks_of(dir.path(), i32::try_from(dead).unwrap()), 1);
    assert!(!dir.path().join("LCK..ttyA").exists());
    assert!(dir.path().join("LCK..ttyB").exists() && dir.path().join("other").exists());
}

#[test]
fn the_owner_is_read_in_either_form_and_nothing_else_is_an_owner() {
    assert_eq!(parse_owner(b"      1234\n"), Some(1234));
    assert_eq!(parse_owner(b"1234 minicom root\n"), Some(1234));
    assert_eq!(parse_owner(&4321_i32.to_ne_bytes()), Some(4321));
    for bad in [&b""[..], b"\n", b"-5\n", b"0\n", b"99999999999999\n", b"\xff\xfe\xfd", b"abc"] {
        assert_eq!(parse_owner(bad), None, "{bad:?}");
    }
}
