//! What was typed. What it means is in [`plan`](crate::plan).

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use cellscan_core::carrier::Plmn;
use cellscan_core::scan::Strategy;
use cellscan_core::scan::policy::NoLink;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Parser, Subcommand};
use clap_complete::Shell;

use crate::custody::lease::DEFAULT_RUN_DIR;
use crate::exit::{self, Exit};
use crate::recording::recorder::{LIMIT, LIMIT_MAX, LIMIT_MIN};
use crate::serial::SerialOptions;
use crate::service::locate::Backend;

pub mod typed;
pub mod values;

use typed::Typed;

/// Takes a cellular modem from pppd, finds out which carrier is best, and gives it back.
#[derive(Clone, Debug, Parser)]
#[command(name = "cellscan", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Args {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
    /// Log what happens inside to standard error; twice for more. Or `CELLSCAN_LOG=debug`.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// What can be done.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Scan for carriers once, and end on the best.
    #[command(after_help = exit::HELP)]
    Scan(Box<ScanArgs>),
    /// Run as a daemon: give back what a killed scan has left, then scan when asked.
    #[command(after_help = exit::HELP)]
    Run(Box<RunArgs>),
    /// Give back every service that a killed scan has left down.
    #[command(after_help = exit::HELP)]
    Restore(RestoreArgs),
    /// Tell how the service, its port and the link stand; nothing is touched.
    #[command(after_help = exit::HELP)]
    Status(StatusArgs),
    /// Check what a scan needs, one line each: what was found, and what to do about it.
    #[command(after_help = exit::HELP)]
    Doctor(DoctorArgs),
    /// Say what the bytes of a modem mean: one JSON object a reply, from standard input to standard output.
    Decode {
        /// What was asked, such as 'AT+CREG?': decides whether a line answers or was said by itself.
        #[arg(long, value_name = "AT…")]
        command: Option<String>,
    },
    /// Record what another program and the modem say to each other, between a pseudo-terminal and the port.
    #[command(after_help = exit::HELP)]
    Record(RecordArgs),
    /// Tell what a log says happened, and what cellscan would have done.
    #[command(after_help = exit::HELP)]
    Replay(ReplayArgs),
    /// Run supervision scenarios (JSON lines on standard input) through the simulated runsv.
    Simsv,
    /// Print the completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the man page of a command, or of the program.
    Man {
        /// Which command.
        command: Option<String>,
    },
}

/// The gateway that is to be scanned.
#[derive(Clone, Debug, clap::Args)]
pub struct ScannedArgs {
    /// The tty of the modem, by a name that stays, such as /dev/serial/by-id/…
    #[arg(long, value_name = "TTY", help_heading = "Gateway")]
    pub port: Option<PathBuf>,
    /// The tty that pppd uses, where it is another [default: that of --port]
    #[arg(long, value_name = "TTY", help_heading = "Gateway")]
    pub ppp_port: Option<PathBuf>,
    /// Bits per second; USB modems ignore it.
    #[arg(long, value_name = "BPS", default_value_t = 115_200, help_heading = "Gateway")]
    pub baud: u32,
    /// The service of pppd, by name or path [default: the one whose pppd holds the port, else pppd, ppp, pppd-* or ppp-*]
    #[arg(long, value_name = "NAME|PATH", help_heading = "Gateway")]
    pub service: Option<String>,
    /// How the supervisor is spoken to: auto takes the first of the others that works.
    #[arg(long, value_parser = backend(), default_value = "auto", help_heading = "Gateway")]
    pub backend: Backend,
    /// Starts pppd again where nobody supervises it; split at white space, run without a shell.
    #[arg(long, value_name = "WORDS", help_heading = "Gateway")]
    pub start_command: Option<String>,
    /// The interface that is up when the link is, a `*` at its end stands for anything; none: do not wait.
    #[arg(long, value_name = "PATTERN|none", default_value = crate::link::DEFAULT_INTERFACE, help_heading = "Gateway")]
    pub link: String,
    /// Where UUCP locks are kept; again for more [default: /var/lock and /run/lock]
    #[arg(long, value_name = "DIR", help_heading = "Gateway")]
    pub lock_dir: Vec<PathBuf>,
    /// Where the carriers of the last complete scan are remembered.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/cellscan", help_heading = "Gateway")]
    pub state_dir: PathBuf,
    /// Where the lease is kept while the service is taken; no link, and writable by nobody else.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_RUN_DIR, help_heading = "Gateway")]
    pub run_dir: PathBuf,
    /// After this time the guard kills a scan that still holds the service, and gives that back [default: budget, link
    /// timeout and 120s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Gateway")]
    pub hold_limit: Option<Duration>,
}

