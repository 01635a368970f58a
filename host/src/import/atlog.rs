//! Our own recordings.

use super::event::{Event, What};
use super::{Importer, Sink};

/// Reads our own recordings.
#[derive(Debug, Default)]
pub struct Atlog {
    lines: u64,
}

impl Importer for Atlog {
    fn line(&mut self, number: u64, line: &[u8], sink: &mut Sink<'_>) {
        self.lines += 1;
        sink(Event::new(number, None, What::Other(line)));
    }
}
