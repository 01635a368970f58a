//! The machine of cellscan for C: a scan in the caller's memory, over callbacks for time, port and supervisor.
//!
//! | module | what it knows |
//! | --- | --- |
//! | `border` | the functions that C calls; the pointers that C passes are followed there and nowhere else |
//! | `calls` | the functions of C that are called |
//! | [`ops`] | the callbacks, with their arguments and answers |
//! | [`code`] | the return codes of the functions |
//! | [`policy`] | the policy of a scan |
//! | [`event`] | the events of a scan |
//! | [`report`] | the result of a scan |
//! | [`request`] | the origin of a request |
//!
//! cbindgen generates `include/cellscan.h` from these; the documentation of a public item here appears there.
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

/// A panic is a bug. It cannot be reported here; a watchdog notices.
#[cfg(all(feature = "firmware", not(feature = "std"), not(test)))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
