//! A service of one kind, and its backend, driven as the driver does: retried, and waited for by its wake-up descriptors.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use cellscan::clock::Clock;
use cellscan::custody::guard::GuardOptions;
use cellscan::custody::lease::LeaseOptions;
use cellscan::custody::{CustodyError, Held, HeldOptions};
use cellscan::event_loop;
use cellscan::runit::sv::{Flavour, SvProgram};
use cellscan::service::locate::{self, Backend, LocateOptions};
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Supervisor, Want};
use cellscan_core::time::Instant;
use cellscan_tests::support::{Bench, binaries, processes, wait_for};

use super::life::Life;

/// More than any step here takes on a busy machine; `runsv` sleeps for a second after an early death.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// The longest poll interval for changes without a wake-up.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// More than `runsv` sleeps: a restart has happened by then.
const THROTTLE: Duration = Duration::from_millis(1_300);

/// An `sv` with more permissions than ours, as by sudo: it gets the name of an empty directory, and reports it.
const ELSEWHERE: &str = r#"#!/bin/sh
real=${0%/*}
shown=${real%/*/*}/elsewhere
[ $# -gt 0 ] || exec @SV@
for word; do
    shift
    [ "$word" != "$shown" ] || word=$real
    set -- "$@" "$word"
done
said=$(@SV@ "$@")
code=$?
[ -z "$said" ] || printf '%s\n' "$said" | sed "s|$real|$shown|g"
exit $code
"#;

/// A backend, and the kind of its supervisor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Native,
    Sv,
    SvByText,
    BusyboxNative,
    BusyboxSv,
    BusyboxSvByText,
    Unsupervised,
}

impl Kind {
    pub(crate) fn is_supervised(self) -> bool {
        self != Self::Unsupervised
    }

    pub(crate) fn is_on_busybox(self) -> bool {
        matches!(self, Self::BusyboxNative | Self::BusyboxSv | Self::BusyboxSvByText)
    }

    pub(crate) fn is_by_text(self) -> bool {
        matches!(self, Self::SvByText | Self::BusyboxSvByText)
    }

    fn backend(self) -> Backend {
        match self {
            Self::Native | Self::BusyboxNative => Backend::Native,
            Self::Sv | Self::SvByText | Self::BusyboxSv | Self::BusyboxSvByText => Backend::Sv,
            Self::Unsupervised => Backend::Unsupervised,
        }
    }

    fn busybox(self) -> Option<PathBuf> {
        self.is_on_busybox().then(|| binaries::busybox().expect("it was found before"))
    }

    /// runit's `sv` by its name, busybox's as an applet.
    fn sv(self) -> SvProgram {
        match self.busybox() {
            Some(busybox) => SvProgram::applet_of(&busybox).expect("it has sv"),
            None => SvProgram::find().expect("runit is installed"),
        }
    }
}

pub(crate) struct Rig {
    pub(crate) bench: Bench,
    kind: Kind,
    life: Life,
    by_hand: Vec<Child>,
}

impl Rig {
    /// A service in the initial state of its behaviour.
    #[track_caller]
    pub(crate) fn start(kind: Kind, life: Life) -> Self {
        let workbench = life.workbench();
        let workbench = match kind.busybox() {
            Some(busybox) => workbench.runsv([busybox.into_os_string(), "runsv".into()]),
            None => workbench,
        };
        // Without a supervisor the `runsv` of the bench is unused.
        let workbench = if kind.is_supervised() { workbench } else { workbench.down() };
        let workbench = if kind.is_by_text() {
            workbench.script("sv", &ELSEWHERE.replace("@SV@", &kind.sv().to_string()))
        } else {
            workbench
        };
        let mut rig = Self { bench: workbench.start(), kind, life, by_hand: Vec::new() };
        if !kind.is_supervised() && life != Life::Down {
            rig.start_by_hand();
        }
        match life {
            Life::Healthy | Life::Deaf | Life::SlowToFinish => {
                let pid = rig.bench.wait_for_holder(SOON, None);
                if kind.is_supervised() {
                    rig.bench.wait_until(SOON, "the record names it", || rig.bench.status().pid == pid);
                }
            }
            Life::Outlived => {
                rig.bench.wait_until(SOON, "its child is there", || rig.bench.holders().len() == 2);
            }
            Life::Crashing => rig.bench.wait_until(SOON, "it has begun", || rig.starts() > 0),
            Life::Down => {}
        }
        rig
    }

