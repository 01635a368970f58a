//! One service under the real `runsv`, with a modem on a pty and a stand-in for `pppd`, in a directory of its own.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use cellscan_sim::modem::Profile;
use cellscan_sim::pty::PtyModem;
use rustix::fs::OFlags;
use tempfile::TempDir;

use super::place::{place_program, place_script};
use super::scripts::{RunScript, StandIn};
use super::wait::look_for;
use super::{Event, Status};
use super::{binaries, events, processes};

/// The name of the mark that all processes of a bench have in their environment.
const MARK: &str = "CELLSCAN_BENCH";
/// The deadline for the start of `runsv`, and for the end of a bench's processes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether `runsv` and `sv` are on `PATH`.
#[must_use]
pub fn runit_available() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    ["runsv", "sv"].iter().all(|name| env::split_paths(&path).any(|directory| directory.join(name).is_file()))
}

/// The options of a bench; [`start`](Self::start) creates it.
///
/// ```no_run
/// use cellscan_tests::support::{RunScript, StandIn, Workbench};
/// let bench = Workbench::new()
///     .run(RunScript::Shell)
///     .pppd(StandIn { dies_after_ms: 300, ..StandIn::default() })
///     .start();
/// bench.sv(&["down"]);
/// ```
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Workbench {
    name: String,
    modem: Profile,
    run: RunScript,
    pppd: StandIn,
    files: Vec<(String, String)>,
    down: bool,
    runsv: Vec<OsString>,
    supervise: Option<PathBuf>,
}

impl Default for Workbench {
    fn default() -> Self {
        Self::new()
    }
}

impl Workbench {
    /// A service `pppd` with the default modem, an `exec` in its `run` script, and an obedient stand-in.
    pub fn new() -> Self {
        Self {
            name: "pppd".to_owned(),
            modem: Profile::default(),
            run: RunScript::default(),
            pppd: StandIn::default(),
            files: Vec::new(),
            down: false,
            runsv: vec!["runsv".into()],
            supervise: None,
        }
    }

    /// The service directory's name.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The modem.
    pub fn modem(mut self, modem: Profile) -> Self {
        self.modem = modem;
        self
    }

    /// How `pppd` is started.
    pub fn run(mut self, run: RunScript) -> Self {
        self.run = run;
        self
    }

    /// How `pppd` behaves.
    pub fn pppd(mut self, pppd: StandIn) -> Self {
        self.pppd = pppd;
        self
    }

    /// A script of the service directory besides `run`: `finish`, `check`, `control/t`, `log/run`.
    pub fn script(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// With a `down` file: `runsv` does not start the service by itself.
    pub fn down(mut self) -> Self {
        self.down = true;
        self
    }

    /// Another supervisor than the `runsv` on `PATH`: a program and its first arguments, the directory comes last.
    pub fn runsv(mut self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.runsv = words.into_iter().map(Into::into).collect();
        self
    }

    /// With `supervise` as a link to another directory, as in Debian and Void below `/run`. The parent of `target` must
    /// exist.
    pub fn supervise(mut self, target: &Path) -> Self {
        self.supervise = Some(target.to_owned());
        self
    }

    /// Starts modem and supervisor, and waits for the first status record and for the FIFOs. The supervisor ends with the calling
    /// thread at the latest.
    ///
    /// # Panics
    ///
    /// When runit is not installed, or does not start.
    #[must_use = "the bench ends when it is dropped"]
    #[track_caller]
    pub fn start(self) -> Bench {
        static BENCHES: AtomicU32 = AtomicU32::new(0);
        assert!(
            runit_available(),
            "`runsv` and `sv` are not on PATH: install runit (Debian: package `runit`)"
        );
        let number = BENCHES.fetch_add(1, Ordering::Relaxed);
        let root = TempDir::with_prefix("cellscan-").expect("a temporary directory");
        let service = root.path().join("service").join(&self.name);
        let locks = root.path().join("lock");
        fs::create_dir_all(&service).expect("a service directory");
        fs::create_dir(&locks).expect("a directory of locks");
        let port = root.path().join("modem");
        let modem_log = root.path().join("modem.log");
        let modem = PtyModem::spawn_linked(self.modem, u64::from(number), Some(modem_log), port.clone())
            .expect("a modem on a pty");
        for program in ["pppd", "chat"] {
            place_program(&binaries::stand_in(), &service.join(program));
        }
        let pppd = format!("./pppd {}", self.pppd.arguments(&port, &root.path().join("pppd.log"), &locks));
        place_script(&service.join("run"), &self.run.text(&pppd));
        for (path, text) in &self.files {
            place_script(&service.join(path), text);
        }
        if self.down {
            fs::write(service.join("down"), "").expect("a down file");
        }
        if let Some(target) = &self.supervise {
            symlink(target, service.join("supervise")).expect("a link");
        }
        let mark = format!("{}-{number}", std::process::id());
        let supervisor = self.runsv;
        let mut bench = Bench { root, service, locks, port, modem, mark, supervisor, runsv: None };
        bench.start_runsv();
        bench
    }
}

/// A running service, until this is dropped.
#[derive(Debug)]
pub struct Bench {
    root: TempDir,
    service: PathBuf,
    locks: PathBuf,
    port: PathBuf,
    modem: PtyModem,
    mark: String,
    supervisor: Vec<OsString>,
    runsv: Option<Child>,
}

impl Bench {
    /// Starts `runsv` again where it was killed, as `runsvdir` does.
    ///
    /// # Panics
    ///
    /// When it runs already, or does not start.
    #[track_caller]
    pub fn start_runsv(&mut self) {
        assert!(self.runsv.is_none(), "runsv runs already");
        let _ = fs::remove_file(self.service.join("supervise/status"));
        let mut command = self.supervise(&self.service, "runsv.log");
        self.runsv = Some(command.spawn().expect("setsid starts (util-linux)"));
        self.wait_until(PATIENCE, "runsv writes its status", || self.try_status().is_some());
        // The first record is older than the FIFOs (runsv.c: main): until these are open a scan is right to refuse.
        self.wait_until(PATIENCE, "runsv has its FIFOs open", || {
            let flags = i32::try_from(OFlags::NONBLOCK.bits()).expect("it is a flag of open(2)");
            let ok = self.service.join("supervise/ok");
            File::options().write(true).custom_flags(flags).open(ok).is_ok()
        });
    }

