//! What is known of the scan under way.

use core::num::NonZeroU32;

use heapless::Vec;

use crate::at::vendor::Maker;
use crate::carrier::{Plmn, Strength};
use crate::scan::policy::{Policy, SAMPLES_MAX};
use crate::scan::report::Failure;
use crate::selection::Selection;
use crate::supervisor::ServiceStatus;
use crate::time::Instant;

use super::check::Domains;

/// The maker's own command for the signal.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Own {
    /// The standard's commands have not failed to say anything.
    NotNeeded,
    /// They have, once: right after a registration nothing may be known yet.
    Due,
    /// This maker's.
    Of(Maker),
    /// There is none, or the modem refused it.
    None,
}

/// What is known of the scan under way, beyond its state.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; the state is in `State`")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Hold {
    /// The number of the request, until the service is first asked down and the number is used up.
    pub(super) request: Option<u32>,
    /// The service as it was found; `None` before it is taken.
    pub(super) found: Option<ServiceStatus>,
    /// The service as it was last seen.
    pub(super) service: Option<ServiceStatus>,
    /// When it was first asked down: the link is away from here on.
    pub(super) asked_at: Option<Instant>,
    /// When it was given back.
    pub(super) given_at: Option<Instant>,
    /// The selection found.
    pub(super) selection: Option<Selection>,
    /// The modem was deregistered or told to select: it is not as it was found.
    pub(super) disturbed: bool,
    /// What is to be restored is noted by whoever guards the service.
    pub(super) noted: bool,
    /// The carrier that the modem was last told to use and was seen on.
    pub(super) on: Option<Plmn>,
    /// From when on the signal is that of the carrier tried, once it was seen in `+COPS?`.
    pub(super) settled: Option<Instant>,
    /// There is a list of candidates.
    pub(super) listed: bool,
    /// The registration domains that the modem does not know.
    pub(super) domains: Domains,
    /// The modem does not know `+CESQ`.
    pub(super) no_rsrp: bool,
    /// What to ask where the standard's commands say nothing.
    pub(super) own: Own,
    /// No supervisor is there, and none has come in its time: the service is an orphan.
    pub(super) orphaned: bool,
    pub(super) foreign_down: bool,
    /// Who was last seen to hold the port.
    pub(super) stranger: Option<NonZeroU32>,
    pub(super) searches_left: u8,
    pub(super) retakes_left: u8,
    pub(super) reopens_left: u8,
    /// When the trial, or the search, under way began.
    pub(super) began: Instant,
    pub(super) samples: Vec<Strength, SAMPLES_MAX>,
    pub(super) failure: Option<Failure>,
}

impl Hold {
    pub(super) const fn new(policy: &Policy) -> Self {
        Self {
            request: None,
            found: None,
            service: None,
            asked_at: None,
            given_at: None,
            selection: None,
            disturbed: false,
            noted: false,
            on: None,
            settled: None,
            listed: false,
            domains: Domains::ALL_UNKNOWN,
            no_rsrp: false,
            own: Own::NotNeeded,
            orphaned: false,
            foreign_down: false,
            stranger: None,
            searches_left: policy.searches,
            retakes_left: policy.retakes,
            reopens_left: policy.reopens,
            began: Instant::ZERO,
            samples: Vec::new(),
            failure: None,
        }
    }
}
