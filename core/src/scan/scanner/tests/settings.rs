//! The settings of the modem are put back.

use super::*;

const LONG: &str = "+COPS: 0,0,\"AT&T\",7";

/// In state 9b: the chosen carrier was just verified. The modem's settings were found so.
fn verified(errors: &str, names: &str) -> Bench {
    let mut bench = Bench::searching_found(policy(), errors, names);
    bench.line(LIST);
    bench.line("OK");
    for (digits, csq) in [("310260", 16), ("311480", 22), ("310410", 25)] {
        bench.measure(digits, csq);
    }
    bench.register("310410");
    bench
}

#[test]
fn what_was_found_is_put_back_before_the_service_is_given_back() {
    for (found, errors) in [("+CMEE: 0", "AT+CMEE=0"), ("+CMEE: 2", "AT+CMEE=2")] {
        let mut bench = verified(found, LONG);
        assert_eq!(bench.sent().as_deref(), Some("AT+COPS=3,0"));
        bench.line("OK");
        assert_eq!(bench.sent().as_deref(), Some(errors));
        bench.line("OK");
        assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)]);
    }
}

#[test]
fn what_the_scan_did_not_change_and_what_it_does_not_know_is_left_alone() {
    for (errors, names) in
        [("+CMEE: 1", "+COPS: 0,2,\"310410\",7"), ("+CMEE: 7", "+COPS: 0"), ("junk", "+COPS: 2")]
    {
        let bench = verified(errors, names);
        assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)], "{errors} {names}");
    }
}

#[test]
fn the_service_is_given_back_whatever_the_modem_answers_to_its_old_settings() {
    for answer in ["ERROR", "+CME ERROR: 10", "+CME ERROR: SIM not inserted"] {
        let mut bench = verified("+CMEE: 0", LONG);
        bench.refuse(answer);
        bench.refuse(answer);
        assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)], "{answer}");
        assert_eq!(bench.owed.selection, None);
    }
    let mut silent = verified("+CMEE: 0", LONG);
    silent.pass_until(|bench| bench.asked.contains(&Action::Ask(Want::Up)));
    silent.give(Input::Service(up()));
    silent.give(Input::Link(true));
    assert_eq!(silent.outcome(), Some(Outcome::Complete), "the choice stands");
}

#[test]
fn a_scan_that_fails_puts_the_settings_back_with_the_selection() {
    let mut bench = Bench::searching_found(policy(), "+CMEE: 0", LONG);
    bench.line(LIST);
    bench.line("OK");
    bench.refuse("+CME ERROR: 10");
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=0"), "the SIM is gone");
    bench.line("OK");
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=3,0"));
    bench.line("OK");
    assert_eq!(bench.sent().as_deref(), Some("AT+CMEE=0"));
    bench.line("OK");
    bench.answer("AT+COPS?", &[LONG, "OK"]);
    bench.answer("AT+CEREG?", &["+CEREG: 0,1", "OK"]);
    assert_eq!(bench.report.restored, Some(true));
    assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)]);
}

#[test]
fn a_scan_that_fails_before_it_deregistered_puts_the_settings_back() {
    let mut bench = Bench::preparing(policy());
    bench.answer("AT", &["OK"]);
    bench.answer("AT+CMEE?", &["+CMEE: 2", "OK"]);
    bench.answer("AT+CMEE=1", &["OK"]);
    bench.answer("AT+CPIN?", &["+CPIN: SIM PIN", "OK"]);
    assert_eq!(bench.sent().as_deref(), Some("AT+CMEE=2"));
    bench.line("OK");
    assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)]);
    assert_eq!(bench.report.restored, None, "the registration was not changed");
}

#[test]
fn after_an_interruption_the_first_settings_count() {
    let mut bench = Bench::searching_found(policy(), "+CMEE: 0", LONG);
    bench.give(Input::PortLost);
    bench.pass();
    bench.give(Input::PortOpened);
    bench.give(Input::Remains(Remains::default()));
    bench.prepare_found("+CMEE: 1", "+COPS: 2", "+COPS: 2");
    bench.answer("AT+COPS=2", &["OK"]);
    bench.line(LIST);
    bench.line("OK");
    bench.give(Input::Abort);
    bench.pass_until(|bench| bench.asked.contains(&Action::OpenPort));
    bench.give(Input::PortOpened);
    bench.give(Input::Remains(Remains::default()));
    bench.answer("AT", &["OK"]);
    bench.answer("AT+COPS=0", &["OK"]);
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=3,0"));
    bench.line("OK");
    assert_eq!(bench.sent().as_deref(), Some("AT+CMEE=0"));
}
