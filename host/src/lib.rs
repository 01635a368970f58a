//! The Linux side of cellscan: the serial line, the service that keeps `pppd` alive, and what the scan waits for.
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`clock`] | the time since boot, as the core's `Instant` |
//! | [`event_loop`] | one `poll(2)` over everything, and the signals that end a scan |
//! | [`serial`] | the tty to the modem, with its UUCP lock |
//! | [`process`] | handles on processes, who descends from whom, who holds a tty |
//! | [`service`] | `pppd` under `runsv`, natively or by `sv`, or under nobody |
//! | [`link`] | whether the interface is there and has an address |
//! | [`simsv`] | supervision scenarios through the simulated `runsv` |
//! | [`guard`] | the process that gives the service back when the scan dies |

pub mod clock;
pub mod event_loop;
pub mod guard;
pub mod link;
pub mod process;
pub mod serial;
pub mod service;
pub mod simsv;
