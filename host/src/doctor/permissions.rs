//! Files that another user may read, change or remove: directories and files of ours, those of the service, the modem's device.
//!
//! None of that keeps a scan from working, so each is a warning; its remedy is a command.

use std::path::{Path, PathBuf};

use super::Finding;
use crate::custody::selected;
use crate::examine::modes::Modes;

const CHECK: &str = "permissions";
/// Largest number of recordings with a line each.
const RECORDINGS_SHOWN_MAX: usize = 8;
/// Largest number of files checked in one directory.
const FILES_MAX: usize = 4_096;

/// The required mode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// No other user may read or write: leases, remembered carriers, recordings.
    Private,
    /// No other user may write: files that root executes, and the FIFO that `runsv` obeys.
    Ours,
    /// Not every user may read and write: a modem obeys every writer. A group may.
    Device,
    /// A user who may create a file may not remove another user's: a lock is only as safe as its file.
    Locks,
}

/// A file to check: its description, its name, the required mode.
pub type Item = (&'static str, PathBuf, Wanted);

/// Files that belong to no service and no modem.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Leases, and the daemon's control socket.
    pub run_dir: &'a Path,
    /// The remembered carriers, and the records of selected ones.
    pub state_dir: &'a Path,
    /// The daemon's recordings, if `--recordings` names them.
    pub recordings: Option<&'a Path>,
    /// UUCP locks.
    pub lock_dirs: &'a [PathBuf],
}

/// The files to check in these places.
#[must_use]
pub fn items(places: &Places<'_>) -> Vec<Item> {
    let mut items = vec![
        ("run directory", places.run_dir.to_path_buf(), Wanted::Private),
        ("control socket", places.run_dir.join(crate::control::SOCKET), Wanted::Private),
        ("state directory", places.state_dir.to_path_buf(), Wanted::Private),
        ("remembered carriers", places.state_dir.join(crate::gateway::remembered::FILE), Wanted::Private),
    ];
    let selected = files(places.state_dir).into_iter().filter(|path| selected::is_record(path));
    items.extend(selected.map(|path| ("record of a selection", path, Wanted::Private)));
    items.extend(places.recordings.map(|dir| ("recordings", dir.to_path_buf(), Wanted::Private)));
    items.extend(places.lock_dirs.iter().map(|dir| ("lock directory", dir.clone(), Wanted::Locks)));
    items
}

/// The files to check in a service directory.
#[must_use]
pub fn of_service(dir: &Path) -> Vec<Item> {
    let files = ["run", "finish", "down", "control", "supervise", "supervise/control", "supervise/status"];
    let inside = files.map(|name| ("service", dir.join(name), Wanted::Ours));
    std::iter::once(("service directory", dir.to_path_buf(), Wanted::Ours)).chain(inside).collect()
}

/// Checks all files, and the recordings in their directory: a line for each file that is too open, and one for all others.
#[must_use]
pub fn all(items: &[Item], recordings: Option<&Path>, us: u32) -> Vec<Finding> {
    let (mut sound, mut findings) = (Vec::new(), Vec::new());
    for (what, path, wanted) in items {
        let Some(modes) = Modes::of(path) else { continue };
        match one(what, &modes, *wanted, us) {
            Some(finding) => findings.push(finding),
            None => sound.push(shown(&modes)),
        }
    }
    let mut open: Vec<Finding> = recordings
        .map(files)
        .unwrap_or_default()
        .iter()
        .filter_map(|path| one("recording", &Modes::of(path)?, Wanted::Private, us))
        .collect();
    if let Some(more) = open.len().checked_sub(RECORDINGS_SHOWN_MAX).filter(|more| *more > 0) {
        open.truncate(RECORDINGS_SHOWN_MAX);
        let dir = recordings.unwrap_or_else(|| Path::new(".")).join("");
        let remedy = format!("chmod go= {}*", argument(&dir));
        open.push(Finding::warning(CHECK, format!("{more} more recordings are open to others"), remedy));
    }
    findings.extend(open);
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("open to no other user: {}", sound.join(", "))));
    }
    findings
}

/// Checks one file; `None` if its mode is right.
#[must_use]
pub fn one(what: &str, modes: &Modes, wanted: Wanted, us: u32) -> Option<Finding> {
    let path = argument(&modes.path);
    let (why, want, remedy) = if modes.has_another_owner(us) {
        (
            "another user may change it".to_owned(),
            "root's or our own".to_owned(),
            format!("chown {us} {path}"),
        )
    } else {
        match wanted {
            Wanted::Private if modes.is_open() => {
                let verb = if modes.is_writable() { "write" } else { "read" };
                // The bits of the owner stay: only those of other users are removed.
                let want = format!("mode {:04o}", modes.mode & 0o7700);
                (format!("others may {verb} it"), want, format!("chmod go= {path}"))
            }
            Wanted::Ours if modes.is_writable() => {
                let want = format!("mode {:04o}", modes.mode & !0o022);
                ("others may write it".to_owned(), want, format!("chmod go-w {path}"))
            }
            Wanted::Device if modes.is_writable_by_all() => {
                // udev recreates the node each time the modem is plugged in.
                let mode = modes.mode & !0o007;
                let want = format!("mode {mode:04o}, for good by MODE=\"{mode:04o}\" in its udev rule");
                ("every user may command the modem".to_owned(), want, format!("chmod o= {path}"))
            }
            Wanted::Locks if modes.lets_all_remove() => {
                let want = format!("mode {:04o}", modes.mode | 0o1000);
                ("every user may remove another's lock".to_owned(), want, format!("chmod +t {path}"))
            }
            Wanted::Private | Wanted::Ours | Wanted::Device | Wanted::Locks => return None,
        }
    };
    let found = format!("{what} {}: {why}; wanted {want}", shown(modes));
    Some(Finding::warning(CHECK, found, remedy))
}

