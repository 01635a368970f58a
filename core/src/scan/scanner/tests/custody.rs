//! What a scan records in case it dies, and what its successor makes of it.

use super::*;
use crate::selection::Selection;
use crate::supervisor::Taken;

/// In state 12: only the registration has to be restored, and the port was seen free.
fn restoring(selection: Selection) -> Bench {
    let mut bench = Bench::new(policy());
    assert!(bench.give(Input::Restore(selection)).is_empty(), "DTR is left low for a while");
    assert_eq!(bench.scanner.phase(), Phase::Failed);
    bench.give(Input::Remains(Remains::default()));
    assert_eq!(bench.pass(), [Action::OpenPort]);
    assert!(bench.give(Input::PortOpened).is_empty());
    assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::Send(Outgoing::Return)]);
    bench
}

fn att() -> Plmn {
    Plmn::parse(b"310410").expect("six digits")
}

#[test]
fn the_selection_is_recorded_before_the_modem_is_deregistered() {
    for (line, noted) in [
        ("+COPS: 0,2,\"310410\",7", Selection::Automatic),
        ("+COPS: 1,2,\"310410\",7", Selection::Manual(att())),
        ("ERROR", Selection::Automatic),
    ] {
        let mut bench = Bench::preparing(policy());
        bench.answer("AT", &["OK"]);
        bench.answer("AT+CMEE?", &["+CMEE: 1", "OK"]);
        bench.answer("AT+CMEE=1", &["OK"]);
        bench.answer("AT+CPIN?", &["+CPIN: READY", "OK"]);
        bench.answer("AT+COPS?", &["+COPS: 0,2,\"310410\",7", "OK"]);
        bench.answer("AT+COPS=3,2", &["OK"]);
        bench.answer("AT+COPS?", &[]);
        bench.now = bench.now + Span::from_millis(500);
        bench.line(line);
        if line != "ERROR" {
            bench.line("OK");
        }
        let sent = Action::Send(Outgoing::Command(Command::Deregister));
        let owed = Owed { want: Some(Want::Up), selection: Some(noted) };
        assert!(bench.actions.ends_with(&[Action::Owe(owed), sent]), "{line}: {:?}", bench.actions);
    }
}

#[test]
fn restore_sets_the_recorded_selection_and_requests_nothing_of_the_service() {
    for (selection, command) in
        [(Selection::Automatic, "AT+COPS=0"), (Selection::Manual(att()), "AT+COPS=1,2,\"310410\"")]
    {
        let mut bench = restoring(selection);
        bench.answer("AT", &["OK"]);
        bench.answer(command, &["OK"]);
        bench.register("310410");
        assert!(bench.actions.contains(&Action::Owe(Owed::default())), "{:?}", bench.actions);
        assert_eq!(bench.asked, [Action::ClosePort, Action::Release]);
        assert_eq!((bench.scanner.phase(), bench.report.restored), (Phase::Idle, Some(true)));
        assert_eq!(bench.scanner.next_deadline(), None);
    }
}

#[test]
fn restore_does_not_open_a_port_that_another_process_holds() {
    let held = Remains { service: None, stranger: NonZeroU32::new(7) };
    let mut bench = Bench::new(policy());
    bench.give(Input::Restore(Selection::Automatic));
    assert_eq!(bench.give(Input::Remains(held)), [Action::ClosePort, Action::Release]);
    assert_eq!(bench.report.restored, Some(false));
    let mut unseen = Bench::new(policy());
    unseen.give(Input::Restore(Selection::Automatic));
    unseen.pass_until(|bench| bench.scanner.phase() == Phase::Idle);
    assert_eq!(unseen.report.restored, Some(false), "the holder of the port was never known");
}

#[test]
fn restore_is_declined_while_a_scan_runs() {
    let mut bench = Bench::searching(policy());
    assert!(bench.give(Input::Restore(Selection::Automatic)).is_empty());
    assert_eq!(bench.scanner.phase(), Phase::WaitResults);
    assert!(matches!(bench.events.last(), Some(Event::Declined(_))));
}

