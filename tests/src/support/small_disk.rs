//! A file system that a test can fill: a small tmpfs in a mount namespace of its own, visible from
//! outside through the root directory of the process that holds it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Its size in KiB, and the files that it has room for.
const SIZE_KIB: u32 = 256;
const FILES: u32 = 64;

/// The disk, until this is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    keeper: Child,
    path: PathBuf,
    _mount_point: TempDir,
}

impl SmallDisk {
    /// `None`: this user may not mount one.
    ///
    /// # Panics
    ///
    /// When there is no temporary directory.
    #[must_use]
    #[track_caller]
    pub fn new() -> Option<Self> {
        let mount_point = TempDir::with_prefix("cellscan-disk-").expect("a temporary directory");
        let script = "mount -t tmpfs -o size=${1}k,nr_inodes=$2,mode=755 none \"$3\" && echo mounted && exec sleep infinity";
        // It ends with the thread that starts it, so that a test that is killed leaves nothing.
        let mut keeper = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare", "-m", "--propagation", "private"])
            .args(["sh", "-c", script, "sh", &SIZE_KIB.to_string(), &FILES.to_string()])
            .arg(mount_point.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut said = String::new();
        let stdout = keeper.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut said).expect("UTF-8");
        let inside = mount_point.path().strip_prefix("/").expect("an absolute path");
        let path = PathBuf::from(format!("/proc/{}/root", keeper.id())).join(inside);
        let disk = Self { keeper, path, _mount_point: mount_point };
        (said == "mounted\n").then_some(disk)
    }

    /// Its path from outside.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Fills it until neither a byte nor a file fits: otherwise replacing a file by an empty one, as `runsv` does with its
    /// `pid`, would free a byte.
    ///
    /// # Panics
    ///
    /// When it never gets full.
    #[track_caller]
    pub fn fill(&self) {
        let fillers = self.path.join("fillers");
        fs::create_dir(&fillers).expect("a directory on the disk");
        let mut bytes = File::create(fillers.join("bytes")).expect("a file on the disk");
        // By pages, as a tmpfs counts.
        let written = (0..=SIZE_KIB).take_while(|_| bytes.write_all(&[0; 4_096]).is_ok()).count();
        let made =
            (0..=FILES).take_while(|file| File::create(fillers.join(file.to_string())).is_ok()).count();
        assert!(written < SIZE_KIB as usize && made < FILES as usize, "it has its limits");
    }

    /// Makes room again.
    ///
    /// # Panics
    ///
    /// When it was not filled.
    #[track_caller]
    pub fn empty(&self) {
        fs::remove_dir_all(self.path.join("fillers")).expect("it was filled");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone_already = self.keeper.kill();
        let _reaped = self.keeper.wait();
    }
}
