//! The machine: programs, directories, space, the clock, the user.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, statvfs};

use super::Finding;
use crate::examine::port::may;
use crate::runit::sv::{Flavour, SvProgram};

/// The first second of 2024: a gateway with a correct clock is never before it.
const YEAR_2024: u64 = 1_704_067_200;
/// With less free space the supervisor loses updates of its record.
const SPACE_ERROR: u64 = 16 * 1024;
/// With less free space it will soon be used up.
const SPACE_WARNING: u64 = 1024 * 1024;

/// The `sv` program. It is optional.
#[must_use]
pub fn sv(found: Option<&SvProgram>) -> Finding {
    const CHECK: &str = "sv";
    let Some(program) = found else {
        return Finding::ok(CHECK, "no sv program; not needed, the supervisor's files are used directly");
    };
    let shown = format!("{program}, {}", program.flavour());
    match program.flavour() {
        Flavour::Runit | Flavour::Busybox => Finding::ok(CHECK, shown),
        Flavour::Unknown => {
            Finding::warning(CHECK, shown, "do not use scan --backend sv, unless it does as runit's does")
        }
    }
}

/// The directories where services are looked for.
#[must_use]
pub fn roots(roots: &[PathBuf]) -> Finding {
    let shown = |root: &PathBuf| {
        let but = match std::fs::read_dir(root) {
            Ok(_) => "",
            Err(_) if root.is_dir() => " (may not be read)",
            Err(_) => " (not there)",
        };
        format!("{}{but}", root.display())
    };
    Finding::ok("directories", roots.iter().map(shown).collect::<Vec<_>>().join(", "))
}

/// The user of this process.
#[must_use]
pub fn user(uid: u32) -> Finding {
    if uid == 0 {
        Finding::ok("user", "root")
    } else {
        Finding::warning(
            "user",
            format!("user {uid}, not root: some of this cannot be seen"),
            "run it as root",
        )
    }
}

/// The wall clock: seconds since 1970.
#[must_use]
pub fn clock(seconds: u64) -> Finding {
    if seconds >= YEAR_2024 {
        return Finding::ok("clock", "sane");
    }
    Finding::warning(
        "clock",
        "the clock is before 2024, and will step when the link brings the time: harmless for scans",
        "ages that sv status shows mean nothing until then",
    )
}

/// Space for status records and locks: free bytes and files.
#[must_use]
pub fn space(dir: &Path, bytes: u64, files: Option<u64>) -> Finding {
    let found = format!("{}: {} KiB free", dir.display(), bytes / 1024);
    if bytes < SPACE_ERROR || files == Some(0) {
        let found = if files == Some(0) { format!("{found}, and no free file") } else { found };
        return Finding::error("space", found, "make room: records and locks cannot be written");
    }
    if bytes < SPACE_WARNING {
        return Finding::warning("space", found, "make room before records and locks cannot be written");
    }
    Finding::ok("space", found)
}

/// The space of each of these directories that exists, each file system once.
#[must_use]
pub fn spaces(dirs: &[PathBuf]) -> Vec<Finding> {
    let mut seen = Vec::new();
    let mut findings = Vec::new();
    for dir in dirs {
        let device = std::fs::metadata(dir).map(|meta| std::os::unix::fs::MetadataExt::dev(&meta));
        let (Ok(device), Ok(stat)) = (device, statvfs(dir)) else { continue };
        if !seen.contains(&device) {
            seen.push(device);
            // File systems without a limit on files (btrfs) report 0 of 0.
            let files = (stat.f_files > 0).then_some(stat.f_favail);
            findings.push(space(dir, stat.f_bavail.saturating_mul(stat.f_frsize), files));
        }
    }
    findings
}

/// The directories of UUCP locks: for each, whether it exists, and whether this process may write into it.
#[must_use]
pub fn lock_dirs(dirs: &[(PathBuf, bool, bool)]) -> Finding {
    let there: Vec<_> = dirs.iter().filter(|(_, there, _)| *there).collect();
    let names = |of: &[&(PathBuf, bool, bool)]| {
        of.iter().map(|(dir, ..)| dir.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    if there.is_empty() {
        let all: Vec<_> = dirs.iter().collect();
        return Finding::warning(
            "lock directory",
            format!("none of {} is there, so no lock is taken", names(&all)),
            "make it, or name another with --lock-dir",
        );
    }
    let refused: Vec<_> = there.iter().copied().filter(|(.., writable)| !writable).collect();
    if !refused.is_empty() {
        return Finding::error(
            "lock directory",
            format!("we may not write into {}", names(&refused)),
            "run it as root, or name another with --lock-dir",
        );
    }
    Finding::ok("lock directory", names(&there))
}

/// The facts for [`lock_dirs`].
#[must_use]
pub fn lock_dir_facts(dirs: &[PathBuf]) -> Vec<(PathBuf, bool, bool)> {
    let fact = |dir: &PathBuf| {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        (dir.clone(), dir.is_dir(), may(dir, access))
    };
    dirs.iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_missing_sv_program_is_ok() {
        let finding = sv(None);
        assert_eq!((finding.level, finding.remedy), (Level::Ok, None));
        assert!(finding.found.contains("not needed"));
    }

    #[test]
    fn space_clock_and_user_have_their_limits() {
        let dir = Path::new("/run");
        assert_eq!(space(dir, 0, None).level, Level::Error);
        assert_eq!(space(dir, 1 << 30, Some(0)).level, Level::Error);
        assert_eq!(space(dir, 100 << 10, Some(9)).level, Level::Warning);
        assert_eq!(space(dir, 1 << 30, None).level, Level::Ok);
        assert_eq!(clock(0).level, Level::Warning);
        assert_eq!(clock(YEAR_2024).level, Level::Ok);
        assert_eq!((user(0).level, user(1).level), (Level::Ok, Level::Warning));
    }

    #[test]
    fn a_lock_directory_exists_and_is_writable() {
        let fact = |there, ours| vec![(PathBuf::from("/l"), there, ours)];
        assert_eq!(lock_dirs(&fact(true, true)).level, Level::Ok);
        assert_eq!(lock_dirs(&fact(true, false)).level, Level::Error);
        assert_eq!(lock_dirs(&fact(false, false)).level, Level::Warning);
    }
}
