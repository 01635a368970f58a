//! The record of a world.

use cellscan_core::carrier::Carriers;
use cellscan_core::scan::gate::Request;
use cellscan_core::scan::{Event, Outcome, Report};
use cellscan_core::time::Instant;

use crate::modem::ModemLog;
use crate::trace::Traced;

/// An event of the scan with its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The time.
    pub at: Instant,
    /// The event.
    pub event: Event,
}

/// The events for a listener, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Heard {
    /// A scan was requested.
    Requested(Request),
    /// The scan was aborted.
    Aborted,
    /// The scan reported an event.
    Told(Event),
}

/// A listener.
pub type Listener = Box<dyn FnMut(Instant, Heard)>;

/// The modem's network when the scan reported that it gave the service back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Handed {
    /// The time.
    pub at: Instant,
    /// The network.
    pub registered: Option<String>,
}

/// The record of all events in a world.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// How the scan ended; `None`: it did not.
    pub outcome: Option<Outcome>,
    /// Its report.
    pub report: Report,
    /// The carriers.
    pub carriers: Carriers,
    /// The events of the scan.
    pub told: Vec<Told>,
    /// The errors of port and supervisor.
    pub errors: Vec<String>,
    /// The trace of the gateway.
    pub machine: Vec<Traced>,
    /// The journal of the modem.
    pub modem: Vec<ModemLog>,
}
