//! The hand-over: F1, F2, F10, F12, F15, F16, F18, F20, F23, F24, and why killing pppd fails.

use super::*;
use cellscan_core::time::Span;
use cellscan_sim::check::{Violation, live_through};
use cellscan_sim::machine::{MachineProfile, RunScript, RunsvProfile, Supervision};
use cellscan_sim::pppd::{Chat, PppdProfile, PppdTerm};
use cellscan_sim::sabotage::OnlyKills;
use cellscan_sim::signal::Signal;
use cellscan_sim::world::World;

fn with(pppd: PppdProfile, runsv: RunsvProfile) -> Scenario {
    let machine =
        MachineProfile { supervision: Supervision::Runsv(runsv), pppd, ..MachineProfile::default() };
    Scenario { machine, ..Scenario::default() }
}

fn started(event: &TraceEvent) -> bool {
    matches!(event, TraceEvent::Started { origin: Origin::Service, tag, .. } if tag == "run")
}

#[test]
fn each_killed_pppd_is_replaced_by_runsv() {
    let mut scenario = builtin("field");
    scenario.machine.pppd.lock = false;
    scenario.faults = (0..4).map(|n| Timed::after(3 * n, Fault::PppdSignalled(Signal::Kill))).collect();
    scenario.asked_after = Duration::from_secs(10);
    let world = World::with(
        scenario,
        |port, _| port,
        |supervisor, machine| OnlyKills::new(supervisor, machine.clone()),
    );
    let examination = live_through(world);
    assert!(examination.gateway(started).len() >= 5, "runsv starts one for each killed pppd");
    let fought = examination.violations.iter().any(|violation| matches!(violation, Violation::Intrusion(_)));
    assert!(fought, "and both talk to the modem at once: {:?}", examination.violations);
}

#[test]
fn f01_the_service_goes_down_once_and_comes_up_once() {
    let examination = live(&builtin("field"));
    assert_eq!(examination.gateway(started).len(), 2, "at boot, and when it is given back");
    let by_us = |event: &TraceEvent| matches!(event, TraceEvent::Signalled { by: Actor::Client, .. });
    assert!(examination.gateway(by_us).is_empty(), "runsv ends what runsv started");
}

#[test]
fn f02_each_wait_ends_with_its_condition() {
    for ends_ms in [5, 300, 9_000] {
        let pppd = PppdProfile { term: PppdTerm::Ends(ends_ms), ..PppdProfile::default() };
        let examination = live(&with(pppd, RunsvProfile::default()));
        let free = Duration::from(examination.record.report.free_after.expect("the port was free"));
        let beyond = free.checked_sub(Duration::from_millis(ends_ms)).expect("not before it ended");
        assert!(
            beyond <= Duration::from_millis(10),
            "pppd took {ends_ms} ms, the port was free after {free:?}"
        );
    }
}

#[test]
fn f10_the_service_is_given_back_once_and_the_link_waited_for() {
    let examination = live(&builtin("field"));
    let ups = examination.gateway(
        |event| matches!(event, TraceEvent::Control { by: Actor::Client, bytes } if bytes.as_slice() == b"u"),
    );
    assert_eq!(ups.len(), 1);
    assert_eq!(examination.record.report.link, Some(true));
    let up = examination.at(|event| matches!(event, Event::LinkUp(_))).expect("the link came up");
    assert!(up > ups[0]);
}

#[test]
fn f10_a_second_pppd_started_by_hand_meets_our_lock() {
    let second = Timed::during(Phase::WaitResults, 5_000, Fault::SecondPppd);
    let examination = live(&Scenario { faults: vec![second], ..Scenario::default() });
    assert_eq!(examination.outcome(), Outcome::Complete);
    let opened = examination
        .gateway(|event| matches!(event, TraceEvent::PortOpened { origin: Origin::SecondPppd, .. }));
    assert!(opened.is_empty());
}

#[test]
fn f12_a_second_client_is_overruled_a_bounded_number_of_times() {
    assert_eq!(live(&builtin("second-client")).outcome(), Outcome::Complete);
    let insisting = live(&builtin("second-client-insists"));
    assert_eq!(insisting.outcome(), Outcome::Failed(Failure::SecondClient));
    let downs = insisting.gateway(
        |event| matches!(event, TraceEvent::Control { by: Actor::Client, bytes } if bytes.as_slice() == b"d"),
    );
    assert!(downs.len() <= 4, "a bounded number of requests: {downs:?}");
}

