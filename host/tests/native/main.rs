//! The native backend against the real `runsv`: each measured behaviour as a test.
//!
//! Every test has its own service directory and `runsv`, waits on conditions with a deadline, and ends only processes
//! that it started, by handle.

mod custody;
mod support;

use std::fs;
use std::num::NonZeroU32;
use std::time::Duration;

use cellscan::custody::CustodyError;
use cellscan::process::{self, Proc};
use cellscan::runit::RunitError;
use cellscan::service::ServiceError;
use cellscan::service::locate::{self, LocateOptions};
use cellscan_core::supervisor::{ServiceState, Signal, Supervisor, Want};
use support::{Pty, Runit, SOON, ask, down_and_free, remains, status, take, take_down, until};

fn is_refused<T>(answer: &Result<T, CustodyError>, is_why: impl Fn(&RunitError) -> bool) -> bool {
    answer.as_ref().err().and_then(CustodyError::runit).is_some_and(is_why)
}

#[test]
fn a_service_goes_down_and_comes_up_again() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native();
    let found = take(&mut native);
    assert!(found.supervised && !found.foreign_down);
    assert_eq!((found.state, found.want), (ServiceState::Run, Want::Up));
    let old = found.pid.unwrap();
    assert_eq!(remains(&mut native).service, Some(old), "taking changes nothing");
    ask(&mut native, Want::Down);
    until(&mut native, "down and free", down_and_free);
    ask(&mut native, Want::Up);
    until(&mut native, "up again", |native| {
        let now = status(native);
        now.want == Want::Up && now.state == ServiceState::Run && now.pid != Some(old)
    });
    assert!(!status(&mut native).foreign_down);
    nb::block!(native.release()).unwrap();
}

#[test]
fn a_change_wakes_the_loop_and_silence_does_not() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native();
    take(&mut native);
    native.woken();
    assert!(support::wait(&native, Duration::from_millis(100)).timed_out, "without an event the loop sleeps");
    ask(&mut native, Want::Down);
    assert!(!support::wait(&native, SOON).timed_out);
    until(&mut native, "down and free", down_and_free);
    native.woken();
    assert!(
        support::wait(&native, Duration::from_millis(100)).timed_out,
        "a process that has ended wakes the loop once"
    );
}

#[test]
fn a_down_in_the_throttle_counts_only_once_the_record_wants_down() {
    // The service dies at once: runsv sleeps for a second and reads no command during that time.
    let runit = Runit::crashing("echo x >>starts\nexit 1\n");
    let mut native = runit.native();
    take(&mut native);
    until(&mut native, "in the throttle", |native| {
        let now = status(native);
        now.state == ServiceState::Down && now.want == Want::Up
    });
    ask(&mut native, Want::Down);
    let at_once = status(&mut native);
    assert_eq!((at_once.want, at_once.pid), (Want::Up, None), "down, and yet not ours");
    until(&mut native, "wanted down", |native| status(native).want == Want::Down);
    until(&mut native, "down and free", down_and_free);
    let starts = fs::read_to_string(runit.dir().join("starts")).unwrap();
    assert!(support::wait(&native, Duration::from_millis(1_300)).timed_out);
    assert_eq!(fs::read_to_string(runit.dir().join("starts")).unwrap(), starts, "not started again");
}

#[test]
fn up_right_after_down_in_the_throttle_is_not_lost() {
    let runit = Runit::crashing("exit 1\n");
    let mut native = runit.native();
    take(&mut native);
    until(&mut native, "in the throttle", |native| status(native).state == ServiceState::Down);
    ask(&mut native, Want::Down);
    ask(&mut native, Want::Up);
    let deadline = support::after(SOON);
    let mut seen_down = false;
    until(&mut native, "both requests read, and up wanted", |native| {
        seen_down |= status(native).want == Want::Down;
        status(native).want == Want::Up && runit.unread() == 0
    });
    assert!(support::now() < deadline);
    until(&mut native, "started again", |native| status(native).pid.is_some());
}

#[test]
fn a_service_that_ignores_term_is_recognised_and_killed_by_handle() {
    let runit = Runit::start("trap '' TERM\necho ready >ready\nwhile :; do sleep 600 & wait $!; done\n");
    runit.until_file("ready");
    let mut native = runit.native();
    let pid = take(&mut native).pid.unwrap();
    ask(&mut native, Want::Down);
    until(&mut native, "wanted down", |native| status(native).want == Want::Down);
    assert_eq!(status(&mut native).state, ServiceState::Run);
    assert_eq!(remains(&mut native).service, Some(pid));
    nb::block!(native.signal(Signal::Kill)).unwrap();
    until(&mut native, "down and free", down_and_free);
}

