//! What an error of the libraries is to the program: one line on standard error, and how it ends.

use crate::control::ListenError;
use crate::error::chain;
use crate::exit::Fatal;
use crate::gateway::GatewayError;
use crate::logging::LevelError;
use crate::recording::listening::RecordError;
use crate::runit::RunitError;
use crate::service::ServiceError;

impl From<GatewayError> for Fatal {
    fn from(error: GatewayError) -> Self {
        let mut message = chain(&error);
        if matches!(error, GatewayError::Service(ServiceError::Runit(RunitError::Denied { .. }))) {
            message.push_str("; run it as root");
        }
        if error.is_of_configuration() { Self::usage(message) } else { Self::system(message) }
    }
}

impl From<RecordError> for Fatal {
    fn from(error: RecordError) -> Self {
        let message = chain(&error);
        if error.is_of_configuration() { Self::usage(message) } else { Self::system(message) }
    }
}

impl From<ListenError> for Fatal {
    fn from(error: ListenError) -> Self {
        Self::system(chain(&error))
    }
}

impl From<LevelError> for Fatal {
    fn from(error: LevelError) -> Self {
        Self::usage(chain(&error))
    }
}