#[test]
fn f15_a_scanner_killed_in_any_state_leaves_the_service_up() {
    let phases = [
        Phase::StopPpp,
        Phase::StopPppWaitSv,
        Phase::VerifyStopped,
        Phase::Prepare,
        Phase::WaitResults,
        Phase::TestCarrier,
        Phase::WaitSignal,
        Phase::ConnectBest,
        Phase::VerifyCarrier,
        Phase::StartPpp,
        Phase::WaitPpp,
    ];
    for phase in phases {
        for after_ms in [0, 1, 20, 400] {
            let killed = Timed::during(phase, after_ms, Fault::ScannerKilled);
            live(&Scenario { faults: vec![killed], ..Scenario::default() });
        }
    }
}

#[test]
fn f15_killed_while_its_down_is_unread_the_guard_does_not_believe_the_old_record() {
    // Seed 6097: runsv sleeps off a crash, its record says "want up", and our `d` waits in the FIFO.
    for killed_ms in [0, 92, 400, 900] {
        let pppd = PppdProfile { crashes_after_ms: Some(740), ..PppdProfile::default() };
        let mut scenario = with(pppd, RunsvProfile::default());
        scenario.asked_after = Duration::from_millis(12_956);
        scenario.faults = vec![Timed::during(Phase::StopPppWaitSv, killed_ms, Fault::ScannerKilled)];
        live(&scenario);
    }
}

#[test]
fn f15_an_abort_in_any_state_gives_the_service_back() {
    for phase in
        [Phase::StopPppWaitSv, Phase::VerifyStopped, Phase::Prepare, Phase::WaitResults, Phase::TestCarrier]
    {
        for run in [RunScript::Execs, RunScript::Stays] {
            let pppd = PppdProfile { term: PppdTerm::Ends(900), ..PppdProfile::default() };
            let mut scenario = with(pppd, RunsvProfile { run, ..RunsvProfile::default() });
            scenario.faults = vec![Timed::during(phase, 1, Fault::Abort)];
            let examination = live(&scenario);
            assert_eq!(examination.outcome(), Outcome::Failed(Failure::Aborted), "{phase:?} {run:?}");
            assert!(examination.record.report.given_back);
        }
    }
}

#[test]
fn f16_the_pppd_of_another_modem_is_never_touched() {
    let mut scenario = builtin("no-exec");
    scenario.machine.other_pppd = true;
    let examination = live(&scenario);
    let signalled = |event: &TraceEvent| matches!(event, TraceEvent::Signalled { by: Actor::Client, origin, .. } if *origin != Some(Origin::Service));
    assert!(examination.gateway(signalled).is_empty());
    let died = |event: &TraceEvent| matches!(event, TraceEvent::Ended { origin: Origin::OtherPppd, .. });
    assert!(examination.gateway(died).is_empty());
}

#[test]
fn f18_given_back_while_runsv_sleeps_off_a_crash_the_service_is_up_in_the_end() {
    // pppd has just crashed: runsv reads nothing for a second, and its record says "want up" all the while.
    for asked_ms in [10_200, 10_600, 11_100] {
        for abort_ms in [0, 1, 300, 900] {
            let crashes = PppdProfile { crashes_after_ms: Some(150), ..PppdProfile::default() };
            let mut scenario = with(crashes, RunsvProfile::default());
            scenario.asked_after = Duration::from_millis(asked_ms);
            scenario.faults = vec![Timed::during(Phase::StopPppWaitSv, abort_ms, Fault::Abort)];
            let examination = live(&scenario);
            assert!(
                examination.record.report.given_back,
                "asked at {asked_ms}, told to end {abort_ms} ms later"
            );
        }
    }
}

