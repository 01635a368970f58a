//! Hazards of taking a service from `runsv`, each during a whole scan. All were observed on the real `runsv`.

use std::time::Duration;

use cellscan_tests::support::{Bench, RunScript, StandIn, Workbench, processes};
use rustix::process::Signal;

use super::SOON;
use super::running::{Running, quick_modem, scan};

fn workbench() -> Workbench {
    Workbench::new().modem(quick_modem()).pppd(StandIn {
        lock: true,
        dies_after_ms: 50,
        ..StandIn::default()
    })
}

/// A `pppd` that ends by itself after 300 ms, again and again: `runsv` sleeps for a second after each.
fn crash_loop() -> Bench {
    let bench = workbench().run(RunScript::Custom("#!/bin/sh\nsleep 0.3\nexit 1\n".to_owned())).start();
    bench.wait_until(SOON, "it has crashed, and runsv sleeps", || {
        let status = bench.status();
        status.pid == 0 && status.want == cellscan_tests::support::Want::Up
    });
    bench
}

#[track_caller]
fn must_end_wanted_up(bench: &Bench) {
    bench.wait_until(SOON, "wanted up", || bench.status().want == cellscan_tests::support::Want::Up);
    // The record may be old: runsv reads a `d` and the following `u` after its second of sleep, and shows one after the other.
    // From then on it is up, unless our `d` came last, and then this condition never holds.
    let mut since = std::time::Instant::now();
    bench.wait_until(SOON, "it stays up for longer than runsv sleeps", || {
        if bench.status().want != cellscan_tests::support::Want::Up {
            since = std::time::Instant::now();
        }
        since.elapsed() > Duration::from_millis(2_600)
    });
}

#[test]
fn hazard_01_down_is_requested_while_runsv_sleeps_off_a_crash() {
    let bench = crash_loop();
    Running::start(scan(&bench)).end().must_be_complete(&bench);
    must_end_wanted_up(&bench);
}

#[test]
fn hazard_02_sv_reports_ok_while_its_byte_is_unread() {
    let bench = crash_loop();
    let mut command = scan(&bench);
    command.args(["--backend", "sv"]);
    Running::start(command).end().must_be_complete(&bench);
    must_end_wanted_up(&bench);
}

#[test]
fn hazard_03_another_byte_is_queued_before_ours() {
    let bench = crash_loop();
    std::fs::write(bench.service().join("supervise/control"), "t").expect("runsv reads it");
    Running::start(scan(&bench)).end().must_be_complete(&bench);
    must_end_wanted_up(&bench);
}

#[test]
fn hazard_04_up_is_requested_while_our_down_is_unread() {
    for backend in ["native", "sv"] {
        let bench = crash_loop();
        let mut command = scan(&bench);
        command.args(["--backend", backend]);
        let scan = Running::start(command);
        scan.wait_for_state(&bench, "1");
        scan.signal(Signal::INT);
        let ended = scan.end();
        assert_eq!(ended.json["given_back"], true, "{backend}: {:#?}", ended.lines);
        must_end_wanted_up(&bench);
    }
}

#[test]
fn hazard_05_given_back_within_a_second_of_an_early_death() {
    // Taken before pppd has lived for a second, and given back as soon as the scan finds the SIM locked.
    let mut modem = quick_modem();
    modem.sim = Some("SIM PIN".to_owned());
    let bench = workbench().modem(modem).start();
    let before = bench.wait_for_holder(SOON, None);
    let ended = Running::start(scan(&bench)).end();
    assert_eq!((ended.code, &ended.json["given_back"]), (Some(1), &true.into()), "{:#?}", ended.lines);
    let _next = bench.wait_for_holder(SOON, Some(before));
    must_end_wanted_up(&bench);
}

#[test]
fn hazard_06_a_finish_script_is_waited_for() {
    let bench = workbench().script("finish", "#!/bin/sh\nexec sleep 1.5\n").start();
    let before = bench.wait_for_holder(SOON, None);
    let ended = Running::start(scan(&bench)).end();
    ended.must_be_complete(&bench);
    assert!(ended.json["down_s"].as_f64() >= Some(1.5), "down is what comes after finish: {:#?}", ended.json);
    let _next = bench.wait_for_holder(SOON, Some(before));
}

#[test]
fn hazard_07_a_pppd_that_ignores_term_is_killed_at_its_timeout() {
    let bench = workbench().pppd(StandIn { ignores_term: true, ..StandIn::default() }).start();
    let before = bench.wait_for_holder(SOON, None);
    let ended = Running::start(scan(&bench)).end();
    ended.must_be_complete(&bench);
    assert!(ended.json["down_s"].as_f64() >= Some(15.0), "a real pppd may take as long: {:#?}", ended.json);
    let after = bench.wait_for_holder(SOON, Some(before));
    bench.wait_until(SOON, "up", || bench.status().pid == after);
}

#[test]
fn hazard_08_no_second_pppd_is_started() {
    let bench = workbench().pppd(StandIn { dies_after_ms: 900, ..StandIn::default() }).start();
    let before = bench.wait_for_holder(SOON, None);
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "1");
    // The old one is still ending: an early up must not start another beside it.
    scan.signal(Signal::INT);
    let _ended = scan.end();
    let after = bench.wait_for_holder(SOON, Some(before));
    bench.wait_until(SOON, "one, and the one in the record", || {
        bench.holders() == [after] && bench.status().pid == after
    });
    assert!(!processes::is_alive(before));
}

#[test]
fn hazard_09_a_control_t_that_suppresses_term_costs_the_timeout_of_a_kill() {
    let bench = workbench().script("control/t", "#!/bin/sh\nexit 0\n").start();
    let before = bench.wait_for_holder(SOON, None);
    let ended = Running::start(scan(&bench)).end();
    ended.must_be_complete(&bench);
    assert!(!processes::is_alive(before));
    let _next = bench.wait_for_holder(SOON, Some(before));
}

#[test]
fn hazard_10_a_slow_control_script_blocks_runsv_and_is_waited_for() {
    let bench = workbench().script("control/t", "#!/bin/sh\nsleep 2\nexit 1\n").start();
    let before = bench.wait_for_holder(SOON, None);
    Running::start(scan(&bench)).end().must_be_complete(&bench);
    let _next = bench.wait_for_holder(SOON, Some(before));
    must_end_wanted_up(&bench);
}

#[test]
fn hazard_11_runsv_is_killed_during_the_scan_and_its_successor_is_asked_again() {
    let mut modem = quick_modem();
    modem.delays.search = 2_500;
    let mut bench = workbench().modem(modem).start();
    let before = bench.wait_for_holder(SOON, None);
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    bench.kill_runsv();
    bench.start_runsv();
    let ended = scan.end();
    ended.must_be_complete(&bench);
    assert!(ended.json["interruptions"].as_u64() >= Some(1), "{:#?}", ended.lines);
    let _next = bench.wait_for_holder(SOON, Some(before));
    must_end_wanted_up(&bench);
}
