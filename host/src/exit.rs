//! Exit codes by the convention of runit and s6, so that a `./finish` script can act on them.

use std::process::ExitCode;

use cellscan_core::scan::{Failure, Outcome, Report};
use thiserror::Error;

/// What the exit codes mean, for `--help`.
pub const HELP: &str = "Exit codes:
  0    done
  1    the scan ended without a usable carrier; the link was given back. Or doctor found an error, or replay knows no format of the log,
       or the modem answered `at` with an error
  2    a carrier was selected and the service given back, but the link did not come up in time
  100  wrong use or configuration: trying again does not help
  111  system error: the service could not be taken or given back; try again";

/// How the program ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: the scan ended without a usable carrier, and the service was given back.
    NoCarrier,
    /// 2: a carrier was selected, and the service was given back, but no link came up in time.
    NoLink,
    /// 1: the modem answered a command with an error.
    Refused,
    /// 1: `doctor` found an error.
    Unsound,
    /// 1: `replay` found nothing in the log that it knows.
    Unknown,
    /// 100: wrong use or configuration.
    Usage,
    /// 111: a system error.
    System,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NoCarrier | Self::Unsound | Self::Unknown | Self::Refused => 1,
            Self::NoLink => 2,
            Self::Usage => 100,
            Self::System => 111,
        }
    }

    /// The exit code of a scan with this report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        if !report.given_back {
            return Self::System;
        }
        match report.outcome {
            // Without a link that is looked at the report has no such value.
            Some(Outcome::Complete) if report.link == Some(false) => Self::NoLink,
            Some(Outcome::Complete) => Self::Done,
            // The service was not taken at all: the next attempt may succeed.
            Some(Outcome::Failed(Failure::ServiceUnavailable | Failure::SupervisorSilent)) | None => {
                Self::System
            }
            Some(Outcome::Failed(_)) => Self::NoCarrier,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why the program ends before, or without, a result.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{message}")]
pub struct Fatal {
    /// How it ends.
    pub exit: Exit,
    /// What was found, and what was wanted.
    pub message: String,
}

impl Fatal {
    /// Wrong use or configuration.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// A system error.
    #[must_use]
    pub fn system(message: impl Into<String>) -> Self {
        Self { exit: Exit::System, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_not_given_back_is_a_system_error_with_any_outcome() {
        let complete = Report { outcome: Some(Outcome::Complete), ..Report::default() };
        assert_eq!(Exit::of(&complete), Exit::System);
        assert_eq!(Exit::of(&Report { given_back: true, ..complete }), Exit::Done);
        let dark = Report { given_back: true, link: Some(false), ..complete };
        assert_eq!((Exit::of(&dark), Exit::NoLink.code()), (Exit::NoLink, 2));
        let failed = Report {
            outcome: Some(Outcome::Failed(Failure::NoCarrier)),
            given_back: true,
            ..Report::default()
        };
        assert_eq!(Exit::of(&failed), Exit::NoCarrier);
    }
}
