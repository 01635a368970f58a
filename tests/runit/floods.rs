//! A modem that writes without end, as fast as the line takes it: memory stays what it was, a TERM is obeyed, the service comes back,
//! and the recording has a limit. One test for each kind of flood; each prints its figures.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cellscan_tests::support::flood::{Flood, FloodingModem};
use cellscan_tests::support::wait::look_for;
use cellscan_tests::support::{Bench, StandIn, Workbench, processes};
use rustix::process::Signal;

use super::SOON;
use super::ends::must_be_up_again;
use super::lease::guard_of;
use super::running::{Running, on_bench, quick_modem};

/// What is written before the scan is told to end: many times what the kernel and the scan may keep of it.
const FLOOD_LEN: u64 = 2 << 20;
/// How long that may take on a busy machine: a pseudo-terminal holds 4 KiB, and each of them waits for two turns of a core.
const FLOODED: Duration = Duration::from_secs(300);
/// The most memory that a scan may ever have had. The program itself, built without optimisation, has some 12 MiB of it, and 100 MB
/// are written in twenty seconds.
const PEAK_KIB_MAX: u64 = 32 << 10;
/// A recording, at most: its limit, and what is held for the line that comes in.
const RECORDING_LEN_MAX: u64 = (1 << 20) + (64 << 10);

/// The most memory that a process has had, in KiB; `None`: it is gone.
fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A flood uses a core, and what reads it another.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static FLOODS: Mutex<()> = Mutex::new(());
    FLOODS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A scan that talks to this modem, on a service whose `pppd` has another port.
fn flooded(modem: &FloodingModem, recording: &Path) -> (Bench, u32, Running) {
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(quick_modem()).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let mut command = bench.cellscan();
    command.arg("scan").arg("--service").arg(bench.service()).args(["--link", "none"]);
    command.arg("--port").arg(modem.path()).arg("--ppp-port").arg(bench.port());
    command.arg("--record").arg(recording);
    let scan = Running::start(on_bench(command, &bench));
    let flooded = look_for(FLOODED, || (modem.written() >= FLOOD_LEN).then_some(()));
    let story = || format!("{} bytes: {:#?}\n{}", modem.written(), scan.lines(), bench.story());
    assert!(flooded.is_some() && processes::is_alive(scan.pid()), "{}", story());
    (bench, before, scan)
}

/// What a scan did beside a flood of this kind, from TERM to its end.
#[derive(Debug)]
struct Figures {
    kind: Flood,
    written_kib: u64,
    peak_kib: u64,
    recorded: u64,
    obeyed: Duration,
}

impl Figures {
    /// Floods a scan, tells it to end, and sees that it gives back.
    #[track_caller]
    fn of(kind: Flood) -> Self {
        let _alone = one_at_a_time();
        let modem = FloodingModem::start(kind);
        let root = tempfile::tempdir().expect("a directory");
        let recording = root.path().join("scan.atlog");
        let (bench, before, scan) = flooded(&modem, &recording);
        let mut peak = peak_kib(scan.pid()).expect("it runs");
        let told = Instant::now();
        scan.signal(Signal::TERM);
        bench.wait_until(super::SCAN, "it has obeyed", || {
            let now = peak_kib(scan.pid());
            peak = peak.max(now.unwrap_or_default());
            now.is_none()
        });
        let obeyed = told.elapsed();
        let ended = scan.end();
        assert_eq!((ended.code, &ended.json["reason"]), (Some(1), &"aborted".into()), "{:#?}", ended.lines);
        assert_eq!(ended.json["given_back"], true, "{:#?}", ended.lines);
        must_be_up_again(&bench, before);
        let recorded = fs::metadata(&recording).expect("it was recorded").len();
        Self { kind, written_kib: modem.written() >> 10, peak_kib: peak, recorded, obeyed }
    }

