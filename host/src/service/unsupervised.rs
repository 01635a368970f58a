//! No supervisor: the `pppd` on this port is ended by signal, and started again by a configured command.
//!
//! Only the holder of this port is ever touched, and only if it is a `pppd`: a gateway may have a second modem. Under
//! a supervisor this backend is wrong, since what it ends is restarted, and what it starts nobody supervises.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cellscan_core::scan::Selection;
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Want};

use super::ServiceError;
use super::family::Family;
use super::held::{Custody, LeaseOptions, Subject};
use super::tracked::Tracked;
use crate::custody::claim::{Claimable, ServiceClaim};
use crate::custody::guard::{GuardOptions, Prepare};
use crate::link::Link;
use crate::runit::RestoreMethod;

/// What the backend is made with.
#[derive(Debug)]
pub struct UnsupervisedOptions {
    /// The port whose `pppd` is meant.
    pub ppp_port: PathBuf,
    /// The command that starts it again, by argument vector; empty where there is none.
    pub start: Vec<OsString>,
    /// Whether a guard process runs the start command when this process dies, and how.
    pub guard: Option<GuardOptions>,
    /// Where a lease is kept for whoever comes after this process and its guard, if there is to be one. Two scans of one
    /// port are kept apart there.
    pub lease: Option<LeaseOptions>,
    /// How the link is looked at.
    pub link: Link,
    /// What is done to the start command before it is started.
    pub prepare: Option<Prepare>,
}

impl UnsupervisedOptions {
    /// The port and the command alone: no guard, no lease, and nobody waits for a link.
    #[must_use]
    pub fn new(ppp_port: PathBuf, start: Vec<OsString>) -> Self {
        Self { ppp_port, start, guard: None, lease: None, link: Link::none(), prepare: None }
    }
}

/// A `pppd` that nobody supervises.
#[derive(Debug)]
pub struct Unsupervised {
    options: UnsupervisedOptions,
    tracked: Option<Tracked>,
    want: Want,
    started: Option<Child>,
    custody: Option<Custody>,
    claim: Option<ServiceClaim>,
    notes: Vec<String>,
}

impl Unsupervised {
    /// The backend for one port; nothing is touched before [`Supervisor::take`].
    #[must_use]
    pub fn new(options: UnsupervisedOptions) -> Self {
        Self {
            options,
            tracked: None,
            want: Want::Down,
            started: None,
            custody: None,
            claim: None,
            notes: Vec::new(),
        }
    }

