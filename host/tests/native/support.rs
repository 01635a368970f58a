//! A real `runsv` over its own service directory.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics with its place"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::num::NonZeroU32;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cellscan::clock::Clock;
use cellscan::custody::guard::GuardOptions;
use cellscan::custody::lease::{LeaseOptions, RunDir};
use cellscan::custody::{CustodyError, Held, HeldOptions};
use cellscan::event_loop::{self, Ready};
use cellscan::process::{self, Proc};
use cellscan::runit::dir::ServiceDir;
use cellscan::runit::sv::SvProgram;
use cellscan::service::Sv;
use cellscan::service::native::{Native, NativeOptions};
use cellscan::service::sv::SvOptions;
use cellscan_core::supervisor::{Owed, Remains, ServiceState, ServiceStatus, Signal, Supervisor, Want};
use cellscan_core::time::Instant;
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use tempfile::TempDir;

/// More than any wait here takes on a loaded machine; the throttle of `runsv` is 1 s.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// The longest wait between two looks at a condition without an event.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(crate) fn now() -> Instant {
    Clock::new().now()
}

pub(crate) fn after(span: Duration) -> Instant {
    now() + span
}

pub(crate) fn wait(native: &Held, limit: Duration) -> Ready {
    event_loop::wait(&native.wake_fds(), Some(after(limit)), Clock::new()).unwrap()
}

/// Waits for events until the condition holds.
#[track_caller]
pub(crate) fn until(native: &mut Held, what: &str, mut holds: impl FnMut(&mut Held) -> bool) {
    let deadline = after(SOON);
    while !holds(native) {
        assert!(now() < deadline, "not in time: {what}; {:?}", status(native));
        wait(native, LOOK_AGAIN);
        native.woken();
    }
}

/// Takes the service, and waits until it is down and its port free.
#[track_caller]
pub(crate) fn take_down(native: &mut Held) {
    take(native);
    native.owe(UP);
    ask(native, Want::Down);
    until(native, "down and free", down_and_free);
}

/// What a scan owes from its request for down on.
pub(crate) const UP: Owed = Owed { want: Some(Want::Up), selection: None };

/// Another client sends its own `d` once nothing of ours is unanswered.
#[track_caller]
pub(crate) fn another_client_asks_for_down(runit: &Runit, native: &mut Held) {
    let rest = now() + Duration::from_millis(400);
    until(native, "some quiet", |native| !status(native).foreign_down && now() > rest);
    runit.sv("down");
}

/// Repeats a call until it has an answer; in between waits for the backend's events.
pub(crate) fn done<T>(
    service: &mut Held,
    mut ask: impl FnMut(&mut Held) -> nb::Result<T, CustodyError>,
) -> Result<T, CustodyError> {
    let deadline = after(SOON);
    loop {
        match ask(service) {
            Ok(answer) => return Ok(answer),
            Err(nb::Error::Other(error)) => return Err(error),
            Err(nb::Error::WouldBlock) => assert!(now() < deadline, "no answer in time"),
        }
        event_loop::wait(&service.wake_fds(), Some(deadline), Clock::new()).unwrap();
        service.woken();
    }
}

#[track_caller]
pub(crate) fn until_service(service: &mut Held, what: &str, mut holds: impl FnMut(&mut Held) -> bool) {
    let deadline = after(SOON);
    while !holds(service) {
        assert!(now() < deadline, "not in time: {what}");
        event_loop::wait(&service.wake_fds(), Some(after(LOOK_AGAIN)), Clock::new()).unwrap();
        service.woken();
    }
}

#[track_caller]
pub(crate) fn take(native: &mut Held) -> ServiceStatus {
    nb::block!(native.take()).unwrap().status
}

#[track_caller]
pub(crate) fn ask(native: &mut Held, want: Want) {
    nb::block!(native.ask(want)).unwrap();
}

#[track_caller]
pub(crate) fn status(native: &mut Held) -> ServiceStatus {
    nb::block!(native.status()).unwrap()
}

#[track_caller]
pub(crate) fn remains(native: &mut Held) -> Remains {
    nb::block!(native.remains()).unwrap()
}

