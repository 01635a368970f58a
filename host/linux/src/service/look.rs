//! One pass over `/proc`, for [`cellscan_custody::port`].

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::num::NonZeroU32;

use cellscan_custody::port::{Id, Look, Seen};
use rustix::fs::{Mode, OFlags, RawDir, open};

use crate::process::{PROCESSES_MAX, Stat, has_device_open};

/// Bytes of directory entries that are read at once: some sixteen. What is listed long before it is looked at has often ended
/// by then, which makes a look prove less.
const ENTRIES_LEN: usize = 512;
/// Parent of all threads of the kernel, which hold no files.
const KTHREADD: u32 = 2;

/// What a pass found.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    pub(crate) look: Look,
    /// Processes whose descriptors may not be read: without root the answer has holes.
    pub(crate) unreadable: Vec<Id>,
}

/// Looks at every process: which it is, whose child, and whether it has the device open. Each is looked at as soon as it is
/// listed. `None`: not all could be looked at (no descriptor is left), and what was seen says nothing.
pub(crate) fn pass(device: Option<u64>) -> Option<Pass> {
    let mut pass = Pass::default();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = open("/proc", flags, Mode::empty()).map(File::from).ok()?;
    let own = std::process::id();
    let mut buffer = [MaybeUninit::uninit(); ENTRIES_LEN];
    let mut entries = RawDir::new(&proc, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let Some(pid) = entry.file_name().to_str().ok().and_then(|name| name.parse().ok()) else { continue };
        pass.take_in(pid, device, own).ok()?;
        if pass.look.processes.len() >= PROCESSES_MAX {
            break;
        }
    }
    Some(pass)
}

impl Pass {
    fn take_in(&mut self, pid: NonZeroU32, device: Option<u64>, own: u32) -> io::Result<()> {
        let Some(stat) = Stat::of(pid) else {
            self.look.vanished.push(pid.get());
            return Ok(());
        };
        let is_dead = stat.is_dead();
        let is_pppd = stat.comm == "pppd";
        let id = Id { pid: pid.get(), start: stat.start_time };
        let may_hold = !is_dead && pid.get() != own && pid.get() != KTHREADD && stat.parent != KTHREADD;
        let holds = match device.filter(|_| may_hold).map(|device| has_device_open(pid, device)) {
            Some(Ok(holds)) => holds && !(stat.parent == own && is_before_exec(pid)),
            Some(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.unreadable.push(id);
                false
            }
            Some(Err(error)) => return Err(error),
            None => false,
        };
        self.look.processes.push(Seen { id, parent: stat.parent, holds, is_pppd, is_dead });
        Ok(())
    }
}

/// Whether a child of ours is still the program that we are: until it is executed it has all that we have open.
fn is_before_exec(child: NonZeroU32) -> bool {
    let own = std::fs::read_link("/proc/self/exe").ok();
    own.is_some() && own == std::fs::read_link(format!("/proc/{child}/exe")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_finds_this_process_with_its_parent_and_never_as_a_holder() {
        let found = pass(None).unwrap();
        let own = found.look.processes.iter().find(|seen| seen.id.pid == std::process::id()).unwrap();
        assert_eq!(own.parent, std::os::unix::process::parent_id());
        assert!(!own.holds && !own.is_pppd);
    }

    #[test]
    fn a_pass_misses_no_process_that_was_there_before_it() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = pass(None).unwrap();
        assert!(found.look.processes.iter().any(|seen| seen.id.pid == child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!pass(None).unwrap().look.processes.iter().any(|seen| seen.id.pid == child.id()));
    }

    #[test]
    fn a_zombie_is_told_as_one() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let is_zombie = || {
            let found = pass(None).unwrap().look.processes;
            found.iter().any(|seen| seen.id.pid == child.id() && seen.is_dead)
        };
        assert!(crate::soon::soon(is_zombie));
        child.wait().unwrap();
    }
}
