//! What a process that shares the port with pppd has to expect.

use cellscan_core::supervisor::{Owed, ServiceState, Want};

use super::*;
use crate::machine::pppd::{Chat, PppdTerm};
use crate::signal::Signal;

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn gateway(runsv: RunsvProfile, pppd: PppdProfile) -> Machine {
    let supervision = Supervision::Runsv(runsv);
    let mut machine = Machine::new(MachineProfile { supervision, pppd, ..MachineProfile::default() });
    machine.advance_to(at(5_000));
    machine
}

fn holders(machine: &Machine) -> Vec<Origin> {
    machine.holders().iter().map(|holder| holder.origin).collect()
}

fn state(machine: &Machine) -> Option<(ServiceState, bool)> {
    machine.status().map(|record| (record.state, record.want_up))
}

#[test]
fn a_gateway_comes_up_by_itself() {
    let machine = gateway(RunsvProfile::default(), PppdProfile::default());
    assert_eq!((holders(&machine), machine.live_pppds()), (vec![Origin::Service], 1));
    assert!(machine.link_up() && machine.supervised() && machine.other_pppd_alive());
    assert_eq!(machine.next_event(), None, "nothing is left to happen by itself");
}

#[test]
fn d_stops_pppd_and_the_port_is_free_once_it_has_hung_up() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(5_200));
    assert_eq!(holders(&machine), [Origin::Service], "it still ends the link");
    assert!(!machine.link_up());
    machine.advance_to(at(5_400));
    assert_eq!(holders(&machine), []);
    assert_eq!(state(&machine), Some((ServiceState::Down, false)));
}

#[test]
fn pppd_without_a_registered_modem_exits_and_is_started_again() {
    let pppd = PppdProfile { connect_fails_after_ms: 3_000, ..PppdProfile::default() };
    let mut machine = Machine::new(MachineProfile { pppd, registered: false, ..MachineProfile::default() });
    machine.advance_to(at(4_500));
    assert!(!machine.link_up());
    let ended = |traced: &&Traced| {
        matches!(traced.event, TraceEvent::Ended { ending: crate::trace::Ending::Exit(8), .. })
    };
    assert_eq!(machine.trace().iter().filter(ended).count(), 1);
    machine.set_modem_registered(true);
    machine.advance_to(at(7_500));
    assert!(machine.link_up());
}

#[test]
fn a_run_script_that_does_not_exec_leaves_pppd_on_the_port() {
    let runsv = RunsvProfile { run: RunScript::Stays, ..RunsvProfile::default() };
    let mut machine = gateway(runsv, PppdProfile::default());
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(20_000));
    assert_eq!(state(&machine), Some((ServiceState::Down, false)));
    assert_eq!((holders(&machine), machine.link_up()), (vec![Origin::Service], true));
    machine.another_client_writes(b'u').unwrap();
    machine.advance_to(at(25_000));
    assert_eq!(machine.live_pppds(), 1, "each new one meets the lock and exits 6");
}

#[test]
fn a_run_script_that_forwards_term_ends_pppd() {
    let runsv = RunsvProfile { run: RunScript::Forwards, ..RunsvProfile::default() };
    let mut machine = gateway(runsv, PppdProfile::default());
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(6_000));
    assert_eq!((holders(&machine), state(&machine)), (vec![], Some((ServiceState::Down, false))));
}

#[test]
fn chat_outlives_a_pppd_that_was_still_connecting() {
    let pppd = PppdProfile {
        chat: Chat::OutlivesConnect(6_500),
        term: PppdTerm::Ends(5),
        link_after_ms: 30_000,
        ..PppdProfile::default()
    };
    let mut machine = gateway(RunsvProfile::default(), pppd);
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(5_100));
    assert_eq!(state(&machine), Some((ServiceState::Down, false)));
    assert_eq!((holders(&machine), machine.live_pppds()), (vec![Origin::Service], 0));
    machine.advance_to(at(11_600));
    assert_eq!(holders(&machine), []);
}

#[test]
fn a_detached_pppd_is_out_of_reach_of_d() {
    let mut machine =
        gateway(RunsvProfile::default(), PppdProfile { detaches: true, ..PppdProfile::default() });
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(8_000));
    assert_eq!(state(&machine), Some((ServiceState::Down, false)));
    assert_eq!((holders(&machine), machine.link_up()), (vec![Origin::Service], true));
}

#[test]
fn a_first_term_can_be_lost_and_a_second_works() {
    let pppd = PppdProfile { term: PppdTerm::FirstLost(100), ..PppdProfile::default() };
    let mut machine = gateway(RunsvProfile::default(), pppd);
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(8_000));
    assert_eq!(state(&machine), Some((ServiceState::Run, false)));
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(8_200));
    assert_eq!(state(&machine), Some((ServiceState::Down, false)));
}

#[test]
fn a_pppd_that_ignores_term_ends_by_k_and_leaves_a_stale_lock() {
    let pppd = PppdProfile { term: PppdTerm::Ignored, ..PppdProfile::default() };
    let mut machine = gateway(RunsvProfile::default(), pppd);
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(20_000));
    machine.another_client_writes(b'k').unwrap();
    machine.advance_to(at(20_100));
    assert_eq!(holders(&machine), []);
    assert!(machine.lock_owner().is_some_and(|owner| !machine.is_alive(owner)));
    assert!(machine.lock_port(), "the lock of a dead process does not count");
}

