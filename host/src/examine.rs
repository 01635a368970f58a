//! The state of a gateway: the service, its scripts, the port, found without touching any of them.
//!
//! | module | what it looks at |
//! | --- | --- |
//! | [`service`] | the service directory, its supervisor, its process, the scan that has claimed it |
//! | [`port`] | the tty: its name, its holders, its locks |
//! | [`ports`] | which ports of modems there are |
//! | [`modem`] | whether a modem answers: the one check that opens a port, and only one that no process holds |
//! | [`modes`] | the owner of a file, and which other users may read or write it |
//! | [`sources`] | the scripts and option files around `pppd` |
//! | [`leases`] | leases of running and dead scans in the run directory |
//! | [`hazards`], [`shell`] | commands in scripts that may undo or hinder a scan |

use std::num::NonZeroU32;

use serde::Serialize;

use crate::process::{Proc, Stat};

pub mod hazards;
pub mod leases;
pub mod modem;
pub mod modes;
pub mod port;
pub mod ports;
pub mod service;
pub mod shell;
pub mod sources;

/// A process, as reported to people.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Who {
    /// Its id.
    pub pid: u32,
    /// Its name, which may hold any character.
    pub comm: String,
}

impl Who {
    /// The process that has this id now, if it lives.
    #[must_use]
    pub fn of(pid: NonZeroU32) -> Option<Self> {
        let stat = Stat::of(pid).filter(|stat| !stat.is_dead())?;
        Some(Self { pid: pid.get(), comm: stat.comm })
    }
}

impl From<&Proc> for Who {
    fn from(proc: &Proc) -> Self {
        Self { pid: proc.pid().get(), comm: proc.comm().to_owned() }
    }
}