#[test]
fn the_next_scan_restores_the_selection_that_a_dead_scan_recorded() {
    let mut bench = Bench::new(policy());
    bench.start();
    let owed = Owed { want: Some(Want::Up), selection: Some(Selection::Manual(att())) };
    bench.give(Input::Taken(Taken { status: up(), owed }));
    bench.give(Input::Service(down()));
    bench.give(Input::Remains(Remains::default()));
    bench.give(Input::PortOpened);
    bench.give(Input::Remains(Remains::default()));
    // Deregistered, as the dead scan has left it.
    bench.prepare("+COPS: 2");
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=2"));
    bench.line("OK");
    bench.give(Input::Abort);
    bench.pass_until(|bench| bench.asked == [Action::OpenPort]);
    bench.give(Input::PortOpened);
    bench.give(Input::Remains(Remains::default()));
    bench.answer("AT", &["OK"]);
    bench.answer("AT+COPS=1,2,\"310410\"", &["OK"]);
}

fn owes(want: Option<Want>) -> Owed {
    Owed { want, selection: None }
}

#[test]
fn nothing_is_owed_before_down_is_requested_and_the_want_is_recorded_before_the_request() {
    let mut bench = Bench::new(policy());
    bench.start();
    assert!(!bench.actions.iter().any(|action| matches!(action, Action::Owe(_))), "{:?}", bench.actions);
    bench.give(Input::Taken(up().into()));
    let asked = [Action::Owe(owes(Some(Want::Up))), Action::Ask(Want::Down)];
    assert!(bench.actions.ends_with(&asked), "{:?}", bench.actions);
}

#[test]
fn nothing_is_owed_to_a_service_found_down() {
    let mut bench = Bench::new(policy());
    bench.start();
    bench.give(Input::Taken(down().into()));
    assert!(!bench.actions.iter().any(|action| matches!(action, Action::Owe(_))), "{:?}", bench.actions);
}

#[test]
fn a_scan_that_takes_over_owes_what_the_dead_scan_owed_and_asks_for_that_want() {
    let owed = owes(Some(Want::Up));
    let mut bench = Bench::new(policy());
    bench.start();
    bench.give(Input::Taken(Taken { status: down(), owed }));
    assert_eq!(bench.asked, [Action::Ask(Want::Down)], "the record is there already");
    assert!(
        matches!(bench.events.last(), Some(Event::Moved { to: Phase::StopPppWaitSv, .. }))
            && bench.events.contains(&Event::Taken(ServiceStatus { want: Want::Up, ..down() })),
        "{:?}",
        bench.events
    );
    bench.give(Input::Service(down()));
    bench.give(Input::Abort);
    assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::Ask(Want::Up)]);
}

#[test]
fn the_down_of_another_client_removes_the_debt_and_its_up_restores_it() {
    for (fixture, selection) in [
        (Bench::stopping as fn(Policy) -> Bench, None),
        (Bench::verifying, None),
        (Bench::searching, Some(Selection::Automatic)),
    ] {
        let mut bench = fixture(policy());
        let foreign = ServiceStatus { foreign_down: true, ..down() };
        bench.give(Input::Service(foreign));
        assert_eq!(bench.owed, Owed { want: None, selection }, "the modem is still owed its selection");
        bench.give(Input::Service(foreign));
        assert!(!bench.actions.contains(&Action::Owe(bench.owed)), "said once");
        bench.give(Input::Service(down()));
        assert_eq!(bench.owed, Owed { want: Some(Want::Up), selection });
    }
}

#[test]
fn a_record_older_than_our_requests_does_not_count_as_given_back() {
    let unread = ServiceStatus { given_back: Some(false), ..up() };
    let given_back = ServiceStatus { given_back: Some(true), ..up() };
    let mut bench = Bench::stopping(policy());
    bench.give(Input::Abort);
    assert_eq!(bench.asked, [Action::Ask(Want::Up)]);
    // The record says up, and has never said anything else: the `d` may still be unread.
    assert!(bench.give(Input::Service(unread)).is_empty());
    assert_eq!(bench.owed, owes(Some(Want::Up)));
    assert_eq!(bench.give(Input::Service(given_back)), [Action::Release]);
    assert_eq!(bench.owed, owes(None));
}