/// Whether the service is stopped as a scan needs it.
pub(crate) fn down_and_free(native: &mut Held) -> bool {
    let now = status(native);
    let down = now.state == ServiceState::Down && now.want == Want::Down && now.pid.is_none();
    down && remains(native).is_free()
}

/// The guards of a service.
pub(crate) fn guards_of(runit: &Runit) -> Vec<Proc> {
    let dir = runit.dir().canonicalize().unwrap();
    let is_guard = |pid: &NonZeroU32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        words.nth(1) == Some(b"guard") && words.any(|word| word == dir.as_os_str().as_encoded_bytes())
    };
    process::all().into_iter().filter(is_guard).filter_map(|pid| Proc::open(pid).unwrap()).collect()
}

/// A terminal whose other end stays open in this process.
pub(crate) struct Pty {
    pub(crate) name: String,
    _modem: std::os::fd::OwnedFd,
}

impl Pty {
    pub(crate) fn open() -> Self {
        let modem = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        unlockpt(&modem).unwrap();
        let name = ptsname(&modem, Vec::new()).unwrap().into_string().unwrap();
        Self { name, _modem: modem }
    }

    /// A process that has it open.
    pub(crate) fn hold(&self) -> Child {
        let tty = fs::File::options().read(true).write(true).open(&self.name).unwrap();
        Command::new("sleep").arg("600").stdin(tty).spawn().unwrap()
    }
}

pub(crate) struct Runit {
    root: TempDir,
    runsv: Option<Child>,
    /// The service ends at once, every time.
    crashes: bool,
}

impl Runit {
    #[must_use]
    pub(crate) fn start(run: &str) -> Self {
        Self::with_scripts(&[("run", run)], false)
    }

    /// A service that ends at once, so there is no process to wait for.
    #[must_use]
    pub(crate) fn crashing(run: &str) -> Self {
        Self::with_scripts(&[("run", run)], true)
    }

    #[must_use]
    pub(crate) fn with_finish(run: &str, finish: &str) -> Self {
        Self::with_scripts(&[("run", run), ("finish", finish)], false)
    }

