//! How far a choice was from the best one, by what the record shows of each carrier some seconds after its selection.

use super::habits::Habits;
use super::scans::Listed;

/// `<rssi>` of each carrier as it lasts; where the record has no later value, the one after the selection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lasting(Vec<(String, u8)>);

impl Lasting {
    /// Of these operators. `lines`: those of the scan, whose values count before others.
    #[must_use]
    pub fn of(operators: &[Listed], habits: &Habits, lines: (u64, u64)) -> Self {
        let value = |plmn: &str| habits.later_signal(plmn, lines).or_else(|| habits.signal(plmn, lines));
        let plmns = operators.iter().filter_map(|listed| listed.plmn.as_deref());
        Self(plmns.filter_map(|plmn| Some((plmn.to_owned(), value(plmn)?.1))).collect())
    }

    /// The level of the best carrier minus that of the chosen one, in dB (3GPP TS 27.007 §8.5: a step is 2 dB). `None`: the record has
    /// no value of the chosen one.
    #[must_use]
    pub fn regret_db(&self, chosen: &str) -> Option<u16> {
        let (_, of_chosen) = self.0.iter().find(|(plmn, _)| plmn == chosen)?;
        let best = self.0.iter().map(|(_, rssi)| *rssi).max()?;
        Some(u16::from(best.saturating_sub(*of_chosen)) * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_regret_is_the_distance_to_the_best_lasting_value() {
        let lasting =
            Lasting(vec![("310410".to_owned(), 14), ("311480".to_owned(), 22), ("310260".to_owned(), 16)]);
        assert_eq!(lasting.regret_db("310410"), Some(16));
        assert_eq!(lasting.regret_db("311480"), Some(0));
        assert_eq!(lasting.regret_db("313100"), None, "no value");
        assert_eq!(Lasting::default().regret_db("310410"), None);
    }
}
