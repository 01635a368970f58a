//! The common part of both Arm boards: bytes and milliseconds that come by interrupt.

use core::cell::RefCell;
use core::sync::atomic::{AtomicU32, Ordering};

use cellscan_core::time::Instant;
use critical_section::Mutex;
use heapless::Deque;
use uart_scan::clock::Wide;

/// Bytes that wait for the scan. It looks at each byte, or at least once in a millisecond, when 115,200 baud have brought
/// twelve; the rest is for a slow line on standard output.
const RECEIVED_MAX: usize = 256;

static RECEIVED: Mutex<RefCell<Deque<u8, RECEIVED_MAX>>> = Mutex::new(RefCell::new(Deque::new()));
static MILLIS: AtomicU32 = AtomicU32::new(0);

/// Called by the UART's interrupt. A byte without room is lost, as in any UART: the scan then sends the command again.
pub(crate) fn received(byte: u8) {
    critical_section::with(|token| {
        let _ = RECEIVED.borrow_ref_mut(token).push_back(byte);
    });
}

/// Moves received bytes to `to`; sleeps until there is one.
pub(crate) fn read(to: &mut [u8]) -> usize {
    loop {
        match take_received(to) {
            0 if !to.is_empty() => cortex_m::asm::wfi(),
            count => return count,
        }
    }
}

fn take_received(to: &mut [u8]) -> usize {
    critical_section::with(|token| {
        let mut received = RECEIVED.borrow_ref_mut(token);
        let mut count = 0;
        for slot in to {
            let Some(byte) = received.pop_front() else { break };
            *slot = byte;
            count += 1;
        }
        count
    })
}

/// Whether there is a received byte.
pub(crate) fn has_received() -> bool {
    critical_section::with(|token| !RECEIVED.borrow_ref(token).is_empty())
}

/// Called by the timer's interrupt, each millisecond. Not `fetch_add`, which a Cortex-M0 lacks: this is the only writer.
pub(crate) fn millisecond() {
    MILLIS.store(MILLIS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// Milliseconds since the timer was started.
pub(crate) struct Clock(Wide);

impl Clock {
    pub(crate) const fn new() -> Self {
        Self(Wide::new())
    }

    pub(crate) fn now(&mut self) -> Instant {
        Instant::from_millis(self.0.extend(MILLIS.load(Ordering::Relaxed)))
    }

    /// Sleeps until a byte or the next millisecond. A byte between the last check and `wfi` is noticed a millisecond later.
    #[expect(clippy::unused_self, reason = "same signature as the clock of the other board")]
    pub(crate) fn wait(&mut self) {
        cortex_m::asm::wfi();
    }
}
