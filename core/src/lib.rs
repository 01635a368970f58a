//! The core of cellscan: takes a cellular modem from `pppd`, finds the best carrier, and gives the modem back.
//!
//! No allocator, no clock, no I/O of its own. Bytes and time come in as arguments, and actions come out:
//!
//! - [`scan`]: the machine. Start here: the table of states, the moves, the five types.
//! - [`at`]: the dialogue with the modem, from bytes to answers.
//! - [`driver`]: carries out the actions of the machine, over a [`port`] and a [`supervisor`].
//!
//! A whole scan, with a modem in a dozen lines. Time is an argument, so that 90 seconds pass at once:
//!
//! ```
//! use cellscan_core::scan::gate::{Origin, Request};
//! use cellscan_core::scan::{Event, Policy};
//! use cellscan_core::supervisor::{Levels, OwnPpp};
//! use cellscan_core::{driver::Driver, port::SansIo, time::Instant};
//!
//! fn modem(command: &str, on: &mut String) -> String {
//!     match command.trim_end() {
//!         "AT+CPIN?" => "+CPIN: READY\r\nOK\r\n".into(),
//!         "AT+COPS?" => format!("+COPS: 0,2,\"{on}\",7\r\nOK\r\n"),
//!         "AT+COPS=?" => "+COPS: (1,\"A\",\"A\",\"310260\",7),(1,\"B\",\"B\",\"310410\",7)\r\nOK\r\n".into(),
//!         "AT+CEREG?" => "+CEREG: 0,1\r\nOK\r\n".into(),
//!         "AT+CSQ" if on == "310410" => "+CSQ: 25,99\r\nOK\r\n".into(),
//!         "AT+CSQ" => "+CSQ: 14,99\r\nOK\r\n".into(),
//!         select => {
//!             *on = select.strip_prefix("AT+COPS=1,2,").unwrap_or(on).trim_matches('"').to_owned();
//!             "OK\r\n".into()
//!         }
//!     }
//! }
//!
//! let (ppp, mut on, mut now) = (Levels::new(), String::from("310260"), Instant::ZERO);
//! let mut driver = Driver::new(SansIo::new(), OwnPpp::new(&ppp), Policy::DEFAULT);
//! driver.request(now, Request { id: 1, origin: Origin::Manual });
//! loop {
//!     ppp.link.set(ppp.wanted.get()); // This PPP dials and hangs up at once.
//!     match driver.poll(now) {
//!         Ok(Event::Finished(_)) => break,
//!         Ok(_) | Err(nb::Error::Other(_)) => {} // An event, or an error for the log: the scan knows it.
//!         Err(nb::Error::WouldBlock) if driver.transmit().is_empty() => now = driver.next_deadline().unwrap(),
//!         Err(nb::Error::WouldBlock) => {
//!             let answer = modem(core::str::from_utf8(driver.transmit()).unwrap(), &mut on);
//!             driver.transmitted(driver.transmit().len());
//!             driver.receive(now, answer.as_bytes());
//!         }
//!     }
//! }
//! assert_eq!(driver.report().selected.unwrap().as_str(), "310410");
//! ```
//!
//! Bytes may come from any UART with the traits of `embedded-io` as well, see [`driver::Driver`].
//!
//! # Features
//!
//! All additive, none on by default: `log` and `defmt` log events (both may be on), `embedded-hal-nb` adds
//! the adapter `nb_port`, `error-texts` understands errors that come as texts, `vendor-signal` measures with the vendor's own command
//! where the standard ones give no value, `std` adds implementations for `std` types, `carriers-32` makes room for 32 carriers instead of 16.
#![no_std]
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unreachable,
        clippy::alloc_instead_of_core,
        clippy::std_instead_of_core
    )
)]

#[cfg(feature = "std")]
extern crate std;

#[macro_use]
mod trace;

pub mod at;
pub mod carrier;
pub mod driver;
#[cfg(feature = "embedded-hal-nb")]
pub mod nb_port;
pub mod port;
pub mod scan;
pub mod selection;
pub mod supervisor;
pub mod time;
