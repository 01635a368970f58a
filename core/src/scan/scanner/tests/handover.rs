//! A whole scan, and states 0 to 2b and 10 to 12.

use super::*;

#[test]
fn a_scan_passes_all_states_and_gives_the_service_back_on_the_best_carrier() {
    let mut bench = Bench::starting(policy());
    bench.give(Input::Service(service(ServiceState::Run, Want::Up)));
    assert_eq!(bench.give(Input::Link(true)), [Action::Release]);
    assert_eq!(bench.outcome(), Some(Outcome::Complete));
    let report = &bench.report;
    assert_eq!(report.selected.map(|plmn| plmn.as_str().len()), Some(6));
    assert_eq!(report.selected.unwrap().as_str(), "310410");
    assert_eq!((report.given_back, report.link), (true, Some(true)));
    let trials = [Phase::TestCarrier, Phase::WaitSignal, Phase::NextCarrier].repeat(3);
    let expected =
        [
            &[
                Phase::StopPpp,
                Phase::StopPppWaitSv,
                Phase::VerifyStopped,
                Phase::Prepare,
                Phase::GetOperators,
            ][..],
            &[Phase::WaitResults, Phase::NextCarrier],
            &trials,
            &[Phase::SelectBest, Phase::ConnectBest, Phase::VerifyCarrier, Phase::StartPpp, Phase::WaitPpp],
            &[Phase::Complete, Phase::Idle],
        ]
        .concat();
    assert_eq!(bench.phases(), expected);
}

#[test]
fn idle_declines_a_request_served_before() {
    let mut bench = Bench::starting(policy());
    bench.give(Input::Service(up()));
    bench.give(Input::Link(true));
    bench.start();
    assert!(bench.asked.is_empty());
    assert_eq!(bench.events.last(), Some(&Event::Declined(Declined::Repeated)));
}

#[test]
fn stop_ppp_refused_changes_nothing_and_reports_it() {
    let mut bench = Bench::new(policy());
    bench.start();
    assert_eq!(bench.give(Input::Refused(Refused::Take)), [Action::Release]);
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::ServiceUnavailable)));
    assert!(bench.report.given_back, "nothing was taken");
}

#[test]
fn wait_sv_without_a_changed_record_asks_again_and_then_gives_back() {
    let mut bench = Bench::stopping(policy());
    assert_eq!(bench.pass(), [Action::Ask(Want::Down)]);
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Failed);
    assert_eq!(bench.asked, [Action::Ask(Want::Up)]);
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::SupervisorSilent)));
}

#[test]
fn wait_sv_waits_for_pppd_until_its_timeout_and_then_kills_it() {
    let mut bench = Bench::stopping(policy());
    bench.give(Input::Service(service(ServiceState::Run, Want::Down)));
    let asked = bench.now;
    bench.pass_until(|bench| bench.asked.contains(&Action::Signal(Signal::Kill)));
    assert_eq!(bench.now, asked + Policy::DEFAULT.timeouts.down);
    bench.give(Input::Service(down()));
    assert_eq!(bench.scanner.phase(), Phase::VerifyStopped);
}

#[test]
fn wait_sv_waits_for_the_successor_of_a_dead_supervisor_and_asks_it() {
    let mut bench = Bench::stopping(policy());
    bench.give(Input::Service(ServiceStatus { supervised: false, ..up() }));
    assert!(bench.asked.is_empty(), "no supervisor runs that could be asked");
    assert_eq!(bench.give(Input::Service(up())), [Action::Ask(Want::Down)]);
}

#[test]
fn wait_sv_without_a_successor_stops_the_orphan_itself() {
    let mut bench = Bench::stopping(policy());
    bench.give(Input::Service(ServiceStatus { supervised: false, ..up() }));
    bench.pass_until(|bench| bench.scanner.phase() == Phase::VerifyStopped);
    let remains = Remains { service: Some(PID), stranger: None };
    assert_eq!(bench.give(Input::Remains(remains)), [Action::Signal(Signal::Term)]);
}

#[test]
fn verify_stopped_port_still_held_kills_then_checks_again() {
    let mut bench = Bench::verifying(policy());
    let remains = Remains { service: Some(PID), stranger: None };
    assert_eq!(bench.give(Input::Remains(remains)), [Action::Signal(Signal::Term)]);
    assert!(bench.give(Input::Remains(remains)).is_empty(), "once");
    bench.pass_until(|bench| bench.asked.contains(&Action::Signal(Signal::Kill)));
    assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::OpenPort]);
}

