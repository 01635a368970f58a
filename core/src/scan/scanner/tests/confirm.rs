//! The signal of the chosen carrier is read again before the service is given back.

use super::*;

/// A single reading each, and the second one five seconds after the selection.
fn policy() -> Policy {
    Policy { samples: 1, ..Policy::DEFAULT }
}

/// In state 9b: AT&T was the best in the trials and is registered again. `at`: when its selection was accepted.
fn chosen(policy: Policy, csq: [u8; 3]) -> (Bench, Instant) {
    let mut bench = Bench::trying(policy);
    bench.measure("310260", csq[0]);
    bench.measure("311480", csq[1]);
    let at = bench.now;
    bench.measure("310410", csq[2]);
    bench.register("310410");
    (bench, at)
}

impl Bench {
    /// The next reading of `+CSQ`.
    pub(super) fn reads(&mut self, csq: u8) {
        self.answer("AT+CSQ", &[&format!("+CSQ: {csq},99"), "OK"]);
    }

    fn dbm_of(&self, digits: &str) -> Option<i16> {
        let carrier = self.scanner.carriers().iter().find(|carrier| carrier.plmn.as_str() == digits)?;
        if let Trial::Registered(strength) = carrier.trial { strength.rssi_dbm } else { None }
    }

    fn is_giving_back(&self) -> bool {
        self.scanner.phase() == Phase::StartPpp && self.asked.contains(&Action::Ask(Want::Up))
    }
}

#[test]
fn the_chosen_carrier_is_read_again_five_seconds_after_its_selection_and_stays_where_it_holds() {
    let (mut bench, at) = chosen(policy(), [16, 22, 25]);
    assert_eq!(bench.scanner.phase(), Phase::VerifyCarrier);
    bench.pass_until(|bench| bench.sent().is_some());
    assert!(bench.now >= at + Policy::DEFAULT.confirm, "not before");
    bench.reads(24);
    assert!(bench.is_giving_back());
    assert_eq!(bench.report.selected.unwrap().as_str(), "310410");
}

#[test]
fn a_chosen_carrier_that_fell_below_the_next_by_more_than_the_hysteresis_is_left_for_it() {
    // Field logs: AT&T 25 one second after its OK, 17 five seconds later.
    let (mut bench, _) = chosen(policy(), [16, 22, 25]);
    bench.reads(17);
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"311480\""));
    bench.line("OK");
    bench.register("311480");
    bench.reads(22);
    assert!(bench.is_giving_back());
    assert_eq!(bench.report.selected.unwrap().as_str(), "311480");
    assert_eq!(bench.dbm_of("310410"), Some(-79), "its later value");
}

#[test]
fn a_chosen_carrier_that_fell_by_less_than_the_hysteresis_stays() {
    let (mut bench, _) = chosen(policy(), [16, 22, 25]);
    // 22 is 6 dB more than 19.
    bench.reads(19);
    assert!(bench.is_giving_back());
}

#[test]
fn each_carrier_is_read_again_once_and_the_best_of_the_later_values_is_kept() {
    let (mut bench, _) = chosen(policy(), [16, 22, 25]);
    bench.reads(17);
    bench.line("OK");
    bench.register("311480");
    bench.reads(8);
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"310410\""), "17 is better than 8, and than 16");
    bench.line("OK");
    bench.register("310410");
    assert!(bench.is_giving_back(), "without a third reading: {:?}", bench.asked);
}

#[test]
fn a_carrier_that_is_good_enough_at_first_is_read_again_before_it_ends_the_trials() {
    let good_enough = Policy { strategy: Strategy::GoodEnough(-75), ..policy() };
    for (later, tries) in [(24, None), (15, Some("AT+COPS=1,2,\"311480\""))] {
        // AT&T, on which the modem was, is tried first.
        let mut bench = Bench::searching(good_enough);
        bench.line(LIST);
        bench.line("OK");
        let at = bench.now;
        bench.measure("310410", 25);
        assert_eq!(bench.scanner.phase(), Phase::WaitSignal, "-63 dBm, but for how long?");
        bench.reads(later);
        assert!(bench.now >= at + Policy::DEFAULT.confirm, "not before");
        if tries.is_some() {
            assert_eq!((bench.scanner.phase(), bench.dbm_of("310410")), (Phase::TestCarrier, Some(-83)));
        } else {
            assert_eq!(bench.scanner.phase(), Phase::VerifyCarrier, "it ends the trials");
        }
    }
}

#[test]
fn nothing_is_read_again_where_it_can_change_nothing() {
    // The policy asks for none.
    let (bench, _) = chosen(Policy { confirm: Span::ZERO, ..policy() }, [16, 22, 25]);
    assert!(bench.is_giving_back());
    // There is no other carrier.
    let mut bench = Bench::trying(policy());
    while bench.sent().as_deref() != Some("AT+COPS=1,2,\"310410\"") {
        match bench.sent().as_deref() {
            // The second refusal in a row may be the first, sent twice.
            Some("AT") => bench.line("OK"),
            Some(_) => bench.refuse("+CME ERROR: 30"),
            None => drop(bench.pass()),
        }
    }
    bench.measure("310410", 25);
    bench.register("310410");
    assert!(bench.is_giving_back());
}

#[test]
fn a_value_that_was_read_late_in_the_trial_needs_no_second_reading() {
    let (bench, _) = chosen(Policy { settle: Policy::DEFAULT.confirm, ..policy() }, [16, 22, 25]);
    assert!(bench.is_giving_back());
}

#[test]
fn readings_that_began_early_are_read_again_however_late_they_ended() {
    // The median of two is the lower one, of three the one in the middle: one late reading says nothing.
    let mut bench = Bench::trying(policy());
    bench.measure("310260", 16);
    bench.measure("311480", 22);
    bench.line("OK");
    bench.register("310410");
    bench.pass_until(|bench| bench.sent().as_deref() == Some("AT+CSQ"));
    bench.now = bench.now + Policy::DEFAULT.confirm;
    bench.line("+CSQ: 25,99");
    bench.line("OK");
    bench.register("310410");
    bench.reads(17);
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"311480\""));
}

#[test]
fn a_second_reading_that_fails_keeps_the_carrier_and_its_value() {
    let (mut bench, _) = chosen(policy(), [16, 22, 25]);
    for _ in 0..40 {
        if bench.is_giving_back() {
            break;
        }
        if bench.sent().is_some() {
            bench.line("ERROR");
        } else {
            bench.pass();
        }
    }
    assert!(bench.is_giving_back());
    assert_eq!(bench.dbm_of("310410"), Some(-63));
}

#[test]
fn a_scan_with_no_time_left_gives_back_without_a_second_reading() {
    let (mut bench, _) = chosen(Policy { confirm: Span::from_secs(600), ..policy() }, [16, 22, 25]);
    bench.pass_until(Bench::is_giving_back);
    assert_eq!(bench.report.selected.unwrap().as_str(), "310410");
}

#[test]
fn another_process_during_the_second_reading_costs_the_reading_and_not_the_service() {
    let (mut bench, _) = chosen(policy(), [16, 22, 25]);
    bench.give(Input::PortLost);
    assert_eq!(bench.scanner.phase(), Phase::Prepare);
    bench.pass_until(|bench| {
        bench.scanner.phase() == Phase::Idle || bench.asked.contains(&Action::Ask(Want::Up))
    });
}
