//! What stands in for a scan that dies, on the real `runsv`: its guard, and its lease on disk.

use std::fs;

use super::support::{self, Runit, UP, another_client_asks_for_down, ask, status, take, take_down, until};
use cellscan::custody::CustodyError;
use cellscan::process::Proc;
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{Owed, ServiceState, Supervisor, Want};

#[test]
fn the_guard_gives_back_after_the_scan_is_killed_and_removes_its_lock() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native();
    let before = status(&mut native).pid;
    let mut holder = runit.hold();
    until(&mut native, "held", |native| status(native).want == Want::Down && status(native).pid.is_none());
    assert_eq!(runit.locks(), 1);
    holder.kill().unwrap();
    holder.wait().unwrap();
    until(&mut native, "given back", |native| {
        let now = status(native);
        now.want == Want::Up && now.state == ServiceState::Run && now.pid != before
    });
    assert_eq!(runit.locks(), 0);
}

#[test]
fn the_lease_says_what_the_scan_owes_and_a_status_changes_nothing() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native_with_lease();
    take(&mut native);
    assert_eq!(runit.owed(), [Owed::default()], "nothing, before the scan says so");
    take_down(&mut native);
    assert_eq!(runit.owed(), [UP]);
    another_client_asks_for_down(&runit, &mut native);
    until(&mut native, "noticed", |native| status(native).foreign_down);
    assert_eq!(runit.owed(), [UP], "the scan decides what follows from that");
    let automatic = Owed { want: None, selection: Some(Selection::Automatic) };
    native.owe(automatic);
    assert_eq!(runit.owed(), [automatic]);
}

#[test]
fn down_is_not_asked_for_while_neither_guard_nor_lease_knows_what_is_owed() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native_with_lease();
    take(&mut native);
    let blocked = runit.block_lease();
    native.owe(UP);
    let refused = nb::block!(native.ask(Want::Down));
    assert!(matches!(refused, Err(CustodyError::Lease(_))), "{refused:?}");
    assert_eq!(status(&mut native).want, Want::Up);
    fs::remove_dir(blocked).unwrap();
    ask(&mut native, Want::Down);
    assert_eq!(runit.owed(), [UP], "it is written before the request");
}

#[test]
fn the_next_scan_takes_over_what_a_dead_one_owed() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native_with_lease();
    take_down(&mut native);
    let owed = Owed { selection: Some(Selection::Automatic), ..UP };
    native.owe(owed);
    // Dropped without a release, as it is when its process dies: without a guard only the lease is left.
    drop(native);
    let taken = nb::block!(runit.native_with_lease().take()).unwrap();
    assert_eq!((taken.status.want, taken.owed), (Want::Down, owed));
    assert_eq!(runit.owed(), [owed], "and it stands in the name of the next scan at once");
}

#[test]
fn the_guard_leaves_a_foreign_down_alone() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native_with_guard();
    take_down(&mut native);
    another_client_asks_for_down(&runit, &mut native);
    until(&mut native, "noticed", |native| status(native).foreign_down);
    native.owe(Owed::default());
    let guard = support::guards_of(&runit);
    assert_eq!(guard.len(), 1);
    // The pipe closes without a release, as it does when this process dies.
    drop(native);
    let mut native = runit.native();
    until(&mut native, "the guard ends", |_| guard.iter().all(Proc::is_gone));
    assert_eq!(status(&mut native).want, Want::Down);
}

#[test]
fn a_guard_released_after_giving_back_changes_nothing() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native_with_guard();
    take_down(&mut native);
    let guard = support::guards_of(&runit);
    assert_eq!(guard.len(), 1);
    ask(&mut native, Want::Up);
    until(&mut native, "up", |native| status(native).want == Want::Up);
    runit.sv("down");
    until(&mut native, "down by another client", |native| status(native).want == Want::Down);
    assert_eq!(status(&mut native).given_back, Some(true), "seen up, and what follows is not ours");
    native.owe(Owed::default());
    nb::block!(native.release()).unwrap();
    let mut native = runit.native();
    until(&mut native, "the guard ends", |_| guard.iter().all(Proc::is_gone));
    assert_eq!(status(&mut native).want, Want::Down, "the other client's request stays");
}

#[test]
fn a_guard_released_before_giving_back_goes_on() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native_with_guard();
    take_down(&mut native);
    let guard = support::guards_of(&runit);
    nb::block!(native.release()).unwrap();
    let mut native = runit.native();
    until(&mut native, "wanted up", |native| status(native).want == Want::Up);
    until(&mut native, "the guard ends", |_| guard.iter().all(Proc::is_gone));
}
