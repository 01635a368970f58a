//! The selection that a scan records in case it dies, and how its successor restores it.

use super::*;
use crate::selection::Selection;

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
        bench.answer("AT+CMEE=1", &["OK"]);
        bench.answer("AT+CPIN?", &["+CPIN: READY", "OK"]);
        bench.answer("AT+COPS=3,2", &["OK"]);
        bench.answer("AT+COPS?", &[]);
        bench.now = bench.now + Duration::from_millis(500);
        bench.line(line);
        if line != "ERROR" {
            bench.line("OK");
        }
        let sent = Action::Send(Outgoing::Command(Command::Deregister));
        assert_eq!(bench.asked, [Action::Note(Some(noted)), sent], "{line}");
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
        assert_eq!(bench.asked, [Action::Note(None), Action::ClosePort, Action::Release]);
        assert_eq!((bench.scanner.phase(), bench.scanner.report().restored), (Phase::Idle, Some(true)));
        assert_eq!(bench.scanner.next_deadline(), None);
    }
}

#[test]
fn restore_does_not_open_a_port_that_another_process_holds() {
    let held = Remains { service: None, stranger: NonZeroU32::new(7) };
    let mut bench = Bench::new(policy());
    bench.give(Input::Restore(Selection::Automatic));
    assert_eq!(bench.give(Input::Remains(held)), [Action::ClosePort, Action::Release]);
    assert_eq!(bench.scanner.report().restored, Some(false));
    let mut unseen = Bench::new(policy());
    unseen.give(Input::Restore(Selection::Automatic));
    unseen.pass_until(|bench| bench.scanner.phase() == Phase::Idle);
    assert_eq!(unseen.scanner.report().restored, Some(false), "the holder of the port was never known");
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
    bench.scanner.inherit(Selection::Manual(att()));
    bench.give(Input::Taken(up()));
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
