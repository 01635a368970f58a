//! A gateway that drives out of the coverage of the carrier that its scan has selected. The rule is the code of the gateway.

use super::*;
use cellscan_sim::modem::{ModemFault, Selection};
use cellscan_sim::supervisor::SimSupervisor;
use cellscan_sim::world::{Keeper, SimPort, World};

type Gateway = World<SimPort, SimSupervisor>;

/// It leaves so long after the request for its scan, which selects AT&T and takes two minutes.
const LEAVES_S: u64 = 600;
const TEN_MINUTES: Duration = Duration::from_secs(600);
/// What an unlock takes: `pppd` ends, `AT+COPS=0`, a registration.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

fn leaves() -> Timed {
    Timed::after(LEAVES_S, Fault::Modem(ModemFault::NetworkGone("310410".to_owned())))
}

/// From the request for its scan.
fn at(world: &Gateway, seconds: u64) -> Instant {
    Instant::ZERO + world.scenario().asked_after + Duration::from_secs(seconds)
}

/// A world whose scan has left the modem on AT&T, up to the moment at which it leaves that coverage.
#[track_caller]
fn scanned(scenario: Scenario, keeper: Keeper, after: Duration) -> Gateway {
    let mut world = World::new(scenario);
    world.keep_unlocked(keeper, after);
    let until = at(&world, LEAVES_S - 1);
    world.advance_to(until);
    assert_eq!(world.report().outcome, Some(Outcome::Complete), "{:#?}", world.told());
    assert_eq!(world.modem_state(), (Some("310410".to_owned()), Selection::Manual));
    assert!(world.selection_is_recorded() && world.machine().link_up());
    world
}

fn leaving(keeper: Keeper, after: Duration, more: Vec<Timed>) -> Gateway {
    let mut faults = vec![leaves()];
    faults.extend(more);
    scanned(Scenario { faults, ..Scenario::default() }, keeper, after)
}

fn told_automatic(world: &Gateway) -> Vec<Instant> {
    let log = world.record().modem;
    log.iter()
        .filter(|log| log.what == ModemEvent::Received("AT+COPS=0".to_owned()))
        .map(|log| log.at)
        .collect()
}

/// Registered elsewhere, with a link, by one command, and nobody's rule violated.
#[track_caller]
fn must_be_elsewhere(world: &Gateway) {
    assert_eq!(world.modem_state(), (Some("311480".to_owned()), Selection::Automatic));
    assert!(world.machine().link_up() && !world.selection_is_recorded());
    assert_eq!(told_automatic(world).len(), 1);
    assert!(world.intrusions().is_empty() && world.machine().lease().is_none());
    assert_eq!(world.machine().lock_owner().filter(|owner| *owner == world.machine().client()), None);
}

#[track_caller]
fn must_be_untouched(world: &Gateway) {
    assert_eq!(world.modem_state().1, Selection::Manual);
    assert_eq!(told_automatic(world), []);
}

#[test]
fn a_daemon_registers_it_elsewhere_within_ten_minutes_and_a_half() {
    let mut world = leaving(Keeper::Daemon, TEN_MINUTES, Vec::new());
    world.advance_to(at(&world, LEAVES_S) + TEN_MINUTES);
    must_be_untouched(&world);
    assert!(!world.machine().link_up());
    world.advance_to(at(&world, LEAVES_S) + TEN_MINUTES + TOLD_WITHIN);
    must_be_elsewhere(&world);
    world.advance_to(at(&world, LEAVES_S + 86_400));
    must_be_elsewhere(&world);
}

#[test]
fn without_a_daemon_restore_does_within_two_runs_more() {
    for every in [60, 300, 900].map(Duration::from_secs) {
        let mut world = leaving(Keeper::Restore(every), TEN_MINUTES, Vec::new());
        world.advance_to(at(&world, LEAVES_S) + TEN_MINUTES);
        must_be_untouched(&world);
        world.advance_to(at(&world, LEAVES_S) + TEN_MINUTES + every * 2 + TOLD_WITHIN);
        must_be_elsewhere(&world);
    }
}

#[test]
fn without_the_rule_it_stays_dark() {
    let mut world = leaving(Keeper::Daemon, Duration::ZERO, Vec::new());
    world.advance_to(at(&world, LEAVES_S + 86_400));
    assert_eq!(world.modem_state(), (None, Selection::Manual));
    assert!(!world.machine().link_up());
    must_be_untouched(&world);
}

#[test]
fn coverage_that_comes_back_in_time_costs_nothing() {
    let back = Timed::after(LEAVES_S + 580, Fault::Modem(ModemFault::NetworkBack("310410".to_owned())));
    let mut world = leaving(Keeper::Daemon, TEN_MINUTES, vec![back]);
    world.advance_to(at(&world, LEAVES_S + 86_400));
    must_be_untouched(&world);
    assert!(world.machine().link_up() && world.selection_is_recorded());
}

