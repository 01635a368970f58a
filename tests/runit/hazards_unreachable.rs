//! Hazards of a `runsv` that runs and cannot be reached (frozen, replaced directory or FIFO), or cannot write its record. The
//! numbers continue those of `hazards.rs`.

use std::process::Command;

use cellscan_sim::modem::ModemEvent;
use cellscan_tests::support::{Bench, SmallDisk, StandIn, Want, Workbench, leases, processes, skipped};
use rustix::process::Signal;

use super::doctor::run;
use super::ends::must_be_up_again;
use super::running::{Ended, Running, quick_modem, run_dir, scan, text};
use super::{SCAN, SOON};

fn workbench() -> Workbench {
    let mut modem = quick_modem();
    modem.delays.search = 2_500;
    let pppd = StandIn { lock: true, dies_after_ms: 50, ..StandIn::default() };
    Workbench::new().modem(modem).pppd(pppd)
}

fn up(bench: Bench) -> (Bench, u32) {
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "the record names it", || bench.status().is_up() && bench.status().pid == before);
    (bench, before)
}

fn by(backend: &str, bench: &Bench) -> Running {
    let mut command = scan(bench);
    command.args(["--backend", backend]);
    Running::start(command)
}

fn runsv(bench: &Bench, signal: Signal) {
    assert!(processes::signal(bench.runsv_pid().expect("it runs"), signal));
}

#[track_caller]
fn must_have_failed(ended: &Ended, said: &str) {
    assert_eq!(ended.code, Some(111), "{:#?}", ended.lines);
    assert!(ended.lines.iter().any(|line| line.contains(said)), "{said}: {:#?}", ended.lines);
}

#[track_caller]
fn must_not_be_asked_a_word(bench: &Bench) {
    let asked = bench.modem().log().iter().any(|entry| matches!(entry.what, ModemEvent::Received(_)));
    assert!(!asked, "{}", bench.story());
}

#[track_caller]
fn restore(bench: &Bench) -> (Option<i32>, String) {
    let mut command = bench.cellscan();
    command.arg("restore").arg("--run-dir").arg(run_dir(bench)).args(["--timeout", "2s"]);
    let output = run(command);
    (output.status.code(), text(&output))
}

#[test]
fn hazard_13_a_scan_gives_up_a_frozen_runsv_which_finds_up_when_it_continues() {
    for backend in ["native", "sv"] {
        let (bench, before) = up(workbench().start());
        runsv(&bench, Signal::STOP);
        // It ends after the supervisor's 8 s and 10 s for giving back: `end` waits no longer than for a scan.
        let ended = by(backend, &bench).end();
        must_have_failed(&ended, "did not take note of what it was asked");
        assert_eq!(ended.json["reason"], "supervisor_silent", "{backend}");
        must_not_be_asked_a_word(&bench);
        assert!(processes::is_alive(before) && bench.holders() == [before], "nothing has happened yet");
        runsv(&bench, Signal::CONT);
        must_be_up_again(&bench, before);
    }
}

#[test]
fn hazard_13_a_runsv_that_freezes_during_the_scan_finds_up_when_it_continues() {
    for backend in ["native", "sv"] {
        let (bench, before) = up(workbench().start());
        let scan = by(backend, &bench);
        scan.wait_for_state(&bench, "3");
        runsv(&bench, Signal::STOP);
        until_not_given_back(&bench, &scan);
        runsv(&bench, Signal::CONT);
        let ended = scan.end();
        assert_eq!(ended.code, Some(111), "{backend}: {:#?}", ended.lines);
        assert_eq!(ended.json["given_back"], false, "{backend}: the scan has not seen it");
        let _after = bench.wait_for_holder(SOON, Some(before));
        bench.wait_until(SOON, "up", || bench.status().is_up());
        // `restore` goes by a lease that stayed, and finds nothing to do.
        assert_eq!(restore(&bench).0, Some(0), "{backend}");
        must_be_up_again(&bench, before);
    }
}

#[test]
fn hazard_14_a_directory_recreated_under_its_runsv_is_not_taken() {
    let elsewhere = tempfile::tempdir().expect("a directory");
    for backend in ["native", "sv"] {
        let (bench, before) = up(workbench().supervise(&elsewhere.path().join(backend)).start());
        bench.make_anew();
        let ended = by(backend, &bench).end();
        must_have_failed(&ended, "was replaced under its supervisor");
        must_not_be_asked_a_word(&bench);
        assert!(processes::is_alive(before), "{backend}: its pppd was left alone");
        let mut doctor = bench.cellscan();
        doctor.arg("doctor").arg("--service").arg(bench.service()).args(["--link", "none"]);
        doctor.arg("--run-dir").arg(run_dir(&bench));
        let said = text(&run(doctor));
        assert!(
            said.contains("error    supervision: runsv (") && said.contains("deleted or moved"),
            "{said}"
        );
    }
}

