//! What another user has put in the place of a lock file or of a file of the supervisor is looked at, and never opened.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cellscan_tests::support::other_user::{OTHER_UID, as_other_user, is_root, let_others_reach};
use cellscan_tests::support::{Bench, Workbench};
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, makedev, mknodat, utimensat};

use super::SOON;
use super::running::{Running, quick_modem, scan};

/// Of the memory device that is empty: to open it does no harm, which is why it is the one to plant.
const NULL_DEVICE: (u32, u32) = (1, 3);

fn up() -> (Bench, u32) {
    let bench = Workbench::new().modem(quick_modem()).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up() && bench.status().pid == before);
    (bench, before)
}

/// What lies at a path in place of the file that belongs there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Planted {
    Device,
    Fifo,
    Link,
}

impl Planted {
    const ALL: [Self; 3] = [Self::Device, Self::Fifo, Self::Link];

    const fn name(self) -> &'static str {
        match self {
            Self::Device => "a character device",
            Self::Fifo => "a FIFO",
            Self::Link => "a symbolic link",
        }
    }

    /// Another user's, where this test may be one; `false`: it could not be made, and that was said.
    #[track_caller]
    fn plant(self, path: &Path, target: &Path) -> bool {
        match self {
            Self::Device => {
                if !is_root("no device node can be made") {
                    return false;
                }
                let (major, minor) = NULL_DEVICE;
                let mode = Mode::from_raw_mode(0o666);
                mknodat(CWD, path, FileType::CharacterDevice, mode, makedev(major, minor)).expect("a node");
                chown(path, Some(OTHER_UID), Some(OTHER_UID)).expect("we are root");
            }
            Self::Fifo => by_other_user("mkfifo", &[Path::new("-m"), Path::new("0666"), path]),
            Self::Link => by_other_user("ln", &[Path::new("-s"), target, path]),
        }
        true
    }
}

/// By this user, where there is no other to be had.
#[track_caller]
fn by_other_user(program: &str, arguments: &[&Path]) {
    let mut command = as_other_user(program).unwrap_or_else(|| Command::new(program));
    assert!(command.args(arguments).status().is_ok_and(|done| done.success()), "{program} {arguments:?}");
}

/// A command under `strace`, which writes down every open, of descriptors that it has already too.
fn traced(command: &Command, log: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "4096", "-e", "trace=open,openat,openat2,creat", "-o"]).arg(log);
    strace.arg(command.get_program()).args(command.get_args());
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace
}

/// The path was looked at, and never opened: each open of it had `O_PATH`.
#[track_caller]
fn must_not_be_opened(log: &Path, path: &Path) {
    let log = fs::read_to_string(log).expect("strace wrote it");
    let name = path.file_name().expect("it has a name").to_string_lossy();
    let path = path.to_string_lossy();
    // By its path, by its name in a directory, or by a descriptor of it that is opened anew.
    let wanted = [format!("{path}\""), format!("\"{name}\""), format!("{path}>")];
    let opens: Vec<&str> =
        log.lines().filter(|line| wanted.iter().any(|wanted| line.contains(wanted.as_str()))).collect();
    assert!(!opens.is_empty(), "it was not even looked at");
    let opened: Vec<&&str> = opens.iter().filter(|line| !line.contains("O_PATH")).collect();
    assert!(opened.is_empty(), "{opened:#?}");
}

/// A process that waits until something opens the other end of a FIFO.
struct Waiting(Child);

impl Waiting {
    fn at(fifo: &Path, for_a_reader: bool) -> Self {
        let script = if for_a_reader { ": >\"$0\"" } else { ": <\"$0\"" };
        let child = Command::new("sh").args(["-c", script]).arg(fifo).stdin(Stdio::null()).spawn();
        Self(child.expect("a shell"))
    }

