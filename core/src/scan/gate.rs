//! Whether a scan may begin: a request has an identity, an automatic one a cool-down, and a healthy link is protected
//! from automatic scans (a field gateway rescanned again and again from one old log line).

use heapless::Vec;

use crate::time::{Instant, Span};

/// From the end of a scan that touched the service to the next automatic one.
pub const COOL_DOWN: Span = Span::from_secs(900);

/// Numbers of served requests that are kept: more than an application has pending at a time, in 64 bytes.
pub const SERVED_MAX: usize = 16;

/// Who requests the scan.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Origin {
    /// A person, or a program on behalf of one.
    Manual,
    /// An automatic policy.
    Automatic {
        /// Whether the link works as far as the requester can tell.
        link_healthy: bool,
    },
}

/// A request for a scan.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Request {
    /// The number: each is served once, as long as it is among the last [`SERVED_MAX`]. A scan that failed before it asked
    /// for down leaves its number free.
    pub id: u32,
    /// Who requests the scan.
    pub origin: Origin,
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Declined {
    /// A scan is running.
    Busy,
    /// A request of this number was served already.
    Repeated,
    /// The last scan that touched the service ended less than [`COOL_DOWN`] ago.
    CoolingDown,
    /// The link works.
    LinkHealthy,
}

/// Decides whether a request is served, from what it remembers of earlier scans. Only a scan that asked for down counts: one
/// that failed before that leaves its number free and starts no cool-down.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Gate {
    /// Newest first.
    served: Vec<u32, SERVED_MAX>,
    cool_until: Option<Instant>,
}

impl Gate {
    /// A gate that knows of no earlier scan.
    #[must_use]
    pub const fn new() -> Self {
        Self { served: Vec::new(), cool_until: None }
    }

    /// Says whether a request is served. The number stays free until [`Gate::touched`].
    ///
    /// # Errors
    /// The reason where the request is declined.
    pub fn admit(&self, now: Instant, request: Request) -> Result<(), Declined> {
        if self.served.contains(&request.id) {
            return Err(Declined::Repeated);
        }
        match request.origin {
            Origin::Manual => Ok(()),
            Origin::Automatic { link_healthy: true } => Err(Declined::LinkHealthy),
            Origin::Automatic { link_healthy: false } => {
                if self.cool_until.is_some_and(|until| now < until) {
                    return Err(Declined::CoolingDown);
                }
                Ok(())
            }
        }
    }

    /// The scan of this request asks for down: its number is used up. Where there is no room the oldest number is forgotten.
    pub fn touched(&mut self, id: u32) {
        let mut moved = id;
        for place in &mut self.served {
            core::mem::swap(place, &mut moved);
        }
        let _full = self.served.push(moved);
    }

    /// A scan that touched the service has ended: the cool-down starts.
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

    const fn manual(id: u32) -> Request {
        Request { id, origin: Origin::Manual }
    }

    #[test]
    fn a_request_is_admitted_again_if_its_scan_touched_nothing() {
        let gate = Gate::new();
        assert_eq!(gate.admit(Instant::ZERO, manual(7)), Ok(()));
        assert_eq!(gate.admit(Instant::ZERO, manual(7)), Ok(()));
    }

    #[test]
    fn each_number_is_served_once_even_with_others_in_between() {
        let mut gate = Gate::new();
        for id in [7, 8] {
            assert_eq!(gate.admit(Instant::ZERO, manual(id)), Ok(()));
            gate.touched(id);
        }
        for id in [7, 8] {
            assert_eq!(gate.admit(Instant::ZERO, manual(id)), Err(Declined::Repeated), "{id}");
        }
    }

    #[test]
    fn the_last_numbers_are_kept_and_the_oldest_is_forgotten() {
        let mut gate = Gate::new();
        let last = u32::try_from(SERVED_MAX).unwrap();
        for id in 0..=last {
            gate.touched(id);
        }
        assert_eq!(gate.admit(Instant::ZERO, manual(0)), Ok(()));
        for id in 1..=last {
            assert_eq!(gate.admit(Instant::ZERO, manual(id)), Err(Declined::Repeated), "{id}");
        }
    }

    #[test]
    fn automatic_scans_wait_for_the_cool_down_and_spare_a_healthy_link() {
        let mut gate = Gate::new();
        gate.ended(Instant::ZERO);
        let early = gate.admit(Instant::ZERO, Request { id: 1, origin: AUTOMATIC });
        assert_eq!(early, Err(Declined::CoolingDown));
        assert_eq!(gate.admit(Instant::ZERO, manual(2)), Ok(()));
        let later = Instant::ZERO + COOL_DOWN;
        assert_eq!(gate.admit(later, Request { id: 1, origin: AUTOMATIC }), Ok(()));
        let healthy = Request { id: 3, origin: Origin::Automatic { link_healthy: true } };
        assert_eq!(gate.admit(later, healthy), Err(Declined::LinkHealthy));
    }
}
