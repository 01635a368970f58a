//! What receives the events of a scan of this gateway: the program's report, or the application that has cellscan as its library.

use cellscan_core::scan::{Event, Scanner};
use cellscan_core::time::Instant;

/// Receives the events of a scan.
pub trait Audience {
    /// This happened; `scanner` as it stands by now.
    fn event(&mut self, at: Instant, event: Event, scanner: &Scanner);

    /// Something that is good to know.
    fn note(&mut self, text: &str);

    /// Something that went wrong, and that the scan goes on after.
    fn warn(&mut self, text: &str);

    /// Time has passed.
    fn tick(&mut self, _now: Instant) {}

    /// When [`Audience::tick`] is to be called; `None` where nothing moves by itself.
    fn next_tick(&self) -> Option<Instant> {
        None
    }
}
