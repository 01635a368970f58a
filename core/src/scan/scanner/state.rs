//! The states of a scan, each with the data that only this state needs.

use crate::carrier::Strength;
use crate::scan::Phase;
use crate::time::Instant;

use super::check::Check;
use super::sooner;

/// A state and its own data. Data that outlives a state is in `ScanContext`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum State {
    Idle,
    StopPpp {
        deadline: Instant,
    },
    StopPppWaitSv(WaitDown),
    VerifyStopped {
        step: Verify,
        deadline: Instant,
        look_at: Instant,
    },
    /// 2b to 9b: the scan uses the modem.
    Modem(Modem),
    WaitPpp {
        deadline: Instant,
    },
    Complete,
    /// State 12, before the service is given back after its stop was interrupted: the scan ends the remaining processes, or
    /// a new `pppd` would find the old one's lock.
    Clearing {
        deadline: Instant,
        step: Verify,
    },
    /// State 12, while the scan still uses the modem.
    Restoring {
        until: Instant,
        step: Restore,
    },
    /// State 10, or 12 after a failure: the port is closed, and the service asked for.
    GivingBack {
        deadline: Instant,
        again_at: Instant,
        failed: bool,
    },
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct WaitDown {
    /// Of the current step: "wanted down" first, then "down".
    pub(super) deadline: Instant,
    /// When to ask for down again.
    pub(super) again_at: Option<Instant>,
    /// The record has shown "wanted down".
    pub(super) wanted: bool,
    /// The service did not go down in time and was killed.
    pub(super) killed: bool,
    /// The supervisor is gone; until when the scan waits for its successor.
    pub(super) successor_by: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Verify {
    Look,
    Termed,
    Killed,
}

/// The states in which the scan uses the modem. `GetOperators`, `NextCarrier` and `SelectBest` last no longer than a step.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Modem {
    /// `Prepare`: the port is being opened; when to try again, and until when.
    Opening {
        again_at: Option<Instant>,
        deadline: Instant,
    },
    /// `Prepare`: the port is open; the scan sends nothing before it has seen that no other process holds it.
    Claiming {
        deadline: Instant,
    },
    Prepare(Prepare),
    GetOperators,
    /// `again_at`: between two searches.
    WaitResults {
        again_at: Option<Instant>,
    },
    TestCarrier {
        index: usize,
        deadline: Instant,
        denials: u8,
        step: Test,
    },
    WaitSignal(Signal),
    NextCarrier,
    SelectBest,
    ConnectBest {
        index: usize,
    },
    VerifyCarrier {
        index: usize,
        deadline: Instant,
        step: Look,
    },
    /// `VerifyCarrier`: the settings of the modem are put back.
    PuttingBack,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Prepare {
    Synchronising,
    FoundErrors,
    Errors,
    Sim,
    FoundNames,
    Names,
    Selection,
    Deregistering,
}

/// A check of the registration, and the pause before the next.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Look {
    Checking(Check),
    Pausing(Instant),
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Test {
    Selecting,
    Looking(Look),
}

/// The signal of a carrier is measured.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Signal {
    pub(super) index: usize,
    pub(super) deadline: Instant,
    /// State 9b: once more, for the chosen carrier.
    pub(super) confirms: bool,
    pub(super) step: Measure,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Measure {
    Pausing(Instant),
    Rssi,
    Rsrp(Strength),
    /// Neither gave a value: `ATI` asks for the vendor.
    Vendor,
    /// The vendor's own command.
    Own,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Restore {
    /// Like [`Restore::Dropping`], before the port has been observed free.
    Unseen(Instant),
    /// A command was in flight: the port stays closed until then, so that DTR drops and the modem aborts the command.
    Dropping(Instant),
    /// The port is being opened again.
    Opening,
    /// The port is open; nothing is sent before the scan has seen that no other process holds it.
    Claiming,
    Synchronising,
    /// The selection is being restored; whether by the carrier's digits.
    Selecting {
        manual: bool,
    },
    /// The settings of the modem are put back; whether it is expected to register then.
    PuttingBack {
        registers: bool,
    },
    Looking(Look),
}

impl State {
    pub(super) const fn phase(&self) -> Phase {
        match self {
            Self::Idle => Phase::Idle,
            Self::StopPpp { .. } => Phase::StopPpp,
            Self::StopPppWaitSv(_) => Phase::StopPppWaitSv,
            Self::VerifyStopped { .. } => Phase::VerifyStopped,
            Self::Modem(Modem::Opening { .. } | Modem::Claiming { .. } | Modem::Prepare(_)) => Phase::Prepare,
            Self::Modem(Modem::GetOperators) => Phase::GetOperators,
            Self::Modem(Modem::WaitResults { .. }) => Phase::WaitResults,
            Self::Modem(Modem::TestCarrier { .. }) => Phase::TestCarrier,
            Self::Modem(Modem::WaitSignal(Signal { confirms: false, .. })) => Phase::WaitSignal,
            Self::Modem(Modem::NextCarrier) => Phase::NextCarrier,
            Self::Modem(Modem::SelectBest) => Phase::SelectBest,
            Self::Modem(Modem::ConnectBest { .. }) => Phase::ConnectBest,
            Self::Modem(Modem::VerifyCarrier { .. } | Modem::WaitSignal(_) | Modem::PuttingBack) => {
                Phase::VerifyCarrier
            }
            Self::GivingBack { failed: false, .. } => Phase::StartPpp,
            Self::WaitPpp { .. } => Phase::WaitPpp,
            Self::Complete => Phase::Complete,
            Self::Clearing { .. } | Self::Restoring { .. } | Self::GivingBack { .. } => Phase::Failed,
        }
    }

    /// When the state itself needs a timeout; while a command is in flight the dialogue has the deadline.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match *self {
            Self::Idle | Self::Complete => None,
            Self::StopPpp { deadline } | Self::WaitPpp { deadline } | Self::Clearing { deadline, .. } => {
                Some(deadline)
            }
            Self::StopPppWaitSv(wait) => {
                sooner(sooner(Some(wait.deadline), wait.again_at), wait.successor_by)
            }
            Self::Modem(modem) => modem.deadline(),
            Self::VerifyStopped { deadline, look_at: sooner, .. }
            | Self::GivingBack { deadline, again_at: sooner, .. }
            | Self::Restoring {
                until: deadline,
                step:
                    Restore::Looking(Look::Pausing(sooner)) | Restore::Unseen(sooner) | Restore::Dropping(sooner),
            } => Some(deadline.min(sooner)),
            Self::Restoring {
                until,
                step:
                    Restore::Opening
                    | Restore::Claiming
                    | Restore::Synchronising
                    | Restore::Selecting { .. }
                    | Restore::PuttingBack { .. }
                    | Restore::Looking(Look::Checking(_)),
            } => Some(until),
        }
    }

    pub(super) fn each_instant(&mut self, mut visit: impl FnMut(&mut Instant)) {
        match self {
            Self::Idle | Self::Complete => {}
            Self::StopPpp { deadline } | Self::WaitPpp { deadline } | Self::Clearing { deadline, .. } => {
                visit(deadline);
            }
            Self::StopPppWaitSv(wait) => {
                visit(&mut wait.deadline);
                [&mut wait.again_at, &mut wait.successor_by].into_iter().flatten().for_each(visit);
            }
            Self::Modem(modem) => modem.each_instant(visit),
            Self::VerifyStopped { deadline, look_at: other, .. }
            | Self::GivingBack { deadline, again_at: other, .. }
            | Self::Restoring {
                until: deadline,
                step:
                    Restore::Looking(Look::Pausing(other)) | Restore::Unseen(other) | Restore::Dropping(other),
            } => {
                visit(deadline);
                visit(other);
            }
            Self::Restoring { until, .. } => visit(until),
        }
    }
}

