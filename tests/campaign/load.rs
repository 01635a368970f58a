//! Scans on a busy machine: beside busy loops on every core and a disk writer, with `runsv` or the scan stopped and continued at
//! random instants, or with delays in their system calls (`strace --inject`); every third is killed. After each the service is wanted
//! up and runs, and no scan has reported a request of another process, since there was none.
//!
//! Longer, with this many busy loops:
//! `CELLSCAN_LOAD=3000 CELLSCAN_LOOPS=14 cargo test --release -p cellscan-tests --test campaign load -- --nocapture`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::Child;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Instant;

use cellscan::recording::words;
use cellscan_core::scan::Event;
use cellscan_sim::prng::Prng;
use cellscan_tests::support::{Want, processes, wait_until};
use rustix::process::Signal;
use tempfile::TempDir;

use super::*;

/// Scans of a run of the default length.
const SCANS: usize = 48;
/// The load may stop a scan for a long time, and the scan may have to wait for its time-outs.
const END: Duration = Duration::from_secs(400);
/// The data of the disk writer.
const FILE_LEN: usize = 1 << 20;

/// System calls of the scan with a delay, one of these in each scan.
const CALLS_OF_SCAN: [&str; 6] =
    ["read", "ppoll,poll", "openat", "write", "statx,newfstatat,fstat", "clone3,vfork,clone"];
/// System calls of `runsv` with a delay: those around its record, its FIFO and its child.
const CALLS_OF_RUNSV: &str = "rename,read,write,open,openat,poll,wait4,unlink";

/// Busy loops and a disk writer, until this is dropped.
struct Load {
    loops: Vec<Child>,
    over: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
    _disk: TempDir,
}

impl Load {
    fn begin() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let count = number_in("CELLSCAN_LOOPS", 2 * cores).max(cores);
        let busy = |_| {
            let mut command = Command::new("setpriv");
            // Ends with the thread that starts it, also where the test is killed.
            command.args(["--pdeathsig", "KILL", "sh", "-c", "while :; do :; done"]);
            command.stdin(Stdio::null()).spawn().expect("setpriv starts (util-linux)")
        };
        let disk = tempfile::tempdir().expect("a directory");
        let over = Arc::new(AtomicBool::new(false));
        let (file, until) = (disk.path().join("written"), Arc::clone(&over));
        let writer = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                // A full disk is a load as well.
                let _written = write_through(&file);
            }
        });
        Self { loops: (0..count).map(busy).collect(), over, writer: Some(writer), _disk: disk }
    }
}

fn write_through(file: &Path) -> io::Result<()> {
    let mut file = File::create(file)?;
    for _ in 0..FILE_LEN / 4_096 {
        file.write_all(&[0x5a; 4_096])?;
    }
    file.sync_all()
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.loops {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.over.store(true, Ordering::Relaxed);
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// A stopped process; it continues when this is dropped.
struct Stopped(u32);

impl Stopped {
    fn new(pid: u32) -> Self {
        // A process that has ended meanwhile cannot be stopped.
        let _ended = processes::signal(pid, Signal::STOP);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ended = processes::signal(self.0, Signal::CONT);
    }
}

/// The disturbance of a scan or its supervisor.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Kind {
    /// Only the load.
    Load,
    /// `runsv` is stopped and continued.
    RunsvStops,
    /// The scan is stopped and continued.
    ScanStops,
    /// System calls of the scan are delayed.
    ScanDelayed,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Load, Self::RunsvStops, Self::ScanStops, Self::ScanDelayed];
}

/// A bench whose `runsv` is undisturbed, or delayed in each seventh of its system calls.
fn bench_of(worker: usize) -> Bench {
    if worker.is_multiple_of(2) {
        return up();
    }
    let delay_us = [20_000, 90_000, 300_000, 600_000][worker / 2 % 4];
    let inject = format!("inject={CALLS_OF_RUNSV}:delay_enter={delay_us}:when=5+7");
    // With -D runsv has the pid of the started process, and not strace.
    up_under(&["strace", "-D", "-o", "/dev/null", "-e", &inject, "runsv"])
}

