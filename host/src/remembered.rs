//! The carriers that registered in the last complete scan, for a quick one.
//!
//! A text file: one PLMN a line, likeliest last; `#` begins a comment. It is written beside itself and renamed, so that
//! nobody ever reads half of it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cellscan_core::carrier::{Carriers, Plmn, PlmnError, Trial};
use cellscan_core::scan::scanner::REMEMBERED_MAX;
use rustix::fs::{Mode, OFlags, open};

/// The file in the state directory.
pub const FILE: &str = "carriers";
/// Bytes of the file, at most: eight lines and a comment are some two hundred.
const FILE_LEN_MAX: u64 = 4_096;
const HEADER: &str = "# carriers that registered in the last complete scan, likeliest last";

/// Why nothing is remembered.
#[derive(Debug)]
#[non_exhaustive]
pub enum RememberedError {
    /// The file could not be read or written.
    Io {
        /// What was being done.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// It is no file, or longer than any that was written here.
    NotOurs {
        /// Which.
        path: PathBuf,
    },
    /// A line is no PLMN.
    Line {
        /// Of which file.
        path: PathBuf,
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        source: PlmnError,
    },
}

impl fmt::Display for RememberedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, path, .. } => write!(f, "unable to {what} {}", path.display()),
            Self::NotOurs { path } => {
                write!(
                    f,
                    "{}: wanted a file of at most {FILE_LEN_MAX} bytes, found something else",
                    path.display()
                )
            }
            Self::Line { path, line, .. } => write!(f, "{}:{line}", path.display()),
        }
    }
}

impl std::error::Error for RememberedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Line { source, .. } => Some(source),
            Self::NotOurs { .. } => None,
        }
    }
}

/// What is remembered, likeliest last; nothing where there is no file. Of too many the last ones.
///
/// # Errors
/// The file is there and is not what was written here. Nothing of it is used then.
pub fn read(state_dir: &Path) -> Result<Vec<Plmn>, RememberedError> {
    let path = state_dir.join(FILE);
    let failed = |source| RememberedError::Io { what: "read", path: path.clone(), source };
    // A FIFO in its place would keep a blocking open for ever.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match open(&path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT) => return Ok(Vec::new()),
        Err(errno) => return Err(failed(errno.into())),
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(RememberedError::NotOurs { path });
    }
    let mut bytes = Vec::new();
    file.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_LEN_MAX {
        return Err(RememberedError::NotOurs { path });
    }
    let mut found = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
        if line.is_empty() {
            continue;
        }
        let plmn = Plmn::parse(line).map_err(|source| RememberedError::Line {
            path: path.clone(),
            line: index + 1,
            source,
        })?;
        found.push(plmn);
    }
    Ok(found.split_off(found.len().saturating_sub(REMEMBERED_MAX)))
}

/// Remembers the carriers that registered: the chosen one last, before it the others, the strongest nearest to it.
///
/// # Errors
/// The directory or the file could not be made. What was remembered before stays.
pub fn write(state_dir: &Path, carriers: &Carriers, selected: Option<Plmn>) -> Result<(), RememberedError> {
    let kept = best_last(carriers, selected);
    if kept.is_empty() {
        return Ok(());
    }
    let path = state_dir.join(FILE);
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| RememberedError::Io { what, path, source }
    };
    fs::create_dir_all(state_dir).map_err(failed("make", state_dir))?;
    let new = state_dir.join(format!(".{FILE}.{}", std::process::id()));
    let mut lines = vec![HEADER];
    lines.extend(kept.iter().map(Plmn::as_str));
    let written = write_new(&new, &(lines.join("\n") + "\n"))
        .map_err(failed("write", &new))
        .and_then(|()| fs::rename(&new, &path).map_err(failed("replace", &path)));
    if written.is_err() {
        let _never_made = fs::remove_file(&new);
    }
    written
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    // One of this pid was left by a scan that died.
    let _none = fs::remove_file(path);
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn best_last(carriers: &Carriers, selected: Option<Plmn>) -> Vec<Plmn> {
    let mut registered: Vec<_> = carriers
        .iter()
        .filter_map(|carrier| match carrier.trial {
            Trial::Registered(strength) => {
                Some((Some(carrier.plmn) == selected, strength.rssi_dbm.or(strength.rsrp_dbm), carrier.plmn))
            }
            Trial::Untried | Trial::Refused(_) | Trial::TimedOut | Trial::Lost => None,
        })
        .collect();
    registered.sort();
    let surplus = registered.len().saturating_sub(REMEMBERED_MAX);
    registered.into_iter().skip(surplus).map(|(_, _, plmn)| plmn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir_with(content: &[u8]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), content).unwrap();
        dir
    }

    #[test]
    fn what_is_not_there_is_nothing_and_what_is_there_is_read() {
        assert_eq!(read(Path::new("/nonexistent")).unwrap(), []);
        let dir = dir_with(b"# of yesterday\n311480\n 310410 # best\r\n\n");
        let found: Vec<String> = read(dir.path()).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["311480", "310410"]);
    }

    #[test]
    fn a_hostile_file_is_an_error_that_names_its_line() {
        let error = read(dir_with(b"311480\n\x1b[2J\n").path()).unwrap_err();
        assert!(matches!(error, RememberedError::Line { line: 2, .. }), "{error}");
        let error = read(dir_with(&[b'1'; 5_000]).path()).unwrap_err();
        assert!(matches!(error, RememberedError::NotOurs { .. }), "{error}");
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(FILE)).unwrap();
        assert!(matches!(read(dir.path()).unwrap_err(), RememberedError::NotOurs { .. }));
    }

    #[test]
    fn nothing_registered_leaves_what_was_remembered() {
        let dir = dir_with(b"310410\n");
        write(dir.path(), &Carriers::new(), None).unwrap();
        assert_eq!(read(dir.path()).unwrap().len(), 1);
    }
}
