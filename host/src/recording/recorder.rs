//! The file of a recording.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::rc::Rc;

use cellscan_core::time::Instant;

use super::entry::{Entry, Timed, Who};
use super::redact;

/// Events that are held back at most, while the line that is coming in has no end yet.
const HELD_MAX: usize = 64;
/// For so long at most: a prompt has no line end, and no answer to a scan's commands dawdles so.
const HELD_TIME_MS: u64 = 2_000;

/// What stands above the first event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Header {
    /// Keys and values, one a line.
    pub lines: Vec<(String, String)>,
    /// Identities are kept as they are.
    pub keep_identities: bool,
}

impl Header {
    /// One more line.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.lines.push((key.to_owned(), value.into()));
        self
    }
}

/// Writes a recording.
pub struct Recorder {
    out: Box<dyn Write>,
    redacts: bool,
    origin: Option<Instant>,
    /// With its time; not written yet.
    held: Vec<Timed>,
    /// Why nothing is written any more.
    broken: Option<io::Error>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("held", &self.held)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// A recorder with more than one who writes to it.
pub type Tape = Rc<RefCell<Recorder>>;

impl Recorder {
    /// Writes the header.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(mut out: Box<dyn Write>, header: &Header) -> io::Result<Self> {
        let mut text = String::from("# atlog: 1\n");
        let redacted = if header.keep_identities { "nothing" } else { redact::KINDS };
        let program = concat!("cellscan ", env!("CARGO_PKG_VERSION"));
        let lines = header.lines.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in [("program", program), ("redacted", redacted)].into_iter().chain(lines) {
            let one_line: String = value.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
            let _always = writeln!(text, "# {key}: {one_line}");
        }
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(Self { out, redacts: !header.keep_identities, origin: None, held: Vec::new(), broken: None })
    }

    /// With others.
    #[must_use]
    pub fn shared(self) -> Tape {
        Rc::new(RefCell::new(self))
    }

    /// Bytes went to the modem.
    pub fn sent(&mut self, at: Instant, bytes: &[u8]) {
        self.note(at, Entry::Sent(bytes.to_vec()));
    }

    /// Bytes came from the modem. What comes at once, in pieces, is one event.
    pub fn received(&mut self, at: Instant, bytes: &[u8]) {
        let at_ms = self.since_origin(at);
        if let Some(Timed { at_ms: last, entry: Entry::Received(held) }) = self.held.last_mut()
            && *last == at_ms
        {
            held.extend_from_slice(bytes);
            return self.write_if_whole(at_ms);
        }
        self.note(at, Entry::Received(bytes.to_vec()));
    }

    /// Somebody said something.
    pub fn said(&mut self, at: Instant, who: Who, words: impl Into<String>) {
        self.note(at, Entry::Said(who, words.into()));
    }

    fn since_origin(&mut self, at: Instant) -> u64 {
        let origin = *self.origin.get_or_insert(at);
        u64::try_from(at.saturating_since(origin).as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&mut self, at: Instant, entry: Entry) {
        let at_ms = self.since_origin(at);
        self.held.push(Timed { at_ms, entry });
        self.write_if_whole(at_ms);
    }

    fn write_if_whole(&mut self, now_ms: u64) {
        let last = self.held.iter().rev().find_map(|timed| match &timed.entry {
            Entry::Received(bytes) => Some(bytes),
            Entry::Sent(_) | Entry::Said(..) => None,
        });
        let open = last.is_some_and(|bytes| !bytes.ends_with(b"\n") && !bytes.ends_with(b"\r"));
        let old = self.held.first().is_some_and(|first| now_ms.saturating_sub(first.at_ms) >= HELD_TIME_MS);
        if !open || !self.redacts || old || self.held.len() >= HELD_MAX {
            self.write_held();
        }
    }

    fn write_held(&mut self) {
        let mut held = core::mem::take(&mut self.held);
        if self.redacts {
            redact_all(&mut held);
        }
        let mut text = String::new();
        for timed in &held {
            text.push_str(&timed.line());
            text.push('\n');
        }
        if self.broken.is_none() {
            self.broken = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).err();
        }
    }

    /// Writes what is held back. Why the recording is not whole, once; the scan has nothing to do with it.
    pub fn finish(&mut self) -> Option<io::Error> {
        self.write_held();
        self.broken.take()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.write_held();
    }
}

/// Lines are redacted whole, also those that came in pieces.
fn redact_all(held: &mut [Timed]) {
    let mut incoming: Vec<u8> = Vec::new();
    for timed in held.iter_mut() {
        match &mut timed.entry {
            Entry::Sent(bytes) => redact_lines(bytes),
            Entry::Received(bytes) => incoming.extend_from_slice(bytes),
            Entry::Said(..) => {}
        }
    }
    redact_lines(&mut incoming);
    let mut rest = incoming.as_slice();
    for timed in held.iter_mut() {
        if let Entry::Received(bytes) = &mut timed.entry {
            let (mine, others) = rest.split_at(bytes.len());
            bytes.copy_from_slice(mine);
            rest = others;
        }
    }
}

fn redact_lines(bytes: &mut [u8]) {
    for line in bytes.split_mut(|byte| matches!(byte, b'\r' | b'\n')) {
        redact::line(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(buf);
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn recorder(keep_identities: bool) -> (Recorder, Shared) {
        let file = Shared::default();
        let header = Header { keep_identities, ..Header::default() }.with("port", "/dev/x\ny");
        (Recorder::new(Box::new(file.clone()), &header).unwrap(), file)
    }

    fn text(file: &Shared) -> String {
        String::from_utf8(file.0.borrow().clone()).unwrap()
    }

    #[test]
    fn an_identity_that_comes_in_pieces_is_redacted_before_a_byte_of_it_is_written() {
        let (mut recorder, file) = recorder(false);
        let at = Instant::from_millis;
        recorder.sent(at(5_000), b"AT+CIMI\r");
        recorder.received(at(5_010), b"\r\n26201012");
        recorder.said(at(5_011), Who::Sv, "status …");
        assert!(!text(&file).contains("26201"), "{}", text(&file));
        recorder.received(at(5_020), b"3456789\r\n");
        let lines: Vec<String> = text(&file).lines().skip(4).map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "0.000 > AT+CIMI\\r",
                "0.010 < \\r\\n00000000",
                "0.011 sv status \\xe2\\x80\\xa6",
                "0.020 < 0000000\\r\\n"
            ]
        );
        assert!(text(&file).contains("# port: /dev/x?y\n"));
    }

    #[test]
    fn identities_are_kept_on_demand_and_then_nothing_is_held_back() {
        let (mut recorder, file) = recorder(true);
        recorder.received(Instant::ZERO, b"262010123456789");
        assert!(
            text(&file).ends_with("0.000 < 262010123456789\n") && text(&file).contains("# redacted: nothing")
        );
    }

    #[test]
    fn a_line_without_an_end_is_not_held_for_ever() {
        let (mut recorder, file) = recorder(false);
        recorder.received(Instant::ZERO, b"> ");
        recorder.said(Instant::from_millis(HELD_TIME_MS), Who::Ppp, "link up");
        assert!(text(&file).ends_with("0.000 < >\\x20\n2.000 ppp link up\n"), "{}", text(&file));
    }
}