/// A scan with delays in its system calls, or without.
fn command(bench: &Bench, kind: Kind, dice: &mut Prng) -> Command {
    if kind != Kind::ScanDelayed {
        return bench.cellscan();
    }
    let nth = usize::try_from(dice.below(CALLS_OF_SCAN.len() as u64)).unwrap_or_default();
    // Longer delays are rarer: a scan makes a thousand calls that look for the holder of the port.
    let (delay_us, first) = (dice.range(5_000, 700_000), dice.range(1, 60));
    let step = delay_us / 4_000 + dice.range(10, 60);
    let inject = format!("inject={}:delay_exit={delay_us}:when={first}+{step}", CALLS_OF_SCAN[nth]);
    let mut strace = traced(bench);
    strace.args(["-D", "-o", "/dev/null", "-e", &inject]);
    with_program(strace, bench)
}

/// The result of one scan.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum End {
    Killed,
    Exit(Option<i32>),
}

fn scan(bench: &Bench, number: usize) -> (Kind, End) {
    let dice = &mut Prng::new(number as u64);
    let kind = Kind::ALL[number % Kind::ALL.len()];
    let kill_after = number.is_multiple_of(3).then(|| Duration::from_millis(dice.below(4_000)));
    wait_until_settled(bench);
    let recording = bench.root().join(format!("scan-{number}.atlog"));
    let mut command = scan_on(command(bench, kind, dice), bench);
    let mut scan =
        command.arg("--record").arg(&recording).spawn().expect("strace starts: apt-get install strace");
    let begin = Instant::now();
    let victim = match kind {
        Kind::Load | Kind::ScanDelayed => None,
        Kind::RunsvStops => bench.runsv_pid(),
        Kind::ScanStops => Some(scan.id()),
    };
    let mut killed = false;
    let mut ended = false;
    while !ended && begin.elapsed() < END {
        // The sleeps set the instants of the disturbance; they wait for no condition.
        std::thread::sleep(Duration::from_millis(dice.range(20, 400)));
        if let Some(pid) = victim {
            let _stopped = Stopped::new(pid);
            std::thread::sleep(Duration::from_millis(dice.range(50, 700)));
        }
        ended = scan.try_wait().expect("it is our child").is_some();
        if !ended && !killed && kill_after.is_some_and(|after| begin.elapsed() >= after) {
            scan.kill().expect("it is our child");
            killed = true;
        }
    }
    wait_until(SOON, "the scan ends", || scan.try_wait().is_ok_and(|status| status.is_some()));
    let code = scan.wait().expect("it has ended").code();
    let told = fs::read_to_string(&recording).unwrap_or_default();
    for alarm in [Event::ForeignDown, Event::Interrupted { supervised: true, left: 0 }] {
        // Without the number of remaining interruptions.
        let words = words::event(&alarm);
        let words = words.trim_end_matches(" 0");
        assert!(
            !told.contains(words),
            "{kind:?} {number}, {words}: no other process did anything\n{told}\n{}",
            bench.story()
        );
    }
    bench.wait_until(SOON, "wanted up", || bench.status().want == Want::Up);
    wait_until_well(bench);
    (kind, if killed { End::Killed } else { End::Exit(code) })
}

#[test]
fn under_load_no_service_is_left_down_and_no_false_foreign_down_is_reported() {
    let _alone = LOADED.write().unwrap_or_else(PoisonError::into_inner);
    let count = number_in("CELLSCAN_LOAD", SCANS);
    // Builds the program before the load begins.
    drop(up().cellscan());
    let load = Load::begin();
    println!("beside {} busy loops and a disk writer", load.loops.len());
    let ends = over_benches(count, bench_of, |_bench| (), |bench, (), number| scan(bench, number));
    drop(load);
    let mut tally: BTreeMap<(Kind, End), usize> = BTreeMap::new();
    for end in ends {
        *tally.entry(end).or_default() += 1;
    }
    println!("{count} scans on a busy machine: {tally:?}; no service was left down, no false alarm");
    let complete: usize =
        tally.iter().filter(|((_, end), _)| *end == End::Exit(Some(0))).map(|(_, n)| n).sum();
    assert!(complete * 3 >= count, "most of those that were not killed must be complete: {tally:?}");
}
