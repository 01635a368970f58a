//! Fixtures. Nothing here acts on a process by its name: only pids that a bench started itself are signalled, and
//! what they left behind is found by a mark in its environment.

pub mod binaries;
pub mod clock;
pub mod events;
pub mod flood;
pub mod jail;
mod modem;
pub mod other_user;
mod place;
pub mod processes;
pub mod scripts;
pub mod small_disk;
pub mod spent;
pub mod status;
pub mod supervised;
pub mod wait;
pub mod workbench;

pub use events::Event;
pub use jail::Jail;
pub use modem::quick_modem;
pub use scripts::{RunScript, StandIn};
pub use small_disk::SmallDisk;
pub use status::{State, Status, Want};
pub use supervised::Supervised;
pub use wait::{wait_for, wait_until};
pub use workbench::{Bench, Workbench, runit_available};
