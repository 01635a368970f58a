//! The leases in the run directory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::chain;
use crate::examine::leases::{self, LeaseState};
use crate::report::words::shown;

/// One lease, for programs.
#[derive(Serialize)]
pub(super) struct Lease {
    service: PathBuf,
    pid: u32,
    /// `held`, `orphaned`, `stale`.
    state: &'static str,
}

/// The leases of a run directory.
pub(super) fn all(run_dir: &Path, unknown: &mut Vec<String>) -> Vec<Lease> {
    let found = leases::all(run_dir).unwrap_or_else(|error| {
        unknown.push(format!("leases: {}", chain(&error)));
        None
    });
    let usable = found.unwrap_or_default().into_iter().filter_map(|found| match found.lease {
        Ok((lease, state)) => Some(Lease {
            service: lease.service,
            pid: lease.pid.get(),
            state: match state {
                LeaseState::Held(_) => "held",
                LeaseState::Orphaned => "orphaned",
                LeaseState::Stale => "stale",
            },
        }),
        Err(error) => {
            unknown.push(format!("lease: {}", chain(&error)));
            None
        }
    });
    usable.collect()
}

impl Lease {
    pub(super) fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (service, pid) = (shown(&self.service.display().to_string()), self.pid);
        match self.state {
            "held" => writeln!(out, "lease: process {pid} has {service}"),
            "orphaned" => {
                writeln!(out, "lease: process {pid} ended with {service}; `cellscan restore` gives it back")
            }
            _ => writeln!(out, "lease: process {pid} ended with {service}, which is gone"),
        }
    }
}
