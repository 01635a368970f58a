//! The carriers that registered in the last complete scan, for a quick or an adaptive one.
//!
//! A text file: one PLMN per line and, where it is known, its RSSI in dBm then; likeliest last; `#` begins a comment, behind a PLMN its
//! name. It is written to a temporary file and renamed, so
//! that a reader never sees half of it.

use std::path::{Path, PathBuf};

use cellscan_core::carrier::{Carriers, Plmn, PlmnError, RSSI_DBM, Remembered, Trial};
use cellscan_core::scan::scanner::REMEMBERED_MAX;
use thiserror::Error;

use crate::clean::shown;
use crate::custody::own_dir::{OwnDir, OwnError};

/// The file in the state directory.
pub const FILE: &str = "carriers";
/// Largest size of the file in bytes: eight lines and a comment are some two hundred.
const FILE_LEN_MAX: u64 = 4_096;
const HEADER: &str = "# carriers that registered in the last complete scan, likeliest last";

/// Why no carriers are remembered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RememberedError {
    /// The directory or the file could not be used.
    #[error(transparent)]
    Dir(#[from] OwnError),
    /// A line is no PLMN.
    #[error("{}:{line}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        source: PlmnError,
    },
}

/// The remembered carriers, likeliest last; none if there is no file. Of too many, the last ones.
///
/// # Errors
/// The directory or the file exists and another user may write it, or the file holds something else. Nothing of it is used
/// then.
pub fn read(state_dir: &Path) -> Result<Vec<Remembered>, RememberedError> {
    let Some(dir) = OwnDir::open(state_dir)? else { return Ok(Vec::new()) };
    let Some(bytes) = dir.read(FILE, FILE_LEN_MAX)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
        if line.is_empty() {
            continue;
        }
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let plmn = Plmn::parse(words.next().unwrap_or_default()).map_err(|source| RememberedError::Line {
            path: dir.path().join(FILE),
            line: index + 1,
            source,
        })?;
        found.push(Remembered { plmn, rssi_dbm: words.next().and_then(level) });
    }
    Ok(found.split_off(found.len().saturating_sub(REMEMBERED_MAX)))
}

/// The names behind the remembered carriers; a file that cannot be used has none.
#[must_use]
pub fn names(state_dir: &Path) -> Vec<(Plmn, String)> {
    let dir = OwnDir::open(state_dir).ok().flatten();
    let bytes = dir.and_then(|dir| dir.read(FILE, FILE_LEN_MAX).ok().flatten()).unwrap_or_default();
    let named = |line: &[u8]| {
        let mut parts = line.splitn(2, |byte| *byte == b'#');
        let mut words = parts.next()?.trim_ascii().split(u8::is_ascii_whitespace);
        let plmn = Plmn::parse(words.next()?).ok()?;
        let name = String::from_utf8_lossy(parts.next()?.trim_ascii()).into_owned();
        (!name.is_empty()).then_some((plmn, name))
    };
    bytes.split(|byte| *byte == b'\n').filter_map(named).collect()
}

/// Remembers the carriers that registered: the chosen one last, before it the others, the strongest nearest to it.
///
/// # Errors
/// The directory or the file could not be created, or another user may write the directory. The file stays as it was
/// before.
pub fn write(state_dir: &Path, carriers: &Carriers, selected: Option<Plmn>) -> Result<(), RememberedError> {
    let kept = best_last(carriers, selected);
    if kept.is_empty() {
        return Ok(());
    }
    let known = names(state_dir);
    let mut text = format!("{HEADER}\n");
    for carrier in kept {
        text.push_str(&words(&carrier));
        if let Some(name) = name(carriers, &known, carrier.plmn) {
            text.push_str(" # ");
            text.push_str(&shown(name));
        }
        text.push('\n');
    }
    let new = format!(".{FILE}.{}", std::process::id());
    Ok(OwnDir::create(state_dir)?.replace(FILE, &new, text.as_bytes())?)
}

fn words(carrier: &Remembered) -> String {
    let Remembered { plmn, rssi_dbm } = carrier;
    rssi_dbm.map_or_else(|| plmn.to_string(), |dbm| format!("{plmn} {dbm}"))
}

/// A level in dBm; `None` where the word is none, as an older version or another program may have written.
fn level(word: &[u8]) -> Option<i16> {
    str::from_utf8(word).ok()?.parse().ok().filter(|dbm| RSSI_DBM.contains(dbm))
}

