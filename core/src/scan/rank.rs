//! The ranking of carriers: a pure function of the measurements.

use core::cmp::Ordering;

use crate::carrier::{AccessTechnology, Carriers, Plmn, Strength, Trial};

/// The parameters of the ranking.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ranking {
    /// How much better than the carrier before the scan, or than the chosen one whose signal was read again, another carrier must be,
    /// dB: a change costs an outage of its own.
    pub hysteresis_db: i16,
    /// Below this RSSI a carrier is chosen only where there is no other, dBm.
    pub usable_rssi_dbm: i16,
    /// Below this RSRP a carrier is chosen only where there is no other, dBm.
    pub usable_rsrp_dbm: i16,
}

impl Ranking {
    /// 6 dB: over six scans of one gateway that did not move, the values of a carrier spread by 2.2 to 5.2 dB (one sigma: 1.1, 1.3 and
    /// 2.6 steps of `+CSQ`). RSSI −107 dBm (`+CSQ` 3) and RSRP −120 dBm are where LTE links are at their edge.
    pub const DEFAULT: Self = Self { hysteresis_db: 6, usable_rssi_dbm: -107, usable_rsrp_dbm: -120 };
}

/// The quantity that the ranking compares: RSRP where every registered carrier has it, else RSSI, so that it never
/// compares one with the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Measure {
    Rsrp,
    Rssi,
}

impl Measure {
    fn common(carriers: &Carriers) -> Self {
        let mut measured =
            carriers.iter().filter_map(|carrier| registered(carrier.trial)).filter(Strength::is_known);
        if measured.all(|strength| strength.rsrp_dbm.is_some()) { Self::Rsrp } else { Self::Rssi }
    }

    const fn of(self, strength: Strength) -> Option<i16> {
        match self {
            Self::Rsrp => strength.rsrp_dbm,
            Self::Rssi => strength.rssi_dbm,
        }
    }

    const fn usable(self, ranking: Ranking) -> i16 {
        match self {
            Self::Rsrp => ranking.usable_rsrp_dbm,
            Self::Rssi => ranking.usable_rssi_dbm,
        }
    }
}

const fn registered(trial: Trial) -> Option<Strength> {
    match trial {
        Trial::Registered(strength) => Some(strength),
        Trial::Untried | Trial::Refused(_) | Trial::TimedOut | Trial::Lost => None,
    }
}

/// The index of the best carrier that registered: usable signal first, by dBm with hysteresis in favour of `before`
/// (another must be better by more than that), then the access technology, then list order. `None` where none registered.
#[must_use]
pub fn best(carriers: &Carriers, before: Option<Plmn>, ranking: &Ranking) -> Option<usize> {
    let measure = Measure::common(carriers);
    let key = |index: usize| {
        let carrier = carriers.get(index)?;
        let dbm = measure.of(registered(carrier.trial)?);
        let stays = Some(carrier.plmn) == before;
        let bonus = if stays { ranking.hysteresis_db } else { 0 };
        let usable = dbm.is_some_and(|dbm| dbm >= measure.usable(*ranking));
        let technology = carrier.technologies.best().map_or(0, AccessTechnology::preference);
        Some((usable, dbm.map(|dbm| dbm.saturating_add(bonus)), stays, technology))
    };
    let mut best: Option<usize> = None;
    for index in 0..carriers.len() {
        let Some(candidate) = key(index) else { continue };
        let better = best.and_then(key).is_none_or(|best| candidate.cmp(&best) == Ordering::Greater);
        if better {
            best = Some(index);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::{Availability, Name, Technologies};

    fn strength(rssi: i16) -> Strength {
        Strength { rssi_dbm: Some(rssi), ..Strength::default() }
    }

    fn carriers(trials: &[(&str, u8, Trial)]) -> Carriers {
        let mut carriers = Carriers::new();
        for (index, (digits, act, trial)) in trials.iter().enumerate() {
            let mut technologies = Technologies::NONE;
            technologies.insert(AccessTechnology(*act));
            let plmn = Plmn::parse(digits.as_bytes()).unwrap();
            carriers.insert(plmn, &Name::default(), Availability::Available, technologies);
            carriers.get_mut(index).unwrap().trial = *trial;
        }
        carriers
    }

    fn best_of(trials: &[(&str, u8, Trial)], before: Option<&str>) -> Option<usize> {
        let before = before.map(|digits| Plmn::parse(digits.as_bytes()).unwrap());
        best(&carriers(trials), before, &Ranking::DEFAULT)
    }

    #[test]
    fn the_strongest_carrier_wins_and_of_equals_the_first_listed() {
        let trials = [
            ("310260", 7, Trial::Registered(strength(-81))),
            ("310410", 7, Trial::Registered(strength(-63))),
            ("311480", 7, Trial::Registered(strength(-63))),
            ("313100", 7, Trial::Refused(Some(30))),
        ];
        assert_eq!(best_of(&trials, None), Some(1));
    }

    #[test]
    fn the_carrier_before_the_scan_stays_unless_another_is_clearly_better() {
        let trials = [
            ("310410", 7, Trial::Registered(strength(-69))),
            ("311480", 7, Trial::Registered(strength(-71))),
        ];
        assert_eq!(best_of(&trials, Some("311480")), Some(1));
        let clearly = [
            ("310410", 7, Trial::Registered(strength(-63))),
            ("311480", 7, Trial::Registered(strength(-71))),
        ];
        assert_eq!(best_of(&clearly, Some("311480")), Some(0));
    }

    #[test]
    fn a_carrier_that_is_better_by_the_hysteresis_and_no_more_is_not_chosen() {
        let trials = |better: i16| {
            [
                ("310410", 7, Trial::Registered(strength(-71 + better))),
                ("311480", 0, Trial::Registered(strength(-71))),
            ]
        };
        assert_eq!(best_of(&trials(6), Some("311480")), Some(1));
        assert_eq!(best_of(&trials(7), Some("311480")), Some(0));
    }

    #[test]
    fn hysteresis_does_not_make_an_unusable_signal_usable() {
        let trials = [
            ("310410", 7, Trial::Registered(strength(-109))),
            ("311480", 0, Trial::Registered(strength(-107))),
        ];
        assert_eq!(best_of(&trials, Some("310410")), Some(1));
    }

    #[test]
    fn rsrp_is_never_compared_with_rssi() {
        let lte = Strength { rssi_dbm: Some(-71), rsrp_dbm: Some(-101), rsrq_db10: None };
        let trials = [("310410", 7, Trial::Registered(lte)), ("311480", 2, Trial::Registered(strength(-85)))];
        assert_eq!(best_of(&trials, None), Some(0), "−71 dBm RSSI against −85 dBm RSSI");
    }

    #[test]
    fn of_equal_signals_the_better_technology_wins() {
        let trials = [
            ("310260", 0, Trial::Registered(strength(-71))),
            ("310410", 7, Trial::Registered(strength(-71))),
        ];
        assert_eq!(best_of(&trials, None), Some(1));
    }

    #[test]
    fn an_unknown_signal_beats_no_registration_and_no_registration_gives_none() {
        let unknown = Trial::Registered(Strength::default());
        assert_eq!(best_of(&[("310260", 7, Trial::TimedOut), ("310410", 7, unknown)], None), Some(1));
        assert_eq!(best_of(&[("310260", 7, Trial::TimedOut), ("310410", 7, Trial::Lost)], None), None);
    }
}
