//! Arm's MPS2 board with FPGA image AN386 (Cortex-M4F): CMSDK UART 0 and SysTick.

#![expect(
    unsafe_code,
    reason = "cortex-m-rt requires it of the handler of all interrupts: it may run at any time"
)]

use core::convert::Infallible;

use cortex_m::peripheral::Peripherals;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{entry, exception};
use embedded_io::{ErrorType, Read, ReadReady, Write};

pub(crate) use crate::shared::Clock;
use crate::{cmsdk, shared};

/// The UART; received bytes come by interrupt.
pub(crate) struct Uart;

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        Ok(shared::read(buf))
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(shared::has_received())
    }
}

impl Write for Uart {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        for byte in buf {
            self.flush()?;
            cmsdk::send(*byte);
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while !cmsdk::may_send() {}
        Ok(())
    }
}

/// All interrupts that are unmasked, which is one.
#[exception]
unsafe fn DefaultHandler(_number: i16) {
    while let Some(byte) = cmsdk::receive() {
        shared::received(byte);
    }
}

#[exception]
fn SysTick() {
    shared::millisecond();
}

#[entry]
fn main() -> ! {
    if let Some(mut core) = Peripherals::take() {
        core.SYST.set_clock_source(SystClkSource::Core);
        core.SYST.set_reload(cmsdk::CLOCK_HZ / 1_000 - 1);
        core.SYST.clear_current();
        core.SYST.enable_counter();
        core.SYST.enable_interrupt();
    }
    cmsdk::start();
    crate::scan(Uart, Clock::new())
}
