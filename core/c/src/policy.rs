//! The policy of a scan in C.

use cellscan_core::carrier::RSSI_DBM;
use cellscan_core::scan::policy::{NoLink, SAMPLES_MAX, Timeouts};
use cellscan_core::scan::{self, Strategy as Core};
use cellscan_core::time::Span;

/// The default RSSI at which a carrier is good enough, dBm: `+CSQ` 19.
const GOOD_ENOUGH_DBM: i16 = -75;

/// What ends the trials.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Strategy {
    /// Every candidate is tried; the best wins.
    Full = 0,
    /// The first carrier at or above `good_enough_dbm` ends the trials.
    GoodEnough = 1,
    /// Skips the network search and tries remembered carriers only. Without one it is `CELLSCAN_STRATEGY_FULL`.
    Quick = 2,
    /// Tries remembered carriers first; where none is at or above `good_enough_dbm`, the network is searched.
    Adaptive = 3,
}

/// The policy of a scan. Fill it with `cellscan_policy_default`, then change single fields. Times are in
/// milliseconds.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// A `cellscan_strategy`.
    pub strategy: u32,
    /// RSSI of `CELLSCAN_STRATEGY_GOOD_ENOUGH`, dBm, -113 to -51.
    pub good_enough_dbm: i16,
    /// How much better than the carrier before the scan another carrier must be, dB.
    pub hysteresis_db: i16,
    /// Below this RSSI a carrier is chosen only where there is no other, dBm.
    pub usable_rssi_dbm: i16,
    /// Below this RSRP a carrier is chosen only where there is no other, dBm.
    pub usable_rsrp_dbm: i16,
    /// Signal readings for each carrier, 1 to 5; the median counts.
    pub samples: u8,
    /// How often the scan searches before it gives up, 1 at least.
    pub searches: u8,
    /// How often the scan asks for down again after another client brought the service up.
    pub retakes: u8,
    /// How often the scan reopens a port that went away.
    pub reopens: u8,
    /// Not 0: carriers listed as forbidden are tried where no other carrier can be used.
    pub try_forbidden: u8,
    /// Not 0: the modem deregisters before the search; some modems otherwise list only a part.
    pub deregister: u8,
    /// Not 0: where no link comes up over the chosen carrier the next best is tried. 0: the scan completes and reports it.
    pub next_best_without_link: u8,
    /// Reserved; 0.
    pub reserved: u8,
    /// The longest time that the link may be away. More than `restore_ms` and `give_back_ms` together, which are reserved in it.
    pub budget_ms: u32,
    /// From "registered" to the first reading of the signal.
    pub settle_ms: u32,
    /// From the selection of the chosen carrier to the second reading of its signal; 0: it is not read again.
    pub confirm_ms: u32,
    /// The poll interval of the registration.
    pub poll_ms: u32,
    /// From the request to take the service to its answer.
    pub take_ms: u32,
    /// From the request for down to "wanted down".
    pub want_ms: u32,
    /// From the request for down to "down".
    pub down_ms: u32,
    /// From the request for down to its repetition.
    pub down_again_ms: u32,
    /// From TERM to KILL for the remaining processes of the service.
    pub term_ms: u32,
    /// From KILL to the end of the process.
    pub kill_ms: u32,
    /// From the death of a supervisor to its successor.
    pub supervisor_ms: u32,
    /// For the port to open.
    pub open_ms: u32,
    /// For a command that only sets or reads.
    pub read_ms: u32,
    /// For `AT+COPS=2`.
    pub deregister_ms: u32,
    /// For `AT+COPS=?`, 1 at least. Modems take 60 to 180 s.
    pub search_ms: u32,
    /// From `AT+COPS=1,2,…` to "registered there", 1 at least.
    pub register_ms: u32,
    /// For measuring the signal.
    pub signal_ms: u32,
    /// For the chosen carrier to be registered.
    pub verify_ms: u32,
    /// For restoring the registration from before the scan.
    pub restore_ms: u32,
    /// From the request for up to "wanted up".
    pub give_back_ms: u32,
    /// From "wanted up" to a link.
    pub link_ms: u32,
}

