//! A scan on bare metal: no `std`, no allocator, no operating system.
//!
//! The link is the test: `std` in the core would bring a second panic handler, an allocation an undefined symbol.
//! `tests/bare_metal` links it.
#![no_std]

use core::convert::Infallible;
use core::panic::PanicInfo;

use cellscan_core::driver::Driver;
use cellscan_core::port::AlwaysOpen;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::{Event, Outcome, Policy, Scanner};
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Taken, Want};
use cellscan_core::time::Instant;
use embedded_io::{ErrorType, Read, ReadReady, Write};

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// A modem that reads everything and answers nothing.
struct Mute;

impl ErrorType for Mute {
    type Error = Infallible;
}

impl Read for Mute {
    fn read(&mut self, _buf: &mut [u8]) -> Result<usize, Infallible> {
        Ok(0)
    }
}

impl ReadReady for Mute {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }
}

impl Write for Mute {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A service that obeys at once.
struct Obedient(Want);

impl Supervisor for Obedient {
    type Error = Infallible;

    fn take(&mut self) -> nb::Result<Taken, Infallible> {
        Ok(self.status()?.into())
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), Infallible> {
        self.0 = want;
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, Infallible> {
        let state = if self.0 == Want::Down { ServiceState::Down } else { ServiceState::Run };
        Ok(ServiceStatus::new(state, self.0))
    }

    fn remains(&mut self) -> nb::Result<Remains, Infallible> {
        Ok(Remains::default())
    }

    fn signal(&mut self, _signal: Signal) -> nb::Result<(), Infallible> {
        Ok(())
    }

    fn link_up(&mut self) -> nb::Result<bool, Infallible> {
        Ok(true)
    }

    fn release(&mut self) -> nb::Result<(), Infallible> {
        Ok(())
    }
}

/// Polls of one scan, at most; a scan gives a silent modem up after some forty.
const POLLS_MAX: u32 = 10_000;

/// One scan over a modem that does not answer: 0 where it ended, the service given back; 1 where it did not.
// The attribute is "unsafe" since two symbols of one name would clash; this name is unique.
#[unsafe(no_mangle)]
pub extern "C" fn cellscan_bare_scan() -> i32 {
    let mut driver = Driver::new(AlwaysOpen(Mute), Obedient(Want::Up), Policy::DEFAULT);
    let mut now = Instant::ZERO;
    driver.request(now, Request { id: 1, origin: Origin::Manual });
    for _ in 0..POLLS_MAX {
        match driver.poll(now) {
            Ok(Event::Finished(Outcome::Failed(_))) => {
                return i32::from(!driver.report().given_back);
            }
            Ok(_) => {}
            Err(_) => match driver.next_deadline() {
                Some(deadline) => now = now.max(deadline),
                None => return 1,
            },
        }
    }
    1
}

/// Bytes of a scanner and of a driver, for integrators who plan their RAM.
// See above.
#[unsafe(no_mangle)]
pub static cellscan_bare_sizes: [usize; 2] =
    [size_of::<Scanner>(), size_of::<Driver<AlwaysOpen<Mute>, Obedient>>()];
