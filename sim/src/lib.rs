//! A simulated gateway: supervisor, `pppd` and modem in virtual time, without threads, clocks or hidden dice.

pub mod modem;
pub mod prng;
#[cfg(feature = "pty")]
pub mod pty;
