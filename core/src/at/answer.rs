//! The answers of commands, and how commands end.

use crate::carrier::Strength;

use super::command::Command;
use super::current::CurrentOperator;
use super::registration::Registration;
use super::reply::{FinalResult, SimState};
use super::settings::ErrorFormat;
use super::signal::{cesq, csq};
use super::vendor::{self, Vendor};

/// The answer of a command.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Answer {
    /// `OK` to a command that has no other answer.
    Done,
    /// `OK` without the expected line.
    Empty,
    /// To `+CMEE?`.
    Errors(ErrorFormat),
    /// To `+CPIN?`.
    Sim(SimState),
    /// To `+COPS?`.
    Operator(CurrentOperator),
    /// To `+COPS=?`; the operators were delivered one by one.
    Operators,
    /// To `+CEREG?` and the like.
    Registration(Registration),
    /// To `+CSQ`, `+CESQ` and vendors' own commands.
    Signal(Strength),
    /// To `ATI`.
    Vendor(Vendor),
}

/// How a command, or the opening of the line, ended.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outcome {
    /// The line answers; a command may be started.
    Ready,
    /// The command was carried out.
    Answered(Answer),
    /// The modem answered with an error.
    Refused(FinalResult),
    /// No answer within the time-out. The command was aborted and the modem answers again.
    TimedOut,
    /// The line does not answer `AT`.
    Dead,
}

impl Answer {
    /// Takes another line of the same answer: the first counts, except for a signal that comes in several lines.
    pub(super) fn add(&mut self, more: Self) {
        if let (Self::Signal(known), Self::Signal(more)) = (self, more) {
            known.fill(more);
        }
    }
}

impl Command {
    /// Reads a line as the answer to this command.
    pub(super) fn answer(self, line: &[u8]) -> Option<Answer> {
        match self {
            Self::ErrorFormat => ErrorFormat::parse(line).map(Answer::Errors),
            Self::Sim => SimState::parse(line).map(Answer::Sim),
            Self::CurrentOperator => CurrentOperator::parse(line).map(Answer::Operator),
            Self::Registration(domain) => {
                Registration::parse(domain, line).filter(|found| !found.unsolicited).map(Answer::Registration)
            }
            Self::Signal => csq(line).map(Answer::Signal),
            Self::SignalExtended => cesq(line).map(Answer::Signal),
            Self::VendorSignal(vendor) if vendor::IN_USE => vendor.read(line).map(Answer::Signal),
            Self::Identify if vendor::IN_USE => Vendor::named(line).map(Answer::Vendor),
            Self::VendorSignal(_)
            | Self::Identify
            | Self::Operators
            | Self::Attention
            | Self::SetErrorFormat(_)
            | Self::SetNameFormat(_)
            | Self::Deregister
            | Self::Select(_)
            | Self::SelectAutomatically => None,
        }
    }
}
