//! A machine without most programs: a root directory of its own with the libraries, `/dev` and `/proc` of this
//! one, and only the programs that a test puts there. Its mount namespace ends with its last process.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Directories that dynamically linked programs need, and that `cellscan` reads.
const SHARED: [&str; 6] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/dev", "/proc"];

/// The directory that becomes the root.
#[derive(Debug)]
pub struct Jail {
    root: TempDir,
    mounts: Vec<(PathBuf, PathBuf)>,
}

impl Jail {
    /// An empty one. `None`: this user may not make a mount namespace.
    ///
    /// # Panics
    ///
    /// When there is no temporary directory.
    #[must_use]
    #[track_caller]
    pub fn new() -> Option<Self> {
        let may = Command::new("unshare").args(["-m", "true"]).output();
        if !may.is_ok_and(|tried| tried.status.success()) {
            return None;
        }
        let root = TempDir::with_prefix("cellscan-jail-").expect("a temporary directory");
        let mut jail = Self { root, mounts: Vec::new() };
        for path in SHARED.map(Path::new) {
            match fs::read_link(path) {
                Ok(target) => symlink(target, jail.inside(path)).expect("a link"),
                Err(_) if path.is_dir() => jail.bind(path, path),
                Err(_) => {}
            }
        }
        Some(jail)
    }

    /// Puts a file or directory of this machine into it under a name.
    ///
    /// # Panics
    ///
    /// When the name cannot be made.
    #[track_caller]
    pub fn bind(&mut self, from: &Path, name: &Path) {
        let inside = self.inside(name);
        if from.is_dir() {
            fs::create_dir_all(&inside).expect("a directory");
        } else {
            File::create(&inside).expect("a file");
        }
        self.mounts.push((from.to_owned(), inside));
    }

    /// A directory.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[must_use]
    #[track_caller]
    pub fn dir(&self, name: &str) -> PathBuf {
        let inside = self.inside(Path::new(name));
        fs::create_dir_all(&inside).expect("a directory");
        inside
    }

    /// Runs a command in it, to its end.
    ///
    /// # Panics
    ///
    /// When `unshare` does not start.
    #[must_use]
    #[track_caller]
    pub fn run(&self, program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let mut script = String::from("set -e\n");
        for (from, inside) in &self.mounts {
            writeln!(script, "mount --rbind '{}' '{}'", from.display(), inside.display())
                .expect("a string grows");
        }
        script.push_str("exec chroot \"$@\"\n");
        let mut command = Command::new("unshare");
        // Private: these mounts must be neither visible nor removable elsewhere.
        command.args(["-m", "--propagation", "private", "sh", "-c", &script, "sh"]);
        command.arg(self.root.path()).arg(program).args(arguments);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.output().expect("unshare starts (util-linux)")
    }

    /// The path of a name of the jail, with its directories created.
    #[track_caller]
    fn inside(&self, name: &Path) -> PathBuf {
        let inside = self.root.path().join(name.strip_prefix("/").unwrap_or(name));
        fs::create_dir_all(inside.parent().expect("it is below the root")).expect("directories");
        inside
    }
}
