//! The configuration by the application, checked before anything is touched.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cellscan_core::scan::Policy;
use cellscan_linux::custody::lease::DEFAULT_RUN_DIR;
use cellscan_linux::gateway::plan::{GatewayPlan, GuardPlan};
use cellscan_linux::link::Interfaces;
use cellscan_linux::process::Prepare;
use cellscan_linux::serial::SerialOptions;
use cellscan_linux::service::locate::Backend;
use cellscan_machine::code::Code;

/// The default program of the guard.
const GUARD: &str = "cellscan";
/// The default directory of the remembered carriers.
const STATE_DIR: &str = "/var/lib/cellscan";

/// How to talk to the supervisor.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GatewayBackend {
    /// The first of the others that works.
    Auto = 0,
    /// Through runit's own files.
    Native = 1,
    /// Through the `sv` program.
    Sv = 2,
    /// Without a supervisor: the process that holds the port is ended, and `start_command` starts `pppd` again.
    Unsupervised = 3,
}

/// Which process gives the service back if this process dies.
#[repr(u32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GuardMode {
    /// The guard, a separate process.
    On = 0,
    /// No process: a lease on disk records what is owed, for `cellscan restore` or the next scan. SIGKILL then leaves the
    /// gateway without a link until one of these runs.
    Off = 1,
}

/// The configuration with text in place of C's pointers.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Name or path of the service; `None`: found by its `pppd`.
    pub service: Option<String>,
    /// The tty to the modem.
    pub port: String,
    /// The tty that `pppd` uses; `None`: the same.
    pub ppp_port: Option<String>,
    /// The interface to wait for; `None`: do not wait.
    pub link: Option<String>,
    /// Words of the command that starts an unsupervised `pppd`.
    pub start_command: Option<String>,
    /// The guard's program; `None`: `cellscan`, from PATH.
    pub guard: Option<String>,
    /// Directory of UUCP locks; `None`: the usual ones.
    pub lock_dir: Option<String>,
    /// Directory of the remembered carriers.
    pub state_dir: Option<String>,
    /// Directory of the lease.
    pub run_dir: Option<String>,
    /// Bits per second; 0: 115,200.
    pub baud: u32,
    /// A [`GatewayBackend`].
    pub backend: u32,
    /// A [`GuardMode`].
    pub guard_mode: u32,
    /// After this time the guard kills the application; 0: no limit.
    pub hold_limit_ms: u32,
    /// The policy of a scan.
    pub policy: Policy,
}

impl Wanted {
    /// Checks the configuration.
    ///
    /// # Errors
    /// A value is wrong: what was found, and what was wanted.
    pub fn plan(&self, prepare: Prepare) -> Result<GatewayPlan, (Code, String)> {
        let backend = match self.backend {
            0 => Backend::Auto,
            1 => Backend::Native,
            2 => Backend::Sv,
            3 => Backend::Unsupervised,
            other => return Err((Code::Value, format!("backend: found {other}, wanted 0 to 3"))),
        };
        let guard = match self.guard_mode {
            0 => GuardPlan::Program(guard(self.guard.as_deref())?),
            1 => GuardPlan::None,
            other => return Err((Code::Value, format!("guard_mode: found {other}, wanted 0 or 1"))),
        };
        let mut serial = SerialOptions::new(&self.port);
        if self.baud != 0 {
            serial.baud = self.baud;
        }
        if let Some(dir) = &self.lock_dir {
            serial.lock_dirs = vec![dir.into()];
        }
        let dir = |named: &Option<String>, usual: &str| PathBuf::from(named.as_deref().unwrap_or(usual));
        let start = self.start_command.as_deref().unwrap_or_default();
        Ok(GatewayPlan {
            serial,
            ppp_port: self.ppp_port.as_ref().unwrap_or(&self.port).into(),
            service: self.service.clone(),
            backend,
            start: start.split_whitespace().map(OsString::from).collect(),
            link: self.link.as_deref().map(Interfaces::named),
            policy: self.policy,
            carriers: None,
            state_dir: dir(&self.state_dir, STATE_DIR),
            run_dir: dir(&self.run_dir, DEFAULT_RUN_DIR),
            guard,
            hold_limit: Some(self.hold_limit_ms)
                .filter(|limit| *limit > 0)
                .map(|limit| Duration::from_millis(limit.into())),
            unlock_after: Duration::ZERO,
            prepare: Some(prepare),
        })
    }
}

/// The path of the guard's program: there is no time to search for it when it is started.
fn guard(named: Option<&str>) -> Result<PathBuf, (Code, String)> {
    let name = named.unwrap_or(GUARD);
    let found = if name.contains('/') {
        std::path::absolute(name).ok().filter(|path| is_program(path))
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(name))
            .find(|path| is_program(path))
    };
    found.ok_or_else(|| {
        let place = if name.contains('/') { "no program there" } else { "no such program in PATH" };
        (
            Code::NoGuard,
            format!(
                "guard: found {name:?} ({place}), wanted the program cellscan, which gives the service back should this \
                 process be killed"
            ),
        )
    })
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