fn shown(modes: &Modes) -> String {
    format!("{} (mode {:04o}, user {})", modes.path.display(), modes.mode, modes.uid)
}

/// The files of a directory, in the order of their names.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().take(FILES_MAX);
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// A path as one word of a shell.
fn argument(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if text.chars().all(plain) && !text.starts_with('-') {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::super::Level;
    use super::*;

    const US: u32 = 0;

    fn modes(uid: u32, mode: u32) -> Modes {
        Modes { path: "/a b".into(), uid, gid: 5, mode }
    }

    /// The finding for a file of this owner and mode.
    #[track_caller]
    fn line(uid: u32, mode: u32, wanted: Wanted) -> String {
        let finding = one("thing", &modes(uid, mode), wanted, US).expect("it is too open");
        assert_eq!(finding.level, Level::Warning);
        finding.line()
    }

    #[test]
    fn a_mode_that_is_too_open_is_reported_with_the_right_mode_and_a_command() {
        assert_eq!(
            line(0, 0o755, Wanted::Private),
            "warning  permissions: thing /a b (mode 0755, user 0): others may read it; wanted mode 0700; \
             chmod go= '/a b'"
        );
        assert!(line(0, 0o666, Wanted::Private).contains("others may write it; wanted mode 0600"));
        assert!(line(0, 0o775, Wanted::Ours).ends_with("wanted mode 0755; chmod go-w '/a b'"));
        assert!(line(0, 0o666, Wanted::Device).ends_with("MODE=\"0660\" in its udev rule; chmod o= '/a b'"));
        assert!(line(0, 0o777, Wanted::Locks).ends_with("wanted mode 1777; chmod +t '/a b'"));
    }

    #[test]
    fn a_file_with_the_right_mode_has_no_line() {
        for (mode, wanted) in [
            (0o700, Wanted::Private),
            (0o600, Wanted::Private),
            (0o755, Wanted::Ours),
            (0o660, Wanted::Device),
            (0o1777, Wanted::Locks),
            (0o775, Wanted::Locks),
        ] {
            assert_eq!(one("thing", &modes(0, mode), wanted, US), None, "{mode:o}");
        }
    }

    #[test]
    fn a_file_of_another_user_is_reported_with_any_mode() {
        for wanted in [Wanted::Private, Wanted::Ours, Wanted::Device, Wanted::Locks] {
            let line = line(1_000, 0o700, wanted);
            assert!(
                line.contains("another user may change it") && line.ends_with("chown 0 '/a b'"),
                "{line}"
            );
        }
        assert_eq!(one("thing", &modes(1_000, 0o700), Wanted::Ours, 1_000), None, "our own");
    }

    #[test]
    fn every_file_of_a_service_that_another_user_may_write_has_a_line() {
        let root = tempfile::tempdir().unwrap();
        let us = rustix::process::geteuid().as_raw();
        let dir = root.path().join("ppp");
        fs::create_dir_all(dir.join("supervise")).unwrap();
        for name in ["run", "finish", "supervise/control"] {
            fs::write(dir.join(name), "").unwrap();
        }
        let paths = ["", "run", "finish", "supervise", "supervise/control"].map(|name| dir.join(name));
        for path in &paths {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        let sound = all(&of_service(&dir), None, us);
        assert_eq!((sound.len(), sound[0].level), (1, Level::Ok), "{sound:?}");
        for path in &paths {
            fs::set_permissions(path, Permissions::from_mode(0o757)).unwrap();
            let found = all(&of_service(&dir), None, us);
            let remedy = format!("chmod go-w {}", argument(&path.components().collect::<PathBuf>()));
            assert_eq!(
                found[0].remedy.as_deref().map(|told| told.trim_end_matches('/')),
                Some(remedy.as_str())
            );
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn recordings_that_other_users_may_read_are_reported_the_first_by_name() {
        let root = tempfile::tempdir().unwrap();
        let us = rustix::process::geteuid().as_raw();
        let dir = root.path();
        for number in 0..12 {
            let path = dir.join(format!("scan-{number:06}.atlog"));
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(if number == 0 { 0o600 } else { 0o644 }))
                .unwrap();
        }
        let found = all(&[], Some(dir), us);
        assert_eq!(found.len(), RECORDINGS_SHOWN_MAX + 1, "{found:?}");
        assert!(found[0].found.contains("scan-000001.atlog") && found[0].found.contains("others may"));
        assert!(found[8].found.starts_with("3 more recordings"), "{found:?}");
    }
}
