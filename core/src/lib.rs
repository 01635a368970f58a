//! The core of cellscan.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

pub mod port;
pub mod supervisor;
pub mod time;
