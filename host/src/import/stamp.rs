//! Time stamps at the beginning of lines, for every format.
//!
//! ```text
//! stamp = ["<" prio ">" ["1 "]] ( words | digits | "[" (words | digits | up time) "]" | "@" TAI64N | esp )
//! words = [weekday] (month day | day month) [year] clock [year] [zone]     RFC 3164, logread, journald short, asctime
//!       | weekday YYYY-MM-DD clock zone                                    journald short-full
//! digits = YYYY-MM-DD ("T" | "_" | " ") clock [zone] | DD.MM.YYYY clock | MM-DD clock | clock | epoch | seconds "." fraction
//! clock = H+ ":" MM ":" SS [("." | "," | ":") fraction ["," fraction]]     more than two digits of hours are an up time
//! esp   = ("E" | "W" | "I" | "D" | "V") " (" (milliseconds | clock) ") "
//! ```
//!
//! Names of weekdays and months may be of any language. A time with a zone is converted to UTC. What a stamp counts from is its
//! [`Origin`]; a [`Calendar`] makes one clock of the stamps of a log, over midnight and New Year.

use super::event::Millis;

mod calendar;
mod words;

pub use calendar::{Calendar, DAY_MS, days, month};
use words::worded;

/// Bytes in brackets that are looked at.
const BRACKETS_MAX: usize = 48;
/// TAI64 of 1970-01-01: 2^62, and the ten leap seconds by which `svlogd` and `multilog` are ahead of UTC
/// (runit, `tai_now.c`; <https://cr.yp.to/libtai/tai64.html>).
const TAI_EPOCH: u64 = (1 << 62) + 10;

/// What a time counts from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// 1970, UTC or the local time of the log.
    Epoch,
    /// The beginning of a year.
    Year,
    /// Midnight.
    Midnight,
    /// When the device or the program started.
    Boot,
}

/// A stamp, and what follows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp<'a> {
    /// Milliseconds since the origin.
    pub at: Millis,
    /// What it counts from.
    pub origin: Origin,
    /// A syslog daemon or journald writes such stamps: a host, a tag or both may follow.
    pub tagged: bool,
    /// The header of RFC 5424 follows.
    pub rfc5424: bool,
    /// The text behind it, without the blank between.
    pub rest: &'a [u8],
}

impl<'a> Stamp<'a> {
    const fn new(at: Millis, origin: Origin, rest: &'a [u8]) -> Self {
        Self { at, origin, tagged: false, rfc5424: false, rest }
    }

    const fn tagged(self) -> Self {
        Self { tagged: true, ..self }
    }
}

/// The stamp at the beginning of a line; `None` without one.
#[must_use]
pub fn at_start(line: &[u8]) -> Option<Stamp<'_>> {
    let (line, rfc5424) = without_priority(line.trim_ascii_start());
    let found = match line.first()? {
        b'[' => bracketed(line),
        b'@' => tai64n(line),
        b'0'..=b'9' => digits(line),
        b'A'..=b'Z' | b'a'..=b'z' | 0x80.. => esp_idf(line).or_else(|| worded(line)),
        _ => None,
    }?;
    // Text may be joined to a stamp in brackets, and to no other.
    let rest = found.rest.strip_prefix(b" ").or_else(|| found.rest.strip_prefix(b"\t"));
    let rest = match rest {
        Some(rest) => rest,
        None if found.rest.is_empty() || line.starts_with(b"[") => found.rest,
        None if found.rest.starts_with(b": ") || found.rest.starts_with(b", ") => &found.rest[2..],
        None => return None,
    };
    Some(Stamp { rest, rfc5424: rfc5424 && found.origin == Origin::Epoch, ..found })
}

/// Without `<30>` of syslog; whether the version of RFC 5424 follows it.
fn without_priority(line: &[u8]) -> (&[u8], bool) {
    let Some(inner) = line.strip_prefix(b"<") else { return (line, false) };
    let len = inner.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=3).contains(&len) || inner.get(len) != Some(&b'>') {
        return (line, false);
    }
    let rest = &inner[len + 1..];
    rest.strip_prefix(b"1 ").map_or((rest, false), |rest| (rest, true))
}

fn bracketed(line: &[u8]) -> Option<Stamp<'_>> {
    let inner = &line[1..];
    let end = inner.iter().take(BRACKETS_MAX).position(|byte| *byte == b']')?;
    let (inside, rest) = (inner[..end].trim_ascii(), &inner[end + 1..]);
    let milliseconds =
        || number(inside.strip_suffix(b"ms")?.trim_ascii_end()).map(|at| Stamp::new(at, Origin::Boot, rest));
    let found = match inside.first()? {
        b'0'..=b'9' => digits(inside),
        _ => worded(inside),
    };
    let whole = found.filter(|found| found.rest.is_empty()).map(|found| Stamp { rest, ..found });
    whole
        .or_else(milliseconds)
        .or_else(|| up_seconds(inside, 1).map(|at| Stamp::new(at, Origin::Boot, rest).tagged()))
}

