//! What the scan needs of whoever keeps `pppd` alive.

use core::num::NonZeroU32;

use crate::scan::Selection;

/// What a service is meant to do, in runit's words.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Want {
    /// Kept running (`u`).
    Up,
    /// Running now, not to be started again (`o`); the status record shows it as running and wanted down.
    Once,
    /// Not to run (`d`, also `x`).
    Down,
}

/// What the service does, in runit's words (byte 19 of `supervise/status`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ServiceState {
    /// No process.
    Down,
    /// `./run` is there.
    Run,
    /// `./run` has ended and `./finish` is there.
    Finish,
}

/// The status of the service as its supervisor states it. A level, not an edge: several changes may lie between two
/// readings.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServiceStatus {
    /// Whether a supervisor is there to obey, and the record its own: one that a dead supervisor left behind says
    /// nothing of what its successor will do. When `false` the other fields say what was last written, and nothing more.
    pub supervised: bool,
    /// What the service does.
    pub state: ServiceState,
    /// The process of `./run` or, in [`ServiceState::Finish`], of `./finish`.
    pub pid: Option<NonZeroU32>,
    /// What it is meant to do.
    pub want: Want,
    /// Somebody else has asked for down since [`Supervisor::take`], and nobody for up since: the record was rewritten
    /// and none of our own requests explains it (`runit` rewrites it for a `d` that changes nothing). Where that is
    /// in doubt it is `false`: a service brought up against somebody's wish can be sent down again, one left down by
    /// mistake cannot be reached.
    pub foreign_down: bool,
}

/// What still stands between "the supervisor says down" and "the port is free".
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Remains {
    /// A process of this service: its own, a descendant noted at [`Supervisor::take`], or (unsupervised) the
    /// holder of this port that is being replaced. [`Supervisor::signal`] reaches these and no others.
    pub service: Option<NonZeroU32>,
    /// A process that holds the port and is none of the service's. Never signalled.
    pub stranger: Option<NonZeroU32>,
}

impl Remains {
    /// Nobody is left and nobody holds the port.
    #[must_use]
    pub const fn is_free(&self) -> bool {
        self.service.is_none() && self.stranger.is_none()
    }
}

/// Signals that are sent to what remains of the service.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Signal {
    /// `SIGTERM`.
    Term,
    /// `SIGKILL`.
    Kill,
}

/// Whoever keeps `pppd` alive, and the hand-over around it.
///
/// Every method is asked again later when it answers `WouldBlock`, and then goes on where it was: a backend that
/// runs the `sv` program answers `WouldBlock` until that program has ended. None of them waits for the *effect* of a
/// request; the scan sees that in [`Supervisor::status`].
pub trait Supervisor {
    /// What the backend fails with.
    type Error: core::error::Error;

    /// Notes what is found (want, processes, supervisor) and takes the lease; nothing is changed yet. The answer's
    /// `want` is what the scan restores at its end.
    ///
    /// # Errors
    /// The service is not there, not supervised, not ours to control, or leased to somebody else. Nothing is held
    /// then.
    fn take(&mut self) -> nb::Result<ServiceStatus, Self::Error>;

    /// Asks for what the service is to do from now on: one request each call, also where it looks unnecessary
    /// (`sv` writes nothing when the old record already says so, and the service then stays down for ever).
    ///
    /// # Errors
    /// The request could not be made.
    fn ask(&mut self, want: Want) -> nb::Result<(), Self::Error>;

    /// The status as it stands now.
    ///
    /// # Errors
    /// It cannot be read.
    fn status(&mut self) -> nb::Result<ServiceStatus, Self::Error>;

    /// The scan goes by the last [`Supervisor::status`] from here on, which by itself changes nothing: what is kept for the time
    /// after its death (a lease, a guard) is brought in line with that status now. A supervisor that keeps no such thing
    /// does nothing.
    fn acknowledge(&mut self) {}

    /// Who is left, and who holds the port that the service uses.
    ///
    /// # Errors
    /// It cannot be found out.
    fn remains(&mut self) -> nb::Result<Remains, Self::Error>;

    /// Signals what remains of the service, each process by its own handle; never by name, never by group.
    ///
    /// # Errors
    /// The signal could not be sent. That a process was gone already is no error.
    fn signal(&mut self, signal: Signal) -> nb::Result<(), Self::Error>;

    /// Notes what the modem is to be told should the scan die, before it is told anything else for the first time; `None` once
    /// there is nothing to restore any more. Whoever can see to it after our death remembers it; a supervisor without
    /// such a place does nothing.
    fn note(&mut self, _selection: Option<Selection>) {}

    /// What a scan that died had noted of this service's modem, known after [`Supervisor::take`].
    fn noted(&self) -> Option<Selection> {
        None
    }

    /// Whether the link is up: its interface is there and has an address.
    ///
    /// # Errors
    /// It cannot be found out.
    fn link_up(&mut self) -> nb::Result<bool, Self::Error>;

    /// The scan has ended, and did not see the service as it was found within the time that it may wait for that. What guards the
    /// service goes on asking for it: no time-out decides that it stays down. Nothing is held any more. A supervisor
    /// without a guard does nothing.
    ///
    /// # Errors
    /// It could not be handed over.
    fn hand_over(&mut self) -> nb::Result<(), Self::Error> {
        Ok(())
    }

    /// Ends the lease: the service is as it was found and its guard may go.
    ///
    /// # Errors
    /// The lease could not be removed; it is then honoured by whoever finds it next.
    fn release(&mut self) -> nb::Result<(), Self::Error>;
}
