//! The file of a recording.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::rc::Rc;

use cellscan_core::time::Instant;
use cellscan_redact::{Passed, Redactor};

use super::entry::{Entry, Timed, Who};

/// The version of what a scan sends to the modem: changed with the commands or their order. Recordings of another version are
/// not rerun alike.
pub const DIALOGUE: &str = "3";
/// The version of a recording that names none.
pub const FIRST_DIALOGUE: &str = "1";

/// Bytes of a recording unless told otherwise. A scan of the field has some 20,000.
pub const LIMIT: u64 = 1024 * 1024;
/// The least that may be asked for: a header and a few events.
pub const LIMIT_MIN: u64 = 4_096;
/// The most: more than that no log reader takes.
pub const LIMIT_MAX: u64 = 1024 * 1024 * 1024;
/// Bytes beyond the limit that only words may have: what a scan decided is worth more than what a modem babbles.
const WORDS_RESERVE: u64 = 48 * 1024;
/// Bytes of one event, at most: what comes in the same millisecond is one.
const EVENT_LEN_MAX: usize = 4_096;
/// The word before what is left out over the limit. What follows the first one is no whole dialogue.
pub const LEFT_OUT: &str = "left-out";
/// The word before bytes of data mode, which are counted only.
pub const DATA: &str = "data";
/// How often bytes of data mode are told while it lasts.
const DATA_TOLD_EACH_MS: u64 = 60_000;

/// What is kept of a dialogue, and how much.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extent {
    /// Identities are kept as they are.
    pub keep_identities: bool,
    /// Bytes of the file: beyond them bytes of the line are only counted.
    pub limit: u64,
}

impl Default for Extent {
    fn default() -> Self {
        Self { keep_identities: false, limit: LIMIT }
    }
}

/// What stands above the first event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Header {
    /// Keys and values, one a line.
    pub lines: Vec<(String, String)>,
    /// What is kept.
    pub extent: Extent,
}

impl Header {
    /// One more line.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.lines.push((key.to_owned(), value.into()));
        self
    }
}

/// Bytes of both directions that are not in the recording.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    sent: i64,
    received: i64,
}

impl Count {
    const fn is_none(self) -> bool {
        self.sent == 0 && self.received == 0
    }

    fn words(self, what: &str) -> String {
        format!("{what} sent {} received {}", self.sent.max(0), self.received.max(0))
    }
}

