//! The program under test, running.

use std::env;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cellscan_tests::support::clock::monotonic_ms;
use cellscan_tests::support::processes::{all, argument, comm, is_alive, signal};
use cellscan_tests::support::wait::look_for;
use rustix::process::Signal;
use serde_json::Value;

use crate::case::Case;

/// The variable with the path of the built `cellscan`.
pub(crate) const PROGRAM: &str = "REALPPP_CELLSCAN";
/// The deadline of a run: several times what a scan here takes.
const ENDS_WITHIN: Duration = Duration::from_secs(400);
/// How long output may follow the end: a guard has the same descriptors for a while.
const OUTPUT_WITHIN: Duration = Duration::from_secs(1);

type Lines = Arc<Mutex<Vec<(u64, String)>>>;

/// A run of the program, killed where this is dropped before its end.
#[derive(Debug)]
pub(crate) struct Program {
    words: Vec<String>,
    child: Child,
    pub(crate) began: Instant,
    said: Lines,
    printed: Lines,
    readers: Vec<JoinHandle<()>>,
    status: Option<ExitStatus>,
    pub(crate) ended: Instant,
}

impl Program {
    pub(crate) fn start(words: &[&str]) -> Self {
        let began = Instant::now();
        let mut child = Command::new(env::var_os(PROGRAM).expect("the host names the program"))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built cellscan starts");
        let (said, printed) = (Lines::default(), Lines::default());
        let err = child.stderr.take().map(|pipe| gather(pipe, Arc::clone(&said)));
        let out = child.stdout.take().map(|pipe| gather(pipe, Arc::clone(&printed)));
        let readers = err.into_iter().chain(out).collect();
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Self { words, child, began, said, printed, readers, status: None, ended: began }
    }

    /// The states that it has entered so far, by their numbers.
    fn states(&self) -> Vec<String> {
        let entered = self.objects("state").into_iter();
        entered.filter_map(|object| object["state"].as_str().map(str::to_owned)).collect()
    }

    /// The state that it entered last, empty before the first.
    pub(crate) fn state(&self) -> String {
        self.states().pop().unwrap_or_default()
    }

    /// Waits until it enters this state; false: it has ended before, or does not come to it.
    pub(crate) fn comes_to(&mut self, state: &str) -> bool {
        let entered = |scan: &Self| scan.states().iter().any(|entered| entered == state);
        let _ = look_for(ENDS_WITHIN, || (entered(self) || !self.is_running()).then_some(()));
        self.is_running()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The guards of all scans: there is one scan at a time.
    pub(crate) fn guards() -> Vec<u32> {
        let ours = |pid: &u32| is_alive(*pid) && comm(*pid).is_some_and(|name| name.starts_with("cellscan"));
        let guard = |pid: &u32| argument(*pid, 1).as_deref() == Some("guard");
        all().into_iter().filter(ours).filter(guard).collect()
    }

    /// Sends it a signal; false: it had ended.
    pub(crate) fn signal(&mut self, number: Signal) -> bool {
        self.is_running() && signal(self.child.id(), number)
    }

    /// Kills the guards, and the scan after them.
    pub(crate) fn kill_with_guards(&mut self) -> usize {
        let guards = Self::guards();
        let killed = guards.iter().filter(|guard| signal(**guard, Signal::KILL)).count();
        let _ = self.signal(Signal::KILL);
        killed
    }

    /// Waits for the end, and keeps what it said.
    #[track_caller]
    pub(crate) fn wait(&mut self, case: &mut Case, name: &str) -> &mut Self {
        self.status = look_for(ENDS_WITHIN, || self.child.try_wait().expect("it is our child"));
        self.ended = Instant::now();
        if self.status.is_none() {
            let _ = self.child.kill();
        }
        let _ = look_for(OUTPUT_WITHIN, || self.readers.iter().all(JoinHandle::is_finished).then_some(()));
        case.keep(name, &self.text());
        assert!(self.status.is_some(), "{:?} did not end within {ENDS_WITHIN:?}", self.words);
        self
    }

    /// Its exit code; `None`: a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.filter(|status| status.signal().is_none()).and_then(|status| status.code())
    }

    /// The objects of this kind that it printed.
    pub(crate) fn objects(&self, kind: &str) -> Vec<Value> {
        let parsed = lines(&self.printed)
            .into_iter()
            .filter_map(|(_, line)| serde_json::from_str::<Value>(&line).ok());
        parsed.filter(|object| object["kind"] == kind).collect()
    }

    /// The report of a scan; `null` where there is none.
    pub(crate) fn report(&self) -> Value {
        self.objects("scan").pop().unwrap_or_default()
    }

    /// A scan in one line: its report where it did not end as it should, else its outage.
    pub(crate) fn summary(&self) -> String {
        let report = self.report();
        let well = self.code() == Some(0) && report["outcome"] == "complete" && report["link"] == true;
        if well {
            return format!(
                "on {}, outage {} s, down after {} s",
                report["selected"], report["outage_s"], report["down_s"]
            );
        }
        format!("exit {:?}, {report}, {}", self.code(), self.last_words())
    }

    /// What it said last, for a message.
    pub(crate) fn last_words(&self) -> String {
        let said = lines(&self.said);
        let last = said.iter().skip(said.len().saturating_sub(3)).map(|(_, line)| line.as_str());
        last.collect::<Vec<_>>().join(" | ")
    }

    fn text(&self) -> String {
        let mut text = format!("cellscan {} ended with {:?}\n", self.words.join(" "), self.status);
        let mut all = [lines(&self.said), lines(&self.printed)].concat();
        all.sort();
        for (at, line) in all {
            let _ = writeln!(text, "{at} {line}");
        }
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail where it has ended, which does no harm.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A field of a report as a time.
pub(crate) fn seconds(report: &Value, key: &str) -> Duration {
    Duration::try_from_secs_f64(report[key].as_f64().unwrap_or(0.0)).unwrap_or_default()
}

fn gather(pipe: impl Read + Send + 'static, into: Lines) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            into.lock().unwrap_or_else(PoisonError::into_inner).push((monotonic_ms(), line));
        }
    })
}

fn lines(of: &Lines) -> Vec<(u64, String)> {
    of.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
