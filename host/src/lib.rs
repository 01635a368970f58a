//! The Linux side of cellscan: the serial line, the service that supervises `pppd`, and the events that a scan waits for.
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`clock`] | the time since boot, as the core's `Instant` |
//! | [`starting`] | what the program inherits: ignored signals, blocked signals, a limit on files |
//! | [`event_loop`] | one `poll(2)` for all events, and the signals that end a scan |
//! | [`serial`] | the tty to the modem, with its UUCP lock |
//! | [`process`] | handles on processes, their ancestors, the holders of a tty |
//! | [`preflight`] | checks of the ports before the service is touched |
//! | [`service`] | `pppd` under `runsv`, natively or by `sv`, or without a supervisor |
//! | [`link`] | whether the interface is there and has an address |
//! | [`decode`] | the meaning of a modem's bytes, as JSON |
//! | [`simsv`] | supervision scenarios through the simulated `runsv` |
//! | [`cli`], [`plan`], [`exit`] | the command line, its meaning, the exit codes |
//! | [`commands`] | the commands |
//! | [`spans`] | spans of time as numbers of milliseconds and seconds |
//! | [`report`], [`logging`] | output for people and programs |
//! | [`examine`], [`doctor`] | the state of a gateway, examined without touching it, and what to do |
//! | [`remembered`] | the carriers of the last complete scan |
//! | [`own_dir`] | a directory that no other user can write to |
//! | [`lease`] | the file on disk while a service is taken |
//! | [`timeline`] | a scan as lanes, in the terminal and as HTML |
//! | [`guard`] | the process that gives the service back when the scan dies |
//! | [`recording`] | a scan, recorded as it happens |
//! | [`import`], [`replay`] | logs: what happened, and what cellscan would have done |

mod checked;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod control;
pub mod decode;
pub mod doctor;
pub mod event_loop;
pub mod examine;
pub mod exit;
pub mod gateway;
pub mod give_back;
pub mod guard;
pub mod import;
pub mod lease;
pub mod link;
mod locks;
pub mod logging;
pub mod own_dir;
pub mod plan;
pub mod preflight;
pub mod process;
pub mod recording;
pub mod registration;
pub mod remembered;
pub mod replay;
pub mod report;
pub mod serial;
pub mod service;
pub mod simsv;
#[cfg(test)]
mod soon;
pub mod spans;
pub mod starting;
pub mod timeline;
