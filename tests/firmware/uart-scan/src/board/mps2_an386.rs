//! Arm's MPS2 board with FPGA image AN386 (Cortex-M4F): CMSDK UART 0 and SysTick.

#![expect(unsafe_code, reason = "registers are addresses")]

use core::convert::Infallible;
use core::ptr;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, Peripherals};
use cortex_m_rt::{entry, exception};
use embedded_io::{ErrorType, Read, ReadReady, Write};

pub(crate) use crate::shared::Clock;

/// Of core and SysTick (application note 386, "Clocks").
const CLOCK_HZ: u32 = 25_000_000;
const BAUD: u32 = 115_200;

/// Arm DDI 0479, "APB UART": offsets and bits.
const UART0: usize = 0x4000_4000;
const DATA: usize = 0x00;
const STATE: usize = 0x04;
const STATE_TX_FULL: u32 = 1 << 0;
const STATE_RX_FULL: u32 = 1 << 1;
const CTRL: usize = 0x08;
const CTRL_TX: u32 = 1 << 0;
const CTRL_RX: u32 = 1 << 1;
const CTRL_RX_INTERRUPT: u32 = 1 << 3;
const INT_CLEAR: usize = 0x0C;
const INT_RX: u32 = 1 << 1;
const BAUD_DIVISOR: usize = 0x10;

/// Of the UART's receiver.
#[derive(Clone, Copy)]
struct Received;

// SAFETY: interrupt 0 of AN386 is UART 0's receiver, and there are 32 or more.
unsafe impl InterruptNumber for Received {
    fn number(self) -> u16 {
        0
    }
}

fn read(register: usize) -> u32 {
    // SAFETY: each constant above is an aligned register of a device that is always there.
    unsafe { ptr::read_volatile((UART0 + register) as *const u32) }
}

fn write(register: usize, value: u32) {
    // SAFETY: as in `read`; none of these registers makes the device touch memory.
    unsafe { ptr::write_volatile((UART0 + register) as *mut u32, value) }
}

/// The UART; received bytes come by interrupt.
pub(crate) struct Uart;

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        loop {
            match crate::shared::take_received(buf) {
                0 if !buf.is_empty() => cortex_m::asm::wfi(),
                count => return Ok(count),
            }
        }
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(crate::shared::has_received())
    }
}

impl Write for Uart {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        for byte in buf {
            while read(STATE) & STATE_TX_FULL != 0 {}
            write(DATA, u32::from(*byte));
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while read(STATE) & STATE_TX_FULL != 0 {}
        Ok(())
    }
}

#[exception]
unsafe fn DefaultHandler(_number: i16) {
    write(INT_CLEAR, INT_RX);
    while read(STATE) & STATE_RX_FULL != 0 {
        crate::shared::received(read(DATA).to_le_bytes()[0]);
    }
}

#[exception]
fn SysTick() {
    crate::shared::millisecond();
}

#[entry]
fn main() -> ! {
    if let Some(mut core) = Peripherals::take() {
        core.SYST.set_clock_source(SystClkSource::Core);
        core.SYST.set_reload(CLOCK_HZ / 1_000 - 1);
        core.SYST.clear_current();
        core.SYST.enable_counter();
        core.SYST.enable_interrupt();
    }
    write(BAUD_DIVISOR, CLOCK_HZ / BAUD);
    write(CTRL, CTRL_TX | CTRL_RX | CTRL_RX_INTERRUPT);
    // SAFETY: the handler is there, and no critical section relies on a mask.
    unsafe { NVIC::unmask(Received) };
    crate::scan(Uart, Clock::new())
}
