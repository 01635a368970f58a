//! How the driver handles errors, damaged bytes, and actions that are not done yet.

extern crate std;

use super::*;

mod sans_io;
use crate::scan::Phase;
use crate::scan::gate::Origin;
use crate::scan::scanner::tests::waiting_for_link;
use crate::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Taken, Want};
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use std::collections::VecDeque;
use std::vec::Vec;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Fault(ErrorKind);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl core::error::Error for Fault {}

impl embedded_io::Error for Fault {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// A port that returns the given reads, and after them the same error for ever.
#[derive(Debug, Default)]
struct Wire {
    incoming: VecDeque<Result<&'static [u8], ErrorKind>>,
    always: Option<ErrorKind>,
    interruptions: u32,
    sent: Vec<u8>,
}

impl ErrorType for Wire {
    type Error = Fault;
}

impl ReadReady for Wire {
    fn read_ready(&mut self) -> Result<bool, Fault> {
        Ok(!self.incoming.is_empty() || self.always.is_some())
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Fault> {
        let next =
            self.incoming.pop_front().or_else(|| self.always.map(Err)).expect("asked before it was ready");
        let bytes = next.map_err(Fault)?;
        buf[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Fault> {
        if let Some(left) = self.interruptions.checked_sub(1) {
            self.interruptions = left;
            return Err(Fault(ErrorKind::Interrupted));
        }
        self.sent.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Port for Wire {
    fn open(&mut self) -> nb::Result<(), Fault> {
        Ok(())
    }

    fn close(&mut self) {}
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Call {
    Take,
    Ask,
    Status,
    Remains,
    LinkUp,
    Release,
}

/// A service that obeys at once, except in one call.
#[derive(Debug)]
struct Service {
    want: Want,
    /// Answers `WouldBlock`.
    slow: Option<Call>,
    fails: Option<Call>,
}

impl Service {
    const fn new() -> Self {
        Self { want: Want::Up, slow: None, fails: None }
    }

    fn answer<T>(&self, call: Call, value: T) -> nb::Result<T, Fault> {
        if self.slow == Some(call) {
            return Err(nb::Error::WouldBlock);
        }
        if self.fails == Some(call) { Err(nb::Error::Other(Fault(ErrorKind::NotFound))) } else { Ok(value) }
    }
}

impl Supervisor for Service {
    type Error = Fault;

    fn take(&mut self) -> nb::Result<Taken, Fault> {
        self.answer(Call::Take, ())?;
        Ok(self.status()?.into())
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), Fault> {
        self.answer(Call::Ask, ())?;
        self.want = want;
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, Fault> {
        let state = if self.want == Want::Down { ServiceState::Down } else { ServiceState::Run };
        self.answer(Call::Status, ServiceStatus::new(state, self.want))
    }

    fn remains(&mut self) -> nb::Result<Remains, Fault> {
        self.answer(Call::Remains, Remains::default())
    }

    fn signal(&mut self, _signal: Signal) -> nb::Result<(), Fault> {
        Ok(())
    }

    fn link_up(&mut self) -> nb::Result<bool, Fault> {
        self.answer(Call::LinkUp, false)
    }

    fn release(&mut self) -> nb::Result<(), Fault> {
        self.answer(Call::Release, ())
    }
}

struct Bench {
    driver: Driver<Wire, Service>,
    now: Instant,
    events: Vec<Event>,
}

impl Bench {
    /// Without a request for a scan.
    fn idle() -> Self {
        let driver = Driver::new(Wire::default(), Service::new(), Policy::DEFAULT);
        Self { driver, now: Instant::from_millis(5_000), events: Vec::new() }
    }

    fn requested() -> Self {
        let mut bench = Self::idle();
        bench.driver.request(bench.now, Request { id: 1, origin: Origin::Manual });
        bench
    }

    /// In state 2b, `AT` sent and not answered.
    fn asking() -> Self {
        let mut bench = Self::requested();
        bench.pass_until(|bench| bench.driver.port().sent.ends_with(b"AT\r"));
        bench
    }

    /// In state 10b.
    fn waiting_for_link() -> Self {
        let (scanner, now) = waiting_for_link();
        let driver = Driver::resume(Wire::default(), Service::new(), scanner);
        Self { driver, now, events: Vec::new() }
    }

    fn service(&mut self) -> &mut Service {
        self.driver.supervisor_mut()
    }

    /// Polls until `WouldBlock`; returns the errors.
    #[track_caller]
    fn drain(&mut self) -> Vec<Error<Fault, Fault>> {
        let mut errors = Vec::new();
        for _ in 0..100 {
            match self.driver.poll(self.now) {
                Ok(event) => self.events.push(event),
                Err(nb::Error::Other(error)) => errors.push(error),
                Err(nb::Error::WouldBlock) => {
                    let behind = self.driver.next_deadline().filter(|next| *next <= self.now);
                    assert_eq!(behind, None, "a deadline that is not in the future is a busy loop");
                    return errors;
                }
            }
        }
        panic!("poll never blocks: {errors:?}");
    }

    /// Advances to the next deadline; returns the errors there.
    #[track_caller]
    fn pass(&mut self) -> Vec<Error<Fault, Fault>> {
        self.now = self.driver.next_deadline().expect("something to wait for");
        self.drain()
    }

    #[track_caller]
    fn pass_until(&mut self, wanted: impl Fn(&Self) -> bool) {
        self.drain();
        for _ in 0..50 {
            if wanted(self) {
                return;
            }
            self.pass();
        }
        panic!("never so; in {:?}", self.driver.scanner().phase());
    }

    fn hear(&mut self, incoming: &[Result<&'static [u8], ErrorKind>]) -> Vec<Error<Fault, Fault>> {
        self.driver.executor.port.incoming.extend(incoming.iter().copied());
        self.drain()
    }
}

#[test]
fn a_status_error_is_reported_once_and_again_after_a_success() {
    let asking: fn() -> Bench = Bench::asking;
    for (call, fixture) in
        [(Call::Status, asking), (Call::Remains, asking), (Call::LinkUp, Bench::waiting_for_link)]
    {
        let mut bench = fixture();
        for _ in 0..2 {
            bench.service().fails = Some(call);
            assert_eq!(bench.drain(), [Error::Status(Fault(ErrorKind::NotFound))]);
            assert!(bench.drain().is_empty() && bench.pass().is_empty(), "it was reported");
            bench.service().fails = None;
            assert!(bench.drain().is_empty());
        }
    }
}

#[test]
fn a_failed_status_is_read_again_long_before_the_end_of_the_scan() {
    let mut bench = Bench::waiting_for_link();
    bench.drain();
    let of_scan = bench.driver.next_deadline();
    assert_eq!(of_scan, bench.driver.scanner().next_deadline());
    bench.service().fails = Some(Call::LinkUp);
    bench.drain();
    for _ in 0..3 {
        assert_eq!(bench.driver.next_deadline(), Some(bench.now + STATUS_AGAIN));
        bench.pass();
    }
    bench.service().fails = None;
    bench.pass();
    assert_eq!(bench.driver.next_deadline(), of_scan, "there is nothing left to retry");
}

#[test]
fn a_status_that_is_not_known_yet_is_read_again_soon() {
    let mut bench = Bench::waiting_for_link();
    bench.drain();
    let of_scan = bench.driver.next_deadline();
    bench.service().slow = Some(Call::LinkUp);
    bench.drain();
    assert_eq!(bench.driver.next_deadline(), Some(bench.now + PENDING_AGAIN));
    bench.service().slow = None;
    bench.pass();
    assert_eq!(bench.driver.next_deadline(), of_scan);
}

#[test]
fn a_pending_action_is_retried_without_a_wake_up() {
    let mut bench = Bench::idle();
    bench.service().slow = Some(Call::Take);
    bench.driver.request(bench.now, Request { id: 1, origin: Origin::Manual });
    bench.drain();
    for _ in 0..3 {
        assert_eq!(bench.driver.next_deadline(), Some(bench.now + PENDING_AGAIN), "not the 10 s of state 1");
        bench.pass();
    }
    bench.service().slow = Some(Call::Ask);
    bench.pass();
    assert_eq!(bench.driver.scanner().phase(), Phase::StopPppWaitSv);
    assert_eq!(bench.driver.next_deadline(), Some(bench.now + PENDING_AGAIN));
    bench.service().slow = None;
    bench.pass();
    assert_eq!(bench.driver.supervisor().want, Want::Down);
}

#[test]
fn a_release_is_retried_after_the_end_of_the_scan() {
    let mut bench = Bench::requested();
    bench.service().slow = Some(Call::Release);
    bench.drain();
    bench.driver.abort(bench.now);
    bench.pass_until(|bench| bench.driver.scanner().phase() == Phase::Idle);
    assert_eq!(bench.driver.scanner().next_deadline(), None, "the scan itself waits for nothing");
    assert!(!bench.driver.is_settled());
    assert_eq!(bench.driver.next_deadline(), Some(bench.now + PENDING_AGAIN));
    bench.service().slow = None;
    bench.pass();
    assert!(bench.driver.is_settled());
    assert_eq!(bench.driver.next_deadline(), None);
}

#[test]
fn damaged_bytes_discard_the_current_line_and_the_port_goes_on() {
    for kind in [ErrorKind::InvalidData, ErrorKind::Interrupted] {
        let mut bench = Bench::asking();
        let sent = bench.driver.port().sent.len();
        let errors = bench.hear(&[Ok(b"\r\nERR"), Err(kind), Ok(b"OK\r\n")]);
        assert_eq!(errors, [Error::Port(Fault(kind))]);
        assert!(bench.driver.is_open() && !lost(&bench));
        assert!(bench.hear(&[Ok(b"\r\n")]).is_empty());
        let half = bench.driver.scanner().clone();
        assert!(bench.hear(&[Ok(b"\r\nOK\r\n")]).is_empty());
        assert_ne!(bench.driver.scanner().clone(), half, "half a line is dropped, and the next is complete");
        bench.pass_until(|bench| bench.driver.port().sent.len() > sent);
        assert!(bench.driver.port().sent.ends_with(b"AT+CMEE?\r"), "{:?}", bench.driver.port().sent);
    }
}

#[test]
fn endless_damage_is_reported_once_and_lets_every_poll_end() {
    let mut bench = Bench::asking();
    bench.driver.executor.port.always = Some(ErrorKind::InvalidData);
    assert_eq!(bench.drain(), [Error::Port(Fault(ErrorKind::InvalidData))]);
    bench.pass_until(|bench| bench.driver.scanner().phase() == Phase::Idle);
    assert_eq!(bench.driver.supervisor().want, Want::Up);
}

#[test]
fn any_other_error_of_the_port_counts_as_its_loss() {
    let mut bench = Bench::asking();
    assert_eq!(bench.hear(&[Err(ErrorKind::Other)]), [Error::Port(Fault(ErrorKind::Other))]);
    assert!(!bench.driver.is_open() && lost(&bench));
}

#[test]
fn an_interrupted_write_is_retried() {
    let mut bench = Bench::asking();
    bench.driver.executor.port.interruptions = 3;
    assert!(bench.hear(&[Ok(b"\r\nOK\r\n")]).is_empty());
    bench.pass_until(|bench| bench.driver.port().sent.ends_with(b"AT+CMEE?\r"));
    bench.driver.executor.port.interruptions = u32::MAX;
    bench.hear(&[Ok(b"\r\nOK\r\n")]);
    assert!(lost(&bench), "it never takes anything");
}

/// Whether the scan has told that the port went away.
fn lost(bench: &Bench) -> bool {
    bench.events.iter().any(|event| matches!(event, Event::PortLost { .. }))
}
