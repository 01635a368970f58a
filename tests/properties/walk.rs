//! Properties of all reachable snapshots of a scan, and of every step from them.
//!
//! Each walk empties its frontier, so these properties hold without exception within its setting (`alphabet.rs`). The
//! machine's own `debug_assert`s are on in these tests, and a failing one is a violated rule with its story.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::thread;

use cellscan_core::scan::{ACTIONS_MAX, MOVES, Phase};

use crate::alphabet::SETTINGS;
use crate::explore::{self, Extent, Walk, explore};
use crate::rules;

/// Snapshots of one walk, at most: half more than those of the largest, and 1.3 gigabytes for all.
const EXTENT: Extent = Extent { nodes_max: 3_000_000, stops_at_once: false };

/// Each setting, walked once for all tests.
static WALKS: LazyLock<Vec<Walk>> = LazyLock::new(|| {
    thread::scope(|scope| {
        let walks: Vec<_> = SETTINGS.iter().map(|setting| scope.spawn(|| explore(setting, EXTENT))).collect();
        walks.into_iter().map(|walk| walk.join().expect("a walk catches what panics")).collect()
    })
});

#[track_caller]
fn assert_kept(rules: &[&str]) {
    for walk in WALKS.iter() {
        if let Some(broken) = walk.broken(rules).first() {
            panic!("not so: {}\n{}", broken.rule, broken.story);
        }
    }
}

#[test]
fn the_walk_reaches_all_states() {
    for walk in WALKS.iter() {
        println!("{:>9} snapshots, {:>9} steps: {}", walk.reached(), walk.steps, walk.name);
        assert_eq!(walk.left, 0, "{}: nodes were left behind", walk.name);
    }
}

#[test]
fn no_step_panics() {
    assert_kept(&[rules::PANICS]);
}

#[test]
fn every_listed_move_happens_and_no_other() {
    let happened: BTreeSet<(Phase, Phase)> = WALKS.iter().flat_map(|walk| &walk.moves).copied().collect();
    let listed: BTreeSet<(Phase, Phase)> = MOVES.iter().copied().collect();
    let unlisted: Vec<_> = happened.difference(&listed).collect();
    let dead: Vec<_> = listed.difference(&happened).collect();
    assert!(unlisted.is_empty() && dead.is_empty(), "unlisted: {unlisted:?}, never made: {dead:?}");
    assert_eq!(MOVES.len(), listed.len(), "each is listed once");
}

#[test]
fn from_every_state_the_scan_ends_when_only_time_passes() {
    for walk in WALKS.iter() {
        match walk.longest_silence() {
            Ok(steps) => println!("{steps:>3} timeouts at most: {}", walk.name),
            Err(story) => panic!("not so: {}, but not from the end of this:\n{story}", rules::ENDS),
        }
    }
}

#[test]
fn a_service_asked_down_is_asked_up_or_reported_as_not_given_back() {
    assert_kept(&[rules::OWED, explore::GIVEN_BACK, rules::PORT_KEPT, rules::RELEASED, rules::ASKED_ONCE]);
}

#[test]
fn what_is_owed_is_recorded_before_it_is_owed_and_until_it_is_given_back() {
    assert_kept(&[
        rules::UNRECORDED_DOWN,
        rules::UNRECORDED_SELECTION,
        rules::WRONG_RECORD,
        rules::FALSE_END,
    ]);
}

#[test]
fn no_command_follows_the_closing_of_the_port() {
    assert_kept(&[rules::SENT_CLOSED]);
}

#[test]
fn nothing_is_opened_or_sent_before_the_port_was_seen_free() {
    assert_kept(&[rules::OPENED_HELD, rules::SENT_HELD]);
}

#[test]
fn no_result_is_taken_for_that_of_another_command() {
    assert_kept(&[rules::UNANSWERED, rules::BELIEVED]);
}

#[test]
fn an_abort_does_not_leave_the_modem_alone() {
    assert_kept(&[rules::LEFT_ALONE]);
}

#[test]
fn other_clients_processes_and_the_death_of_the_supervisor_are_respected() {
    assert_kept(&[rules::OVERRULED, rules::UNSUPERVISED, rules::SIGNALLED]);
}

#[test]
fn the_scan_keeps_to_its_budget_and_to_its_number_of_retries() {
    assert_kept(&[rules::BUDGET, rules::RETRIED, rules::STUCK]);
}

#[test]
fn after_a_timeout_step_every_deadline_is_in_the_future() {
    assert_kept(&[explore::BEHIND]);
}

#[test]
fn equal_snapshots_behave_alike() {
    let mut compared = 0;
    for walk in WALKS.iter() {
        let (twins, unlike) = walk.unlike_twins();
        assert!(
            unlike.is_empty(),
            "this snapshot, reached on another path, behaves differently:\n{}",
            unlike[0]
        );
        compared += twins;
    }
    println!("{compared} pairs compared");
    assert!(compared > 0);
}

#[test]
fn the_actions_of_a_step_always_fit() {
    let most = WALKS.iter().map(|walk| walk.actions_max).max().unwrap_or_default();
    println!("{most} actions at most, room for {ACTIONS_MAX}");
    assert!(most < ACTIONS_MAX);
}