#[test]
fn hazard_14_a_directory_recreated_during_the_scan_is_brought_up_by_the_next_runsv() {
    let elsewhere = tempfile::tempdir().expect("a directory");
    for linked in [true, false] {
        let bench = if linked { workbench().supervise(&elsewhere.path().join("s")) } else { workbench() };
        let (mut bench, before) = up(bench.start());
        let scan = Running::start(scan(&bench));
        scan.wait_for_state(&bench, "3");
        bench.make_anew();
        // As runsvdir does: it compares the inode, makes the old one exit and starts another.
        bench.kill_runsv();
        bench.start_runsv();
        let ended = scan.end();
        println!("linked {linked}: {:?}, given back {}", ended.code, ended.json["given_back"]);
        let _after = bench.wait_for_holder(SCAN, Some(before));
        bench.wait_until(SOON, "up", || bench.status().is_up());
        let (code, said) = restore(&bench);
        assert_eq!(code, Some(0), "{said}");
        must_be_up_again(&bench, before);
    }
}

#[test]
fn hazard_15_a_service_with_a_replaced_control_fifo_is_not_taken() {
    for backend in ["native", "sv"] {
        let (bench, before) = up(workbench().start());
        replace_control(&bench);
        let ended = by(backend, &bench).end();
        must_have_failed(&ended, "runsv is not running");
        must_not_be_asked_a_word(&bench);
        assert!(processes::is_alive(before) && bench.status().is_up(), "{backend}");
    }
}

#[test]
fn hazard_15_a_fifo_replaced_during_the_scan_is_given_back_once_runsv_restarts() {
    let (mut bench, before) = up(workbench().start());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    replace_control(&bench);
    until_not_given_back(&bench, &scan);
    assert!(bench.status().is_held_down(), "no client can reach runsv");
    assert_eq!(leases(&bench).len(), 1, "the lease stays");
    bench.kill_runsv();
    bench.start_runsv();
    let _after = bench.wait_for_holder(SOON, Some(before));
    let ended = scan.end();
    assert_eq!((ended.code, &ended.json["given_back"]), (Some(111), &false.into()), "{:#?}", ended.lines);
    assert_eq!(restore(&bench).0, Some(0));
    must_be_up_again(&bench, before);
}

/// Waits until the scan reports it at its end. Its guard continues for a while.
#[track_caller]
fn until_not_given_back(bench: &Bench, scan: &Running) {
    bench.wait_until(SCAN, "the scan gives up giving back", || {
        scan.lines().iter().any(|line| line.contains("the service is NOT given back"))
    });
}

fn replace_control(bench: &Bench) {
    let control = bench.service().join("supervise/control");
    std::fs::remove_file(&control).expect("it is ours");
    assert!(Command::new("mkfifo").arg(&control).status().is_ok_and(|made| made.success()));
}

#[test]
fn hazard_32_no_room_for_a_lease_is_reported_and_the_scan_goes_on() {
    let Some(disk) = SmallDisk::new() else { return skipped("this user may not make a mount namespace") };
    let (bench, before) = up(workbench().start());
    disk.fill();
    let mut command = bench.cellscan();
    command.arg("scan").arg("--service").arg(bench.service()).arg("--port").arg(bench.port());
    command.arg("--lock-dir").arg(bench.locks()).arg("--state-dir").arg(bench.root().join("state"));
    command.arg("--run-dir").arg(disk.path().join("run")).args(["--link", "none", "--json"]);
    let ended = Running::start(command).end();
    ended.must_be_complete(&bench);
    assert!(ended.lines.iter().any(|line| line.contains("there is no lease on disk")), "{:#?}", ended.lines);
    must_be_up_again(&bench, before);
}

#[test]
fn hazard_32_a_scan_gives_up_a_runsv_that_cannot_write_its_record_and_the_service_runs_on() {
    let Some(disk) = SmallDisk::new() else { return skipped("this user may not make a mount namespace") };
    let (bench, before) = up(workbench().supervise(&disk.path().join("supervise")).start());
    disk.fill();
    let mut doctor = bench.cellscan();
    doctor.arg("doctor").arg("--service").arg(bench.service()).args(["--link", "none"]);
    doctor.arg("--run-dir").arg(run_dir(&bench));
    let said = text(&run(doctor));
    assert!(said.contains("error    space: ") && said.contains("make room"), "{said}");
    let ended = Running::start(scan(&bench)).end();
    must_have_failed(&ended, "did not take note of what it was asked");
    must_not_be_asked_a_word(&bench);
    let after = bench.wait_for_holder(SOON, Some(before));
    disk.empty();
    // The next record is true again.
    assert!(processes::signal(after, Signal::KILL));
    must_be_up_again(&bench, after);
}

#[test]
fn hazard_32_on_a_disk_full_during_the_scan_the_service_comes_up_and_the_scan_does_not_claim_to_have_seen_it()
{
    let Some(disk) = SmallDisk::new() else { return skipped("this user may not make a mount namespace") };
    let (bench, before) = up(workbench().supervise(&disk.path().join("supervise")).start());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    assert_eq!(bench.status().want, Want::Down);
    disk.fill();
    until_not_given_back(&bench, &scan);
    let after = bench.wait_for_holder(SOON, Some(before));
    assert!(bench.status().is_held_down(), "as far as the record shows");
    assert_eq!(leases(&bench).len(), 1, "the lease stays");
    disk.empty();
    let ended = scan.end();
    assert_eq!((ended.code, &ended.json["given_back"]), (Some(111), &false.into()), "{:#?}", ended.lines);
    assert_eq!(restore(&bench).0, Some(0));
    assert!(processes::is_alive(after), "another u starts nothing");
    bench.wait_until(SOON, "up", || bench.status().is_up() && bench.status().pid == after);
}
