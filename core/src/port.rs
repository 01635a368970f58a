//! The byte stream to the modem.

use embedded_io::{ErrorType, Read, ReadReady, Write};

mod sans_io;

pub use sans_io::SansIo;

/// A serial line that can be opened and closed again.
///
/// The bytes go through `embedded-io`; `open` and `close` exist because on Linux the scan may use the line only between
/// "the service is stopped" and "the service is given back", and because a USB modem's port goes away and comes back
/// during a scan (field log: `write: EIO`). Wrap a UART that is always open in [`AlwaysOpen`]; where bytes are awaited, or moved by
/// DMA, use [`SansIo`].
///
/// An error of the kind `InvalidData` (overrun, noise, parity) or `Interrupted` costs the current line; any other is the loss of the
/// port.
pub trait Port: Read + ReadReady + Write {
    /// Opens the line by its stable name; `WouldBlock` while the device is not ready.
    ///
    /// # Errors
    /// The port's own error where the line cannot be opened. Nothing is left open then.
    fn open(&mut self) -> nb::Result<(), Self::Error>;

    /// Closes the line and releases its lock, if any. Closing a closed port does nothing.
    fn close(&mut self);
}

/// A [`Port`] made of any `embedded-io` stream that needs no opening.
#[derive(Clone, Copy, Debug)]
pub struct AlwaysOpen<U>(pub U);

impl<U: ErrorType> ErrorType for AlwaysOpen<U> {
    type Error = U::Error;
}

impl<U: Read> Read for AlwaysOpen<U> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        self.0.read(buf)
    }
}

impl<U: ReadReady> ReadReady for AlwaysOpen<U> {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        self.0.read_ready()
    }
}

impl<U: Write> Write for AlwaysOpen<U> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush()
    }
}

impl<U: Read + ReadReady + Write> Port for AlwaysOpen<U> {
    fn open(&mut self) -> nb::Result<(), Self::Error> {
        Ok(())
    }

    fn close(&mut self) {}
}
