//! MPS2 with AN386 in an async executor: SysTick as embassy's clock, CMSDK UART 0 with the traits of `embedded-io-async`.

#![expect(
    unsafe_code,
    reason = "cortex-m-rt requires it of the handler of all interrupts: it may run at any time"
)]

use core::cell::RefCell;
use core::convert::Infallible;
use core::task::Waker;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::Mutex;
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::pipe::Pipe;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;
use embedded_io_async::{ErrorType, Read, Write};

use crate::cmsdk;

/// Milliseconds since the start, and the wakers that wait for them.
struct Ticks(Mutex<RefCell<(u64, Queue)>>);

impl Driver for Ticks {
    fn now(&self) -> u64 {
        critical_section::with(|token| self.0.borrow_ref(token).0)
    }

    /// The next tick checks the queue, so that no alarm has to be set.
    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|token| self.0.borrow_ref_mut(token).1.schedule_wake(at, waker));
    }
}

embassy_time_driver::time_driver_impl!(static TICKS: Ticks = Ticks(Mutex::new(RefCell::new((0, Queue::new())))));

#[exception]
fn SysTick() {
    critical_section::with(|token| {
        let (now, queue) = &mut *TICKS.0.borrow_ref_mut(token);
        *now += 1;
        queue.next_expiration(*now);
    });
}

/// Bytes that wait for the task that reads; twenty milliseconds of 115,200 baud.
static RECEIVED: Pipe<CriticalSectionRawMutex, 256> = Pipe::new();

/// All interrupts that are unmasked, which is one.
#[exception]
unsafe fn DefaultHandler(_number: i16) {
    while let Some(byte) = cmsdk::receive() {
        // A byte without room is lost, as in any UART: the scan then sends the command again.
        let _ = RECEIVED.try_write(&[byte]);
    }
}

/// The UART.
pub(crate) struct Uart;

impl Uart {
    /// Switches UART and clock on.
    pub(crate) fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(cmsdk::CLOCK_HZ / 1_000 - 1);
        timer.clear_current();
        timer.enable_counter();
        timer.enable_interrupt();
        cmsdk::start();
        Self
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
        Ok(RECEIVED.read(buf).await)
    }
}

impl Write for Uart {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
        for byte in buf {
            self.flush().await?;
            cmsdk::send(*byte);
        }
        Ok(buf.len())
    }

    /// Other tasks run while the UART is busy; without an interrupt for it, the processor does not sleep.
    async fn flush(&mut self) -> Result<(), Infallible> {
        while !cmsdk::may_send() {
            yield_now().await;
        }
        Ok(())
    }
}
