//! The unlock rule: a modem that a scan has set to one carrier stays dark where that carrier is not heard, until it is set to
//! choose by itself.
//!
//! ```text
//!   no manual selection of ours ──► Idle
//!   an address ──────────────────► Watch      the time without one begins anew
//!   the service not wanted up ───► Watch      another client has put it down: that time is not counted
//!   not known ───────────────────► Watch      nothing is concluded from it, and nothing forgotten
//!   no address ──────────────────► Until      this selection has had its time, then:
//!   a scan has the service ──────► Watch      it is dark all the same, and the scan may choose another carrier
//!   else ────────────────────────► Unlock     AT+COPS=0; once it was accepted, the selection is no longer ours
//! ```
//!
//! Without a record of our own selection nothing is done: a modem that chooses by itself, or that an operator has set, is left
//! alone. A late look only makes the time longer.

use core::time::Duration;

use cellscan_core::time::Instant;

/// How long there may be no address, unless told otherwise. A link that comes back by itself does so within a minute or two: a
/// registration, a `chat` script that gives up after 45 s and starts again.
pub const UNLOCK_AFTER: Duration = Duration::from_secs(600);

/// How long a modem may take to find a carrier after `AT+COPS=0`, before the service gets it back all the same: it goes on by
/// itself. As long as a whole search may take (vendor manuals state 180 s).
pub const REGISTER_LIMIT: Duration = Duration::from_secs(180);

/// A manual selection that a scan of ours has left in the modem.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Selected {
    /// Which one: a later selection has another number.
    pub number: u64,
    /// How long there may be no address; zero: as long as it likes.
    pub after: Duration,
}

/// One look at the gateway.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sight {
    /// What the record says.
    pub selected: Option<Selected>,
    /// Whether an interface of this service has an address; `None`: that is not known.
    pub address: Option<bool>,
    /// Whether the service is wanted up; `None`: that is not known before the service is taken.
    pub wanted_up: Option<bool>,
    /// A scan has the service in hand.
    pub in_hand: bool,
}

/// What to do now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Nothing, and nothing to look at.
    Idle,
    /// Look again when something has changed.
    Watch,
    /// Look again then, and when something has changed.
    Until(Instant),
    /// Take the modem, send `AT+COPS=0`, and give it back. Say how that ended.
    Unlock,
}

/// Keeps the rule for one modem.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Unlock {
    number: Option<u64>,
    dark_since: Option<Instant>,
}

