//! When a service counts as given back, and when to ask again: for the guard, for `restore`, and in the simulator.
//!
//! It is asked for at least once with any record, since a `d` of the dead scan may still be unread (`runsv` sleeps for a second
//! after a crash). It is given back once `supervise/control` was seen empty and the record read after
//! that shows the wanted state: `runsv` answers bytes in order, so every `d` before ours is answered by then.
//!
//! The requests never stop. No constant of time decides that a service stays down: a `runsv` that is frozen for an hour obeys in
//! the end, and a `runsv` that is gone is followed by another.

use core::time::Duration;

use cellscan_core::supervisor::Want;
use cellscan_core::time::Instant;

use crate::{Identity, Reading};

/// Pause between the first request and the second. `runsv` answers within 1.1 s unless it is frozen (measured: runit).
pub const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Longest pause between two later requests: soon enough for a supervisor that comes back, and no load on a gateway.
pub const AGAIN_AFTER_MAX: Duration = Duration::from_secs(8);

/// The observed state of the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Observation {
    /// Another scan has taken the service since, and the obligation with it.
    pub adopted: bool,
    /// The service's name still means this service. If not, its new supervisor starts the service in the new directory.
    pub named: bool,
    /// A supervisor is present.
    pub supervised: bool,
    /// The record; `None` if it cannot be read.
    pub reading: Option<Reading>,
}

/// How the giving back ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The record shows the wanted state.
    GivenBack,
    /// Another scan has the service.
    Adopted,
    /// The name means another service.
    Renamed,
}

/// The next step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Write this want to `supervise/control`, report the result by [`HandBack::sent`], and look again.
    Ask(Want),
    /// Look again when the record changes, and at this time at the latest.
    Wait(Instant),
    /// The end.
    Done(End),
}

/// The giving back of one service.
#[derive(Clone, Debug)]
pub struct HandBack {
    want: Want,
    again_at: Option<Instant>,
    pause: Duration,
    /// When to accept that the name means another service.
    unnamed: Option<Instant>,
    /// Requested since the last moment without a supervisor.
    asked: bool,
    /// The record before the last request.
    before: Option<Identity>,
}

impl HandBack {
    /// Gives back to this wanted state.
    #[must_use]
    pub const fn new(want: Want) -> Self {
        Self { want, again_at: None, pause: AGAIN_AFTER, unnamed: None, asked: false, before: None }
    }

    /// Decides the next step.
    pub fn step(&mut self, now: Instant, observation: Observation) -> Step {
        if observation.adopted {
            return Step::Done(End::Adopted);
        }
        if observation.named {
            self.unnamed = None;
        } else {
            // An upgrade of a package recreates the directory: for a moment the name means nothing.
            let until = *self.unnamed.get_or_insert(now + AGAIN_AFTER);
            return if now < until { Step::Wait(until) } else { Step::Done(End::Renamed) };
        }
        if !observation.supervised {
            self.asked = false;
        }
        if let Some(reading) = observation.reading.filter(|_| self.asked)
            && reading.unread == Some(0)
            && self.is_shown(reading)
        {
            return Step::Done(End::GivenBack);
        }
        match self.again_at {
            Some(at) if now < at => Step::Wait(at),
            Some(_) | None => Step::Ask(self.want),
        }
    }

    /// Reports whether the byte was written, and the record before that.
    pub fn sent(&mut self, now: Instant, written: bool, before: Option<Identity>) {
        if written {
            (self.asked, self.before) = (true, before);
        }
        self.again_at = Some(now + self.pause);
        self.pause = self.pause.saturating_mul(2).min(AGAIN_AFTER_MAX);
    }

    fn is_shown(&self, reading: Reading) -> bool {
        match self.want {
            Want::Up => reading.want_up,
            // A service that is to run once may have done so before the look.
            Want::Once => reading.runs || Some(reading.identity) != self.before,
            Want::Down => !reading.want_up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Reading = Reading {
        identity: Identity { device: 1, inode: 1, modified: (0, 0) },
        want_up: false,
        at_rest: true,
        runs: false,
        unread: Some(0),
        settled: false,
    };
    const UP: Reading = Reading {
        identity: Identity { inode: 2, ..HELD.identity },
        want_up: true,
        at_rest: false,
        runs: true,
        unread: Some(0),
        settled: false,
    };

    const fn with(reading: Reading) -> Observation {
        Observation { adopted: false, named: true, supervised: true, reading: Some(reading) }
    }

    const fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn there_is_at_least_one_request_even_if_the_record_says_up() {
        let mut back = HandBack::new(Want::Up);
        assert_eq!(back.step(at(0), with(UP)), Step::Ask(Want::Up));
        back.sent(at(0), true, Some(UP.identity));
        let unread = Reading { unread: Some(2), ..UP };
        assert_eq!(back.step(at(1), with(unread)), Step::Wait(at(1_000)), "a `d` may be among them");
        assert_eq!(back.step(at(2), with(UP)), Step::Done(End::GivenBack));
    }

    #[test]
    fn requests_never_stop_while_the_supervisor_is_frozen() {
        let mut back = HandBack::new(Want::Up);
        let (mut now, mut asked) = (at(0), 0);
        while now < at(3_600_000) {
            match back.step(now, with(Reading { unread: Some(1), ..HELD })) {
                Step::Ask(_) => {
                    asked += 1;
                    back.sent(now, true, Some(HELD.identity));
                }
                Step::Wait(until) => {
                    assert!(until > now && until <= now + AGAIN_AFTER_MAX);
                    now = until;
                }
                Step::Done(end) => panic!("{end:?}"),
            }
        }
        assert!(asked > 400, "{asked}");
        assert_eq!(back.step(now, with(UP)), Step::Done(End::GivenBack));
    }

    #[test]
    fn a_request_to_a_dead_supervisor_does_not_count() {
        let mut back = HandBack::new(Want::Up);
        back.sent(at(0), true, None);
        let gone = Observation { supervised: false, ..with(UP) };
        assert_eq!(
            back.step(at(10), gone),
            Step::Wait(at(1_000)),
            "its record says up, and no supervisor keeps it up"
        );
        assert_eq!(back.step(at(1_000), with(UP)), Step::Ask(Want::Up));
        back.sent(at(1_000), true, Some(UP.identity));
        assert_eq!(back.step(at(1_001), with(UP)), Step::Done(End::GivenBack));
    }

    #[test]
    fn a_service_to_run_once_is_given_back_by_a_record_of_its_own() {
        let mut back = HandBack::new(Want::Once);
        back.sent(at(0), true, Some(HELD.identity));
        assert_eq!(back.step(at(1), with(HELD)), Step::Wait(at(1_000)));
        let ended = Reading { identity: Identity { inode: 7, ..HELD.identity }, ..HELD };
        assert_eq!(back.step(at(2), with(ended)), Step::Done(End::GivenBack));
    }

    #[test]
    fn an_adopted_or_renamed_service_is_left_alone() {
        let mut back = HandBack::new(Want::Up);
        let adopted = Observation { adopted: true, ..with(HELD) };
        assert_eq!(back.step(at(0), adopted), Step::Done(End::Adopted));
        let renamed = Observation { named: false, ..with(HELD) };
        assert_eq!(back.step(at(0), renamed), Step::Wait(at(1_000)));
        assert_eq!(back.step(at(1_000), renamed), Step::Done(End::Renamed));
    }
}
