//! Any inputs in any order at any times, impossible ones included, and a clock that goes back.

use std::num::NonZeroU32;
use std::time::Duration;

use cellscan_core::at::command::{Command, Outgoing};
use cellscan_core::at::line::{Line, Part};
use cellscan_core::carrier::Plmn;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::policy::NoLink;
use cellscan_core::scan::{
    ACTIONS_MAX, Action, Event, Input, MOVES, Outcome, Phase, Policy, Refused, Report, Scanner,
    Strategy as Plan,
};
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Want};
use cellscan_core::time::{Instant, Span};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::config;

/// An input that owns its bytes.
#[derive(Clone, Debug)]
enum Given {
    Start(Request),
    Abort,
    Taken(ServiceStatus),
    Service(ServiceStatus),
    Remains(Remains),
    Link(bool),
    PortOpened,
    PortLost,
    Line(String, Part),
    Refused(Refused),
    /// At the next deadline.
    Due,
    /// This many milliseconds forward, or back.
    Clock(i64),
    /// The input that the scan waits for, as in a world without faults.
    Kindly,
}

const LIST: &str =
    "+COPS: (1,\"A\",\"A\",\"00101\",7),(3,\"C\",\"C\",\"00103\",7),(2,\"B\",\"B\",\"00102\",7),,(0-4),(0-2)";

fn status() -> impl Strategy<Value = ServiceStatus> {
    let states = select(&[ServiceState::Down, ServiceState::Run, ServiceState::Finish][..]);
    let wants = select(&[Want::Up, Want::Once, Want::Down][..]);
    let given_back = select(&[None, Some(false), Some(true)][..]);
    (prop::bool::weighted(0.9), states, pid(), wants, prop::bool::weighted(0.1), given_back).prop_map(
        |(supervised, state, pid, want, foreign_down, given_back)| ServiceStatus {
            supervised,
            state,
            pid,
            want,
            foreign_down,
            given_back,
        },
    )
}

fn pid() -> impl Strategy<Value = Option<NonZeroU32>> {
    option::of((1..9_u32).prop_map(|pid| NonZeroU32::MIN.saturating_add(pid)))
}

