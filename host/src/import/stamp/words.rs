//! Dates with the name of a weekday or of a month.

use super::super::event::Millis;
use super::{DAY_MS, Origin, Stamp, clock_with_fraction, date_and_clock, days, month, number, spaces, zone};

/// Bytes of the longest name of a weekday or month that is looked at, in UTF-8.
const NAME_MAX: usize = 24;
/// The sign for month of Chinese and Japanese dates, `2月`, and that for day.
const MONTH_SIGN: &[u8] = "月".as_bytes();
const DAY_SIGN: &[u8] = "日".as_bytes();

/// A date that begins with a word: a weekday, or a month.
pub(super) fn worded(line: &[u8]) -> Option<Stamp<'_>> {
    let (word, rest) = word(line)?;
    if let Some(month) = month(word)
        && let Some(found) = month_first(month, rest)
    {
        return Some(found);
    }
    let after = spaces(rest)?;
    if after.first()?.is_ascii_digit() {
        // A weekday before an ISO date, and the zone as a word behind it: journald's short-full.
        if let Some((at, rest)) = date_and_clock(after, b".,") {
            let (offset, rest) = zone(rest, true);
            return Some(Stamp::new(at - offset, Origin::Epoch, rest).tagged());
        }
        // A weekday before `12.3.2024`.
        if let Some(found) = pointed(after) {
            return Some(found.tagged());
        }
        // A month of a language that is not known: its day and clock order the lines.
        return day_first(after).or_else(|| month_first(1, rest));
    }
    let (name, rest) = self::word(after)?;
    month_first(month(name)?, rest)
}

/// The first word and the rest from the blank on; `None` if it cannot be the name of a weekday or month.
fn word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = line.iter().take(NAME_MAX + 1).position(|byte| *byte == b' ')?;
    let (word, rest) = line.split_at(len);
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80 || matches!(byte, b'.' | b',');
    (len >= 2 && word.iter().all(is_name)).then_some((word, rest))
}

/// ` D [YYYY] clock [zone] [YYYY]` behind a month.
fn month_first(month: Millis, rest: &[u8]) -> Option<Stamp<'_>> {
    let (day, rest) = day(spaces(rest)?)?;
    let rest = rest.strip_prefix(b",").unwrap_or(rest);
    dated(month, day, spaces(rest)?)
}

/// `D month [YYYY] clock`, with points or hyphens between; `2月 3 clock`.
pub(super) fn day_first(line: &[u8]) -> Option<Stamp<'_>> {
    let (first, rest) = day(line)?;
    if let Some(rest) = rest.strip_prefix(MONTH_SIGN) {
        let (day, rest) = day(rest.trim_ascii_start())?;
        let rest = rest.strip_prefix(DAY_SIGN).unwrap_or(rest);
        return (1..=12).contains(&first).then(|| dated(first, day, spaces(rest)?))?;
    }
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    let rest = rest.strip_prefix(b"-").unwrap_or_else(|| rest.trim_ascii_start());
    let len = rest.iter().take(NAME_MAX).position(|byte| matches!(byte, b' ' | b'-' | b'/'))?;
    let (name, rest) = rest.split_at(len);
    dated(month(name)?, first, &rest[1..])
}

/// `D.M.YYYY clock`, as the languages of the north write it behind a weekday.
fn pointed(text: &[u8]) -> Option<Stamp<'_>> {
    let (day, rest) = day(text)?;
    let (month, rest) = self::day(rest.strip_prefix(b".")?)?;
    let (year, rest) = rest.strip_prefix(b".")?.split_at_checked(4)?;
    let (clock, rest) = clock_with_fraction(spaces(rest)?, b".,")?;
    let at = days(number(year)?, month, day) * DAY_MS + clock;
    (month <= 12).then_some(Stamp::new(at, Origin::Epoch, rest))
}

/// One or two digits.
fn day(text: &[u8]) -> Option<(Millis, &[u8])> {
    let len = text.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(len).filter(|_| (1..=2).contains(&len))?;
    Some((number(digits).filter(|day| (1..=31).contains(day))?, rest))
}

/// `[YYYY] clock [zone] [YYYY]` behind the day and the month.
fn dated(month: Millis, day: Millis, text: &[u8]) -> Option<Stamp<'_>> {
    let text = text.trim_ascii_start();
    let year_at = |text: &'_ [u8]| {
        let digits = text.get(..4).and_then(number)?;
        (matches!(text.get(4), None | Some(b' ')) && (1970..=2200).contains(&digits)).then_some(digits)
    };
    let before = year_at(text);
    let text = if before.is_some() { text[4..].trim_ascii_start() } else { text };
    let (clock, rest) = clock_with_fraction(text, b".,")?;
    (clock < DAY_MS + 1_000).then_some(())?;
    let (offset, rest) = zone(rest, false);
    // logread and asctime have the year behind the clock.
    let after = rest.strip_prefix(b" ").and_then(|text| Some((year_at(text)?, &text[4..])));
    let (year, rest) = after.map_or((before, rest), |(year, rest)| (Some(year), rest));
    Some(
        match year {
            Some(year) => Stamp::new(days(year, month, day) * DAY_MS + clock - offset, Origin::Epoch, rest),
            None => {
                Stamp::new((days(2_000, month, day) - days(2_000, 1, 1)) * DAY_MS + clock, Origin::Year, rest)
            }
        }
        .tagged(),
    )
}
