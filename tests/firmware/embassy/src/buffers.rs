//! A UART for the core made of two buffers, for callers that await the bytes elsewhere.
//!
//! The core reads available bytes and writes without waiting; an async UART has to be awaited. The buffers lie between them:
//! the caller puts received bytes in, and takes bytes to send out.

use core::cell::RefCell;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use heapless::{Deque, Vec};

/// Received bytes in one go, at most.
pub(crate) const INCOMING_MAX: usize = 128;
/// Bytes to be sent at once, at most: the longest command of a scan is half as long, and it sends one at a time.
pub(crate) const OUTGOING_MAX: usize = 64;

/// Both buffers.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    incoming: RefCell<Deque<u8, INCOMING_MAX>>,
    outgoing: RefCell<Vec<u8, OUTGOING_MAX>>,
}

impl Buffers {
    /// Puts received bytes in. Bytes that do not fit are lost, as in a UART; none are where the core reads all between two calls.
    pub(crate) fn put(&self, bytes: &[u8]) {
        let mut incoming = self.incoming.borrow_mut();
        for byte in bytes {
            let _ = incoming.push_back(*byte);
        }
    }

    /// The bytes to send.
    pub(crate) fn take(&self) -> Vec<u8, OUTGOING_MAX> {
        self.outgoing.take()
    }
}

impl ErrorType for &Buffers {
    type Error = ErrorKind;
}

impl Read for &Buffers {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut incoming = self.incoming.borrow_mut();
        let mut count = 0;
        for slot in buf {
            let Some(byte) = incoming.pop_front() else { break };
            *slot = byte;
            count += 1;
        }
        Ok(count)
    }
}

impl ReadReady for &Buffers {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.incoming.borrow().is_empty())
    }
}

impl Write for &Buffers {
    /// All or nothing: a wait in here for the task that empties the buffer would never end.
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.outgoing.borrow_mut().extend_from_slice(buf).map_err(|_| ErrorKind::OutOfMemory)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
