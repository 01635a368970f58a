//! A port and a supervisor that are listened to.
//!
//! All that comes from them to the scan is written down: what they answer, and how things stand whenever that changed.
//! That they cannot tell yet how things stand is a change too; to a request "not yet" is no answer. Without a tape they
//! are what they wrap, and nothing else.

use std::fmt;

use cellscan_core::port::Port;
use cellscan_core::supervisor::{Owed, Remains, ServiceStatus, Signal, Supervisor, Taken, Want};
use cellscan_core::time::Instant;
use embedded_io::{ErrorType, Read, ReadReady, Write};

use crate::words as plain;

use super::entry::Who;
use super::recorder::Tape;
use super::words;

/// Says what time it is: that of the step under way, so that a replay has the same.
pub type Now = Box<dyn Fn() -> Instant>;

/// The state is not known yet.
pub const WAIT: &str = "wait";

/// A port or a supervisor, and who listens.
pub struct Taped<T> {
    inner: T,
    tape: Option<(Tape, Now)>,
    status: Reading<ServiceStatus>,
    remains: Reading<Remains>,
    link: Reading<bool>,
}

/// How things stood when they were last looked at; `None`: that could not be told.
type Reading<V> = Option<V>;

impl<T: fmt::Debug> fmt::Debug for Taped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taped")
            .field("inner", &self.inner)
            .field("taped", &self.tape.is_some())
            .finish_non_exhaustive()
    }
}

impl<T> Taped<T> {
    /// Nothing is recorded.
    pub const fn silent(inner: T) -> Self {
        Self { inner, tape: None, status: None, remains: None, link: None }
    }

    /// All is written to `tape`, at the time that `now` says.
    pub fn new(inner: T, tape: Tape, now: Now) -> Self {
        Self { tape: Some((tape, now)), ..Self::silent(inner) }
    }

    /// What is wrapped.
    pub const fn inner(&self) -> &T {
        &self.inner
    }

    /// What is wrapped.
    pub const fn inner_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    fn say(&self, who: Who, words: impl FnOnce() -> String) {
        if let Some((tape, now)) = &self.tape {
            tape.borrow_mut().said(now(), who, words());
        }
    }

    fn begin_line(&self) {
        if let Some((tape, _)) = &self.tape {
            tape.borrow_mut().begin_line();
        }
    }

    /// What came of a call: `ok`, or why not. "Not yet" is not written.
    fn came<V, E: fmt::Display>(&self, who: Who, what: &str, came: &nb::Result<V, E>) {
        match came {
            Ok(_) => self.say(who, || format!("{what} ok")),
            Err(nb::Error::Other(error)) => self.say(who, || format!("{what} failed {error}")),
            Err(nb::Error::WouldBlock) => {}
        }
    }

    /// How things stand; written where that is not as it was.
    fn stands<V: Copy + PartialEq, E>(
        &mut self,
        who: Who,
        what: &str,
        last: fn(&mut Self) -> &mut Reading<V>,
        came: &nb::Result<V, E>,
        words: impl FnOnce(&V) -> String,
    ) {
        let value = came.as_ref().ok().copied();
        if self.tape.is_none() || core::mem::replace(last(self), value) == value {
            return;
        }
        let words = value.as_ref().map_or_else(|| WAIT.to_owned(), words);
        self.say(who, || format!("{what} {words}"));
    }

    fn broke<V, E: fmt::Display>(&self, came: &Result<V, E>) {
        if let Err(error) = came {
            self.say(Who::Scan, || format!("port failed {error}"));
        }
    }
}

impl<P: ErrorType> ErrorType for Taped<P> {
    type Error = P::Error;
}

impl<P: Read> Read for Taped<P> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, P::Error> {
        let came = self.inner.read(buf);
        match (&came, &self.tape) {
            (Ok(0), _) => self.say(Who::Scan, || "port ended".to_owned()),
            (Ok(count), Some((tape, now))) => {
                tape.borrow_mut().received(now(), buf.get(..*count).unwrap_or_default());
            }
            (Ok(_), None) => {}
            (Err(_), _) => self.broke(&came),
        }
        came
    }
}

impl<P: ReadReady> ReadReady for Taped<P> {
    fn read_ready(&mut self) -> Result<bool, P::Error> {
        let came = self.inner.read_ready();
        self.broke(&came);
        came
    }
}

impl<P: Write> Write for Taped<P> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, P::Error> {
        let came = self.inner.write(buf);
        if let (Ok(count), Some((tape, now))) = (&came, &self.tape) {
            tape.borrow_mut().sent(now(), buf.get(..*count).unwrap_or_default());
        }
        self.broke(&came);
        came
    }

    fn flush(&mut self) -> Result<(), P::Error> {
        let came = self.inner.flush();
        self.broke(&came);
        came
    }
}

impl<P: Port> Port for Taped<P> {
    fn open(&mut self) -> nb::Result<(), P::Error> {
        let came = self.inner.open();
        if came.is_ok() {
            self.begin_line();
        }
        self.came(Who::Scan, "open", &came);
        came
    }

    fn close(&mut self) {
        self.say(Who::Scan, || "close".to_owned());
        self.begin_line();
        self.inner.close();
    }
}

impl<S: Supervisor> Supervisor for Taped<S> {
    type Error = S::Error;

    /// The want is that which the scan restores: a dead scan's goes over what the status shows.
    fn take(&mut self) -> nb::Result<Taken, S::Error> {
        let came = self.inner.take();
        match &came {
            Ok(Taken { status, owed }) => {
                let found = ServiceStatus { want: owed.want.unwrap_or(status.want), ..*status };
                self.say(Who::Sv, || format!("taken {}", words::status(&found)));
                if let Some(selection) = owed.selection {
                    self.say(Who::Sv, || format!("noted {}", words::selection(selection)));
                }
            }
            Err(_) => self.came(Who::Sv, "take", &came),
        }
        came
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), S::Error> {
        let came = self.inner.ask(want);
        self.came(Who::Sv, &format!("ask {}", plain::want(want)), &came);
        came
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, S::Error> {
        let came = self.inner.status();
        self.stands(Who::Sv, "status", |taped| &mut taped.status, &came, words::status);
        came
    }

    fn remains(&mut self) -> nb::Result<Remains, S::Error> {
        let came = self.inner.remains();
        self.stands(Who::Sv, "remains", |taped| &mut taped.remains, &came, words::remains);
        came
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), S::Error> {
        let came = self.inner.signal(signal);
        self.came(Who::Sv, &format!("signal {}", words::signal(signal)), &came);
        came
    }

    fn owe(&mut self, owed: Owed) {
        self.inner.owe(owed);
    }

    fn link_up(&mut self) -> nb::Result<bool, S::Error> {
        let came = self.inner.link_up();
        let words = |up: &bool| if *up { "up" } else { "down" }.to_owned();
        self.stands(Who::Ppp, "link", |taped| &mut taped.link, &came, words);
        came
    }

    fn hand_over(&mut self) -> nb::Result<(), S::Error> {
        let came = self.inner.hand_over();
        self.came(Who::Sv, "hand over", &came);
        came
    }

    fn release(&mut self) -> nb::Result<(), S::Error> {
        let came = self.inner.release();
        self.came(Who::Sv, "release", &came);
        came
    }
}