#[test]
fn after_the_death_of_runsv_its_successor_is_asked_again() {
    let mut runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native();
    let first = take(&mut native).pid.unwrap();
    ask(&mut native, Want::Down);
    until(&mut native, "down and free", down_and_free);
    runit.kill_runsv();
    until(&mut native, "unsupervised", |native| !status(native).supervised);
    assert!(is_refused(&nb::block!(native.ask(Want::Down)), |error| matches!(
        error,
        RunitError::NotSupervised { .. }
    )));
    runit.start_runsv();
    until(&mut native, "the successor starts the service", |native| {
        let now = status(native);
        now.supervised && now.state == ServiceState::Run && now.want == Want::Up
    });
    let second = remains(&mut native).service.unwrap();
    assert_ne!(second, first, "noted as the service's");
    ask(&mut native, Want::Down);
    until(&mut native, "down and free", down_and_free);
    assert!(!status(&mut native).foreign_down, "another runsv is not another client");
}

#[test]
fn the_orphan_of_a_dead_runsv_still_belongs_to_the_service() {
    let mut runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native();
    let pid = take(&mut native).pid.unwrap();
    runit.kill_runsv();
    until(&mut native, "unsupervised", |native| !status(native).supervised);
    assert_eq!(status(&mut native).state, ServiceState::Run, "the record is stale");
    assert_eq!(remains(&mut native).service, Some(pid));
    nb::block!(native.signal(Signal::Term)).unwrap();
    until(&mut native, "free", |native| remains(native).is_free());
}

#[test]
fn a_foreign_down_during_the_hold_is_noticed() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native();
    take_down(&mut native);
    let rest = support::now() + Duration::from_millis(400);
    until(&mut native, "some quiet", |native| {
        assert!(!status(native).foreign_down);
        support::now() > rest
    });
    runit.sv("down");
    until(&mut native, "noticed", |native| status(native).foreign_down);
    assert_eq!(status(&mut native).want, Want::Down);
}

#[test]
fn a_foreign_up_during_the_hold_is_noticed_and_is_no_foreign_down() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native();
    take_down(&mut native);
    runit.sv("up");
    until(&mut native, "seen", |native| {
        let now = status(native);
        now.want == Want::Up && now.state == ServiceState::Run
    });
    ask(&mut native, Want::Down);
    until(&mut native, "down and free", down_and_free);
    assert!(!status(&mut native).foreign_down);
}

#[test]
fn a_child_that_outlives_a_run_without_exec_remains() {
    let pty = Pty::open();
    let runit = Runit::start(&format!("sleep 600 <>{}\n", pty.name));
    let mut native = runit.native_on(&pty);
    let shell = take(&mut native).pid.unwrap();
    until(&mut native, "the child is there", |_| process::descendants(shell).len() == 1);
    let child = process::descendants(shell).first().map(Proc::pid);
    ask(&mut native, Want::Down);
    until(&mut native, "down", |native| status(native).state == ServiceState::Down);
    let left = remains(&mut native);
    assert_eq!((left.service, left.stranger), (child, None), "down, and yet the port is held");
    nb::block!(native.signal(Signal::Term)).unwrap();
    until(&mut native, "down and free", down_and_free);
}

#[test]
fn a_stranger_on_the_port_is_named_and_never_signalled() {
    let pty = Pty::open();
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native_on(&pty);
    take(&mut native);
    let mut stranger = pty.hold();
    ask(&mut native, Want::Down);
    until(&mut native, "down", |native| remains(native).service.is_none());
    assert_eq!(remains(&mut native).stranger, NonZeroU32::new(stranger.id()));
    nb::block!(native.signal(Signal::Kill)).unwrap();
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(remains(&mut native).is_free());
}

#[test]
fn a_finish_script_is_waited_for() {
    let runit = Runit::with_finish("exec sleep 600\n", "echo x >finishing\nexec sleep 600\n");
    let mut native = runit.native();
    take(&mut native);
    ask(&mut native, Want::Down);
    runit.until_file("finishing");
    until(&mut native, "finish", |native| {
        let now = status(native);
        now.state == ServiceState::Finish && now.want == Want::Down && now.pid.is_some()
    });
    assert!(!remains(&mut native).is_free());
    nb::block!(native.signal(Signal::Term)).unwrap();
    until(&mut native, "down and free", down_and_free);
}

