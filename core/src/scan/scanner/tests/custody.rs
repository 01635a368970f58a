//! What is noted for whoever comes after a scan that dies, and what that one does about it.

use super::*;
use crate::selection::Selection;

/// In state 12: nothing but the registration is to be restored, and the port was seen free.
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
fn the_selection_found_is_noted_before_the_modem_is_deregistered() {
    for (line, noted) in [
        ("+COPS: 0,2,\"310410\",7", Selection::Automatic),
        ("+COPS: 1,2,\"310410\",7", Selection::Manual(att())),
        ("ERROR", Selection::Automatic),
    ] {
        let mut bench = Bench::preparing(policy());
        bench.answer("AT", &["OK"]);
        bench.answer("AT+CMEE=2", &["OK"]);
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
fn restore_tells_the_modem_what_was_noted_and_asks_the_service_for_nothing() {
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
fn restore_leaves_a_port_alone_that_somebody_has() {
    let held = Remains { service: None, stranger: NonZeroU32::new(7) };
    let mut bench = Bench::new(policy());
    bench.give(Input::Restore(Selection::Automatic));
    assert_eq!(bench.give(Input::Remains(held)), [Action::ClosePort, Action::Release]);
    assert_eq!(bench.scanner.report().restored, Some(false));
    let mut unseen = Bench::new(policy());
    unseen.give(Input::Restore(Selection::Automatic));
    unseen.pass_until(|bench| bench.scanner.phase() == Phase::Idle);
    assert_eq!(unseen.scanner.report().restored, Some(false), "nobody could tell who has it");
}

#[test]
fn restore_is_declined_while_a_scan_is_under_way() {
    let mut bench = Bench::searching(policy());
    assert!(bench.give(Input::Restore(Selection::Automatic)).is_empty());
    assert_eq!(bench.scanner.phase(), Phase::WaitResults);
    assert!(matches!(bench.events.last(), Some(Event::Declined(_))));
}

#[test]
fn what_a_dead_scan_had_noted_is_restored_by_the_one_after_it() {
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
