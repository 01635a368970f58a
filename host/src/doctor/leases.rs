//! Leases of scans in the run directory.

use std::path::Path;

use cellscan_core::supervisor::Owed;

use super::Finding;
use crate::custody::lease::{DEFAULT_RUN_DIR, LeaseError};
use crate::error::chain;
use crate::examine::leases::{Found, LeaseState};

const CHECK: &str = "lease";
/// Largest number of leases with a line each; a gateway has one modem, or a few.
const SHOWN_MAX: usize = 16;

/// One line per lease, and one for all leases beyond the first sixteen. `dark`: the link is down, or it is not looked at and the service is.
#[must_use]
pub fn all(run_dir: &Path, found: &Result<Option<Vec<Found>>, LeaseError>, dark: bool) -> Vec<Finding> {
    let shown = run_dir.display();
    let found = match found {
        Err(error) => return vec![unusable_dir(error)],
        Ok(None) => return vec![Finding::ok(CHECK, format!("none, {shown} is not there yet"))],
        Ok(Some(found)) if found.is_empty() => return vec![Finding::ok(CHECK, format!("none in {shown}"))],
        Ok(Some(found)) => found,
    };
    let mut findings: Vec<Finding> =
        found.iter().take(SHOWN_MAX).map(|found| one(run_dir, found, dark)).collect();
    if let Some(more) = found.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        let found = format!("{more} more in {shown}");
        findings.push(Finding::warning(CHECK, found, "look at them by hand: a gateway has few modems"));
    }
    findings
}

/// A scan runs without a lease too, with its guard alone.
fn unusable_dir(error: &LeaseError) -> Finding {
    let remedy = if error.is_distrust() {
        "remove it, or name another with --run-dir: no lease is kept there"
    } else {
        "run it as root"
    };
    Finding::warning(CHECK, chain(error), remedy)
}

fn one(run_dir: &Path, found: &Found, dark: bool) -> Finding {
    let restore = if run_dir == Path::new(DEFAULT_RUN_DIR) {
        "cellscan restore".to_owned()
    } else {
        format!("cellscan restore --run-dir {}", run_dir.display())
    };
    let (lease, standing) = match &found.lease {
        Ok(found) => found,
        Err(error) => {
            return Finding::warning(
                CHECK,
                chain(error),
                "look at its service by hand, then remove the file",
            );
        }
    };
    let service = lease.service.display();
    match standing {
        LeaseState::Held(Some(by)) => Finding::ok(CHECK, format!("process {by} has {service} in hand")),
        LeaseState::Held(None) => Finding::ok(CHECK, format!("a process has {service} in hand")),
        LeaseState::Orphaned if lease.owed() == Owed::default() => Finding::warning(
            CHECK,
            format!("process {} ended with {service} in hand, and had nothing to give back", lease.pid),
            format!("remove the lease with `{restore}`"),
        ),
        LeaseState::Orphaned if dark => Finding::error(
            CHECK,
            format!("process {} ended with {service} in hand, and there is no link", lease.pid),
            format!("give it back now with `{restore}`"),
        ),
        LeaseState::Orphaned => Finding::warning(
            CHECK,
            format!("process {} ended with {service} in hand: it may be left down", lease.pid),
            format!("give it back with `{restore}`"),
        ),
        LeaseState::Stale => Finding::warning(
            CHECK,
            format!("process {} ended with {service} in hand, a directory that is gone", lease.pid),
            format!("remove the lease with `{restore}`"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

    use super::super::Level;
    use super::*;
    use cellscan_core::supervisor::Want;

    use crate::custody::lease::{Lease, RunDir, Terms};
    use crate::examine::leases;
    use crate::runit::RestoreMethod;

    /// The findings for a run directory with these files.
    fn findings_for(files: &[(&str, &str)]) -> Vec<Finding> {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("run");
        std::fs::DirBuilder::new().mode(0o700).create(&dir).unwrap();
        for (name, content) in files {
            std::fs::write(dir.join(name), content).unwrap();
            std::fs::set_permissions(dir.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        all(&dir, &leases::all(&dir), false)
    }

    /// The finding for a lease of this process, or of an earlier process with its id.
    fn finding_for(ours: bool, service: &Path, identity: (u64, u64), dark: bool) -> Finding {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("run");
        let terms = Terms {
            service,
            identity,
            supervise: None,
            down_file: false,
            method: &RestoreMethod::Control,
            ppp_port: None,
            lock_dirs: &[],
            modem: None,
            owed: Owed { want: Some(Want::Up), selection: None },
        };
        let mut lease = Lease::of_this_process(terms).unwrap();
        lease.start_time += u64::from(!ours);
        RunDir::create(&dir).unwrap().write(&lease).unwrap();
        let mut found = all(&dir, &leases::all(&dir), dark);
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn a_lease_of_a_live_process_is_ok_and_one_of_a_dead_process_is_a_warning() {
        let service = tempfile::tempdir().unwrap();
        std::fs::create_dir(service.path().join("supervise")).unwrap();
        let meta = std::fs::metadata(service.path()).unwrap();
        let identity = (meta.dev(), meta.ino());
        let held = finding_for(true, service.path(), identity, true);
        assert_eq!((held.level, &held.remedy), (Level::Ok, &None), "{held:?}");
        let orphaned = finding_for(false, service.path(), identity, false).line();
        assert!(
            orphaned.starts_with("warning  lease: ") && orphaned.contains("`cellscan restore --run-dir ")
        );
        let dark = finding_for(false, service.path(), identity, true).line();
        assert!(
            dark.starts_with("error    lease: ") && dark.contains("`cellscan restore --run-dir "),
            "{dark}"
        );
        for (path, identity) in [(Path::new("/nowhere/pppd"), identity), (service.path(), (0, 1))] {
            let stale = finding_for(false, path, identity, true).line();
            assert!(stale.starts_with("warning") && stale.contains("a directory that is gone"), "{stale}");
        }
    }

    #[test]
    fn no_lease_is_ok_and_a_file_that_is_no_lease_is_a_warning() {
        assert_eq!(findings_for(&[])[0].level, Level::Ok);
        assert_eq!(all(Path::new("/nowhere"), &Ok(None), true)[0].level, Level::Ok);
        assert_eq!(findings_for(&[("lease-1-2.json", "{}")])[0].level, Level::Warning);
        let names: Vec<String> = (0..40).map(|n| format!("lease-1-{n:x}.json")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let many = findings_for(&files);
        assert_eq!(many.len(), SHOWN_MAX + 1);
        assert!(many.last().unwrap().found.starts_with("24 more"));
    }

    #[test]
    fn a_directory_that_another_user_may_write_is_not_trusted() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let found = all(dir.path(), &leases::all(dir.path()), true);
        assert!(found[0].line().starts_with("warning") && found[0].line().contains("--run-dir"));
    }
}