/// How a scan is to go.
#[derive(Clone, Debug, clap::Args)]
pub struct PolicyArgs {
    /// The longest time that the link may be away [default: 300s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Scan")]
    pub budget: Option<Duration>,
    /// full: try every carrier, the best wins; good-enough[=-75]: the first at so many dBm ends the trials [default: full]
    #[arg(long, value_name = "full|good-enough[=DBM]", value_parser = values::strategy, help_heading = "Scan")]
    pub strategy: Option<Strategy>,
    /// Try remembered carriers only, without a search of the network.
    #[arg(long, conflicts_with = "strategy", help_heading = "Scan")]
    pub quick: bool,
    /// The carriers to remember, likeliest last, such as 310410,311480 [default: those of the last complete scan]
    #[arg(long, value_name = "PLMN", value_delimiter = ',', value_parser = values::plmn, requires = "quick", help_heading = "Scan")]
    pub carriers: Vec<Plmn>,
    /// How long the search may take [default: 180s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Scan")]
    pub search_timeout: Option<Duration>,
    /// How long a registration may take [default: 45s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Scan")]
    pub register_timeout: Option<Duration>,
    /// How long the link is waited for [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Scan")]
    pub link_timeout: Option<Duration>,
    /// When no link comes up over the chosen carrier: say so, or take the service again for the next best [default: warn]
    #[arg(long, value_parser = no_link(), help_heading = "Scan")]
    pub no_link: Option<NoLink>,
    /// Try forbidden carriers too, where no other can be used.
    #[arg(long, help_heading = "Scan")]
    pub try_forbidden: bool,
}

/// What `scan` was told.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line, each on its own")]
pub struct ScanArgs {
    /// Which of these were typed. The first, since the others are taken out of the matches.
    #[command(flatten)]
    pub typed: Typed,
    /// The gateway. Without a port the daemon is asked, which scans by its own options.
    #[command(flatten)]
    pub gateway: ScannedArgs,
    /// How it is to go.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// With a daemon: which request this is. A number is served once; a scan that touched nothing leaves it free.
    #[arg(long, value_name = "N", conflicts_with_all = ["sim", "port"], help_heading = "Daemon")]
    pub request: Option<u32>,
    /// With a daemon: nobody asked for it in person. It is declined while the link works, and for 15 minutes after a scan.
    #[arg(long, conflicts_with_all = ["sim", "port"], help_heading = "Daemon")]
    pub automatic: bool,

    /// Scan in a simulated world, without hardware; --sim=list names them.
    #[arg(
        long,
        value_name = "SCENARIO",
        num_args = 0..=1,
        require_equals = true,
        conflicts_with_all = [
            "port", "ppp_port", "baud", "service", "backend", "start_command", "link", "lock_dir", "state_dir",
            "run_dir", "hold_limit",
        ],
        help_heading = "Simulation"
    )]
    pub sim: Option<Option<String>>,
    /// Let the simulated world take its own time.
    #[arg(long, requires = "sim", help_heading = "Simulation")]
    pub realtime: bool,
    /// The dice: of the named scenario or, without a name, of everything.
    #[arg(long, value_name = "N", requires = "sim", help_heading = "Simulation")]
    pub seed: Option<u64>,

    /// Write JSON to standard output, one object a line.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Write no states to standard error; warnings stay.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// Record what goes over the line, what the supervisor says and what the scan makes of it, for `replay`.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub record: Option<PathBuf>,
    /// Record all as it is: identities, telephone numbers, messages and credentials too, and the bytes of data mode.
    #[arg(long, requires = "record", help_heading = "Output")]
    pub keep_identities: bool,
    /// Bytes of the recording: beyond them only what the scan did is written, and the rest is counted.
    #[arg(long, value_name = "BYTES", default_value_t = LIMIT, value_parser = limit(), requires = "record", help_heading = "Output")]
    pub record_limit: u64,
}

