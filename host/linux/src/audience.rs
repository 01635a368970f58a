//! Receives the events of a scan of this gateway: the program's report for people and programs, or an application that uses
//! cellscan as a library.

use cellscan_core::scan::{Event, Scanner};
use cellscan_core::time::Instant;

/// Receives the events of a scan.
pub trait Audience {
    /// An event; `scanner` is the state after it.
    fn event(&mut self, at: Instant, event: Event, scanner: &Scanner);

    /// A fact.
    fn note(&mut self, text: &str);

    /// A problem after which the scan goes on.
    fn warn(&mut self, text: &str);

    /// Time has passed.
    fn tick(&mut self, _now: Instant) {}

    /// When to call [`Audience::tick`]; `None`: never.
    fn next_tick(&self) -> Option<Instant> {
        None
    }
}