/// Writes a recording.
pub struct Recorder {
    out: Box<dyn Write>,
    /// `None`: identities are kept.
    redactor: Option<Redactor>,
    limit: u64,
    written: u64,
    origin: Option<Instant>,
    latest_ms: u64,
    /// Not written yet: more of it may come in the same millisecond.
    last: Option<Timed>,
    /// Of data mode, since it was told last, and when that was.
    data: Count,
    data_told_ms: u64,
    /// Over the limit.
    left_out: Count,
    words_left_out: u64,
    /// Why nothing is written any more.
    broken: Option<io::Error>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder")
            .field("written", &self.written)
            .field("left_out", &self.left_out)
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
        let redacted = if header.extent.keep_identities { "nothing" } else { cellscan_redact::KINDS };
        let program = concat!("cellscan ", env!("CARGO_PKG_VERSION"));
        let lines = header.lines.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let known = [("program", program), ("dialogue", DIALOGUE), ("redacted", redacted)];
        for (key, value) in known.into_iter().chain(lines) {
            let one_line: String = value.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
            let _always = writeln!(text, "# {key}: {one_line}");
        }
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(Self {
            out,
            redactor: (!header.extent.keep_identities).then(Redactor::new),
            limit: header.extent.limit,
            written: text.len() as u64,
            origin: None,
            latest_ms: 0,
            last: None,
            data: Count::default(),
            data_told_ms: 0,
            left_out: Count::default(),
            words_left_out: 0,
            broken: None,
        })
    }

    /// With others.
    #[must_use]
    pub fn shared(self) -> Tape {
        Rc::new(RefCell::new(self))
    }

    /// Bytes went to the modem.
    pub fn sent(&mut self, at: Instant, bytes: &[u8]) {
        let at_ms = self.since_origin(at);
        let passed = self.redactor.as_mut().map(|redactor| redactor.sent(bytes));
        let (text, data, ended) = parts(passed, bytes);
        self.data.sent += data;
        self.tell_data(at_ms, ended);
        self.note(at_ms, Entry::Sent(text));
    }

    /// Bytes came from the modem. What comes at once, in pieces, is one event.
    pub fn received(&mut self, at: Instant, bytes: &[u8]) {
        let at_ms = self.since_origin(at);
        let passed = self.redactor.as_mut().map(|redactor| redactor.received(bytes));
        let (text, data, ended) = parts(passed, bytes);
        self.data.received += data;
        self.tell_data(at_ms, ended);
        match &mut self.last {
            Some(Timed { at_ms: last, entry: Entry::Received(held) })
                if *last == at_ms && held.len() < EVENT_LEN_MAX =>
            {
                held.extend_from_slice(&text);
            }
            _ => self.note(at_ms, Entry::Received(text)),
        }
    }

    /// The supervisor, the link or the scan said something.
    pub fn said(&mut self, at: Instant, who: Who, words: impl Into<String>) {
        let at_ms = self.since_origin(at);
        self.note(at_ms, Entry::Said(who, words.into()));
        self.write_last();
    }

    /// The port was closed or opened: what comes next begins a line.
    pub fn begin_line(&mut self) {
        if let Some(redactor) = &mut self.redactor {
            redactor.begin_line();
        }
    }

    fn since_origin(&mut self, at: Instant) -> u64 {
        let origin = *self.origin.get_or_insert(at);
        self.latest_ms = u64::try_from(at.duration_since(origin).as_millis()).unwrap_or(u64::MAX);
        self.latest_ms
    }

    fn note(&mut self, at_ms: u64, entry: Entry) {
        let is_empty = matches!(&entry, Entry::Sent(bytes) | Entry::Received(bytes) if bytes.is_empty());
        if !is_empty {
            self.write_last();
            self.last = Some(Timed { at_ms, entry });
        }
    }

    /// Bytes of data mode, once it has ended, and each minute while it lasts.
    fn tell_data(&mut self, at_ms: u64, ended: bool) {
        let is_due = at_ms.saturating_sub(self.data_told_ms) >= DATA_TOLD_EACH_MS;
        if !self.data.is_none() && (ended || is_due) {
            let count = core::mem::take(&mut self.data);
            self.data_told_ms = at_ms;
            self.note(at_ms, Entry::Said(Who::Scan, count.words(DATA)));
        }
    }

    /// Writes what came last, although more of it may come in the same millisecond: the recorder is about to wait.
    pub fn write_pending(&mut self) {
        self.write_last();
    }

    fn write_last(&mut self) {
        let Some(timed) = self.last.take() else { return };
        let line = timed.line();
        let len = line.len() as u64 + 1;
        let of_line = |bytes: &[u8]| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let room = self.limit.saturating_sub(self.written);
        match &timed.entry {
            Entry::Said(..) if self.written + len <= self.limit + WORDS_RESERVE => self.write_line(&line),
            Entry::Said(..) => self.words_left_out += 1,
            Entry::Sent(bytes) | Entry::Received(bytes) => {
                if len <= room && self.left_out.is_none() {
                    return self.write_line(&line);
                }
                if self.left_out.is_none() {
                    self.write_line(&Timed { at_ms: timed.at_ms, entry: left_out("from here on") }.line());
                }
                if matches!(timed.entry, Entry::Sent(_)) {
                    self.left_out.sent += of_line(bytes);
                } else {
                    self.left_out.received += of_line(bytes);
                }
            }
        }
    }

    fn write_line(&mut self, line: &str) {
        if self.broken.is_none() {
            let text = format!("{line}\n");
            self.written += text.len() as u64;
            self.broken = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).err();
        }
    }

    /// Writes what is held back, and what is left out. Why the recording is not whole, once; the scan has nothing to do with it.
    pub fn finish(&mut self) -> Option<io::Error> {
        let at_ms = self.latest_ms;
        self.tell_data(at_ms, true);
        self.write_last();
        let count = core::mem::take(&mut self.left_out);
        let words = core::mem::take(&mut self.words_left_out);
        if !count.is_none() || words > 0 {
            let told = format!("{} words {words}", count.words("bytes"));
            self.write_line(&Timed { at_ms, entry: left_out(&told) }.line());
        }
        self.broken.take()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _told_by_finish = self.finish();
    }
}