impl Policy {
    /// The default of the core.
    #[must_use]
    pub fn sane() -> Self {
        let scan::Policy { timeouts, ranking, .. } = scan::Policy::DEFAULT;
        let policy = scan::Policy::DEFAULT;
        Self {
            strategy: Strategy::Full as u32,
            good_enough_dbm: GOOD_ENOUGH_DBM,
            hysteresis_db: ranking.hysteresis_db,
            usable_rssi_dbm: ranking.usable_rssi_dbm,
            usable_rsrp_dbm: ranking.usable_rsrp_dbm,
            samples: policy.samples,
            searches: policy.searches,
            retakes: policy.retakes,
            reopens: policy.reopens,
            try_forbidden: u8::from(policy.try_forbidden),
            deregister: u8::from(policy.deregister),
            next_best_without_link: u8::from(policy.no_link == NoLink::NextBest),
            reserved: 0,
            budget_ms: policy.budget.as_millis(),
            settle_ms: policy.settle.as_millis(),
            confirm_ms: policy.confirm.as_millis(),
            poll_ms: policy.poll.as_millis(),
            take_ms: timeouts.take.as_millis(),
            want_ms: timeouts.want.as_millis(),
            down_ms: timeouts.down.as_millis(),
            down_again_ms: timeouts.down_again.as_millis(),
            term_ms: timeouts.term.as_millis(),
            kill_ms: timeouts.kill.as_millis(),
            supervisor_ms: timeouts.supervisor.as_millis(),
            open_ms: timeouts.open.as_millis(),
            read_ms: timeouts.read.as_millis(),
            deregister_ms: timeouts.deregister.as_millis(),
            search_ms: timeouts.search.as_millis(),
            register_ms: timeouts.register.as_millis(),
            signal_ms: timeouts.signal.as_millis(),
            verify_ms: timeouts.verify.as_millis(),
            restore_ms: timeouts.restore.as_millis(),
            give_back_ms: timeouts.give_back.as_millis(),
            link_ms: timeouts.link.as_millis(),
        }
    }

    /// The policy of the core; `None` where a value is outside its stated range.
    #[must_use]
    pub fn meant(&self) -> Option<scan::Policy> {
        let strategy = match self.strategy {
            0 => Core::Full,
            1 if RSSI_DBM.contains(&self.good_enough_dbm) => Core::GoodEnough(self.good_enough_dbm),
            2 => Core::Quick,
            3 if RSSI_DBM.contains(&self.good_enough_dbm) => Core::Adaptive(self.good_enough_dbm),
            _ => return None,
        };
        let policy = scan::Policy {
            strategy,
            budget: Span::from_millis(self.budget_ms),
            timeouts: self.timeouts(),
            settle: Span::from_millis(self.settle_ms),
            confirm: Span::from_millis(self.confirm_ms),
            samples: self.samples,
            poll: Span::from_millis(self.poll_ms),
            searches: self.searches,
            retakes: self.retakes,
            reopens: self.reopens,
            try_forbidden: self.try_forbidden != 0,
            deregister: self.deregister != 0,
            ranking: scan::rank::Ranking {
                hysteresis_db: self.hysteresis_db,
                usable_rssi_dbm: self.usable_rssi_dbm,
                usable_rsrp_dbm: self.usable_rsrp_dbm,
            },
            no_link: if self.next_best_without_link == 0 { NoLink::Warn } else { NoLink::NextBest },
        };
        let sound = (1..=SAMPLES_MAX).contains(&usize::from(self.samples))
            && self.searches > 0
            && self.search_ms > 0
            && self.register_ms > 0
            && self.poll_ms > 0
            && self.reserved == 0
            && policy.budget > policy.reserve();
        sound.then_some(policy)
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts {
            take: Span::from_millis(self.take_ms),
            want: Span::from_millis(self.want_ms),
            down: Span::from_millis(self.down_ms),
            down_again: Span::from_millis(self.down_again_ms),
            term: Span::from_millis(self.term_ms),
            kill: Span::from_millis(self.kill_ms),
            supervisor: Span::from_millis(self.supervisor_ms),
            open: Span::from_millis(self.open_ms),
            read: Span::from_millis(self.read_ms),
            deregister: Span::from_millis(self.deregister_ms),
            search: Span::from_millis(self.search_ms),
            register: Span::from_millis(self.register_ms),
            signal: Span::from_millis(self.signal_ms),
            verify: Span::from_millis(self.verify_ms),
            restore: Span::from_millis(self.restore_ms),
            give_back: Span::from_millis(self.give_back_ms),
            link: Span::from_millis(self.link_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_of_c_is_the_default_of_the_core() {
        assert_eq!(Policy::sane().meant(), Some(scan::Policy::DEFAULT));
    }

    #[test]
    fn values_outside_their_range_give_none() {
        let sane = Policy::sane();
        for wrong in [
            Policy { strategy: 4, ..sane },
            Policy { strategy: 3, good_enough_dbm: -20, ..sane },
            Policy { strategy: 1, good_enough_dbm: -20, ..sane },
            Policy { samples: 0, ..sane },
            Policy { samples: 6, ..sane },
            Policy { searches: 0, ..sane },
            Policy { search_ms: 0, ..sane },
            Policy { budget_ms: sane.restore_ms + sane.give_back_ms, ..sane },
            Policy { reserved: 1, ..sane },
        ] {
            assert_eq!(wrong.meant(), None, "{wrong:?}");
        }
    }
}
