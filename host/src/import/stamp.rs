//! Time stamps at the beginning of lines.

use super::event::Millis;

/// Milliseconds of a day.
pub const DAY_MS: Millis = 24 * 3_600_000;

/// The decimal number in `bytes`; `None` where there is another byte, or no byte, or more than 15.
#[must_use]
pub fn number(bytes: &[u8]) -> Option<Millis> {
    if bytes.is_empty() || bytes.len() > 15 {
        return None;
    }
    bytes.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + Millis::from(byte - b'0')))
}

/// The fraction of a second in milliseconds: any number of digits after the point; finer digits are cut.
#[must_use]
pub fn fraction(digits: &[u8]) -> Option<Millis> {
    let kept = digits.get(..3).unwrap_or(digits);
    number(digits.get(..digits.len().min(15))?)?;
    let scale = match kept.len() {
        1 => 100,
        2 => 10,
        _ => 1,
    };
    Some(number(kept)? * scale)
}

/// `HH:MM:SS` at the beginning: milliseconds, and the rest.
#[must_use]
pub fn clock(bytes: &[u8]) -> Option<(Millis, &[u8])> {
    let (head, rest) = bytes.split_at_checked(8)?;
    if head[2] != b':' || head[5] != b':' {
        return None;
    }
    let (hours, minutes, seconds) = (number(&head[..2])?, number(&head[3..5])?, number(&head[6..])?);
    (minutes < 60 && seconds < 61).then_some((((hours * 60 + minutes) * 60 + seconds) * 1_000, rest))
}

/// `HH:MM:SS` with or without a fraction after one of `points`: milliseconds, and the rest.
#[must_use]
pub fn clock_with_fraction<'a>(bytes: &'a [u8], points: &[u8]) -> Option<(Millis, &'a [u8])> {
    let (whole, rest) = clock(bytes)?;
    let Some((point, digits)) = rest.split_first() else { return Some((whole, rest)) };
    if !points.contains(point) {
        return Some((whole, rest));
    }
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match digits.split_at_checked(len) {
        Some((digits, rest)) if !digits.is_empty() => Some((whole + fraction(digits)?, rest)),
        _ => Some((whole, rest)),
    }
}

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

/// `YYYY-MM-DD`, a byte, and a clock with a fraction: milliseconds since 1970, and the rest.
#[must_use]
pub fn date_and_clock<'a>(bytes: &'a [u8], points: &[u8]) -> Option<(Millis, &'a [u8])> {
    let (head, rest) = bytes.split_at_checked(11)?;
    let between = head[10];
    if !matches!((head[4], head[7]), (b'-', b'-') | (b'/', b'/')) || !matches!(between, b'_' | b' ' | b'T') {
        return None;
    }
    let (year, month, day) = (number(&head[..4])?, number(&head[5..7])?, number(&head[8..10])?);
    let (clock, rest) = clock_with_fraction(rest, points)?;
    Some((days(year, month, day) * DAY_MS + clock, rest))
}

/// The number, from 1, of a three-letter English month.
#[must_use]
pub fn month(name: &[u8]) -> Option<Millis> {
    const NAMES: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let at = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
    Millis::try_from(at + 1).ok()
}

/// `Mon D HH:MM:SS` of syslog, which has no year: milliseconds since the beginning of a leap year, and the rest.
#[must_use]
pub fn syslog(bytes: &[u8]) -> Option<(Millis, &[u8])> {
    let (name, rest) = bytes.split_at_checked(3)?;
    let month = month(name)?;
    let rest = spaces(rest)?;
    let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (day, rest) = rest.split_at_checked(len.min(2))?;
    let (clock, rest) = clock_with_fraction(spaces(rest)?, b".,")?;
    Some(((days(2_000, month, number(day)?) - days(2_000, 1, 1)) * DAY_MS + clock, rest))
}

/// The rest after one or more blanks; `None` without a blank.
#[must_use]
pub fn spaces(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.trim_ascii_start();
    (rest.len() < bytes.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_have_seconds_and_may_have_a_fraction() {
        assert_eq!(clock_with_fraction(b"00:09:31.225] x", b"."), Some((571_225, &b"] x"[..])));
        assert_eq!(clock_with_fraction(b"00:01:23]", b"."), Some((83_000, &b"]"[..])));
        assert_eq!(clock_with_fraction(b"17:35:14:362] AT", b":."), Some((63_314_362, &b"] AT"[..])));
        assert_eq!(clock(b"00:9:31.225"), None);
        assert_eq!(fraction(b"77886"), Some(778));
    }

    #[test]
    fn dates_are_converted_to_days() {
        assert_eq!((days(1970, 1, 1), days(2000, 3, 1), days(2025, 12, 31)), (0, 11_017, 20_453));
        let (at, rest) = date_and_clock(b"2025-11-16_23:22:33.77886 Start", b".").unwrap();
        assert_eq!((at % DAY_MS, rest), (84_153_778, &b" Start"[..]));
        let (early, _) = syslog(b"Jun  9 22:37:47 host").unwrap();
        let (late, rest) = syslog(b"Jun 26 22:37:47 host").unwrap();
        assert_eq!((late - early, rest), (17 * DAY_MS, &b" host"[..]));
    }
}
