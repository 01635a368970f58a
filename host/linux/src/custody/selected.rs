//! The record on disk of a manual selection that a scan has left in the modem, for the unlock rule
//! ([`cellscan_custody::unlock`]): the daemon, `cellscan restore` and the next scan go by it.
//!
//! One JSON object for each modem in the state directory, named after the port: a modem keeps its selection over a reboot of the
//! gateway, and so does the record. It is written at the end of a successful scan, *before* the lease ceases to owe the selection
//! found before: a scan that is killed in between leaves a record too many, not one too few. It is removed once the modem has
//! accepted `AT+COPS=0`.
//!
//! Since when there is no address is a time since boot, with the boot that it belongs to: no time synchronisation moves it, and
//! after a reboot it begins anew.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cellscan_core::carrier::Plmn;
use cellscan_core::time::Instant;
use cellscan_custody::unlock;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::own_dir::{OwnDir, OwnError};
use crate::service::locate::Backend;

#[cfg(test)]
mod tests;

/// The version of the record that is written, and the latest that is read.
pub const VERSION: u32 = 1;
const START: &str = "selected-";
const END: &str = ".json";
/// Kept by who changes a record that is there.
const LOCK: &str = "selected.lock";
/// Bytes of a record, at most: some paths of the longest kind.
const LEN_MAX: u64 = 32_768;
/// Records of one directory that are looked at: a gateway has one modem, or a few.
const RECORDS_MAX: usize = 64;
const LOCK_DIRS_MAX: usize = 16;
/// Words of the command that starts an unsupervised `pppd`.
const COMMAND_WORDS_MAX: usize = 256;
/// Bytes of a name: a service, a pattern of interfaces, a boot.
const NAME_LEN_MAX: usize = 4_096;

/// Why a record could not be written, read or removed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SelectedError {
    /// The state directory, or a file in it, could not be used.
    #[error(transparent)]
    Dir(#[from] OwnError),
    /// It is no record.
    #[error("{} is no record of a selection: {found}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
}

/// Since when there is no address.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Dark {
    /// The boot, as `/proc/sys/kernel/random/boot_id` names it.
    pub boot: String,
    /// Milliseconds since that boot.
    pub since_boot_ms: u64,
}

/// A record. Keys that are not known are left to later versions; a later version is not read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Selected {
    /// The version of the record.
    pub version: u32,
    /// The carrier, by its digits.
    pub carrier: String,
    /// When it was selected, wall clock in milliseconds: for people, and to tell one selection from the next.
    pub since_unix_ms: u64,
    /// How long there may be no address.
    pub unlock_after_s: u64,
    /// Since when there is none, as far as `restore` or a scan has looked; null: there was one at the last look.
    #[serde(default)]
    pub dark: Option<Dark>,
    /// The modem's port by its stable name.
    pub port: PathBuf,
    /// Bits per second.
    pub baud: u32,
    /// The port that `pppd` uses.
    pub ppp_port: PathBuf,
    /// The service as it was named; null: it is looked for.
    pub service: Option<String>,
    /// How its supervisor is spoken to.
    pub backend: Backend,
    /// The command that starts an unsupervised `pppd`.
    #[serde(default)]
    pub start: Vec<String>,
    /// The interfaces that are the link; null: it is not looked at.
    pub link: Option<String>,
    /// The directories of UUCP locks.
    pub lock_dirs: Vec<PathBuf>,
    /// The run directory, for lease and claim.
    pub run_dir: PathBuf,
}

/// What was found in a state directory.
pub type Found = (String, Result<Selected, SelectedError>);

impl Selected {
    /// Reads the content of a record; the sentence says what is wrong with it.
    ///
    /// # Errors
    /// It is no record, one of a later version, or holds what no scan writes.
    pub fn parse(content: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(content).map_err(|error| error.to_string())?;
        if version != VERSION {
            return Err(format!("found version {version}, wanted {VERSION}"));
        }
        let record: Self = serde_json::from_slice(content).map_err(|error| error.to_string())?;
        if let Err(error) = Plmn::parse(record.carrier.as_bytes()) {
            return Err(format!("found the carrier {:?}: {error}", record.carrier));
        }
        let counts = [
            ("lock directories", record.lock_dirs.len(), LOCK_DIRS_MAX),
            ("words of a command", record.start.len(), COMMAND_WORDS_MAX),
        ];
        if let Some((what, found, max)) = counts.into_iter().find(|(_, found, max)| found > max) {
            return Err(format!("found {found} {what}, wanted {max} at most"));
        }
        let paths = [&record.port, &record.ppp_port, &record.run_dir].into_iter().chain(&record.lock_dirs);
        for path in paths {
            let text = path.to_string_lossy();
            // These are opened, and shown on a terminal.
            if !path.is_absolute() || text.chars().any(char::is_control) {
                return Err(format!("found {text:?}, wanted an absolute path without control characters"));
            }
        }
        let boot = record.dark.iter().map(|dark| &dark.boot);
        for name in record.service.iter().chain(&record.link).chain(boot) {
            if name.is_empty() || name.len() > NAME_LEN_MAX || name.chars().any(char::is_control) {
                return Err(format!("found the name {name:?}, wanted one without control characters"));
            }
        }
        Ok(record)
    }

    /// The carrier; `None` for no digits, which are not read.
    #[must_use]
    pub fn plmn(&self) -> Option<Plmn> {
        Plmn::parse(self.carrier.as_bytes()).ok()
    }

