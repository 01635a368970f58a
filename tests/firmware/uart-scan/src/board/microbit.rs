//! The BBC micro:bit (nRF51822, Cortex-M0, 16 KiB of RAM): UART 0 and timer 0, since this chip has no SysTick.

#![expect(unsafe_code, reason = "registers are addresses")]

use core::convert::Infallible;
use core::ptr;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use cortex_m_rt::{entry, exception};
use embedded_io::{ErrorType, Read, ReadReady, Write};

use crate::shared;
pub(crate) use crate::shared::Clock;

/// nRF51 Series Reference Manual 3.0, chapters 29 (UART) and 18 (TIMER).
mod uart {
    pub(super) const BASE: usize = 0x4000_2000;
    pub(super) const START_RX: usize = BASE;
    pub(super) const START_TX: usize = BASE + 0x008;
    pub(super) const RX_READY: usize = BASE + 0x108;
    pub(super) const TX_READY: usize = BASE + 0x11C;
    pub(super) const INTERRUPTS_SET: usize = BASE + 0x304;
    pub(super) const INTERRUPT_RX_READY: u32 = 1 << 2;
    pub(super) const ENABLE: usize = BASE + 0x500;
    pub(super) const ENABLED: u32 = 4;
    pub(super) const TX_PIN: usize = BASE + 0x50C;
    pub(super) const RX_PIN: usize = BASE + 0x514;
    pub(super) const RXD: usize = BASE + 0x518;
    pub(super) const TXD: usize = BASE + 0x51C;
    pub(super) const BAUD_RATE: usize = BASE + 0x524;
    pub(super) const BAUD_115200: u32 = 0x01D7_E000;
}
mod timer {
    pub(super) const BASE: usize = 0x4000_8000;
    pub(super) const START: usize = BASE;
    pub(super) const COMPARE_0: usize = BASE + 0x140;
    pub(super) const SHORTS: usize = BASE + 0x200;
    pub(super) const COMPARE_0_CLEARS: u32 = 1;
    pub(super) const INTERRUPTS_SET: usize = BASE + 0x304;
    pub(super) const INTERRUPT_COMPARE_0: u32 = 1 << 16;
    pub(super) const BIT_MODE: usize = BASE + 0x508;
    pub(super) const BITS_16: u32 = 0;
    pub(super) const PRESCALER: usize = BASE + 0x510;
    /// 16 MHz / 2⁴: a microsecond.
    pub(super) const MICROSECONDS: u32 = 4;
    pub(super) const CC_0: usize = BASE + 0x540;
}

/// Pins of the edge connector's serial port on the micro:bit (schematic 1.3B).
const TX_PIN: u32 = 24;
const RX_PIN: u32 = 25;

#[derive(Clone, Copy)]
enum Interrupt {
    Uart0 = 2,
    Timer0 = 8,
}

// SAFETY: the numbers are the peripherals' own (reference manual, 4.2: base address divided by 0x1000), and below 32.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self as u16
    }
}

fn read(register: usize) -> u32 {
    // SAFETY: each constant above is an aligned register of a device that is always there.
    unsafe { ptr::read_volatile(register as *const u32) }
}

fn write(register: usize, value: u32) {
    // SAFETY: as in `read`; none of these registers makes a device touch memory.
    unsafe { ptr::write_volatile(register as *mut u32, value) }
}

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
            write(uart::TX_READY, 0);
            write(uart::TXD, u32::from(*byte));
            while read(uart::TX_READY) == 0 {}
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[exception]
unsafe fn DefaultHandler(number: i16) {
    if number == Interrupt::Timer0 as i16 {
        write(timer::COMPARE_0, 0);
        shared::millisecond();
    }
    while read(uart::RX_READY) != 0 {
        // Cleared before the byte is read: the next one of the FIFO sets it again.
        write(uart::RX_READY, 0);
        shared::received(read(uart::RXD).to_le_bytes()[0]);
    }
}

#[entry]
fn main() -> ! {
    write(timer::BIT_MODE, timer::BITS_16);
    write(timer::PRESCALER, timer::MICROSECONDS);
    write(timer::CC_0, 1_000);
    write(timer::SHORTS, timer::COMPARE_0_CLEARS);
    write(timer::INTERRUPTS_SET, timer::INTERRUPT_COMPARE_0);
    write(timer::START, 1);

    write(uart::TX_PIN, TX_PIN);
    write(uart::RX_PIN, RX_PIN);
    write(uart::BAUD_RATE, uart::BAUD_115200);
    write(uart::ENABLE, uart::ENABLED);
    write(uart::INTERRUPTS_SET, uart::INTERRUPT_RX_READY);
    write(uart::START_TX, 1);
    write(uart::START_RX, 1);
    // SAFETY: the handler is there, and no critical section relies on a mask.
    unsafe {
        NVIC::unmask(Interrupt::Uart0);
        NVIC::unmask(Interrupt::Timer0);
    }
    crate::scan(Uart, Clock::new())
}
