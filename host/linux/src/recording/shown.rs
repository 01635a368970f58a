//! A recording that is shown while it is made: on standard error, for who watches a scan.
//!
//! ```text
//!    0.302 sv status supervised down - down
//!    0.552 > AT
//!    0.560 < OK
//! ```
//!
//! It is the recording itself, so that identities are as unreadable here as there. A line of the modem has a line of its own, without its end.

use std::fmt;
use std::io::{self, Write};

use super::entry::{Entry, Timed};

/// How much of a scan is shown while it goes on.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Shown {
    /// Nothing.
    #[default]
    Nothing,
    /// What the scan and the supervisor say.
    Decisions,
    /// Each line to and from the modem too.
    Lines,
}

/// Passes a recording on to its file, if there is one, and shows it.
pub struct Watched<E> {
    file: Option<Box<dyn Write>>,
    shown: Shown,
    /// Bytes of the recording that are no whole line yet.
    piece: Vec<u8>,
    out: E,
}

impl<E> fmt::Debug for Watched<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl<E: Write> Watched<E> {
    /// Shows a recording on `out`.
    pub const fn new(file: Option<Box<dyn Write>>, shown: Shown, out: E) -> Self {
        Self { file, shown, piece: Vec::new(), out }
    }

    /// A closed output is no failure of the recording.
    fn show(&mut self, line: &[u8]) {
        let Ok(Some(Timed { at_ms, entry })) = Timed::parse(line) else { return };
        let time = format!("{:>5}.{:03}", at_ms / 1_000, at_ms % 1_000);
        let (arrow, bytes) = match entry {
            Entry::Said(who, words) => {
                let _closed = writeln!(self.out, "{time} {} {}", who.name(), crate::clean::shown(&words));
                return;
            }
            Entry::Sent(bytes) => ('>', bytes),
            Entry::Received(bytes) => ('<', bytes),
        };
        if self.shown < Shown::Lines {
            return;
        }
        for line in bytes.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty()) {
            let mut text = String::new();
            super::entry::escape(line, &mut text);
            let _closed = writeln!(self.out, "{time} {arrow} {text}");
        }
    }
}

impl<E: Write> Write for Watched<E> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            file.write_all(buf)?;
        }
        for byte in buf {
            if *byte == b'\n' {
                let line = core::mem::take(&mut self.piece);
                self.show(&line);
            } else {
                self.piece.push(*byte);
            }
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(shown: Shown) -> String {
        let mut out = Vec::new();
        let mut watched = Watched::new(None, shown, &mut out);
        let recording = "# atlog: 1\n0.302 sv ask down\n0.552 > AT\\r\n0.560 < AT\\r\\r\\nOK\\r\\n\n";
        watched.write_all(recording.as_bytes()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decisions_are_shown_first_and_lines_of_the_modem_on_demand() {
        let decisions = "    0.302 sv ask down\n";
        assert_eq!(shown(Shown::Decisions), decisions);
        assert_eq!(
            shown(Shown::Lines),
            format!("{decisions}    0.552 > AT\n    0.560 < AT\n    0.560 < OK\n")
        );
    }
}
