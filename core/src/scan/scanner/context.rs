//! The context of the current scan.

use core::num::NonZeroU32;

use heapless::Vec;

use crate::at::settings::{ErrorFormat, NameFormat};
use crate::at::vendor::{self, Vendor};
use crate::carrier::{Plmn, Strength};
use crate::scan::policy::{Policy, SAMPLES_MAX};
use crate::scan::report::Failure;
use crate::selection::Selection;
use crate::supervisor::{ServiceStatus, Want};
use crate::time::Instant;

use super::check::Domains;
use super::settings::Setting;

/// The vendor's own signal command.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Own {
    /// The standard commands have given a value so far.
    NotNeeded,
    /// They gave none once: right after a registration the signal may be unknown.
    FailedOnce,
    /// The command of this vendor.
    Of(Vendor),
    /// The vendor has no such command, or the modem refused it.
    None,
}

/// The data of the current scan that outlives a state.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; the state is in `State`")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct ScanContext {
    /// The number of the request, until the scan first asks for down, which uses the number up.
    pub(super) request: Option<u32>,
    /// The want to restore: as it was found, or as a dead scan found it. `None` before the service is taken.
    pub(super) found: Option<Want>,
    /// The want that is owed if the scan dies now, as the supervisor has recorded it.
    pub(super) owed: Option<Want>,
    /// The selection is owed too.
    pub(super) noted: bool,
    /// The service as it was last seen.
    pub(super) service: Option<ServiceStatus>,
    /// When the scan first asked for down: the link is away from then on.
    pub(super) asked_at: Option<Instant>,
    /// When it was given back.
    pub(super) given_at: Option<Instant>,
    /// The carrier from before the scan. It decides the order of the trials and the choice.
    pub(super) before: Option<Plmn>,
    /// The carrier that the scan chose.
    pub(super) chosen: Option<Plmn>,
    /// The selection from before the scan.
    pub(super) selection: Option<Selection>,
    /// How the modem reports errors.
    pub(super) errors: Setting<ErrorFormat>,
    /// How it names operators.
    pub(super) names: Setting<NameFormat>,
    /// The scan changed the modem's registration or selection.
    pub(super) disturbed: bool,
    /// The carrier that the scan last selected and then saw in `+COPS?`.
    pub(super) on: Option<Plmn>,
    /// When the signal is that of the tried carrier, once that carrier was seen in `+COPS?`.
    pub(super) settled: Option<Instant>,
    /// From when on a signal of the selected carrier is no first impression.
    pub(super) lasting_from: Instant,
    /// The present readings began no earlier than that.
    pub(super) lasting: bool,
    /// The carrier whose signal was read again last: another must be better by the hysteresis.
    pub(super) stay: Option<Plmn>,
    /// An adaptive scan has tried the remembered carriers, and searches.
    pub(super) searches: bool,
    /// The scan has a list of candidates.
    pub(super) listed: bool,
    /// The registration domains that the modem does not know.
    pub(super) domains: Domains,
    /// The modem does not know `+CESQ`.
    pub(super) no_rsrp: bool,
    /// The command to use where the standard commands give no value.
    pub(super) own: Own,
    /// No supervisor runs, and no successor came in time: the service is an orphan.
    pub(super) orphaned: bool,
    /// The process that was last seen to hold the port.
    pub(super) stranger: Option<NonZeroU32>,
    pub(super) searches_left: u8,
    pub(super) retakes_left: u8,
    pub(super) reopens_left: u8,
    /// When the current trial or search began.
    pub(super) began: Instant,
    pub(super) samples: Vec<Strength, SAMPLES_MAX>,
    pub(super) failure: Option<Failure>,
    /// Lines that did not answer the current command.
    pub(super) dropped: u32,
}

impl ScanContext {
    pub(super) const fn new(policy: &Policy) -> Self {
        Self {
            request: None,
            found: None,
            owed: None,
            noted: false,
            service: None,
            asked_at: None,
            given_at: None,
            before: None,
            chosen: None,
            selection: None,
            errors: Setting::UNKNOWN,
            names: Setting::UNKNOWN,
            disturbed: false,
            on: None,
            settled: None,
            lasting_from: Instant::ZERO,
            lasting: false,
            stay: None,
            searches: false,
            listed: false,
            domains: Domains::ALL_UNKNOWN,
            no_rsrp: false,
            own: if vendor::IN_USE { Own::NotNeeded } else { Own::None },
            orphaned: false,
            stranger: None,
            searches_left: policy.searches,
            retakes_left: policy.retakes,
            reopens_left: policy.reopens,
            began: Instant::ZERO,
            samples: Vec::new(),
            failure: None,
            dropped: 0,
        }
    }
}
