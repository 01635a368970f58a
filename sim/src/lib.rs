//! The simulated world: a machine room in virtual time.
//!
//! Nothing here reads a clock, draws a random number, starts a thread or depends on the order of a hash table: the
//! same calls give the same trace.

pub mod directory;
mod kernel;
pub mod lease;
pub mod machine;
pub mod pppd;
mod process;
pub mod program;
pub mod queue;
pub mod runsv;
pub mod signal;
pub mod spec;
pub mod supervision;
pub mod supervisor;
pub mod sv;
pub mod trace;
