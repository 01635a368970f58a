//! The scan as a specification, state by state. Each fixture drives the machine to its state through inputs alone.

extern crate std;

use super::*;
use crate::at::command::Outgoing;
use crate::carrier::Trial;
use crate::scan::gate::{Origin, Request};
use crate::scan::policy::NoLink;
use crate::supervisor::{Remains, ServiceState, Signal, Want};
use core::num::NonZeroU32;
use std::format;
use std::string::String;
use std::vec::Vec as StdVec;

const PID: NonZeroU32 = NonZeroU32::new(343).unwrap();
const LIST: &str = "+COPS: (1,\"T-Mobile\",\"T-Mobile\",\"310260\",7),(1,\"Verizon\",\"Verizon\",\"311480\",7),\
    (3,\"313 100\",\"313 100\",\"313100\",7),(1,\"AT&T\",\"AT&T\",\"310410\",7),(1,\"T-Mobile\",\"T-Mobile\",\"310260\",0),\
    ,(0,1,2,3,4),(0,1,2)";

fn service(state: ServiceState, want: Want) -> ServiceStatus {
    let pid = (state != ServiceState::Down).then_some(PID);
    ServiceStatus { supervised: true, state, pid, want, foreign_down: false }
}

const fn up() -> ServiceStatus {
    ServiceStatus {
        supervised: true,
        state: ServiceState::Run,
        pid: Some(PID),
        want: Want::Up,
        foreign_down: false,
    }
}

fn down() -> ServiceStatus {
    service(ServiceState::Down, Want::Down)
}

/// A scan and what it has asked for.
struct Bench {
    scanner: Scanner,
    now: Instant,
    /// Of the last input, without reports.
    asked: StdVec<Action>,
    /// Of all inputs.
    events: StdVec<Event>,
}

impl Bench {
    fn new(policy: Policy) -> Self {
        let now = Instant::from_millis(5_000);
        Self { scanner: Scanner::new(policy), now, asked: StdVec::new(), events: StdVec::new() }
    }

    fn give(&mut self, input: Input<'_>) -> &[Action] {
        self.asked.clear();
        for action in self.scanner.step(self.now, input) {
            if let Action::Report(event) = action {
                self.events.push(event);
            } else {
                self.asked.push(action);
            }
        }
        &self.asked
    }

    /// To the next deadline, which is handled.
    fn pass(&mut self) -> &[Action] {
        self.now = self.scanner.next_deadline().expect("something to wait for");
        self.give(Input::Timeout);
        assert!(self.scanner.next_deadline().is_none_or(|next| next > self.now), "a deadline stays behind");
        &self.asked
    }

