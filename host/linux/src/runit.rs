//! What `runit` keeps on disk and reads from its FIFO. Nothing here knows of a scan.
//!
//! | module | what it is about |
//! | --- | --- |
//! | [`dir`] | a service directory and its `supervise` files, held by descriptor; the byte that asks for something |
//! | [`status`] | the 20 bytes of `supervise/status` |
//! | [`sv`] | the `sv` program, runit's or busybox's, and what it prints |
//! | [`restore_method`] | how a service is asked after the death of its scan |

pub mod dir;
mod error;
pub mod restore_method;
pub mod status;
pub mod sv;

pub use error::RunitError;
pub use restore_method::RestoreMethod;
