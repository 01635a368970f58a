//! The Linux side of cellscan: the serial line, the service that keeps `pppd` alive, and what the scan waits for.
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`clock`] | the time since boot, as the core's `Instant` |
//! | [`starting`] | what the program was started with: signals ignored, signals blocked, a limit on files |
//! | [`event_loop`] | one `poll(2)` over everything, and the signals that end a scan |
//! | [`serial`] | the tty to the modem, with its UUCP lock |
//! | [`process`] | handles on processes, who descends from whom, who holds a tty |
//! | [`runit`] | what `runit` keeps on disk: service directories, the status record, the `sv` program |
//! | [`service`] | `pppd` under `runsv`, natively or by `sv`, or without a supervisor |
//! | [`custody`] | claim, lease and guard: what gives a service back if its scan dies |
//! | [`link`] | whether the interface is there and has an address |
//! | [`decode`] | what a modem's bytes mean, as JSON |
//! | [`simsv`] | supervision scenarios through the simulated `runsv` |
//! | [`cli`], [`plan`], [`exit`] | what was typed, what it means, how it ends |
//! | [`commands`] | what each command does |
//! | [`report`], [`logging`] | what people and programs are told |
//! | [`examine`], [`doctor`] | how a gateway stands, looked at without touching it, and what to do about it |
//! | [`gateway`] | a scan of this gateway: what is looked at before, the scan turn by turn, the carriers that are remembered |
//! | [`audience`], [`error`], [`words`], [`clean`] | what is told of a scan, and of errors |
//! | [`timeline`] | a scan as lanes, in the terminal and as HTML |
//! | [`recording`] | a scan, written down as it happens |
//! | [`import`], [`replay`] | logs, what they say happened, and what would have happened |

pub mod audience;
mod checked;
pub mod clean;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod control;
pub mod custody;
pub mod decode;
pub mod doctor;
pub mod error;
pub mod event_loop;
pub mod examine;
pub mod exit;
pub mod gateway;
pub mod import;
pub mod link;
mod locks;
pub mod logging;
pub mod plan;
pub mod process;
pub mod recording;
pub mod replay;
pub mod report;
pub mod runit;
pub mod serial;
pub mod service;
pub mod simsv;
#[cfg(test)]
mod soon;
pub mod starting;
pub mod timeline;
pub mod words;
