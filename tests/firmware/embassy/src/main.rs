//! The firmware of `uart-scan` as a task of an async executor (embassy), on `mps2-an386`.
//!
//! It shares all code with `uart-scan`: the machine does no I/O, so that its caller may as well be a future. This one awaits bytes
//! and deadlines instead of polling for them, and the processor runs other tasks meanwhile.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};

use cellscan_core::scan::Policy;
use cellscan_core::supervisor::Levels;
use cellscan_core::time::Instant;
use cortex_m::Peripherals;
use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_time::Timer;
use embedded_io_async::{Read, Write};
use semihosting::{println, process};
use uart_scan::app::{App, EMULATED, Ending, News};
use uart_scan::words::Words;

mod board;
#[path = "../../uart-scan/src/board/cmsdk.rs"]
mod cmsdk;

use board::Uart;

/// Bytes read at once.
const READ_LEN_MAX: usize = 128;

fn now() -> Instant {
    Instant::from_millis(embassy_time::Instant::now().as_millis())
}

/// Waits until a deadline of the core; for ever where there is none.
async fn passed(deadline: Option<Instant>) {
    let millis = deadline.map_or(u64::MAX, Instant::as_millis);
    Timer::at(embassy_time::Instant::from_millis(millis)).await;
}

/// A whole scan over any UART of `embedded-io-async` whose `read` may be cancelled.
async fn scan<U: Read + Write>(mut uart: U, policy: Policy) -> Result<Ending, U::Error> {
    let levels = Levels::new();
    let mut app = App::new(&levels, policy, now());
    loop {
        let news = app.poll(now());
        uart.write_all(app.transmit()).await?;
        app.transmitted(app.transmit().len());
        if let Some(news) = news {
            println!("{}", Words { news, carriers: app.scanner().carriers() });
            if let News::Ended(ending) = news {
                return Ok(ending);
            }
            continue;
        }
        let mut bytes = [0; READ_LEN_MAX];
        match select(uart.read(&mut bytes), passed(app.next_deadline())).await {
            Either::First(count) => app.receive(now(), &bytes[..count?]),
            Either::Second(()) => {}
        }
    }
}

/// How often the other task ran.
static BEATS: AtomicU32 = AtomicU32::new(0);

/// Another task of the firmware. It runs whenever the scan waits, which is nearly always.
#[embassy_executor::task]
async fn heart() {
    loop {
        Timer::after_millis(100).await;
        BEATS.fetch_add(1, Ordering::Relaxed);
    }
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let Some(core) = Peripherals::take() else { process::exit(111) };
    let uart = Uart::start(core.SYST);
    spawner.spawn(heart().expect("it is spawned once"));
    let Ok(ending) = scan(uart, EMULATED).await;
    println!("the other task ran {} times", BEATS.load(Ordering::Relaxed));
    process::exit(ending.exit_code());
}
