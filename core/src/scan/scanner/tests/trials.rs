//! States 3 to 9b.

use super::*;
use crate::carrier::Remembered;

/// The carriers whose trials began, in order.
fn begun(bench: &Bench) -> StdVec<&str> {
    let trials = bench.events.iter();
    trials
        .filter_map(|event| if let Event::TrialBegins(plmn) = event { Some(plmn.as_str()) } else { None })
        .collect()
}

#[test]
fn test_carrier_tries_one_that_was_busy_once_more_at_the_end() {
    let mut bench = Bench::trying(policy());
    bench.refuse("+CME ERROR: 14");
    bench.measure("311480", 22);
    bench.measure("310410", 16);
    bench.measure("310260", 30);
    assert_eq!(begun(&bench), ["310260", "311480", "310410", "310260"]);
    bench.register("310260");
    assert_eq!(bench.report.selected.unwrap().as_str(), "310260");
}

#[test]
fn test_carrier_tries_one_that_stays_busy_twice_and_does_not_deny_it() {
    let mut bench = Bench::trying(policy());
    bench.refuse("+CME ERROR: 14");
    bench.measure("311480", 22);
    bench.measure("310410", 16);
    bench.refuse("+CME ERROR: 14");
    assert_eq!(begun(&bench), ["310260", "311480", "310410", "310260"]);
    assert_eq!(bench.report.selected.unwrap().as_str(), "311480");
    assert_eq!(bench.scanner.deny_list().iter().count(), 0);
}

#[test]
fn test_carrier_does_not_repeat_a_refusal_that_is_about_the_carrier() {
    let mut bench = Bench::trying(policy());
    bench.refuse("+CME ERROR: 32");
    bench.measure("311480", 22);
    bench.measure("310410", 16);
    assert_eq!(begun(&bench), ["310260", "311480", "310410"]);
}

#[test]
fn wait_results_error_searches_once_more_and_then_restores_the_selection() {
    let mut bench = Bench::searching(policy());
    bench.refuse("+CME ERROR: 30");
    bench.answer("AT+COPS=?", &[]);
    bench.refuse("+CME ERROR: 30");
    assert_eq!(bench.scanner.phase(), Phase::Failed);
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=0"), "it was automatic");
    bench.line("OK");
    bench.register("310410");
    assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)]);
    assert_eq!(bench.owed, Owed { want: Some(Want::Up), selection: None });
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::SearchFailed)));
    assert_eq!(bench.report.restored, Some(true));
}

#[test]
fn wait_results_timeout_aborts_and_resynchronises_before_the_next_search() {
    let mut bench = Bench::searching(Policy { budget: Span::from_secs(900), ..policy() });
    assert_eq!(bench.pass(), [Action::Send(Outgoing::Return)]);
    bench.answer("AT", &["OK"]);
    bench.answer("AT+COPS=?", &[LIST, "OK"]);
    assert_eq!(
        bench.scanner.phase(),
        Phase::WaitResults,
        "the list may be that of the first search, and the second may still run"
    );
    bench.answer("AT", &["OK"]);
    bench.pass_until(|bench| bench.scanner.phase() == Phase::TestCarrier);
}

#[test]
fn wait_results_torn_list_searches_once_more_and_then_uses_its_sound_part() {
    let mut bench = Bench::searching(policy());
    for again in [true, false] {
        let half = LIST.split_at(100).0.as_bytes();
        bench.give(Input::Line(Line { bytes: half, part: crate::at::line::Part::First }));
        bench.give(Input::Line(Line::torn()));
        bench.line("OK");
        if again {
            assert_eq!(bench.scanner.phase(), Phase::WaitResults);
            bench.answer("AT+COPS=?", &[]);
        }
    }
    assert_eq!(bench.scanner.phase(), Phase::TestCarrier);
    assert_eq!(bench.scanner.carriers().iter().count(), 2, "two are whole before the tear");
}

#[test]
fn test_carrier_tries_each_plmn_once_and_forbidden_ones_never_and_the_serving_one_last() {
    let bench = Bench::starting(policy());
    assert_eq!(begun(&bench), ["310260", "311480", "310410"]);
}

#[test]
fn test_carrier_refused_moves_on_at_once_and_denies_the_carrier() {
    let mut bench = Bench::trying(policy());
    bench.refuse("+CME ERROR: 30");
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"311480\""));
    assert_eq!(bench.scanner.carriers().get(0).unwrap().trial, Trial::Refused(Some(30)));
    assert_eq!(bench.scanner.deny_list().iter().count(), 1);
}