#[test]
fn verify_stopped_never_signals_a_stranger_and_gives_up_in_time() {
    let mut bench = Bench::verifying(policy());
    bench.give(Input::Remains(Remains { service: None, stranger: Some(PID) }));
    assert_eq!(bench.events.last(), Some(&Event::HeldByStranger(PID)));
    bench.pass_until(|bench| {
        assert!(!bench.asked.iter().any(|action| matches!(action, Action::Signal(_))));
        bench.scanner.phase() == Phase::Failed
    });
    assert_eq!(bench.asked, [Action::Ask(Want::Up)]);
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::PortHeld(Some(PID)))));
}

#[test]
fn verify_stopped_service_restarted_waits_for_down_again() {
    let mut bench = Bench::verifying(policy());
    bench.give(Input::Service(service(ServiceState::Run, Want::Down)));
    assert_eq!(bench.scanner.phase(), Phase::StopPppWaitSv);
    assert_eq!(bench.asked, [Action::Ask(Want::Down)], "the port was not open: there is nothing to close");
}

#[test]
fn prepare_port_taken_by_another_process_closes_it_without_sending() {
    let mut bench = Bench::verifying(policy());
    bench.give(Input::Remains(Remains::default()));
    bench.give(Input::PortOpened);
    let stranger = Remains { service: None, stranger: Some(PID) };
    assert_eq!(bench.give(Input::Remains(stranger)), [Action::ClosePort]);
    assert_eq!(bench.scanner.phase(), Phase::VerifyStopped);
}

#[test]
fn wait_results_port_opened_by_another_process_waits_until_it_is_free() {
    let mut bench = Bench::searching(policy());
    let stranger = Remains { service: None, stranger: Some(PID) };
    assert_eq!(bench.give(Input::Remains(stranger)), [Action::ClosePort]);
    assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::OpenPort]);
}

#[test]
fn abort_while_going_down_ends_the_remaining_process_before_up() {
    let mut bench = Bench::stopping(policy());
    bench.give(Input::Service(service(ServiceState::Run, Want::Down)));
    assert!(bench.give(Input::Abort).is_empty());
    bench.give(Input::Service(down()));
    let orphan = Remains { service: Some(PID), stranger: None };
    assert_eq!(bench.give(Input::Remains(orphan)), [Action::Signal(Signal::Term)]);
    assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::Ask(Want::Up)]);
}

#[test]
fn prepare_sim_locked_gives_up_before_it_changes_anything() {
    let mut bench = Bench::preparing(policy());
    bench.answer("AT", &["OK"]);
    bench.answer("AT+CMEE?", &["+CMEE: 1", "OK"]);
    bench.answer("AT+CMEE=1", &["OK"]);
    bench.answer("AT+CPIN?", &["+CPIN: SIM PIN", "OK"]);
    assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)]);
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::SimNotReady)));
    assert_eq!(bench.report.restored, None, "there was no need");
}

#[test]
fn prepare_modem_silent_gives_the_service_back() {
    let mut bench = Bench::preparing(policy());
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Failed);
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::ModemSilent)));
}

#[test]
fn prepare_port_missing_retries_until_its_timeout() {
    let mut bench = Bench::verifying(policy());
    bench.give(Input::Remains(Remains::default()));
    assert!(bench.give(Input::PortLost).is_empty());
    assert_eq!(bench.pass(), [Action::OpenPort]);
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Failed);
    assert_eq!(bench.scanner.context.failure, Some(Failure::PortUnavailable));
}

#[test]
fn wait_results_second_client_is_overruled_twice_and_then_yielded_to() {
    let mut bench = Bench::searching(policy());
    for _ in 0..2 {
        assert_eq!(bench.give(Input::Service(up())), [Action::ClosePort, Action::Ask(Want::Down)]);
        bench.give(Input::Service(down()));
        bench.give(Input::Remains(Remains::default()));
        bench.give(Input::PortOpened);
        bench.give(Input::Remains(Remains::default()));
        bench.give(Input::Remains(Remains::default()));
        bench.prepare("+COPS: 2");
        bench.answer("AT+COPS=2", &["OK"]);
    }
    assert_eq!(bench.give(Input::Service(up())), [Action::ClosePort, Action::Ask(Want::Up)]);
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::SecondClient)));
}