/// What `run` was told.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// The gateway.
    #[command(flatten)]
    pub gateway: ScannedArgs,
    /// How its scans are to go.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Scan by itself once the link has been down for so long; a scan that has ended is not repeated within 15 minutes.
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Daemon")]
    pub when_link_down: Option<Duration>,
    /// Keep recordings of the last scans in this directory, as --record makes them
    #[arg(long, value_name = "DIR", help_heading = "Daemon")]
    pub recordings: Option<PathBuf>,
    /// How many recordings are kept.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..), requires = "recordings", help_heading = "Daemon")]
    pub keep_recordings: u16,
    /// Record all as it is: identities, telephone numbers, messages and credentials too.
    #[arg(long, requires = "recordings", help_heading = "Daemon")]
    pub keep_identities: bool,
    /// Bytes of each recording: beyond them only what the scan did is written, and the rest is counted.
    #[arg(long, value_name = "BYTES", default_value_t = LIMIT, value_parser = limit(), requires = "recordings", help_heading = "Daemon")]
    pub record_limit: u64,
}

/// What `restore` was told.
#[derive(Clone, Debug, clap::Args)]
pub struct RestoreArgs {
    /// Where the leases are.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_RUN_DIR)]
    pub run_dir: PathBuf,
    /// How long each service is asked, once a second, until its record shows what is wanted.
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "60s")]
    pub timeout: Duration,
    /// Write JSON to standard output, one object a lease.
    #[arg(long)]
    pub json: bool,
}

/// Where to look, for commands that look.
#[derive(Clone, Debug, clap::Args)]
pub struct GatewayArgs {
    /// The tty of the modem, by a name that stays [default: that of pppd]
    #[arg(long, value_name = "TTY")]
    pub port: Option<PathBuf>,
    /// The tty that pppd uses [default: what its service holds, else that of --port]
    #[arg(long, value_name = "TTY")]
    pub ppp_port: Option<PathBuf>,
    /// The service of pppd, by name or path [default: the one whose pppd holds the port, else pppd, ppp, pppd-* or ppp-*]
    #[arg(long, value_name = "NAME|PATH")]
    pub service: Option<String>,
    /// The interface that is up when the link is, a `*` at its end stands for anything; none: do not look.
    #[arg(long, value_name = "PATTERN|none", default_value = crate::link::DEFAULT_INTERFACE)]
    pub link: String,
    /// Where UUCP locks are kept; again for more [default: /var/lock and /run/lock]
    #[arg(long, value_name = "DIR")]
    pub lock_dir: Vec<PathBuf>,
    /// Write JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}

impl GatewayArgs {
    /// The directories of UUCP locks.
    #[must_use]
    pub fn lock_dirs(&self) -> Vec<PathBuf> {
        if self.lock_dir.is_empty() { SerialOptions::new("").lock_dirs } else { self.lock_dir.clone() }
    }

    /// The interface to look for; `None` where nobody is to look.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        Some(self.link.as_str()).filter(|pattern| *pattern != "none")
    }
}

/// What `status` was told.
#[derive(Clone, Debug, clap::Args)]
pub struct StatusArgs {
    /// Where to look.
    #[command(flatten)]
    pub gateway: GatewayArgs,
    /// Where the carriers of the last complete scan are remembered.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/cellscan")]
    pub state_dir: PathBuf,
    /// Where the leases and the daemon's control socket are.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_RUN_DIR)]
    pub run_dir: PathBuf,
}

