//! CMSDK UART 0 of Arm's MPS2 boards (Arm DDI 0479, "APB UART"), byte by byte.

#![expect(unsafe_code, reason = "registers are addresses")]

use core::ptr;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;

/// Of core, UART and SysTick (application note 386, "Clocks").
pub(crate) const CLOCK_HZ: u32 = 25_000_000;
const BAUD: u32 = 115_200;

const DATA: usize = 0x4000_4000;
const STATE: usize = 0x4000_4004;
const STATE_TX_FULL: u32 = 1 << 0;
const STATE_RX_FULL: u32 = 1 << 1;
const CONTROL: usize = 0x4000_4008;
const CONTROL_TX: u32 = 1 << 0;
const CONTROL_RX: u32 = 1 << 1;
const CONTROL_RX_INTERRUPT: u32 = 1 << 3;
const INTERRUPT_CLEAR: usize = 0x4000_400C;
const INTERRUPT_RX: u32 = 1 << 1;
const BAUD_DIVISOR: usize = 0x4000_4010;

/// Of the receiver.
#[derive(Clone, Copy)]
struct Received;

// SAFETY: interrupt 0 of AN386 is the receiver of UART 0 (application note 386, "Interrupts"), and it has 32.
unsafe impl InterruptNumber for Received {
    fn number(self) -> u16 {
        0
    }
}

fn read(register: usize) -> u32 {
    // SAFETY: each constant above is an aligned register of a device that is always there.
    unsafe { ptr::read_volatile(register as *const u32) }
}

fn write(register: usize, value: u32) {
    // SAFETY: as in `read`; none of these registers makes the device touch memory.
    unsafe { ptr::write_volatile(register as *mut u32, value) }
}

/// Enables it. From now on each byte raises the interrupt, whose handler calls [`receive`].
pub(crate) fn start() {
    write(BAUD_DIVISOR, CLOCK_HZ / BAUD);
    write(CONTROL, CONTROL_TX | CONTROL_RX | CONTROL_RX_INTERRUPT);
    // SAFETY: both users of this file have a handler, and no critical section relies on a mask.
    unsafe { NVIC::unmask(Received) };
}

/// A received byte; `None` where there is none.
pub(crate) fn receive() -> Option<u8> {
    write(INTERRUPT_CLEAR, INTERRUPT_RX);
    (read(STATE) & STATE_RX_FULL != 0).then(|| read(DATA).to_le_bytes()[0])
}

/// Whether a byte can be sent.
pub(crate) fn may_send() -> bool {
    read(STATE) & STATE_TX_FULL == 0
}

/// Sends a byte where [`may_send`].
pub(crate) fn send(byte: u8) {
    write(DATA, u32::from(byte));
}