#[test]
fn f20_a_chat_that_outlives_its_pppd_is_found_and_ended() {
    let pppd = PppdProfile { chat: Chat::Outlives(45_000), ..PppdProfile::default() };
    let examination = live(&with(pppd, RunsvProfile::default()));
    let free = examination.record.report.free_after.expect("free");
    let ended = examination.gateway(|event| matches!(event, TraceEvent::Signalled { by: Actor::Client, .. }));
    let down = examination.at(|event| matches!(event, Event::Down(_))).expect("down");
    assert_eq!(ended, [down], "the record says down while chat has the port");
    assert!(free < Span::from_secs(5), "it is ended, not waited for: {free:?}");
    let asked = examination.at(enters(Phase::StopPppWaitSv)).expect("asked");
    let first = examination.commands().first().expect("a byte to the modem").0;
    assert!(first >= asked + free);
}

#[test]
fn f20_a_pppd_behind_a_shell_that_does_not_exec_is_ended_too() {
    assert_eq!(live(&builtin("no-exec")).outcome(), Outcome::Complete);
}

#[test]
fn f23_the_successor_of_a_dead_runsv_is_asked_again_and_the_port_left_alone_meanwhile() {
    let examination = live(&builtin("runsv-dies"));
    assert_eq!(examination.outcome(), Outcome::Complete);
    let died =
        examination.gateway(|event| matches!(event, TraceEvent::Ended { origin: Origin::Runsv, .. }))[0];
    let back =
        examination.gateway(|event| matches!(event, TraceEvent::Started { tag, .. } if tag == "runsv"))[1];
    let between = examination.commands().iter().filter(|(at, _)| *at > died && *at < back).count();
    assert_eq!(between, 0, "the port is not used");
}

#[test]
fn f24_a_service_found_down_is_left_down() {
    let mut scenario = with(PppdProfile::default(), RunsvProfile { down: true, ..RunsvProfile::default() });
    scenario.machine.registered = false;
    let examination = live(&scenario);
    assert!(examination.gateway(started).is_empty());
}

#[test]
fn f24_an_operators_down_during_the_scan_is_respected() {
    let down = Timed::during(Phase::WaitResults, 30_000, Fault::Sv("down"));
    let examination = live(&Scenario { faults: vec![down], ..Scenario::default() });
    assert_eq!(examination.outcome(), Outcome::Complete, "the scan goes on");
    assert!(examination.at(|event| *event == Event::ForeignDown).is_some());
    assert_eq!(examination.gateway(started).len(), 1, "and no process brings the service up against it");
}

#[test]
fn f24_an_operators_down_while_the_link_is_waited_for_ends_the_scan() {
    for fault in [Fault::Sv("down"), Fault::ControlByte(b'd')] {
        for after_ms in [0, 1, 30, 5_000, 19_000] {
            let down = Timed::during(Phase::WaitPpp, after_ms, fault.clone());
            let examination = live(&Scenario { faults: vec![down], ..builtin("next-best") });
            let report = &examination.record.report;
            assert_eq!((examination.outcome(), report.link), (Outcome::Complete, Some(false)));
            assert_eq!(examination.gateway(started).len(), 2, "found up, and given back once");
            assert!(examination.at(|event| *event == Event::ForeignDown).is_some());
        }
    }
}

#[test]
fn f24_a_restart_by_another_client_is_not_a_wish_for_down() {
    // Seed 150017: runsv hangs for a moment, so that our repeated `d` and another client's `tcu` are read together.
    let pppd = PppdProfile { term: PppdTerm::Ends(5_774), ..PppdProfile::default() };
    let mut scenario = with(pppd, RunsvProfile::default());
    let hangs = Fault::RunsvFreezes(Duration::from_millis(1_246));
    scenario.faults = vec![
        Timed::during(Phase::StopPppWaitSv, 1_800, hangs),
        Timed::during(Phase::StopPppWaitSv, 2_600, Fault::Sv("restart")),
    ];
    let examination = live(&scenario);
    assert_eq!(examination.outcome(), Outcome::Complete);
    assert!(examination.at(|event| *event == Event::ForeignDown).is_none());
}

#[test]
fn f24_a_later_up_cancels_the_down() {
    let down = Timed::during(Phase::WaitResults, 20_000, Fault::Sv("down"));
    let up = Timed::during(Phase::WaitResults, 30_000, Fault::Sv("up"));
    let examination = live(&Scenario { faults: vec![down, up], ..Scenario::default() });
    assert_eq!(examination.outcome(), Outcome::Complete);
    assert_eq!(examination.record.report.link, Some(true));
}
