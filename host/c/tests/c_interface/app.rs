//! The example application on a bench: a gateway with the real `runsv` and a modem on a pseudo-terminal.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use cellscan_tests::support::wait::look_for;
use cellscan_tests::support::{Bench, StandIn, Workbench, binaries, processes, quick_modem, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use super::compile::{Library, Program};
use super::{SCAN, SOON, root};

/// A bench with the service up, and the process that holds the port.
pub(super) fn bench(search_ms: u64) -> (Bench, u32) {
    let mut modem = quick_modem();
    modem.delays.search = search_ms;
    let bench = Workbench::new().modem(modem).pppd(StandIn { lock: true, ..StandIn::default() }).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    (bench, before)
}

/// The example, compiled.
#[track_caller]
pub(super) fn example(library: Library) -> Program {
    Program::new(&root().join("host/c/examples/gateway.c"), library)
}

/// Its command line on a bench, with a PATH that contains the program `cellscan` for its guard.
pub(super) fn on_bench(command: Command, bench: &Bench) -> Command {
    with_service(command, bench, bench.service())
}

/// The same command with another service.
pub(super) fn with_service(mut command: Command, bench: &Bench, service: &Path) -> Command {
    command.arg(bench.port()).arg(service).arg(bench.locks());
    let cellscan = PathBuf::from(binaries::cellscan().get_program());
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = cellscan.parent().map(PathBuf::from).into_iter().chain(env::split_paths(&path));
    command.env("PATH", env::join_paths(dirs).expect("directories"));
    bench.mark(&mut command);
    command
}

/// The same command by a caller that left this file open for it, as descriptor 9.
pub(super) fn with_file(command: &Command, file: &Path) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", r#"exec 9<>"$0"; exec "$@""#])
        .arg(file)
        .arg(command.get_program())
        .args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// Checks that a process has neither that file of the application nor its blocked signals.
#[track_caller]
pub(super) fn must_be_apart(pid: u32, file: &Path) {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten();
    let open: Vec<PathBuf> = entries.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect();
    assert!(!open.contains(&file.canonicalize().expect("it is there")), "{open:?}");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t"));
    assert_eq!(blocked, Some("0000000000000000"));
}

/// The running application.
pub(super) struct App {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

/// The result of the application.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) lines: Vec<String>,
    pub(super) errors: String,
}

impl App {
    /// Starts it, and reads its output.
    #[track_caller]
    pub(super) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let stdout = child.stdout.take().expect("a pipe");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                into.lock().expect("no other thread has panicked").push(line);
            }
        });
        let app = Self { child, lines, reader };
        app.wait_for("waiting");
        app
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no other thread has panicked").clone()
    }

    /// Waits for a line that begins with `wanted`.
    #[track_caller]
    pub(super) fn wait_for(&self, wanted: &str) {
        wait_until(SCAN, wanted, || self.lines().iter().any(|line| line.starts_with(wanted)));
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its guard.
    #[track_caller]
    pub(super) fn guard(&self) -> u32 {
        let look = || processes::children_with(self.pid(), "guard").first().copied();
        cellscan_tests::support::wait_for(SOON, "it has a guard", look)
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is our child");
    }

    /// Waits for its end.
    #[track_caller]
    pub(super) fn end(mut self) -> Ended {
        let code =
            cellscan_tests::support::wait_for(SCAN, "it ends", || self.child.try_wait().ok().flatten())
                .code();
        // A guard has neither of the application's pipes, so both end with the application.
        let ended = look_for(SOON, || self.reader.is_finished().then_some(()));
        assert!(ended.is_some(), "another process has its standard output");
        let mut errors = String::new();
        self.child.stderr.take().expect("a pipe").read_to_string(&mut errors).expect("UTF-8");
        let lines = self.lines();
        Ended { code, lines, errors }
    }
}

/// The service is wanted up and runs, the modem is registered, and no lease and no guard is left.
#[track_caller]
pub(super) fn must_be_up_again(bench: &Bench, before: u32) {
    let after = bench.wait_for_holder(SOON, Some(before));
    bench
        .wait_until(SOON, "wanted up, and running", || bench.status().is_up() && bench.status().pid == after);
    bench.wait_until(SOON, "the modem is registered", || {
        bench.modem().with(|modem, _now| modem.registered().is_some())
    });
    bench.wait_until(SOON, "no lease is left", || leases(bench) == 0);
    bench.wait_until(SOON, "no guard is left", || {
        !bench.processes().iter().any(|pid| processes::argument(*pid, 1).as_deref() == Some("guard"))
    });
}

/// Leases on disk.
pub(super) fn leases(bench: &Bench) -> usize {
    let entries = std::fs::read_dir(bench.locks()).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("lease-")).count()
}
