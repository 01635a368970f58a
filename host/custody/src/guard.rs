//! The guard: watches a scan that holds a service, and tells what is owed to the service when the scan ends badly.
//!
//! ```text
//! scan ── pipe ──► Guard::bytes       o + 8 characters  what is owed: the want (`u`, `o`, or `-`), and what to tell the modem:
//!                                                       `0`, digits, or `-`
//!                                     r                 released: the service is as it was found
//!                                     h                 handed over: the scan has ended, and did not see the service given back
//!          end of file, pidfd ──►     ended
//!          time ──────────────►       timeout: the hold's limit, and nothing else
//! ```
//!
//! What is owed is the scan's decision, as it stands in its last message: nothing is added here.
//!
//! Silence means nothing: a search lasts for 59 to 101 s (field logs), and the scan sends nothing during it. Only
//! a message, the end of the pipe, the scan's end or the limit of the hold end the watch.

use cellscan_core::carrier::Plmn;
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{Owed, Want};
use cellscan_core::time::Instant;

/// The version of this protocol. A guard of another version would misread messages: it is refused.
pub const PROTOCOL: u32 = 2;

const OWED: u8 = b'o';
const RELEASED: u8 = b'r';
const HANDED_OVER: u8 = b'h';
/// Bytes after [`OWED`]: the want, then digits, `0` or `-`, and spaces.
const RECORD_LEN: usize = 1 + SELECTION_LEN;
const SELECTION_LEN: usize = 7;

/// A message of the scan to its guard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Message {
    /// What is owed from now on.
    Owed(Owed),
    /// The service is as it was found: nothing is owed.
    Released,
    /// The scan has ended, and did not see the service given back.
    HandedOver,
}

impl Message {
    /// The bytes for the pipe.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::Released => vec![RELEASED],
            Self::HandedOver => vec![HANDED_OVER],
            Self::Owed(owed) => format!("{}{:<RECORD_LEN$}", char::from(OWED), record(owed)).into_bytes(),
        }
    }
}

/// Why the guard acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// The scan is dead.
    Died,
    /// The scan asks for it.
    HandedOver,
    /// The scan has held the service for longer than its limit, and is to be killed first.
    HeldTooLong,
}

/// What the guard does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Continue the watch.
    Watch,
    /// End: nothing is owed.
    Released,
    /// Give back what is owed.
    GiveBack(Cause, Owed),
}

/// The watch over one scan.
#[derive(Clone, Debug)]
pub struct Guard {
    limit: Option<Instant>,
    owed: Owed,
    /// The incomplete record, without its first byte.
    record: Option<Vec<u8>>,
    verdict: Verdict,
}

impl Guard {
    /// Watches a service to which `owed` is owed so far; `limit` is the end of the longest hold, `None`: no limit.
    #[must_use]
    pub const fn new(owed: Owed, limit: Option<Instant>) -> Self {
        Self { limit, owed, record: None, verdict: Verdict::Watch }
    }

    /// Takes in bytes from the pipe. Bytes after a verdict and bytes of no message are ignored.
    pub fn bytes(&mut self, bytes: &[u8]) -> Verdict {
        for byte in bytes {
            if self.verdict != Verdict::Watch {
                break;
            }
            self.byte(*byte);
        }
        self.verdict
    }

    fn byte(&mut self, byte: u8) {
        if let Some(record) = &mut self.record {
            record.push(byte);
            if record.len() == RECORD_LEN {
                // What is no record changes nothing.
                self.owed = parse_record(record).unwrap_or(self.owed);
                self.record = None;
            }
            return;
        }
        match byte {
            OWED => self.record = Some(Vec::with_capacity(RECORD_LEN)),
            RELEASED => self.verdict = Verdict::Released,
            HANDED_OVER => self.give_back(Cause::HandedOver),
            _ => {}
        }
    }

    /// The pipe or the scan's process has ended. All bytes that the scan wrote before must have been taken in.
    pub const fn ended(&mut self) -> Verdict {
        self.give_back(Cause::Died);
        self.verdict
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: Instant) -> Verdict {
        if self.limit.is_some_and(|limit| limit <= now) {
            self.give_back(Cause::HeldTooLong);
        }
        self.verdict
    }

    /// When to call [`Guard::timeout`]; `None`: never.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.limit.filter(|_| self.verdict == Verdict::Watch)
    }

    const fn give_back(&mut self, cause: Cause) {
        if !matches!(self.verdict, Verdict::Watch) {
            return;
        }
        self.verdict = Verdict::GiveBack(cause, self.owed);
    }
}

