//! cellscan for C applications on Linux: takes the service, uses the port, scans and gives the service back, in the application's
//! own process and its own `poll(2)`.
//!
//! | module | what it knows |
//! | --- | --- |
//! | `border` | the C functions, and all `unsafe` code |
//! | [`config`] | the configuration by the application, checked |
//! | [`gateway`] | one gateway: one scan at a time, and its events |
//! | [`waker`] | one descriptor for everything that a scan waits for |
//!
//! cbindgen makes `include/cellscan_gateway.h` from these. The library prints nothing, catches no signal, and changes nothing in
//! the process beyond the length of a call.

pub mod border;
pub mod config;
pub mod gateway;
pub mod waker;

// Its C functions are part of this library.
pub use cellscan_machine as machine;