    #[track_caller]
    fn must_wait_still(&mut self) {
        assert!(self.0.try_wait().expect("it is ours").is_none(), "the FIFO was opened");
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Made an hour ago: what is there for long and names no process was left behind.
fn age(path: &Path) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let then = Timespec { tv_sec: i64::try_from(now.as_secs()).expect("a time") - 3_600, tv_nsec: 0 };
    let times = Timestamps { last_access: then, last_modification: then };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("root, or it is ours");
}

/// The lock file of a bench's modem, by the name of its device.
fn lock_file(bench: &Bench) -> PathBuf {
    let device = bench.port().canonicalize().expect("it is there");
    let name = device.strip_prefix("/dev").expect("a device").to_string_lossy().replace('/', "_");
    bench.locks().join(format!("LCK..{name}"))
}

/// Others reach the directory, and make files in it, as in `/var/lock`.
fn open_to_all(bench: &Bench, dir: &Path) {
    let_others_reach(bench.root());
    fs::set_permissions(dir, fs::Permissions::from_mode(0o1777)).expect("it is ours");
}

#[test]
fn what_lies_in_place_of_a_lock_file_is_not_opened_and_the_scan_goes_on() {
    for planted in Planted::ALL {
        let (bench, _before) = up();
        open_to_all(&bench, bench.locks());
        let (lock, elsewhere) = (lock_file(&bench), bench.root().join("elsewhere"));
        // Followed, it would name a process that lives.
        fs::write(&elsewhere, "         1\n").expect("written");
        if !planted.plant(&lock, &elsewhere) {
            continue;
        }
        age(&lock);
        let mut waiting = (planted == Planted::Fifo).then(|| Waiting::at(&lock, true));
        let log = bench.root().join("opens");
        let ended = Running::start(traced(&scan(&bench), &log)).end();
        if let Some(waiting) = &mut waiting {
            waiting.must_wait_still();
        }
        ended.must_be_complete(&bench);
        // What came after is a lock of ours, in its place.
        let text = fs::read_to_string(&log).expect("strace wrote it");
        let until_ours = text.find("LTMP.").and_then(|made| text.get(..made)).expect("a lock was made");
        fs::write(&log, until_ours).expect("written");
        must_not_be_opened(&log, &lock);
        assert_eq!(fs::read_to_string(&elsewhere).expect("it stays"), "         1\n", "{planted:?}");
        assert!(fs::symlink_metadata(&lock).is_err(), "{planted:?}: it was left behind, and is gone");
    }
}

#[test]
fn what_lies_in_place_of_a_file_of_the_supervisor_is_not_opened_and_nothing_is_taken() {
    for (name, wanted) in [("control", "a FIFO"), ("ok", "a FIFO"), ("status", "a regular file")] {
        for planted in Planted::ALL.into_iter().filter(|planted| planted.name() != wanted) {
            let (bench, before) = up();
            let supervise = bench.service().join("supervise");
            let (file, aside) = (supervise.join(name), supervise.join("aside"));
            fs::rename(&file, &aside).expect("it is ours");
            // The true file, by a link: it is no file of the supervisor's all the same.
            open_to_all(&bench, &supervise);
            let placed = planted.plant(&file, &aside);
            let mut waiting = (placed && planted == Planted::Fifo).then(|| Waiting::at(&file, true));
            for backend in ["auto", "native", "sv"].into_iter().filter(|_| placed) {
                let log = bench.root().join("opens");
                let mut command = scan(&bench);
                command.args(["--backend", backend]);
                let ended = Running::start(traced(&command, &log)).end();
                assert_eq!(ended.code, Some(111), "{name} {planted:?} {backend}: {:#?}", ended.lines);
                let said = format!("supervise/{name}: found {}, wanted {wanted}", planted.name());
                assert!(ended.lines.iter().any(|line| line.contains(&said)), "{said}: {:#?}", ended.lines);
                must_not_be_opened(&log, &file);
                if let Some(waiting) = &mut waiting {
                    waiting.must_wait_still();
                }
            }
            drop(waiting);
            fs::rename(&aside, &file).expect("it is ours");
            assert!(bench.status().is_up() && bench.status().pid == before, "{}", bench.story());
        }
    }
}
