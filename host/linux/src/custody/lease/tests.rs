use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use tempfile::TempDir;

use super::run_dir::file_name;
use super::*;

const IDENTITY: (u64, u64) = (0x801, 4_711);

const UP: Owed = Owed { want: Some(Want::Up), selection: None };

fn lease() -> Lease {
    let terms = Terms {
        service: Path::new("/etc/sv/pppd"),
        identity: IDENTITY,
        supervise: Some((0x18, 7)),
        down_file: false,
        method: &RestoreMethod::Control,
        ppp_port: Some(Path::new("/dev/ttyUSB0")),
        lock_dirs: &["/var/lock".into()],
        modem: Some(&ModemLine { port: "/dev/ttyUSB2".into(), baud: 115_200, kept_free: true }),
        owed: UP,
    };
    Lease::of_this_process(terms).unwrap()
}

fn run_dir() -> (TempDir, RunDir) {
    let root = tempfile::tempdir().unwrap();
    let dir = RunDir::create(&root.path().join("run")).unwrap();
    (root, dir)
}

/// The content of a lease with one thing put in place of another.
fn with(from: &str, to: &str) -> Vec<u8> {
    let text = serde_json::to_string(&lease()).unwrap();
    assert!(text.contains(from), "{text}");
    text.replace(from, to).into_bytes()
}

#[test]
fn what_is_written_is_read_again_until_it_is_removed() {
    let (_root, dir) = run_dir();
    assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(dir.read(IDENTITY).unwrap(), None);
    let by_busybox =
        Lease { method: RestoreMethod::Sv { program: "/bin/busybox".into(), applet: true }, ..lease() };
    let started = Lease { method: RestoreMethod::Start { command: vec!["/bin/pon".to_owned()] }, ..lease() };
    let manual = Some(Selection::Manual(Plmn::parse(b"310410").unwrap()));
    for (lease, owed) in [
        (lease(), UP),
        (lease(), Owed::default()),
        (Lease { ppp_port: None, ..lease() }, Owed { want: Some(Want::Once), selection: None }),
        (by_busybox, Owed { want: None, selection: manual }),
        (started, Owed { selection: Some(Selection::Automatic), ..UP }),
    ] {
        let lease = lease.owing(owed);
        dir.write(&lease).unwrap();
        assert_eq!(dir.read(IDENTITY).unwrap().map(|lease| lease.owed()), Some(owed));
        assert_eq!(dir.read(IDENTITY).unwrap(), Some(lease));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing beside it");
    }
    assert_eq!(dir.names().unwrap(), [file_name(IDENTITY)]);
    dir.remove(IDENTITY).unwrap();
    dir.remove(IDENTITY).unwrap();
    assert_eq!(dir.read(IDENTITY).unwrap(), None);
}

#[test]
fn what_a_killed_writer_left_does_not_keep_the_next_from_writing() {
    let (_root, dir) = run_dir();
    fs::write(dir.path().join(format!(".{}.new", file_name(IDENTITY))), "{\"pid\":").unwrap();
    assert!(dir.names().unwrap().is_empty());
    dir.write(&lease()).unwrap();
    assert_eq!(
        dir.read(IDENTITY).unwrap(),
        Some(lease()).map(|new| Lease {
            since_boot_ms: dir.read(IDENTITY).unwrap().unwrap().since_boot_ms,
            since_unix_s: dir.read(IDENTITY).unwrap().unwrap().since_unix_s,
            ..new
        })
    );
}

#[test]
fn a_number_that_is_used_again_is_not_the_owner() {
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let pid = NonZeroU32::new(child.id()).unwrap();
    let start_time = Stat::of(pid).unwrap().start_time;
    let of_child = Lease { pid, start_time, ..lease() };
    assert!(of_child.is_owner_alive());
    let reused = Lease { start_time: start_time - 1, ..of_child.clone() };
    assert!(!reused.is_owner_alive());
    child.kill().unwrap();
    // A zombie holds no service.
    while of_child.is_owner_alive() {
        std::thread::yield_now();
    }
    child.wait().unwrap();
    assert!(!of_child.is_owner_alive());
}

#[test]
fn no_lease_says_that_down_is_owed() {
    assert_eq!(LeasedWant::of(Want::Down), None);
}

