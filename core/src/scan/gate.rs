//! Whether a scan may begin: a request has an identity, an automatic one a cool-down, and a healthy link is protected
//! from automatic scans (a field gateway rescanned again and again from one old log line).

use core::time::Duration;

use crate::time::Instant;

/// From the end of a scan to the next automatic one.
pub const COOL_DOWN: Duration = Duration::from_secs(900);

/// Who asks.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Origin {
    /// A person, or a program on behalf of one.
    Manual,
    /// A policy.
    Automatic {
        /// Whether the link works as far as the asker can tell.
        link_healthy: bool,
    },
}

/// A wish for a scan.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Request {
    /// Which: the same number is served once.
    pub id: u32,
    /// Who asks.
    pub origin: Origin,
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Declined {
    /// A scan is under way.
    Busy,
    /// This very request was served already.
    Repeated,
    /// The last scan ended less than [`COOL_DOWN`] ago.
    CoolingDown,
    /// The link works.
    LinkHealthy,
}

/// Remembers what it needs to know of the scans before.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Gate {
    last: Option<u32>,
    cool_until: Option<Instant>,
}

impl Gate {
    /// No scan before.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: None, cool_until: None }
    }

    /// Lets a request through once.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&mut self, now: Instant, request: Request) -> Result<(), Declined> {
        if self.last == Some(request.id) {
            return Err(Declined::Repeated);
        }
        match request.origin {
            Origin::Manual => {}
            Origin::Automatic { link_healthy: true } => return Err(Declined::LinkHealthy),
            Origin::Automatic { link_healthy: false } => {
                if self.cool_until.is_some_and(|until| now < until) {
                    return Err(Declined::CoolingDown);
                }
            }
        }
        self.last = Some(request.id);
        Ok(())
    }

    /// A scan has ended.
    pub fn ended(&mut self, now: Instant) {
        self.cool_until = Some(now + COOL_DOWN);
    }

    pub(crate) fn each_instant(&mut self, visit: impl FnMut(&mut Instant)) {
        self.cool_until.as_mut().into_iter().for_each(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTOMATIC: Origin = Origin::Automatic { link_healthy: false };

    #[test]
    fn a_request_is_served_once() {
        let mut gate = Gate::new();
        let request = Request { id: 7, origin: Origin::Manual };
        assert_eq!(gate.admit(Instant::ZERO, request), Ok(()));
        assert_eq!(gate.admit(Instant::ZERO, request), Err(Declined::Repeated));
    }

    #[test]
    fn automatic_scans_wait_for_the_cool_down_and_spare_a_healthy_link() {
        let mut gate = Gate::new();
        gate.ended(Instant::ZERO);
        let early = gate.admit(Instant::ZERO, Request { id: 1, origin: AUTOMATIC });
        assert_eq!(early, Err(Declined::CoolingDown));
        assert_eq!(gate.admit(Instant::ZERO, Request { id: 2, origin: Origin::Manual }), Ok(()));
        let later = Instant::ZERO + COOL_DOWN;
        assert_eq!(gate.admit(later, Request { id: 1, origin: AUTOMATIC }), Ok(()));
        let healthy = Request { id: 3, origin: Origin::Automatic { link_healthy: true } };
        assert_eq!(gate.admit(later, healthy), Err(Declined::LinkHealthy));
    }
}
