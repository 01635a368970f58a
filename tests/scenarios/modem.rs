//! The dialogue and the choice of a carrier: F3 … F9, F11, F13, F17, F19, F21, F22.

use super::*;
use cellscan_core::scan::Strategy;
use cellscan_core::scan::gate::Declined;
use cellscan_core::time::Span;
use cellscan_sim::modem::{AbortAnswer, Canned, DomainSupport, ModemFault, Prefix, Selection, WhileBusy};
use cellscan_sim::world::{Told, World};

#[test]
fn f03_a_selection_answered_after_its_timeout_changes_no_other_carriers_result() {
    for while_busy in [WhileBusy::Buffer, WhileBusy::Ignore, WhileBusy::Abort(AbortAnswer::Nothing)] {
        for echo in [true, false] {
            let mut scenario = builtin("late-answer");
            scenario.modem.while_busy = while_busy;
            scenario.modem.echo = echo;
            scenario.policy.budget = Span::from_secs(600);
            let examination = live(&scenario);
            assert_eq!(examination.outcome(), Outcome::Complete, "{while_busy:?}, echo {echo}");
            assert_eq!(examination.selected(), Some("310410"));
            let expected = [("311480", -69), ("310410", -63)];
            for (plmn, dbm) in expected {
                let trial = examination.carrier(plmn).trial;
                assert!(
                    matches!(trial, Trial::Registered(strength) if strength.rssi_dbm == Some(dbm)),
                    "{plmn}: {trial:?}"
                );
            }
        }
    }
}

#[test]
fn f03_an_answer_may_come_late_at_any_moment() {
    for late_s in (8..40).step_by(2) {
        let mut scenario = builtin("field");
        scenario.modem.echo = false;
        scenario.policy.timeouts.register = Span::from_secs(9);
        let late = Fault::Modem(ModemFault::DelayNextAnswer(late_s * 1_000));
        scenario.faults = vec![Timed::during(Phase::WaitResults, 1_000, late)];
        let examination = live(&scenario);
        assert_eq!(examination.outcome(), Outcome::Complete, "{late_s} s late");
        assert_eq!(examination.selected(), Some("310410"), "{late_s} s late");
    }
}

