//! The command line as typed. [`plan`](crate::plan) interprets it.

use std::ffi::OsString;
use std::io::Write;
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
use crate::report::json;
use crate::service::locate::Backend;

mod looking;
pub mod typed;
pub mod values;

pub use looking::{AtArgs, DoctorArgs, GatewayArgs, LineArgs, PortsArgs, RecordArgs, ReplayArgs, StatusArgs};
use typed::Typed;

/// Takes a cellular modem from pppd, finds out which carrier is best, and gives it back.
#[derive(Clone, Debug, Parser)]
#[command(name = "cellscan", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Args {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Show what a scan decides, with times; -vv: each line to and from the modem too (without identities); -vvv: internal events
    /// too, as `CELLSCAN_LOG=trace` does.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Scan for carriers once, and select the best.
    #[command(after_help = exit::HELP)]
    Scan(Box<ScanArgs>),
    /// Run as a daemon: give back what a killed scan has left, then scan when asked.
    #[command(after_help = exit::HELP)]
    Run(Box<RunArgs>),
    /// Give back every service that a killed scan has left down; tell a modem that has had no address for long to choose its carrier.
    #[command(after_help = exit::HELP)]
    Restore(RestoreArgs),
    /// Show the state of the service, its port and the link, without touching them.
    #[command(after_help = exit::HELP)]
    Status(StatusArgs),
    /// Check what a scan needs: one line per check, what was found and what to do.
    #[command(after_help = exit::HELP)]
    Doctor(DoctorArgs),
    /// List the ports of modems: stable name, who has it, whether it answers AT, which is pppd's.
    #[command(after_help = exit::HELP)]
    Ports(PortsArgs),
    /// Send commands to a modem, and show what it answers; a port that a process has open is left alone.
    #[command(after_help = exit::HELP)]
    At(AtArgs),
    /// Decode the bytes of a modem: one JSON object per reply, from standard input to standard output.
    Decode {
        /// The command that was sent, such as 'AT+CREG?': decides whether a line is an answer or unsolicited.
        #[arg(long, value_name = "AT…")]
        command: Option<String>,
    },
    /// Record the dialogue of another program with the modem, between a pseudo-terminal and the port.
    #[command(after_help = exit::HELP)]
    Record(RecordArgs),
    /// Show what happened according to a log, and what cellscan would have done.
    #[command(after_help = exit::HELP)]
    Replay(ReplayArgs),
    /// Run supervision scenarios (JSON lines on standard input) through the simulated runsv.
    Simsv,
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the man page of a command, or of the program.
    Man {
        /// The command.
        command: Option<String>,
    },
}

impl Command {
    /// Whether it writes objects of JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        match self {
            Self::Scan(args) => args.json,
            Self::Restore(args) => args.json,
            Self::Status(args) => args.gateway.json,
            Self::Doctor(args) => args.gateway.json,
            Self::Ports(args) => args.json,
            Self::At(args) => args.json,
            Self::Replay(args) => args.json,
            Self::Run(_)
            | Self::Decode { .. }
            | Self::Record(_)
            | Self::Simsv
            | Self::Completions { .. }
            | Self::Man { .. } => false,
        }
    }
}

