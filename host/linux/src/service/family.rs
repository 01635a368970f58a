//! Which processes belong to a service, as `/proc` shows them now: those that descend from its `runsv`, and a `pppd` that
//! holds the port, with its children.
//!
//! `runsv` itself is none of them: it stays when the service goes down.

use std::cell::OnceCell;
use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::process::{self, Proc, Stat, is_pppd};
use crate::runit::dir::ServiceDir;

/// Ancestors of a process that are looked at.
const ANCESTORS_MAX: usize = 256;
/// The processes of one service. They are looked for when the first process is asked about.
#[derive(Debug)]
pub struct Family {
    dir: Option<PathBuf>,
    port: Option<PathBuf>,
    roots: OnceCell<Roots>,
}

#[derive(Debug, Default)]
struct Roots {
    runsv: Option<NonZeroU32>,
    /// The process that the record names, where `runsv` is not seen.
    main: Option<NonZeroU32>,
    device: Option<u64>,
}

impl Family {
    /// Those of the service at `dir`, if there is a supervisor, whose `pppd` uses this port.
    #[must_use]
    pub fn new(dir: Option<&Path>, port: Option<&Path>) -> Self {
        Self { dir: dir.map(Path::to_path_buf), port: port.map(Path::to_path_buf), roots: OnceCell::new() }
    }

    /// Whether this process is one of them now.
    #[must_use]
    pub fn has(&self, pid: NonZeroU32) -> bool {
        let roots = self.roots.get_or_init(|| Roots::of(self.dir.as_deref(), self.port.as_deref()));
        let of_runsv = || roots.runsv.is_some_and(|runsv| process::descends_from(pid, &[runsv]));
        let of_main = || roots.main.is_some_and(|main| with_ancestors(pid).any(|at| at == main));
        let of_pppd = |device| {
            with_ancestors(pid).any(|at| is_pppd(at) && process::has_device_open(at, device).unwrap_or(false))
        };
        of_runsv() || of_main() || roots.device.is_some_and(of_pppd)
    }
}

impl Roots {
    fn of(dir: Option<&Path>, port: Option<&Path>) -> Self {
        let device = port.and_then(|port| fs::metadata(port).ok());
        let device = device.filter(|meta| meta.file_type().is_char_device()).map(|meta| meta.rdev());
        let Some(opened) = dir.and_then(|dir| ServiceDir::open(dir).ok()) else {
            return Self { device, ..Self::default() };
        };
        let runsv = opened.supervisor().as_ref().map(Proc::pid);
        // The record of a dead supervisor may name any process.
        let is_supervised = runsv.is_none() && opened.is_supervised().unwrap_or(false);
        let main = if is_supervised { opened.read_status().ok().and_then(|record| record.pid) } else { None };
        Self { runsv, main, device }
    }
}

/// A process, its parent, and so on.
pub(crate) fn with_ancestors(pid: NonZeroU32) -> impl Iterator<Item = NonZeroU32> {
    let parent = |pid: &NonZeroU32| NonZeroU32::new(Stat::of(*pid)?.parent);
    std::iter::successors(Some(pid), parent).take(ANCESTORS_MAX)
}

/// The `runsv` of a service directory; where its lock cannot be looked at, the parent of the process that the record names, if that is
/// a `runsv` that works there.
pub(crate) fn supervisor(dir: &Path, service: Option<NonZeroU32>) -> Option<NonZeroU32> {
    if let Some(proc) = ServiceDir::open(dir).ok().and_then(|dir| dir.supervisor()) {
        return Some(proc.pid());
    }
    let meta = fs::metadata(dir).ok()?;
    let parent = NonZeroU32::new(Stat::of(service?)?.parent)?;
    let is_here = process::working_dir(parent) == Some((meta.dev(), meta.ino()));
    (is_here && process::is_called(parent, "runsv")).then_some(parent)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::process::{Child, Command, Stdio};

    use rustix::pty::OpenptFlags;

    use super::*;
    use crate::soon::soon;

    fn pid_of(child: &Child) -> NonZeroU32 {
        NonZeroU32::new(child.id()).unwrap()
    }

    #[test]
    fn a_pppd_is_of_the_service_whose_port_it_holds_and_no_other_holder_is() {
        let modem = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::CLOEXEC).unwrap();
        rustix::pty::unlockpt(&modem).unwrap();
        let name = rustix::pty::ptsname(&modem, Vec::new()).unwrap().into_string().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let pppd = dir.path().join("pppd");
        std::os::unix::fs::symlink("/bin/sleep", &pppd).unwrap();
        let start = |program: &Path, holds: bool| {
            let tty = || File::options().read(true).write(true).open(&name).unwrap();
            let stdin = if holds { tty().into() } else { Stdio::null() };
            Command::new(program).arg("60").stdin(stdin).spawn().unwrap()
        };
        let mut children = [start(&pppd, true), start(&pppd, false), start(Path::new("/bin/sleep"), true)];
        let family = Family::new(None, Some(Path::new(&name)));
        let seen = || children.each_ref().map(|child| family.has(pid_of(child)));
        assert!(soon(|| seen() == [true, false, false]), "{:?}", seen());
        assert!(!family.has(NonZeroU32::new(std::process::id()).unwrap()), "nor is what started it");
        assert!(!Family::new(None, None).has(pid_of(&children[0])));
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
