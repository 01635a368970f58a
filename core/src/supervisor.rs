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
    /// restores the answer's `want` at its end.
    ///
    /// # Errors
    /// The service does not exist, is not supervised, may not be controlled by us, or is leased to another process. Nothing
    /// is held then.
    fn take(&mut self) -> nb::Result<ServiceStatus, Self::Error>;

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

    /// The scan acts on the last [`Supervisor::status`] from here on; `status` by itself changes nothing. A supervisor updates what it
    /// keeps for the time after the scan's death (a lease, a guard); one that keeps no such thing does nothing.
    fn acknowledge(&mut self) {}

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

    /// Records the selection to restore if this process dies; called before the scan first changes the modem's selection.
    /// `None`: there is nothing to restore any more. Implementations without a guard may ignore it.
    fn note(&mut self, _selection: Option<Selection>) {}

    /// The selection that a dead scan recorded for this service's modem, known after [`Supervisor::take`].
    fn noted(&self) -> Option<Selection> {
        None
    }

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
