//! How a gateway stands: the service, its scripts, the port, found without touching any of them.
//!
//! | module | what it looks at |
//! | --- | --- |
//! | [`service`] | the service directory, its supervisor, its process, who has claimed it |
//! | [`port`] | the tty: its name, who holds it, its locks |
//! | [`modem`] | whether a modem answers; the one thing that is more than a look, and only where nobody holds the port |
//! | [`modes`] | whose a file is, and who else may read or write it |
//! | [`sources`] | the scripts and option files around `pppd` |
//! | [`leases`] | what scans that run, or that died, have left in the run directory |
//! | [`hazards`], [`shell`] | what in those may undo or hinder a scan |

use std::num::NonZeroU32;

use serde::Serialize;

use crate::process::{Proc, Stat};

pub mod hazards;
pub mod leases;
pub mod modem;
pub mod modes;
pub mod port;
pub mod service;
pub mod shell;
pub mod sources;

/// A process, for people.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Who {
    /// Its id.
    pub pid: u32,
    /// Its name, which may hold anything.
    pub comm: String,
}

impl Who {
    /// The process that has this id now, if there is one that lives.
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
