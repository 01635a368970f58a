//! A firmware that looks for the best carrier with the modem that its own PPP uses, over the one UART that both share.
//!
//! - [`app`]: the whole of it: the link, the scan, the link again. Start here.
//! - [`supervisor`]: the firmware's PPP as the scan sees it, by three callbacks.
//! - [`mod@line`]: the UART, and who has it.
//! - [`dial_up`]: a stand-in for the PPP: it dials and hangs up, and speaks no PPP.
//! - [`clock`]: a counter of 32 bits as a clock that never wraps.
//! - [`words`]: what is told, for people.
//!
//! Nothing here knows a board: it needs a UART with the traits of `embedded-io`, a clock in milliseconds, and somebody
//! who calls. The boards are beside `main.rs`; the example in an async executor calls the same.
#![no_std]

pub mod app;
pub mod clock;
pub mod dial_up;
pub mod line;
pub mod supervisor;
pub mod words;
