//! The serial line between the scan and the modem.

use core::fmt;
use std::cell::RefCell;
use std::rc::Rc;

use cellscan_core::port::Port;
use cellscan_core::time::Instant;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};

use crate::lateness::{Lateness, Transit};
use crate::machine::Machine;
use crate::modem::Modem;
use crate::trace::Origin;

/// Bytes that wait to be read, at most, as a tty's buffer (Linux: `N_TTY_BUF_SIZE` 4096); more bytes are lost.
const INBOX_LEN_MAX: usize = 4_096;

/// Why the simulated line failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LineError {
    /// The device does not exist.
    NoDevice,
    /// Another live process has the UUCP lock.
    Locked,
    /// The device went away while it was open (`EIO`).
    Gone,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDevice => "no such device",
            Self::Locked => "the line is locked by another process",
            Self::Gone => "input/output error",
        })
    }
}

impl core::error::Error for LineError {}

impl embedded_io::Error for LineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoDevice => ErrorKind::NotFound,
            Self::Locked => ErrorKind::PermissionDenied,
            Self::Gone => ErrorKind::Other,
        }
    }
}

/// A byte that the scan sent while another process held the port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Intrusion {
    /// The time.
    pub at: Instant,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The holder of the port.
    pub holder: Origin,
}

/// Both ends of the line and the bytes in transit.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) now: Instant,
    pub(crate) modem: Modem,
    pub(crate) machine: Rc<RefCell<Machine>>,
    /// The device exists.
    pub(crate) present: bool,
    pub(crate) open: bool,
    /// When it was opened.
    pub(crate) since: Instant,
    pub(crate) inbox: Inbox,
    /// Bytes of the modem that the machine has not received yet.
    pub(crate) transit: Transit,
    pub(crate) lateness: Lateness,
    pub(crate) intrusions: Vec<Intrusion>,
    /// How many bytes the scan has sent.
    pub(crate) written: u64,
    /// Memory for what the modem sends.
    pub(crate) sent: Vec<u8>,
}

/// Bytes that wait to be read.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    /// How many of them were read.
    read: usize,
}

impl Inbox {
    /// Takes bytes in as far as there is room.
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.drain(..core::mem::take(&mut self.read));
        let room = INBOX_LEN_MAX.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Reads as many bytes as there are, and as `buf` has room for.
    fn take(&mut self, buf: &mut [u8]) -> usize {
        let waiting = self.bytes.get(self.read..).unwrap_or_default();
        let count = buf.len().min(waiting.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), waiting.get(..count)) {
            to.copy_from_slice(from);
        }
        self.read += count;
        count
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.read == self.bytes.len()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.read = 0;
    }
}

impl Wire {
    /// Moves the bytes that the modem has sent by now to the reader.
    pub(crate) fn deliver(&mut self) {
        if !self.has_sent() {
            return;
        }
        let mut sent = core::mem::take(&mut self.sent);
        self.modem.poll(self.now, &mut sent);
        if !sent.is_empty() {
            let late = self.lateness.draw();
            if late.is_zero() && self.transit.next_at().is_none() {
                self.arrive(&sent);
            } else {
                self.transit.send(self.now + late, sent.clone());
            }
            sent.clear();
        }
        self.sent = sent;
        while let Some(arrived) = self.transit.arrived(self.now) {
            self.arrive(&arrived);
        }
    }

    /// Whether the modem or the line has something to do by now.
    fn has_sent(&self) -> bool {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= self.now);
        due(self.modem.next_event()) || due(self.transit.next_at())
    }

    fn arrive(&mut self, bytes: &[u8]) {
        if self.open && self.present {
            self.inbox.put(bytes);
        }
    }

    pub(crate) fn close(&mut self) {
        self.inbox.clear();
        if core::mem::take(&mut self.open) {
            if self.present {
                self.modem.closed(self.now);
            }
            let mut machine = self.machine.borrow_mut();
            machine.client_closed_port();
            machine.unlock_port();
        }
    }
}

/// The scan's end of the line.
#[derive(Clone, Debug)]
pub struct SimPort(pub(crate) Rc<RefCell<Wire>>);

impl ErrorType for SimPort {
    type Error = LineError;
}

impl Read for SimPort {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        let mut wire = self.0.borrow_mut();
        if !wire.present {
            return Err(LineError::Gone);
        }
        Ok(wire.inbox.take(buf))
    }
}

impl ReadReady for SimPort {
    fn read_ready(&mut self) -> Result<bool, LineError> {
        let wire = self.0.borrow();
        if wire.present { Ok(!wire.inbox.is_empty()) } else { Err(LineError::Gone) }
    }
}

impl Write for SimPort {
    fn write(&mut self, buf: &[u8]) -> Result<usize, LineError> {
        let wire = &mut *self.0.borrow_mut();
        if !wire.present {
            return Err(LineError::Gone);
        }
        // A root process may open a locked and held port; no lock keeps it from that.
        let opened = wire.since;
        let intrudes = |origin: Origin, since: Instant| match origin {
            Origin::Client | Origin::Guard => false,
            Origin::Stranger => since < opened,
            Origin::Service | Origin::Log | Origin::Runsv | Origin::SecondPppd | Origin::OtherPppd => true,
        };
        let other = wire.machine.borrow().each_holder().find(|holder| intrudes(holder.origin, holder.since));
        if let Some(other) = other {
            let intrusion = Intrusion { at: wire.now, bytes: buf.to_vec(), holder: other.origin };
            wire.intrusions.push(intrusion);
        }
        wire.written += buf.len() as u64;
        wire.modem.receive(wire.now, buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), LineError> {
        Ok(())
    }
}

impl Port for SimPort {
    fn open(&mut self) -> nb::Result<(), LineError> {
        let wire = &mut *self.0.borrow_mut();
        if !wire.present {
            return Err(nb::Error::Other(LineError::NoDevice));
        }
        if !wire.machine.borrow_mut().lock_port() {
            return Err(nb::Error::Other(LineError::Locked));
        }
        wire.machine.borrow_mut().client_opened_port();
        wire.open = true;
        wire.since = wire.now;
        wire.modem.opened(wire.now);
        Ok(())
    }

    fn close(&mut self) {
        self.0.borrow_mut().close();
    }
}
