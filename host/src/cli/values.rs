//! Values of the command line; an error is a sentence with what was found and what was wanted.

use std::time::Duration;

use cellscan_core::carrier::{Plmn, RSSI_DBM};
use cellscan_core::scan::Strategy;

/// RSSI at which a carrier is good enough by default, in dBm: `+CSQ` 19, four bars of five on most gateways.
const GOOD_ENOUGH_DBM: i16 = -75;
/// Seconds per unit.
const UNITS: [(char, u64); 3] = [('h', 3_600), ('m', 60), ('s', 1)];
/// Largest number of digits of one number: more than any real value, and it cannot overflow.
const DIGITS_MAX: usize = 6;

/// A time such as `90s`, `2m`, `1m30s`, or `150` (seconds).
///
/// # Errors
/// A sentence: what was found, what was wanted.
///
/// ```
/// use cellscan::cli::values::duration;
/// assert_eq!(duration("1m30s").unwrap().as_secs(), 90);
/// assert!(duration("90 apples").is_err());
/// ```
pub fn duration(text: &str) -> Result<Duration, String> {
    read_duration(text)
        .ok_or_else(|| format!("found {text:?}, wanted a time such as 90s, 2m, 1m30s or 150 (seconds)"))
}

fn read_duration(text: &str) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text).map(Duration::from_secs);
    }
    let mut seconds = 0;
    let mut units = UNITS.iter();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(|character: char| !character.is_ascii_digit())?;
        let (digits, tail) = rest.split_at(at);
        let mut characters = tail.chars();
        let unit = characters.next()?;
        // Each unit once, the larger first.
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        seconds += number(digits)? * factor;
        rest = characters.as_str();
    }
    Some(Duration::from_secs(seconds))
}

fn number(digits: &str) -> Option<u64> {
    if digits.len() > DIGITS_MAX { None } else { digits.parse().ok() }
}

/// `full`, `good-enough`, `adaptive`, or one of the latter two with a level, such as `good-enough=-75`.
///
/// # Errors
/// A sentence: what was found, what was wanted.
pub fn strategy(text: &str) -> Result<Strategy, String> {
    match text.split_once('=') {
        None if text == "full" => Ok(Strategy::Full),
        None if text == "good-enough" => Ok(Strategy::GoodEnough(GOOD_ENOUGH_DBM)),
        None if text == "adaptive" => Ok(Strategy::Adaptive(GOOD_ENOUGH_DBM)),
        Some(("good-enough", dbm)) => level(dbm).map(Strategy::GoodEnough),
        Some(("adaptive", dbm)) => level(dbm).map(Strategy::Adaptive),
        None | Some(_) => Err(format!(
            "found {text:?}, wanted full, good-enough, adaptive, or a level with one of the latter two, as in good-enough=-75"
        )),
    }
}

fn level(dbm: &str) -> Result<i16, String> {
    let level = dbm.parse().ok().filter(|level| RSSI_DBM.contains(level));
    level.ok_or_else(|| {
        format!("found {dbm:?}, wanted a level from {} to {} dBm", RSSI_DBM.start(), RSSI_DBM.end())
    })
}

/// The five or six digits of a network.
///
/// # Errors
/// A sentence: what was found, what was wanted.
pub fn plmn(text: &str) -> Result<Plmn, String> {
    Plmn::parse(text.as_bytes()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_parsed_with_their_units() {
        for (text, seconds) in
            [("90s", 90), ("2m", 120), ("1m30s", 90), ("150", 150), ("1h", 3_600), ("0", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn a_value_that_is_no_time_is_named() {
        for text in ["", "s", "1.5s", "-3s", "30s1m", "1m1m", "5x", "9999999", "1m30", "٣s"] {
            let error = duration(text).unwrap_err();
            assert!(error.contains(&format!("{text:?}")) && error.contains("1m30s"), "{error}");
        }
    }

    #[test]
    fn a_level_has_a_range() {
        assert_eq!(strategy("good-enough"), Ok(Strategy::GoodEnough(-75)));
        assert_eq!(strategy("good-enough=-90"), Ok(Strategy::GoodEnough(-90)));
        assert_eq!(strategy("adaptive"), Ok(Strategy::Adaptive(-75)));
        assert_eq!(strategy("adaptive=-90"), Ok(Strategy::Adaptive(-90)));
        for text in ["good-enough=75", "good-enough=", "full=1", "best"] {
            assert!(strategy(text).is_err(), "{text}");
        }
    }
}