    /// What to wait for; see [`Service::wake_fds`](super::Service::wake_fds).
    #[must_use]
    pub fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        let link = self.options.link.fd().into_iter();
        let guard = self.custody.as_ref().and_then(Custody::wake_fd);
        link.chain(self.tracked.iter().flat_map(Tracked::wake_fds)).chain(guard).collect()
    }

    /// Takes in what woke the loop; see [`Service::woken`](super::Service::woken).
    pub fn woken(&mut self) {
        self.options.link.woken();
        self.reap();
        if let Some(tracked) = &mut self.tracked {
            tracked.woken();
        }
        if let Some(custody) = &mut self.custody {
            custody.woken(&mut self.notes);
        }
    }

    /// The port; see [`Service::ppp_port`](super::Service::ppp_port).
    #[must_use]
    pub fn ppp_port(&self) -> Option<&Path> {
        Some(&self.options.ppp_port)
    }

    /// What people should know; see [`Service::notes`](super::Service::notes).
    pub fn notes(&mut self) -> Vec<String> {
        core::mem::take(&mut self.notes)
    }

    /// Keeps a second scan of this port away, as long as there is a place for leases.
    fn claim(&mut self, identity: Option<(u64, u64)>) -> Result<(), ServiceError> {
        let claimable = Claimable { path: &self.options.ppp_port, identity, dir: None };
        let run_dir = self.options.lease.as_ref().map(|lease| lease.run_dir.as_path());
        self.claim = Some(claimable.claim(run_dir, &mut self.notes)?);
        Ok(())
    }

    fn try_take(&mut self) -> Result<ServiceStatus, ServiceError> {
        let identity = self.options.ppp_port.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
        self.claim(identity)?;
        self.tracked = Some(Tracked::new(Some(self.options.ppp_port.clone())));
        self.want = Want::Down;
        if self.find()?.is_some() {
            if self.options.start.is_empty() {
                return Err(ServiceError::NoStartCommand);
            }
            self.want = Want::Up;
        }
        self.tracked()?.survey_service()?;
        let found = self.look()?;
        let Some(command) = RestoreMethod::words(&self.options.start).filter(|words| !words.is_empty())
        else {
            return Ok(found);
        };
        let port = self.options.ppp_port.as_path();
        let way = RestoreMethod::Start { command };
        let subject = Subject { path: port, identity, dir: None, way: &way, ppp_port: Some(port) };
        let (guard, lease) = (self.options.guard.as_ref(), self.options.lease.as_ref());
        let custody = Custody::begin(guard, lease, subject, found, &mut self.notes)?;
        let want = custody.found();
        self.custody = Some(custody);
        Ok(ServiceStatus { want, ..found })
    }

    fn let_go(&mut self) {
        (self.tracked, self.claim) = (None, None);
    }

    fn reap(&mut self) {
        if self.started.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None))) {
            self.started = None;
        }
    }

    fn tracked(&mut self) -> Result<&mut Tracked, ServiceError> {
        self.tracked.as_mut().ok_or(ServiceError::NotTaken)
    }

    /// Notes every `pppd` that holds the port; the first of them alive.
    fn find(&mut self) -> Result<Option<NonZeroU32>, ServiceError> {
        Ok(self.tracked()?.note_pppd())
    }

    fn look(&mut self) -> Result<ServiceStatus, ServiceError> {
        self.reap();
        let found = self.find()?;
        let pid = found.or_else(|| self.started.as_ref().and_then(|child| NonZeroU32::new(child.id())));
        let state = if pid.is_some() { ServiceState::Run } else { ServiceState::Down };
        // The one who obeys is this backend itself.
        Ok(ServiceStatus { supervised: true, state, pid, want: self.want, foreign_down: false })
    }

    fn start(&mut self) -> nb::Result<(), ServiceError> {
        if self.look()?.pid.is_some() {
            // One that was told to end is waited for: a new one would meet its lock. Else this is asked again.
            return if self.want == Want::Down { Err(nb::Error::WouldBlock) } else { Ok(()) };
        }
        let (program, args) = self.options.start.split_first().ok_or(ServiceError::NoStartCommand)?;
        let mut command = Command::new(program);
        // A group of its own: a `^C` meant for the scan does not end the new pppd.
        // Nor does it keep a pipe open that somebody reads the scan's messages from.
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        if let Some(prepare) = self.options.prepare {
            prepare(&mut command);
        }
        let child =
            command.spawn().map_err(|source| ServiceError::io("start", Path::new(program), source))?;
        log::info!("started {} as process {}", program.display(), child.id());
        self.started = Some(child);
        Ok(())
    }
}

impl Supervisor for Unsupervised {
    type Error = ServiceError;

