//! The program: command line, daemon, report, log analysis. A scan of a gateway needs [`cellscan_linux`] alone, whose modules are
//! re-exported here under their names.
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`decode`] | the meaning of a modem's bytes, as JSON |
//! | [`simsv`] | supervision scenarios through the simulated `runsv` |
//! | [`cli`], [`plan`], [`exit`] | the command line, its meaning, the exit codes |
//! | [`commands`] | the commands |
//! | [`control`] | the daemon's socket |
//! | [`spans`] | spans of time as numbers of milliseconds and seconds |
//! | [`report`], [`logging`] | output for people and programs |
//! | [`examine`], [`doctor`] | the state of a gateway, examined without touching it, and what to do |
//! | [`timeline`] | a scan as lanes, in the terminal and as HTML |
//! | [`import`], [`replay`] | logs: what happened, and what cellscan would have done |

pub mod cli;
pub mod commands;
pub mod control;
pub mod decode;
pub mod doctor;
pub mod examine;
pub mod exit;
pub mod import;
pub mod logging;
pub mod plan;
pub mod replay;
pub mod report;
pub mod simsv;
#[cfg(test)]
#[path = "../linux/src/soon.rs"]
mod soon;
pub mod spans;
pub mod timeline;

pub use cellscan_linux::{
    audience, checked, clean, clock, custody, error, event_loop, gateway, link, process, recording, runit,
    serial, service, starting, words,
};