    /// A supervisor of `directory`; its output and that of its service goes to a log of this name.
    #[track_caller]
    pub(super) fn supervise(&self, directory: &Path, log: &str) -> Command {
        let log = File::options().create(true).append(true).open(self.root.path().join(log));
        let log = log.expect("a log for runsv");
        // A session of its own, as under runsvdir -P. And it ends with the thread that starts it, so that a test that
        // is killed leaves nothing: its pppd then meets a port that hung up.
        let mut command = Command::new("setsid");
        command
            .args(["setpriv", "--pdeathsig", "KILL"])
            .args(&self.supervisor)
            .arg(directory)
            .env(MARK, &self.mark)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log);
        command
    }

    /// Deletes the service directory and recreates it under its supervisor, as a package upgrade does. Where `supervise` is
    /// a link it leads to the same place again.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[track_caller]
    pub fn make_anew(&self) {
        let old = self.root.path().join("old");
        fs::rename(&self.service, &old).expect("the directory is ours");
        fs::create_dir(&self.service).expect("a service directory");
        for name in ["run", "pppd", "chat"] {
            place_program(&old.join(name), &self.service.join(name));
        }
        if let Ok(target) = fs::read_link(old.join("supervise")) {
            symlink(target, self.service.join("supervise")).expect("a link");
        }
        fs::remove_dir_all(&old).expect("the directory is ours");
    }

    /// Kills `runsv` by its pid; the service lives on as an orphan.
    ///
    /// # Panics
    ///
    /// When it ended before.
    #[track_caller]
    pub fn kill_runsv(&mut self) {
        if let Some(mut child) = self.runsv.take() {
            child.kill().expect("runsv is ours to kill");
            child.wait().expect("runsv is ours to wait for");
        }
    }

    /// The pid of `runsv`; `None` after [`kill_runsv`](Self::kill_runsv).
    #[must_use]
    pub fn runsv_pid(&self) -> Option<u32> {
        self.runsv.as_ref().map(Child::id)
    }

