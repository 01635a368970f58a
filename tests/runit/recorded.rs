//! Recordings made on the real `runsv`, and a recording of another program's dialogue.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use cellscan::replay::rerun::Recording;
use cellscan_tests::support::{RunScript, StandIn, Workbench, processes};
use rustix::process::Signal;

use super::SOON;
use super::by_hand::ByHand;
use super::custody::kill_with_its_guard;
use super::running::{Running, quick_modem, scan};

/// Replays a recording: the machine reports the same events, to the end. Returns the recording.
#[track_caller]
pub(super) fn must_be_decided_alike(path: &Path) -> String {
    let text = text(path);
    let recording = Recording::read(File::open(path).expect("it was recorded")).expect("it can be read");
    assert!(recording.malformed.is_empty() && recording.has_scan(), "{:?}\n{text}", recording.malformed);
    let replayed = recording.replay();
    if let Some(difference) = replayed.difference {
        panic!("{difference}\n{text}");
    }
    assert!(replayed.told.iter().any(|(_, words)| words == "finished complete"), "{:#?}", replayed.told);
    assert_eq!(replayed.compared, replayed.told.len(), "every event was compared");
    text
}

#[test]
fn a_scan_recorded_on_the_real_runsv_replays_identically() {
    for (run, backend) in [(RunScript::Exec, "native"), (RunScript::Shell, "native"), (RunScript::Exec, "sv")]
    {
        let pppd = StandIn { lock: true, dies_after_ms: 150, ..StandIn::default() };
        let bench = Workbench::new().modem(quick_modem()).run(run).pppd(pppd).start();
        let _pppd = bench.wait_for_holder(SOON, None);
        let path = bench.root().join("scan.atlog");
        let mut command = scan(&bench);
        command.args(["--backend", backend]).arg("--record").arg(&path);
        Running::start(command).end().must_be_complete(&bench);
        must_be_decided_alike(&path);
    }
}

#[test]
fn a_scan_without_a_supervisor_replays_identically() {
    let by_hand = ByHand::start(Workbench::new().modem(quick_modem()));
    let path = by_hand.bench.root().join("scan.atlog");
    let mut command = by_hand.scan();
    command.arg("--record").arg(&path);
    Running::start(command).end().must_be_complete(&by_hand.bench);
    must_be_decided_alike(&path);
    let before = by_hand.first;
    by_hand.must_be_started_again(before);
}

#[test]
fn a_scan_that_takes_over_from_a_dead_one_replays_identically() {
    let mut modem = quick_modem();
    modem.delays.search = 2_000;
    let bench = Workbench::new().modem(modem).start();
    let _pppd = bench.wait_for_holder(SOON, None);
    let first = Running::start(scan(&bench));
    first.wait_for_state(&bench, "4");
    kill_with_its_guard(&bench, &first);
    drop(first);
    let path = bench.root().join("scan.atlog");
    let mut command = scan(&bench);
    command.arg("--record").arg(&path);
    Running::start(command).end().must_be_complete(&bench);
    let text = must_be_decided_alike(&path);
    assert!(text.contains(" sv noted "), "the selection that the first scan had recorded: {text}");
}

#[test]
fn a_killed_scan_leaves_a_recording_up_to_its_last_line() {
    let mut modem = quick_modem();
    modem.delays.search = 60_000;
    let bench = Workbench::new().modem(modem).start();
    let _pppd = bench.wait_for_holder(SOON, None);
    let path = bench.root().join("scan.atlog");
    let mut command = scan(&bench);
    command.arg("--record").arg(&path);
    let scan = Running::start(command);
    scan.wait_for_state(&bench, "3");
    bench.wait_until(SOON, "the search is in the recording", || text(&path).contains(" state 4 "));
    scan.signal(Signal::KILL);
    let _killed = scan.end();
    let recording = Recording::read(File::open(&path).expect("it was recorded")).expect("it can be read");
    assert!(recording.malformed.len() <= 1, "{:?}\n{}", recording.malformed, text(&path));
    let replayed = recording.replay();
    let told = replayed.told.iter().any(|(_, words)| words.starts_with("state 4"));
    assert!(told, "{:?}\n{}", replayed.difference, text(&path));
}

#[test]
fn another_programs_dialogue_is_recorded_without_its_identities() {
    let bench = Workbench::new().modem(quick_modem()).down().start();
    let (path, link) = (bench.root().join("other.atlog"), bench.root().join("other-port"));
    let mut command = bench.cellscan();
    command.arg("record").arg("--port").arg(bench.port()).arg("--file").arg(&path).arg("--link").arg(&link);
    command.arg("--lock-dir").arg(bench.locks()).stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    bench.wait_until(SOON, "the link is there", || link.exists());

    let mut port = File::options().read(true).write(true).open(&link).expect("the pseudo-terminal");
    port.write_all(b"ATE0\r").expect("it is taken");
    port.write_all(b"AT+CGSN\r").expect("it is taken");
    let mut heard = Vec::new();
    let mut piece = [0; 256];
    while !String::from_utf8_lossy(&heard).contains("358088000000000") {
        let count = port.read(&mut piece).expect("the modem answers");
        heard.extend_from_slice(&piece[..count]);
    }
    bench.wait_until(SOON, "the answer is in the recording", || text(&path).contains("300000000000000"));
    assert!(processes::signal(child.id(), Signal::TERM), "it runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let text = text(&path);
    assert!(text.contains("AT+CGSN\\r") && !text.contains("358088000000000"), "{text}");
    assert!(!link.exists(), "the link goes with the program");
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