#[test]
fn what_another_client_asks_for_after_the_service_was_given_back_is_not_overruled() {
    let mut bench = Bench::starting(policy());
    // Two changes between two readings: up, as we asked, and then the operator's down.
    bench.give(Input::Service(ServiceStatus { given_back: Some(true), ..down() }));
    assert_eq!((bench.owed, bench.outcome()), (owes(None), Some(Outcome::Complete)));
    assert_eq!(bench.asked, [Action::Release], "no link will come");
    assert!(bench.report.given_back);
}

#[test]
fn another_clients_down_while_the_link_is_waited_for_ends_the_scan_and_no_other_carrier_is_tried() {
    let stopping = service(ServiceState::Run, Want::Once);
    let proven = ServiceStatus { given_back: Some(true), ..down() };
    for overruling in [down(), stopping, proven, ServiceStatus { foreign_down: true, ..down() }] {
        let mut bench = Bench::starting(Policy { no_link: NoLink::NextBest, ..policy() });
        bench.give(Input::Service(up()));
        assert_eq!(bench.give(Input::Service(overruling)), [Action::Release], "{overruling:?}");
        let report = &bench.report;
        assert_eq!(
            (bench.outcome(), report.link, bench.owed),
            (Some(Outcome::Complete), Some(false), owes(None))
        );
    }
}

#[test]
fn a_service_that_was_to_run_once_and_has_ended_is_no_wish_of_another_client() {
    let once = service(ServiceState::Run, Want::Once);
    let mut bench =
        Bench::starting(Begin { policy: Policy { no_link: NoLink::NextBest, ..policy() }, found: once });
    assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Once)]);
    bench.give(Input::Service(once));
    bench.give(Input::Service(down()));
    assert_eq!(bench.scanner.phase(), Phase::WaitPpp);
    assert_eq!(bench.pass(), [Action::Ask(Want::Down)], "the next best");
}

#[test]
fn nothing_is_owed_while_the_link_is_waited_for_until_down_is_requested_again() {
    let mut bench = Bench::starting(Policy { no_link: NoLink::NextBest, ..policy() });
    bench.give(Input::Service(up()));
    assert_eq!((bench.owed, bench.scanner.phase()), (owes(None), Phase::WaitPpp));
    bench.pass();
    assert!(bench.actions.ends_with(&[Action::Owe(owes(Some(Want::Up))), Action::Ask(Want::Down)]));
}

#[test]
fn a_service_that_is_never_seen_given_back_stays_owed() {
    let mut bench = Bench::starting(policy());
    bench.pass_until(|bench| bench.outcome().is_some());
    assert!(bench.asked.contains(&Action::HandOver));
    assert_eq!(bench.owed, owes(Some(Want::Up)));
}

#[test]
fn a_service_that_was_to_run_once_is_owed_that() {
    let once = service(ServiceState::Run, Want::Once);
    let mut bench = Bench::new(policy());
    bench.start();
    bench.give(Input::Taken(once.into()));
    assert_eq!(bench.owed, owes(Some(Want::Once)));
    bench.give(Input::Abort);
    assert_eq!(bench.asked, [Action::Ask(Want::Once)]);
    // It ran once, and has ended before the next look.
    assert_eq!(
        bench.give(Input::Service(ServiceStatus { given_back: Some(true), ..down() })),
        [Action::Release]
    );
    assert_eq!(bench.owed, owes(None));
}

#[test]
fn a_scan_that_fails_after_its_first_choice_had_no_link_owes_the_selection_while_it_restores_it() {
    let mut bench = Bench::starting(Policy { no_link: NoLink::NextBest, ..policy() });
    bench.give(Input::Service(up()));
    bench.pass();
    assert_eq!(bench.owed, owes(Some(Want::Up)), "the modem was settled on that choice");
    bench.give(Input::Service(down()));
    bench.give(Input::Remains(Remains::default()));
    bench.give(Input::PortOpened);
    bench.give(Input::Remains(Remains::default()));
    bench.answer("AT", &["OK"]);
    bench.answer("AT+CMEE?", &["+CMEE: 1", "OK"]);
    bench.answer("AT+CMEE=1", &["OK"]);
    bench.answer("AT+CPIN?", &["+CPIN: SIM PIN", "OK"]);
    let owed = Owed { selection: Some(Selection::Automatic), ..owes(Some(Want::Up)) };
    assert_eq!((bench.owed, bench.sent().as_deref()), (owed, Some("AT+COPS=0")));
}