impl Modem {
    const fn deadline(&self) -> Option<Instant> {
        match *self {
            Self::Opening { again_at: Some(pause), .. }
            | Self::Opening { again_at: None, deadline: pause }
            | Self::Claiming { deadline: pause }
            | Self::WaitResults { again_at: Some(pause) }
            | Self::TestCarrier { step: Test::Looking(Look::Pausing(pause)), .. }
            | Self::VerifyCarrier { step: Look::Pausing(pause), .. }
            | Self::WaitSignal(Signal { step: Measure::Pausing(pause), .. }) => Some(pause),
            Self::Prepare(_)
            | Self::GetOperators
            | Self::WaitResults { again_at: None }
            | Self::TestCarrier { step: Test::Selecting | Test::Looking(Look::Checking(_)), .. }
            | Self::WaitSignal(Signal {
                step: Measure::Rssi | Measure::Rsrp(_) | Measure::Vendor | Measure::Own,
                ..
            })
            | Self::NextCarrier
            | Self::SelectBest
            | Self::ConnectBest { .. }
            | Self::PuttingBack
            | Self::VerifyCarrier { step: Look::Checking(_), .. } => None,
        }
    }

    fn each_instant(&mut self, mut visit: impl FnMut(&mut Instant)) {
        match self {
            Self::Prepare(_)
            | Self::GetOperators
            | Self::NextCarrier
            | Self::SelectBest
            | Self::PuttingBack
            | Self::ConnectBest { .. } => {}
            Self::WaitResults { again_at } => again_at.iter_mut().for_each(visit),
            Self::Opening { again_at, deadline } => {
                visit(deadline);
                again_at.iter_mut().for_each(visit);
            }
            Self::TestCarrier { deadline, step: Test::Looking(Look::Pausing(other)), .. }
            | Self::VerifyCarrier { deadline, step: Look::Pausing(other), .. }
            | Self::WaitSignal(Signal { deadline, step: Measure::Pausing(other), .. }) => {
                visit(deadline);
                visit(other);
            }
            Self::Claiming { deadline }
            | Self::TestCarrier { deadline, .. }
            | Self::VerifyCarrier { deadline, .. }
            | Self::WaitSignal(Signal { deadline, .. }) => visit(deadline),
        }
    }
}
