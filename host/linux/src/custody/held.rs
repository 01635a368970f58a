//! A service in the hands of a scan: a bare backend, and what brings it back should this process die.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{Owed, Remains, ServiceStatus, Signal, Supervisor, Taken, Want};

use super::claim::{Claimable, ServiceClaim};
use super::error::CustodyError;
use super::guard::GuardOptions;
use super::lease::LeaseOptions;
use super::safeguard::{Safeguard, left_by_dead_scan};
use super::selected::Selected;
use crate::error::chain;
use crate::link::Link;
use crate::service::{Service, ServiceError};

/// What goes with a service while it is held.
#[derive(Debug)]
pub struct HeldOptions {
    /// How the guard process is started that gives the service back when this process dies, if there is to be one.
    pub guard: Option<GuardOptions>,
    /// Where a lease is kept for the time after the death of this process and its guard, if there is to be one. Two scans of one
    /// service are kept apart there.
    pub lease: Option<LeaseOptions>,
    /// How the link is looked at.
    pub link: Link,
    /// The manual selection of an earlier scan that is to be undone by now.
    pub undone: Option<Undone>,
}

/// A manual selection that is to be undone by now: automatic selection is owed to the modem from the take on, to the guard, the lease
/// and a scan that fails.
#[derive(Clone, Debug)]
pub struct Undone {
    /// The directory of its record.
    pub state_dir: PathBuf,
    /// The record.
    pub selected: Selected,
    /// The service is taken for this alone: not where the record is gone, nor where the service is not wanted up.
    pub alone: bool,
}

impl Undone {
    /// Whether it still stands, looked at with the claim in hand.
    fn stands(&self, want: Want) -> Result<bool, CustodyError> {
        let now = Selected::read(&self.state_dir, &self.selected.port).ok().flatten();
        let stands = now.is_some_and(|now| now.is_same(&self.selected));
        if self.alone && !stands {
            return Err(CustodyError::LeftAsItIs("its selection was changed meanwhile"));
        }
        if self.alone && want != Want::Up {
            return Err(CustodyError::LeftAsItIs("the service is not wanted up"));
        }
        Ok(stands)
    }
}

impl Default for HeldOptions {
    /// Neither guard nor lease, and no link is waited for.
    fn default() -> Self {
        Self { guard: None, lease: None, link: Link::none(), undone: None }
    }
}

/// A service that a scan may take. Dropped while it is taken, its guard gives it back.
#[derive(Debug)]
pub struct Held {
    service: Box<dyn Service>,
    options: HeldOptions,
    // Let go before the guard is: that claims the service where it has to give it back.
    claim: Option<ServiceClaim>,
    /// `None` also while the service is taken, where nothing could give it back.
    safeguard: Option<Safeguard>,
    is_taken: bool,
    /// The selection that is owed to the modem, as the scan said last.
    selection_owed: bool,
    chosen: Option<(PathBuf, Selected)>,
    notes: Vec<String>,
}

impl Held {
    /// Nothing is touched before [`Supervisor::take`].
    #[must_use]
    pub fn new(service: Box<dyn Service>, options: HeldOptions) -> Self {
        Self {
            service,
            options,
            claim: None,
            safeguard: None,
            is_taken: false,
            selection_owed: false,
            chosen: None,
            notes: Vec::new(),
        }
    }