/// What is owed, as text without blanks: the want (`u`, `o`, or `-`), then digits, `0` or `-`.
#[must_use]
pub fn record(owed: Owed) -> String {
    let want = match owed.want {
        Some(Want::Up) => 'u',
        Some(Want::Once) => 'o',
        // A service found down is left as it is.
        Some(Want::Down) | None => '-',
    };
    let selection = match &owed.selection {
        None => "-",
        Some(Selection::Automatic) => "0",
        Some(Selection::Manual(plmn)) => plmn.as_str(),
    };
    format!("{want}{selection}")
}

/// Reads the text of [`record`], with blanks behind it or without; `None`: it is none.
#[must_use]
pub fn parse_record(text: &[u8]) -> Option<Owed> {
    let (want, selection) = text.trim_ascii_end().split_first()?;
    let want = match want {
        b'u' => Some(Want::Up),
        b'o' => Some(Want::Once),
        b'-' => None,
        _ => return None,
    };
    let selection = match selection {
        b"-" => None,
        b"0" => Some(Selection::Automatic),
        digits => Some(Selection::Manual(Plmn::parse(digits).ok()?)),
    };
    Some(Owed { want, selection })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Instant = Instant::from_millis(400_000);

    const UP: Owed = Owed { want: Some(Want::Up), selection: None };

    fn guard() -> Guard {
        let mut guard = Guard::new(Owed::default(), Some(LIMIT));
        assert_eq!(guard.bytes(&Message::Owed(UP).bytes()), Verdict::Watch);
        guard
    }

    const fn up(cause: Cause) -> Verdict {
        Verdict::GiveBack(cause, UP)
    }

    #[test]
    fn silence_below_the_limit_does_not_mean_that_the_scan_died() {
        let mut guard = guard();
        for at in [60_000, 60_001, 130_000, 399_999] {
            assert_eq!(guard.timeout(Instant::from_millis(at)), Verdict::Watch, "{at} ms");
        }
        assert_eq!(guard.next_deadline(), Some(LIMIT));
        assert_eq!(guard.timeout(LIMIT), up(Cause::HeldTooLong));
        assert_eq!(guard.next_deadline(), None);
    }

    #[test]
    fn the_end_of_the_scan_ends_the_watch() {
        assert_eq!(guard().ended(), up(Cause::Died));
        assert_eq!(guard().bytes(&Message::HandedOver.bytes()), up(Cause::HandedOver));
        let mut released = guard();
        assert_eq!(released.bytes(&Message::Released.bytes()), Verdict::Released);
        assert_eq!(released.ended(), Verdict::Released, "its end comes after its release");
    }

    #[test]
    fn nothing_is_owed_to_an_untouched_service() {
        let mut guard = Guard::new(Owed::default(), None);
        assert_eq!(guard.ended(), Verdict::GiveBack(Cause::Died, Owed::default()));
        assert_eq!(guard.next_deadline(), None);
    }

    #[test]
    fn a_guard_that_hears_nothing_gives_back_what_it_was_started_with() {
        let owed = Owed { want: Some(Want::Once), selection: Some(Selection::Automatic) };
        assert_eq!(Guard::new(owed, None).ended(), Verdict::GiveBack(Cause::Died, owed));
    }

    #[test]
    fn the_last_record_counts() {
        let mut guard = guard();
        guard.bytes(&Message::Owed(Owed::default()).bytes());
        assert_eq!(guard.clone().ended(), Verdict::GiveBack(Cause::Died, Owed::default()));
        guard.bytes(&Message::Owed(UP).bytes());
        assert_eq!(guard.ended(), up(Cause::Died));
    }

    #[test]
    fn a_record_is_read_from_pieces_of_any_size() {
        let manual = Some(Selection::Manual(Plmn::parse(b"310410").unwrap()));
        for selection in [None, Some(Selection::Automatic), manual] {
            for want in [None, Some(Want::Up), Some(Want::Once)] {
                let (mut guard, owed) = (guard(), Owed { want, selection });
                for byte in Message::Owed(owed).bytes() {
                    assert_eq!(guard.bytes(&[byte]), Verdict::Watch);
                }
                assert_eq!(guard.ended(), Verdict::GiveBack(Cause::Died, owed));
            }
        }
    }

    #[test]
    fn an_incomplete_or_wrong_record_changes_nothing() {
        let mut whole = guard();
        whole.bytes(b"ou0      ou3104");
        let owed = Owed { selection: Some(Selection::Automatic), ..UP };
        assert_eq!(whole.ended(), Verdict::GiveBack(Cause::Died, owed));
        for nothing in [&b"ou-      "[..], b"ox-      ", b"o-31041x ", b"o-0 10   ", b"o        ", b"\0\xff?"]
        {
            let mut guard = guard();
            guard.bytes(nothing);
            assert_eq!(guard.ended(), up(Cause::Died), "{}", nothing.escape_ascii());
        }
    }
}
