//! The machine of cellscan for C: the scan in the caller's memory, over callbacks for time, port and supervisor.
//!
//! | module | what it knows |
//! | --- | --- |
//! | `border` | the functions that C calls; the pointers that C passes are followed there and nowhere else |
//! | `calls` | the functions of C that are called |
//! | [`ops`] | the callbacks, and what is told and answered there |
//! | [`code`] | what a function answers |
//! | [`policy`] | how a scan is to go |
//! | [`event`] | what a scan tells |
//! | [`report`] | what came of it |
//! | [`request`] | who asks for it |
//!
//! `include/cellscan.h` is made of these by cbindgen; what is said here of a public item stands there.
#![no_std]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[cfg(feature = "std")]
extern crate std;

mod adapter;
pub mod border;
mod calls;
pub mod code;
pub mod event;
pub mod ops;
pub mod policy;
pub mod report;
pub mod request;
mod text;

/// A panic is a bug. There is nobody to tell here; a watchdog notices.
#[cfg(all(feature = "firmware", not(feature = "std"), not(test)))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