#[test]
fn hostile_content_is_an_error_that_says_what_is_wrong() {
    let (_root, dir) = run_dir();
    let file = dir.path().join(file_name(IDENTITY));
    let pid = format!("\"pid\":{}", std::process::id());
    for (content, says) in [
        (Vec::new(), "EOF"),
        (b"\x00\xff\xfe\x1b[2J".to_vec(), "expected value"),
        (b"[1, 2]".to_vec(), "invalid"),
        ([b"{\"later\":".to_vec(), b"[".repeat(10_000)].concat(), "EOF"),
        (vec![b' '; 20_000], "longer"),
        (with(&pid, "\"pid\":0"), "nonzero"),
        (with(&pid, "\"pid\":-7"), "invalid"),
        (with(&pid, "\"pid\":4294967295"), "process id"),
        (with(&pid, "\"pid\":1e99"), "invalid"),
        (with("\"up\"", "\"down\""), "down"),
        (with("/etc/sv/pppd", "etc/sv/pppd"), "absolute"),
        (with("/etc/sv/pppd", "/etc/\\u001b[2J"), "control"),
        (with("/var/lock", "/var/\\u0000lock"), "control"),
        (with("[\"/var/lock\"]", &format!("[{}\"/a\"]", "\"/a\",".repeat(99))), "lock directories"),
        (with("4711", "4712"), "another service"),
    ] {
        fs::write(&file, &content).unwrap();
        let error = dir.read(IDENTITY).unwrap_err();
        assert!(matches!(error, LeaseError::Content { .. }), "{error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
        assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
    }
    fs::write(&file, with("\"dev\"", "\"later\":[{}],\"dev\"")).unwrap();
    assert!(dir.read(IDENTITY).unwrap().is_some(), "a later version may know more");
}

#[test]
fn a_lease_that_others_may_have_written_is_refused() {
    let (root, dir) = run_dir();
    let file = dir.path().join(file_name(IDENTITY));
    dir.write(&lease()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).unwrap();
    assert!(matches!(dir.read(IDENTITY).unwrap_err(), LeaseError::NotOurs { .. }));
    let elsewhere = root.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert!(matches!(dir.read(IDENTITY).unwrap_err(), LeaseError::NotOurs { .. }));
    let before = fs::read(&elsewhere).unwrap();
    dir.write(&lease().owing(Owed { want: Some(Want::Once), selection: None })).unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), before, "replaced, not written through");
    assert!(dir.read(IDENTITY).unwrap().is_some());
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(matches!(dir.read(IDENTITY).unwrap_err(), LeaseError::NotOurs { .. }));
    fs::remove_dir(&file).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &file,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert!(
        matches!(dir.read(IDENTITY).unwrap_err(), LeaseError::NotOurs { .. }),
        "and the read does not wait"
    );
}

#[test]
fn a_directory_that_is_not_ours_alone_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("run");
    assert!(RunDir::open(&dir).unwrap().is_none());
    RunDir::create(&dir).unwrap();
    let refused = |path: &Path| {
        for error in [RunDir::open(path).unwrap_err(), RunDir::create(path).unwrap_err()] {
            assert!(matches!(error, LeaseError::NotOurs { .. }), "{error}");
        }
    };
    let link = root.path().join("link");
    symlink(&dir, &link).unwrap();
    refused(&link);
    refused(&root.path().join("link/"));
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o770)).unwrap();
    refused(&dir);
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    if std::os::unix::fs::chown(&dir, Some(65_534), None).is_ok() {
        refused(&dir);
    }
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    refused(&file);
}

#[test]
fn a_lease_of_an_earlier_version_is_one_by_the_control_fifo_with_nothing_to_restore() {
    let lease = Lease::parse(
        br#"{"pid":7,"start_time":1,"since_unix_s":0,"since_boot_ms":0,"service":"/etc/sv/pppd","dev":1,"inode":2,
            "want":"up","ppp_port":null,"lock_dirs":[]}"#,
    )
    .unwrap();
    assert_eq!((lease.method.clone(), lease.modem.clone(), lease.owed()), (RestoreMethod::Control, None, UP));
}

#[test]
fn a_registration_or_a_way_that_no_scan_writes_is_named() {
    let registration = |text: &str| with("\"registration\":null", &format!("\"registration\":{text}"));
    assert!(Lease::parse(&registration("\"310410\"")).is_ok());
    for bad in ["\"31041x\"", "\"0\"", "7"] {
        assert!(Lease::parse(&registration(bad)).is_err(), "{bad}");
    }
    let way = |text: &str| with("\"way\":\"control\"", &format!("\"way\":{text}"));
    assert!(Lease::parse(&way("{\"start\":{\"command\":[\"/bin/pon\"]}}")).is_ok());
    for bad in ["{\"start\":{\"command\":[]}}", "{\"sv\":{\"program\":\"sv\",\"applet\":false}}", "\"x\""] {
        assert!(Lease::parse(&way(bad)).is_err(), "{bad}");
    }
}
