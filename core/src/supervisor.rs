//! What the scan needs of the supervisor that keeps `pppd` running.

use core::num::NonZeroU32;

use crate::selection::Selection;

mod own_ppp;

pub use own_ppp::{Levels, OwnPpp, Ppp};

/// What a service is meant to do, in runit's words.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Want {
    /// Kept running (`u`).
    Up,
    /// Runs now and is not restarted (`o`); the status record shows it as running and wanted down.
    Once,
    /// Stopped (`d`, also `x`).
    Down,
}

/// What the service does, in runit's words (byte 19 of `supervise/status`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ServiceState {
    /// No process.
    Down,
    /// `./run` is running.
    Run,
    /// `./run` has ended and `./finish` is running.
    Finish,
}

/// The status of the service as its supervisor states it. A level, not an edge: several changes may lie between two
/// readings.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServiceStatus {
    /// Whether a supervisor runs and has written the record itself: a record that a dead supervisor left says nothing about
    /// what its successor will do. When `false` the other fields are the last record, and nothing more.
    pub supervised: bool,
    /// What the service does.
    pub state: ServiceState,
    /// The process of `./run` or, in [`ServiceState::Finish`], of `./finish`.
    pub pid: Option<NonZeroU32>,
    /// What the service is meant to do.
    pub want: Want,
    /// Another client has asked for down since [`Supervisor::take`], and no client for up since: the record was rewritten
    /// and none of our own requests explains it (`runit` rewrites it for a `d` that changes nothing). In doubt it is
    /// `false`: an operator can send down again a service that was brought up against their wish, but cannot reach a gateway
    /// whose service was left down by mistake.
    pub foreign_down: bool,
    /// What the record proves about our last request. `Some(true)`: it was for up or once, and the record has shown that since,
    /// behind all our requests: what it shows by now is another client's wish. `Some(false)`: a request of ours may still be
    /// unread, and the record older than it. `None`: no request is open, or the supervisor cannot tell (one that acts on each
    /// request before [`Supervisor::ask`] returns need not): the scan goes by `want` and `state`.
    pub given_back: Option<bool>,
}

impl ServiceStatus {
    /// The status of a supervised service without a process, as far as a simple supervisor knows it.
    #[must_use]
    pub const fn new(state: ServiceState, want: Want) -> Self {
        Self { supervised: true, state, pid: None, want, foreign_down: false, given_back: None }
    }
}

/// What is owed to the service and its modem: what a guard, `cellscan restore` or the next scan has to do if the scan
/// dies now. The scan alone decides it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Owed {
    /// The want to ask for. `None`: the scan has not asked for down yet, the service was found down or is given back, or
    /// another client wants it down.
    pub want: Option<Want>,
    /// The selection to restore. `None`: the scan has not changed the modem's selection, or has settled on a carrier.
    pub selection: Option<Selection>,
}

/// The answer of [`Supervisor::take`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Taken {
    /// The service as it was found.
    pub status: ServiceStatus,
    /// What a scan that died has left to do; it goes over what `status` shows. The supervisor records it in this scan's name
    /// before it answers, since the dead scan's request for down may still be unread.
    pub owed: Owed,
}

impl From<ServiceStatus> for Taken {
    /// No earlier scan has left anything to do.
    fn from(status: ServiceStatus) -> Self {
        Self { status, owed: Owed::default() }
    }
}

/// What still stands between "the supervisor says down" and "the port is free".
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Remains {
    /// A process of this service: the service's own process, a descendant recorded at [`Supervisor::take`], or (unsupervised)
    /// the process that holds this port and is being replaced. [`Supervisor::signal`] reaches these and no others.
    pub service: Option<NonZeroU32>,
    /// A process that holds the port and is not part of the service. Never signalled.
    pub stranger: Option<NonZeroU32>,
}

impl Remains {
    /// No process of the service is left and no process holds the port.
    #[must_use]
    pub const fn is_free(&self) -> bool {
        self.service.is_none() && self.stranger.is_none()
    }
}

/// Signals for the remaining processes of the service.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Signal {
    /// `SIGTERM`.
    Term,
    /// `SIGKILL`.
    Kill,
}

/// The supervisor that keeps `pppd` running, and the hand-over of the service.
///
/// The driver calls a method again later when it answers `WouldBlock`, and the method then continues: a backend that
/// runs the `sv` program answers `WouldBlock` until that program has ended. No method waits for the *effect* of a
/// request; the scan sees the effect in [`Supervisor::status`].
pub trait Supervisor {
    /// The backend's error.
    type Error: core::error::Error;

    /// Records the state of the service (want, processes, supervisor) and takes the lease; changes nothing yet. The scan
    /// restores the want that a dead scan has left to ask for, else that of the status, at its end.
    ///
    /// # Errors
    /// The service does not exist, is not supervised, may not be controlled by us, or is leased to another process. Nothing
    /// is held then.
    fn take(&mut self) -> nb::Result<Taken, Self::Error>;

    /// Requests this want: one request each call, also where it looks unnecessary (`sv` writes nothing when the old
    /// record already shows the want, and the service then stays down for ever).
    ///
    /// # Errors
    /// The request could not be made.
    fn ask(&mut self, want: Want) -> nb::Result<(), Self::Error>;

    /// The present status.
    ///
    /// # Errors
    /// It cannot be read.
    fn status(&mut self) -> nb::Result<ServiceStatus, Self::Error>;

    /// The remaining processes of the service, and the processes that hold its port.
    ///
    /// # Errors
    /// The backend cannot determine it.
    fn remains(&mut self) -> nb::Result<Remains, Self::Error>;

    /// Signals the remaining processes of the service, each by its own handle; never by name, never by group.
    ///
    /// # Errors
    /// The signal could not be sent. A process that has already ended is no error.
    fn signal(&mut self, signal: Signal) -> nb::Result<(), Self::Error>;

    /// Records what is owed if this process dies, in place of what was recorded before. The driver calls it whenever that changes,
    /// before the action that makes it owed: the first request for down, the first command that changes the selection. A
    /// supervisor whose record cannot be kept refuses the next request for down. Implementations without a guard, a lease or
    /// memory that survives a reset may ignore it.
    fn owe(&mut self, _owed: Owed) {}

    /// Whether the link is up: its interface exists and has an address.
    ///
    /// # Errors
    /// The backend cannot determine it.
    fn link_up(&mut self) -> nb::Result<bool, Self::Error>;

    /// Hands the service over to its guard: the scan has ended, and did not see the service restored within the time-out. The
    /// guard keeps requesting the want: no time-out decides that a service stays down. The scan holds nothing any more. A
    /// supervisor without a guard does nothing.
    ///
    /// # Errors
    /// The hand-over failed.
    fn hand_over(&mut self) -> nb::Result<(), Self::Error> {
        Ok(())
    }

    /// Ends the lease: the service is restored and its guard may end.
    ///
    /// # Errors
    /// The lease could not be removed; the next scan or `restore` that finds it goes by it.
    fn release(&mut self) -> nb::Result<(), Self::Error>;
}