    fn pass_until(&mut self, wanted: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if wanted(self) {
                return;
            }
            self.pass();
        }
        panic!("never so; the scan is in {:?} and asked {:?}", self.scanner.phase(), self.asked);
    }

    fn line(&mut self, text: &str) {
        for part in text.as_bytes().chunks(crate::at::line::LINE_LEN_MAX) {
            let first = part.as_ptr() == text.as_ptr();
            let last = part.as_ptr_range().end == text.as_bytes().as_ptr_range().end;
            let part_of = match (first, last) {
                (true, true) => crate::at::line::Part::Whole,
                (true, false) => crate::at::line::Part::First,
                (false, true) => crate::at::line::Part::Last,
                (false, false) => crate::at::line::Part::Middle,
            };
            self.give(Input::Line(Line { bytes: part, part: part_of }));
        }
    }

    /// An error, as long after the command as a network takes.
    fn refuse(&mut self, text: &str) {
        self.now = self.now + Duration::from_millis(500);
        self.line(text);
    }

    /// The command that the last input had sent.
    fn sent(&self) -> Option<String> {
        self.asked.iter().find_map(|action| {
            let Action::Send(Outgoing::Command(command)) = action else { return None };
            Some(String::from_utf8(command.text().to_vec()).expect("ASCII"))
        })
    }

    /// Lets time pass until a command is sent, checks which, and answers it.
    fn answer(&mut self, command: &str, lines: &[&str]) {
        self.pass_until(|bench| bench.sent().is_some());
        assert_eq!(self.sent().as_deref(), Some(command));
        for line in lines {
            self.line(line);
        }
    }

    fn start(&mut self) {
        self.give(Input::Start(Request { id: 1, origin: Origin::Manual }));
    }

    /// In state 1b, asked.
    fn stopping(policy: Policy) -> Self {
        let mut bench = Self::new(policy);
        bench.start();
        assert_eq!(bench.asked, [Action::Take]);
        assert_eq!(bench.give(Input::Taken(up())), [Action::Ask(Want::Down)]);
        bench
    }

    /// In state 2: the record says down.
    fn verifying(policy: Policy) -> Self {
        let mut bench = Self::stopping(policy);
        bench.give(Input::Service(down()));
        assert_eq!(bench.scanner.phase(), Phase::VerifyStopped);
        bench
    }

    /// In state 2b: the port is open.
    fn preparing(policy: Policy) -> Self {
        let mut bench = Self::verifying(policy);
        assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::OpenPort]);
        assert!(bench.give(Input::PortOpened).is_empty(), "not a byte before it is certain");
        assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::Send(Outgoing::Return)]);
        bench
    }

    fn prepare(&mut self, before: &str) {
        self.answer("AT", &["OK"]);
        self.answer("AT+CMEE=2", &["OK"]);
        self.answer("AT+CPIN?", &["+CPIN: READY", "OK"]);
        self.answer("AT+COPS=3,2", &["OK"]);
        self.answer("AT+COPS?", &[before, "OK"]);
    }

    /// In state 4: the list was asked for. The modem was on AT&T, chosen by itself.
    fn searching(policy: Policy) -> Self {
        let mut bench = Self::preparing(policy);
        bench.prepare("+COPS: 0,2,\"310410\",7");
        bench.answer("AT+COPS=2", &["OK"]);
        assert_eq!(bench.sent().as_deref(), Some("AT+COPS=?"));
        bench
    }

    /// In state 5, T-Mobile being tried.
    fn trying(policy: Policy) -> Self {
        let mut bench = Self::searching(policy);
        bench.line(LIST);
        bench.line("OK");
        assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"310260\""));
        bench
    }

    fn register(&mut self, digits: &str) {
        self.answer("AT+COPS?", &[&format!("+COPS: 1,2,\"{digits}\",7"), "OK"]);
        self.answer("AT+CEREG?", &["+CEREG: 0,1", "OK"]);
    }

    /// A whole trial, from its selection on.
    fn measure(&mut self, digits: &str, csq: u8) {
        assert_eq!(self.sent(), Some(format!("AT+COPS=1,2,\"{digits}\"")));
        self.line("OK");
        self.register(digits);
        assert_eq!(self.scanner.phase(), Phase::WaitSignal);
        self.answer("AT+CSQ", &[&format!("+CSQ: {csq},99"), "OK"]);
        if !self.scanner.hold.no_rsrp {
            self.answer("AT+CESQ", &["ERROR"]);
        }
    }

    /// In state 10: AT&T was the best and the last tried.
    fn starting(policy: Policy) -> Self {
        let mut bench = Self::trying(policy);
        bench.measure("310260", 16);
        bench.measure("311480", 22);
        bench.measure("310410", 25);
        assert_eq!(bench.scanner.phase(), Phase::VerifyCarrier, "it is on it already");
        bench.register("310410");
        assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)]);
        bench
    }

    fn outcome(&self) -> Option<Outcome> {
        self.scanner.report().outcome
    }

    fn phases(&self) -> StdVec<Phase> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Moved { to, .. } = event { Some(*to) } else { None })
            .collect()
    }
}

fn policy() -> Policy {
    Policy { samples: 1, ..Policy::DEFAULT }
}

#[test]
fn a_scan_goes_through_all_states_and_gives_the_service_back_on_the_best() {
    let mut bench = Bench::starting(policy());
    bench.give(Input::Service(service(ServiceState::Run, Want::Up)));
    assert_eq!(bench.give(Input::Link(true)), [Action::Release]);
    assert_eq!(bench.outcome(), Some(Outcome::Complete));
    let report = bench.scanner.report();
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
fn stop_ppp_refused_changes_nothing_and_says_so() {
    let mut bench = Bench::new(policy());
    bench.start();
    assert_eq!(bench.give(Input::Refused(Refused::Take)), [Action::Release]);
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::ServiceUnavailable)));
    assert!(bench.scanner.report().given_back, "nothing was taken");
}

#[test]
fn wait_sv_asks_again_where_the_record_does_not_change_and_then_gives_back() {
    let mut bench = Bench::stopping(policy());
    assert_eq!(bench.pass(), [Action::Ask(Want::Down)]);
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Failed);
    assert_eq!(bench.asked, [Action::Ask(Want::Up)]);
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::SupervisorSilent)));
}