#[test]
fn a_new_runsv_knows_nothing_of_d() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(6_000));
    machine.kill_runsv(Some(Duration::from_millis(3_400)));
    machine.advance_to(at(6_100));
    assert!(!machine.supervised());
    assert_eq!(state(&machine), Some((ServiceState::Down, false)), "stale");
    machine.advance_to(at(10_000));
    assert_eq!(holders(&machine), [Origin::Service]);
}

#[test]
fn our_lock_keeps_a_pppd_from_opening_the_port() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(6_000));
    assert!(machine.lock_port());
    machine.client_opened_port();
    machine.another_client_writes(b'u').unwrap();
    machine.advance_to(at(10_000));
    assert_eq!(holders(&machine), [Origin::Client]);
    machine.client_closed_port();
    machine.unlock_port();
    machine.advance_to(at(16_000));
    assert!(machine.link_up());
}

#[test]
fn without_a_lock_two_processes_hold_the_port() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile { lock: false, ..PppdProfile::default() });
    machine.start_second_pppd();
    machine.advance_to(at(6_000));
    assert_eq!(holders(&machine), [Origin::Service, Origin::SecondPppd]);
}

#[test]
fn a_recreated_directory_freezes_the_record_although_d_is_obeyed() {
    let runsv = RunsvProfile { supervise_is_link: true, ..RunsvProfile::default() };
    let mut machine = gateway(runsv, PppdProfile::default());
    machine.recreate_directory();
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(8_000));
    assert_eq!(state(&machine), Some((ServiceState::Run, true)));
    assert_eq!(machine.live_pppds(), 0);
}

#[test]
fn a_replaced_fifo_makes_the_service_uncontrollable() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
    machine.replace_control();
    assert_eq!(machine.another_client_writes(b'd'), Err(directory::ControlError::NoReader));
    assert!(!machine.supervised());
}

#[test]
fn a_lost_rewrite_leaves_the_older_record() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
    machine.lose_status_writes(3);
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(8_000));
    assert_eq!(state(&machine), Some((ServiceState::Run, true)));
    assert_eq!(machine.live_pppds(), 0);
}

#[test]
fn sv_down_and_up_in_the_pause_leave_the_service_down_for_good() {
    let pppd = PppdProfile { crashes_after_ms: Some(100), ..PppdProfile::default() };
    let mut machine = Machine::new(MachineProfile { pppd, ..MachineProfile::default() });
    machine.advance_to(at(500));
    for word in ["down", "up"] {
        machine.another_client_runs_sv(sv::SvCommand::parse(&[word], None, Rule::Upstream).unwrap());
        machine.advance_to(machine.now() + Duration::from_millis(50));
    }
    machine.advance_to(at(9_000));
    assert_eq!(state(&machine), Some((ServiceState::Down, false)));
}

#[test]
fn a_port_that_went_away_hangs_up_pppd_until_it_is_back() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
    machine.set_port_present(false);
    machine.advance_to(at(8_500));
    assert_eq!((holders(&machine), machine.link_up()), (vec![], false));
    machine.set_port_present(true);
    machine.advance_to(at(13_000));
    assert!(machine.link_up());
}

#[test]
fn a_stranger_holds_the_port_for_the_given_time() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
    machine.stranger_opens_port(Duration::from_secs(2));
    assert_eq!(holders(&machine), [Origin::Service, Origin::Stranger]);
    machine.advance_to(at(7_000));
    assert_eq!(holders(&machine), [Origin::Service]);
}

#[test]
fn the_guard_gives_back_the_service_of_a_dead_scanner() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
    let owner = machine.client();
    let owed = Owed { want: Some(Want::Up), selection: None };
    machine.kernel.set_lease(Some(guard::Lease { owner, owed }));
    machine.kernel.start_guard(owner, owed, None);
    machine.another_client_writes(b'd').unwrap();
    machine.advance_to(at(6_000));
    machine.client_dies(Some(Duration::from_millis(20)));
    assert!(machine.lease_is_orphaned());
    machine.advance_to(at(11_000));
    assert!(machine.link_up());
    assert_eq!(machine.lease(), None);
}

#[test]
fn after_all_faults_the_link_comes_back() {
    let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
    machine.freeze_runsv();
    machine.lose_status_writes(9);
    machine.stranger_opens_port(Duration::from_secs(3_600));
    machine.another_client_signals_pppd(Signal::Kill);
    machine.advance_to(at(7_000));
    assert!(!machine.link_up());
    machine.heal();
    machine.advance_to(at(11_000));
    assert!(machine.link_up());
    assert_eq!(holders(&machine), [Origin::Service]);
}

#[test]
fn the_same_calls_give_the_same_trace() {
    let play = || {
        let mut machine = gateway(RunsvProfile::default(), PppdProfile::default());
        machine.kill_runsv(Some(Duration::from_secs(3)));
        machine.stranger_opens_port(Duration::from_secs(1));
        machine.advance_to(at(30_000));
        machine.trace().to_vec()
    };
    assert_eq!(play(), play());
}
