//! One table of promises, kept by every backend: `runsv` of runit and of busybox, natively and by the `sv` of each, also by
//! its text alone where the files are not ours to open, and a `pppd` that nobody supervises. They are written against the
//! trait that the scan knows, and nothing else.
//!
//! Each promise is a module with one test for each backend, such as `down_twice_is_harmless::sv_of_busybox`. Those of
//! busybox say on standard output where there is none.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot be set up fails loudly")]

mod life;
mod promises;
mod rig;

use rig::Kind;

macro_rules! promise {
    ($name:ident of everybody) => {
        promise!($name: Native, Sv, SvByText, BusyboxNative, BusyboxSv, BusyboxSvByText, Unsupervised);
    };
    // Why the others need not keep it is said beside it.
    ($name:ident of supervisors, since $why:literal) => {
        #[doc = concat!("Not unsupervised: ", $why, ".")]
        promise!($name: Native, Sv, SvByText, BusyboxNative, BusyboxSv, BusyboxSvByText);
    };
    ($name:ident of who sees processes, since $why:literal) => {
        #[doc = concat!("Not by text alone: ", $why, ".")]
        promise!($name: Native, Sv, BusyboxNative, BusyboxSv, Unsupervised);
    };
    ($name:ident of who sees files, since $why:literal) => {
        #[doc = concat!("Neither by text alone nor unsupervised: ", $why, ".")]
        promise!($name: Native, Sv, BusyboxNative, BusyboxSv);
    };
    ($(#[$doc:meta])* $name:ident: $($kind:ident),*) => {
        mod $name {
            $(promise!(test of $name: $kind);)*
        }
    };
    (test of $name:ident: Native) => { promise!(test of $name by native: Native); };
    (test of $name:ident: Sv) => { promise!(test of $name by sv: Sv); };
    (test of $name:ident: SvByText) => { promise!(test of $name by sv_by_text: SvByText); };
    (test of $name:ident: BusyboxNative) => { promise!(test of $name by native_on_busybox: BusyboxNative); };
    (test of $name:ident: BusyboxSv) => { promise!(test of $name by sv_of_busybox: BusyboxSv); };
    (test of $name:ident: BusyboxSvByText) => {
        promise!(test of $name by sv_of_busybox_by_text: BusyboxSvByText);
    };
    (test of $name:ident: Unsupervised) => { promise!(test of $name by unsupervised: Unsupervised); };
    (test of $name:ident by $test:ident: $kind:ident) => {
        #[test]
        fn $test() {
            if super::can_be_had(super::Kind::$kind) {
                super::promises::$name(super::Kind::$kind);
            }
        }
    };
}

promise!(take_finds_it_up_and_changes_nothing of everybody);
promise!(take_finds_its_process of who sees processes, since "it is a stranger's as far as can be seen");
promise!(take_finds_it_down of everybody);
promise!(take_finds_it_running_once of supervisors, since "a process does not tell whether it is to be started again");
promise!(nothing_is_asked_before_it_is_taken of everybody);
promise!(down_is_obeyed_and_the_process_is_gone of everybody);
promise!(down_twice_is_harmless of everybody);
promise!(up_brings_another_process of everybody);
promise!(once_is_given_back_as_once of supervisors, since "nobody would start it again");
promise!(a_service_deaf_to_term_is_killed of who sees processes, since "who it is cannot be seen, and no stranger is signalled");
promise!(what_outlives_the_service_remains of who sees processes, since "it is a stranger's as far as can be seen");
promise!(a_stranger_on_the_port_is_named_and_not_touched of everybody);
promise!(a_foreign_start_is_seen_and_down_asked_again of everybody);
promise!(a_finish_script_is_waited_for of supervisors, since "nobody would run one");
promise!(down_asked_in_the_throttle_is_obeyed of supervisors, since "nobody restarts it, so nobody sleeps");
promise!(up_asked_in_the_throttle_is_not_lost of supervisors, since "nobody restarts it, so nobody sleeps");
promise!(a_supervisor_that_dies_is_told_and_its_successor_asked of supervisors, since "there is none");
promise!(a_second_taker_is_refused_and_the_first_named of who sees files, since "there is no directory to claim; the lock of the port keeps two apart");
promise!(what_nobody_supervises_is_refused of supervisors, since "that is what it is for");
promise!(release_leaves_nothing_behind of everybody);

#[expect(clippy::print_stdout, reason = "who reads the tests is told what was not tried")]
fn can_be_had(kind: Kind) -> bool {
    let there = !kind.is_on_busybox() || cellscan_tests::support::binaries::busybox().is_some();
    if !there {
        println!("not tried: no busybox with runsv and sv; tests/busybox builds one");
    }
    there
}
