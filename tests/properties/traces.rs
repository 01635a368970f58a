//! Faults that the walk and the random runs found, each step by step.

use cellscan_core::at::command::Command;
use cellscan_core::scan::{Input, Phase, Policy, Scanner, Strategy};
use cellscan_core::time::{Instant, Span};
use cellscan_tests::support::Driven;

use crate::alphabet::{POLICY, UP, plmn};

fn scanner(policy: Policy) -> Scanner {
    let mut scanner = Scanner::new(policy);
    scanner.remember(plmn("00101"));
    scanner
}

/// In the trial of the one remembered carrier, with a modem that did not report its operator before.
fn trying(policy: Policy) -> Driven {
    let mut driven = Driven::stopping_with(scanner(policy), Instant::from_millis(1_000));
    driven.prepare();
    driven.line("OK");
    driven.until(Command::Select(plmn("00101")));
    driven
}

/// To the end of the scan, with `OK` to every command.
fn end(driven: &mut Driven) {
    for _ in 0..200 {
        if driven.scanner.phase() == Phase::Idle {
            return;
        }
        if driven.opens {
            driven.open();
        }
        if driven.sent.last().is_some_and(|command| !command.has_answer_line()) {
            driven.line("OK");
        }
        driven.pass();
    }
    panic!("it never ends, and has sent {:?}", driven.sent);
}

const QUICK: Policy = Policy { strategy: Strategy::Quick, retakes: 1, ..POLICY };

#[test]
fn a_selection_that_the_scan_made_itself_is_not_restored() {
    let mut driven = trying(QUICK);
    // Another client has the service for a while, and the modem is queried again: it is where the scan has put it.
    driven.give(Input::Service(UP));
    driven.prepare();
    driven.line("+COPS: 1,2,\"00101\",7");
    driven.line("OK");
    driven.give(Input::Abort);
    driven.sent.clear();
    driven.line("OK");
    end(&mut driven);
    let by_hand = driven.sent.contains(&Command::Select(plmn("00101")));
    assert!(!by_hand, "the modem stays on a carrier of ours for good: {:?}", driven.sent);
    assert_eq!(driven.report.before, None);
}

#[test]
fn a_command_due_for_repetition_is_not_sent_after_the_scan_has_failed() {
    let mut driven = Driven::stopping_with(scanner(QUICK), Instant::from_millis(1_000));
    driven.prepare();
    // It timed out; a refusal of the next command may be the late answer, so that one is sent again.
    driven.pass();
    driven.until(Command::Attention);
    driven.line("OK");
    driven.until(Command::Select(plmn("00101")));
    driven.line("+CME ERROR: 30");
    driven.give(Input::Abort);
    assert_eq!(driven.scanner.phase(), Phase::Failed);
    driven.sent.clear();
    end(&mut driven);
    let again = driven.sent.contains(&Command::Select(plmn("00101")));
    assert!(!again, "a trial goes on in state 12: {:?}", driven.sent);
}

#[test]
fn an_unlimited_budget_does_not_depend_on_the_begin_of_the_scan() {
    let snapshot = |millis| {
        let policy = Policy { budget: Span::MAX, ..POLICY };
        let driven = Driven::stopping_with(scanner(policy), Instant::from_millis(millis));
        driven.scanner.snapshot(driven.now)
    };
    assert_eq!(snapshot(1_000), snapshot(2_000));
}
