//! A PPP in the same program as the service that a scan takes and gives back: for devices without a supervisor of processes.
//!
//! "Down" means that the PPP releases the UART. The scan needs three callbacks of it, and they can as well be three pins: one output
//! and two inputs.

use core::cell::Cell;
use core::convert::Infallible;

use super::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Taken, Want};

/// What a scan needs of a PPP.
pub trait Ppp {
    /// Tells it to use the UART and keep a link up, or to release the UART as soon as possible.
    fn want(&self, up: bool);

    /// Whether it has the UART.
    fn has_uart(&self) -> bool;

    /// Whether its link carries packets.
    fn link_up(&self) -> bool;
}

impl<P: Ppp + ?Sized> Ppp for &P {
    fn want(&self, up: bool) {
        (**self).want(up);
    }

    fn has_uart(&self) -> bool {
        (**self).has_uart()
    }

    fn link_up(&self) -> bool {
        (**self).link_up()
    }
}

/// A [`Ppp`] as the [`Supervisor`] of a scan.
#[derive(Clone, Copy, Debug)]
pub struct OwnPpp<P> {
    ppp: P,
    want: Want,
}

impl<P: Ppp> OwnPpp<P> {
    /// A PPP that is wanted up.
    pub const fn new(ppp: P) -> Self {
        Self { ppp, want: Want::Up }
    }

    /// The PPP.
    pub const fn ppp(&self) -> &P {
        &self.ppp
    }
}

impl<P: Ppp> Supervisor for OwnPpp<P> {
    type Error = Infallible;

    fn take(&mut self) -> nb::Result<Taken, Infallible> {
        Ok(self.status()?.into())
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), Infallible> {
        self.want = want;
        self.ppp.want(want != Want::Down);
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, Infallible> {
        let state = if self.ppp.has_uart() { ServiceState::Run } else { ServiceState::Down };
        Ok(ServiceStatus::new(state, self.want))
    }

    /// There are no processes: once it has released the UART, the UART is free.
    fn remains(&mut self) -> nb::Result<Remains, Infallible> {
        Ok(Remains::default())
    }

    fn signal(&mut self, _signal: Signal) -> nb::Result<(), Infallible> {
        Ok(())
    }

    fn link_up(&mut self) -> nb::Result<bool, Infallible> {
        Ok(self.ppp.link_up())
    }

    fn release(&mut self) -> nb::Result<(), Infallible> {
        Ok(())
    }
}

/// Three values in memory, for a PPP in the same thread. For one in another task or an interrupt implement [`Ppp`] with atomics.
#[derive(Clone, Debug)]
pub struct Levels {
    /// The PPP is to use the UART and keep a link up.
    pub wanted: Cell<bool>,
    /// It has the UART.
    pub has_uart: Cell<bool>,
    /// Its link carries packets.
    pub link: Cell<bool>,
}

impl Levels {
    /// Wanted up, and not there yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { wanted: Cell::new(true), has_uart: Cell::new(false), link: Cell::new(false) }
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self::new()
    }
}

impl Ppp for Levels {
    fn want(&self, up: bool) {
        self.wanted.set(up);
    }

    fn has_uart(&self) -> bool {
        self.has_uart.get()
    }

    fn link_up(&self) -> bool {
        self.link.get()
    }
}
