//! The `sv` program: where it is, how it is called, and whose it is. That is asked of the program itself: a file named
//! `sv` may be runit's, a link to busybox, or something else.

use std::fmt;
use std::fs;
use std::io::Read;
use std::num::NonZeroU32;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::PollFlags;

use crate::clock::Clock;
use crate::event_loop::wait_one;
use crate::process::Proc;
use crate::runit::RestoreMethod;

/// Where it is looked for beside `$PATH`, which may be short under a supervisor.
const PROGRAM_DIRS: [&str; 7] =
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/command", "/package/admin/runit/command"];
/// How long a program may take to print its usage: milliseconds, on a busy machine some hundred.
const USAGE_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of a usage that are looked at; busybox's is 1 KiB.
const USAGE_LEN_MAX: u64 = 8_192;

/// Whose `sv` it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flavour {
    /// runit's own.
    Runit,
    /// busybox's, by a link or as an applet.
    Busybox,
    /// Its usage is neither's.
    Unknown,
}

impl Flavour {
    /// What the answer to a call without arguments tells; `None` where it says that there is no `sv` in it.
    fn of_usage(said: &str) -> Option<Self> {
        // busybox, `appletlib.c: run_applet_and_exit`.
        if said.contains("applet not found") {
            return None;
        }
        let first = said.lines().next().unwrap_or_default();
        Some(if first.starts_with("BusyBox ") {
            Self::Busybox
        } else if first.starts_with("usage: sv ") {
            // sv.c: usage.
            Self::Runit
        } else {
            Self::Unknown
        })
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Runit => "runit's",
            Self::Busybox => "busybox's",
            Self::Unknown => "of an unknown kind",
        })
    }
}

/// A program that answers to `sv`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SvProgram {
    path: PathBuf,
    /// The program is a busybox, and `sv` its first argument.
    applet: bool,
    flavour: Flavour,
}

impl SvProgram {
    /// A program that is called as `sv` whatever its file is named. `None` where it cannot be run, or says that it is
    /// none.
    #[must_use]
    pub fn named(path: &Path) -> Option<Self> {
        Self::asked(path, false)
    }

    /// A busybox that is called as `busybox sv`. `None` where it cannot be run, or has no such applet.
    #[must_use]
    pub fn applet_of(path: &Path) -> Option<Self> {
        Self::asked(path, true)
    }

    /// The first `sv`, else the first `busybox` with that applet, of `$PATH` and of where distributions keep them.
    #[must_use]
    pub fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::env::split_paths(&path).chain(PROGRAM_DIRS.map(PathBuf::from));
        let dirs: Vec<PathBuf> = dirs.filter(|dir| dir.is_absolute()).collect();
        let called =
            |name: &'static str| dirs.iter().map(move |dir| dir.join(name)).filter(|file| is_program(file));
        let named = called("sv").find_map(|file| Self::named(&file));
        named.or_else(|| called("busybox").find_map(|file| Self::applet_of(&file)))
    }

    /// Whose it is.
    #[must_use]
    pub const fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How a service is given back by it after the death of this process.
    #[must_use]
    pub fn restore_method(&self) -> RestoreMethod {
        RestoreMethod::Sv { program: self.path.clone(), applet: self.applet }
    }

    /// The call, without its arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if self.applet {
            command.arg0("busybox").arg("sv");
        } else {
            // Under any other name it takes that for the service (sv.c: main).
            command.arg0("sv");
        }
        // `SVWAIT` that is no number ends busybox's at once; the service is named by an absolute path; and strerror(3)
        // speaks the language of its caller.
        command.env_remove("SVDIR").env_remove("SVWAIT").env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn asked(path: &Path, applet: bool) -> Option<Self> {
        let unknown = Self { path: path.into(), applet, flavour: Flavour::Unknown };
        let said = usage(unknown.command())?;
        let flavour = Flavour::of_usage(&said)?;
        Some(Self { flavour, ..unknown })
    }
}

impl fmt::Display for SvProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.path.display(), if self.applet { " sv" } else { "" })
    }
}