/// The gateway to scan.
#[derive(Clone, Debug, clap::Args)]
pub struct ScannedArgs {
    /// The tty of the modem, by a stable name, such as /dev/serial/by-id/…
    #[arg(long, value_name = "TTY", help_heading = "Gateway")]
    pub port: Option<PathBuf>,
    /// The tty that pppd uses, if it is another one [default: that of --port]
    #[arg(long, value_name = "TTY", help_heading = "Gateway")]
    pub ppp_port: Option<PathBuf>,
    /// Bits per second; USB modems ignore it.
    #[arg(long, value_name = "BPS", default_value_t = 115_200, help_heading = "Gateway")]
    pub baud: u32,
    /// The service of pppd, by name or path [default: the one whose pppd holds the port, else pppd, ppp, pppd-* or ppp-*]
    #[arg(long, value_name = "NAME|PATH", help_heading = "Gateway")]
    pub service: Option<String>,
    /// How to talk to the supervisor: auto takes the first of the others that works.
    #[arg(long, value_parser = backend(), default_value = "auto", help_heading = "Gateway")]
    pub backend: Backend,
    /// Command that starts pppd again without a supervisor; split at white space, run without a shell.
    #[arg(long, value_name = "WORDS", help_heading = "Gateway")]
    pub start_command: Option<String>,
    /// The interface that is up when the link is up, a `*` at its end matches any rest; none: do not wait.
    #[arg(long, value_name = "PATTERN|none", default_value = crate::link::DEFAULT_INTERFACE, help_heading = "Gateway")]
    pub link: String,
    /// Directory of UUCP locks; repeat for more [default: /var/lock and /run/lock]
    #[arg(long, value_name = "DIR", help_heading = "Gateway")]
    pub lock_dir: Vec<PathBuf>,
    /// Directory for the carriers of the last complete scan.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/cellscan", help_heading = "Gateway")]
    pub state_dir: PathBuf,
    /// Directory for the lease while the service is taken; no symbolic link, and writable by no other user.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_RUN_DIR, help_heading = "Gateway")]
    pub run_dir: PathBuf,
    /// After this time the guard kills a scan that still holds the service, and gives the service back [default: budget, link
    /// timeout and 120s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Gateway")]
    pub hold_limit: Option<Duration>,
    /// How long the link may have no address on the selected carrier, until the modem is told to choose one by itself; 0: never
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "10m", help_heading = "Gateway")]
    pub unlock_after: Duration,
}

/// The policy of a scan.
#[derive(Clone, Debug, clap::Args)]
pub struct PolicyArgs {
    /// Longest time that the link may be away [default: 300s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Scan")]
    pub budget: Option<Duration>,
    /// full: try every carrier, the best wins; good-enough[=-75]: the first that lasts at that many dBm ends the trials;
    /// adaptive[=-75]: the remembered carriers first, and a search only where none is so good, or one is 6 dB below its remembered level
    /// [default: full]
    #[arg(long, value_name = "full|good-enough[=DBM]|adaptive[=DBM]", value_parser = values::strategy, help_heading = "Scan")]
    pub strategy: Option<Strategy>,
    /// Try remembered carriers only, without searching the network.
    #[arg(long, conflicts_with = "strategy", help_heading = "Scan")]
    pub quick: bool,
    /// Carriers to remember, likeliest last, such as 310410,311480 [default: those of the last complete scan]
    #[arg(long, value_name = "PLMN", value_delimiter = ',', value_parser = values::plmn, help_heading = "Scan")]
    pub carriers: Vec<Plmn>,
    /// How long after its selection the signal of the chosen carrier is read again: a level right after it may not last; 0s: it is
    /// not [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Scan")]
    pub confirm: Option<Duration>,
    /// How long the search may take [default: 180s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Scan")]
    pub search_timeout: Option<Duration>,
    /// How long a registration may take [default: 45s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Scan")]
    pub register_timeout: Option<Duration>,
    /// How long to wait for the link [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Scan")]
    pub link_timeout: Option<Duration>,
    /// If no link comes up over the chosen carrier: warn, or take the service again for the next best [default: warn]
    #[arg(long, value_parser = no_link(), help_heading = "Scan")]
    pub no_link: Option<NoLink>,
    /// Try forbidden carriers too, if no other can be used.
    #[arg(long, help_heading = "Scan")]
    pub try_forbidden: bool,
}

