//! The driver's port and supervisor, over the callbacks.

use core::fmt;
use core::num::NonZeroU32;

use cellscan_core::driver::Driver;
use cellscan_core::port::Port;
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{
    Owed, Remains, ServiceState, ServiceStatus, Signal, Supervisor, Taken, Want,
};
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};

use crate::calls::Callbacks;
use crate::ops;
use crate::text;

/// Bytes read from the port at once.
const HELD_LEN: usize = 64;

/// A scan over callbacks.
pub(crate) type Machine = Driver<Line, Service>;

const _: () = assert!(
    cellscan_core::at::command::COMMAND_LEN_MAX <= ops::CELLSCAN_COMMAND_LEN_MAX,
    "the promise of the header for `write`"
);

/// The answer of a callback that is neither done nor "not yet".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Answered(pub(crate) i32);

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a callback answered {}", self.0)
    }
}

impl core::error::Error for Answered {}

impl embedded_io::Error for Answered {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// The meaning of an answer.
fn read(answer: i32) -> nb::Result<(), Answered> {
    match answer {
        0 => Ok(()),
        1 => Err(nb::Error::WouldBlock),
        other => Err(nb::Error::Other(Answered(other))),
    }
}

/// A number outside the stated ones counts as an error: its meaning is unknown.
fn unknown(number: u32) -> nb::Error<Answered> {
    nb::Error::Other(Answered(i32::try_from(number).unwrap_or(i32::MAX)))
}

/// The port.
#[derive(Debug)]
pub(crate) struct Line {
    calls: Callbacks,
    held: [u8; HELD_LEN],
    /// The part of `held` that was not read yet.
    rest: core::ops::Range<usize>,
}

impl Line {
    pub(crate) const fn new(calls: Callbacks) -> Self {
        Self { calls, held: [0; HELD_LEN], rest: 0..0 }
    }
}

impl ErrorType for Line {
    type Error = Answered;
}

impl ReadReady for Line {
    /// C has no other call without waiting than the read itself: its bytes are kept for the next read.
    fn read_ready(&mut self) -> Result<bool, Answered> {
        if self.rest.is_empty() {
            let answer = self.calls.read(&mut self.held);
            let count = usize::try_from(answer).map_err(|_| Answered(answer))?;
            if count > HELD_LEN {
                return Err(Answered(answer));
            }
            self.rest = 0..count;
        }
        Ok(!self.rest.is_empty())
    }
}

impl Read for Line {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Answered> {
        let held = self.held.get(self.rest.clone()).unwrap_or_default();
        let count = held.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(held) {
            *to = *from;
        }
        self.rest.start = self.rest.start.saturating_add(count);
        Ok(count)
    }
}

impl Write for Line {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Answered> {
        match self.calls.write(buf) {
            0 => Ok(buf.len()),
            other => Err(Answered(other)),
        }
    }

    fn flush(&mut self) -> Result<(), Answered> {
        Ok(())
    }
}

impl Port for Line {
    fn open(&mut self) -> nb::Result<(), Answered> {
        self.rest = 0..0;
        read(self.calls.open())
    }

    fn close(&mut self) {
        self.rest = 0..0;
        self.calls.close();
    }
}

/// The supervisor.
#[derive(Debug)]
pub(crate) struct Service {
    calls: Callbacks,
    /// The selection that C has recorded, as far as this machine knows.
    noted: Option<Selection>,
}

impl Service {
    pub(crate) const fn new(calls: Callbacks) -> Self {
        Self { calls, noted: None }
    }

    /// C passes a selection that an earlier machine had it record.
    pub(crate) const fn recorded(&mut self, selection: Selection) {
        self.noted = Some(selection);
    }

    /// Its callbacks.
    pub(crate) const fn calls(&self) -> Callbacks {
        self.calls
    }
}

fn status(answer: i32, told: ops::Service) -> nb::Result<ServiceStatus, Answered> {
    read(answer)?;
    let state = match told.state {
        0 => ServiceState::Down,
        1 => ServiceState::Run,
        2 => ServiceState::Finish,
        other => return Err(unknown(other)),
    };
    let want = match told.want {
        0 => Want::Down,
        1 => Want::Up,
        2 => Want::Once,
        other => return Err(unknown(other)),
    };
    Ok(ServiceStatus {
        supervised: told.supervised != 0,
        state,
        pid: NonZeroU32::new(told.pid),
        want,
        foreign_down: told.foreign_down != 0,
        given_back: None,
    })
}

impl Supervisor for Service {
    type Error = Answered;

    fn take(&mut self) -> nb::Result<Taken, Answered> {
        let (answer, found) = self.calls.take();
        Ok(status(answer, found)?.into())
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), Answered> {
        read(self.calls.ask(match want {
            Want::Down => ops::Want::Down,
            Want::Up => ops::Want::Up,
            Want::Once => ops::Want::Once,
        }))
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, Answered> {
        let (answer, now) = self.calls.status();
        status(answer, now)
    }

    fn remains(&mut self) -> nb::Result<Remains, Answered> {
        let (answer, now) = self.calls.remains();
        read(answer)?;
        Ok(Remains { service: NonZeroU32::new(now.service), stranger: NonZeroU32::new(now.stranger) })
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), Answered> {
        read(self.calls.signal(match signal {
            Signal::Term => ops::Signal::Term,
            Signal::Kill => ops::Signal::Kill,
        }))
    }

    /// C records the selection alone: what is wanted of the service is found again when it is taken.
    fn owe(&mut self, owed: Owed) {
        if core::mem::replace(&mut self.noted, owed.selection) != owed.selection {
            self.calls.note(&told(owed.selection));
        }
    }

    fn link_up(&mut self) -> nb::Result<bool, Answered> {
        let (answer, up) = self.calls.link_up();
        read(answer)?;
        Ok(up != 0)
    }

    fn release(&mut self) -> nb::Result<(), Answered> {
        read(self.calls.release())
    }
}

fn told(selection: Option<Selection>) -> ops::Selection {
    match selection {
        None => ops::Selection::default(),
        Some(Selection::Automatic) => {
            ops::Selection { kind: ops::SelectionKind::Automatic as u32, ..ops::Selection::default() }
        }
        Some(Selection::Manual(plmn)) => {
            ops::Selection { kind: ops::SelectionKind::Manual as u32, plmn: text::plmn(Some(plmn)) }
        }
    }
}

/// The selection that C passed for restoring; `None`: it is none.
pub(crate) fn read_selection(selection: &ops::Selection) -> Option<Selection> {
    match selection.kind {
        1 => Some(Selection::Automatic),
        2 => text::read_plmn(selection.plmn).map(Selection::Manual),
        _ => None,
    }
}
