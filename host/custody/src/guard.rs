//! The guard: watches a scan that holds a service, and tells what is owed to the service when the scan ends badly.
//!
//! ```text
//! scan ── pipe ──► Guard::bytes       t, n              down is about to be requested; the service was seen given back
//!                                     f, w              another client wants down; no other client does any more
//!                                     m + 7 characters  what to tell the modem: `0`, digits, or `-`
//!                                     r                 released: the service is as it was found
//!                                     h                 handed over: the scan has ended, and did not see the service given back
//!          end of file, pidfd ──►     ended
//!          time ──────────────►       timeout: the hold's limit, and nothing else
//! ```
//!
//! Silence means nothing: a search lasts for 59 to 101 s (field logs), and the scan sends nothing during it. Only
//! a message, the end of the pipe, the scan's end or the limit of the hold end the watch.

use cellscan_core::carrier::Plmn;
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::Want;
use cellscan_core::time::Instant;

/// The version of this protocol. A guard of another version would misread messages: it is refused.
pub const PROTOCOL: u32 = 1;

const TOUCHED: u8 = b't';
const GIVEN_BACK: u8 = b'n';
const RELEASED: u8 = b'r';
const HANDED_OVER: u8 = b'h';
const FOREIGN_DOWN: u8 = b'f';
const FOREIGN_UP: u8 = b'w';
const MODEM: u8 = b'm';
/// Bytes after [`MODEM`]: digits, `0` or `-`, and spaces.
const MODEM_LEN: usize = 7;

/// A message of the scan to its guard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Message {
    /// Down is about to be requested (`true`), or the service was seen given back since (`false`): any later request is another
    /// client's.
    Touched(bool),
    /// The service is as it was found: nothing is owed.
    Released,
    /// The scan has ended, and did not see the service given back.
    HandedOver,
    /// Another client has asked for down (`true`), or for up since (`false`).
    ForeignDown(bool),
    /// What to tell the modem if the scan dies; `None`: nothing.
    Modem(Option<Selection>),
}

impl Message {
    /// The bytes for the pipe.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::Touched(true) => vec![TOUCHED],
            Self::Touched(false) => vec![GIVEN_BACK],
            Self::Released => vec![RELEASED],
            Self::HandedOver => vec![HANDED_OVER],
            Self::ForeignDown(true) => vec![FOREIGN_DOWN],
            Self::ForeignDown(false) => vec![FOREIGN_UP],
            Self::Modem(selection) => {
                let text = match &selection {
                    None => "-",
                    Some(Selection::Automatic) => "0",
                    Some(Selection::Manual(plmn)) => plmn.as_str(),
                };
                format!("{}{text:<MODEM_LEN$}", char::from(MODEM)).into_bytes()
            }
        }
    }
}

/// What is owed to a service after the end of its scan.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Owed {
    /// The wanted state to ask for; `None`: the service was never touched, or another client wants it down.
    pub want: Option<Want>,
    /// The selection to restore in its modem, if the scan changed it.
    pub selection: Option<Selection>,
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
    want: Want,
    limit: Option<Instant>,
    touched: bool,
    foreign_down: bool,
    selection: Option<Selection>,
    /// The incomplete message, without its first byte.
    note: Option<Vec<u8>>,
    verdict: Verdict,
}

impl Guard {
    /// Watches a service that was found with this want; `limit` is the end of the longest hold, `None`: no limit.
    #[must_use]
    pub const fn new(want: Want, limit: Option<Instant>) -> Self {
        Self {
            want,
            limit,
            touched: false,
            foreign_down: false,
            selection: None,
            note: None,
            verdict: Verdict::Watch,
        }
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
        if let Some(note) = &mut self.note {
            note.push(byte);
            if note.len() == MODEM_LEN {
                self.selection = read_note(note);
                self.note = None;
            }
            return;
        }
        match byte {
            TOUCHED => self.touched = true,
            GIVEN_BACK => self.touched = false,
            FOREIGN_DOWN => self.foreign_down = true,
            FOREIGN_UP => self.foreign_down = false,
            MODEM => self.note = Some(Vec::with_capacity(MODEM_LEN)),
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
        let owed = Owed {
            want: if self.touched && !self.foreign_down { Some(self.want) } else { None },
            selection: self.selection,
        };
        self.verdict = Verdict::GiveBack(cause, owed);
    }
}

/// Parses the bytes of a [`Message::Modem`] after its first one; anything else is ignored.
fn read_note(bytes: &[u8]) -> Option<Selection> {
    match bytes.trim_ascii_end() {
        b"0" => Some(Selection::Automatic),
        digits => Plmn::parse(digits).ok().map(Selection::Manual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Instant = Instant::from_millis(400_000);

    fn guard() -> Guard {
        let mut guard = Guard::new(Want::Up, Some(LIMIT));
        assert_eq!(guard.bytes(&Message::Touched(true).bytes()), Verdict::Watch);
        guard
    }

    fn up(cause: Cause) -> Verdict {
        Verdict::GiveBack(cause, Owed { want: Some(Want::Up), selection: None })
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
        let mut guard = Guard::new(Want::Up, None);
        assert_eq!(guard.ended(), Verdict::GiveBack(Cause::Died, Owed::default()));
        assert_eq!(guard.next_deadline(), None);
    }

    #[test]
    fn nothing_is_owed_to_a_service_given_back_until_the_next_request_for_down() {
        let mut guard = guard();
        guard.bytes(&Message::Touched(false).bytes());
        assert_eq!(guard.clone().ended(), Verdict::GiveBack(Cause::Died, Owed::default()));
        guard.bytes(&Message::Touched(true).bytes());
        assert_eq!(guard.ended(), up(Cause::Died));
    }

    #[test]
    fn a_foreign_down_is_respected_until_a_client_asks_for_up() {
        let mut guard = guard();
        guard.bytes(&Message::ForeignDown(true).bytes());
        assert_eq!(guard.clone().ended(), Verdict::GiveBack(Cause::Died, Owed::default()));
        guard.bytes(&Message::ForeignDown(false).bytes());
        assert_eq!(guard.ended(), up(Cause::Died));
    }

    #[test]
    fn a_selection_is_read_from_pieces_of_any_size() {
        let manual = Some(Selection::Manual(Plmn::parse(b"310410").unwrap()));
        for selection in [None, Some(Selection::Automatic), manual] {
            let mut guard = guard();
            for byte in Message::Modem(selection).bytes() {
                assert_eq!(guard.bytes(&[byte]), Verdict::Watch);
            }
            let owed = Owed { want: Some(Want::Up), selection };
            assert_eq!(guard.ended(), Verdict::GiveBack(Cause::Died, owed));
        }
    }

    #[test]
    fn an_incomplete_or_wrong_selection_is_ignored() {
        let mut whole = guard();
        whole.bytes(b"m0      m3104");
        assert_eq!(
            whole.ended(),
            Verdict::GiveBack(
                Cause::Died,
                Owed { want: Some(Want::Up), selection: Some(Selection::Automatic) }
            )
        );
        for nothing in [&b"m-      "[..], b"m       ", b"m31041x ", b"m0 10   ", b"\0\xff?"] {
            let mut guard = guard();
            guard.bytes(nothing);
            assert_eq!(guard.ended(), up(Cause::Died), "{}", nothing.escape_ascii());
        }
    }
}
