//! No supervisor: the `pppd` on this port is ended by signal, and started again by a configured command.
//!
//! Only the holder of this port is ever touched, and only if it is a `pppd`: a gateway may have a second modem. Under
//! a supervisor this backend is wrong, since what it ends is restarted, and what it starts is not supervised.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Want};

use super::family::Family;
use super::tracked::Tracked;
use super::{Service, ServiceError, Subject, identity_at};
use crate::process::Prepare;
use crate::runit::RestoreMethod;

/// What the backend is made with.
#[derive(Clone, Debug)]
pub struct UnsupervisedOptions {
    /// The port whose `pppd` is meant.
    pub ppp_port: PathBuf,
    /// The command that starts it again, by argument vector; empty where there is none.
    pub start: Vec<OsString>,
    /// What is done to the start command before it is started.
    pub prepare: Option<Prepare>,
}

/// A `pppd` without a supervisor.
#[derive(Debug)]
pub struct Unsupervised {
    options: UnsupervisedOptions,
    /// Device and inode of the port, as it was when it was opened.
    identity: Option<(u64, u64)>,
    tracked: Option<Tracked>,
    want: Want,
    started: Option<Child>,
}

impl Unsupervised {
    /// The backend for one port; nothing is touched before [`Service::take`].
    #[must_use]
    pub const fn new(options: UnsupervisedOptions) -> Self {
        Self { options, identity: None, tracked: None, want: Want::Down, started: None }
    }

    fn try_take(&mut self) -> Result<ServiceStatus, ServiceError> {
        self.tracked = Some(Tracked::new(Some(self.options.ppp_port.clone())));
        self.want = Want::Down;
        if self.find()?.is_some() {
            if self.options.start.is_empty() {
                return Err(ServiceError::NoStartCommand);
            }
            self.want = Want::Up;
        }
        self.tracked()?.survey_service()?;
        self.look()
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
        Ok(ServiceStatus { pid, ..ServiceStatus::new(state, self.want) })
    }

    fn start(&mut self) -> nb::Result<(), ServiceError> {
        if self.look()?.pid.is_some() {
            // One that was told to end is waited for: a new one would meet its lock. Else this is asked again.
            return if self.want == Want::Down { Err(nb::Error::WouldBlock) } else { Ok(()) };
        }
        let (program, args) = self.options.start.split_first().ok_or(ServiceError::NoStartCommand)?;
        let mut command = Command::new(program);
        // A group of its own: a `^C` meant for the scan does not end the new pppd.
        // Nor does it keep a pipe open that another process reads the scan's messages from.
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

impl Service for Unsupervised {
    fn open(&mut self) -> Result<Subject<'_>, ServiceError> {
        self.identity = identity_at(&self.options.ppp_port);
        self.subject()
    }

    /// Without a start command nothing could give it back.
    fn subject(&self) -> Result<Subject<'_>, ServiceError> {
        let port = self.options.ppp_port.as_path();
        let command = RestoreMethod::words(&self.options.start).filter(|words| !words.is_empty());
        let method = command.map(|command| RestoreMethod::Start { command });
        Ok(Subject { path: port, identity: self.identity, dir: None, method, ppp_port: Some(port) })
    }

    fn take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        Ok(self.try_take()?)
    }

    /// Down is a TERM to the `pppd` on the port, up and once are the start command, unless a `pppd` has the port.
    fn ask(&mut self, want: Want) -> nb::Result<(), ServiceError> {
        match want {
            Want::Down => {
                self.find()?;
                let path = self.options.ppp_port.clone();
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

    fn let_go(&mut self) {
        self.reap();
        self.tracked = None;
    }

    fn family(&self) -> Family {
        Family::new(None, Some(&self.options.ppp_port))
    }

    fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        self.tracked.iter().flat_map(Tracked::wake_fds).collect()
    }

    fn woken(&mut self) {
        self.reap();
        if let Some(tracked) = &mut self.tracked {
            tracked.woken();
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::pty::OpenptFlags;

    use super::*;
    use crate::soon::soon;

    fn unsupervised(port: &Path, start: &[&str]) -> Unsupervised {
        let start = start.iter().map(OsString::from).collect();
        Unsupervised::new(UnsupervisedOptions { ppp_port: port.into(), start, prepare: None })
    }

    #[test]
    fn a_holder_that_is_no_pppd_is_a_stranger_is_named_and_nothing_is_touched() {
        let modem = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::CLOEXEC).unwrap();
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
        let modem = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::CLOEXEC).unwrap();
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