#[test]
fn test_carrier_refused_temporarily_moves_on_without_denying_the_carrier() {
    let mut bench = Bench::trying(policy());
    bench.refuse("+CME ERROR: 14");
    assert_eq!(bench.scanner.carriers().get(0).unwrap().trial, Trial::Refused(Some(14)));
    assert_eq!(bench.scanner.deny_list().iter().count(), 0);
}

#[test]
fn test_carrier_ok_is_not_enough_the_modem_must_be_registered_there() {
    let mut bench = Bench::trying(policy());
    bench.line("OK");
    bench.answer("AT+COPS?", &["+COPS: 1", "OK"]);
    bench.answer("AT+COPS?", &["+COPS: 1,2,\"311480\",7", "OK"]);
    assert_eq!(bench.scanner.phase(), Phase::TestCarrier);
    bench.register("310260");
    assert_eq!(bench.scanner.phase(), Phase::WaitSignal);
}

#[test]
fn test_carrier_never_registered_moves_on_at_its_timeout() {
    let mut bench = Bench::trying(policy());
    bench.line("OK");
    let began = bench.scanner.context.began;
    while bench.scanner.carriers().get(0).unwrap().trial == Trial::Untried {
        bench.answer("AT+COPS?", &["+COPS: 1", "OK"]);
    }
    assert_eq!(bench.scanner.carriers().get(0).unwrap().trial, Trial::TimedOut);
    assert!(bench.now <= began + Policy::DEFAULT.timeouts.register);
}

#[test]
fn wait_signal_unknown_is_read_again_until_it_is_known() {
    let mut bench = Bench::trying(policy());
    bench.line("OK");
    bench.register("310260");
    bench.answer("AT+CSQ", &["+CSQ: 99,99", "OK"]);
    bench.answer("AT+CESQ", &["+CESQ: 99,99,255,255,255,255", "OK"]);
    bench.answer("AT+CSQ", &["+CSQ: 16,99", "OK"]);
    bench.answer("AT+CESQ", &["+CESQ: 99,99,255,255,20,40", "OK"]);
    let measured = Strength { rssi_dbm: Some(-81), rsrp_dbm: Some(-101), rsrq_db10: Some(-100) };
    assert_eq!(bench.scanner.carriers().get(0).unwrap().trial, Trial::Registered(measured));
}

#[test]
#[cfg(feature = "vendor-signal")]
fn wait_signal_without_a_standard_value_uses_the_vendor_command() {
    let mut bench = Bench::trying(policy());
    bench.line("OK");
    bench.register("310260");
    bench.answer("AT+CSQ", &["+CSQ: 99,99", "OK"]);
    bench.answer("AT+CESQ", &["ERROR"]);
    bench.answer("AT+CSQ", &["+CSQ: 99,99", "OK"]);
    bench.answer("ATI", &["Quectel", "EC25", "Revision: EC25EFAR06A01M4G", "OK"]);
    bench.answer("AT+QCSQ", &["+QCSQ: \"LTE\",-62,-92,93,-14", "OK"]);
    let measured = Strength { rssi_dbm: Some(-62), rsrp_dbm: Some(-92), rsrq_db10: Some(-140) };
    assert_eq!(bench.scanner.carriers().get(0).unwrap().trial, Trial::Registered(measured));
}

#[test]
#[cfg(feature = "vendor-signal")]
fn wait_signal_asks_an_unknown_or_refusing_vendor_only_once() {
    for (vendor, own) in [("HSDPA USB MODEM", None), ("Huawei", Some("AT^HCSQ?"))] {
        let mut bench = Bench::trying(policy());
        bench.line("OK");
        bench.register("310260");
        bench.answer("AT+CSQ", &["+CSQ: 99,99", "OK"]);
        bench.answer("AT+CESQ", &["ERROR"]);
        bench.answer("AT+CSQ", &["+CSQ: 99,99", "OK"]);
        bench.answer("ATI", &[vendor, "OK"]);
        if let Some(own) = own {
            bench.answer(own, &["ERROR"]);
        }
        bench.answer("AT+CSQ", &["+CSQ: 99,99", "OK"]);
        bench.answer("AT+CSQ", &["+CSQ: 16,99", "OK"]);
        let measured = Strength { rssi_dbm: Some(-81), ..Strength::default() };
        assert_eq!(bench.scanner.carriers().get(0).unwrap().trial, Trial::Registered(measured), "{vendor}");
    }
}

