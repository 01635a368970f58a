//! The firmware on three boards as QEMU has them: `mps2-an386` (Cortex-M4F), `microbit` (Cortex-M0), `virt` (RV32IMC).
//!
//! The board follows from the target. Standard output and exit code go through semihosting; everything else is the app's.
#![no_std]
#![no_main]

use cellscan_core::carrier::Carriers;
use cellscan_core::supervisor::Levels;
use embedded_io::{Read, ReadReady, Write};
use semihosting::{println, process};
use uart_scan::app::{App, EMULATED, News};
use uart_scan::words::Words;

#[cfg(feature = "defmt")]
use defmt_rtt as _;

#[cfg_attr(all(target_arch = "arm", target_abi = "eabihf"), path = "board/mps2_an386.rs")]
#[cfg_attr(all(target_arch = "arm", not(target_abi = "eabihf")), path = "board/microbit.rs")]
#[cfg_attr(target_arch = "riscv32", path = "board/virt.rs")]
mod board;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
#[path = "board/cmsdk.rs"]
mod cmsdk;
#[cfg(target_arch = "arm")]
#[path = "board/shared.rs"]
mod shared;

use board::{Clock, Uart};

/// Bytes read at once.
const READ_LEN_MAX: usize = 64;

fn scan(mut uart: Uart, mut clock: Clock) -> ! {
    let levels = Levels::new();
    let mut app = App::new(&levels, EMULATED, clock.now());
    loop {
        let news = app.poll(clock.now());
        let Ok(()) = uart.write_all(app.transmit());
        app.transmitted(app.transmit().len());
        if let Some(news) = news {
            tell(news, app.scanner().carriers());
            continue;
        }
        let Ok(received) = uart.read_ready();
        if received {
            let mut bytes = [0; READ_LEN_MAX];
            let Ok(count) = uart.read(&mut bytes);
            app.receive(clock.now(), &bytes[..count]);
        } else {
            clock.wait();
        }
    }
}

fn tell(news: News, carriers: &Carriers) {
    #[cfg(feature = "defmt")]
    defmt::info!("{}", news);
    println!("{}", Words { news, carriers });
    if let News::Ended(ending) = news {
        process::exit(ending.exit_code());
    }
}
