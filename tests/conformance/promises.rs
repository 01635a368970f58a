//! The promises.

use std::num::NonZeroU32;
use std::process::Command;

use cellscan::custody::CustodyError;
use cellscan::runit::RunitError;
use cellscan::service::ServiceError;
use cellscan_core::supervisor::{ServiceState, Signal, Supervisor, Want};
use cellscan_tests::support::leases::leases_in;
use cellscan_tests::support::processes;

use super::life::Life;
use super::rig::{Kind, Rig, SOON};

fn is_runit(error: Option<&CustodyError>, is_why: impl Fn(&RunitError) -> bool) -> bool {
    error.and_then(CustodyError::runit).is_some_and(is_why)
}

pub(crate) fn take_finds_it_up_and_changes_nothing(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let pid = rig.bench.wait_for_holder(SOON, None);
    let mut service = rig.backend();
    let found = rig.take(&mut service);
    assert!(found.supervised && !found.foreign_down, "{found:?}");
    assert_eq!((found.state, found.want, found.pid), (ServiceState::Run, Want::Up, NonZeroU32::new(pid)));
    assert_eq!(rig.status(&mut service), found);
    assert!(!rig.remains(&mut service).is_free());
    assert!(processes::is_alive(pid) && rig.bench.holders() == [pid]);
}

pub(crate) fn take_finds_its_process(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let pid = rig.bench.wait_for_holder(SOON, None);
    let mut service = rig.backend();
    rig.take(&mut service);
    let remains = rig.remains(&mut service);
    assert_eq!((remains.service, remains.stranger), (NonZeroU32::new(pid), None));
}

pub(crate) fn take_finds_it_down(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Down);
    let mut service = rig.backend();
    let found = rig.take(&mut service);
    assert!(found.supervised && !found.foreign_down, "{found:?}");
    assert_eq!((found.state, found.want, found.pid), (ServiceState::Down, Want::Down, None));
    assert!(rig.remains(&mut service).is_free());
    rig.release(&mut service);
    assert_eq!(rig.starts(), 0);
}

pub(crate) fn take_finds_it_running_once(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    rig.bench.sv(&["once"]);
    let mut service = rig.backend();
    rig.until(&mut service, "wanted once", |rig, service| rig.status(service).want == Want::Once);
    let found = rig.take(&mut service);
    assert_eq!((found.state, found.want), (ServiceState::Run, Want::Once));
}

pub(crate) fn nothing_is_requested_before_the_service_is_taken(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let pid = rig.bench.wait_for_holder(SOON, None);
    let mut service = rig.backend();
    for want in [Want::Down, Want::Once, Want::Up] {
        let refused = rig.done(&mut service, |service| service.ask(want));
        assert!(matches!(refused, Err(CustodyError::Service(ServiceError::NotTaken))), "{refused:?}");
    }
    for signal in [Signal::Term, Signal::Kill] {
        let refused = rig.done(&mut service, |service| service.signal(signal));
        assert!(matches!(refused, Err(CustodyError::Service(ServiceError::NotTaken))), "{refused:?}");
    }
    assert!(matches!(
        rig.done(&mut service, Supervisor::remains),
        Err(CustodyError::Service(ServiceError::NotTaken))
    ));
    let seen = rig.status(&mut service);
    assert_eq!((seen.state, seen.want, seen.pid), (ServiceState::Run, Want::Up, NonZeroU32::new(pid)));
    rig.must_stay(&mut service, "it runs on", |_, _| processes::is_alive(pid));
    rig.release(&mut service);
}

pub(crate) fn down_is_obeyed_and_the_process_is_gone(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let pid = rig.bench.wait_for_holder(SOON, None);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    assert!(!processes::is_alive(pid) && rig.bench.holders().is_empty());
    rig.must_stay(&mut service, "it is not started again", |rig, service| {
        rig.is_down(service) && rig.starts() == 1
    });
}

pub(crate) fn down_twice_is_harmless(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.must_stay(&mut service, "and it stays down", Rig::is_down);
    assert!(!rig.status(&mut service).foreign_down, "all three were ours");
    rig.ask(&mut service, Want::Up);
    rig.until_up(&mut service);
    rig.until(&mut service, "started once more", |rig, _| rig.starts() == 2);
}

pub(crate) fn up_brings_another_process(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let before = rig.bench.wait_for_holder(SOON, None);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    rig.ask(&mut service, Want::Up);
    let up = rig.until_up(&mut service);
    let after = rig.bench.wait_for_holder(SOON, Some(before));
    assert_eq!(up.pid, NonZeroU32::new(after));
    assert!(!up.foreign_down);
    rig.ask(&mut service, Want::Up);
    rig.must_stay(&mut service, "another up starts nothing", |rig, _| rig.bench.holders() == [after]);
    assert_eq!(rig.starts(), 2);
}