    /// A `pppd` without a supervisor.
    pub(crate) fn start_by_hand(&mut self) {
        let words = self.bench.by_hand(&self.life.pppd());
        let (program, arguments) = words.split_first().expect("a command");
        self.by_hand.push(Command::new(program).args(arguments).spawn().expect("pppd starts"));
    }

    /// The starter of a process reaps it, as init would.
    fn reap(&mut self) {
        self.by_hand.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }

    fn options(&self, dir: &Path) -> LocateOptions {
        LocateOptions {
            backend: self.kind.backend(),
            service: Some(dir.to_str().expect("UTF-8").to_owned()),
            ppp_port: Some(self.bench.port().to_owned()),
            start: self.bench.by_hand(&self.life.pppd()),
            sv: Some(self.sv()),
            ..LocateOptions::new()
        }
    }

    fn held_options(&self) -> HeldOptions {
        let lock_dirs = vec![self.bench.locks().to_owned()];
        let program = Some(PathBuf::from(binaries::cellscan().get_program()));
        HeldOptions {
            guard: Some(GuardOptions { program, lock_dirs: lock_dirs.clone(), ..GuardOptions::default() }),
            lease: Some(LeaseOptions { run_dir: self.run_dir(), lock_dirs, modem: None }),
            ..HeldOptions::default()
        }
    }

    fn held(&self, dir: &Path) -> Result<Held, CustodyError> {
        let chosen = locate::choose(self.options(dir))?;
        Ok(Held::new(chosen.service, self.held_options()))
    }

    fn sv(&self) -> SvProgram {
        let sv = if self.kind.is_by_text() {
            SvProgram::named(&self.bench.service().join("sv")).expect("it says what sv says")
        } else {
            self.kind.sv()
        };
        let flavour = if self.kind.is_on_busybox() { Flavour::Busybox } else { Flavour::Runit };
        assert_eq!(sv.flavour(), flavour, "{sv}");
        sv
    }

    /// The backend, not yet taken.
    #[track_caller]
    pub(crate) fn backend(&self) -> Held {
        let elsewhere = self.bench.root().join("elsewhere");
        let dir = if self.kind.is_by_text() { &elsewhere } else { self.bench.service() };
        if self.kind.is_by_text() {
            std::fs::create_dir_all(dir).expect("a directory");
        }
        self.held(dir).expect("the backend of this kind")
    }

    /// Why a directory cannot be taken.
    #[track_caller]
    pub(crate) fn refusal(&mut self, dir: &Path) -> CustodyError {
        match self.held(dir) {
            Err(error) => error,
            Ok(mut service) => self.done(&mut service, Supervisor::take).expect_err("it is refused"),
        }
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.bench.root().join("run")
    }

    /// How often the service was started.
    pub(crate) fn starts(&self) -> usize {
        let by_script = std::fs::read_to_string(self.bench.service().join("starts")).unwrap_or_default();
        let by_pppd = self.bench.events().iter().filter(|event| event.what == "start").count();
        by_script.lines().count() + by_pppd
    }

    /// Retries until there is an answer.
    pub(crate) fn done<S: Driven, T>(
        &mut self,
        service: &mut S,
        mut ask: impl FnMut(&mut S) -> nb::Result<T, CustodyError>,
    ) -> Result<T, CustodyError> {
        let deadline = now() + SOON;
        loop {
            match ask(service) {
                Ok(answer) => return Ok(answer),
                Err(nb::Error::Other(error)) => return Err(error),
                Err(nb::Error::WouldBlock) => assert!(now() < deadline, "no answer\n{}", self.bench.story()),
            }
            service.wait(LOOK_AGAIN);
            self.reap();
        }
    }

