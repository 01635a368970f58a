//! What happened in a world.

use cellscan_core::carrier::Carriers;
use cellscan_core::scan::gate::Request;
use cellscan_core::scan::{Event, Outcome, Report};
use cellscan_core::time::Instant;

use crate::modem::ModemLog;
use crate::trace::Traced;

/// An event of the scan with its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// When.
    pub at: Instant,
    /// What.
    pub event: Event,
}

/// What a listener hears, in the order in which it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Heard {
    /// A scan was asked for.
    Requested(Request),
    /// The scan was told to end.
    Aborted,
    /// The scan told something.
    Told(Event),
}

/// Somebody who listens.
pub type Listener = Box<dyn FnMut(Instant, Heard)>;

/// What the modem was registered on when the scan said that it had given the service back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Handed {
    /// When.
    pub at: Instant,
    /// The network.
    pub registered: Option<String>,
}

/// Everything that happened in a world.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// How the scan ended; `None`: it did not.
    pub outcome: Option<Outcome>,
    /// What came of it.
    pub report: Report,
    /// What was found of carriers.
    pub carriers: Carriers,
    /// What the scan told.
    pub told: Vec<Told>,
    /// What port and supervisor failed with.
    pub errors: Vec<String>,
    /// What happened on the gateway.
    pub machine: Vec<Traced>,
    /// What the modem heard and said.
    pub modem: Vec<ModemLog>,
}
