//! The UART, and its present user.

use core::cell::{Cell, RefCell};

use cellscan_core::port::Port;
use embedded_io::{ErrorType, Read, ReadReady, Write};

/// The users of the UART.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holder {
    /// The firmware's PPP.
    Ppp,
    /// The scan.
    Scan,
}

/// A UART with two users, one at a time.
#[derive(Debug)]
pub struct Line<U> {
    uart: RefCell<U>,
    holder: Cell<Option<Holder>>,
}

impl<U> Line<U> {
    /// A UART that neither uses.
    pub const fn new(uart: U) -> Self {
        Self { uart: RefCell::new(uart), holder: Cell::new(None) }
    }

    /// A handle for one of the two.
    pub const fn handle(&self, holder: Holder) -> Handle<'_, U> {
        Handle { line: self, holder }
    }
}

/// A handle of the UART, opened and closed like a serial port of a computer.
#[derive(Debug)]
pub struct Handle<'a, U> {
    line: &'a Line<U>,
    holder: Holder,
}

impl<U: Read + ReadReady + Write> Port for Handle<'_, U> {
    /// `WouldBlock` while the other one has it.
    fn open(&mut self) -> nb::Result<(), U::Error> {
        match self.line.holder.get() {
            Some(other) if other != self.holder => Err(nb::Error::WouldBlock),
            _ => {
                self.line.holder.set(Some(self.holder));
                Ok(())
            }
        }
    }

    fn close(&mut self) {
        if self.line.holder.get() == Some(self.holder) {
            self.line.holder.set(None);
        }
    }
}

impl<U: ErrorType> ErrorType for Handle<'_, U> {
    type Error = U::Error;
}

impl<U: Read> Read for Handle<'_, U> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, U::Error> {
        self.line.uart.borrow_mut().read(buf)
    }
}

impl<U: ReadReady> ReadReady for Handle<'_, U> {
    fn read_ready(&mut self) -> Result<bool, U::Error> {
        self.line.uart.borrow_mut().read_ready()
    }
}

impl<U: Write> Write for Handle<'_, U> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, U::Error> {
        self.line.uart.borrow_mut().write(buf)
    }

    fn flush(&mut self) -> Result<(), U::Error> {
        self.line.uart.borrow_mut().flush()
    }
}
