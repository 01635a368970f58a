//! What a scan does so that a service comes back even if the scan dies: it claims the service, writes a lease, and starts a guard.
//!
//! | module | what it is about |
//! | --- | --- |
//! | [`Held`] | a service with all of these: the supervisor that a scan sees |
//! | [`claim`] | the lock that keeps a second scan of the same service away |
//! | [`lease`] | the record on disk of a service that is taken |
//! | [`selected`] | the record on disk of a manual selection that a scan has left in the modem |
//! | `safeguard` | lease and guard of one service that is taken, kept in step |
//! | [`guard`] | the process that gives the service back if the scan dies |
//! | [`give_back`] | how the guard and `cellscan restore` do that |
//! | [`registration`] | how they restore the registration of the modem |
//! | [`own_dir`] | a directory that no other user can write to |

pub mod claim;
mod error;
pub mod give_back;
pub mod guard;
mod held;
pub mod lease;
pub mod own_dir;
pub mod registration;
mod safeguard;
pub mod selected;

pub use error::CustodyError;
pub use held::{Held, HeldOptions, Undone};