#[test]
fn wait_sv_gives_pppd_its_time_and_then_kills_it() {
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
    assert!(bench.asked.is_empty(), "there is nobody to ask");
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
fn verify_stopped_started_again_for_a_moment_waits_for_down_anew() {
    let mut bench = Bench::verifying(policy());
    bench.give(Input::Service(service(ServiceState::Run, Want::Down)));
    assert_eq!(bench.scanner.phase(), Phase::StopPppWaitSv);
    assert_eq!(bench.asked, [Action::Ask(Want::Down)], "the port was not open: there is nothing to close");
}

#[test]
fn prepare_somebody_else_has_the_port_after_all_lets_go_without_a_byte() {
    let mut bench = Bench::verifying(policy());
    bench.give(Input::Remains(Remains::default()));
    bench.give(Input::PortOpened);
    let stranger = Remains { service: None, stranger: Some(PID) };
    assert_eq!(bench.give(Input::Remains(stranger)), [Action::ClosePort]);
    assert_eq!(bench.scanner.phase(), Phase::VerifyStopped);
}

#[test]
fn wait_results_somebody_opens_the_port_is_waited_out() {
    let mut bench = Bench::searching(policy());
    let stranger = Remains { service: None, stranger: Some(PID) };
    assert_eq!(bench.give(Input::Remains(stranger)), [Action::ClosePort]);
    assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::OpenPort]);
}

#[test]
fn abort_half_way_down_ends_what_outlived_its_supervisors_term_before_up() {
    let mut bench = Bench::stopping(policy());
    bench.give(Input::Service(service(ServiceState::Run, Want::Down)));
    assert!(bench.give(Input::Abort).is_empty());
    bench.give(Input::Service(down()));
    let orphan = Remains { service: Some(PID), stranger: None };
    assert_eq!(bench.give(Input::Remains(orphan)), [Action::Signal(Signal::Term)]);
    assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::Ask(Want::Up)]);
}

#[test]
fn prepare_sim_locked_gives_up_before_anything_is_changed() {
    let mut bench = Bench::preparing(policy());
    bench.answer("AT", &["OK"]);
    bench.answer("AT+CMEE=2", &["OK"]);
    bench.answer("AT+CPIN?", &["+CPIN: SIM PIN", "OK"]);
    assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)]);
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::SimNotReady)));
    assert_eq!(bench.scanner.report().restored, None, "there was no need");
}

#[test]
fn prepare_modem_silent_gives_the_service_back() {
    let mut bench = Bench::preparing(policy());
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Failed);
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::ModemSilent)));
}

#[test]
fn prepare_port_not_there_yet_is_tried_again_until_its_time_is_over() {
    let mut bench = Bench::verifying(policy());
    bench.give(Input::Remains(Remains::default()));
    assert!(bench.give(Input::PortLost).is_empty());
    assert_eq!(bench.pass(), [Action::OpenPort]);
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Failed);
    assert_eq!(bench.scanner.hold.failure, Some(Failure::PortUnavailable));
}

#[test]
fn wait_results_error_searches_once_more_and_then_restores_what_was_found() {
    let mut bench = Bench::searching(policy());
    bench.refuse("+CME ERROR: no network service");
    bench.answer("AT+COPS=?", &[]);
    bench.refuse("+CME ERROR: 30");
    assert_eq!(bench.scanner.phase(), Phase::Failed);
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=0"), "it was automatic");
    bench.line("OK");
    bench.register("310410");
    assert_eq!(bench.asked, [Action::ClosePort, Action::Ask(Want::Up)]);
    bench.give(Input::Service(up()));
    assert_eq!(bench.outcome(), Some(Outcome::Failed(Failure::SearchFailed)));
    assert_eq!(bench.scanner.report().restored, Some(true));
}

#[test]
fn wait_results_timeout_aborts_and_resynchronises_before_it_asks_again() {
    let mut bench = Bench::searching(Policy { budget: Duration::from_secs(900), ..policy() });
    assert_eq!(bench.pass(), [Action::Send(Outgoing::Return)]);
    bench.answer("AT", &["OK"]);
    bench.answer("AT+COPS=?", &[LIST, "OK"]);
    assert_eq!(bench.scanner.phase(), Phase::TestCarrier);
}

#[test]
fn wait_results_second_client_brings_the_service_up_and_is_answered_twice_then_yielded_to() {
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
fn test_carrier_tries_each_plmn_once_forbidden_never_the_one_before_last() {
    let bench = Bench::starting(policy());
    let tried: StdVec<_> = bench
        .events
        .iter()
        .filter_map(|event| if let Event::TrialBegins(plmn) = event { Some(plmn.as_str()) } else { None })
        .collect();
    assert_eq!(tried, ["310260", "311480", "310410"]);
}

#[test]
fn test_carrier_refused_is_left_at_once_and_remembered() {
    let mut bench = Bench::trying(policy());
    bench.refuse("+CME ERROR: no network service");
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=1,2,\"311480\""));
    assert_eq!(bench.scanner.carriers().get(0).unwrap().trial, Trial::Refused(Some(30)));
    assert_eq!(bench.scanner.deny_list().iter().count(), 1);
}