pub(crate) fn once_is_given_back_as_once(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    rig.bench.sv(&["once"]);
    let mut service = rig.backend();
    rig.until(&mut service, "wanted once", |rig, service| rig.status(service).want == Want::Once);
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    rig.ask(&mut service, Want::Once);
    rig.until(&mut service, "it runs once", |rig, service| {
        let now = rig.status(service);
        (now.state, now.want) == (ServiceState::Run, Want::Once)
    });
}

pub(crate) fn a_service_that_ignores_term_is_killed(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Deaf);
    let pid = rig.bench.wait_for_holder(SOON, None);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until(&mut service, "wanted down, and TERM has come", |rig, service| {
        let heard = rig.bench.events().iter().any(|event| event.what == "ignored");
        heard && rig.status(service).want == Want::Down
    });
    assert_eq!(rig.status(&mut service).state, ServiceState::Run, "it lives on");
    assert_eq!(rig.remains(&mut service).service, NonZeroU32::new(pid));
    rig.done(&mut service, |service| service.signal(Signal::Kill)).expect("it is ours to kill");
    rig.until_gone(pid);
    rig.until_down_and_free(&mut service);
}

pub(crate) fn a_process_that_outlives_the_service_remains(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Outlived);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until(&mut service, "its child alone has the port", |rig, service| {
        rig.status(service).want == Want::Down && rig.bench.holders().len() == 1
    });
    let left = rig.bench.holders();
    let remains = rig.remains(&mut service);
    assert_eq!((remains.service.map(NonZeroU32::get), remains.stranger), (left.first().copied(), None));
    rig.done(&mut service, |service| service.signal(Signal::Kill)).expect("it is ours to kill");
    rig.until_down_and_free(&mut service);
    assert!(rig.bench.holders().is_empty());
}

pub(crate) fn a_stranger_on_the_port_is_named_and_not_touched(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let mut service = rig.backend();
    rig.take(&mut service);
    let port = std::fs::File::open(rig.bench.port()).expect("the port opens");
    let mut stranger = Command::new("sleep").arg("600").stdin(port).spawn().expect("sleep starts");
    rig.ask(&mut service, Want::Down);
    rig.until(&mut service, "the stranger alone is left", |rig, service| {
        let remains = rig.remains(service);
        rig.is_down(service) && remains.service.is_none() && remains.stranger.is_some()
    });
    assert_eq!(rig.remains(&mut service).stranger, NonZeroU32::new(stranger.id()));
    for signal in [Signal::Term, Signal::Kill] {
        rig.done(&mut service, |service| service.signal(signal)).expect("no process is left to signal");
    }
    assert!(stranger.try_wait().expect("it is our child").is_none());
    stranger.kill().expect("it is our child");
    stranger.wait().expect("it is our child");
    rig.until_down_and_free(&mut service);
}

pub(crate) fn after_a_foreign_start_down_is_asked_again(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let before = rig.bench.wait_for_holder(SOON, None);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    if kind.is_supervised() {
        rig.bench.sv(&["up"]);
    } else {
        rig.start_by_hand();
    }
    rig.until(&mut service, "it is seen", |rig, service| {
        let now = rig.status(service);
        now.state == ServiceState::Run && now.pid.is_some_and(|pid| pid.get() != before)
    });
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    assert!(!rig.status(&mut service).foreign_down);
}

pub(crate) fn a_finish_script_is_waited_for(kind: Kind) {
    let mut rig = Rig::start(kind, Life::SlowToFinish);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until(&mut service, "finish", |rig, service| {
        let now = rig.status(service);
        now.state == ServiceState::Finish && now.want == Want::Down && now.pid.is_some()
    });
    assert!(kind.is_by_text() || !rig.remains(&mut service).is_free(), "it is of the service, and there");
    rig.until_down_and_free(&mut service);
}

pub(crate) fn down_asked_in_the_throttle_is_obeyed(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Crashing);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.until(&mut service, "it has crashed", |rig, service| {
        let now = rig.status(service);
        (now.state, now.want) == (ServiceState::Down, Want::Up)
    });
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    let starts = rig.starts();
    rig.must_stay(&mut service, "not started again", |rig, service| {
        rig.is_down(service) && rig.starts() == starts
    });
}

