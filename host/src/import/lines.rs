//! A log, line by line, in constant memory.

use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// Bytes read to detect the format.
pub const HEAD_LEN: usize = 64 * 1024;

/// Largest length of a line, in bytes; the rest of a longer line is dropped and reported. The longest real line seen is
/// an operator list of a border town, some 2 KiB; a JSON fixture on one line has some 20 KiB.
pub const LINE_LEN_MAX: usize = 128 * 1024;

/// Bytes per read.
const BUFFER_LEN: usize = 256 * 1024;

/// A line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Line<'a> {
    /// The bytes, without the LF.
    pub bytes: &'a [u8],
    /// The line was longer than [`LINE_LEN_MAX`].
    pub overlong: bool,
}

/// The lines of a log.
#[derive(Debug)]
pub struct Lines<R> {
    log: R,
    buffer: Vec<u8>,
    /// End of the filled part of the buffer, and end of the lines already returned.
    filled: usize,
    given: usize,
    /// The log has ended.
    ended: bool,
}

impl<R: Read> Lines<R> {
    /// Starts at the beginning of the log.
    pub fn new(log: R) -> Self {
        Self { log, buffer: vec![0; BUFFER_LEN], filled: 0, given: 0, ended: false }
    }

    /// The next bytes, up to `len`; [`Self::next`] returns them again as lines.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn head(&mut self, len: usize) -> io::Result<&[u8]> {
        let len = len.min(BUFFER_LEN);
        while !self.ended && self.filled - self.given < len {
            self.fill()?;
        }
        Ok(&self.buffer[self.given..self.filled.min(self.given + len)])
    }

    /// The next line; `None` at the end. Text after the last LF is a line too, unless it is empty.
    ///
    /// # Errors
    /// The log cannot be read.
    #[expect(clippy::should_implement_trait, reason = "the line borrows the buffer")]
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = self.given;
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[searched..self.filled]) {
                let (from, to) = (self.given, searched + at);
                self.given = to + 1;
                return Ok(Some(self.line(from, to)));
            }
            searched = self.filled;
            if self.ended {
                let from = core::mem::replace(&mut self.given, self.filled);
                return Ok((from < self.filled).then(|| self.line(from, self.filled)));
            }
            if searched - self.given > LINE_LEN_MAX {
                // The excess is dropped as it comes; the line is returned at its end.
                searched = self.given + LINE_LEN_MAX + 1;
                self.filled = searched;
            }
            let moved = self.given;
            self.fill()?;
            // Filling may have moved the bytes to the front.
            searched -= moved - self.given;
        }
    }

    fn line(&self, from: usize, to: usize) -> Line<'_> {
        let kept = to.min(from + LINE_LEN_MAX);
        Line { bytes: &self.buffer[from..kept], overlong: kept < to }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.copy_within(self.given..self.filled, 0);
            self.filled -= self.given;
            self.given = 0;
        }
        loop {
            match self.log.read(&mut self.buffer[self.filled..]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(count) => {
                    self.filled += count;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

const _: () = assert!(2 * (LINE_LEN_MAX + 1) <= BUFFER_LEN + 2, "a whole line and more fit");

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns few bytes per read, as a pipe may.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buf.len());
            let (now, later) = self.0.split_at(count);
            buf[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn all(text: &[u8], at_once: usize) -> Vec<(Vec<u8>, bool)> {
        let mut lines = Lines::new(Drip(text, at_once));
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.bytes.to_vec(), line.overlong));
        }
        found
    }

    #[test]
    fn lines_do_not_depend_on_the_size_of_reads() {
        let text = b"one\n\ntwo\r\nthree";
        for at_once in [1, 2, 3, 100] {
            let found: Vec<_> = all(text, at_once).into_iter().map(|(line, _)| line).collect();
            assert_eq!(found, [&b"one"[..], b"", b"two\r", b"three"]);
        }
        assert!(all(b"", 10).is_empty());
    }

    #[test]
    fn every_line_of_a_long_log_is_returned() {
        let text: Vec<u8> =
            (0..60_000).flat_map(|n| format!("line number {n} of the log\n").into_bytes()).collect();
        for at_once in [7_919, 100_000] {
            let found = all(&text, at_once);
            assert_eq!(found.len(), 60_000);
            assert!(
                found
                    .iter()
                    .enumerate()
                    .all(|(n, (line, _))| { *line == format!("line number {n} of the log").into_bytes() })
            );
        }
    }

    #[test]
    fn an_overlong_line_is_cut_and_the_next_line_is_whole() {
        for excess in [0, 1, 5, LINE_LEN_MAX, 3 * LINE_LEN_MAX] {
            let mut text = vec![b'x'; LINE_LEN_MAX + excess];
            text.extend_from_slice(b"\nsound\n");
            for at_once in [4_096, 1_000_000] {
                let found = all(&text, at_once);
                assert_eq!(found[0].0.len(), LINE_LEN_MAX);
                assert_eq!((found[0].1, found.len()), (excess > 0, 2), "{excess} over, {at_once} at once");
                assert_eq!(found[1], (b"sound".to_vec(), false));
            }
        }
    }
}