/// `seconds "." fraction` with at least so many digits of a fraction, and nothing else.
fn up_seconds(text: &[u8], fraction_min: usize) -> Option<Millis> {
    let point = text.iter().position(|byte| *byte == b'.').filter(|at| (1..=9).contains(at))?;
    let (seconds, digits) = (&text[..point], &text[point + 1..]);
    (digits.len() >= fraction_min).then_some(())?;
    Some(number(seconds)? * 1_000 + fraction(digits)?)
}

fn tai64n(line: &[u8]) -> Option<Stamp<'_>> {
    let (head, rest) = line[1..].split_at_checked(24)?;
    let hex = |digits: &[u8]| u64::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok();
    let seconds = i64::try_from(hex(&head[..16])?.checked_sub(TAI_EPOCH)?).ok()?;
    let millis = i64::try_from(hex(&head[16..])? / 1_000_000).ok()?;
    Some(Stamp::new(seconds.checked_mul(1_000)?.checked_add(millis)?, Origin::Epoch, rest))
}

/// `D (55256124) `, `I (12:34:56.789) ` of ESP-IDF.
fn esp_idf(line: &[u8]) -> Option<Stamp<'_>> {
    let inner =
        line[1..].strip_prefix(b" (").filter(|_| matches!(line[0], b'E' | b'W' | b'I' | b'D' | b'V'))?;
    let end = inner.iter().take(BRACKETS_MAX).position(|byte| *byte == b')')?;
    let rest = &inner[end + 1..];
    match number(&inner[..end]) {
        Some(at) => Some(Stamp::new(at, Origin::Boot, rest)),
        None => {
            digits(&inner[..end]).filter(|found| found.rest.is_empty()).map(|found| Stamp { rest, ..found })
        }
    }
}

/// A stamp that begins with a digit.
fn digits(line: &[u8]) -> Option<Stamp<'_>> {
    let len = line.iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
    match (len, line.get(len)) {
        (1..=6, Some(b':')) => {
            let (at, rest) = clock_with_fraction(line, b".,:")?;
            let origin = if len <= 2 && at < DAY_MS { Origin::Midnight } else { Origin::Boot };
            Some(Stamp::new(at, origin, without_micros(rest)))
        }
        (4, Some(b'-' | b'/')) => {
            let (at, rest) = date_and_clock(line, b".,:")?;
            let (offset, rest) = zone(rest, false);
            Some(Stamp::new(at - offset, Origin::Epoch, rest).tagged())
        }
        (2, Some(b'-' | b'/' | b'.')) => day_or_month(line).or_else(|| words::day_first(line)),
        (1..=2, Some(b' ' | b'.' | b'-' | 0x80..)) => words::day_first(line),
        (10 | 13 | 16 | 19, _) => epoch(line, len),
        (1..=9, Some(b'.')) => {
            let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
            Some(Stamp::new(up_seconds(&line[..end], 3)?, Origin::Boot, &line[end..]))
        }
        _ => None,
    }
}

/// Seconds since 1970 with a fraction, or milliseconds, microseconds, nanoseconds without.
fn epoch(line: &[u8], len: usize) -> Option<Stamp<'_>> {
    let (digits, rest) = line.split_at(len);
    // 2001 to 2033, and up to 2065.
    matches!(digits[0], b'1' | b'2').then_some(())?;
    let seconds = number(&digits[..10])? * 1_000;
    let (at, rest) = match rest.split_first() {
        Some((b'.', finer)) if len == 10 => {
            let len = finer.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (seconds + fraction(&finer[..len])?, &finer[len..])
        }
        _ if len > 10 => (seconds + number(&digits[10..13])?, rest),
        _ => (seconds, rest),
    };
    matches!(rest.first(), None | Some(b' ' | b'\t' | b':'))
        .then_some(Stamp::new(at, Origin::Epoch, rest).tagged())
}

