//! Looks at a service directory from outside: claims nothing, and sends no byte.

use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cellscan_core::supervisor::Want;

use super::Who;
use crate::custody::claim::claimed_by;
use crate::process::{self, Stat};
use crate::runit::RunitError;
use crate::runit::dir::{ServiceDir, want_of};
use crate::runit::status::StatusRecord;
use crate::serial::tty;

/// A script of the service directory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum File {
    /// It does not exist.
    Missing,
    /// It exists and may not be executed.
    NotExecutable,
    /// It exists.
    Executable,
}

impl File {
    fn at(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(meta) if meta.permissions().mode() & 0o111 != 0 => Self::Executable,
            Ok(_) => Self::NotExecutable,
            Err(_) => Self::Missing,
        }
    }
}

/// The state of a service.
#[derive(Debug)]
pub struct ServiceFacts {
    /// The resolved directory.
    pub dir: PathBuf,
    /// Whether a process reads its FIFOs, or why that is unknown.
    pub supervised: Result<bool, RunitError>,
    /// Its supervisor.
    pub supervisor: Option<Who>,
    /// The supervisor's parent, if it is a `runsvdir`, which restarts the supervisor.
    pub restarted_by: Option<Who>,
    /// The supervisor works in another directory than the one of this name: the directory was deleted or moved.
    pub displaced: bool,
    /// The status record.
    pub record: Result<StatusRecord, RunitError>,
    /// The process in the record, if it lives.
    pub process: Option<Who>,
    /// The serial ports that the service's processes hold.
    pub ports: Vec<PathBuf>,
    /// The running scan that has claimed it.
    pub claimed_by: Option<Who>,
    /// The file `down`.
    pub down_file: bool,
    /// The script `run`.
    pub run: File,
    /// The script `finish`.
    pub finish: File,
    /// The script `control/t`.
    pub control_t: File,
}

impl ServiceFacts {
    /// Examines a service.
    ///
    /// # Errors
    /// The directory does not exist, or has no `supervise`, or may not be read.
    pub fn of(dir: &Path, run_dir: &Path) -> Result<Self, RunitError> {
        let opened = ServiceDir::open(dir)?;
        let record = opened.read_status();
        let supervisor = opened.supervisor();
        let displaced = opened.is_displaced(supervisor.as_ref());
        let pid = record.as_ref().ok().and_then(|record| record.pid);
        let descendants = pid.map(process::descendants).unwrap_or_default();
        let family = pid.into_iter().chain(descendants.iter().map(process::Proc::pid));
        let file = |name: &str| File::at(&opened.path().join(name));
        Ok(Self {
            dir: opened.path().to_path_buf(),
            supervised: opened.is_supervised(),
            supervisor: supervisor.as_ref().map(Who::from),
            restarted_by: supervisor.as_ref().and_then(|proc| runsvdir_over(proc.pid())),
            displaced,
            record,
            process: pid.and_then(Who::of),
            ports: family.flat_map(process::ports_of).collect(),
            claimed_by: claimed_by(run_dir, &opened).and_then(Who::of),
            down_file: opened.has_down_file(),
            run: file("run"),
            finish: file("finish"),
            control_t: file("control/t"),
        })
    }

    /// Whether `pppd` itself runs under the supervisor: neither a shell in between nor a `pppd` that has detached
    /// itself.
    #[must_use]
    pub fn is_pppd(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.comm == "pppd")
    }

    /// The wanted state, if the record tells.
    #[must_use]
    pub fn want(&self) -> Option<Want> {
        self.record.as_ref().ok().map(|record| want_of(record, None, false))
    }
}

/// Each `pppd` that no `runsv` keeps and that has one of these ports open; without a port, any serial port.
#[must_use]
pub fn unsupervised(ports: &[&Path]) -> Vec<Who> {
    let devices: Vec<u64> = ports.iter().filter_map(|port| tty::device_of(port).ok()).collect();
    let has_port = |pid: NonZeroU32| {
        let open = process::ports_of(pid);
        let named = || devices.iter().any(|device| process::has_device(pid, *device));
        if ports.is_empty() { !open.is_empty() } else { named() }
    };
    let alone = |pid: &NonZeroU32| !has_ancestor(*pid, "runsv");
    let called = |pid: &NonZeroU32| Stat::of(*pid).is_some_and(|stat| stat.comm == "pppd" && !stat.is_dead());
    let all = process::all().into_iter().filter(called);
    all.filter(|pid| has_port(*pid)).filter(alone).filter_map(Who::of).collect()
}

/// Whether one of the processes above this one has this name.
fn has_ancestor(pid: NonZeroU32, name: &str) -> bool {
    /// A tree of processes this deep is a circle that was read while it changed.
    const DEPTH_MAX: usize = 64;
    let mut at = pid;
    for _ in 0..DEPTH_MAX {
        let Some(parent) = Stat::of(at).and_then(|stat| NonZeroU32::new(stat.parent)) else { return false };
        if process::is_called(parent, name) {
            return true;
        }
        at = parent;
    }
    false
}

fn runsvdir_over(supervisor: NonZeroU32) -> Option<Who> {
    let parent = NonZeroU32::new(Stat::of(supervisor)?.parent)?;
    Who::of(parent).filter(|_| process::is_called(parent, "runsvdir"))
}
