//! What holds of everything that a scan can come to: every reachable snapshot, and every step from there.
//!
//! Each walk empties its frontier, so what is said here holds without exception within its setting (`alphabet.rs`). The
//! machine's own `debug_assert`s are on in these tests, and one that fails is a broken rule with its story.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::thread;

use cellscan_core::scan::{ACTIONS_MAX, MOVES, Phase};

use crate::alphabet::SETTINGS;
use crate::explore::{self, Walk, explore};
use crate::world;

/// Snapshots of one walk, at most: half more than those of the largest, and 1.3 gigabytes for all.
const NODES_MAX: usize = 2_000_000;

/// Each setting, walked once for all tests.
static WALKS: LazyLock<Vec<Walk>> = LazyLock::new(|| {
    thread::scope(|scope| {
        let walks: Vec<_> =
            SETTINGS.iter().map(|setting| scope.spawn(|| explore(setting, NODES_MAX))).collect();
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
fn all_that_can_be_reached_is_walked() {
    for walk in WALKS.iter() {
        println!("{:>9} snapshots, {:>9} steps: {}", walk.reached(), walk.steps, walk.name);
        assert_eq!(walk.left, 0, "{}: nodes were left behind", walk.name);
    }
}

#[test]
fn no_step_panics() {
    assert_kept(&[explore::PANICS]);
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
            Err(story) => panic!("never idle again from the end of this:\n{story}"),
        }
    }
}

#[test]
fn whatever_was_asked_down_is_asked_up_or_reported_kept() {
    assert_kept(&[explore::OWED, explore::GIVEN_BACK, world::PORT_KEPT]);
}

#[test]
fn no_command_follows_the_closing_of_the_port() {
    assert_kept(&[world::SENT_CLOSED]);
}

#[test]
fn nothing_is_opened_or_sent_before_the_port_was_seen_free() {
    assert_kept(&[world::OPENED_HELD, world::SENT_HELD]);
}

#[test]
fn after_a_timeout_step_no_deadline_lies_behind() {
    assert_kept(&[explore::BEHIND]);
}

#[test]
fn equal_snapshots_behave_alike() {
    let mut compared = 0;
    for walk in WALKS.iter() {
        let (twins, unlike) = walk.unlike_twins();
        assert!(unlike.is_empty(), "reached again in another way, this goes on differently:\n{}", unlike[0]);
        compared += twins;
    }
    println!("{compared} pairs compared");
    assert!(compared > 0);
}

#[test]
fn actions_never_fill_up() {
    let most = WALKS.iter().map(|walk| walk.actions_max).max().unwrap_or_default();
    println!("{most} actions at most, room for {ACTIONS_MAX}");
    assert!(most < ACTIONS_MAX);
}
