//! The registration of a modem that a dead scan has left deregistered, or on the carrier that it was trying.

use std::convert::Infallible;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use cellscan_core::driver::Driver;
use cellscan_core::scan::policy::Timeouts;
use cellscan_core::scan::{Event, Policy};
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Taken, Want};
use cellscan_core::time::{Instant, Span};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::error::chain;
use crate::event_loop;
use crate::serial::{SerialLine, SerialOptions, uucp};
use crate::service::tracked::Tracked;

/// Failures in a row that are taken in before it waits again.
const FAILURES_MAX: u32 = 8;

/// The line to a modem, as far as the guard or `cellscan restore` has to know it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ModemLine {
    /// The stable name of its tty.
    pub port: PathBuf,
    /// Bits per second.
    pub baud: u32,
    /// A `pppd` that is started does not get in the way: it uses another port, or was seen to lock this one. Otherwise it
    /// takes the port at once, and the modem has to come first.
    pub kept_free: bool,
}

impl ModemLine {
    /// Looks whether the `pppd` on `ppp_port` would be in the way.
    pub(crate) fn seen_with(&self, ppp_port: Option<&Path>, lock_dirs: &[PathBuf]) -> Self {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
        let port = real(&self.port);
        let another = ppp_port.is_some_and(|other| real(other) != port);
        let locks = uucp::look(lock_dirs, &[self.port.as_path(), port.as_path()]);
        let own = std::process::id();
        let locked = locks.iter().any(|lock| lock.alive && lock.pid != Some(own));
        Self { kept_free: another || locked, ..self.clone() }
    }
}

/// A port alone: it belongs to no service, and each process that holds it is a stranger.
#[derive(Debug)]
struct PortAlone(Tracked);

impl Supervisor for PortAlone {
    type Error = Infallible;

    fn take(&mut self) -> nb::Result<Taken, Infallible> {
        Ok(self.status()?.into())
    }

    fn ask(&mut self, _want: Want) -> nb::Result<(), Infallible> {
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, Infallible> {
        Ok(ServiceStatus::new(ServiceState::Down, Want::Down))
    }

    fn remains(&mut self) -> nb::Result<Remains, Infallible> {
        self.0.remains().ok_or(nb::Error::WouldBlock)
    }

    fn signal(&mut self, _signal: Signal) -> nb::Result<(), Infallible> {
        Ok(())
    }

    fn link_up(&mut self) -> nb::Result<bool, Infallible> {
        Ok(false)
    }

    fn release(&mut self) -> nb::Result<(), Infallible> {
        Ok(())
    }
}

/// Tells the modem what it was told before, by the machine that scans: state 12 alone. The port is left alone where
/// another process has it, and let go as soon as one opens it. UUCP locks are the caller's.
///
/// # Errors
/// A sentence: why the modem is not known to be registered again.
pub(crate) fn restore(line: &ModemLine, selection: Selection, limit: Span) -> Result<(), String> {
    let clock = Clock::new();
    let serial =
        SerialOptions { baud: line.baud, lock_dirs: Vec::new(), ..SerialOptions::new(line.port.clone()) };
    let policy = Policy {
        timeouts: Timeouts { restore: limit, ..Timeouts::DEFAULT },
        // Only for its own sake: no budget runs in state 12.
        budget: limit + Timeouts::DEFAULT.give_back,
        ..Policy::DEFAULT
    };
    let port = PortAlone(Tracked::new(Some(line.port.clone())));
    let mut driver = Driver::new(SerialLine::new(serial), port, policy);
    let mut last = None;
    driver.restore(clock.now(), selection);
    while !take_in(&mut driver, clock.now(), &mut last) {
        let mut fds: Vec<BorrowedFd<'_>> = driver.port().fd().into_iter().collect();
        fds.extend(driver.supervisor().0.wake_fds());
        if let Err(error) = event_loop::wait(&fds, driver.next_deadline(), clock) {
            return Err(format!("unable to wait for it: {error}"));
        }
        driver.supervisor_mut().0.woken();
    }
    if driver.report().restored == Some(true) {
        return Ok(());
    }
    Err(match (last, driver.supervisor_mut().0.holders().first()) {
        (_, Some(holder)) => format!("process {} ({}) has the port", holder.pid(), holder.comm()),
        (Some(last), None) => last,
        (None, None) => format!("it was not seen registered within {} s", limit.as_secs()),
    })
}

/// Everything that can be done now; whether it has ended.
fn take_in(driver: &mut Driver<SerialLine, PortAlone>, now: Instant, last: &mut Option<String>) -> bool {
    let mut failures = 0;
    while failures < FAILURES_MAX {
        match driver.poll(now) {
            Ok(Event::Finished(_)) => return true,
            Ok(_) => {}
            Err(nb::Error::Other(error)) => {
                failures += 1;
                *last = Some(chain(&error));
            }
            Err(nb::Error::WouldBlock) => return false,
        }
    }
    false
}
