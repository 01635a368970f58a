//! A supervision scenario: service, stimuli and duration as data, and the observed behaviour of `runsv` as data.

use std::collections::BTreeMap;

use cellscan_core::supervisor::ServiceState;
use cellscan_core::time::Instant;
use core::time::Duration;

use crate::machine::directory::{LogFiles, ServiceFiles};
use crate::machine::kernel::{Kernel, RUNSV_STARTS};
use crate::machine::program::{File, Program};
use crate::machine::runsv::{REWRITE, Rule};
use crate::machine::sv::SvCommand;
use crate::signal::Signal;
use crate::trace::{Actor, Ending, Pid, StatusRecord, TraceEvent};

/// The begin of a scenario's virtual time; far enough from the origin for times counted back from it.
const BEGIN: Instant = Instant::from_millis(10_000);

/// The wall clock at the first record: a whole second.
const WALL_ZERO_MS: i64 = 1_000_000;

/// A service, the stimuli, and the duration of the observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The service directory.
    pub service: ServiceFiles,
    /// The variant of `runsv` and `sv`.
    pub rule: Rule,
    /// The milliseconds of the wall-clock second in which `runsv` becomes ready; only busybox cares.
    pub phase_ms: u16,
    /// The stimuli, in order; times are ms from the first status record.
    pub stimuli: Vec<(u64, Stimulus)>,
    /// The end of the observation, in ms from the first status record.
    pub duration_ms: u64,
}

/// A stimulus for a service or its `runsv`.
#[derive(Clone, Debug, PartialEq)]
pub enum Stimulus {
    /// Bytes into `supervise/control`, or into that of the log.
    Control {
        /// Whether it is the log's.
        log: bool,
        /// The bytes, written at once.
        bytes: Vec<u8>,
    },
    /// A signal.
    Kill(Target, Signal),
    /// `sv` commands, each begun when the one before has ended.
    Sv(Vec<SvCommand>),
    /// Creates an empty file, not executable where it is new.
    Touch(String),
    /// Removes a file.
    Remove(String),
    /// Writes an executable script.
    Write(String, File),
    /// Moves the directory away and copies it back, without `control` where the flag is set.
    RecreateDirectory(bool),
    /// Replaces `supervise/control` by a FIFO without a reader.
    ReplaceFifo,
    /// Starts another `runsv` in the directory.
    StartRunsv,
    /// Sets the wall clock forward or, negative, back by this many ms.
    ClockStep(i64),
    /// Only an observation.
    Poll,
}

/// To which process a signal goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// The `runsv` that was started last.
    Runsv,
    /// The pid in the status record.
    Current,
    /// The n-th process, from 1, that has reached its first line under this tag.
    Program(String, usize),
}

/// The observed behaviour. Times are ms from the first status record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Every rewrite of `supervise/status`, also those that change nothing.
    pub status: Vec<SeenStatus>,
    /// The same of `log/supervise/status`.
    pub log_status: Vec<SeenStatus>,
    /// Every signal that `runsv` sent, and the name of its target.
    pub signals: Vec<(i64, Signal, String)>,
    /// When `runsv` slept, and for how many ms.
    pub sleeps: Vec<(i64, u64)>,
    /// How `runsv` ended, if it did.
    pub exit: Option<(i64, Ending)>,
    /// The exit codes of the `sv` commands that have ended, by stimulus.
    pub sv_codes: Vec<Vec<u8>>,
}

/// One rewrite of a status record.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenStatus {
    /// When, in ms.
    pub t_ms: i64,
    /// What it says.
    pub record: StatusRecord,
    /// The process in it: `R1`, `F1`, `L1` … in the order of their appearance.
    pub name: Option<String>,
    /// Its stamp, in ms of the wall clock as it was at the first record.
    pub since_ms: i64,
}

/// Runs a scenario in virtual time.
#[must_use]
pub fn run(scenario: &Scenario) -> Observed {
    let zero = BEGIN + REWRITE;
    let wall_zero_ms = WALL_ZERO_MS + i64::from(scenario.phase_ms);
    let mut kernel = Kernel { rule: scenario.rule, now: BEGIN, ..Kernel::default() };
    kernel.wall_offset_ms = wall_zero_ms - millis(zero);
    kernel.add_directory(scenario.service.clone());
    let mut runsvs = vec![kernel.start_runsv(Duration::ZERO)];
    for (at_ms, stimulus) in &scenario.stimuli {
        kernel.advance_to(zero + Duration::from_millis(*at_ms));
        apply(&mut kernel, &mut runsvs, stimulus);
    }
    kernel.advance_to(zero + Duration::from_millis(scenario.duration_ms));
    collect(&kernel, &runsvs, zero, wall_zero_ms)
}

fn millis(at: Instant) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

fn apply(kernel: &mut Kernel, runsvs: &mut Vec<Pid>, stimulus: &Stimulus) {
    match stimulus {
        Stimulus::Control { log, bytes } => {
            // The client of the scenario ignores a failed write.
            let _refused = kernel.write_control(Actor::Other, *log, bytes);
        }
        Stimulus::Kill(target, signal) => {
            let pid = match target {
                Target::Runsv => runsvs.last().copied(),
                Target::Current => kernel.status().and_then(|status| status.pid),
                Target::Program(tag, number) => kernel
                    .starts
                    .iter()
                    .filter(|(started, _)| started == tag)
                    .nth(number.saturating_sub(1))
                    .map(|(_, pid)| *pid),
            };
            if let Some(pid) = pid {
                kernel.kill(Actor::Other, pid, *signal);
            }
        }
        Stimulus::Sv(commands) => {
            kernel.start_sv(commands.clone());
        }
        Stimulus::Touch(path) => touch(kernel, path),
        Stimulus::Remove(path) => remove(kernel, path),
        Stimulus::Write(path, file) => write(kernel, path, file.clone()),
        Stimulus::RecreateDirectory(without_control) => kernel.recreate_directory(*without_control),
        Stimulus::ReplaceFifo => kernel.replace_fifo(),
        Stimulus::StartRunsv => runsvs.push(kernel.start_runsv(RUNSV_STARTS)),
        Stimulus::ClockStep(ms) => kernel.step_clock(*ms),
        Stimulus::Poll => {}
    }
}

