//! Why a scan of this gateway could not begin.

use thiserror::Error;

use super::preflight::PreflightError;
use crate::link::LinkError;
use crate::recording::listening::RecordError;
use crate::runit::RunitError;
use crate::service::ServiceError;

/// Why a scan of this gateway could not begin. Nothing was touched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// A port cannot be used.
    #[error(transparent)]
    Preflight(#[from] PreflightError),
    /// The link cannot be watched.
    #[error("unable to watch the link")]
    Link(#[source] LinkError),
    /// Several services could be meant.
    #[error("unable to find the service of pppd: {0}; name the one that is meant")]
    Ambiguous(ServiceError),
    /// The service cannot be found, or not be spoken to.
    #[error("unable to find the service of pppd")]
    Service(#[source] ServiceError),
    /// The recording cannot be begun.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl GatewayError {
    pub(super) fn of_service(error: ServiceError) -> Self {
        if matches!(error, ServiceError::Ambiguous { .. }) {
            Self::Ambiguous(error)
        } else {
            Self::Service(error)
        }
    }

    /// Whether trying again does not help.
    #[must_use]
    pub fn is_of_configuration(&self) -> bool {
        match self {
            Self::Preflight(error) => error.is_of_configuration(),
            Self::Record(error) => error.is_of_configuration(),
            Self::Ambiguous(_) => true,
            Self::Link(_) => false,
            Self::Service(error) => matches!(
                error,
                ServiceError::NoStartCommand
                    | ServiceError::Runit(
                        RunitError::NoService { .. }
                            | RunitError::NeverSupervised { .. }
                            | RunitError::NotRunit { .. }
                            | RunitError::Denied { .. }
                    )
            ),
        }
    }
}