    #[track_caller]
    pub(crate) fn take(&mut self, service: &mut impl Driven) -> ServiceStatus {
        self.done(service, Supervisor::take).expect("it is ours to take").status
    }

    /// The same after a release. A process that another test forks at that moment holds the claim until it is
    /// executed.
    #[track_caller]
    pub(crate) fn take_when_free(&mut self, service: &mut impl Driven) -> ServiceStatus {
        let mut found = None;
        self.until(service, "the claim is free", |rig, service| {
            match rig.done(service, Supervisor::take) {
                Ok(taken) => found = Some(taken.status),
                Err(CustodyError::Claimed { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            found.is_some()
        });
        found.expect("it was taken")
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, service: &mut impl Driven, want: Want) {
        self.done(service, |service| service.ask(want)).expect("it can be asked");
    }

    #[track_caller]
    pub(crate) fn status(&mut self, service: &mut impl Driven) -> ServiceStatus {
        self.done(service, Supervisor::status).expect("it has a status")
    }

    #[track_caller]
    pub(crate) fn remains(&mut self, service: &mut impl Driven) -> Remains {
        self.done(service, Supervisor::remains).expect("that can be looked up")
    }

    #[track_caller]
    pub(crate) fn until<S: Driven>(
        &mut self,
        service: &mut S,
        what: &str,
        mut holds: impl FnMut(&mut Self, &mut S) -> bool,
    ) {
        let deadline = now() + SOON;
        while !holds(self, service) {
            if now() >= deadline {
                let last = self.done(service, Supervisor::status);
                panic!("not in time: {what}; {last:?}\n{}", self.bench.story());
            }
            service.wait(LOOK_AGAIN);
            self.reap();
        }
    }

    /// Waits until the service is stopped in the sense of a scan.
    #[track_caller]
    pub(crate) fn until_down_and_free(&mut self, service: &mut impl Driven) {
        self.until(service, "down, wanted down, and free", |rig, service| {
            rig.is_down(service) && rig.remains(service).is_free()
        });
    }

    #[track_caller]
    pub(crate) fn until_up(&mut self, service: &mut impl Driven) -> ServiceStatus {
        let mut found = None;
        self.until(service, "up", |rig, service| {
            let now = rig.status(service);
            let up = now.supervised && now.state == ServiceState::Run && now.want == Want::Up;
            found = (up && now.pid.is_some()).then_some(now);
            found.is_some()
        });
        found.expect("it was seen")
    }

    pub(crate) fn is_down(&mut self, service: &mut impl Driven) -> bool {
        let now = self.status(service);
        now.supervised && now.state == ServiceState::Down && now.want == Want::Down && now.pid.is_none()
    }

    /// For as long as `runsv` takes for a restart.
    #[track_caller]
    pub(crate) fn must_stay<S: Driven>(
        &mut self,
        service: &mut S,
        what: &str,
        mut holds: impl FnMut(&mut Self, &mut S) -> bool,
    ) {
        let end = now() + THROTTLE;
        self.until(service, what, |rig, service| {
            assert!(holds(rig, service), "{what}\n{}", rig.bench.story());
            now() > end
        });
    }

    #[track_caller]
    pub(crate) fn release(&mut self, service: &mut impl Driven) {
        self.done(service, Supervisor::release).expect("it is released");
    }

    #[track_caller]
    pub(crate) fn until_gone(&mut self, pid: u32) {
        wait_for(SOON, "the process is gone", || {
            self.reap();
            (!processes::is_alive(pid)).then_some(())
        });
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for child in &mut self.by_hand {
            let _ended_already = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// A supervisor with wake-up descriptors.
pub(crate) trait Driven: Supervisor<Error = CustodyError> {
    fn wait(&mut self, limit: Duration);
}

impl Driven for Held {
    fn wait(&mut self, limit: Duration) {
        event_loop::wait(&self.wake_fds(), Some(now() + limit), Clock::new()).expect("poll(2) works");
        self.woken();
    }
}

fn now() -> Instant {
    Clock::new().now()
}
