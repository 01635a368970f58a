//! Services that run: each `runsv` works in the directory of its service and holds the lock there.

use std::collections::HashSet;
use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::{ENTRIES_MAX, ServiceError, is_name_of_pppd};
use crate::process::{self, Proc, Stat, is_pppd};
use crate::runit::dir::ServiceDir;
use crate::serial::tty;
use crate::service::family::with_ancestors;

/// Descriptors of a `pppd` that are looked at; it has about ten.
const FDS_MAX: usize = 256;

/// Device and inode of a directory.
type Identity = (u64, u64);

/// A service whose `runsv` runs.
#[derive(Debug)]
pub(super) struct Running {
    /// Its directory, links resolved.
    pub(super) dir: PathBuf,
    /// Which directory that is.
    pub(super) identity: Identity,
    /// The process by which it was found.
    pub(super) by: Proc,
}

/// Who holds a port.
#[derive(Debug, Default)]
pub(super) struct OnPort {
    /// The services whose `pppd` does.
    pub(super) services: Vec<Running>,
    /// A process does, of a service or not.
    pub(super) is_held: bool,
}

/// The services of the processes that hold a port. A holder that neither is nor descends from a `pppd` or a `chat`, such as
/// another program that uses the modem, is of no service of `pppd`.
pub(super) fn on_port(device: u64) -> OnPort {
    let holders = process::holders_of(device).processes;
    let mut found = OnPort { services: Vec::new(), is_held: !holders.is_empty() };
    for holder in holders {
        let dials = |pid: &NonZeroU32| {
            Stat::of(*pid).is_some_and(|stat| ["pppd", "chat"].contains(&stat.comm.as_str()))
        };
        let Some((runsv, dir, identity)) = supervisor_of(holder.pid()) else { continue };
        let below = with_ancestors(holder.pid()).take_while(|pid| *pid != runsv).collect::<Vec<_>>();
        if below.iter().any(dials) && found.services.iter().all(|other| other.identity != identity) {
            found.services.push(Running { dir, identity, by: holder });
        }
    }
    found
}

/// The services, of `runsv` processes among these, that keep a `pppd` or have a name of one. Those whose `pppd` holds another
/// port than this are left out.
pub(super) fn keeping_pppd(pids: &[NonZeroU32], port: Option<u64>) -> Vec<Running> {
    let mut found: Vec<Running> = Vec::new();
    let (mut here, mut elsewhere) = (HashSet::new(), HashSet::new());
    for pid in pids.iter().copied() {
        let service = if is_pppd(pid) {
            supervisor_of(pid).map(|(_, dir, identity)| (dir, identity))
        } else {
            service_of(pid).filter(|(dir, _)| {
                dir.file_name().and_then(|name| name.to_str()).is_some_and(is_name_of_pppd)
            })
        };
        let Some((dir, identity)) = service else { continue };
        if is_pppd(pid) {
            let holds_another = port.is_some_and(|port| holds_another(pid, port));
            if holds_another { &mut elsewhere } else { &mut here }.insert(identity);
        }
        if found.iter().all(|other| other.identity != identity)
            && let Some(by) = Proc::open(pid).ok().flatten()
        {
            found.push(Running { dir, identity, by });
        }
    }
    found.retain(|service| here.contains(&service.identity) || !elsewhere.contains(&service.identity));
    found.sort_by(|one, other| one.dir.cmp(&other.dir));
    found
}

/// The services whose `pppd` has another tty open than this one: they are another modem's.
pub(super) fn elsewhere(pids: &[NonZeroU32], port: u64) -> HashSet<Identity> {
    let theirs = pids.iter().copied().filter(|pid| is_pppd(*pid) && holds_another(*pid, port));
    theirs.filter_map(|pid| supervisor_of(pid).map(|(_, _, identity)| identity)).collect()
}

/// The only one of them, by the name under which one of these directories keeps it.
pub(super) fn only(found: Vec<Running>, roots: &[PathBuf]) -> Result<Option<Running>, ServiceError> {
    let named = found.into_iter().map(|mut service| {
        if let Some(name) = name_in(roots, service.identity) {
            service.dir = name;
        }
        service
    });
    let mut found: Vec<Running> = named.collect();
    if found.len() > 1 {
        return Err(ServiceError::Ambiguous {
            found: found.into_iter().map(|service| service.dir).collect(),
        });
    }
    Ok(found.pop())
}