impl Unlock {
    /// Has not looked yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { number: None, dark_since: None }
    }

    /// Has an earlier look on record: with this selection in the modem there was no address since then.
    #[must_use]
    pub const fn resume(number: u64, dark_since: Option<Instant>) -> Self {
        Self { number: Some(number), dark_since }
    }

    /// Since when there has been no address, as far as it was looked at.
    #[must_use]
    pub const fn dark_since(&self) -> Option<Instant> {
        self.dark_since
    }

    /// Takes in a look, and decides.
    pub fn look(&mut self, now: Instant, sight: Sight) -> Step {
        let number = sight.selected.map(|selected| selected.number);
        if number != self.number {
            *self = Self { number, dark_since: None };
        }
        let Some(Selected { after, .. }) = sight.selected.filter(|selected| !selected.after.is_zero()) else {
            self.dark_since = None;
            return Step::Idle;
        };
        match (sight.address, sight.wanted_up) {
            (Some(true), _) | (_, Some(false)) => {
                self.dark_since = None;
                return Step::Watch;
            }
            (None, _) => return Step::Watch,
            (Some(false), Some(true) | None) => {}
        }
        let due = *self.dark_since.get_or_insert(now) + after;
        if now < due {
            Step::Until(due)
        } else if sight.in_hand {
            Step::Watch
        } else {
            Step::Unlock
        }
    }

    /// The modem could not be had, or did not accept the command: it is tried again after as long a time. (Where it did accept,
    /// the record is removed.)
    pub fn failed(&mut self, now: Instant) {
        self.dark_since = self.dark_since.and(Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELECTED: Selected = Selected { number: 1, after: UNLOCK_AFTER };
    const DARK: Sight =
        Sight { selected: Some(SELECTED), address: Some(false), wanted_up: Some(true), in_hand: false };
    const BRIGHT: Sight = Sight { address: Some(true), ..DARK };

    const fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    /// Dark since the second 5.
    fn dark() -> Unlock {
        let mut unlock = Unlock::new();
        assert_eq!(unlock.look(at(0), BRIGHT), Step::Watch);
        assert_eq!(unlock.look(at(5), DARK), Step::Until(at(605)));
        unlock
    }

    #[test]
    fn after_ten_minutes_without_an_address_it_unlocks_and_not_before() {
        let mut unlock = dark();
        for second in [6, 300, 604] {
            assert_eq!(unlock.look(at(second), DARK), Step::Until(at(605)), "{second}");
        }
        assert_eq!(unlock.look(at(605), DARK), Step::Unlock);
    }

    #[test]
    fn an_address_for_a_moment_begins_the_time_anew() {
        let mut unlock = dark();
        assert_eq!(unlock.look(at(604), BRIGHT), Step::Watch);
        assert_eq!(unlock.look(at(605), DARK), Step::Until(at(1_205)));
    }

    #[test]
    fn a_modem_that_we_have_not_set_is_left_alone() {
        let mut unlock = Unlock::new();
        for second in [0, 600, 100_000] {
            assert_eq!(unlock.look(at(second), Sight { selected: None, ..DARK }), Step::Idle, "{second}");
        }
        assert_eq!(
            unlock.look(at(100_001), DARK),
            Step::Until(at(100_601)),
            "it counts from its selection on"
        );
    }

    #[test]
    fn zero_means_never() {
        let never = Sight { selected: Some(Selected { after: Duration::ZERO, ..SELECTED }), ..DARK };
        let mut unlock = Unlock::new();
        for second in [0, 600, 100_000] {
            assert_eq!(unlock.look(at(second), never), Step::Idle, "{second}");
        }
    }

    #[test]
    fn the_time_of_a_service_that_is_not_wanted_up_is_not_counted() {
        let mut unlock = dark();
        for second in [500, 605, 5_000] {
            let down = Sight { wanted_up: Some(false), ..DARK };
            assert_eq!(unlock.look(at(second), down), Step::Watch, "{second}");
        }
        assert_eq!(unlock.look(at(5_001), DARK), Step::Until(at(5_601)));
    }

    #[test]
    fn a_link_that_cannot_be_looked_at_is_no_missing_link_and_no_link() {
        let mut unlock = dark();
        assert_eq!(unlock.look(at(700), Sight { address: None, ..DARK }), Step::Watch);
        assert_eq!(unlock.look(at(701), DARK), Step::Unlock);
        let mut unlock = Unlock::new();
        for second in [0, 10_000] {
            assert_eq!(unlock.look(at(second), Sight { address: None, ..DARK }), Step::Watch);
        }
    }

    #[test]
    fn a_want_that_is_not_known_is_left_to_the_take() {
        let unknown = Sight { wanted_up: None, ..DARK };
        let mut unlock = Unlock::new();
        assert_eq!(unlock.look(at(0), unknown), Step::Until(at(600)));
        assert_eq!(unlock.look(at(600), unknown), Step::Unlock);
    }

    #[test]
    fn a_scan_in_progress_is_not_disturbed() {
        let mut unlock = dark();
        let scanning = Sight { in_hand: true, ..DARK };
        assert_eq!(unlock.look(at(605), scanning), Step::Watch);
        assert_eq!(unlock.look(at(606), DARK), Step::Unlock);
    }

    #[test]
    fn a_later_selection_has_its_own_time() {
        let mut unlock = dark();
        let later = Sight { selected: Some(Selected { number: 2, ..SELECTED }), ..DARK };
        assert_eq!(unlock.look(at(605), later), Step::Until(at(1_205)));
        assert_eq!(unlock.look(at(1_205), later), Step::Unlock);
    }

    #[test]
    fn a_failed_attempt_is_repeated_after_as_long_a_time() {
        let mut unlock = dark();
        assert_eq!(unlock.look(at(605), DARK), Step::Unlock);
        unlock.failed(at(640));
        assert_eq!(unlock.look(at(641), DARK), Step::Until(at(1_240)));
        assert_eq!(unlock.look(at(1_240), DARK), Step::Unlock);
        assert_eq!(
            unlock.look(at(1_250), Sight { selected: None, ..DARK }),
            Step::Idle,
            "accepted: no record"
        );
    }

    #[test]
    fn what_an_earlier_process_saw_counts_for_the_same_selection_only() {
        let mut same = Unlock::resume(1, Some(at(5)));
        assert_eq!(same.look(at(605), DARK), Step::Unlock);
        let mut other = Unlock::resume(7, Some(at(5)));
        assert_eq!(other.look(at(605), DARK), Step::Until(at(1_205)));
    }

    #[test]
    fn late_looks_make_the_time_longer_and_change_no_decision() {
        for late in [0, 1, 59, 3_600] {
            let mut unlock = Unlock::new();
            assert_eq!(unlock.look(at(late), DARK), Step::Until(at(late + 600)));
            assert_eq!(unlock.look(at(late + 600 + late), DARK), Step::Unlock);
        }
    }
}
