//! The states of a scan, each with the data that dies with it.

use crate::carrier::Strength;
use crate::scan::Phase;
use crate::time::Instant;

use super::check::Check;
use super::sooner;

/// A state and what dies with it. What outlives a state is in `Hold`.
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
    /// 2b to 9b: the modem is ours.
    Modem(Modem),
    StartPpp {
        deadline: Instant,
        again_at: Instant,
    },
    WaitPpp {
        deadline: Instant,
    },
    Complete,
    /// State 12, before the service is given back after its stop was interrupted: what remains of it is ended, or a
    /// new `pppd` would meet the old one's lock.
    Clearing {
        deadline: Instant,
        step: Verify,
    },
    /// State 12, as long as the modem is still ours.
    Restoring {
        until: Instant,
        step: Restore,
    },
    /// State 12, once the port is let go.
    GivingBack {
        deadline: Instant,
        again_at: Instant,
    },
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct WaitDown {
    /// Of the step under way: "wanted down" first, then "down".
    pub(super) deadline: Instant,
    /// When to ask once more.
    pub(super) again_at: Option<Instant>,
    /// The record has said "wanted down".
    pub(super) wanted: bool,
    /// It did not go down in its time and was killed.
    pub(super) killed: bool,
    /// The supervisor is gone; until when its successor is waited for.
    pub(super) successor_by: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Verify {
    Look,
    Termed,
    Killed,
}

/// The states in which the modem is ours. `GetOperators`, `NextCarrier` and `SelectBest` are passed within a step.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Modem {
    /// `Prepare`: the port is being opened; when to try again, and until when.
    Opening {
        again_at: Option<Instant>,
        deadline: Instant,
    },
    /// `Prepare`: the port is open, and nothing is sent before nobody else is seen to have it.
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
    WaitSignal {
        index: usize,
        deadline: Instant,
        step: Measure,
    },
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
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Prepare {
    Synchronising,
    Errors,
    Sim,
    Format,
    Selection,
    Deregistering,
}

/// A look at the registration, and the pause to the next.
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

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Measure {
    Pausing(Instant),
    Rssi,
    Rsrp(Strength),
    /// Neither said anything: who made the modem is asked.
    Maker,
    /// The maker's own command.
    Own,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Restore {
    /// As [`Restore::Dropping`], and nobody was seen yet not to hold the port.
    Unseen(Instant),
    /// A command was in flight: the port is closed, so that DTR drops and the modem gives it up; until when.
    Dropping(Instant),
    /// The port is being opened again.
    Opening,
    /// It is open; nothing is sent before nobody else is seen to have it.
    Claiming,
    Synchronising,
    /// The selection found is set; whether by the carrier's digits.
    Selecting {
        manual: bool,
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
            Self::Modem(Modem::WaitSignal { .. }) => Phase::WaitSignal,
            Self::Modem(Modem::NextCarrier) => Phase::NextCarrier,
            Self::Modem(Modem::SelectBest) => Phase::SelectBest,
            Self::Modem(Modem::ConnectBest { .. }) => Phase::ConnectBest,
            Self::Modem(Modem::VerifyCarrier { .. }) => Phase::VerifyCarrier,
            Self::StartPpp { .. } => Phase::StartPpp,
            Self::WaitPpp { .. } => Phase::WaitPpp,
            Self::Complete => Phase::Complete,
            Self::Clearing { .. } | Self::Restoring { .. } | Self::GivingBack { .. } => Phase::Failed,
        }
    }

    /// When the state itself wants a timeout; while a command is in flight that is the dialogue's to say.
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
            | Self::StartPpp { deadline, again_at: sooner }
            | Self::GivingBack { deadline, again_at: sooner }
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
            | Self::StartPpp { deadline, again_at: other }
            | Self::GivingBack { deadline, again_at: other }
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
            | Self::WaitSignal { step: Measure::Pausing(pause), .. } => Some(pause),
            Self::Prepare(_)
            | Self::GetOperators
            | Self::WaitResults { again_at: None }
            | Self::TestCarrier { step: Test::Selecting | Test::Looking(Look::Checking(_)), .. }
            | Self::WaitSignal {
                step: Measure::Rssi | Measure::Rsrp(_) | Measure::Maker | Measure::Own,
                ..
            }
            | Self::NextCarrier
            | Self::SelectBest
            | Self::ConnectBest { .. }
            | Self::VerifyCarrier { step: Look::Checking(_), .. } => None,
        }
    }

    fn each_instant(&mut self, mut visit: impl FnMut(&mut Instant)) {
        match self {
            Self::Prepare(_)
            | Self::GetOperators
            | Self::NextCarrier
            | Self::SelectBest
            | Self::ConnectBest { .. } => {}
            Self::WaitResults { again_at } => again_at.iter_mut().for_each(visit),
            Self::Opening { again_at, deadline } => {
                visit(deadline);
                again_at.iter_mut().for_each(visit);
            }
            Self::TestCarrier { deadline, step: Test::Looking(Look::Pausing(other)), .. }
            | Self::VerifyCarrier { deadline, step: Look::Pausing(other), .. }
            | Self::WaitSignal { deadline, step: Measure::Pausing(other), .. } => {
                visit(deadline);
                visit(other);
            }
            Self::Claiming { deadline }
            | Self::TestCarrier { deadline, .. }
            | Self::VerifyCarrier { deadline, .. }
            | Self::WaitSignal { deadline, .. } => visit(deadline),
        }
    }
}