    /// `sv <arguments> <service directory>`.
    ///
    /// # Panics
    ///
    /// When `sv` cannot be started.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers want the effect and look at the status record"
    )]
    pub fn sv(&self, arguments: &[&str]) -> Output {
        Command::new("sv").args(arguments).arg(&self.service).output().expect("sv starts")
    }

    /// The status record.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn status(&self) -> Status {
        self.try_status().expect("a status record of 20 bytes")
    }

    fn try_status(&self) -> Option<Status> {
        let record = fs::read(self.service.join("supervise/status")).ok()?;
        Some(Status::parse(record.first_chunk().filter(|_| record.len() == 20)?))
    }

    /// The processes that have the port open, without this test and its forks that have not executed a program yet.
    #[must_use]
    pub fn holders(&self) -> Vec<u32> {
        let program = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
        let own = program(std::process::id());
        let mut holders = processes::holders(&self.port);
        holders.retain(|pid| program(*pid) != own);
        holders
    }

    /// Waits until a single `pppd` other than `other` holds the port, and returns its pid.
    ///
    /// # Panics
    ///
    /// When there is none within `limit`.
    #[must_use]
    #[track_caller]
    pub fn wait_for_holder(&self, limit: Duration, other: Option<u32>) -> u32 {
        self.wait_for(limit, "a pppd holds the port", || match *self.holders() {
            [pid] if Some(pid) != other && processes::comm(pid).as_deref() == Some("pppd") => Some(pid),
            _ => None,
        })
    }

    /// As [`wait_for`](super::wait_for); the message also shows status, holders and logs.
    ///
    /// # Panics
    ///
    /// When `look` sees nothing within `limit`.
    #[track_caller]
    pub fn wait_for<T>(&self, limit: Duration, what: &str, look: impl FnMut() -> Option<T>) -> T {
        let Some(seen) = look_for(limit, look) else {
            panic!("not within {limit:?}: {what}\n{}", self.story());
        };
        seen
    }

    /// As [`wait_until`](super::wait_until); the message also shows status, holders and logs.
    ///
    /// # Panics
    ///
    /// When it does not hold within `limit`.
    #[track_caller]
    pub fn wait_until(&self, limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
        self.wait_for(limit, what, || holds().then_some(()));
    }

    /// The state of the bench, for a message.
    #[must_use]
    pub fn story(&self) -> String {
        let log = |name: &str| fs::read_to_string(self.root.path().join(name)).unwrap_or_default();
        format!(
            "status: {:?}\nholders: {:?}\npppd:\n{}runsv:\n{}cellscan:\n{}modem:\n{}",
            self.try_status(),
            self.holders(),
            log("pppd.log"),
            log("runsv.log"),
            log("cellscan.log"),
            log("modem.log")
        )
    }

    /// The log of the stand-in.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        events::read(&self.root.path().join("pppd.log"))
    }

    /// The modem.
    #[must_use]
    pub const fn modem(&self) -> &PtyModem {
        &self.modem
    }

    /// The port under its stable name.
    #[must_use]
    pub fn port(&self) -> &Path {
        &self.port
    }

    /// The service directory.
    #[must_use]
    pub fn service(&self) -> &Path {
        &self.service
    }

    /// The directory of lock files that the stand-in looks at.
    #[must_use]
    pub fn locks(&self) -> &Path {
        &self.locks
    }

    /// A directory for files of a test, removed with the bench.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The command that starts a `pppd` on the port without a supervisor. It ends with the bench at the latest.
    #[must_use]
    #[track_caller]
    pub fn by_hand(&self, pppd: &StandIn) -> Vec<OsString> {
        let program = self.root.path().join("pppd");
        if !program.exists() {
            place_program(&binaries::stand_in(), &program);
        }
        let arguments = pppd.arguments(&self.port, &self.root.path().join("pppd.log"), &self.locks);
        let script = format!("export {MARK}={}; exec {} {arguments}", self.mark, program.display());
        vec!["/bin/sh".into(), "-c".into(), script.into()]
    }

    /// The built `cellscan`, marked, so that it ends with the bench at the latest.
    #[must_use]
    #[track_caller]
    pub fn cellscan(&self) -> Command {
        let mut command = binaries::cellscan();
        self.mark(&mut command);
        command
    }

    /// Marks a command: its process and its descendants end with the bench at the latest.
    pub fn mark(&self, command: &mut Command) {
        command.env(MARK, &self.mark);
    }

    /// The living processes of the bench.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        processes::marked(&format!("{MARK}={}", self.mark))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(mut child) = self.runsv.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let mark = format!("{MARK}={}", self.mark);
        // A process may be between fork and exec, or start another, during the loop.
        let gone = look_for(PATIENCE, || {
            let left = processes::marked(&mark);
            for pid in &left {
                let _ = processes::kill_marked(*pid, &mark);
            }
            left.is_empty().then_some(())
        });
        assert!(gone.is_some() || thread::panicking(), "processes of {mark} do not end");
    }
}
