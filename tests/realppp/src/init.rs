//! Process 1 of the guest: what a program expects of a machine, then the case, then the end.

use std::env;
use std::ffi::CStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_bind};
use rustix::process::{WaitOptions, wait};
use rustix::system::{RebootCommand, finit_module, reboot};

/// The first argument of the program that runs a case.
pub(crate) const CASE: &str = "case";
/// The variables of the guest, from the kernel's command line: the case, the directory of the host that it may write, the kernel's
/// modules.
pub(crate) const NAME: &str = "REALPPP_CASE";
pub(crate) const OUT: &str = "REALPPP_OUT";
pub(crate) const MODULES: &str = "REALPPP_MODULES";
/// The variables of the case with random kills: how many scans, and the seed of the instants.
pub(crate) const SCANS: &str = "REALPPP_SCANS";
pub(crate) const SEED: &str = "REALPPP_SEED";
/// The file in [`OUT`] with the exit code of the case.
pub(crate) const EXIT: &str = "exit";
/// The file in [`OUT`] with the output of the case.
pub(crate) const SAID: &str = "said";

/// Directories of the host whose copy the guest may write.
const COPIED: [&str; 2] = ["/etc/ppp", "/etc/chatscripts"];
/// Directories of the host that are empty in the guest, and may be written.
const EMPTY: [&str; 4] = ["/etc/service", "/etc/sv", "/var/lib", "/var/log"];
const LOADED: [&str; 4] = [
    "lib/crc-ccitt.ko",
    "drivers/net/slip/slhc.ko",
    "drivers/net/ppp/ppp_generic.ko",
    "drivers/net/ppp/ppp_async.ko",
];

/// Never returns: the machine is switched off.
#[expect(clippy::zombie_processes, reason = "the loop below waits for every process")]
pub(crate) fn run() -> ! {
    prepare();
    let out = PathBuf::from(env::var_os(OUT).expect("the host names its directory"));
    let said = File::create(out.join(SAID)).expect("the directory may be written");
    let case = Command::new(env::current_exe().expect("/proc is mounted"))
        .arg(CASE)
        .arg(env::var_os(NAME).expect("the host names the case"))
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .stdin(Stdio::null())
        .stderr(said.try_clone().expect("a second descriptor"))
        .stdout(said)
        .spawn()
        .expect("a case starts");
    let code = loop {
        // Also what detached itself and has ended.
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().unsigned_abs() == case.id() => {
                break status.exit_status().unwrap_or(-1);
            }
            Ok(_) => {}
            Err(error) => panic!("the case is a child of process 1: {error}"),
        }
    };
    fs::write(out.join(EXIT), code.to_string()).expect("the directory may be written");
    off()
}

fn off() -> ! {
    rustix::fs::sync();
    let refused = reboot(RebootCommand::PowerOff);
    panic!("the guest may switch itself off: {refused:?}")
}

fn prepare() {
    let flags = MountFlags::empty();
    let fresh = |kind: &str, at: &str, data: Option<&CStr>| mount(kind, at, kind, flags, data);
    // The root is the host's, read-only, and its /proc shows through until the guest's is mounted.
    if fresh("proc", "/proc", None).is_err() {
        off();
    }
    fresh("sysfs", "/sys", None).expect("sysfs");
    // Some kernels mount it themselves.
    match fresh("devtmpfs", "/dev", None) {
        Ok(()) | Err(Errno::BUSY) => {}
        Err(error) => panic!("devtmpfs: {error}"),
    }
    for directory in ["/dev/pts", "/dev/serial/by-id"] {
        fs::create_dir_all(directory).expect("a directory in /dev");
    }
    fresh("devpts", "/dev/pts", None).expect("devpts");
    fresh("tmpfs", "/run", Some(c"mode=755")).expect("tmpfs");
    for directory in ["/run/lock", "/run/log", "/run/copy"] {
        fs::create_dir_all(directory).expect("a directory in /run");
    }
    let out = env::var(OUT).expect("the host names its directory");
    let there = std::ffi::CString::new(out.clone()).expect("a path");
    mount("none", &out, "hostfs", flags, Some(there.as_c_str())).expect("the directory of the host");
    for directory in COPIED.iter().chain(&EMPTY).map(Path::new).filter(|directory| directory.is_dir()) {
        let copy = Path::new("/run/copy").join(directory.strip_prefix("/").expect("absolute"));
        fs::create_dir_all(&copy).expect("a directory in /run");
        if COPIED.iter().any(|copied| directory == Path::new(copied)) {
            command("cp", &["-a", &format!("{}/.", directory.display()), &copy.display().to_string()]);
        }
        mount_bind(&copy, directory).expect("a directory over that of the host");
    }
    let modules = PathBuf::from(env::var_os(MODULES).expect("the host names the modules")).join("kernel");
    for module in LOADED {
        let file = File::open(modules.join(module)).expect("a module of the kernel");
        finit_module(&file, c"", 0).expect("the module is of this kernel");
    }
    command("busybox", &["ip", "link", "set", "lo", "up"]);
}

#[track_caller]
fn command(program: &str, words: &[&str]) {
    let done = Command::new(program).args(words).status().expect("an installed program");
    assert!(done.success(), "{program} {words:?}: {done}");
}
