//! Days, months, and one clock for the stamps of a log.

use super::super::event::Millis;
use super::{Origin, Stamp};

/// Milliseconds of a day.
pub const DAY_MS: Millis = 24 * 3_600_000;
/// Milliseconds of the leap year that stamps without a year count in.
const YEAR_MS: Millis = 366 * DAY_MS;

/// Days from 1970-01-01 of a date of the Gregorian calendar.
#[must_use]
pub const fn days(year: Millis, month: Millis, day: Millis) -> Millis {
    // Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The first letters of the months in the languages of glibc's locales, without accents where they stand in ASCII.
/// Where two languages mean two months by one word, the word is left out.
const NAMES: [&str; 12] = [
    "jan ene gen sty led oca tam янв",
    "feb fev fév úno lut şub hel фев",
    "mar mär mrt mrz maa bře már мар",
    "apr abr avr kwi dub nis huh ápr апр",
    "may mai mag maj mei kvě tou máj мая май",
    "jun giu juin cze čer haz kes jún июн",
    "jul lug juil lip čvc tem hei júl июл",
    "aug ago aoû sie srp ağu elo авг",
    "sep set szept wrz zář eyl syy сен",
    "oct okt ott out paź říj eki lok окт",
    "nov lis kas marras ноя",
    "dec dic dez déc des gru pro ara jou дек",
];

/// The number, from 1, of a month: the word up to a point, in any of the languages of the table above, in any case.
#[must_use]
pub fn month(name: &[u8]) -> Option<Millis> {
    let word = core::str::from_utf8(name).ok()?.trim_end_matches(['.', ',']);
    let letters = word.chars().count();
    if !(3..=12).contains(&letters) {
        return None;
    }
    let lower = word.to_lowercase();
    // The whole word first: `marras` is November, and begins as March does.
    let at = NAMES
        .iter()
        .position(|names| names.split(' ').any(|name| name == lower))
        .or_else(|| NAMES.iter().position(|names| names.split(' ').any(|name| lower.starts_with(name))))?;
    Millis::try_from(at + 1).ok()
}

/// Makes one clock of the stamps of a log: a time without a year goes on over New Year, a clock over midnight.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    of_year: Turning,
    of_day: Turning,
}

/// A clock that begins again.
#[derive(Clone, Debug, Default)]
struct Turning {
    last: Option<Millis>,
    added: Millis,
}

impl Turning {
    fn place(&mut self, at: Millis, period: Millis) -> Millis {
        let mut at = at.saturating_add(self.added);
        if let Some(last) = self.last {
            // Lines of several writers are out of order by seconds; half a period back is the next year or day.
            if at < last - period / 2 {
                self.added = self.added.saturating_add(period);
                at = at.saturating_add(period);
            } else if self.added > 0 && at > last + period / 2 {
                at -= period;
            }
        }
        self.last = Some(at);
        at
    }
}

impl Calendar {
    /// The time of a stamp on the log's clock.
    pub fn place(&mut self, stamp: &Stamp<'_>) -> Millis {
        match stamp.origin {
            Origin::Year => self.of_year.place(stamp.at, YEAR_MS),
            Origin::Midnight => self.of_day.place(stamp.at, DAY_MS),
            Origin::Epoch | Origin::Boot => stamp.at,
        }
    }
}