#[test]
fn wait_signal_port_lost_reopens_the_port_and_repeats_the_trial() {
    let mut bench = Bench::trying(policy());
    bench.line("OK");
    bench.register("310260");
    assert_eq!(bench.give(Input::PortLost), [Action::ClosePort]);
    assert_eq!(bench.pass(), [Action::OpenPort]);
    bench.give(Input::PortOpened);
    bench.give(Input::Remains(Remains::default()));
    bench.prepare("+COPS: 1,2,\"310260\",7");
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"310260\""), "no search: the list is known");
}

#[test]
fn next_carrier_good_enough_ends_the_trials() {
    let mut bench = Bench::searching(Policy { strategy: Strategy::GoodEnough(-75), ..policy() });
    bench.line(LIST);
    bench.line("OK");
    bench.measure("310410", 25);
    assert_eq!(bench.scanner.phase(), Phase::VerifyCarrier, "the carrier before the scan was tried first");
}

#[test]
fn next_carrier_tries_denied_carriers_where_all_are_denied() {
    let mut bench = Bench::new(policy());
    for digits in ["310260", "311480", "310410"] {
        bench.scanner.deny.failed(Plmn::parse(digits.as_bytes()).unwrap(), bench.now);
    }
    let mut denied = Bench::searching(policy());
    denied.scanner.deny = bench.scanner.deny.clone();
    denied.line(LIST);
    denied.line("OK");
    assert_eq!(denied.sent().as_deref(), Some("AT+COPS=1,2,\"310260\""));
}

#[test]
fn quick_tries_remembered_carriers_without_a_search() {
    let mut bench = Bench::preparing(Policy { strategy: Strategy::Quick, ..policy() });
    bench.scanner.remember(Plmn::parse(b"311480").unwrap());
    bench.prepare("+COPS: 0,2,\"310410\",7");
    bench.measure("311480", 22);
    bench.register("311480");
    assert_eq!(bench.scanner.phase(), Phase::StartPpp);
}

/// An adaptive scan at −80 dBm, before its first trial; the modem was on AT&T. Likeliest last.
fn adaptive(remembered: &[(&str, Option<i16>)]) -> Bench {
    adaptive_within(Policy::DEFAULT.budget, remembered)
}

fn adaptive_within(budget: Span, remembered: &[(&str, Option<i16>)]) -> Bench {
    let confirm = Policy::DEFAULT.confirm;
    let mut bench =
        Bench::preparing(Policy { strategy: Strategy::Adaptive(-80), budget, confirm, ..policy() });
    for (digits, rssi_dbm) in remembered {
        let plmn = Plmn::parse(digits.as_bytes()).unwrap();
        bench.scanner.remember(Remembered { plmn, rssi_dbm: *rssi_dbm });
    }
    bench.prepare("+COPS: 0,2,\"310410\",7");
    bench
}

#[test]
fn adaptive_ends_at_a_remembered_carrier_that_is_good_enough_without_a_search() {
    for was in [None, Some(-69), Some(-63), Some(-90)] {
        let mut bench = adaptive(&[("310260", None), ("311480", was)]);
        bench.measure("311480", 22);
        bench.reads(22);
        assert_eq!(begun(&bench), ["311480"], "the likeliest first: {was:?}");
        bench.register("311480");
        assert_eq!(bench.scanner.phase(), Phase::StartPpp);
    }
}

#[test]
fn adaptive_does_not_end_at_a_first_impression() {
    let mut bench = adaptive(&[("311480", None)]);
    bench.measure("311480", 22);
    bench.reads(12);
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=2"), "it did not last");
}

#[test]
fn adaptive_searches_where_the_remembered_ones_are_weak_or_weaker_than_they_were_and_tries_none_twice() {
    for (was, csq) in [(None, 15), (Some(-61), 22)] {
        let mut bench = adaptive(&[("310260", None), ("311480", was)]);
        bench.measure("311480", csq);
        bench.measure("310260", 5);
        bench.answer("AT+COPS=2", &["OK"]);
        bench.answer("AT+COPS=?", &[LIST, "OK"]);
        bench.measure("310410", 10);
        assert_eq!(begun(&bench), ["311480", "310260", "310410"], "{was:?}");
        assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"311480\""), "the best of all of them");
        assert_eq!(bench.scanner.carriers().iter().count(), 4);
    }
}