/// What a program says when it is called without a command. `None` where it does not start, or does not end.
fn usage(mut command: Command) -> Option<String> {
    let mut child = command.spawn().ok()?;
    let handle = NonZeroU32::new(child.id()).and_then(|pid| Proc::open(pid).ok().flatten());
    let ended = match handle.as_ref().and_then(Proc::fd) {
        Some(fd) => wait_one(fd, PollFlags::IN, USAGE_LIMIT, Clock::new()).unwrap_or(false),
        // It has ended already; or the kernel has no handles, and then it is trusted to.
        None => true,
    };
    if !ended {
        let _gone_since = child.kill();
    }
    let _reaped = child.wait().ok()?;
    ended.then(|| said(&mut child, USAGE_LEN_MAX))
}

/// What an ended program said on standard output, or else on standard error. Not waited for: a child of `sv` (a
/// `check` script's) may hold the pipe open.
pub(crate) fn said(child: &mut Child, len_max: u64) -> String {
    let mut said = Vec::new();
    if let Some(stdout) = child.stdout.take()
        && rustix::io::ioctl_fionbio(&stdout, true).is_ok()
    {
        let _as_far_as_it_goes = stdout.take(len_max).read_to_end(&mut said);
    }
    if let (true, Some(stderr)) = (said.is_empty(), child.stderr.take())
        && rustix::io::ioctl_fionbio(stderr.as_fd(), true).is_ok()
    {
        let _as_far_as_it_goes = stderr.take(len_max).read_to_end(&mut said);
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_tells_whose_it_is() {
        let runit = "usage: sv [-v] [-w sec] command service ...\n\n";
        let busybox = "BusyBox v1.35.0 (2022-08-01 15:14:44 UTC) multi-call binary.\n\nUsage: sv [-v] [-w SEC] CMD SERVICE_DIR...\n";
        let without_usage =
            "BusyBox v1.35.0 (2022-08-01 15:14:44 UTC) multi-call binary.\n\nNo help available\n";
        assert_eq!(Flavour::of_usage(runit), Some(Flavour::Runit));
        assert_eq!(Flavour::of_usage(busybox), Some(Flavour::Busybox));
        assert_eq!(Flavour::of_usage(without_usage), Some(Flavour::Busybox));
        assert_eq!(Flavour::of_usage("sv: applet not found\n"), None);
        assert_eq!(Flavour::of_usage("usage: svn"), Some(Flavour::Unknown));
        assert_eq!(Flavour::of_usage(""), Some(Flavour::Unknown));
    }

    /// A program that says something. It is written by another process: a file that any process has open for writing, and
    /// be it a fork of this test, cannot be executed.
    fn program(dir: &Path, name: &str, script: &str) -> PathBuf {
        let path = dir.join(name);
        let written = Command::new("/bin/sh")
            .args(["-c", "printf '#!/bin/sh\n%s\n' \"$1\" >\"$2\" && chmod 755 \"$2\"", "sh", script])
            .arg(&path)
            .status()
            .unwrap();
        assert!(written.success());
        path
    }

    #[test]
    fn the_program_is_asked_and_not_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let says = |what: &str| format!("echo '{what}' >&2; exit 100");
        let misnamed = program(dir.path(), "busybox", &says("usage: sv [-v] [-w sec] command service ..."));
        assert_eq!(SvProgram::named(&misnamed).unwrap().flavour(), Flavour::Runit);
        let applets = program(
            dir.path(),
            "toolbox",
            "[ \"$1\" = sv ] || exit 127\necho 'BusyBox v1.37.0 multi-call binary.' >&2; exit 100",
        );
        let found = SvProgram::applet_of(&applets).unwrap();
        assert_eq!(
            (found.flavour(), found.to_string()),
            (Flavour::Busybox, format!("{} sv", applets.display()))
        );
        let without = program(dir.path(), "b", "echo 'sv: applet not found' >&2; exit 127");
        assert_eq!((SvProgram::applet_of(&without), SvProgram::named(&without)), (None, None));
        assert_eq!(SvProgram::named(&dir.path().join("none")), None);
    }
}