#[test]
fn a_down_of_another_client_is_respected() {
    let down = Timed::after(LEAVES_S + 300, Fault::Sv("down"));
    for keeper in [Keeper::Daemon, Keeper::Restore(Duration::from_secs(300))] {
        let mut world = leaving(keeper, TEN_MINUTES, vec![down.clone()]);
        world.advance_to(at(&world, LEAVES_S + 86_400));
        must_be_untouched(&world);
        assert!(world.machine().status().is_some_and(|status| !status.want_up));
    }
    let up = Timed::after(LEAVES_S + 5_000, Fault::Sv("up"));
    let mut world = leaving(Keeper::Daemon, TEN_MINUTES, vec![down, up]);
    world.advance_to(at(&world, LEAVES_S + 5_570));
    must_be_untouched(&world);
    world.advance_to(at(&world, LEAVES_S + 5_000) + TEN_MINUTES + TOLD_WITHIN);
    must_be_elsewhere(&world);
}

#[test]
fn nowhere_in_reach_it_is_told_once_and_registers_where_it_comes_to() {
    let gone = |plmn: &str| Timed::after(LEAVES_S, Fault::Modem(ModemFault::NetworkGone(plmn.to_owned())));
    let back = Timed::after(LEAVES_S + 7_200, Fault::Modem(ModemFault::NetworkBack("311480".to_owned())));
    let faults = vec![gone("310260"), gone("311480"), back];
    let mut world = leaving(Keeper::Daemon, TEN_MINUTES, faults);
    world.advance_to(at(&world, LEAVES_S + 7_100));
    assert_eq!(world.modem_state(), (None, Selection::Automatic));
    assert_eq!(told_automatic(&world).len(), 1);
    world.advance_to(at(&world, LEAVES_S + 7_300));
    must_be_elsewhere(&world);
}

#[test]
fn a_modem_that_does_not_answer_is_tried_again() {
    let mute = Fault::Modem(ModemFault::Silent { for_ms: 300_000 });
    let mute = Timed::after(LEAVES_S + 590, mute);
    let mut world = leaving(Keeper::Daemon, TEN_MINUTES, vec![mute]);
    world.advance_to(at(&world, LEAVES_S) + TEN_MINUTES + Duration::from_secs(120));
    must_be_untouched(&world);
    assert!(world.selection_is_recorded() && world.machine().status().is_some_and(|status| status.want_up));
    world.advance_to(at(&world, LEAVES_S) + TEN_MINUTES * 2 + Duration::from_secs(120));
    must_be_elsewhere(&world);
}

#[test]
fn killed_at_any_moment_of_it_the_service_comes_back_and_the_record_stays() {
    let mut whole = leaving(Keeper::Daemon, TEN_MINUTES, Vec::new());
    whole.advance_to(at(&whole, LEAVES_S + 700));
    let told = told_automatic(&whole)[0].duration_since(at(&whole, 0));
    for ms in [-600, -300, -100, -1, 1, 30, 400, 3_000, 5_000_i64] {
        let apart = Duration::from_millis(ms.unsigned_abs());
        let after = if ms < 0 { told.saturating_sub(apart) } else { told + apart };
        let killed = Timed { when: When::After(after), fault: Fault::ScannerKilled };
        let mut world = leaving(Keeper::Daemon, TEN_MINUTES, vec![killed]);
        world.advance_to(Instant::ZERO + world.scenario().asked_after + after);
        assert!(!world.scanner_is_alive() && world.machine().lease().is_some(), "{ms} ms");
        assert_eq!(told_automatic(&world).len(), usize::from(ms > 0), "{ms} ms");
        world.advance_to(at(&world, LEAVES_S + 700));
        assert!(world.machine().status().is_some_and(|status| status.want_up), "{ms} ms");
        assert!(world.machine().live_pppds() > 0 && world.machine().lease().is_none(), "{ms} ms");
        assert!(world.selection_is_recorded(), "{ms} ms");
    }
}

#[test]
fn a_second_scan_has_its_own_time() {
    let back = Timed::after(LEAVES_S + 7_200, Fault::Modem(ModemFault::NetworkBack("310410".to_owned())));
    let mut world = leaving(Keeper::Daemon, TEN_MINUTES, vec![back]);
    world.advance_to(at(&world, LEAVES_S + 500));
    world.request(7);
    world.advance_to(at(&world, LEAVES_S + 3_600));
    assert_eq!(world.modem_state(), (Some("311480".to_owned()), Selection::Manual));
    assert!(world.machine().link_up() && world.selection_is_recorded());
    assert_eq!(told_automatic(&world), []);
}
