//! Who asks for a scan.

use cellscan_core::scan::gate::{self, Origin as CoreOrigin};

/// Who asks for a scan.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A person, or a program on behalf of one: served at once.
    Manual = 0,
    /// A policy, the link does not work: not served for a quarter of an hour after a scan.
    Automatic = 1,
    /// A policy, the link works: not served.
    AutomaticLinkHealthy = 2,
}

/// The request that these numbers mean.
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
