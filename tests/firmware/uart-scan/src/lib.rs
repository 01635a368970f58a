//! A firmware that finds the best carrier with the modem of its own PPP, over the one UART that scan and PPP share.
//!
//! - [`app`]: the whole firmware: the link, the scan, the link again. Start here.
//! - [`dial_up`]: a stand-in for the PPP: it dials and hangs up, and implements no PPP.
//! - [`clock`]: a 32-bit counter as a clock that never wraps.
//! - [`words`]: the output for people.
//!
//! Nothing here depends on a board or does I/O: it needs a caller that moves the bytes, and a clock in milliseconds.
//! The boards are beside `main.rs`; the example in an async executor uses the same code.
#![no_std]

pub mod app;
pub mod clock;
pub mod dial_up;
pub mod words;
