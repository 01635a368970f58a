//! The firmware on three boards as QEMU has them: `mps2-an386` (Cortex-M4F), `microbit` (Cortex-M0), `virt` (RV32IMC).
//!
//! The board follows from the target. Standard output and exit code go through semihosting; everything else is the app's.
#![no_std]
#![no_main]

use cellscan_core::carrier::Carriers;
use semihosting::{println, process};
use uart_scan::app::{App, EMULATED, News};
use uart_scan::line::Line;
use uart_scan::supervisor::Levels;
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

fn scan(uart: Uart, mut clock: Clock) -> ! {
    let line = Line::new(uart);
    let levels = Levels::new();
    let mut app = App::new(&line, &levels, EMULATED, clock.now());
    loop {
        match app.poll(clock.now()) {
            None => clock.wait(),
            Some(news) => tell(news, app.scanner().carriers()),
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