#[test]
fn adaptive_is_content_with_a_weak_carrier_where_the_search_fails_or_no_time_is_left_for_one() {
    let mut bench = adaptive(&[("311480", None)]);
    bench.measure("311480", 15);
    bench.answer("AT+COPS=2", &["OK"]);
    bench.answer("AT+COPS=?", &[]);
    bench.refuse("+CME ERROR: 30");
    bench.answer("AT+COPS=?", &[]);
    bench.refuse("+CME ERROR: 30");
    bench.pass_until(|bench| bench.sent().is_some());
    assert_eq!(bench.report.selected.unwrap().as_str(), "311480");

    // Of 60 s, 30 are for giving back, and 25 for the last selection.
    let mut bench = adaptive_within(Span::from_secs(60), &[("311480", None)]);
    bench.now = bench.now + Span::from_secs(5);
    bench.measure("311480", 15);
    bench.register("311480");
    assert_eq!(bench.scanner.phase(), Phase::StartPpp);
    assert_eq!(bench.report.selected.unwrap().as_str(), "311480");
}

#[test]
fn adaptive_without_remembered_carriers_searches_first() {
    let mut bench = adaptive(&[]);
    bench.answer("AT+COPS=2", &["OK"]);
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=?"));
}

#[test]
fn a_carrier_remembered_again_moves_to_the_end_and_the_oldest_makes_room() {
    let plmn = |n: u8| Plmn::parse(&[b'2', b'6', b'2', b'0', b'0' + n]).unwrap();
    let mut scanner = Scanner::new(policy());
    for n in [0, 1, 2, 1] {
        scanner.remember(plmn(n));
    }
    assert_eq!(scanner.remembered, [0, 2, 1].map(plmn).map(Remembered::from));
    for n in 3..9 {
        scanner.remember(plmn(n));
    }
    assert_eq!(scanner.remembered, [2, 1, 3, 4, 5, 6, 7, 8].map(plmn).map(Remembered::from));
}

#[test]
fn the_median_is_of_known_values_and_the_lower_of_two() {
    let median = |values: &[Option<i16>]| {
        let samples: StdVec<_> =
            values.iter().map(|rssi_dbm| Strength { rssi_dbm: *rssi_dbm, ..Strength::default() }).collect();
        signal::median(&samples).rssi_dbm
    };
    assert_eq!(median(&[Some(-70), Some(-90), Some(-80)]), Some(-80));
    assert_eq!(median(&[Some(-70), None, Some(-90)]), Some(-90));
    assert_eq!(median(&[Some(-71), Some(-75), Some(-73), Some(-75), Some(-51)]), Some(-73));
    assert_eq!(median(&[None]), None);
}

#[test]
fn connect_best_registers_again_where_another_carrier_was_tried_last() {
    let mut bench = Bench::trying(policy());
    bench.measure("310260", 30);
    bench.measure("311480", 10);
    bench.measure("310410", 10);
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"310260\""));
    bench.refuse("+CME ERROR: 32");
    assert_eq!(bench.sent(), Some("AT+COPS=1,2,\"310410\"".into()), "the next best, by hysteresis");
    assert_eq!(bench.scanner.carriers().get(0).unwrap().trial, Trial::Lost);
}

#[test]
fn verify_carrier_on_another_carrier_takes_the_next_best() {
    let mut bench = Bench::trying(policy());
    bench.measure("310260", 30);
    bench.measure("311480", 10);
    bench.measure("310410", 10);
    bench.line("OK");
    while bench.sent().as_deref() == Some("AT+COPS?") {
        bench.line("+COPS: 1,2,\"310410\",7");
        bench.line("OK");
        bench.pass();
    }
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"310410\""));
}

#[test]
fn select_best_without_a_registration_restores_and_gives_back() {
    let mut bench = Bench::trying(policy());
    bench.refuse("+CME ERROR: 30");
    for _ in 1..3 {
        // Without an echo this may be the previous refusal, sent twice: the carrier is selected again.
        let asked = bench.sent();
        bench.refuse("+CME ERROR: 30");
        bench.pass();
        bench.answer("AT", &["OK"]);
        bench.pass();
        assert_eq!(bench.sent(), asked);
        bench.refuse("+CME ERROR: 30");
    }
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=0"));
    assert_eq!(bench.scanner.context.failure, Some(Failure::NoCarrier));
}
