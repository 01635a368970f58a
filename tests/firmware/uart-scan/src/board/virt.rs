//! QEMU's RISC-V board `virt`, as RV32IMC: a 16550 UART and the core-local timer.

#![expect(unsafe_code, reason = "registers are addresses")]

use core::convert::Infallible;
use core::ptr;

use cellscan_core::time::Instant;
use embedded_io::{ErrorType, Read, ReadReady, Write};
use riscv_rt::entry;

/// A 16550 (TI PC16550D, §8): registers a byte wide and apart.
const UART: usize = 0x1000_0000;
const DATA: usize = UART;
const FIFO_CONTROL: usize = UART + 2;
/// Enables and clears the FIFO.
const FIFO_ON: u8 = 0b111;
const LINE_CONTROL: usize = UART + 3;
const EIGHT_BITS: u8 = 0b11;
const LINE_STATUS: usize = UART + 5;
const STATUS_RECEIVED: u8 = 1 << 0;
const STATUS_MAY_SEND: u8 = 1 << 5;
const STATUS_SENT: u8 = 1 << 6;

/// Machine timer of the core-local interruptor (RISC-V privileged architecture 1.12, §3.2.1).
const TIME_COMPARE: usize = 0x0200_4000;
const TIME: usize = 0x0200_BFF8;
/// Of `virt`'s machine timer.
const TICKS_PER_MS: u64 = 10_000;

fn read(register: usize) -> u8 {
    // SAFETY: each of the UART's constants above is a register of a device that is always there.
    unsafe { ptr::read_volatile(register as *const u8) }
}

fn write(register: usize, value: u8) {
    // SAFETY: as in `read`; none of these registers makes the device touch memory.
    unsafe { ptr::write_volatile(register as *mut u8, value) }
}

fn read_word(register: usize) -> u32 {
    // SAFETY: the timer's constants above are aligned registers of a device that is always there.
    unsafe { ptr::read_volatile(register as *const u32) }
}

fn write_word(register: usize, value: u32) {
    // SAFETY: as in `read_word`.
    unsafe { ptr::write_volatile(register as *mut u32, value) }
}

/// The UART. Its FIFO of 16 bytes lasts for 1.4 ms at 115,200 baud, and is polled every millisecond.
pub(crate) struct Uart;

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        let mut count = 0;
        for slot in buf {
            while count == 0 && read(LINE_STATUS) & STATUS_RECEIVED == 0 {}
            if read(LINE_STATUS) & STATUS_RECEIVED == 0 {
                break;
            }
            *slot = read(DATA);
            count += 1;
        }
        Ok(count)
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(read(LINE_STATUS) & STATUS_RECEIVED != 0)
    }
}

impl Write for Uart {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        for byte in buf {
            while read(LINE_STATUS) & STATUS_MAY_SEND == 0 {}
            write(DATA, *byte);
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while read(LINE_STATUS) & STATUS_SENT == 0 {}
        Ok(())
    }
}

fn ticks() -> u64 {
    loop {
        let (high, low) = (read_word(TIME + 4), read_word(TIME));
        // The low half may have wrapped between the two.
        if read_word(TIME + 4) == high {
            return (u64::from(high) << 32) | u64::from(low);
        }
    }
}

/// The machine timer, which has 64 bits.
pub(crate) struct Clock;

impl Clock {
    #[expect(clippy::unused_self, reason = "same signature as the clocks of the other boards")]
    pub(crate) fn now(&mut self) -> Instant {
        Instant::from_millis(ticks() / TICKS_PER_MS)
    }

    /// Sleeps for a millisecond.
    #[expect(clippy::unused_self, reason = "same signature as the clocks of the other boards")]
    pub(crate) fn wait(&mut self) {
        let until = (ticks() + TICKS_PER_MS).to_le_bytes();
        let [a, b, c, d, e, f, g, h] = until;
        // The high half first to its maximum, so that the two together are never too early.
        write_word(TIME_COMPARE + 4, u32::MAX);
        write_word(TIME_COMPARE, u32::from_le_bytes([a, b, c, d]));
        write_word(TIME_COMPARE + 4, u32::from_le_bytes([e, f, g, h]));
        riscv::asm::wfi();
    }
}

#[entry]
fn main() -> ! {
    write(FIFO_CONTROL, FIFO_ON);
    write(LINE_CONTROL, EIGHT_BITS);
    // SAFETY: interrupts stay off in `mstatus`, so that the timer wakes `wfi` and no handler is called.
    unsafe { riscv::register::mie::set_mtimer() };
    crate::scan(Uart, Clock)
}
