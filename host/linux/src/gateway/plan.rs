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

/// Margin between the time that a scan may take and the limit of its guard: for the time before the first request and after
/// the last, on a slow machine.
const HOLD_MARGIN: Duration = Duration::from_secs(120);

/// A scan of this gateway.
#[derive(Clone, Debug)]
pub struct GatewayPlan {
    /// The serial line to the modem.
    pub serial: SerialOptions,
    /// The tty that `pppd` uses.
    pub ppp_port: PathBuf,
    /// The named service.
    pub service: Option<String>,
    /// How to talk to the supervisor.
    pub backend: Backend,
    /// The arguments of the command that starts an unsupervised `pppd`.
    pub start: Vec<OsString>,
    /// The interfaces to wait for; `None`: do not wait for the link.
    pub link: Option<Interfaces>,
    /// The policy of the scan.
    pub policy: Policy,
    /// The carriers of a quick scan; `None`: those of the state file.
    pub carriers: Option<Vec<Plmn>>,
    /// The directory of the state file.
    pub state_dir: PathBuf,
    /// The directory of the lease.
    pub run_dir: PathBuf,
    /// Which process gives the service back if this process dies.
    pub guard: GuardPlan,
    /// How long the service may be held before the guard kills this process; `None`: no limit.
    pub hold_limit: Option<Duration>,
    /// How long the modem stays on the selected carrier without an address before it is set to choose by itself
    /// ([`cellscan_custody::unlock`]); zero: for ever.
    pub unlock_after: Duration,
    /// Called on each command that may outlive this process, before it is started.
    pub prepare: Option<Prepare>,
}

/// Which process gives the service back if this process dies.
#[derive(Clone, Debug, Default)]
pub enum GuardPlan {
    /// A second process of this program.
    #[default]
    ThisProgram,
    /// Another program with the same subcommand: this process is not cellscan, but uses it as a library. The guard does not
    /// write to standard error.
    Program(PathBuf),
    /// No guard: recovery by the lease on disk only.
    None,
}

/// How long a scan may hold the service: the scan itself keeps its budget, and this limit is for a scan that does not.
#[must_use]
pub fn hold_limit(policy: &Policy) -> Duration {
    Duration::from(policy.budget + policy.timeouts.link) + HOLD_MARGIN
}
