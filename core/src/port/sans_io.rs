//! A port for callers that move the bytes themselves: async tasks, DMA, a callback of a vendor's SDK.

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use heapless::Vec;

use super::Port;

/// Bytes to be sent at once, at most: the longest command of a scan is less than half as long, and it sends one at a time.
const OUTGOING_MAX: usize = 64;

/// A [`Port`] without I/O: [`Driver::receive`](crate::driver::Driver::receive) takes what the modem sent, and
/// [`Driver::transmit`](crate::driver::Driver::transmit) has what it is to be sent.
#[derive(Clone, Debug, Default)]
pub struct SansIo {
    outgoing: Vec<u8, OUTGOING_MAX>,
}

impl SansIo {
    /// With nothing to send.
    #[must_use]
    pub const fn new() -> Self {
        Self { outgoing: Vec::new() }
    }

    pub(crate) fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    /// The first `count` bytes were sent.
    pub(crate) fn sent(&mut self, count: usize) {
        let count = count.min(self.outgoing.len());
        self.outgoing.rotate_left(count);
        self.outgoing.truncate(self.outgoing.len().saturating_sub(count));
    }
}

impl ErrorType for SansIo {
    type Error = ErrorKind;
}

impl Read for SansIo {
    /// None: they do not come this way.
    fn read(&mut self, _buf: &mut [u8]) -> Result<usize, ErrorKind> {
        Ok(0)
    }
}

impl ReadReady for SansIo {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(false)
    }
}

impl Write for SansIo {
    /// All or nothing: a wait for the caller, who takes them after the call, would never end.
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.outgoing.extend_from_slice(buf).map_err(|_full| ErrorKind::OutOfMemory)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Port for SansIo {
    /// What an earlier use has left to send is not sent any more.
    fn open(&mut self) -> nb::Result<(), ErrorKind> {
        self.outgoing.clear();
        Ok(())
    }

    fn close(&mut self) {}
}
