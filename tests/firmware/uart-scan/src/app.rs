//! The whole firmware: its PPP dials, a scan takes the UART, the PPP gets it back.

use core::fmt;

use cellscan_core::carrier::Plmn;
use cellscan_core::driver::Driver;
use cellscan_core::port::SansIo;
use cellscan_core::scan::gate::{Origin, Request};
use cellscan_core::scan::policy::Timeouts;
use cellscan_core::scan::{Event, Failure, Outcome, Policy, Scanner};
use cellscan_core::supervisor::{Levels, OwnPpp};
use cellscan_core::time::{Instant, Span};

use crate::dial_up::DialUp;

#[cfg(test)]
mod tests;

/// The time-out of the link before and after the scan; redials included.
const LINK_MAX: Span = Span::from_secs(60);

/// For an emulated modem, which searches for two seconds where a real one takes minutes: [`Policy::DEFAULT`] is for that.
pub const EMULATED: Policy = Policy {
    searches: 1,
    timeouts: Timeouts { search: Span::from_secs(8), ..Timeouts::DEFAULT },
    ..Policy::DEFAULT
};

/// The result of the firmware.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Ending {
    /// A carrier was chosen, and the link is up over it.
    Chosen(Plmn),
    /// No carrier was chosen, and the link is up again.
    GivenBack(Failure),
    /// There is no link.
    NoLink,
}

impl Ending {
    /// Like the exit codes of the Linux program: 0 a carrier was chosen, 1 none was and the link was given back, 111 neither.
    #[must_use]
    pub const fn exit_code(self) -> i32 {
        match self {
            Self::Chosen(_) => 0,
            Self::GivenBack(_) => 1,
            Self::NoLink => 111,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen(plmn) => write!(f, "link up over {plmn}"),
            Self::GivenBack(failure) => write!(f, "link up as before: {}", failure.name()),
            Self::NoLink => f.write_str("no link"),
        }
    }
}

/// News of the firmware.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum News {
    /// An event of the scan.
    Scan(Event),
    /// An error of the port; the scan knows it.
    Trouble,
    /// The firmware has ended.
    Ended(Ending),
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The PPP dials for the first time.
    Dialling {
        until: Instant,
    },
    Scanning,
    /// The scan has ended with this result; the PPP dials again.
    Returning {
        until: Instant,
        outcome: Outcome,
    },
    Ended,
}

/// The firmware, without I/O. The caller of [`App::poll`] is its executor: a loop around `wfi`, an RTOS task, an async task.
#[derive(Debug)]
pub struct App<'a> {
    ppp: DialUp<'a>,
    levels: &'a Levels,
    driver: Driver<SansIo, OwnPpp<&'a Levels>>,
    stage: Stage,
}

impl<'a> App<'a> {
    /// Dials at the first poll.
    pub fn new(levels: &'a Levels, policy: Policy, now: Instant) -> Self {
        let driver = Driver::new(SansIo::new(), OwnPpp::new(levels), policy);
        Self { ppp: DialUp::new(levels), levels, driver, stage: Stage::Dialling { until: now + LINK_MAX } }
    }

    /// Takes in what the modem sent: it goes to the PPP or to the scan, whichever has the UART.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if self.levels.has_uart.get() {
            self.ppp.receive(now, bytes);
        } else {
            self.driver.receive(now, bytes);
        }
    }

    /// The bytes to be sent to the modem, to be asked for after each [`App::poll`].
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        if self.ppp.transmit().is_empty() { self.driver.transmit() } else { self.ppp.transmit() }
    }

    /// The first `count` bytes of [`App::transmit`] were sent.
    pub fn transmitted(&mut self, count: usize) {
        if self.ppp.transmit().is_empty() {
            self.driver.transmitted(count);
        } else {
            self.ppp.transmitted(count);
        }
    }

    /// Does what can be done at `now`; `None` until a byte has come or [`App::next_deadline`] has passed.
    pub fn poll(&mut self, now: Instant) -> Option<News> {
        self.ppp.poll(now, self.driver.is_open());
        if let Some(ending) = self.change_stage(now) {
            self.stage = Stage::Ended;
            return Some(News::Ended(ending));
        }
        match self.driver.poll(now) {
            Ok(event) => Some(self.noted(now, event)),
            // Until a byte has come, or `self.driver.next_deadline()` has passed.
            Err(nb::Error::WouldBlock) => None,
            // The scan knows it and goes on.
            Err(nb::Error::Other(_)) => Some(News::Trouble),
        }
    }

    /// The latest time for the next [`App::poll`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let stage = match self.stage {
            Stage::Dialling { until } | Stage::Returning { until, .. } => Some(until),
            Stage::Scanning | Stage::Ended => None,
        };
        [stage, self.ppp.next_deadline(), self.driver.next_deadline()].into_iter().flatten().min()
    }

    /// The machine, with its carriers.
    #[must_use]
    pub const fn scanner(&self) -> &Scanner {
        self.driver.scanner()
    }

    fn noted(&mut self, now: Instant, event: Event) -> News {
        if let Event::Finished(outcome) = event {
            self.stage = Stage::Returning { until: now + LINK_MAX, outcome };
        }
        News::Scan(event)
    }

    fn change_stage(&mut self, now: Instant) -> Option<Ending> {
        let linked = self.levels.link.get();
        match self.stage {
            Stage::Dialling { .. } if linked => {
                self.stage = Stage::Scanning;
                self.driver.request(now, Request { id: 1, origin: Origin::Manual });
                None
            }
            Stage::Returning { outcome, .. } if linked => Some(self.ending(outcome)),
            Stage::Dialling { until } | Stage::Returning { until, .. } if now >= until => {
                Some(Ending::NoLink)
            }
            Stage::Dialling { .. } | Stage::Scanning | Stage::Returning { .. } | Stage::Ended => None,
        }
    }

    fn ending(&self, outcome: Outcome) -> Ending {
        match (outcome, self.driver.report().selected) {
            (Outcome::Failed(failure), _) => Ending::GivenBack(failure),
            (Outcome::Complete, Some(plmn)) => Ending::Chosen(plmn),
            (Outcome::Complete, None) => Ending::GivenBack(Failure::NoCarrier),
        }
    }
}