    fn take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        self.let_go();
        let taken = self.try_take();
        if taken.is_err() {
            self.let_go();
        }
        Ok(taken?)
    }

    /// Down is a TERM to the `pppd` on the port, up and once are the start command, unless a `pppd` has the port.
    fn ask(&mut self, want: Want) -> nb::Result<(), ServiceError> {
        match want {
            Want::Down => {
                self.find()?;
                let path = self.options.ppp_port.clone();
                if let Some(custody) = &mut self.custody {
                    custody.touch();
                }
                let tracked = self.tracked()?;
                tracked.signal(Signal::Term).map_err(|source| ServiceError::io("signal", &path, source))?;
            }
            Want::Up | Want::Once => self.start()?,
        }
        self.want = want;
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        if self.tracked.is_none() {
            self.tracked = Some(Tracked::new(Some(self.options.ppp_port.clone())));
            let found = self.look();
            self.tracked = None;
            return Ok(found.map(|found| match found.pid {
                Some(_) => ServiceStatus { want: Want::Up, ..found },
                None => found,
            })?);
        }
        Ok(self.look()?)
    }

    fn remains(&mut self) -> nb::Result<Remains, ServiceError> {
        self.tracked()?.remains().ok_or(nb::Error::WouldBlock)
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), ServiceError> {
        let path = self.options.ppp_port.clone();
        let sent = self.tracked()?.signal(signal);
        Ok(sent.map_err(|source| ServiceError::io("signal", &path, source))?)
    }

    fn note(&mut self, selection: Option<Selection>) {
        if let Some(custody) = &mut self.custody {
            custody.note(selection);
        }
    }

    fn noted(&self) -> Option<Selection> {
        self.custody.as_ref()?.noted()
    }

    fn link_up(&mut self) -> nb::Result<bool, ServiceError> {
        let family = Family::new(None, self.ppp_port());
        Ok(self.options.link.is_up(&|pid| family.has(pid)).map_err(ServiceError::Link)?)
    }

    fn hand_over(&mut self) -> nb::Result<(), ServiceError> {
        self.let_go();
        if let Some(custody) = self.custody.take() {
            let untouched = !custody.is_touched();
            custody.end(untouched, &mut self.notes);
        }
        Ok(())
    }

    fn release(&mut self) -> nb::Result<(), ServiceError> {
        let Some(custody) = self.custody.take() else {
            self.reap();
            self.let_go();
            return Ok(());
        };
        let is_as_found = !custody.is_touched() || self.look().is_ok_and(|status| status.want != Want::Down);
        self.let_go();
        custody.end(is_as_found, &mut self.notes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soon::soon;

    fn unsupervised(port: &Path, start: &[&str]) -> Unsupervised {
        let start = start.iter().map(OsString::from).collect();
        Unsupervised::new(UnsupervisedOptions::new(port.into(), start))
    }

    #[test]
    fn a_holder_that_is_no_pppd_is_a_stranger_is_named_and_nothing_is_touched() {
        let modem = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
        rustix::pty::unlockpt(&modem).unwrap();
        let name = rustix::pty::ptsname(&modem, Vec::new()).unwrap().into_string().unwrap();
        let tty = std::fs::File::options().read(true).write(true).open(&name).unwrap();
        let mut child = Command::new("sleep").arg("60").stdin(tty).spawn().unwrap();
        let mut service = unsupervised(Path::new(&name), &[]);
        let refused = nb::block!(service.take());
        let Err(ServiceError::PortHeld { by, name, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((by.get(), name.as_str()), (child.id(), "sleep"));
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // A child of another test may have it between its fork and its exec.
        assert!(soon(|| nb::block!(service.take()).is_ok_and(|found| found.want == Want::Down)));
    }

    #[test]
    fn the_pppd_on_the_port_is_ended_and_the_start_command_runs_once() {
        let modem = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
        rustix::pty::unlockpt(&modem).unwrap();
        let name = rustix::pty::ptsname(&modem, Vec::new()).unwrap().into_string().unwrap();
        let dir = tempfile::tempdir().unwrap();
        // Named as the real one: the name is what is looked at.
        let pppd = dir.path().join("pppd");
        std::fs::copy("/bin/sleep", &pppd).unwrap();
        let tty = std::fs::File::options().read(true).write(true).open(&name).unwrap();
        let mut old = Command::new(&pppd).arg("60").stdin(tty).spawn().unwrap();
        let mut service = unsupervised(Path::new(&name), &["/bin/sleep", "60"]);
        let found = nb::block!(service.take()).unwrap();
        assert_eq!((found.pid, found.want), (NonZeroU32::new(old.id()), Want::Up));
        nb::block!(service.ask(Want::Down)).unwrap();
        old.wait().unwrap();
        assert!(soon(|| nb::block!(service.remains()).unwrap().is_free()));
        nb::block!(service.ask(Want::Up)).unwrap();
        let first = nb::block!(service.status()).unwrap();
        nb::block!(service.ask(Want::Up)).unwrap();
        assert_eq!(nb::block!(service.status()).unwrap(), first, "not started twice");
        assert_eq!(first.want, Want::Up);
        let mut started = service.started.take().unwrap();
        started.kill().unwrap();
        started.wait().unwrap();
    }
}
