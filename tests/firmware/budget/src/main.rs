//! All parts of a scan that a firmware calls, linked to measure them: `../table` reads sizes, stack and symbols.
//!
//! The panic handler calls an undefined function: as long as this links, no panic is reachable. Port and supervisor are
//! opaque to the optimiser and almost empty.
#![no_std]
#![no_main]
#![expect(unsafe_code, reason = "names for the linker, and one function that must not be there")]

use core::cell::UnsafeCell;
use core::fmt;
use core::hint::black_box;
use core::mem::MaybeUninit;
use core::num::NonZeroU32;
use core::panic::PanicInfo;

use cellscan_core::carrier::Plmn;
use cellscan_core::driver::Driver;
use cellscan_core::port::AlwaysOpen;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::{Event, Policy, Scanner};
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{
    Owed, Remains, ServiceState, ServiceStatus, Signal, Supervisor, Taken, Want,
};
use cellscan_core::time::Instant;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};

unsafe extern "C" {
    /// Defined nowhere.
    fn a_panic_can_be_reached() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: never called, since a caller does not link.
    unsafe { a_panic_can_be_reached() }
}

/// The error of port and service.
#[derive(Clone, Copy, Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl core::error::Error for Broken {}

impl embedded_io::Error for Broken {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// A UART with any behaviour.
struct Uart;

impl ErrorType for Uart {
    type Error = Broken;
}

impl Read for Uart {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Broken> {
        black_box(&mut *buf);
        black_box(Ok(buf.len()))
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Broken> {
        black_box(Ok(true))
    }
}

impl Write for Uart {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Broken> {
        black_box(buf);
        black_box(Ok(buf.len()))
    }

    fn flush(&mut self) -> Result<(), Broken> {
        black_box(Ok(()))
    }
}

/// A service in any state.
struct Service;

impl Supervisor for Service {
    type Error = Broken;

    fn take(&mut self) -> nb::Result<Taken, Broken> {
        let status = self.status()?;
        black_box(Ok(Taken { status, owed: Owed::default() }))
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), Broken> {
        black_box(want);
        black_box(Err(nb::Error::WouldBlock))
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, Broken> {
        black_box(Ok(ServiceStatus {
            supervised: true,
            state: ServiceState::Run,
            pid: None,
            want: Want::Up,
            foreign_down: false,
            given_back: None,
        }))
    }

    fn remains(&mut self) -> nb::Result<Remains, Broken> {
        black_box(Ok(Remains { service: NonZeroU32::new(1), stranger: NonZeroU32::new(2) }))
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), Broken> {
        black_box(signal);
        black_box(Ok(()))
    }

    fn owe(&mut self, owed: Owed) {
        black_box(owed);
    }

    fn link_up(&mut self) -> nb::Result<bool, Broken> {
        black_box(Ok(true))
    }

    fn release(&mut self) -> nb::Result<(), Broken> {
        black_box(Ok(()))
    }
}

type Scan = Driver<AlwaysOpen<Uart>, Service>;

/// Mutable bytes, so that they take RAM.
struct Room<const SIZE: usize>(UnsafeCell<[u8; SIZE]>);

// SAFETY: no code reads or writes them.
unsafe impl<const SIZE: usize> Sync for Room<SIZE> {}

impl<const SIZE: usize> Room<SIZE> {
    const fn empty() -> Self {
        Self(UnsafeCell::new([0; SIZE]))
    }
}

/// Their sizes, for the symbol table.
#[used]
#[unsafe(no_mangle)]
static RAM_OF_SCANNER: Room<{ size_of::<Scanner>() }> = Room::empty();
#[used]
#[unsafe(no_mangle)]
static RAM_OF_DRIVER: Room<{ size_of::<Scan>() }> = Room::empty();

/// The least that a firmware has to construct: a machine in place.
#[unsafe(no_mangle)]
extern "C" fn budget_new(slot: &mut MaybeUninit<Scan>) {
    slot.write(Driver::new(AlwaysOpen(Uart), Service, Policy::DEFAULT));
}

#[unsafe(no_mangle)]
extern "C" fn budget_request(scan: &mut Scan, now: u64, id: u32) {
    scan.request(Instant::from_millis(now), Request { id, origin: black_box(Origin::Manual) });
}

#[unsafe(no_mangle)]
extern "C" fn budget_restore(scan: &mut Scan, now: u64, digits: &[u8; 6]) {
    let selection = Plmn::parse(digits).map_or(Selection::Automatic, Selection::Manual);
    scan.restore(Instant::from_millis(now), selection);
}

#[unsafe(no_mangle)]
extern "C" fn budget_abort(scan: &mut Scan, now: u64) {
    scan.abort(Instant::from_millis(now));
}

#[unsafe(no_mangle)]
extern "C" fn budget_remember(scan: &mut Scan, digits: &[u8; 6]) {
    if let Ok(plmn) = Plmn::parse(digits) {
        scan.remember(plmn);
    }
}

#[unsafe(no_mangle)]
extern "C" fn budget_poll(scan: &mut Scan, now: u64, event: &mut Option<Event>) -> u64 {
    *event = scan.poll(Instant::from_millis(now)).ok();
    #[cfg(feature = "reachable-panic")]
    black_box(b"0123456789"[now as usize]);
    scan.next_deadline().map_or(u64::MAX, Instant::as_millis)
}

/// The values that a firmware reads after a scan.
#[unsafe(no_mangle)]
extern "C" fn budget_result(scan: &Scan) -> bool {
    for carrier in scan.scanner().carriers() {
        black_box(carrier.name.as_str());
        black_box(carrier.plmn.as_str());
        black_box(carrier.trial);
    }
    black_box(scan.report()).given_back
}