pub(crate) fn up_asked_in_the_throttle_is_not_lost(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Crashing);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.until(&mut service, "it has crashed", |rig, service| {
        let now = rig.status(service);
        (now.state, now.want) == (ServiceState::Down, Want::Up)
    });
    rig.ask(&mut service, Want::Down);
    rig.ask(&mut service, Want::Up);
    // One start may be an earlier one; a second start shows that the service is wanted up.
    let starts = rig.starts();
    rig.until(&mut service, "started again and again", |rig, _| rig.starts() >= starts + 2);
    assert_eq!(rig.status(&mut service).want, Want::Up);
}

pub(crate) fn a_dead_supervisor_is_reported_and_its_successor_asked(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    rig.bench.kill_runsv();
    rig.until(&mut service, "told", |rig, service| !rig.status(service).supervised);
    let refused = rig.done(&mut service, |service| service.ask(Want::Down));
    assert!(
        is_runit(refused.as_ref().err(), |error| matches!(error, RunitError::NotSupervised { .. })),
        "{refused:?}"
    );
    rig.bench.start_runsv();
    // It knows nothing of the requests to the first.
    rig.until_up(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    assert!(!rig.status(&mut service).foreign_down, "another runsv is not another client");
    rig.ask(&mut service, Want::Up);
    rig.until_up(&mut service);
}

pub(crate) fn a_second_scan_is_refused_and_the_first_named(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let pid = rig.bench.wait_for_holder(SOON, None);
    let mut first = rig.backend();
    rig.take(&mut first);
    let mut second = rig.backend();
    let refused = rig.done(&mut second, Supervisor::take);
    let Err(CustodyError::Claimed { by, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(by, NonZeroU32::new(std::process::id()));
    let refused = rig.done(&mut second, |service| service.ask(Want::Down));
    assert!(matches!(refused, Err(CustodyError::Service(ServiceError::NotTaken))), "{refused:?}");
    assert!(processes::is_alive(pid));
    rig.release(&mut first);
    rig.take_when_free(&mut second);
}

pub(crate) fn an_unsupervised_service_is_refused(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let root = rig.bench.root().to_owned();
    let never = root.join("never");
    std::fs::create_dir(&never).expect("a directory");
    let refused = rig.refusal(&never);
    assert!(
        is_runit(Some(&refused), |error| matches!(error, RunitError::NeverSupervised { .. })),
        "{refused:?}"
    );
    let refused = rig.refusal(&root.join("nothing"));
    assert!(is_runit(Some(&refused), |error| matches!(error, RunitError::NoService { .. })), "{refused:?}");
    let mut service = rig.backend();
    assert!(rig.status(&mut service).supervised);
    rig.bench.kill_runsv();
    rig.until(&mut service, "told", |rig, service| !rig.status(service).supervised);
    let refused = rig.done(&mut service, Supervisor::take);
    assert!(
        is_runit(refused.as_ref().err(), |error| matches!(error, RunitError::NotSupervised { .. })),
        "{refused:?}"
    );
    let dir = rig.bench.service().to_owned();
    let refused = rig.refusal(&dir);
    assert!(
        is_runit(Some(&refused), |error| matches!(error, RunitError::NotSupervised { .. })),
        "{refused:?}"
    );
}

pub(crate) fn release_leaves_no_lease_process_or_descriptor(kind: Kind) {
    let mut rig = Rig::start(kind, Life::Healthy);
    let before = rig.bench.wait_for_holder(SOON, None);
    let mut service = rig.backend();
    rig.take(&mut service);
    rig.ask(&mut service, Want::Down);
    rig.until_down_and_free(&mut service);
    rig.ask(&mut service, Want::Up);
    let up = rig.until_up(&mut service);
    rig.release(&mut service);
    assert_eq!(service.wake_fds().len(), 0, "neither watch nor handle");
    // The lock file of the port stays, without a lock on it.
    assert!(leases_in(&rig.run_dir()).is_empty(), "nor a lease");
    // A guard and an `sv` have the directory among their arguments, as runsv has.
    let dir = rig.bench.service().as_os_str().as_encoded_bytes().to_owned();
    let about_it = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == dir)
    };
    let is_left = |pid: &u32| Some(*pid) != rig.bench.runsv_pid() && about_it(pid);
    // On a busy machine a guard that was released takes longer to end than the release waits for it.
    rig.bench.wait_until(SOON, "nor a process", || !processes::all().iter().any(is_left));
    let after = rig.bench.wait_for_holder(SOON, Some(before));
    assert_eq!(up.pid, NonZeroU32::new(after), "and the service runs on");
    let mut next = rig.backend();
    let found = rig.take_when_free(&mut next);
    assert_eq!((found.want, found.pid), (Want::Up, up.pid), "for the next scan to find");
}