/// `DD.MM.YYYY clock`, `DD-MM-YYYY clock`, `MM/DD/YYYY clock`, `MM-DD clock`.
fn day_or_month(line: &[u8]) -> Option<Stamp<'_>> {
    let (head, rest) = line.split_at_checked(5)?;
    let (first, second) = (number(&head[..2])?, number(&head[3..5])?);
    (head[2] != b'.' || rest.first() == Some(&b'.')).then_some(())?;
    if rest.first() == Some(&head[2]) {
        let (year, rest) = rest[1..].split_at_checked(4)?;
        let (day, month) = if second > 12 { (second, first) } else { (first, second) };
        let rest = rest.strip_prefix(b",").unwrap_or(rest);
        let (clock, rest) = clock_with_fraction(spaces(rest)?, b".,:")?;
        let day = days(number(year)?, month, day);
        return (month <= 12).then_some(Stamp::new(day * DAY_MS + clock, Origin::Epoch, rest));
    }
    matches!(rest.first(), Some(b' ' | b'_' | b'T')).then_some(())?;
    let (clock, rest) = clock_with_fraction(&rest[1..], b".,:")?;
    let (month, day) = if first > 12 { (second, first) } else { (first, second) };
    (1..=12).contains(&month).then_some(())?;
    Some(Stamp::new((days(2_000, month, day) - days(2_000, 1, 1)) * DAY_MS + clock, Origin::Year, rest))
}

/// Zones that are told from words of capitals.
const ZONES: [&[u8]; 12] =
    [b"UTC", b"GMT", b"CET", b"CEST", b"EET", b"EEST", b"WET", b"WEST", b"MSK", b"BST", b"EST", b"EDT"];

/// A zone after a clock: its offset from UTC, and the rest. `worded`: any word of capitals is a zone.
fn zone(rest: &[u8], worded: bool) -> (Millis, &[u8]) {
    if let Some(rest) = rest.strip_prefix(b"Z") {
        return (0, rest);
    }
    let text = rest.strip_prefix(b" ").unwrap_or(rest);
    if let Some((offset, rest)) = offset(text) {
        return (offset, rest);
    }
    let len = text.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let is_zone = if worded { (2..=5).contains(&len) } else { ZONES.contains(&&text[..len]) };
    let ends = matches!(text.get(len), None | Some(b' '));
    if text.len() < rest.len() && is_zone && ends { (0, &text[len..]) } else { (0, rest) }
}

/// `+01:00`, `+0100`, `-03`, with a blank or nothing behind it.
fn offset(text: &[u8]) -> Option<(Millis, &[u8])> {
    let (sign, digits) = text.split_first().filter(|(sign, _)| matches!(sign, b'+' | b'-'))?;
    let hours = number(digits.get(..2)?)?;
    let rest = &digits[2..];
    let minutes = rest.strip_prefix(b":").unwrap_or(rest);
    let (minutes, rest) =
        match minutes.split_at_checked(2).and_then(|(head, rest)| Some((number(head)?, rest))) {
            Some((minutes, rest)) => (minutes, rest),
            None => (0, rest),
        };
    matches!(rest.first(), None | Some(b' ' | b'\t')).then_some(())?;
    let offset = (hours * 60 + minutes) * 60_000;
    Some((if *sign == b'-' { -offset } else { offset }, rest))
}

/// Without `,uuu` behind the milliseconds, as Zephyr writes it.
fn without_micros(rest: &[u8]) -> &[u8] {
    match rest.split_first() {
        Some((b',', finer)) => {
            let len = finer.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if len > 0 { &finer[len..] } else { rest }
        }
        _ => rest,
    }
}

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

/// `HH:MM:SS` at the beginning, the hours with one to six digits: milliseconds, and the rest.
#[must_use]
pub fn clock(bytes: &[u8]) -> Option<(Millis, &[u8])> {
    // Two digits in nearly every line of a log of any size.
    let len = match bytes.get(2) {
        Some(b':') => 2,
        _ => bytes.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count(),
    };
    if !(1..=6).contains(&len) {
        return None;
    }
    let (head, rest) = bytes.split_at_checked(len + 6)?;
    let (hours, head) = head.split_at(len);
    if head[0] != b':' || head[3] != b':' {
        return None;
    }
    let (hours, minutes, seconds) = (number(hours)?, number(&head[1..3])?, number(&head[4..])?);
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

/// `Mon D HH:MM:SS` of syslog, which has no year: milliseconds since the beginning of a leap year, and the rest.
#[must_use]
pub fn syslog(bytes: &[u8]) -> Option<(Millis, &[u8])> {
    let found = worded(bytes).filter(|found| found.origin == Origin::Year)?;
    Some((found.at, found.rest))
}

/// The rest after one or more blanks; `None` without a blank.
#[must_use]
pub fn spaces(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.trim_ascii_start();
    (rest.len() < bytes.len()).then_some(rest)
}

#[cfg(test)]
mod tests;
