//! A simulated gateway: supervisor, `pppd`, modem and scan in virtual time.
//!
//! Nothing here reads a clock, draws a random number that no seed gave, starts a thread (but for [`pty`], which serves
//! the modem in real time) or depends on the order of a hash table: the same calls give the same trace.

pub mod check;
pub mod directory;
pub mod guard;
mod kernel;
pub mod lateness;
pub mod machine;
pub mod modem;
pub mod pppd;
pub mod prng;
mod process;
pub mod program;
#[cfg(feature = "pty")]
pub mod pty;
pub mod queue;
pub mod runsv;
pub mod sabotage;
pub mod scenario;
pub mod signal;
pub mod spec;
pub mod supervision;
pub mod supervisor;
pub mod sv;
pub mod trace;
pub mod world;
