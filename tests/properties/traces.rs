//! Faults that the walk and the random runs found, each step by step.

use std::time::Duration;

use cellscan_core::at::command::{Command, Outgoing};
use cellscan_core::at::line::Line;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::{Action, Input, Phase, Policy, Scanner, Strategy};
use cellscan_core::supervisor::Remains;
use cellscan_core::time::Instant;

use crate::alphabet::{DOWN, POLICY, UP, plmn};

struct Bench {
    scanner: Scanner,
    now: Instant,
    /// Every command that was sent.
    sent: Vec<Command>,
    opens: bool,
}

impl Bench {
    fn new(policy: Policy, now: Instant) -> Self {
        let mut scanner = Scanner::new(policy);
        scanner.remember(plmn("00101"));
        Self { scanner, now, sent: vec![], opens: false }
    }

    fn give(&mut self, input: Input<'_>) {
        for action in self.scanner.step(self.now, input) {
            if let Action::Send(Outgoing::Command(command)) = action {
                self.sent.push(command);
            }
            self.opens |= action == Action::OpenPort;
        }
    }

    /// The port is opened, and no other process holds it.
    fn open(&mut self) {
        self.opens = false;
        self.give(Input::PortOpened);
        self.give(Input::Remains(Remains::default()));
    }

    fn line(&mut self, text: &str) {
        self.give(Input::Line(Line::whole(text.as_bytes())));
    }

    fn pass(&mut self) {
        self.now = self.scanner.next_deadline().expect("something is waited for").max(self.now);
        self.give(Input::Timeout);
    }

    /// Lets time pass until `command` is in flight.
    #[track_caller]
    fn until(&mut self, command: Command) {
        for _ in 0..50 {
            if self.sent.last() == Some(&command) {
                return;
            }
            self.pass();
        }
        panic!("{command:?} was never sent, but {:?}", self.sent);
    }

    /// From 1b to the query of the modem's operator.
    fn prepare(&mut self) {
        self.give(Input::Service(DOWN));
        self.give(Input::Remains(Remains::default()));
        self.open();
        for command in [Command::Attention, Command::VerboseErrors, Command::Sim, Command::NumericFormat] {
            self.until(command);
            self.line("OK");
        }
        self.until(Command::CurrentOperator);
    }

    /// In the trial of the one remembered carrier, with a modem that did not report its operator before.
    fn trying(policy: Policy) -> Self {
        let mut bench = Self::new(policy, Instant::from_millis(1_000));
        bench.give(Input::Start(Request { id: 1, origin: Origin::Manual }));
        bench.give(Input::Taken(UP));
        bench.prepare();
        bench.line("OK");
        bench.until(Command::Select(plmn("00101")));
        bench
    }

    /// To the end of the scan, with `OK` to every command.
    fn end(&mut self) {
        for _ in 0..200 {
            if self.scanner.phase() == Phase::Idle {
                return;
            }
            if self.opens {
                self.open();
            }
            if self.sent.last().is_some_and(|command| !command.has_answer_line()) {
                self.line("OK");
            }
            self.pass();
        }
        panic!("it never ends, and has sent {:?}", self.sent);
    }
}

const QUICK: Policy = Policy { strategy: Strategy::Quick, retakes: 1, ..POLICY };

#[test]
fn a_selection_that_the_scan_made_itself_is_not_restored() {
    let mut bench = Bench::trying(QUICK);
    // Another client has the service for a while, and the modem is queried again: it is where the scan has put it.
    bench.give(Input::Service(UP));
    bench.prepare();
    bench.line("+COPS: 1,2,\"00101\",7");
    bench.line("OK");
    bench.give(Input::Abort);
    bench.sent.clear();
    bench.line("OK");
    bench.end();
    let by_hand = bench.sent.contains(&Command::Select(plmn("00101")));
    assert!(!by_hand, "the modem stays on a carrier of ours for good: {:?}", bench.sent);
    assert_eq!(bench.scanner.report().before, None);
}

#[test]
fn a_command_due_for_repetition_is_not_sent_after_the_scan_has_failed() {
    let mut bench = Bench::new(QUICK, Instant::from_millis(1_000));
    bench.give(Input::Start(Request { id: 1, origin: Origin::Manual }));
    bench.give(Input::Taken(UP));
    bench.prepare();
    // It timed out; a refusal of the next command may be the late answer, so that one is sent again.
    bench.pass();
    bench.until(Command::Attention);
    bench.line("OK");
    bench.until(Command::Select(plmn("00101")));
    bench.line("+CME ERROR: 30");
    bench.give(Input::Abort);
    assert_eq!(bench.scanner.phase(), Phase::Failed);
    bench.sent.clear();
    bench.end();
    let again = bench.sent.contains(&Command::Select(plmn("00101")));
    assert!(!again, "a trial goes on in state 12: {:?}", bench.sent);
}

#[test]
fn an_unlimited_budget_does_not_depend_on_the_begin_of_the_scan() {
    let snapshot = |millis| {
        let mut bench = Bench::new(Policy { budget: Duration::MAX, ..POLICY }, Instant::from_millis(millis));
        bench.give(Input::Start(Request { id: 1, origin: Origin::Manual }));
        bench.give(Input::Taken(UP));
        bench.scanner.snapshot(bench.now)
    };
    assert_eq!(snapshot(1_000), snapshot(2_000));
}
