//! Scanners that are broken on purpose, which the checkers must catch.

use core::num::NonZeroU32;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use cellscan_core::port::Port;
use cellscan_core::supervisor::{
    Owed, Remains, ServiceState, ServiceStatus, Signal, Supervisor, Taken, Want,
};
use cellscan_core::time::{Instant, Span};
use core::time::Duration;
use embedded_io::{ErrorType, Read, ReadReady, Write};

use crate::machine::Machine;
use crate::prng::Prng;
use crate::signal;
use crate::supervisor::{SimError, SimSupervisor};

/// A supervisor that only kills: it never asks for down, sends `pppd` a KILL, and takes a moment without `pppd` for
/// success. A field gateway did this before it knew of `runsv`.
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
        self.machine.borrow_mut().another_client_signals_pppd(signal::Signal::Kill);
    }
}

impl<S: Supervisor> Supervisor for OnlyKills<S> {
    type Error = S::Error;

    fn take(&mut self) -> nb::Result<Taken, S::Error> {
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
        // Once it has the port it checks no more.
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

    fn take(&mut self) -> nb::Result<Taken, S::Error> {
        self.0.take()
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), S::Error> {
        if want == Want::Down { self.0.ask(want) } else { Ok(()) }
    }

    fn owe(&mut self, owed: Owed) {
        self.0.owe(owed);
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

/// A port that answers every `AT` itself, answers the aborting CR as if the command had ended with it, and echoes every
/// command at once: as if a scan went on after a time-out without waiting for the modem to answer `AT` again, and took the
/// next result for the answer to the next command. For modems that do not echo themselves.
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

/// A supervisor that recognises a foreign down by counting rewrites as their events come, and takes a rewrite for foreign that
/// comes 250 ms after the service was seen at rest: as if events were never late. Here they are, by up to two seconds.
#[derive(Debug)]
pub struct CountsEvents {
    inner: SimSupervisor,
    machine: Rc<RefCell<Machine>>,
    dice: Prng,
    /// Rewrites, by the time of their events.
    on_their_way: VecDeque<(Instant, usize)>,
    made: usize,
    counted: usize,
    rest: Option<(Instant, usize)>,
    foreign_down: bool,
}

impl CountsEvents {
    /// Replaces `inner`'s reading of the record.
    pub const fn new(inner: SimSupervisor, machine: Rc<RefCell<Machine>>, seed: u64) -> Self {
        Self {
            inner,
            machine,
            dice: Prng::new(seed),
            on_their_way: VecDeque::new(),
            made: 0,
            counted: 0,
            rest: None,
            foreign_down: false,
        }
    }

    fn count(&mut self, status: ServiceStatus) {
        const QUIET: Span = Span::from_millis(250);
        let machine = self.machine.borrow();
        let now = machine.now();
        let made = machine.kernel.supervise(false).map_or(0, |supervise| supervise.rewrites.len());
        if made > self.made {
            self.made = made;
            let late = if self.dice.chance(100) { self.dice.below(2_000) } else { 0 };
            self.on_their_way.push_back((now + Duration::from_millis(late), made));
        }
        while self.on_their_way.front().is_some_and(|(comes, _)| *comes <= now) {
            self.counted = self.on_their_way.pop_front().map_or(self.counted, |(_, count)| count);
        }
        let at_rest = (status.state, status.pid, status.want) == (ServiceState::Down, None, Want::Down);
        self.rest = match self.rest {
            _ if !at_rest || !status.supervised => None,
            Some((since, count)) if count == self.counted => Some((since, count)),
            Some((since, _)) if now.saturating_since(since) >= QUIET => {
                self.foreign_down = true;
                Some((since, self.counted))
            }
            Some(_) | None => Some((now, self.counted)),
        };
    }
}

impl Supervisor for CountsEvents {
    type Error = SimError;

    fn take(&mut self) -> nb::Result<Taken, SimError> {
        self.inner.take()
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), SimError> {
        self.rest = None;
        self.inner.ask(want)
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, SimError> {
        let status = self.inner.status()?;
        self.count(status);
        Ok(ServiceStatus { foreign_down: self.foreign_down, ..status })
    }

    fn remains(&mut self) -> nb::Result<Remains, SimError> {
        self.inner.remains()
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), SimError> {
        self.inner.signal(signal)
    }

    fn link_up(&mut self) -> nb::Result<bool, SimError> {
        self.inner.link_up()
    }

    fn owe(&mut self, owed: Owed) {
        self.inner.owe(owed);
    }

    fn release(&mut self) -> nb::Result<(), SimError> {
        self.inner.release()
    }
}
