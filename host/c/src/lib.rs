//! cellscan for C applications on Linux: the service given up and taken back, the port, and the scan, in the application's
//! own process and its own `poll(2)`.
//!
//! | module | what it knows |
//! | --- | --- |
//! | `border` | the C functions, and all that is `unsafe` |
//! | [`config`] | what the application wants, checked |
//! | [`gateway`] | one gateway: a scan at a time, and what it tells |
//! | [`waker`] | one descriptor for all that a scan waits for |
//!
//! `include/cellscan_gateway.h` is made of these by cbindgen. Nothing is printed, no signal is caught, and nothing of the
//! process is changed but for the length of a call.

pub mod border;
pub mod config;
pub mod gateway;
pub mod waker;

// Their C functions are part of this library.
pub use cellscan_machine as machine;
