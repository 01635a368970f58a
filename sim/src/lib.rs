//! A simulated gateway: supervisor, `pppd`, modem and scan in virtual time.
//!
//! Nothing here reads a clock, draws a random number without a seed, starts a thread (except [`pty`], which serves the
//! modem in real time) or depends on the order of a hash table: the same calls give the same trace.

pub mod check;
pub mod lateness;
pub mod machine;
pub mod modem;
pub mod prng;
#[cfg(feature = "pty")]
pub mod pty;
pub mod sabotage;
pub mod scenario;
pub mod signal;
pub mod spec;
pub mod supervision;
pub mod supervisor;
pub mod trace;
pub mod world;

pub use machine::{directory, pppd, program, runsv, sv};
