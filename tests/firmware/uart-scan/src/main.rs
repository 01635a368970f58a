//! The firmware on three boards as QEMU has them: `mps2-an386` (Cortex-M4F), `microbit` (Cortex-M0), `virt` (RV32IMC).
//!
//! The board follows from the target. Standard output and exit code go through semihosting; everything else is the app's.
#![no_std]
#![no_main]

use cellscan_core::scan::policy::Timeouts;
use cellscan_core::scan::{Event, Policy};
use core::time::Duration;
use semihosting::{println, process};
use uart_scan::app::{App, News};
use uart_scan::line::Line;
use uart_scan::supervisor::Levels;

#[cfg(feature = "defmt")]
use defmt_rtt as _;

#[cfg_attr(all(target_arch = "arm", target_abi = "eabihf"), path = "board/mps2_an386.rs")]
#[cfg_attr(all(target_arch = "arm", not(target_abi = "eabihf")), path = "board/microbit.rs")]
#[cfg_attr(target_arch = "riscv32", path = "board/virt.rs")]
mod board;
#[cfg(target_arch = "arm")]
#[path = "board/shared.rs"]
mod shared;

use board::{Clock, Uart};

/// For the modem at the other end, which searches for two seconds where a real one takes minutes.
const POLICY: Policy = Policy {
    searches: 1,
    timeouts: Timeouts { search: Duration::from_secs(8), ..Timeouts::DEFAULT },
    ..Policy::DEFAULT
};

fn scan(uart: Uart, mut clock: Clock) -> ! {
    let line = Line::new(uart);
    let levels = Levels::new();
    let mut app = App::new(&line, &levels, POLICY);
    loop {
        match app.poll(clock.now()) {
            Some(News::Ended(ending)) => {
                println!("{ending:?}");
                process::exit(ending.exit_code());
            }
            Some(News::Scan(event)) => tell(&app, event),
            Some(News::Trouble) => println!("trouble"),
            None => clock.wait(),
        }
    }
}

/// A line for each trial and each move, in the words of the program for Linux.
fn tell(app: &App<'_, Uart>, event: Event) {
    #[cfg(feature = "defmt")]
    defmt::info!("{}", event);
    match event {
        Event::Moved { to, .. } => println!("Cellular Scan - State {}", to.number()),
        Event::TrialEnded(plmn) => {
            let carrier = app.scanner().carriers().iter().find(|carrier| carrier.plmn == plmn);
            println!("{plmn} {:?}", carrier.map(|carrier| carrier.trial));
        }
        Event::Selected(plmn) => println!("selected {plmn}"),
        other => println!("{other:?}"),
    }
}
