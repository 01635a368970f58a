//! One table of promises, kept by every backend: `runsv` of runit and of busybox, natively and by the `sv` of each, and a
//! `pppd` that nobody supervises. They are written against the trait that the scan knows, and nothing else.
//!
//! Each promise is a module with one test for each backend, such as `down_is_obeyed::sv_of_busybox`. Those of busybox say
//! on standard output where there is none.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot be set up fails loudly")]

mod life;
mod promises;
mod rig;

use rig::Kind;

macro_rules! promise {
    ($name:ident of everybody) => {
        promise!($name: Native, Sv, BusyboxNative, BusyboxSv, Unsupervised);
    };
    // Why `Unsupervised` need not keep it is said beside it.
    ($name:ident of supervisors, since $why:literal) => {
        #[doc = concat!("Not unsupervised: ", $why, ".")]
        mod $name {
            promise!(tests of $name: Native, Sv, BusyboxNative, BusyboxSv);
        }
    };
    ($name:ident: $($kind:ident),*) => {
        mod $name {
            promise!(tests of $name: $($kind),*);
        }
    };
    (tests of $name:ident: $($kind:ident),*) => {
        $(promise!(test of $name: $kind);)*
    };
    (test of $name:ident: Native) => {
        #[test]
        fn native() {
            super::promises::$name(super::Kind::Native);
        }
    };
    (test of $name:ident: Sv) => {
        #[test]
        fn sv() {
            super::promises::$name(super::Kind::Sv);
        }
    };
    (test of $name:ident: BusyboxNative) => {
        #[test]
        fn native_on_busybox() {
            if super::busybox_is_there() {
                super::promises::$name(super::Kind::BusyboxNative);
            }
        }
    };
    (test of $name:ident: BusyboxSv) => {
        #[test]
        fn sv_of_busybox() {
            if super::busybox_is_there() {
                super::promises::$name(super::Kind::BusyboxSv);
            }
        }
    };
    (test of $name:ident: Unsupervised) => {
        #[test]
        fn unsupervised() {
            super::promises::$name(super::Kind::Unsupervised);
        }
    };
}

promise!(take_finds_it_up_and_changes_nothing of everybody);
promise!(take_finds_it_down of everybody);
promise!(take_finds_it_running_once of supervisors, since "a process does not tell whether it is to be started again");
promise!(nothing_is_asked_before_it_is_taken of everybody);
promise!(down_is_obeyed_and_the_process_is_gone of everybody);
promise!(down_twice_is_harmless of everybody);
promise!(up_brings_another_process of everybody);
promise!(once_is_given_back_as_once of supervisors, since "nobody would start it again");
promise!(a_service_deaf_to_term_is_killed of everybody);
promise!(what_outlives_the_service_remains of everybody);
promise!(a_stranger_on_the_port_is_named_and_not_touched of everybody);
promise!(a_foreign_start_is_seen_and_down_asked_again of everybody);
promise!(a_finish_script_is_waited_for of supervisors, since "nobody would run one");
promise!(down_asked_in_the_throttle_is_obeyed of supervisors, since "nobody restarts it, so nobody sleeps");
promise!(up_asked_in_the_throttle_is_not_lost of supervisors, since "nobody restarts it, so nobody sleeps");
promise!(a_supervisor_that_dies_is_told_and_its_successor_asked of supervisors, since "there is none");
promise!(a_second_taker_is_refused_and_the_first_named of supervisors, since "there is no directory to claim; the lock of the port keeps two apart");
promise!(what_nobody_supervises_is_refused of supervisors, since "that is what it is for");
promise!(release_leaves_nothing_behind of everybody);

#[expect(clippy::print_stdout, reason = "who reads the tests is told what was not tried")]
fn busybox_is_there() -> bool {
    let there = cellscan_tests::support::binaries::busybox().is_some();
    if !there {
        println!("no busybox with runsv and sv: not tried; tests/busybox builds one");
    }
    there
}