    /// What to wait for, beside the port and the signals: readable when something about the service or the link may
    /// have changed. After each wake-up call [`Held::woken`], or the same event wakes for ever.
    #[must_use]
    pub fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        let mut fds = self.service.wake_fds();
        fds.extend(self.options.link.fd());
        fds.extend(self.safeguard.as_ref().and_then(Safeguard::wake_fd));
        fds
    }

    /// Takes in what woke the loop, without waiting: a guard that has ended is replaced.
    pub fn woken(&mut self) {
        self.options.link.woken();
        if let Some(safeguard) = &mut self.safeguard {
            safeguard.woken(&mut self.notes);
        }
        self.service.woken();
    }

    /// What was found at [`Supervisor::take`] or [`Supervisor::release`] that people should know, each once.
    pub fn notes(&mut self) -> Vec<String> {
        core::mem::take(&mut self.notes)
    }

    /// The scan has chosen this carrier: it is on record, in this state directory, before the selection found is no longer owed. `None`:
    /// it has not, or not any more.
    pub fn choose(&mut self, chosen: Option<(PathBuf, Selected)>) {
        self.chosen = chosen;
    }

    fn try_take(&mut self) -> nb::Result<Taken, CustodyError> {
        // The claim comes before anything is looked at: what another scan has left for a moment is not what was found.
        if self.claim.is_none() {
            let subject = self.service.open().map_err(CustodyError::from)?;
            let run_dir = self.options.lease.as_ref().map(|lease| lease.run_dir.as_path());
            self.claim = Some(Claimable::of(&subject).claim(run_dir, &mut self.notes)?);
        }
        let status = of_service(self.service.take())?;
        let subject = self.service.subject().map_err(CustodyError::from)?;
        let mut owed = Owed::default();
        if let Some(method) = &subject.method {
            let (guard, lease) = (self.options.guard.as_ref(), self.options.lease.as_ref());
            if let Some(lease) = lease {
                owed = left_by_dead_scan(lease, &subject, status.want, &mut self.notes);
            }
            if let Some(undone) = &self.options.undone
                && undone.stands(owed.want.unwrap_or(status.want))?
            {
                owed.selection.get_or_insert(Selection::Automatic);
            }
            // A service found down is not changed, and neither is its modem by a scan that dies before it asked.
            if status.want != Want::Down || owed != Owed::default() {
                let safeguard = Safeguard::begin(guard, lease, &subject, method, owed, &mut self.notes)?;
                self.safeguard = Some(safeguard);
            }
        }
        (self.is_taken, self.selection_owed, self.chosen) = (true, owed.selection.is_some(), None);
        Ok(Taken { status, owed })
    }

    fn let_go(&mut self) {
        self.is_taken = false;
        self.claim = None;
        self.service.let_go();
    }

    fn end(&mut self) {
        self.let_go();
        if let Some(safeguard) = self.safeguard.take() {
            safeguard.end(&mut self.notes);
        }
    }
}

fn of_service<T>(answer: nb::Result<T, ServiceError>) -> nb::Result<T, CustodyError> {
    answer.map_err(|error| error.map(CustodyError::from))
}

impl Supervisor for Held {
    type Error = CustodyError;

    fn take(&mut self) -> nb::Result<Taken, CustodyError> {
        if self.is_taken {
            self.let_go();
            self.safeguard = None;
        }
        let taken = self.try_take();
        if matches!(taken, Err(nb::Error::Other(_))) {
            self.let_go();
        }
        taken
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), CustodyError> {
        if let (Want::Down, Some(safeguard)) = (want, &mut self.safeguard) {
            safeguard.may_ask_down()?;
        }
        of_service(self.service.ask(want))
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, CustodyError> {
        of_service(self.service.status())
    }

    fn remains(&mut self) -> nb::Result<Remains, CustodyError> {
        of_service(self.service.remains())
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), CustodyError> {
        of_service(self.service.signal(signal))
    }

    fn owe(&mut self, owed: Owed) {
        let settles = core::mem::replace(&mut self.selection_owed, owed.selection.is_some())
            && owed.selection.is_none();
        if settles
            && let Some((state_dir, selected)) = self.chosen.take()
            && let Err(error) = selected.write(&state_dir)
        {
            self.notes.push(format!(
                "the selected carrier is not on record for the unlock rule: {}",
                chain(&error)
            ));
        }
        if let Some(safeguard) = &mut self.safeguard {
            safeguard.owe(owed);
        }
    }

    fn link_up(&mut self) -> nb::Result<bool, CustodyError> {
        let family = self.service.family();
        Ok(self.options.link.is_up(&|pid| family.has(pid)).map_err(CustodyError::Link)?)
    }

    fn hand_over(&mut self) -> nb::Result<(), CustodyError> {
        self.end();
        Ok(())
    }

    /// As the scan said last: where a want is still owed, the guard goes on asking for it. A service that is not taken has nothing to
    /// release.
    fn release(&mut self) -> nb::Result<(), CustodyError> {
        of_service(self.service.finish_calls())?;
        self.end();
        Ok(())
    }
}
