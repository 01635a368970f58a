//! The shipped daemon: `host/service/cellscan` under a `runsv` of its own.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use super::place::copy;
use super::{Bench, binaries, processes};

/// The deadline for the start of a daemon, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon on the modem and the service of a bench. It ends with the bench at the latest.
#[derive(Debug)]
pub struct Supervised {
    directory: PathBuf,
    run_dir: PathBuf,
    runsv: Child,
}

impl Supervised {
    /// Starts it, with options beyond those that name the modem and the service of the bench.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[track_caller]
    pub fn start(bench: &Bench, run_dir: &Path, more: &str) -> Self {
        let directory = bench.root().join("service/cellscan");
        fs::create_dir_all(&directory).expect("a service directory");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/service/cellscan");
        for script in ["run", "finish"] {
            copy(&shipped.join(script), &directory.join(script));
        }
        let (service, port, locks) =
            (bench.service().display(), bench.port().display(), bench.locks().display());
        let (run, state) = (run_dir.display(), bench.root().join("state"));
        let conf = format!(
            "RUN_DIR={run}\nSTATE_DIR={0}\nOPTIONS=\"--service {service} --port {port} --lock-dir {locks} --run-dir {run} \
             --state-dir {0} --confirm 1s {more}\"\n",
            state.display()
        );
        fs::write(directory.join("conf"), conf).expect("its configuration");
        let program = binaries::cellscan();
        let home = Path::new(program.get_program()).parent().map(Path::as_os_str).unwrap_or_default();
        let mut path: OsString = home.into();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        let mut command = bench.supervise(&directory, "cellscan.log");
        let runsv = command.env("PATH", path).spawn().expect("setsid starts (util-linux)");
        let started = Self { directory, run_dir: run_dir.into(), runsv };
        started.wait_until_it_listens(bench, None);
        started
    }

    /// Waits until a daemon other than `before` answers, and returns its pid.
    ///
    /// # Panics
    /// When none does in time.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "most callers want it to be there")]
    pub fn wait_until_it_listens(&self, bench: &Bench, before: Option<u32>) -> u32 {
        bench.wait_for(PATIENCE, "the daemon answers", || {
            let pid = self.pid().filter(|pid| Some(*pid) != before)?;
            let status =
                self.ask(&["status", "--json"]).arg("--service").arg(bench.service()).output().ok()?;
            let said: serde_json::Value = serde_json::from_slice(&status.stdout).ok()?;
            (said["daemon"]["pid"] == pid).then_some(pid)
        })
    }

    /// The daemon's process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.directory.join("supervise/pid")).ok()?.trim().parse().ok()?;
        processes::is_alive(pid).then_some(pid)
    }

    /// A command of the program for this daemon.
    #[must_use]
    pub fn ask(&self, words: &[&str]) -> Command {
        let mut command = binaries::cellscan();
        command.args(words).arg("--run-dir").arg(&self.run_dir);
        command
    }

    /// `sv <word>` of the daemon's service.
    ///
    /// # Panics
    /// When `sv` cannot be started.
    #[track_caller]
    pub fn sv(&self, word: &str) {
        let sent = Command::new("sv").arg(word).arg(&self.directory).output().expect("sv starts");
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stdout));
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // The daemon goes with the bench, by its mark.
        let _ = self.runsv.kill();
        let _ = self.runsv.wait();
    }
}
