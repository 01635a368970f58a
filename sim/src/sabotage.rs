//! Scanners that are broken on purpose: what the checkers must catch.

use core::num::NonZeroU32;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use cellscan_core::port::Port;
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Want};
use embedded_io::{ErrorType, Read, ReadReady, Write};

use crate::machine::Machine;
use crate::signal;

/// A supervisor that only kills: it never asks for down, sends `pppd` a KILL, and takes the moment without one for
/// success. This is what a field gateway did before it knew of `runsv`.
#[derive(Debug)]
pub struct OnlyKills<S> {
    inner: S,
    machine: Rc<RefCell<Machine>>,
    killing: bool,
}

impl<S> OnlyKills<S> {
    /// In place of asking `inner`.
    pub const fn new(inner: S, machine: Rc<RefCell<Machine>>) -> Self {
        Self { inner, machine, killing: false }
    }

    fn kill(&self) {
        self.machine.borrow_mut().somebody_signals_pppd(signal::Signal::Kill);
    }
}

impl<S: Supervisor> Supervisor for OnlyKills<S> {
    type Error = S::Error;

    fn take(&mut self) -> nb::Result<ServiceStatus, S::Error> {
        self.inner.take()
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), S::Error> {
        self.killing = want == Want::Down;
        if self.killing {
            self.kill();
        }
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, S::Error> {
        let status = self.inner.status()?;
        let down = ServiceStatus { state: ServiceState::Down, pid: None, want: Want::Down, ..status };
        Ok(if self.killing { down } else { status })
    }

    fn remains(&mut self) -> nb::Result<Remains, S::Error> {
        let machine = self.machine.borrow();
        let holders = machine.holders();
        // Once it has the port it looks no more.
        let has_it = holders.iter().any(|holder| holder.pid == machine.client());
        let holder = holders.first().filter(|_| !has_it).and_then(|holder| NonZeroU32::new(holder.pid));
        Ok(Remains { service: holder, stranger: None })
    }

    fn signal(&mut self, _signal: Signal) -> nb::Result<(), S::Error> {
        self.kill();
        Ok(())
    }

    fn link_up(&mut self) -> nb::Result<bool, S::Error> {
        self.inner.link_up()
    }

    fn release(&mut self) -> nb::Result<(), S::Error> {
        self.inner.release()
    }
}

/// A supervisor that forgets to ask for up.
#[derive(Debug)]
pub struct ForgetsUp<S>(pub S);

impl<S: Supervisor> Supervisor for ForgetsUp<S> {
    type Error = S::Error;

    fn take(&mut self) -> nb::Result<ServiceStatus, S::Error> {
        self.0.take()
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), S::Error> {
        if want == Want::Down { self.0.ask(want) } else { Ok(()) }
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, S::Error> {
        self.0.status()
    }

    fn remains(&mut self) -> nb::Result<Remains, S::Error> {
        self.0.remains()
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), S::Error> {
        self.0.signal(signal)
    }

    fn link_up(&mut self) -> nb::Result<bool, S::Error> {
        self.0.link_up()
    }

    fn release(&mut self) -> nb::Result<(), S::Error> {
        self.0.release()
    }
}

/// A port that answers every `AT` itself, and the bare CR that aborts as if the command had ended with it, and echoes every
/// command at once: as if a scan went on after a time-out without asking the modem whether it is there again, and took
/// the next result for the answer to the next command. For modems that do not echo themselves.
#[derive(Debug)]
pub struct SkipsResynchronisation<P> {
    inner: P,
    answers: VecDeque<u8>,
}

impl<P> SkipsResynchronisation<P> {
    /// In front of `inner`.
    pub const fn new(inner: P) -> Self {
        Self { inner, answers: VecDeque::new() }
    }
}

impl<P: ErrorType> ErrorType for SkipsResynchronisation<P> {
    type Error = P::Error;
}

impl<P: Read> Read for SkipsResynchronisation<P> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, P::Error> {
        if self.answers.is_empty() {
            return self.inner.read(buf);
        }
        let count = buf.len().min(self.answers.len());
        for (to, byte) in buf.iter_mut().zip(self.answers.drain(..count)) {
            *to = byte;
        }
        Ok(count)
    }
}

impl<P: ReadReady> ReadReady for SkipsResynchronisation<P> {
    fn read_ready(&mut self) -> Result<bool, P::Error> {
        Ok(!self.answers.is_empty() || self.inner.read_ready()?)
    }
}

impl<P: Write> Write for SkipsResynchronisation<P> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, P::Error> {
        match buf {
            b"AT\r" => self.answers.extend(b"\r\nOK\r\n"),
            b"\r" => self.answers.extend(b"\r\nABORTED\r\n"),
            _ => {
                self.answers.extend(buf);
                return self.inner.write(buf);
            }
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), P::Error> {
        self.inner.flush()
    }
}

impl<P: Port> Port for SkipsResynchronisation<P> {
    fn open(&mut self) -> nb::Result<(), P::Error> {
        self.inner.open()
    }

    fn close(&mut self) {
        self.answers.clear();
        self.inner.close();
    }
}