#[test]
fn a_service_wanted_once_is_recognised() {
    let runit = Runit::start("exec sleep 600\n");
    runit.sv("once");
    let mut native = runit.native();
    until(&mut native, "once", |native| status(native).want == Want::Once);
    assert_eq!(take(&mut native).want, Want::Once);
    ask(&mut native, Want::Down);
    until(&mut native, "down and free", down_and_free);
    ask(&mut native, Want::Once);
    until(&mut native, "running once", |native| {
        let now = status(native);
        now.state == ServiceState::Run && now.want == Want::Once
    });
}

#[test]
fn a_directory_recreated_under_its_supervisor_is_refused() {
    let runit = Runit::start("exec sleep 600\n");
    runit.replace_dir();
    let refused = nb::block!(runit.native().take());
    assert!(
        is_refused(&refused, |error| matches!(error, RunitError::NeverSupervised { .. }))
            || matches!(refused, Err(CustodyError::Service(ServiceError::Replaced { .. }))),
        "{refused:?}"
    );
}

#[test]
fn a_name_that_means_another_directory_is_not_brought_up() {
    let runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native_by_link();
    take_down(&mut native);
    runit.point_link_elsewhere();
    assert!(matches!(
        nb::block!(native.ask(Want::Up)),
        Err(CustodyError::Service(ServiceError::Renamed { .. }))
    ));
}

#[test]
fn a_service_without_a_supervisor_is_refused() {
    let mut runit = Runit::start("exec sleep 600\n");
    runit.kill_runsv();
    // Between its fork and its exec the service still has runsv's descriptors, so it looks like a supervisor.
    until(&mut runit.native(), "unsupervised", |native| !status(native).supervised);
    assert!(is_refused(&nb::block!(runit.native().take()), |error| matches!(
        error,
        RunitError::NotSupervised { .. }
    )));
}

#[test]
fn the_sv_backend_does_the_same_without_blocking_on_sv() {
    let runit = Runit::start("exec sleep 600\n");
    let mut service = runit.by_sv();
    let found = support::done(&mut service, Supervisor::take).unwrap().status;
    assert_eq!((found.state, found.want), (ServiceState::Run, Want::Up));
    assert!(!matches!(service.ask(Want::Down), Err(nb::Error::Other(_))), "sv has only just been started");
    support::done(&mut service, |service| service.ask(Want::Down)).unwrap();
    support::until_service(&mut service, "down and free", |service| {
        let now = support::done(service, Supervisor::status).unwrap();
        let free = support::done(service, Supervisor::remains).unwrap().is_free();
        now.state == ServiceState::Down && now.want == Want::Down && free
    });
    support::done(&mut service, |service| service.ask(Want::Up)).unwrap();
    support::until_service(&mut service, "up", |service| {
        let now = support::done(service, Supervisor::status).unwrap();
        now.state == ServiceState::Run && now.want == Want::Up
    });
}

#[test]
fn the_native_backend_is_preferred_and_the_reason_is_reported() {
    let runit = Runit::start("exec sleep 600\n");
    let service = Some(runit.dir().to_string_lossy().into_owned());
    let choice = locate::choose(LocateOptions { service, ..LocateOptions::new() }).unwrap();
    assert!(choice.why.starts_with("native: ") && choice.why.contains("runsv"), "{}", choice.why);
}

#[test]
fn a_stranger_named_in_the_status_record_is_not_signalled() {
    let mut runit = Runit::start("exec sleep 600\n");
    let mut native = runit.native();
    take_down(&mut native);
    let mut stranger = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let mut record = fs::read(runit.dir().join("supervise/status")).unwrap();
    record[12..16].copy_from_slice(&stranger.id().to_le_bytes());
    record[19] = 1;
    fs::write(runit.dir().join("supervise/status"), &record).unwrap();
    assert_eq!(status(&mut native).pid, NonZeroU32::new(stranger.id()));
    assert_eq!(remains(&mut native).service, None);
    nb::block!(native.signal(Signal::Kill)).unwrap();
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    runit.kill_runsv();
}
