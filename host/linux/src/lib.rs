//! A scan of a Linux gateway: what a process that scans needs, be it the program or a C application.
//!
//! A module uses those above it, and none below.
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`error`], [`audience`] | what is told of errors, and of a scan |
//! | [`clean`], [`words`] | text that cannot speak to a terminal; states and events in words |
//! | [`clock`] | the time since boot, as the core's `Instant` |
//! | [`starting`] | what the program was started with: signals ignored, signals blocked, a limit on files |
//! | [`event_loop`] | one `poll(2)` over everything, and the signals that end a scan |
//! | [`process`] | handles on processes, who descends from whom, who holds a tty |
//! | [`checked`] | files that another user may have put there |
//! | [`link`] | whether the interface is there and has an address |
//! | [`serial`] | the tty to the modem, with its UUCP lock |
//! | [`runit`] | what `runit` keeps on disk: service directories, the status record, the `sv` program |
//! | [`service`] | `pppd` under `runsv`, natively or by `sv`, or without a supervisor |
//! | [`custody`] | claim, lease and guard: what gives a service back if its scan dies |
//! | [`recording`] | a scan, written down as it happens |
//! | [`gateway`] | a scan of this gateway: what is looked at before, the scan turn by turn, the carriers that are remembered |

pub mod audience;
pub mod checked;
pub mod clean;
pub mod clock;
pub mod custody;
pub mod error;
pub mod event_loop;
pub mod gateway;
pub mod link;
mod locks;
pub mod process;
pub mod recording;
pub mod runit;
pub mod serial;
pub mod service;
#[cfg(test)]
mod soon;
pub mod starting;
pub mod words;