/// What `doctor` was told.
#[derive(Clone, Debug, clap::Args)]
pub struct DoctorArgs {
    /// Where to look.
    #[command(flatten)]
    pub gateway: GatewayArgs,
    /// Bits per second; USB modems ignore it.
    #[arg(long, value_name = "BPS", default_value_t = 115_200)]
    pub baud: u32,
    /// Where the leases are of services that are taken.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_RUN_DIR)]
    pub run_dir: PathBuf,
    /// Where the carriers of the last complete scan are remembered.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/cellscan")]
    pub state_dir: PathBuf,
    /// Where the daemon keeps recordings of its scans
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// How the supervisor is spoken to in the exercise.
    #[arg(long, value_parser = backend(), default_value = "auto", requires = "exercise")]
    pub backend: Backend,
    /// Really take the service down and give it back, and tell the times: the link is away for some seconds.
    #[arg(long)]
    pub exercise: bool,
}

/// What `record` was told.
#[derive(Clone, Debug, clap::Args)]
pub struct RecordArgs {
    /// The tty of the modem.
    #[arg(long, value_name = "TTY")]
    pub port: PathBuf,
    /// The recording; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
    /// A link to the pseudo-terminal that the other program is to use [default: its own name is printed]
    #[arg(long, value_name = "PATH")]
    pub link: Option<PathBuf>,
    /// Bits per second; USB modems ignore it.
    #[arg(long, value_name = "BPS", default_value_t = 115_200)]
    pub baud: u32,
    /// Where UUCP locks are kept; again for more [default: /var/lock and /run/lock]
    #[arg(long, value_name = "DIR")]
    pub lock_dir: Vec<PathBuf>,
    /// Record all as it is: identities, telephone numbers, messages and credentials too, and the bytes of data mode.
    #[arg(long)]
    pub keep_identities: bool,
    /// Bytes of the recording: beyond them bytes of the line are only counted.
    #[arg(long, value_name = "BYTES", default_value_t = LIMIT, value_parser = limit())]
    pub record_limit: u64,
}

/// What `replay` was told.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line, each on its own")]
pub struct ReplayArgs {
    /// The logs, or directories of them; `-` is standard input.
    #[arg(value_name = "LOG", required = true)]
    pub logs: Vec<PathBuf>,
    /// What they are [default: found by their content]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Show the dialogue too, turn by turn.
    #[arg(long)]
    pub dialogue: bool,
    /// Show each scan as lanes over time, with what would have been below.
    #[arg(long)]
    pub timeline: bool,
    /// Write a page with the lanes and the dialogue of each scan, which needs nothing else; for one log.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write a row for each scan, with what would have been, to this file.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Show all of the dialogue: identities, telephone numbers, messages and credentials too.
    #[arg(long)]
    pub keep_identities: bool,
    /// Write JSON to standard output, one object a line; of several logs without the turns, unless --dialogue is given.
    #[arg(long)]
    pub json: bool,
}

/// Bytes of a recording: a header and a few events have room in the least.
fn limit() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(LIMIT_MIN..=LIMIT_MAX)
}

fn backend() -> impl TypedValueParser<Value = Backend> {
    PossibleValuesParser::new(["auto", "native", "sv", "unsupervised"]).map(|name| match name.as_str() {
        "native" => Backend::Native,
        "sv" => Backend::Sv,
        "unsupervised" => Backend::Unsupervised,
        _ => Backend::Auto,
    })
}

fn no_link() -> impl TypedValueParser<Value = NoLink> {
    PossibleValuesParser::new(["warn", "next-best"]).map(|name| match name.as_str() {
        "next-best" => NoLink::NextBest,
        _ => NoLink::Warn,
    })
}

/// Reads the command line.
///
/// # Errors
/// The program is to end now, and has said why: after `--help` with 0, on wrong use with 100.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Args, Exit> {
    Args::try_parse_from(words).map_err(|error| {
        // Whoever closed the other end has seen enough.
        let _nobody_listens = error.print();
        if error.use_stderr() { Exit::Usage } else { Exit::Done }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_description_of_the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
