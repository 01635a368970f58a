//! Whose an interface is, by the pid file of its `pppd`.

use std::fs::{self, File};
use std::io::Read;
use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::checked::{self, Wanted};
use crate::process::{Stat, is_pppd};

/// Bytes of a pid file that are looked at: a number and a line feed; a link name may follow.
const CONTENT_LEN_MAX: u64 = 64;

/// Whose an interface is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Owner {
    /// A process of the service.
    Service,
    /// Another `pppd` that lives in our network namespace.
    Another,
    /// There is no pid file, or the process that it names has ended, or is of another network namespace: the interface of that name
    /// which it means is another one, and has overwritten what the pid file of ours said.
    Unknown,
}

/// Looks for `INTERFACE.pid` in each of the directories (`create_pidfile` in `pppd/main.c`). `pppd` removes it at its end, unless
/// it is killed.
pub(super) fn of(dirs: &[PathBuf], interface: &str, ours: &dyn Fn(NonZeroU32) -> bool) -> Owner {
    let file = format!("{interface}.pid");
    let lives = |pid: &NonZeroU32| Stat::of(*pid).is_some_and(|stat| !stat.is_dead());
    let named: Vec<NonZeroU32> =
        dirs.iter().filter_map(|dir| read_pid(&dir.join(&file))).filter(lives).collect();
    if named.iter().any(|pid| ours(*pid)) {
        Owner::Service
    } else if named.into_iter().any(|pid| is_pppd(pid) && is_in_our_network(pid)) {
        Owner::Another
    } else {
        Owner::Unknown
    }
}

/// Whether a process has the network namespace of this one; also where that may not be read.
fn is_in_our_network(pid: NonZeroU32) -> bool {
    let namespace = |process: &str| fs::metadata(format!("/proc/{process}/ns/net")).ok();
    match (namespace("self"), namespace(&pid.to_string())) {
        (Some(ours), Some(its)) => (ours.dev(), ours.ino()) == (its.dev(), its.ino()),
        (_, _) => true,
    }
}

fn read_pid(path: &Path) -> Option<NonZeroU32> {
    let mut content = String::new();
    let file = File::from(checked::open_at(path, Wanted::File, OFlags::RDONLY).ok()?);
    file.take(CONTENT_LEN_MAX).read_to_string(&mut content).ok()?;
    content.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;
    use crate::soon::soon;

    #[test]
    fn the_pid_file_tells_the_pppd_of_the_service_from_another() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("run"), dir.path().join("pppd"));
        for dir in [&first, &second] {
            fs::create_dir(dir).unwrap();
        }
        let pppd = dir.path().join("a/pppd");
        fs::create_dir(dir.path().join("a")).unwrap();
        std::os::unix::fs::symlink("/bin/sleep", &pppd).unwrap();
        let start = |program: &Path| Command::new(program).arg("60").spawn().unwrap();
        let pid_of = |child: &Child| NonZeroU32::new(child.id()).unwrap();
        let mut children = [start(&pppd), start(&pppd), start(Path::new("/bin/sleep"))];
        let [ours, other, sleep] = children.each_ref().map(pid_of);
        assert!(soon(|| is_pppd(ours) && is_pppd(other) && !is_pppd(sleep)));
        let dirs = [first.clone(), dir.path().join("none"), second.clone()];
        let owner = || of(&dirs, "ppp0", &|pid| pid == ours);
        assert_eq!(owner(), Owner::Unknown, "there is none");
        for (content, expected) in [
            (format!("{ours}\n"), Owner::Service),
            (format!("{other}\n"), Owner::Another),
            (format!("{other}\nppp0\n"), Owner::Another),
            (format!("{sleep}\n"), Owner::Unknown),
            ("4194304999\n".to_owned(), Owner::Unknown),
            (String::new(), Owner::Unknown),
            ("none".to_owned(), Owner::Unknown),
        ] {
            for place in [&first, &second] {
                fs::write(place.join("ppp0.pid"), &content).unwrap();
                assert_eq!(owner(), expected, "{content:?}");
                assert_eq!(of(&dirs, "ppp1", &|pid| pid == ours), Owner::Unknown);
                fs::remove_file(place.join("ppp0.pid")).unwrap();
            }
        }
        // What an earlier pppd left behind in one directory does not outweigh the other.
        fs::write(first.join("ppp0.pid"), other.to_string()).unwrap();
        fs::write(second.join("ppp0.pid"), ours.to_string()).unwrap();
        assert_eq!(owner(), Owner::Service);
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(owner(), Owner::Unknown, "they have ended");
    }
}
