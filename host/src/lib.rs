//! The program: command line, daemon, report, and what reads logs. What a scan of a gateway needs is in [`cellscan_linux`], whose
//! modules have their names here as well.
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`decode`] | what a modem's bytes mean, as JSON |
//! | [`simsv`] | supervision scenarios through the simulated `runsv` |
//! | [`cli`], [`plan`], [`exit`] | what was typed, what it means, how it ends |
//! | [`commands`] | what each command does |
//! | [`control`] | the daemon's socket |
//! | [`report`], [`logging`] | what people and programs are told |
//! | [`examine`], [`doctor`] | how a gateway stands, looked at without touching it, and what to do about it |
//! | [`timeline`] | a scan as lanes, in the terminal and as HTML |
//! | [`import`], [`replay`] | logs, what they say happened, and what would have happened |

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
pub mod timeline;

pub use cellscan_linux::{
    audience, checked, clean, clock, custody, error, event_loop, gateway, link, process, recording, runit,
    serial, service, starting, words,
};
