//! The guard: what watches a scan that holds a service, and says what is owed to the service when the scan ends badly.
//!
//! ```text
//! scan ── pipe ──► Guard::bytes       t, n              down is about to be asked for; the service was seen given back
//!                                     f, w              another client wants down; no other does any more
//!                                     m + 7 characters  what the modem is to be told: `0`, digits, or `-`
//!                                     r                 released: the service is as it was found
//!                                     h                 handed over: the scan has ended, and the service was not seen given back
//!          end of file, pidfd ──►     ended
//!          time ──────────────►       timeout: the hold's limit, and nothing else
//! ```
//!
//! Silence says nothing: a search lasts for 59 to 101 s (field logs), and the scan has nothing to tell meanwhile. Only
//! a message, the end of the pipe, the scan's own end or the limit of the hold end the watch.

use cellscan_core::carrier::Plmn;
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::Want;
use cellscan_core::time::Instant;

/// The version of this language. A guard that speaks another would take one message for another: it is none of ours.
pub const PROTOCOL: u32 = 1;

const TOUCHED: u8 = b't';
const GIVEN_BACK: u8 = b'n';
const RELEASED: u8 = b'r';
const HANDED_OVER: u8 = b'h';
const FOREIGN_DOWN: u8 = b'f';
const FOREIGN_UP: u8 = b'w';
const MODEM: u8 = b'm';
/// Bytes behind [`MODEM`]: digits, `0` or `-`, and spaces.
const MODEM_LEN: usize = 7;

/// What a scan tells its guard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Message {
    /// Down is about to be asked for (`true`), or the service was seen given back since (`false`): what is asked for from then on is
    /// another client's wish.
    Touched(bool),
    /// The service is as it was found: nothing is owed.
    Released,
    /// The scan has ended, and did not see the service given back.
    HandedOver,
    /// Another client has asked for down (`true`), or for up since (`false`).
    ForeignDown(bool),
    /// What the modem is to be told should the scan die; `None`: nothing.
    Modem(Option<Selection>),
}

impl Message {
    /// As it is written to the pipe.
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

/// What is owed to a service whose scan is gone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Owed {
    /// What the service is to be asked for; `None`: it was never touched, or another client wants it down.
    pub want: Option<Want>,
    /// What its modem is to be told, where it was told otherwise.
    pub selection: Option<Selection>,
}

/// Why the guard acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// The scan is dead.
    Died,
    /// The scan asks for it.
    HandedOver,
    /// The scan has held the service for longer than it may, and is to be killed first.
    HeldTooLong,
}

/// What the guard is to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Go on watching.
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
    /// The message under way, behind its first byte.
    note: Option<Vec<u8>>,
    verdict: Verdict,
}

impl Guard {
    /// Watches over a service that was found with this want; `limit` is when the hold has lasted too long, `None`: never.
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

    /// Takes in what came through the pipe. Bytes behind a verdict and those that are no message are ignored.
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

    /// The pipe has ended, or the scan's process has. Whatever the scan wrote before must have been taken in.
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

    /// When [`Guard::timeout`] is to be called; `None`: never.
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

/// What [`Message::Modem`] writes behind its first byte; nothing else is believed.
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
    fn silence_of_any_length_below_the_limit_is_not_the_death_of_the_scan() {
        let mut guard = guard();
        for at in [60_000, 60_001, 130_000, 399_999] {
            assert_eq!(guard.timeout(Instant::from_millis(at)), Verdict::Watch, "{at} ms");
        }
        assert_eq!(guard.next_deadline(), Some(LIMIT));
        assert_eq!(guard.timeout(LIMIT), up(Cause::HeldTooLong));
        assert_eq!(guard.next_deadline(), None);
    }

    #[test]
    fn the_end_of_the_scan_is_the_end_of_the_watch() {
        assert_eq!(guard().ended(), up(Cause::Died));
        assert_eq!(guard().bytes(&Message::HandedOver.bytes()), up(Cause::HandedOver));
        let mut released = guard();
        assert_eq!(released.bytes(&Message::Released.bytes()), Verdict::Released);
        assert_eq!(released.ended(), Verdict::Released, "its end comes behind its release");
    }

    #[test]
    fn a_service_that_was_never_touched_is_owed_nothing() {
        let mut guard = Guard::new(Want::Up, None);
        assert_eq!(guard.ended(), Verdict::GiveBack(Cause::Died, Owed::default()));
        assert_eq!(guard.next_deadline(), None);
    }

    #[test]
    fn a_service_that_was_seen_given_back_is_owed_nothing_until_it_is_asked_down_again() {
        let mut guard = guard();
        guard.bytes(&Message::Touched(false).bytes());
        assert_eq!(guard.clone().ended(), Verdict::GiveBack(Cause::Died, Owed::default()));
        guard.bytes(&Message::Touched(true).bytes());
        assert_eq!(guard.ended(), up(Cause::Died));
    }

    #[test]
    fn a_foreign_down_is_respected_until_it_is_taken_back() {
        let mut guard = guard();
        guard.bytes(&Message::ForeignDown(true).bytes());
        assert_eq!(guard.clone().ended(), Verdict::GiveBack(Cause::Died, Owed::default()));
        guard.bytes(&Message::ForeignDown(false).bytes());
        assert_eq!(guard.ended(), up(Cause::Died));
    }

    #[test]
    fn what_is_noted_of_a_modem_is_read_back_in_whatever_pieces_it_comes() {
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
    fn half_a_note_changes_nothing_and_nonsense_is_not_believed() {
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
