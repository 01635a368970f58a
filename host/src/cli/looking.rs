//! The arguments of the commands beside a scan and its daemon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{backend, limit, values};
use crate::custody::lease::DEFAULT_RUN_DIR;
use crate::recording::recorder::LIMIT;
use crate::serial::SerialOptions;
use crate::service::locate::Backend;

/// The directories of UUCP locks: as typed, else the default.
fn lock_dirs(typed: &[PathBuf]) -> Vec<PathBuf> {
    if typed.is_empty() { SerialOptions::new("").lock_dirs } else { typed.to_vec() }
}

/// How a serial line is used, for commands without a gateway.
#[derive(Clone, Debug, clap::Args)]
pub struct LineArgs {
    /// Bits per second; USB modems ignore it.
    #[arg(long, value_name = "BPS", default_value_t = 115_200)]
    pub baud: u32,
    /// Directory of UUCP locks; repeat for more [default: /var/lock and /run/lock]
    #[arg(long, value_name = "DIR")]
    pub lock_dir: Vec<PathBuf>,
}

impl LineArgs {
    /// The options of this line.
    #[must_use]
    pub fn serial(&self, port: &Path) -> SerialOptions {
        SerialOptions { baud: self.baud, lock_dirs: self.lock_dirs(), ..SerialOptions::new(port) }
    }

    /// The directories of UUCP locks.
    #[must_use]
    pub fn lock_dirs(&self) -> Vec<PathBuf> {
        lock_dirs(&self.lock_dir)
    }
}

/// The gateway, for commands that only look.
#[derive(Clone, Debug, clap::Args)]
pub struct GatewayArgs {
    /// The tty of the modem, by a stable name [default: that of pppd]
    #[arg(long, value_name = "TTY")]
    pub port: Option<PathBuf>,
    /// The tty that pppd uses [default: the one that its service holds, else that of --port]
    #[arg(long, value_name = "TTY")]
    pub ppp_port: Option<PathBuf>,
    /// The service of pppd, by name or path [default: the one whose pppd holds the port, else pppd, ppp, pppd-* or ppp-*]
    #[arg(long, value_name = "NAME|PATH")]
    pub service: Option<String>,
    /// The interface that is up when the link is up, a `*` at its end matches any rest; none: do not look.
    #[arg(long, value_name = "PATTERN|none", default_value = crate::link::DEFAULT_INTERFACE)]
    pub link: String,
    /// Directory of UUCP locks; repeat for more [default: /var/lock and /run/lock]
    #[arg(long, value_name = "DIR")]
    pub lock_dir: Vec<PathBuf>,
    /// Write JSON, one object per line.
    #[arg(long)]
    pub json: bool,
}

impl GatewayArgs {
    /// The directories of UUCP locks.
    #[must_use]
    pub fn lock_dirs(&self) -> Vec<PathBuf> {
        lock_dirs(&self.lock_dir)
    }

    /// The interface to look for; `None`: do not look.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        Some(self.link.as_str()).filter(|pattern| *pattern != "none")
    }
}

/// Arguments of `status`.
#[derive(Clone, Debug, clap::Args)]
pub struct StatusArgs {
    /// The gateway.
    #[command(flatten)]
    pub gateway: GatewayArgs,
    /// Directory of the carriers of the last complete scan, and of the record of the selected one.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/cellscan")]
    pub state_dir: PathBuf,
    /// Directory of the leases and of the daemon's control socket.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_RUN_DIR)]
    pub run_dir: PathBuf,
}

/// Arguments of `doctor`.
#[derive(Clone, Debug, clap::Args)]
pub struct DoctorArgs {
    /// The gateway.
    #[command(flatten)]
    pub gateway: GatewayArgs,
    /// Bits per second; USB modems ignore it.
    #[arg(long, value_name = "BPS", default_value_t = 115_200)]
    pub baud: u32,
    /// Directory of the leases.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_RUN_DIR)]
    pub run_dir: PathBuf,
    /// Directory of the carriers of the last complete scan.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/cellscan")]
    pub state_dir: PathBuf,
    /// Directory of the daemon's recordings
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// How to talk to the supervisor in the exercise.
    #[arg(long, value_parser = backend(), default_value = "auto", requires = "exercise")]
    pub backend: Backend,
    /// Really take the service down and give it back, and show the times: the link is away for some seconds.
    #[arg(long)]
    pub exercise: bool,
}

/// Arguments of `record`.
#[derive(Clone, Debug, clap::Args)]
pub struct RecordArgs {
    /// The tty of the modem.
    #[arg(long, value_name = "TTY")]
    pub port: PathBuf,
    /// The recording; the file must not exist.
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
    /// A symbolic link to the pseudo-terminal for the other program [default: print its own name]
    #[arg(long, value_name = "PATH")]
    pub link: Option<PathBuf>,
    /// How a line is used.
    #[command(flatten)]
    pub line: LineArgs,
    /// Record everything unchanged: identities, telephone numbers, messages, credentials and the bytes of data mode too.
    #[arg(long)]
    pub keep_identities: bool,
    /// Size limit of the recording in bytes: after it bytes of the line are only counted.
    #[arg(long, value_name = "BYTES", default_value_t = LIMIT, value_parser = limit())]
    pub record_limit: u64,
}

/// Arguments of `replay`.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a command line")]
pub struct ReplayArgs {
    /// Logs, or directories of logs; `-` is standard input.
    #[arg(value_name = "LOG", required = true)]
    pub logs: Vec<PathBuf>,
    /// Their format [default: detected by content]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Show the dialogue too, turn by turn.
    #[arg(long)]
    pub dialogue: bool,
    /// Show each scan as lanes over time, with what cellscan would have done below.
    #[arg(long)]
    pub timeline: bool,
    /// Write a self-contained page with the lanes and the dialogue of each scan; for one log.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write a row for each scan, with what cellscan would have done, to this file.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Show the whole dialogue: identities, telephone numbers, messages and credentials too.
    #[arg(long)]
    pub keep_identities: bool,
    /// Write JSON to standard output, one object per line; for several logs without the turns, unless --dialogue is given.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `ports`.
#[derive(Clone, Debug, clap::Args)]
pub struct PortsArgs {
    /// How a line is used.
    #[command(flatten)]
    pub line: LineArgs,
    /// Send nothing: do not ask which ports answer AT.
    #[arg(long)]
    pub no_ask: bool,
    /// Write JSON, one object per line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `at`.
#[derive(Clone, Debug, clap::Args)]
pub struct AtArgs {
    /// The tty of the modem, by a stable name, such as /dev/serial/by-id/…
    #[arg(value_name = "PORT")]
    pub port: PathBuf,
    /// Commands, sent one after the other, such as AT+CPIN?; the first that fails is the last.
    #[arg(value_name = "COMMAND", required = true)]
    pub commands: Vec<String>,
    /// How long an answer may take [default: 10s; 180s for AT+COPS=…]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub timeout: Option<Duration>,
    /// How a line is used.
    #[command(flatten)]
    pub line: LineArgs,
    /// Write JSON, one object per command.
    #[arg(long)]
    pub json: bool,
}
