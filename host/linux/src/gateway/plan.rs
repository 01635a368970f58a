//! What a scan of this gateway is to do.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use cellscan_core::carrier::Plmn;
use cellscan_core::scan::Policy;

use crate::link::Interfaces;
use crate::process::Prepare;
use crate::serial::SerialOptions;
use crate::service::locate::Backend;

/// Between the time that a scan may take and the limit of its guard: what lies before the first request and behind the
/// last, on a slow machine.
const HOLD_MARGIN: Duration = Duration::from_secs(120);

/// A scan of this gateway.
#[derive(Clone, Debug)]
pub struct GatewayPlan {
    /// The line to the modem.
    pub serial: SerialOptions,
    /// The tty that `pppd` uses.
    pub ppp_port: PathBuf,
    /// The service that was named.
    pub service: Option<String>,
    /// How the supervisor is spoken to.
    pub backend: Backend,
    /// What starts an unsupervised `pppd`, by argument vector.
    pub start: Vec<OsString>,
    /// The interfaces to wait for; `None`: the link is not waited for.
    pub link: Option<Interfaces>,
    /// How the scan is to go.
    pub policy: Policy,
    /// The carriers of a quick scan; `None`: those of the state file.
    pub carriers: Option<Vec<Plmn>>,
    /// Where the state file is.
    pub state_dir: PathBuf,
    /// Where the lease is.
    pub run_dir: PathBuf,
    /// Which process gives the service back should this one die.
    pub guard: GuardPlan,
    /// How long the service may be held before its guard kills this process; `None`: it never does.
    pub hold_limit: Option<Duration>,
    /// What is done to the command of a process that may outlive this one, before it is started.
    pub prepare: Option<Prepare>,
}

/// Which process gives the service back should this one die.
#[derive(Clone, Debug, Default)]
pub enum GuardPlan {
    /// This program, started anew.
    #[default]
    ThisProgram,
    /// Another, which answers to the same subcommand: this process is not cellscan, but has it as a library. Standard error is
    /// not the guard's to write to.
    Program(PathBuf),
    /// None: there is only the lease on disk.
    None,
}

/// How long a scan may hold the service at most: its budget is for itself to keep, and this is for the case that it does not.
#[must_use]
pub fn hold_limit(policy: &Policy) -> Duration {
    policy.budget.saturating_add(policy.timeouts.link).saturating_add(HOLD_MARGIN)
}
