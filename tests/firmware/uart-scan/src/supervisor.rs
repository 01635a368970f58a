//! The firmware's own PPP as a service that the scan takes and gives back.
//!
//! There is no runit here: "down" means that the PPP releases the UART. The scan needs only three callbacks of it, and they
//! can as well be three pins: one output and two inputs.

use core::cell::Cell;
use core::convert::Infallible;

use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Taken, Want};

/// The interface of a PPP to the scan.
pub trait Ppp {
    /// Tells it to use the UART and keep a link up, or to release the UART as soon as possible.
    fn want(&self, up: bool);

    /// Whether it has the UART.
    fn has_uart(&self) -> bool;

    /// Whether its link carries packets.
    fn link_up(&self) -> bool;
}

/// A [`Ppp`] as the scan's service.
#[derive(Debug)]
pub struct OwnPpp<'a, P> {
    ppp: &'a P,
    want: Want,
}

impl<'a, P: Ppp> OwnPpp<'a, P> {
    /// A PPP that is wanted up.
    pub const fn new(ppp: &'a P) -> Self {
        Self { ppp, want: Want::Up }
    }
}

impl<P: Ppp> Supervisor for OwnPpp<'_, P> {
    type Error = Infallible;

    fn take(&mut self) -> nb::Result<Taken, Infallible> {
        Ok(self.status()?.into())
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), Infallible> {
        self.want = want;
        self.ppp.want(want == Want::Up);
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, Infallible> {
        let state = if self.ppp.has_uart() { ServiceState::Run } else { ServiceState::Down };
        Ok(ServiceStatus::new(state, self.want))
    }

    /// None, once the PPP has released the UART: there are no processes here.
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

/// The three values in memory, for a PPP in the same thread. For a PPP in another task or an interrupt use atomics instead.
#[derive(Debug)]
pub struct Levels {
    pub(crate) wanted: Cell<bool>,
    pub(crate) has_uart: Cell<bool>,
    pub(crate) link: Cell<bool>,
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
