//! The policy of a scan: time-outs with their sources, bounds, strategy.

use crate::time::Span;

use super::rank::Ranking;

/// What ends the trials.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Strategy {
    /// Every candidate is tried; the best wins.
    Full,
    /// The first carrier at or above this RSSI in dBm ends the trials. Where another is left to try, it must still be so
    /// [`Policy::confirm`] after its selection.
    GoodEnough(i16),
    /// Tries remembered carriers first, the likeliest first. The first at or above this RSSI in dBm, and not below its own remembered
    /// value by more than the hysteresis, ends the scan; where none is so good, the network is searched, and the others are tried as
    /// with [`Strategy::GoodEnough`]. The value must still be so [`Policy::confirm`] after the selection.
    Adaptive(i16),
    /// Skips the network search (the longest part of the outage) and tries remembered carriers only. Without a remembered
    /// carrier it is [`Strategy::Full`].
    Quick,
}

/// What to do when the link does not come up over the chosen carrier.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NoLink {
    /// Complete the scan and report the missing link.
    Warn,
    /// Stop the service again and try the next best carrier, as long as the budget lasts.
    NextBest,
}

/// The time-out of each step.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Timeouts {
    /// From `take` to its answer.
    pub take: Span,
    /// From `d` to "wanted down" in the status record. runsv may sleep off a crash for a second and run a control
    /// script (runsv.c: main, custom) before it reads the byte.
    pub want: Span,
    /// From `d` to "down". pppd ends its link first: two terminate requests of 3 s, a disconnect script, ip-down scripts
    /// for 5 s (pppd 2.4.9: fsm.h, main.c).
    pub down: Span,
    /// From `d` to its repetition: pppd can lose a TERM that comes just before it opens the line (ppp #75), and a second one
    /// does no harm.
    pub down_again: Span,
    /// From TERM to KILL for the remaining processes of a service that is down.
    pub term: Span,
    /// From KILL to the end of the process.
    pub kill: Span,
    /// From the death of a supervisor to its successor: `runsvdir` looks every 5 s (runsvdir.c), measured 2.8–4.1 s.
    pub supervisor: Span,
    /// For the port to open, retries included: a USB modem's port came back after some 10 s in a field log.
    pub open: Span,
    /// For a command that only sets or reads.
    pub read: Span,
    /// For `AT+COPS=2`. Field logs: 1.4 s; modems wait for the network to confirm the detach.
    pub deregister: Span,
    /// For `AT+COPS=?`. Field logs: 59–101 s; vendor manuals state 180 s (Quectel, u-blox).
    pub search: Span,
    /// From `AT+COPS=1,2,…` to "registered there". Field logs: 5.4–11.5 s; 3GPP sets no bound, manuals state up to 180 s.
    pub register: Span,
    /// For measuring the signal once registered.
    pub signal: Span,
    /// From the last `OK` to "registered there", for the chosen carrier.
    pub verify: Span,
    /// For restoring the registration from before the scan. Reserved in the outage budget.
    pub restore: Span,
    /// From `u` to "wanted up". runsv may sleep for a second and run a `finish` script in between; the request is repeated
    /// every second. Reserved in the outage budget.
    pub give_back: Span,
    /// From "wanted up" to an interface with an address. Field logs: 1.7–3 s.
    pub link: Span,
}

impl Timeouts {
    /// The times stated at each field.
    pub const DEFAULT: Self = Self {
        take: Span::from_secs(10),
        want: Span::from_secs(5),
        down: Span::from_secs(20),
        down_again: Span::from_secs(3),
        term: Span::from_secs(15),
        kill: Span::from_secs(2),
        supervisor: Span::from_secs(8),
        open: Span::from_secs(20),
        read: Span::from_secs(5),
        deregister: Span::from_secs(30),
        search: Span::from_secs(180),
        register: Span::from_secs(45),
        signal: Span::from_secs(10),
        verify: Span::from_secs(15),
        restore: Span::from_secs(20),
        give_back: Span::from_secs(10),
        link: Span::from_secs(60),
    };
}

/// The policy of a scan. [`Policy::DEFAULT`] suits a gateway about which nothing is known.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Policy {
    /// What ends the trials.
    pub strategy: Strategy,
    /// The longest time that the link may be away, from `d` to the service given back. The time-outs of restoring and giving
    /// back are reserved in it. [`Span::MAX`]: without end.
    pub budget: Span,
    /// The time-out of each step.
    pub timeouts: Timeouts,
    /// From the carrier in `+COPS?` to the first reading of the signal: an earlier reading is still the last carrier's (field
    /// log: six carriers between 16 and 17). Each reading takes a modem up to a second more. Not waited for on a carrier that
    /// the modem has not left.
    pub settle: Span,
    /// From the selection of the chosen carrier to the second reading of its signal: a modem may report the level of the first moment
    /// for some seconds (field logs: `+CSQ` 25 one second after the `OK`, 17 five seconds later, 15 a minute later). Zero: it is not
    /// read again.
    pub confirm: Span,
    /// Signal readings for each carrier, at most [`SAMPLES_MAX`]; the median counts.
    pub samples: u8,
    /// The poll interval of the registration, and of the signal where a reading is "unknown".
    pub poll: Span,
    /// How often the scan sends `AT+COPS=?` before it gives up.
    pub searches: u8,
    /// How often the scan asks for down again after another client brought the service up, before it yields.
    pub retakes: u8,
    /// How often the scan reopens a port that went away.
    pub reopens: u8,
    /// Whether carriers listed as forbidden are tried, last, where no other carrier can be used.
    pub try_forbidden: bool,
    /// Whether the modem deregisters before the search; some modems otherwise list only what the serving network reaches.
    pub deregister: bool,
    /// How carriers are ranked.
    pub ranking: Ranking,
    /// What to do when no link comes up.
    pub no_link: NoLink,
}

/// Signal readings for one carrier, at most.
pub const SAMPLES_MAX: usize = 5;

impl Policy {
    /// The policy for a gateway about which nothing is known.
    pub const DEFAULT: Self = Self {
        strategy: Strategy::Full,
        budget: Span::from_secs(300),
        timeouts: Timeouts::DEFAULT,
        settle: Span::from_millis(500),
        confirm: Span::from_secs(5),
        samples: 2,
        poll: Span::from_millis(500),
        searches: 2,
        retakes: 2,
        reopens: 3,
        try_forbidden: false,
        deregister: true,
        ranking: Ranking::DEFAULT,
        no_link: NoLink::Warn,
    };

    /// The part of the budget that is reserved for restoring the registration and giving the service back.
    #[must_use]
    pub const fn reserve(&self) -> Span {
        self.timeouts.restore.saturating_add(self.timeouts.give_back)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const _: () = assert!(
    Policy::DEFAULT.reserve().as_secs() + Timeouts::DEFAULT.search.as_secs()
        < Policy::DEFAULT.budget.as_secs(),
    "a search that lasts as long as its time-out must leave time for a trial"
);
const _: () = assert!(Timeouts::DEFAULT.down_again.as_secs() < Timeouts::DEFAULT.down.as_secs());