#[test]
fn a_modem_that_answers_at_with_an_error_each_time_is_scanned_all_the_same() {
    for echo in [true, false] {
        let mut scenario = builtin("field");
        scenario.modem.echo = echo;
        let error = Canned { command: String::new(), lines: vec![], error: Some(100), delay_ms: 10 };
        scenario.modem.canned.push(error);
        let examination = live(&scenario);
        assert_eq!(examination.outcome(), Outcome::Complete, "echo {echo}");
        assert_eq!(examination.selected(), Some("310410"));
        let (asked, ready) = (enters(Phase::Prepare), enters(Phase::GetOperators));
        let took =
            examination.at(ready).expect("a search").duration_since(examination.at(asked).expect("ready"));
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
}

#[test]
fn f04_the_groups_at_the_end_of_the_list_are_not_tried() {
    let examination = live(&builtin("field"));
    assert_eq!(examination.record.carriers.len(), 4);
    assert_eq!(examination.tried().len(), 4);
}

#[test]
fn f05_a_carrier_listed_twice_is_tried_once() {
    let examination = live(&builtin("field"));
    let tmobile = examination.tried().iter().filter(|plmn| *plmn == "310260").count();
    assert_eq!(tmobile, 1);
    assert_eq!(examination.carrier("310260").technologies.iter().count(), 2, "both technologies are kept");
}

#[test]
fn f06_a_forbidden_carrier_is_not_tried_unless_the_policy_says_so() {
    let mut scenario = builtin("forbidden");
    assert!(!live(&scenario).tried().contains(&"310260".to_owned()));
    scenario.policy.try_forbidden = true;
    assert!(!live(&scenario).tried().contains(&"310260".to_owned()), "others registered");
    for network in &mut scenario.modem.networks {
        network.stat = 3;
    }
    assert!(live(&scenario).tried().contains(&"310260".to_owned()), "asked, and there is no other");
}

#[test]
fn f07_where_all_carriers_failed_before_they_are_tried_anyway() {
    let mut world = World::new(builtin("all-refuse"));
    let mut tried = Vec::new();
    for id in 2..4 {
        world.run_scan(Duration::from_secs(900));
        let begun = world.told().iter().filter(|told| matches!(told.event, Event::TrialBegins(_))).count();
        tried.push(begun);
        assert_eq!(world.scanner().deny_list().iter().count(), 4, "all of them are on it");
        world.request(id);
    }
    assert_eq!(
        tried,
        [4, 8],
        "a deny list orders and delays; it never leaves the gateway without a candidate"
    );
}

#[test]
fn f13_one_request_is_one_scan() {
    let mut world = World::new(builtin("quick"));
    world.run_scan(Duration::from_secs(900));
    world.request(1);
    assert_eq!(world.scanner().phase(), Phase::Idle);
    let declined = |told: &Told| matches!(told.event, Event::Declined(Declined::Repeated));
    world.advance_to(world.now());
    assert!(world.told().iter().any(declined));
}

#[test]
fn f08_a_failed_scan_restores_the_registration_before_it_gives_the_service_back() {
    for (selection, command) in
        [(Selection::Automatic, "AT+COPS=0"), (Selection::Manual, "AT+COPS=1,2,\"310410\"")]
    {
        let mut scenario = builtin("field");
        scenario.modem.selection = selection;
        scenario.modem.searches_refused = 5;
        let examination = live(&scenario);
        assert_eq!(examination.outcome(), Outcome::Failed(Failure::SearchFailed));
        let restored = examination.commands().iter().find(|(_, line)| line == command).map(|(at, _)| *at);
        let given = examination.at(|event| *event == Event::GivenBack);
        assert!(restored.expect("it is restored") < given.expect("it is given back"));
        assert_eq!(examination.record.report.restored, Some(true), "{selection:?}");
    }
}

#[test]
fn f09_a_carrier_whose_selection_registers_on_another_is_not_chosen() {
    let examination = live(&builtin("elsewhere"));
    assert_eq!(examination.selected(), Some("311480"));
    assert_eq!(examination.carrier("310410").trial, Trial::TimedOut);
}

#[test]
fn f11_a_port_that_goes_away_is_opened_again_and_the_scan_resumed() {
    let examination = live(&builtin("port-vanishes"));
    assert_eq!(examination.outcome(), Outcome::Complete);
    assert_eq!(examination.record.report.reopens, 1);
    let searches = examination.commands().iter().filter(|(_, line)| line == "AT+COPS=?").count();
    assert_eq!(searches, 1, "the list is known");
}

#[test]
fn f11_a_port_that_stays_away_costs_its_timeout_and_the_service_comes_back() {
    let mut scenario = builtin("port-vanishes");
    scenario.faults =
        vec![Timed::during(Phase::TestCarrier, 100, Fault::PortVanishes(Duration::from_secs(60)))];
    assert_eq!(live(&scenario).outcome(), Outcome::Failed(Failure::PortUnavailable));
}

#[test]
fn f17_a_signal_is_read_once_the_new_registration_has_settled() {
    let mut scenario = builtin("field");
    scenario.modem.signal_settle_ms = 450;
    let examination = live(&scenario);
    let mut values: Vec<_> = examination
        .record
        .carriers
        .iter()
        .filter_map(|carrier| {
            let Trial::Registered(strength) = carrier.trial else { return None };
            strength.rssi_dbm
        })
        .collect();
    values.dedup();
    assert_eq!(values.len(), 3, "each its own: {values:?}");
}

#[test]
fn a_modem_without_values_in_csq_is_measured_by_its_vendors_command() {
    let mut scenario = builtin("field");
    scenario.modem.cesq = false;
    scenario.modem.identity.manufacturer = "Quectel".to_owned();
    for network in &mut scenario.modem.networks {
        network.rssi = 99;
    }
    scenario.modem.canned = vec![Canned {
        command: "+QCSQ".to_owned(),
        lines: vec!["+QCSQ: \"LTE\",-62,-92,93,-14".to_owned()],
        error: None,
        delay_ms: 20,
    }];
    let examination = examine(&scenario);
    for plmn in ["310260", "311480", "310410"] {
        let trial = examination.carrier(plmn).trial;
        assert!(
            matches!(trial, Trial::Registered(strength) if strength.rsrp_dbm == Some(-92)),
            "{plmn}: {trial:?}"
        );
    }
    let asked = examination.commands().iter().filter(|(_, line)| line == "ATI").count();
    assert_eq!(asked, 1, "the modem does not change");
}

#[test]
fn f19_half_a_command_in_the_line_buffer_and_stray_lines_do_no_harm() {
    for prefix in [Prefix::Find, Prefix::Strict] {
        let mut scenario = builtin("field");
        scenario.modem.prefix = prefix;
        scenario.modem.leftover_input = b"AATQ0".to_vec();
        scenario.modem.leftover_output = b"\r\n+CREG: 1\r\n\r\nOK\r\n^SYSSTART\r\n".to_vec();
        assert_eq!(live(&scenario).outcome(), Outcome::Complete);
    }
}

#[test]
fn f19_a_modem_left_in_data_mode_is_escaped_from_it() {
    let mut scenario = builtin("field");
    scenario.modem.in_data_mode = true;
    scenario.modem.obeys_dtr = false;
    assert_eq!(live(&scenario).outcome(), Outcome::Complete);
}

#[test]
fn f21_a_registration_that_takes_forty_seconds_is_waited_for() {
    let mut scenario = builtin("field");
    set_select(&mut scenario, "310410", &Select::Accept { after_ms: 40_000 });
    let examination = live(&scenario);
    assert_eq!(examination.selected(), Some("310410"));
}

#[test]
fn f21_a_command_that_times_out_is_aborted_by_one_cr_and_drained() {
    let mut scenario = builtin("field");
    set_select(&mut scenario, "310260", &Select::Silent { busy_ms: 120_000 });
    scenario.modem.while_busy = WhileBusy::Abort(AbortAnswer::Ok);
    let examination = live(&scenario);
    assert_eq!(examination.carrier("310260").trial, Trial::TimedOut);
    assert_eq!(examination.selected(), Some("310410"), "the OK of the abort is no carrier's answer");
}

#[test]
fn f22_denied_by_creg_and_registered_by_cereg_is_registered() {
    let mut scenario = builtin("field");
    let [_, packet, eps, five_g] = scenario.modem.domains;
    scenario.modem.domains = [DomainSupport::Fixed(3), packet, eps, five_g];
    assert_eq!(live(&scenario).selected(), Some("310410"));
}

#[test]
fn f22_an_ok_without_an_operator_is_not_registered() {
    let mut scenario = builtin("field");
    for network in scenario.modem.networks.iter_mut().filter(|network| network.plmn == "310410") {
        *network = Network { registration_ms: 600_000, ..network.clone() };
    }
    let examination = live(&scenario);
    assert_eq!(examination.carrier("310410").trial, Trial::TimedOut);
    assert_eq!(examination.selected(), Some("311480"));
}

#[test]
fn good_enough_and_quick_shorten_the_outage() {
    let outage = |name: &str| live(&builtin(name)).record.report.outage.expect("an outage");
    let (full, enough, quick) = (outage("field"), outage("good-enough"), outage("quick"));
    assert!(quick < enough && enough < full, "{quick:?} {enough:?} {full:?}");
    assert_eq!(builtin("good-enough").policy.strategy, Strategy::GoodEnough(-75));
}
