//! A running `cellscan scan`, and the modem that it talks to.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use cellscan_tests::support::wait::look_for;
use cellscan_tests::support::{Bench, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use super::SCAN;

pub(super) use cellscan_tests::support::{quick_modem, run_dir};

/// The deadline for reading the output of a scan after its end.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A running program, with its output lines and its end.
pub(super) struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

/// The end of a program.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    /// The last object of standard output.
    pub(super) json: serde_json::Value,
    pub(super) lines: Vec<String>,
}

/// `scan` on the port and the service of a bench.
pub(super) fn scan(bench: &Bench) -> Command {
    let mut command = scan_waiting_for_link(bench);
    command.args(["--link", "none"]);
    command
}

/// The same, without an option for the link.
pub(super) fn scan_waiting_for_link(bench: &Bench) -> Command {
    let mut command = bench.cellscan();
    command.arg("scan").arg("--service").arg(bench.service()).arg("--port").arg(bench.port());
    on_bench(command, bench)
}

/// The options of every scan on a bench: no directories of this machine, and no wait for a signal that does not change.
pub(super) fn on_bench(mut command: Command, bench: &Bench) -> Command {
    command.arg("--lock-dir").arg(bench.locks()).arg("--state-dir").arg(bench.root().join("state"));
    command.arg("--run-dir").arg(run_dir(bench)).arg("--json").args(["--confirm", "1s"]);
    command
}

impl Running {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built cellscan starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let stderr = child.stderr.take().expect("a pipe");
        let into = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                into.lock().expect("no panic holds it").push(line);
            }
        });
        Self { child, lines, reader: Some(reader) }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic holds it").clone()
    }

    /// Waits for the line of a state.
    #[track_caller]
    pub(super) fn wait_for_state(&self, bench: &Bench, number: &str) {
        let wanted = format!("Cellular Scan - State {number}: ");
        bench.wait_until(SCAN, &wanted, || self.lines().iter().any(|line| line.starts_with(&wanted)));
    }

    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it is our child");
    }

    /// Waits for its end.
    #[track_caller]
    pub(super) fn end(mut self) -> Ended {
        wait_until(SCAN, "cellscan ends", || self.child.try_wait().is_ok_and(|status| status.is_some()));
        let code = self.child.wait().expect("it has ended").code();
        let mut out = String::new();
        self.child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("UTF-8");
        // A guard that outlives it keeps standard error open: the output until now is the scan's.
        let reader = self.reader.take().expect("it reads");
        if look_for(LAST_WORDS, || reader.is_finished().then_some(())).is_some() {
            reader.join().expect("it reads to the end");
        }
        let last = out.lines().last().unwrap_or("null");
        let json = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {out:?}"));
        Ended { code, json, lines: self.lines() }
    }
}

impl Ended {
    /// The states in the order of their lines, without direct repetitions.
    pub(super) fn states(&self) -> Vec<&str> {
        let numbers = self.lines.iter().filter_map(|line| {
            line.strip_prefix("Cellular Scan - State ").and_then(|rest| rest.split(':').next())
        });
        let mut states: Vec<&str> = numbers.collect();
        states.dedup();
        states
    }

    #[track_caller]
    pub(super) fn must_be_complete(&self, bench: &Bench) {
        // No link, where one was waited for, has an exit code of its own.
        let code = if self.json["link"] == false { 2 } else { 0 };
        assert_eq!(self.code, Some(code), "{:#?}\n{}", self.lines, bench.story());
        assert_eq!(self.json["outcome"], "complete", "{:#?}", self.lines);
        assert_eq!(self.json["selected"], "310410", "{:#?}", self.lines);
        assert_eq!(self.json["given_back"], true);
    }
}

/// The standard output of a program, as text.
pub(super) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