/// The slot of an executable file, if its directory exists.
fn slot<'a>(files: &'a mut ServiceFiles, path: &str, act: impl FnOnce(&mut Option<File>) + 'a) {
    match path {
        "run" => act(&mut files.run),
        "finish" => act(&mut files.finish),
        "check" => act(&mut files.check),
        "log/run" => {
            if let Some(log) = &mut files.log {
                act(&mut log.run);
            }
        }
        _ => {
            if let Some(&[byte]) = path.strip_prefix("control/").map(str::as_bytes)
                && let Some(control) = &mut files.control
            {
                let mut file = control.remove(&byte);
                act(&mut file);
                control.extend(file.map(|file| (byte, file)));
            }
        }
    }
}

fn touch(kernel: &mut Kernel, path: &str) {
    let Some(files) = kernel.files_mut() else { return };
    match (path, &mut files.log) {
        ("down", _) => files.down = true,
        ("log/down", Some(log)) => log.down = true,
        _ => slot(files, path, |file| {
            let executable = file.as_ref().is_some_and(|file| file.executable);
            *file = Some(File { tag: path.to_owned(), programs: vec![Program::Unrunnable], executable });
        }),
    }
}

fn remove(kernel: &mut Kernel, path: &str) {
    let supervise = path.strip_prefix("log/").unwrap_or(path);
    if let Some(name) = supervise.strip_prefix("supervise/") {
        let log = supervise != path;
        if let Some(supervise) = kernel.supervise_mut(log) {
            match name {
                "control" => supervise.control = None,
                "ok" => supervise.ok = false,
                "status" => supervise.status = None,
                // A new file would be locked independently of the old one.
                "lock" => supervise.lock = None,
                _ => {}
            }
        }
        return;
    }
    let Some(files) = kernel.files_mut() else { return };
    match (path, &mut files.log) {
        ("down", _) => files.down = false,
        ("log/down", Some(log)) => log.down = false,
        _ => slot(files, path, |file| *file = None),
    }
}

fn write(kernel: &mut Kernel, path: &str, new: File) {
    let Some(files) = kernel.files_mut() else { return };
    slot(files, path, |file| {
        // The mode of an existing file is set as well.
        *file = Some(new);
    });
}

/// Gives the processes their names, `runsv` by `runsv`, as a reader of their traces would.
fn collect(kernel: &Kernel, runsvs: &[Pid], zero: Instant, wall_zero_ms: i64) -> Observed {
    let mut observed = Observed::default();
    let mut names: BTreeMap<Pid, String> = BTreeMap::new();
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    for own in runsvs {
        for traced in &kernel.trace {
            let t_ms = millis(traced.at) - millis(zero);
            match &traced.event {
                TraceEvent::Status { runsv, log, record } if runsv == own => {
                    let name = record.pid.map(|pid| {
                        let known = names.entry(pid).or_insert_with(|| {
                            let letter = match (log, record.state) {
                                (true, _) => 'L',
                                (false, ServiceState::Finish) => 'F',
                                (false, ServiceState::Down | ServiceState::Run) => 'R',
                            };
                            let count = counts.entry(letter).or_default();
                            *count += 1;
                            format!("{letter}{count}")
                        });
                        known.clone()
                    });
                    let since_ms = record.stamp_ms - wall_zero_ms;
                    let seen = SeenStatus { t_ms, record: *record, name, since_ms };
                    if *log { observed.log_status.push(seen) } else { observed.status.push(seen) }
                }
                TraceEvent::Signalled { by: Actor::Runsv(by), to, signal, .. } if by == own => {
                    let name = names.get(to).map_or("pid?", String::as_str);
                    observed.signals.push((t_ms, *signal, name.to_owned()));
                }
                TraceEvent::Slept { runsv, ms } if runsv == own => observed.sleeps.push((t_ms, *ms)),
                TraceEvent::Ended { pid, ending, .. } if pid == own => {
                    observed.exit = Some((t_ms, *ending));
                }
                TraceEvent::Status { .. }
                | TraceEvent::Signalled { .. }
                | TraceEvent::Slept { .. }
                | TraceEvent::Ended { .. }
                | TraceEvent::Started { .. }
                | TraceEvent::StatusLost { .. }
                | TraceEvent::Control { .. }
                | TraceEvent::PortOpened { .. }
                | TraceEvent::PortClosed { .. }
                | TraceEvent::Locked { .. }
                | TraceEvent::Link { .. }
                | TraceEvent::Lease { .. }
                | TraceEvent::ClockStepped { .. } => {}
            }
        }
    }
    observed.sv_codes = kernel.sv.iter().map(|client| client.codes.clone()).collect();
    observed
}

/// A log directory with that `run`.
impl From<Program> for LogFiles {
    fn from(program: Program) -> Self {
        Self { run: Some(File::new("log", program)), down: false }
    }
}
