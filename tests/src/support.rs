//! Fixtures. Nothing here acts on a process by its name: a bench signals only pids that it started itself, and finds
//! processes that they left by a mark in their environment.

pub mod binaries;
pub mod clock;
pub mod driven;
pub mod events;
pub mod flood;
pub mod jail;
pub mod leases;
mod modem;
pub mod other_user;
mod place;
pub mod processes;
pub mod scripts;
pub mod skip;
pub mod small_disk;
pub mod spent;
pub mod status;
pub mod supervised;
pub mod wait;
pub mod workbench;

pub use driven::Driven;
pub use events::Event;
pub use jail::Jail;
pub use leases::{leases, run_dir};
pub use modem::quick_modem;
pub use scripts::{RunScript, StandIn};
pub use skip::skipped;
pub use small_disk::SmallDisk;
pub use status::{State, Status, Want};
pub use supervised::Supervised;
pub use wait::{wait_for, wait_until};
pub use workbench::{Bench, Workbench, runit_available};