    /// As the rule needs to know it.
    #[must_use]
    pub const fn for_rule(&self) -> unlock::Selected {
        unlock::Selected { number: self.since_unix_ms, after: Duration::from_secs(self.unlock_after_s) }
    }

    /// Since when there is no address, by the clock of this boot.
    #[must_use]
    pub fn dark_since(&self, now: Instant) -> Option<Instant> {
        let dark = self.dark.as_ref().filter(|dark| Some(&dark.boot) == boot().as_ref())?;
        Some(Instant::from_millis(dark.since_boot_ms)).filter(|since| *since <= now)
    }

    /// The rule, with what was seen so far.
    #[must_use]
    pub fn rule(&self, now: Instant) -> unlock::Unlock {
        unlock::Unlock::resume(self.for_rule().number, self.dark_since(now))
    }

    /// Whether it is about the same selection, whatever was seen since.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.port, &self.carrier, self.since_unix_ms) == (&other.port, &other.carrier, other.since_unix_ms)
    }

    /// Reads the record of the modem at this port; `None`: there is none.
    ///
    /// # Errors
    /// The directory or the file may have been written by another user, or it is no record.
    pub fn read(state_dir: &Path, port: &Path) -> Result<Option<Self>, SelectedError> {
        let Some(dir) = OwnDir::open(state_dir)? else { return Ok(None) };
        read_named(&dir, &name_of(port))
    }

    /// Reads all records of a state directory.
    ///
    /// # Errors
    /// The directory is not trusted, or cannot be read.
    pub fn all(state_dir: &Path) -> Result<Vec<Found>, SelectedError> {
        let Some(dir) = OwnDir::open(state_dir)? else { return Ok(Vec::new()) };
        let names = dir.names(START)?.into_iter().take(RECORDS_MAX);
        let read = names.map(|name| {
            let record = read_named(&dir, &name);
            (name, record)
        });
        // One that is gone by now was removed since the directory was read.
        Ok(read.filter_map(|(name, record)| Some((name, record.transpose()?))).collect())
    }

    /// Writes it in place of the one before it.
    ///
    /// # Errors
    /// There is no room, it is not allowed, or a path in it is no text.
    pub fn write(&self, state_dir: &Path) -> Result<(), SelectedError> {
        let dir = OwnDir::create(state_dir)?;
        let _whoever_only_notes_waits = lock(&dir);
        self.put(&dir)
    }

    fn put(&self, dir: &OwnDir) -> Result<(), SelectedError> {
        let name = name_of(&self.port);
        let path = dir.path().join(&name);
        let text = serde_json::to_vec(self)
            .map_err(|error| SelectedError::Content { path, found: error.to_string() })?;
        let new = format!(".{name}.{}", std::process::id());
        Ok(dir.replace(&name, &new, &[text.as_slice(), b"\n"].concat())?)
    }

    /// Notes since when there is no address, or that there is one, where that is news.
    ///
    /// # Errors
    /// As [`Selected::write`].
    pub fn note(&self, state_dir: &Path, dark_since: Option<Instant>) -> Result<(), SelectedError> {
        let dark = dark_since.zip(boot());
        let dark = dark.map(|(since, boot)| Dark { boot, since_boot_ms: since.as_millis() });
        if dark == self.dark {
            return Ok(());
        }
        let Some(dir) = OwnDir::open(state_dir)? else { return Ok(()) };
        // Where a scan is writing, what was seen is of the last selection.
        let Some(_lock) = lock(&dir) else { return Ok(()) };
        match read_named(&dir, &name_of(&self.port))? {
            Some(now) if now.is_same(self) => Self { dark, ..now }.put(&dir),
            Some(_) | None => Ok(()),
        }
    }

    /// Removes the record of the modem at this port; one that is not there is none.
    ///
    /// # Errors
    /// It is not allowed.
    pub fn remove(state_dir: &Path, port: &Path) -> Result<(), SelectedError> {
        let name = name_of(port);
        let Some(dir) = OwnDir::open(state_dir)?.filter(|dir| dir.handle(&name).is_some()) else {
            return Ok(());
        };
        let _whoever_only_notes_waits = lock(&dir);
        Ok(dir.remove(&name)?)
    }
}

/// Whether a file has the name of a record.
#[must_use]
pub fn is_record(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with(START) && name.ends_with(END))
}

/// The time for [`Selected::since_unix_ms`].
#[must_use]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn read_named(dir: &OwnDir, name: &str) -> Result<Option<Selected>, SelectedError> {
    let Some(content) = dir.read(name, LEN_MAX)? else { return Ok(None) };
    let wrong = |found| SelectedError::Content { path: dir.path().join(name), found };
    let record = Selected::parse(&content).map_err(wrong)?;
    if name_of(&record.port) != name {
        return Err(wrong("its name is that of another port".to_owned()));
    }
    Ok(Some(record))
}

/// `None`: another process has it, or it cannot be had.
fn lock(dir: &OwnDir) -> Option<OwnedFd> {
    let file = dir.lock_file(LOCK).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok().map(|()| file)
}

/// The file of a port, by the FNV-1a hash of its name.
fn name_of(port: &Path) -> String {
    let hash = port.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{START}{hash:016x}{END}")
}

fn boot() -> Option<String> {
    let mut text = String::new();
    let file = File::open("/proc/sys/kernel/random/boot_id").ok()?;
    file.take(64).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned()).filter(|boot| !boot.is_empty())
}
