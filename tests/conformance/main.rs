//! One table of promises, kept by every backend: `runsv` of runit and of busybox, natively and by the `sv` of each, also by
//! its text alone where we may not open the files, and a `pppd` without a supervisor. They use only the trait that the scan
//! uses.
//!
//! Each promise is a module with one test for each backend, such as `down_twice_is_harmless::sv_of_busybox`. Without a
//! busybox its tests print SKIPPED, and fail where `CI=true`.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot be set up fails loudly")]

mod life;
mod promises;
mod rig;

use rig::Kind;

macro_rules! promise {
    ($name:ident of every backend) => {
        promise!($name: Native, Sv, SvByText, BusyboxNative, BusyboxSv, BusyboxSvByText, Unsupervised);
    };
    // The reason why the other backends need not keep it is stated beside it.
    ($name:ident of supervisors, since $why:literal) => {
        #[doc = concat!("Not unsupervised: ", $why, ".")]
        promise!($name: Native, Sv, SvByText, BusyboxNative, BusyboxSv, BusyboxSvByText);
    };
    ($name:ident of process backends, since $why:literal) => {
        #[doc = concat!("Not by text alone: ", $why, ".")]
        promise!($name: Native, Sv, BusyboxNative, BusyboxSv, Unsupervised);
    };
    ($name:ident of file backends, since $why:literal) => {
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

promise!(take_finds_it_up_and_changes_nothing of every backend);
promise!(take_finds_its_process of process backends, since "the backend cannot see that the process is the service's");
promise!(take_finds_it_down of every backend);
promise!(take_finds_it_running_once of supervisors, since "a process does not show whether it will be restarted");
promise!(nothing_is_requested_before_the_service_is_taken of every backend);
promise!(down_is_obeyed_and_the_process_is_gone of every backend);
promise!(down_twice_is_harmless of every backend);
promise!(up_brings_another_process of every backend);
promise!(once_is_given_back_as_once of supervisors, since "no supervisor would start it again");
promise!(a_service_that_ignores_term_is_killed of process backends, since "the backend cannot identify the process, and signals no stranger");
promise!(a_process_that_outlives_the_service_remains of process backends, since "the backend cannot see that the process is the service's");
promise!(a_stranger_on_the_port_is_named_and_not_touched of every backend);
promise!(after_a_foreign_start_down_is_asked_again of every backend);
promise!(a_finish_script_is_waited_for of supervisors, since "no supervisor would run it");
promise!(down_asked_in_the_throttle_is_obeyed of supervisors, since "no supervisor restarts it, so none sleeps");
promise!(up_asked_in_the_throttle_is_not_lost of supervisors, since "no supervisor restarts it, so none sleeps");
promise!(a_dead_supervisor_is_reported_and_its_successor_asked of supervisors, since "there is none");
promise!(a_second_scan_is_refused_and_the_first_named of file backends, since "there is no directory to claim; the lock of the port excludes a second scan");
promise!(an_unsupervised_service_is_refused of supervisors, since "it serves exactly this case");
promise!(release_leaves_no_lease_process_or_descriptor of every backend);

fn can_be_had(kind: Kind) -> bool {
    !kind.is_on_busybox() || cellscan_tests::support::skip::busybox_or_skipped().is_some()
}