/// Device and inode of what a path leads to.
pub(super) fn identity_of(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

fn name_in(roots: &[PathBuf], identity: Identity) -> Option<PathBuf> {
    let entries = roots.iter().filter_map(|root| fs::read_dir(root).ok());
    let mut names = entries.flat_map(|entries| entries.take(ENTRIES_MAX).flatten()).map(|entry| entry.path());
    names.find(|path| identity_of(path) == Some(identity))
}

/// The nearest `runsv` that a process descends from, with its service.
fn supervisor_of(pid: NonZeroU32) -> Option<(NonZeroU32, PathBuf, Identity)> {
    with_ancestors(pid).skip(1).find_map(|pid| {
        let (dir, identity) = service_of(pid)?;
        Some((pid, dir, identity))
    })
}

/// The directory of the service that a process supervises, if it is a `runsv` and has the lock there.
fn service_of(pid: NonZeroU32) -> Option<(PathBuf, Identity)> {
    if !process::is_called(pid, "runsv") {
        return None;
    }
    // The link's text alone may be of another root directory, or of a directory that was deleted.
    let dir = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    let identity = identity_of(&dir).filter(|found| process::working_dir(pid) == Some(*found))?;
    let supervisor = ServiceDir::open(&dir).ok()?.supervisor()?;
    (supervisor.pid() == pid).then_some((dir, identity))
}

/// Whether a process has another tty open than this one, its standard streams not counted.
fn holds_another(pid: NonZeroU32, port: u64) -> bool {
    let Ok(fds) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let is_standard = |fd: &fs::DirEntry| ["0", "1", "2"].iter().any(|number| fd.file_name() == *number);
    let others = fds.take(FDS_MAX).flatten().filter(|fd| !is_standard(fd));
    let mut devices = others.filter_map(|fd| {
        // The link's text first: following a link may hang on a dead network file system.
        let target = fs::read_link(fd.path()).ok().filter(|target| target.starts_with("/dev"))?;
        let meta = fs::metadata(target).ok().filter(|meta| meta.file_type().is_char_device())?;
        Some(meta.rdev())
    });
    devices.any(|device| device != port && tty::is_tty(device))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    use rustix::pty::OpenptFlags;
    use tempfile::TempDir;

    use super::*;
    use crate::soon::soon;

    /// Processes that end with the test.
    struct Processes(Vec<Child>);

    impl Drop for Processes {
        fn drop(&mut self) {
            for child in &mut self.0 {
                let _ended = child.kill();
                let _reaped = child.wait();
            }
        }
    }

    impl Processes {
        fn pids(&self) -> Vec<NonZeroU32> {
            self.0.iter().filter_map(|child| NonZeroU32::new(child.id())).collect()
        }

        /// What looks like a `runsv` at work in `dir`: its name, its working directory, and a `supervise` that is its own.
        fn runsv(&mut self, dir: &Path) {
            fs::create_dir_all(dir.join("supervise")).unwrap();
            File::create(dir.join("supervise/lock")).unwrap();
            let mut sleep = Command::new("/bin/sleep");
            sleep.arg0("runsv").arg("60").current_dir(dir).stdin(Stdio::null());
            self.0.push(sleep.spawn().unwrap());
        }
    }

    fn dirs(found: &[Running]) -> Vec<&Path> {
        found.iter().map(|service| service.dir.as_path()).collect()
    }

    fn root() -> (TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        (root, path)
    }

    #[test]
    fn a_runsv_is_told_by_its_name_its_directory_and_its_supervise() {
        let (_root, root) = root();
        let mut processes = Processes(Vec::new());
        for name in ["ppp-wwan0", "getty", "pppd"] {
            processes.runsv(&root.join(name));
        }
        let wanted = [root.join("ppp-wwan0"), root.join("pppd")];
        let found = || keeping_pppd(&processes.pids(), None);
        assert!(soon(|| dirs(&found()) == wanted), "{:?}", found());
        let several = only(found(), &[]);
        assert!(
            matches!(&several, Err(ServiceError::Ambiguous { found }) if found == &wanted),
            "{several:?}"
        );
        // Without its supervise directory it supervises nothing.
        fs::remove_dir_all(root.join("pppd/supervise")).unwrap();
        assert_eq!(dirs(&found()), [root.join("ppp-wwan0")]);
        // The name under which it is kept is the one to use.
        let kept = root.join("kept");
        fs::create_dir(&kept).unwrap();
        symlink(root.join("ppp-wwan0"), kept.join("wwan")).unwrap();
        let named = only(found(), std::slice::from_ref(&kept)).unwrap().unwrap();
        assert_eq!(named.dir, kept.join("wwan"));
    }

    #[test]
    fn a_pppd_that_holds_another_port_is_of_another_modem() {
        let (_root, root) = root();
        let pppd = root.join("pppd");
        symlink("/bin/sleep", &pppd).unwrap();
        let modems = [0, 1].map(|_| {
            let modem = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::CLOEXEC).unwrap();
            rustix::pty::unlockpt(&modem).unwrap();
            let name = rustix::pty::ptsname(&modem, Vec::new()).unwrap().into_string().unwrap();
            (modem, fs::metadata(&name).unwrap().rdev(), name)
        });
        let open = || File::options().read(true).write(true).open(&modems[0].2).unwrap();
        let hold = |fd: &str| {
            let script = format!("exec {fd}<&0 </dev/null; exec {} 60", pppd.display());
            Command::new("sh").args(["-c", &script]).stdin(open()).spawn().unwrap()
        };
        let mut processes = Processes(vec![hold("7")]);
        let holder = processes.pids()[0];
        assert!(soon(|| is_pppd(holder)));
        assert!(holds_another(holder, modems[1].1) && !holds_another(holder, modems[0].1));
        let own = File::open("/dev/null").unwrap();
        let idle = Command::new(&pppd).arg("60").stdin(own).spawn().unwrap();
        processes.0.push(idle);
        let idle = processes.pids()[1];
        assert!(soon(|| is_pppd(idle)) && !holds_another(idle, modems[1].1));
        let found = on_port(modems[0].1);
        assert!(found.is_held && found.services.is_empty(), "its runsv is missing: {found:?}");
        assert!(!on_port(modems[1].1).is_held);
    }
}
