//! The ports of modems on this machine.
//!
//! | looked at | for |
//! | --- | --- |
//! | `/dev/serial/by-id` | names that stay when a modem is plugged in again |
//! | `/dev/ttyUSB*`, `/dev/ttyACM*`, `/dev/wwan*at*` | modems that udev does not know |
//! | links in `/dev` to such a port | names that rules of the machine make |
//! | the ports that each `pppd` has open, and the one that the options of its service name | ports of the board |

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::port::PortFacts;
use super::service::ServiceFacts;
use super::sources::{self, PPP_DIR};
use crate::custody::lease::DEFAULT_RUN_DIR;
use crate::process;
use crate::serial::tty;
use crate::service::locate;

const BY_ID: &str = "/dev/serial/by-id";
/// Largest number of entries of a directory that are looked at, and of ports.
const ENTRIES_MAX: usize = 4_096;
const PORTS_MAX: usize = 64;

/// A port, and what it is for.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its state.
    pub facts: PortFacts,
    /// A `pppd` has it open, or the options of the service of `pppd` name it.
    pub is_ppp: bool,
    /// The service of `pppd` is wanted up, and its `pppd` may open this port at any moment.
    pub is_wanted: bool,
}

impl Found {
    /// Why nothing is sent to it.
    #[must_use]
    pub fn not_to_be_asked(&self) -> Option<&'static str> {
        if !self.facts.accessible {
            Some("it may not be opened (run it as root)")
        } else if !self.facts.holders.is_empty() || self.facts.locks.iter().any(|lock| lock.alive) {
            Some("a process uses it")
        } else if self.facts.unreadable > 0 {
            Some("whether a process uses it cannot be seen")
        } else if self.is_wanted {
            Some("pppd may open it at any moment")
        } else {
            None
        }
    }
}

/// All ports, those with stable names first.
#[must_use]
pub fn all(lock_dirs: &[PathBuf]) -> Vec<Found> {
    let held: Vec<PathBuf> = process::all()
        .into_iter()
        .filter(|pid| process::Stat::of(*pid).is_some_and(|stat| stat.comm == "pppd"))
        .flat_map(process::ports_of)
        .collect();
    let service = locate::locate(None, &locate::default_roots(), None).ok().flatten();
    let named = service
        .as_ref()
        .and_then(|found| sources::follow(&found.dir, Path::new(PPP_DIR)).options.port_path());
    let wanted = service
        .and_then(|found| ServiceFacts::of(&found.dir, Path::new(DEFAULT_RUN_DIR)).ok())
        .is_some_and(|facts| facts.record.is_ok_and(|record| record.want_up));
    let ppp: Vec<u64> = held.iter().chain(&named).filter_map(|path| number(path)).collect();
    let paths = by_id().into_iter().chain(in_dev()).chain(held).chain(named);
    let (mut seen, mut found) = (Vec::new(), Vec::new());
    for path in paths {
        let Some(device) = number(&path).filter(|device| !seen.contains(device)) else { continue };
        if found.len() < PORTS_MAX {
            seen.push(device);
            let facts = PortFacts::of(&path, lock_dirs);
            let is_ppp = ppp.contains(&device) || facts.holders.iter().any(|who| who.comm == "pppd");
            found.push(Found { facts, is_ppp, is_wanted: is_ppp && wanted });
        }
    }
    found
}

/// The number of a tty.
fn number(path: &Path) -> Option<u64> {
    tty::device_of(path).ok()
}

fn by_id() -> Vec<PathBuf> {
    entries(Path::new(BY_ID))
}

/// Links first: a rule of the machine made them, and they stay.
fn in_dev() -> Vec<PathBuf> {
    let of_modem = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("ttyUSB")
            || name.starts_with("ttyACM")
            || (name.starts_with("wwan") && name.contains("at"))
    };
    let all = entries(Path::new("/dev"));
    let is_link = |path: &&PathBuf| {
        let leads = path.is_symlink().then(|| path.canonicalize().ok()).flatten();
        leads.is_some_and(|real| of_modem(&real) && fs::metadata(&real).is_ok_and(|meta| meta.rdev() != 0))
    };
    let links = all.iter().filter(is_link).cloned();
    links.chain(all.iter().filter(|path| !path.is_symlink() && of_modem(path)).cloned()).collect()
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(dir).into_iter().flatten().take(ENTRIES_MAX).flatten();
    let mut found: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    found.sort();
    found
}