#[test]
fn test_carrier_ok_is_not_enough_the_modem_must_be_there() {
    let mut bench = Bench::trying(policy());
    bench.line("OK");
    bench.answer("AT+COPS?", &["+COPS: 1", "OK"]);
    bench.answer("AT+COPS?", &["+COPS: 1,2,\"311480\",7", "OK"]);
    assert_eq!(bench.scanner.phase(), Phase::TestCarrier);
    bench.register("310260");
    assert_eq!(bench.scanner.phase(), Phase::WaitSignal);
}

#[test]
fn test_carrier_never_registered_is_left_when_its_time_is_over() {
    let mut bench = Bench::trying(policy());
    bench.line("OK");
    let began = bench.scanner.hold.began;
    while bench.scanner.carriers().get(0).unwrap().trial == Trial::Untried {
        bench.answer("AT+COPS?", &["+COPS: 1", "OK"]);
    }
    assert_eq!(bench.scanner.carriers().get(0).unwrap().trial, Trial::TimedOut);
    assert!(bench.now <= began + Policy::DEFAULT.timeouts.register);
}

#[test]
fn wait_signal_unknown_is_asked_again_until_it_is_known() {
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
fn wait_signal_port_lost_is_opened_again_and_the_trial_repeated() {
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
fn next_carrier_all_on_the_deny_list_are_tried_all_the_same() {
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
fn quick_tries_what_is_remembered_without_a_search() {
    let mut bench = Bench::preparing(Policy { strategy: Strategy::Quick, ..policy() });
    bench.scanner.remember(Plmn::parse(b"311480").unwrap());
    bench.prepare("+COPS: 0,2,\"310410\",7");
    bench.measure("311480", 22);
    bench.register("311480");
    assert_eq!(bench.scanner.phase(), Phase::StartPpp);
}

#[test]
fn connect_best_registers_anew_where_another_was_tried_last() {
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
fn verify_carrier_elsewhere_takes_the_next_best() {
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
fn select_best_nobody_registered_restores_and_gives_back() {
    let mut bench = Bench::trying(policy());
    for _ in 0..3 {
        bench.refuse("+CME ERROR: 30");
    }
    assert_eq!(bench.sent().as_deref(), Some("AT+COPS=0"));
    assert_eq!(bench.scanner.hold.failure, Some(Failure::NoCarrier));
}

#[test]
fn start_ppp_asks_up_until_the_want_byte_says_so() {
    let mut bench = Bench::starting(policy());
    bench.give(Input::Service(down()));
    assert_eq!(
        bench.pass(),
        [Action::Ask(Want::Up)],
        "sv writes nothing on a stale record; the machine repeats"
    );
    bench.give(Input::Service(up()));
    assert_eq!(bench.scanner.phase(), Phase::WaitPpp);
}

#[test]
fn start_ppp_never_confirmed_keeps_the_lease_for_its_guard() {
    let mut bench = Bench::starting(policy());
    bench.pass_until(|bench| bench.outcome().is_some());
    assert!(!bench.scanner.report().given_back);
    assert!(!bench.asked.contains(&Action::Release));
}

#[test]
fn wait_ppp_without_a_link_completes_with_a_warning() {
    let mut bench = Bench::starting(policy());
    bench.give(Input::Service(up()));
    assert_eq!(bench.pass(), [Action::Release]);
    assert_eq!((bench.outcome(), bench.scanner.report().link), (Some(Outcome::Complete), Some(false)));
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
}

#[test]
fn a_service_found_down_is_left_down() {
    let mut bench = Bench::new(policy());
    bench.start();
    bench.give(Input::Taken(down()));
    bench.give(Input::Service(down()));
    bench.give(Input::Abort);
    assert_eq!(bench.give(Input::Remains(Remains::default())), [Action::Release]);
}

#[test]
fn a_down_that_somebody_else_asks_for_is_respected() {
    let mut bench = Bench::searching(policy());
    bench.give(Input::Service(ServiceStatus { foreign_down: true, ..down() }));
    assert!(bench.asked.is_empty(), "the scan goes on");
    bench.give(Input::Abort);
    bench.pass_until(|bench| bench.outcome().is_some());
    assert!(!bench.asked.contains(&Action::Ask(Want::Up)));
}

#[test]
fn the_budget_keeps_enough_to_restore_and_to_give_back() {
    let policy = Policy { budget: Duration::from_secs(90), ..policy() };
    let mut bench = Bench::searching(policy);
    let asked = bench.scanner.hold.asked_at.unwrap();
    bench.pass_until(|bench| bench.scanner.phase() == Phase::Failed);
    assert_eq!(bench.now, asked + policy.budget.checked_sub(policy.reserve()).unwrap());
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
fn a_clock_that_goes_back_stands_still() {
    let mut bench = Bench::stopping(policy());
    let deadline = bench.scanner.next_deadline();
    bench.now = Instant::ZERO;
    bench.give(Input::Service(service(ServiceState::Run, Want::Up)));
    assert_eq!(bench.scanner.next_deadline(), deadline);
}
