//! The origin of a request.

use cellscan_core::scan::gate::{self, Origin as CoreOrigin};

/// Who requests a scan.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A person, or a program on behalf of one: served at once.
    Manual = 0,
    /// An automatic policy, the link does not work: declined for a quarter of an hour after a scan.
    Automatic = 1,
    /// An automatic policy, the link works: declined.
    AutomaticLinkHealthy = 2,
}

/// The request of these numbers.
#[must_use]
pub const fn request(id: u32, origin: u32) -> Option<gate::Request> {
    let origin = match origin {
        0 => CoreOrigin::Manual,
        1 => CoreOrigin::Automatic { link_healthy: false },
        2 => CoreOrigin::Automatic { link_healthy: true },
        _ => return None,
    };
    Some(gate::Request { id, origin })
}
