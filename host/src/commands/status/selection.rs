//! The manual selections on record, and when each will be undone.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cellscan_core::time::Instant;
use serde::Serialize;

use crate::custody::selected::Selected;
use crate::error::chain;
use crate::report::words::{self, shown};
use crate::spans::in_seconds;

/// One selection, for programs.
#[derive(Serialize)]
pub(super) struct Selection {
    carrier: String,
    port: PathBuf,
    since_unix_s: u64,
    unlock_after_s: u64,
    /// Without an address for so long, as far as `restore` or a scan has looked; null: there was one at the last look.
    dark_s: Option<f64>,
    unlock_in_s: Option<f64>,
}

/// The selections on record.
pub(super) fn all(state_dir: &Path, now: Instant, unknown: &mut Vec<String>) -> Vec<Selection> {
    let all = Selected::all(state_dir).unwrap_or_else(|error| {
        unknown.push(format!("selections: {}", chain(&error)));
        Vec::new()
    });
    let usable = all.into_iter().filter_map(|(_, record)| {
        record.map_err(|error| unknown.push(format!("selection: {}", chain(&error)))).ok()
    });
    usable.map(|selected| Selection::of(selected, now)).collect()
}

impl Selection {
    fn of(selected: Selected, now: Instant) -> Self {
        let dark = selected.dark_since(now).map(|since| now.duration_since(since));
        let left = dark.map(|dark| selected.for_rule().after.saturating_sub(dark));
        Self {
            since_unix_s: selected.since_unix_ms / 1_000,
            unlock_after_s: selected.unlock_after_s,
            dark_s: dark.map(in_seconds),
            unlock_in_s: left.map(in_seconds),
            carrier: selected.carrier,
            port: selected.port,
        }
    }

    pub(super) fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let after = words::span(Duration::from_secs(self.unlock_after_s));
        let left = match (self.dark_s, self.unlock_in_s) {
            (Some(dark), Some(left)) => format!("no address for {dark:.0} s, left {left:.0} s"),
            _ => "not counting".to_owned(),
        };
        writeln!(
            out,
            "selected: {} on {}, since {}; told to choose by itself after {after} without an address: {left}",
            self.carrier,
            shown(&self.port.display().to_string()),
            utc(self.since_unix_s)
        )
    }
}

/// `2026-11-30 13:45:07 UTC`.
fn utc(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days, for days after 1970.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02} UTC", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_since_1970_have_a_date() {
        for (seconds, date) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13:20 UTC"),
            (4_102_444_800, "2100-01-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(seconds), date);
        }
    }
}