    #[track_caller]
    fn must_be_bounded(&self) {
        assert!(self.peak_kib <= PEAK_KIB_MAX, "{self}");
        assert!(self.recorded <= RECORDING_LEN_MAX, "{self}");
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, written_kib, peak_kib, recorded, obeyed } = self;
        write!(
            f,
            "{kind:?}: {written_kib} KiB written, peak memory {peak_kib} KiB, recording {recorded} bytes, TERM obeyed in {obeyed:.1?}"
        )
    }
}

#[test]
fn bytes_without_a_newline() {
    let figures = Figures::of(Flood::NoNewline);
    println!("{figures}");
    figures.must_be_bounded();
}

#[test]
fn unsolicited_lines_without_end() {
    let figures = Figures::of(Flood::Unsolicited);
    println!("{figures}");
    figures.must_be_bounded();
}

#[test]
fn a_list_without_end() {
    let figures = Figures::of(Flood::EndlessList);
    println!("{figures}");
    figures.must_be_bounded();
}

#[test]
fn an_echo_storm() {
    let figures = Figures::of(Flood::EchoStorm);
    println!("{figures}");
    figures.must_be_bounded();
}

#[test]
fn random_bytes() {
    let figures = Figures::of(Flood::Binary);
    println!("{figures}");
    figures.must_be_bounded();
}

#[test]
fn the_guard_of_a_killed_scan_gives_back_beside_a_flood() {
    let _alone = one_at_a_time();
    let modem = FloodingModem::start(Flood::Unsolicited);
    let root = tempfile::tempdir().expect("a directory");
    let (bench, before, scan) = flooded(&modem, &root.path().join("scan.atlog"));
    let guard = guard_of(&bench, scan.pid());
    scan.signal(Signal::KILL);
    let killed = Instant::now();
    let mut peak = 0;
    let up = || {
        peak = peak.max(peak_kib(guard).unwrap_or_default());
        bench.status().is_up() && bench.status().pid != before
    };
    bench.wait_until(super::SCAN, "up again", up);
    println!("guard: up again after {:.1?}, peak memory {peak} KiB", killed.elapsed());
    bench.wait_until(super::SCAN, "the guard ends", || !processes::is_alive(guard));
    assert!(peak <= PEAK_KIB_MAX, "{peak} KiB");
}

#[test]
fn a_recording_of_another_program_beside_a_flood_ends_when_it_is_told_to() {
    let _alone = one_at_a_time();
    let modem = FloodingModem::start(Flood::Unsolicited);
    let bench = Workbench::new().modem(quick_modem()).down().start();
    let (path, link) = (bench.root().join("other.atlog"), bench.root().join("other-port"));
    let mut command = bench.cellscan();
    command.arg("record").arg("--port").arg(modem.path()).arg("--file").arg(&path).arg("--link").arg(&link);
    command.arg("--lock-dir").arg(bench.locks()).stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    bench.wait_until(SOON, "the link is there", || link.exists());
    let mut port = File::options().read(true).write(true).open(&link).expect("the pseudo-terminal");
    port.write_all(b"AT+COPS=?\r").expect("it is taken");
    bench.wait_until(FLOODED, "so much was written", || modem.written() >= FLOOD_LEN);
    let peak = peak_kib(child.id()).expect("it runs");
    let told = Instant::now();
    assert!(processes::signal(child.id(), Signal::TERM), "it runs");
    bench.wait_until(super::SCAN, "it ends", || child.try_wait().is_ok_and(|status| status.is_some()));
    let (obeyed, recorded) = (told.elapsed(), fs::metadata(&path).expect("it was recorded").len());
    println!("record: peak memory {peak} KiB, recording {recorded} bytes, TERM obeyed in {obeyed:.1?}");
    assert_eq!(child.wait().expect("it has ended").code(), Some(0));
    assert!(peak <= PEAK_KIB_MAX, "{peak} KiB");
    assert!(recorded <= RECORDING_LEN_MAX, "a recording of {recorded} bytes");
}