#[test]
fn start_ppp_asks_for_up_until_the_want_byte_shows_it() {
    let mut bench = Bench::starting(policy());
    bench.give(Input::Service(down()));
    assert_eq!(
        bench.pass(),
        [Action::Ask(Want::Up)],
        "sv writes nothing where a stale record shows the want; the machine repeats"
    );
    bench.give(Input::Service(up()));
    assert_eq!(bench.scanner.phase(), Phase::WaitPpp);
}

#[test]
fn start_ppp_never_confirmed_is_handed_over_to_the_guard() {
    let mut bench = Bench::starting(policy());
    bench.pass_until(|bench| bench.outcome().is_some());
    assert!(!bench.report.given_back);
    assert!(bench.asked.contains(&Action::HandOver) && !bench.asked.contains(&Action::Release));
}

#[test]
fn wait_ppp_without_a_link_completes_with_a_warning() {
    let mut bench = Bench::starting(policy());
    bench.give(Input::Service(up()));
    assert_eq!(bench.pass(), [Action::Release]);
    assert_eq!((bench.outcome(), bench.report.link), (Some(Outcome::Complete), Some(false)));
}

#[test]
fn wait_ppp_without_a_link_tries_the_next_best_where_the_policy_says_so() {
    let mut bench = Bench::starting(Policy { no_link: NoLink::NextBest, ..policy() });
    bench.give(Input::Service(up()));
    assert_eq!(bench.pass(), [Action::Ask(Want::Down)]);
    bench.give(Input::Service(down()));
    bench.give(Input::Remains(Remains::default()));
    bench.give(Input::PortOpened);
    bench.give(Input::Remains(Remains::default()));
    bench.prepare("+COPS: 1,2,\"310410\",7");
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"311480\""));
    // The modem was settled on the first choice: the selection is owed again before it leaves it.
    let owed = Owed { want: Some(Want::Up), selection: Some(crate::selection::Selection::Automatic) };
    assert_eq!(bench.owed, owed);
    assert!(matches!(bench.actions.as_slice(), [.., Action::Owe(_), Action::Send(_)]), "{:?}", bench.actions);
}

#[test]
fn a_service_found_down_is_left_down() {
    let mut bench = Bench::new(policy());
    bench.start();
    bench.give(Input::Taken(down().into()));
    bench.give(Input::Service(down()));
    bench.give(Input::Abort);
    assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::Release]);
}

#[test]
fn a_down_of_another_client_is_respected() {
    let mut bench = Bench::searching(policy());
    bench.give(Input::Service(ServiceStatus { foreign_down: true, ..down() }));
    assert!(bench.asked.is_empty(), "the scan goes on");
    bench.give(Input::Abort);
    bench.pass_until(|bench| bench.outcome().is_some());
    assert!(!bench.asked.contains(&Action::Ask(Want::Up)));
}

#[test]
fn the_budget_reserves_time_to_restore_and_to_give_back() {
    let policy = Policy { budget: Span::from_secs(90), ..policy() };
    let mut bench = Bench::searching(policy);
    let asked = bench.scanner.context.asked_at.unwrap();
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Failed);
    assert_eq!(bench.now, asked + policy.budget.saturating_sub(policy.reserve()));
    bench.pass_until(|bench| bench.asked.contains(&Action::Ask(Want::Up)));
    assert!(bench.now <= asked + policy.budget);
}

#[test]
fn abort_in_any_state_ends_with_the_service_given_back() {
    let fixtures: [fn(Policy) -> Bench; 5] =
        [Bench::stopping, Bench::verifying, Bench::preparing, Bench::searching, Bench::trying];
    for fixture in fixtures {
        let mut bench = fixture(policy());
        bench.give(Input::Abort);
        bench.pass_until(|bench| bench.asked.contains(&Action::Ask(Want::Up)));
        assert_eq!(bench.give(Input::Service(up())), [Action::Release]);
        assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::Aborted)));
    }
}

#[test]
fn a_clock_that_goes_back_counts_as_standing_still() {
    let mut bench = Bench::stopping(policy());
    let deadline = bench.scanner.next_deadline();
    bench.now = Instant::ZERO;
    bench.give(Input::Service(service(ServiceState::Run, Want::Up)));
    assert_eq!(bench.scanner.next_deadline(), deadline);
}