/// Arguments of `scan`.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a command line")]
pub struct ScanArgs {
    /// Which of these were typed. First, because parsing removes the others from the matches.
    #[command(flatten)]
    pub typed: Typed,
    /// The gateway. Without a port the daemon scans, by its own options.
    #[command(flatten)]
    pub gateway: ScannedArgs,
    /// The policy.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// With a daemon: the number of the request. A number is served once; a scan that touched nothing leaves it free.
    #[arg(long, value_name = "N", conflicts_with_all = ["sim", "port"], help_heading = "Daemon")]
    pub request: Option<u32>,
    /// With a daemon: a program asks, not a user. Declined while the link works, and for 15 minutes after a scan.
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
            "run_dir", "hold_limit", "unlock_after",
        ],
        help_heading = "Simulation"
    )]
    pub sim: Option<Option<String>>,
    /// Run the simulated world in real time.
    #[arg(long, requires = "sim", help_heading = "Simulation")]
    pub realtime: bool,
    /// Seed of the named scenario or, without a name, of a random world.
    #[arg(long, value_name = "N", requires = "sim", help_heading = "Simulation")]
    pub seed: Option<u64>,

    /// Write JSON to standard output, one object per line.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Write no states to standard error; warnings stay.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// Show all columns of the table, on lines wider than 80 columns.
    #[arg(long, conflicts_with = "json", help_heading = "Output")]
    pub wide: bool,
    /// Record the bytes of the line, the supervisor's answers and the events of the scan, for `replay`; `-`: to standard output, instead
    /// of the result.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub record: Option<PathBuf>,
    /// Record everything unchanged: identities, telephone numbers, messages, credentials and the bytes of data mode too.
    #[arg(long, requires = "record", help_heading = "Output")]
    pub keep_identities: bool,
    /// Size limit of the recording in bytes: after it only the events of the scan are written, and other bytes are counted.
    #[arg(long, value_name = "BYTES", default_value_t = LIMIT, value_parser = limit(), requires = "record", help_heading = "Output")]
    pub record_limit: u64,
}

/// Arguments of `run`.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// The gateway.
    #[command(flatten)]
    pub gateway: ScannedArgs,
    /// The policy of its scans.
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Scan without a request once the link has been down for this time, but not within 15 minutes after a scan.
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Daemon")]
    pub when_link_down: Option<Duration>,
    /// Keep recordings of the last scans in this directory, as --record makes them
    #[arg(long, value_name = "DIR", help_heading = "Daemon")]
    pub recordings: Option<PathBuf>,
    /// Number of recordings to keep.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..), requires = "recordings", help_heading = "Daemon")]
    pub keep_recordings: u16,
    /// Record everything unchanged: identities, telephone numbers, messages and credentials too.
    #[arg(long, requires = "recordings", help_heading = "Daemon")]
    pub keep_identities: bool,
    /// Size limit of each recording in bytes: after it only the events of the scan are written, and other bytes are counted.
    #[arg(long, value_name = "BYTES", default_value_t = LIMIT, value_parser = limit(), requires = "recordings", help_heading = "Daemon")]
    pub record_limit: u64,
}

/// Arguments of `restore`.
#[derive(Clone, Debug, clap::Args)]
pub struct RestoreArgs {
    /// Directory of the leases.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_RUN_DIR)]
    pub run_dir: PathBuf,
    /// Directory of the records of selected carriers.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/cellscan")]
    pub state_dir: PathBuf,
    /// How long to ask for each service, once a second, until its status record shows the wanted state.
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "60s")]
    pub timeout: Duration,
    /// Write JSON to standard output, one object per lease and per selected carrier.
    #[arg(long)]
    pub json: bool,
}

/// The limit of a recording: at least a header and a few events.
pub(crate) fn limit() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(LIMIT_MIN..=LIMIT_MAX)
}

pub(crate) fn backend() -> impl TypedValueParser<Value = Backend> {
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
/// The program ends now, and has printed why: after `--help` with 0, on wrong use with 100.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Args, Exit> {
    let words: Vec<OsString> = words.into_iter().collect();
    Args::try_parse_from(&words).map_err(|error| {
        // A closed output is no error.
        let _closed = error.print();
        if !error.use_stderr() {
            return Exit::Done;
        }
        if words.iter().any(|word| word == "--json") {
            let text = error.to_string();
            let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let mut out = std::io::stdout().lock();
            let _closed = writeln!(out, "{}", json::fatal(Exit::Usage.code(), message));
        }
        Exit::Usage
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