/// The name in the list, else the one that was remembered: a scan without a search has no list.
fn name<'a>(carriers: &'a Carriers, known: &'a [(Plmn, String)], plmn: Plmn) -> Option<&'a str> {
    let listed = carriers.iter().find(|carrier| carrier.plmn == plmn).map(|carrier| carrier.name.as_str());
    let known = || known.iter().find(|(other, _)| *other == plmn).map(|(_, name)| name.as_str());
    listed.filter(|name| !name.is_empty()).or_else(known)
}

fn best_last(carriers: &Carriers, selected: Option<Plmn>) -> Vec<Remembered> {
    let mut registered: Vec<_> = carriers
        .iter()
        .filter_map(|carrier| match carrier.trial {
            Trial::Registered(strength) => {
                let is_chosen = Some(carrier.plmn) == selected;
                let level = strength.rssi_dbm.or(strength.rsrp_dbm);
                Some((is_chosen, level, carrier.plmn, strength.rssi_dbm))
            }
            Trial::Untried | Trial::Refused(_) | Trial::TimedOut | Trial::Lost => None,
        })
        .collect();
    registered.sort();
    let surplus = registered.len().saturating_sub(REMEMBERED_MAX);
    let remembered = |(_, _, plmn, rssi_dbm)| Remembered { plmn, rssi_dbm };
    registered.into_iter().skip(surplus).map(remembered).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use cellscan_core::carrier::{Availability, Name, Technologies};

    use super::*;

    fn dir_with(content: &[u8]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), content).unwrap();
        dir
    }

    #[test]
    fn a_missing_file_is_empty_and_an_existing_file_is_read() {
        assert_eq!(read(Path::new("/nonexistent")).unwrap(), []);
        let dir = dir_with(b"# of yesterday\n311480\n 310410 # best\r\n\n");
        let found: Vec<String> = read(dir.path()).unwrap().iter().map(words).collect();
        assert_eq!(found, ["311480", "310410"]);
        let dir = dir_with(b"311480 -69\n310410\t-63 # best\n310260 strong\n313100 -9\n");
        let found: Vec<String> = read(dir.path()).unwrap().iter().map(words).collect();
        assert_eq!(found, ["311480 -69", "310410 -63", "310260", "313100"]);
    }

    #[test]
    fn names_stay_behind_their_carriers_over_a_scan_without_a_list() {
        let dir = dir_with(b"310410 -63 # AT&T\n311480 #\n");
        let named = || names(dir.path()).into_iter().map(|(plmn, name)| format!("{plmn} {name}"));
        assert_eq!(named().collect::<Vec<_>>(), ["310410 AT&T"]);
        let plmn = Plmn::parse(b"310410").unwrap();
        let mut carriers = Carriers::new();
        carriers.insert(plmn, &Name::default(), Availability::Unknown, Technologies::NONE);
        assert_eq!(name(&carriers, &names(dir.path()), plmn), Some("AT&T"));
        carriers.insert(plmn, &Name::new("ATT"), Availability::Available, Technologies::NONE);
        assert_eq!(name(&carriers, &names(dir.path()), plmn), Some("ATT"));
    }

    #[test]
    fn a_hostile_file_is_an_error_that_names_its_line() {
        let error = read(dir_with(b"311480\n\x1b[2J\n").path()).unwrap_err();
        assert!(matches!(error, RememberedError::Line { line: 2, .. }), "{error}");
        let error = read(dir_with(&[b'1'; 5_000]).path()).unwrap_err();
        assert!(matches!(error, RememberedError::Dir(OwnError::TooLong { .. })), "{error}");
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(FILE)).unwrap();
        assert!(matches!(read(dir.path()).unwrap_err(), RememberedError::Dir(OwnError::NotOurs { .. })));
    }

    #[test]
    fn a_file_that_another_user_may_have_written_is_not_read() {
        let dir = dir_with(b"310410\n");
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(read(dir.path()).unwrap().len(), 1);
        mode(&dir.path().join(FILE), 0o664);
        assert!(read(dir.path()).is_err());
        mode(&dir.path().join(FILE), 0o644);
        mode(dir.path(), 0o777);
        assert!(read(dir.path()).is_err());
        mode(dir.path(), 0o755);
        assert_eq!(read(dir.path()).unwrap().len(), 1);
    }

    #[test]
    fn without_a_registered_carrier_the_file_stays() {
        let dir = dir_with(b"310410\n");
        write(dir.path(), &Carriers::new(), None).unwrap();
        assert_eq!(read(dir.path()).unwrap().len(), 1);
    }
}
