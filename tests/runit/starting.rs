//! What a scan is started with: signals ignored, signals blocked, a limit on the size of files.

use std::fs;
use std::process::Command;

use cellscan_tests::support::{Bench, StandIn, Workbench, processes, wait_for};
use rustix::process::Signal;

use super::SOON;
use super::by_hand::ByHand;
use super::ends::must_be_up_again;
use super::running::{Running, quick_modem, scan};

/// Less than a lease takes, and more than a lock.
const SMALL: &str = "--fsize=256";
/// Less than a recording takes, and more than its header.
const LARGER: u64 = 4_096;

/// A program that is started by another with these words before it, in the same process.
fn under(words: &[&str], command: &Command) -> Command {
    let (program, arguments) = words.split_first().expect("a program");
    let mut outer = Command::new(program);
    outer.args(arguments).arg(command.get_program()).args(command.get_args());
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

/// A bench whose modem searches for a while, and the process that has its port.
fn bench() -> (Bench, u32) {
    let mut modem = quick_modem();
    modem.delays.search = 2_000;
    let bench = Workbench::new().modem(modem).pppd(StandIn { lock: true, ..StandIn::default() }).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up() && bench.status().pid == before);
    (bench, before)
}

/// A set of signals of a process, as its bits.
fn signals(pid: u32, set: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let mask = status.lines().find_map(|line| line.strip_prefix(set)).expect("a set of signals");
    u64::from_str_radix(mask.trim(), 16).expect("hex digits")
}

const fn bit(signal: Signal) -> u64 {
    1 << (signal.as_raw() - 1)
}

#[test]
fn a_scan_under_nohup_goes_on_when_the_login_ends() {
    let (bench, before) = bench();
    let scan = Running::start(under(&["env", "--ignore-signal=HUP"], &scan(&bench)));
    scan.wait_for_state(&bench, "3");
    assert_ne!(signals(scan.pid(), "SigIgn:") & bit(Signal::HUP), 0);
    scan.signal(Signal::HUP);
    let ended = scan.end();
    assert!(!ended.lines.iter().any(|line| line.contains("SIGHUP")), "{:#?}", ended.lines);
    ended.must_be_complete(&bench);
    must_be_up_again(&bench, before);
}

#[test]
fn a_scan_ends_in_good_order_when_the_login_ends_that_started_it_in_the_foreground() {
    let (bench, before) = bench();
    let scan = Running::start(under(&["env", "--default-signal=HUP"], &scan(&bench)));
    scan.wait_for_state(&bench, "3");
    scan.signal(Signal::HUP);
    let ended = scan.end();
    assert!(ended.lines.iter().any(|line| line.contains("SIGHUP: the scan ends")), "{:#?}", ended.lines);
    assert_eq!((ended.code, &ended.json["given_back"]), (Some(1), &true.into()));
    must_be_up_again(&bench, before);
}

#[test]
fn signals_that_were_blocked_when_it_was_started_end_a_scan() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (bench, before) = bench();
        let words = ["env", "--default-signal=HUP", "--block-signal=INT,TERM,HUP"];
        let scan = Running::start(under(&words, &scan(&bench)));
        scan.wait_for_state(&bench, "3");
        scan.signal(signal);
        let ended = scan.end();
        assert!(
            ended.lines.iter().any(|line| line.contains(": the scan ends")),
            "{signal:?}: {:#?}",
            ended.lines
        );
        assert_eq!((ended.code, &ended.json["given_back"]), (Some(1), &true.into()), "{signal:?}");
        must_be_up_again(&bench, before);
    }
}

#[test]
fn a_pppd_that_is_started_again_has_no_blocked_signals_and_no_ignored_ones_of_the_scans_making() {
    for killed in [false, true] {
        let by_hand = ByHand::start(Workbench::new().modem(quick_modem()));
        let first = by_hand.first;
        let words = ["env", "--default-signal", "--block-signal=INT,TERM,HUP"];
        let scan = Running::start(under(&words, &by_hand.scan()));
        if killed {
            // By its guard then.
            scan.wait_for_state(&by_hand.bench, "3");
            scan.signal(Signal::KILL);
        } else {
            scan.end().must_be_complete(&by_hand.bench);
        }
        let second = wait_for(SOON, "another has the port", || {
            let other = by_hand.bench.holders().into_iter().find(|pid| *pid != first);
            other.filter(|pid| processes::comm(*pid).as_deref() == Some("pppd"))
        });
        assert_eq!(signals(second, "SigBlk:"), 0, "killed: {killed}");
        let ours = [Signal::HUP, Signal::INT, Signal::TERM, Signal::XFSZ].map(bit).into_iter().sum::<u64>();
        assert_eq!(signals(second, "SigIgn:") & ours, 0, "killed: {killed}");
        by_hand.must_be_started_again(first);
    }
}

#[test]
fn a_lease_above_the_limit_on_the_size_of_files_is_warned_of_and_the_scan_goes_on() {
    let (bench, before) = bench();
    let ended = Running::start(under(&["prlimit", SMALL], &scan(&bench))).end();
    let is_it = |line: &String| line.contains("there is no lease on disk") && line.contains("File too large");
    assert!(ended.lines.iter().any(is_it), "{:#?}", ended.lines);
    ended.must_be_complete(&bench);
    must_be_up_again(&bench, before);
}

#[test]
fn a_recording_that_reaches_the_limit_on_the_size_of_files_is_warned_of_and_the_scan_goes_on() {
    let (bench, before) = bench();
    let path = bench.root().join("scan.atlog");
    let mut command = scan(&bench);
    command.arg("--record").arg(&path);
    let ended = Running::start(under(&["prlimit", &format!("--fsize={LARGER}")], &command)).end();
    assert!(ended.lines.iter().any(|line| line.contains("File too large")), "{:#?}", ended.lines);
    ended.must_be_complete(&bench);
    assert!(fs::metadata(&path).expect("it was begun").len() <= LARGER);
    must_be_up_again(&bench, before);
}

#[test]
fn under_a_limit_on_the_size_of_files_the_guard_gives_back() {
    let (bench, before) = bench();
    let scan = Running::start(under(&["prlimit", SMALL], &scan(&bench)));
    scan.wait_for_state(&bench, "3");
    scan.signal(Signal::KILL);
    must_be_up_again(&bench, before);
}