fn left_out(words: &str) -> Entry {
    Entry::Said(Who::Scan, format!("{LEFT_OUT} {words}"))
}

/// What is written, how many bytes of data mode are not, and whether that ended.
fn parts(passed: Option<Passed>, bytes: &[u8]) -> (Vec<u8>, i64, bool) {
    passed.map_or_else(|| (bytes.to_vec(), 0, false), |passed| (passed.text, passed.data, passed.ended))
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
        let header = Header { extent: Extent { keep_identities, ..Extent::default() }, ..Header::default() }
            .with("port", "/dev/x\ny");
        (Recorder::new(Box::new(file.clone()), &header).unwrap(), file)
    }

    fn text(file: &Shared) -> String {
        String::from_utf8(file.0.borrow().clone()).unwrap()
    }

    const fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn events(file: &Shared) -> Vec<String> {
        text(file).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn an_identity_is_unreadable_in_whatever_pieces_it_comes() {
        let (mut recorder, file) = recorder(false);
        recorder.sent(at(5_000), b"AT+CIMI\r");
        recorder.received(at(5_010), b"\r\n26201012");
        recorder.said(at(5_011), Who::Sv, "status …");
        recorder.received(at(9_020), b"3456");
        recorder.received(at(9_020), b"789\r\n");
        recorder.finish();
        let expected = [
            "0.000 > AT+CIMI\\r",
            "0.010 < \\r\\n20000000",
            "0.011 sv status \\xe2\\x80\\xa6",
            "4.020 < 0000000\\r\\n",
        ];
        assert_eq!(events(&file), expected);
        assert!(text(&file).contains("# port: /dev/x?y\n"));
    }

    #[test]
    fn identities_are_kept_on_demand() {
        let (mut recorder, file) = recorder(true);
        recorder.received(Instant::ZERO, b"262010123456789");
        recorder.finish();
        assert!(
            text(&file).ends_with("0.000 < 262010123456789\n") && text(&file).contains("# redacted: nothing")
        );
    }

    #[test]
    fn bytes_of_data_mode_are_counted() {
        let (mut recorder, file) = recorder(false);
        recorder.received(at(0), b"\r\nCONNECT\r");
        recorder.sent(at(10), b"\x7esecret\x7e");
        recorder.received(at(20), b"\nsecret\r\nNO CARRIER\r\n");
        recorder.finish();
        let expected =
            ["0.000 < \\r\\nCONNECT\\r", "0.020 scan data sent 8 received 9", "0.020 < NO CARRIER\\r\\n"];
        assert_eq!(events(&file), expected);
    }

    #[test]
    fn beyond_its_limit_only_words_are_written_and_the_rest_is_counted() {
        let file = Shared::default();
        let extent = Extent { limit: LIMIT_MIN, ..Extent::default() };
        let header = Header { extent, ..Header::default() };
        let mut recorder = Recorder::new(Box::new(file.clone()), &header).unwrap();
        for ms in 0..10_000 {
            recorder.received(at(ms), b"babble\r\n");
            if ms % 1_000 == 999 {
                recorder.said(at(ms), Who::Scan, "state 4 wait_results");
            }
        }
        recorder.finish();
        let events = events(&file);
        let of = |word: &str| events.iter().filter(|line| line.contains(word)).count();
        let babble = of("babble");
        assert_eq!((of("state 4"), of("left-out from here on")), (10, 1));
        let last = format!("9.999 scan left-out bytes sent 0 received {} words 0", (10_000 - babble) * 8);
        assert_eq!(events.last(), Some(&last));
        assert!(babble > 100 && file.0.borrow().len() < 5_000, "{babble} of {}", file.0.borrow().len());
    }

    #[test]
    fn words_without_end_are_limited_too() {
        let (mut recorder, file) = recorder(false);
        for ms in 0..100_000 {
            recorder.said(at(ms), Who::Sv, "status supervised run 103 up");
        }
        recorder.finish();
        let len = file.0.borrow().len() as u64;
        assert!(len <= LIMIT + WORDS_RESERVE + 100, "{len}");
        assert!(text(&file).lines().last().unwrap().contains("left-out bytes sent 0 received 0 words "));
    }
}