    fn with_scripts(scripts: &[(&str, &str)], crashes: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("svc")).unwrap();
        fs::create_dir(root.path().join("lock")).unwrap();
        let mut runit = Self { root, runsv: None, crashes };
        for (name, script) in scripts {
            let file = runit.dir().join(name);
            fs::write(&file, format!("#!/bin/sh\n{script}")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        runit.start_runsv();
        runit
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("svc")
    }

    /// Starts `runsv` and waits until the service has been started.
    pub(crate) fn start_runsv(&mut self) {
        let mut command = Command::new("runsv");
        command.arg(self.dir()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.runsv = Some(command.spawn().expect("runsv is installed"));
        let deadline = after(SOON);
        let started = || {
            let dir = ServiceDir::open(&self.dir()).ok()?;
            let record = dir.is_supervised().ok()?.then(|| dir.read_status().ok())??;
            (record.want_up && (self.crashes || record.pid.is_some())).then_some(())
        };
        while started().is_none() {
            assert!(now() < deadline, "runsv did not start the service");
            event_loop::wait(&[], Some(after(Duration::from_millis(5))), Clock::new()).unwrap();
        }
    }

    /// Kills it, as a crash would; the service lives on.
    pub(crate) fn kill_runsv(&mut self) {
        let mut runsv = self.runsv.take().unwrap();
        runsv.kill().unwrap();
        runsv.wait().unwrap();
    }

    pub(crate) fn unread(&self) -> u64 {
        ServiceDir::open(&self.dir()).unwrap().unread().unwrap()
    }

    pub(crate) fn sv(&self, word: &str) {
        assert!(Command::new("sv").arg(word).arg(self.dir()).status().unwrap().success());
    }

    #[track_caller]
    pub(crate) fn until_file(&self, name: &str) {
        let deadline = after(SOON);
        while !self.dir().join(name).exists() {
            assert!(now() < deadline, "no file {name}");
            event_loop::wait(&[], Some(after(LOOK_AGAIN)), Clock::new()).unwrap();
        }
    }

    fn backend(dir: PathBuf, port: Option<&Pty>, guard: Option<GuardOptions>) -> Held {
        let ppp_port = port.map(|port| port.name.clone().into());
        let native = Native::new(NativeOptions { dir, ppp_port });
        Held::new(Box::new(native), HeldOptions { guard, ..HeldOptions::default() })
    }

    pub(crate) fn by_sv(&self) -> Held {
        let program = SvProgram::find().unwrap();
        let options = SvOptions { program, dir: self.dir(), ppp_port: None, is_record_doubtful: false };
        Held::new(Box::new(Sv::new(options)), HeldOptions::default())
    }

    pub(crate) fn native(&self) -> Held {
        Self::backend(self.dir(), None, None)
    }

    pub(crate) fn native_on(&self, port: &Pty) -> Held {
        Self::backend(self.dir(), Some(port), None)
    }

    pub(crate) fn native_with_guard(&self) -> Held {
        let options = GuardOptions { program: Some(hold_program()), ..GuardOptions::default() };
        Self::backend(self.dir(), None, Some(options))
    }

    /// With a lease, and without a guard.
    pub(crate) fn native_with_lease(&self) -> Held {
        let lease = LeaseOptions { run_dir: self.run_dir(), lock_dirs: Vec::new(), modem: None };
        let native = Native::new(NativeOptions { dir: self.dir(), ppp_port: None });
        Held::new(Box::new(native), HeldOptions { lease: Some(lease), ..HeldOptions::default() })
    }

    fn run_dir(&self) -> PathBuf {
        self.root.path().join("run")
    }

    /// What the leases say is owed.
    pub(crate) fn owed(&self) -> Vec<Owed> {
        let dir = RunDir::open(&self.run_dir()).unwrap().unwrap();
        let names = dir.names().unwrap();
        names.iter().filter_map(|name| Some(dir.read_named(name).unwrap()?.owed())).collect()
    }

    /// A directory in the place of the lease, so that it cannot be written.
    pub(crate) fn block_lease(&self) -> PathBuf {
        let names = RunDir::open(&self.run_dir()).unwrap().unwrap().names().unwrap();
        let lease = self.run_dir().join(names.first().unwrap());
        fs::remove_file(&lease).unwrap();
        fs::create_dir(&lease).unwrap();
        lease
    }

    pub(crate) fn native_by_link(&self) -> Held {
        let link = self.root.path().join("link");
        symlink("svc", &link).unwrap();
        Self::backend(link, None, None)
    }

    pub(crate) fn point_link_elsewhere(&self) {
        let link = self.root.path().join("link");
        fs::remove_file(&link).unwrap();
        symlink("lock", &link).unwrap();
    }

    /// As an upgrade of a package does: the name gets a new directory with the old `supervise`.
    pub(crate) fn replace_dir(&self) {
        let old = self.root.path().join("old");
        fs::rename(self.dir(), &old).unwrap();
        fs::create_dir(self.dir()).unwrap();
        symlink(old.join("supervise"), self.dir().join("supervise")).unwrap();
    }

    /// A process that holds the service down, with a guard.
    pub(crate) fn hold(&self) -> Child {
        let mut command = Command::new(hold_program());
        command.arg(self.dir()).arg(self.root.path().join("lock"));
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
        holder
    }

    pub(crate) fn locks(&self) -> usize {
        fs::read_dir(self.root.path().join("lock")).unwrap().count()
    }
}

/// The example `hold`, which cargo builds beside the tests.
fn hold_program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let target = tests.ancestors().nth(2).map(Path::to_path_buf).unwrap();
    let hold = target.join("examples/hold");
    assert!(hold.exists(), "cargo test builds the examples; with --test NAME add --examples");
    hold
}

impl Drop for Runit {
    fn drop(&mut self) {
        // This test has started every process that works in this directory.
        use std::os::unix::fs::MetadataExt;
        let identity = |dir: &Path| fs::metadata(dir).ok().map(|meta| (meta.dev(), meta.ino()));
        let dirs = [identity(&self.dir()), identity(&self.root.path().join("old"))];
        if let Some(mut runsv) = self.runsv.take() {
            let _gone = runsv.kill();
            let _gone = runsv.wait();
        }
        for pid in process::all() {
            let here = process::working_dir(pid);
            if here.is_some()
                && dirs.contains(&here)
                && let Ok(Some(proc)) = Proc::open(pid)
            {
                let _gone = proc.signal(Signal::Kill);
            }
        }
    }
}
