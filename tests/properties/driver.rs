//! Promises of the driver for any behaviour of its port and its supervisor.

use std::convert::Infallible;

use cellscan_core::driver::Driver;
use cellscan_core::port::Port;
use cellscan_core::scan::Event;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Taken, Want};
use cellscan_core::time::Instant;
use embedded_io::{ErrorType, Read, ReadReady, Write};

use crate::alphabet::POLICY;

/// A useless port: it opens for ever, or is open and accepts no byte.
struct Useless {
    opens: bool,
}

impl ErrorType for Useless {
    type Error = Infallible;
}

impl Read for Useless {
    fn read(&mut self, _buf: &mut [u8]) -> Result<usize, Infallible> {
        Ok(0)
    }
}

impl ReadReady for Useless {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }
}

impl Write for Useless {
    fn write(&mut self, _buf: &[u8]) -> Result<usize, Infallible> {
        Ok(0)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Port for Useless {
    fn open(&mut self) -> nb::Result<(), Infallible> {
        if self.opens { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }

    fn close(&mut self) {}
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

#[test]
fn a_port_that_never_opens_does_not_keep_the_service_down() {
    gives_the_service_back(Useless { opens: false });
}

#[test]
fn a_port_that_accepts_no_byte_is_lost_and_does_not_keep_the_service_down() {
    gives_the_service_back(Useless { opens: true });
}

#[track_caller]
fn gives_the_service_back(port: Useless) {
    let mut driver = Driver::new(port, Obedient(Want::Up), POLICY);
    let mut now = Instant::from_millis(1_000);
    driver.request(now, Request { id: 1, origin: Origin::Manual });
    for _ in 0..1_000 {
        match driver.poll(now) {
            Ok(Event::Finished(outcome)) => {
                assert_eq!(driver.supervisor().0, Want::Up, "{outcome:?}, and the service stays down");
                return;
            }
            Ok(_) => {}
            Err(_) => now = driver.next_deadline().map_or(now, |next| next.max(now)),
        }
    }
    panic!("the scan never ends: {:?}", driver.scanner().phase());
}