fn given() -> impl Strategy<Value = Given> {
    let lines = select(
        &[
            "OK",
            "ERROR",
            "AT",
            "+CME ERROR: 30",
            "+CME ERROR: 10",
            "+CPIN: READY",
            LIST,
            "+COPS: 0",
            "+COPS: 1,2,\"00101\",7",
            "+COPS: 0,2,\"00102\",7",
            "+CEREG: 0,1",
            "+CEREG: 0,3",
            "+CGREG: 0,5",
            "+CSQ: 20,99",
            "+CSQ: 99,99",
            "+CESQ: 99,99,255,255,20,50",
            "NO CARRIER",
            "\u{fffd}",
        ][..],
    );
    let parts = select(
        &[Part::Whole, Part::Whole, Part::Whole, Part::First, Part::Middle, Part::Last, Part::Torn][..],
    );
    let refusals = select(&[Refused::Take, Refused::Ask, Refused::Signal, Refused::Release][..]);
    let origins = prop_oneof![
        Just(Origin::Manual),
        any::<bool>().prop_map(|link_healthy| Origin::Automatic { link_healthy }),
    ];
    prop_oneof![
        40 => Just(Given::Kindly),
        6 => Just(Given::Due),
        4 => prop_oneof![0..400_i64, 0..30_000_i64, -5_000..0_i64, Just(i64::MAX)].prop_map(Given::Clock),
        8 => (lines, parts).prop_map(|(line, part)| Given::Line(line.to_owned(), part)),
        3 => status().prop_map(Given::Service),
        1 => status().prop_map(Given::Taken),
        1 => (pid(), pid()).prop_map(|(service, stranger)| Given::Remains(Remains { service, stranger })),
        1 => (0..4_u32, origins).prop_map(|(id, origin)| Given::Start(Request { id, origin })),
        1 => Just(Given::Abort),
        1 => any::<bool>().prop_map(Given::Link),
        1 => Just(Given::PortOpened),
        1 => Just(Given::PortLost),
        1 => refusals.prop_map(Given::Refused),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let plans = select(&[Plan::Full, Plan::GoodEnough(-90), Plan::Quick][..]);
    let budgets =
        select(vec![Span::ZERO, Span::from_secs(31), Span::from_secs(90), Span::from_secs(300), Span::MAX]);
    (plans, budgets, 0..4_u8, 0..3_u8, 0..3_u8, 0..3_u8, any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(
            |(
                strategy,
                budget,
                samples,
                searches,
                retakes,
                reopens,
                next_best,
                deregister,
                try_forbidden,
            )| Policy {
                strategy,
                budget,
                samples,
                searches,
                retakes,
                reopens,
                deregister,
                try_forbidden,
                no_link: if next_best { NoLink::NextBest } else { NoLink::Warn },
                ..Policy::DEFAULT
            },
        )
}

/// A scanner under test, with a cooperative modem and supervisor, so that random inputs make progress.
struct Checked {
    scanner: Scanner,
    now: Instant,
    asked: Vec<Action>,
    report: Report,
    text: Vec<u8>,
    /// The digits of the last selection.
    selected: Option<Plmn>,
    /// The command in flight was answered with its line, and `OK` is expected.
    half: bool,
}

impl Checked {
    fn new(policy: Policy) -> Self {
        let mut scanner = Scanner::new(policy);
        scanner.remember(crate::alphabet::plmn("00101"));
        Self {
            scanner,
            now: Instant::from_millis(10_000),
            asked: vec![],
            report: Report::EMPTY,
            text: vec![],
            selected: None,
            half: false,
        }
    }

    fn step(&mut self, input: Input<'_>) -> Result<(), TestCaseError> {
        let before = self.scanner.phase();
        let actions = self.scanner.step(self.now, input);
        prop_assert!(actions.len() < ACTIONS_MAX, "{actions:?}");
        let mut phase = before;
        for action in actions {
            if let Action::Report(event) = action {
                self.report.apply(&event);
            }
            match action {
                Action::Report(Event::Moved { from, to }) => {
                    prop_assert!(from == phase && MOVES.contains(&(from, to)), "from {from:?} to {to:?}");
                    phase = to;
                }
                Action::Report(_) => {}
                Action::Send(outgoing) => {
                    self.text = outgoing.bytes().to_vec();
                    if let Outgoing::Command(Command::Select(plmn)) = outgoing {
                        self.selected = Some(plmn);
                    }
                    self.half = false;
                    self.asked.push(action);
                }
                Action::Take
                | Action::Ask(_)
                | Action::Signal(_)
                | Action::OpenPort
                | Action::ClosePort
                | Action::Owe(_)
                | Action::Release
                | Action::HandOver => self.asked.push(action),
            }
        }
        prop_assert_eq!(phase, self.scanner.phase(), "each move is reported");
        if phase == Phase::Idle {
            prop_assert_eq!(self.scanner.next_deadline(), None);
        } else {
            let next = self.scanner.next_deadline();
            prop_assert!(
                next.is_some_and(|next| next != Instant::MAX || self.now == Instant::MAX),
                "stuck in {phase:?}"
            );
        }
        Ok(())
    }

    fn due(&mut self) -> Result<(), TestCaseError> {
        self.step(Input::Timeout)?;
        let next = self.scanner.next_deadline();
        let behind = next.is_some_and(|next| next <= self.now);
        prop_assert!(
            !behind || self.now == Instant::MAX,
            "{next:?} at {}: {:?}",
            self.now,
            self.scanner.snapshot(self.now)
        );
        Ok(())
    }

    /// The answer of a modem without faults to the last command.
    fn answer(&self) -> String {
        let answer = match self.text.as_slice() {
            b"AT+CPIN?\r" if !self.half => "+CPIN: READY",
            b"AT+COPS=?\r" if !self.half => LIST,
            b"AT+COPS?\r" if !self.half => match self.selected {
                Some(plmn) => return format!("+COPS: 1,2,\"{plmn}\",7"),
                None => "+COPS: 0,2,\"00102\",7",
            },
            b"AT+CEREG?\r" if !self.half => "+CEREG: 0,1",
            b"AT+CSQ\r" if !self.half => "+CSQ: 20,99",
            b"AT+CESQ\r" if !self.half => "+CESQ: 99,99,255,255,20,50",
            _ => "OK",
        };
        answer.to_owned()
    }

    fn kindly(&mut self) -> Result<(), TestCaseError> {
        let service = |state, want| ServiceStatus {
            pid: NonZeroU32::new(343).filter(|_| state == ServiceState::Run),
            ..ServiceStatus::new(state, want)
        };
        match self.scanner.phase() {
            Phase::Idle => {
                let id = u32::try_from(self.asked.len()).unwrap_or_default() + 100;
                self.step(Input::Start(Request { id, origin: Origin::Manual }))
            }
            Phase::StopPpp => self.step(Input::Taken(service(ServiceState::Run, Want::Up).into())),
            Phase::StopPppWaitSv => self.step(Input::Service(service(ServiceState::Down, Want::Down))),
            Phase::VerifyStopped => self.step(Input::Remains(Remains::default())),
            Phase::StartPpp => self.step(Input::Service(service(ServiceState::Run, Want::Up))),
            Phase::WaitPpp => self.step(Input::Link(true)),
            Phase::Prepare if self.asked.last() == Some(&Action::OpenPort) => {
                self.asked.push(Action::Take);
                self.step(Input::PortOpened)?;
                self.step(Input::Remains(Remains::default()))
            }
            Phase::Prepare
            | Phase::GetOperators
            | Phase::WaitResults
            | Phase::TestCarrier
            | Phase::WaitSignal
            | Phase::NextCarrier
            | Phase::SelectBest
            | Phase::ConnectBest
            | Phase::VerifyCarrier
            | Phase::Complete
            | Phase::Failed => self.talk(),
        }
    }

    /// The modem answers or, where it has no command, time passes.
    fn talk(&mut self) -> Result<(), TestCaseError> {
        if matches!(self.text.as_slice(), b"" | b"\r" | b"+++" | b"ATH\r") {
            self.now = self.scanner.next_deadline().map_or(self.now, |next| next.max(self.now));
            return self.due();
        }
        let line = self.answer();
        self.half = line != "OK";
        if !self.half {
            self.text.clear();
        }
        self.step(Input::Line(Line::whole(line.as_bytes())))
    }

    fn give(&mut self, given: Given) -> Result<(), TestCaseError> {
        match given {
            Given::Kindly => self.kindly(),
            Given::Due => {
                self.now = self.scanner.next_deadline().map_or(self.now, |next| next.max(self.now));
                self.due()
            }
            Given::Clock(i64::MAX) => {
                // Long enough for every deadline of a scan at once.
                self.now = self.now + Duration::from_secs(86_400);
                self.due()
            }
            Given::Clock(millis) if millis < 0 => {
                // The step must take it as standing still; the bench's own clock continues from where it was.
                let back = Instant::from_millis(self.now.as_millis().saturating_sub(millis.unsigned_abs()));
                let here = core::mem::replace(&mut self.now, back);
                let due = self.scanner.next_deadline();
                self.step(Input::Timeout)?;
                self.now = here;
                let early = due.is_none_or(|due| due > here);
                prop_assert!(
                    !early || self.scanner.next_deadline() == due,
                    "a clock that went back moved a deadline"
                );
                Ok(())
            }
            Given::Clock(millis) => {
                self.now = self.now + Duration::from_millis(millis.unsigned_abs());
                self.due()
            }
            Given::Line(text, part) => self.step(Input::Line(Line { bytes: text.as_bytes(), part })),
            Given::Start(request) => self.step(Input::Start(request)),
            Given::Abort => self.step(Input::Abort),
            Given::Taken(status) => self.step(Input::Taken(status.into())),
            Given::Service(status) => self.step(Input::Service(status)),
            Given::Remains(remains) => self.step(Input::Remains(remains)),
            Given::Link(up) => self.step(Input::Link(up)),
            Given::PortOpened => self.step(Input::PortOpened),
            Given::PortLost => self.step(Input::PortLost),
            Given::Refused(refused) => self.step(Input::Refused(refused)),
        }
    }
}

/// Timeouts from any state to `Idle` under the default policy: a command and its abort, the tries of `AT`, restoring
/// and giving back, each poll of the port among them.
const SILENCE_STEPS_MAX: usize = 400;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn for_any_inputs_and_any_clock_every_deadline_is_in_the_future(policy in policy(), inputs in vec(given(), 0..250)) {
        let mut bench = Checked::new(policy);
        for given in inputs {
            bench.give(given)?;
        }
    }

    #[test]
    fn after_any_inputs_the_scan_ends_when_only_time_passes(policy in policy(), inputs in vec(given(), 0..250)) {
        let mut bench = Checked::new(policy);
        for given in inputs {
            bench.give(given)?;
        }
        let begin = bench.now;
        for _ in 0..SILENCE_STEPS_MAX {
            let Some(next) = bench.scanner.next_deadline() else { break };
            bench.now = next.max(bench.now);
            bench.due()?;
        }
        prop_assert_eq!(bench.scanner.phase(), Phase::Idle, "{:?}", bench.scanner.snapshot(bench.now));
        // Twice the longest budget: giving up a search, then restoring and giving back.
        prop_assert!(bench.now.saturating_since(begin).as_secs() <= 600, "from {begin} to {}", bench.now);
    }

    #[test]
    fn a_scan_does_the_same_at_any_time(
        policy in policy().prop_filter("a budget that ends", |policy| policy.budget != Span::MAX),
        inputs in vec(given(), 0..120),
        later in 0..1_u64 << 40,
    ) {
        let mut early = Checked::new(policy);
        let mut late = Checked::new(policy);
        late.now = late.now + Duration::from_millis(later);
        for given in inputs {
            early.give(given.clone())?;
            late.give(given)?;
            prop_assert_eq!(&early.asked, &late.asked);
            prop_assert_eq!(early.scanner.snapshot(early.now), late.scanner.snapshot(late.now));
        }
    }
}

#[test]
fn without_faults_a_scan_is_complete() {
    let mut bench = Checked::new(Policy::DEFAULT);
    for _ in 0..300 {
        bench.kindly().expect("no rule is broken");
        if bench.scanner.phase() == Phase::Idle {
            break;
        }
    }
    assert_eq!(bench.report.outcome, Some(Outcome::Complete), "the random inputs need this to make progress");
}
