//! One module per command.

use std::io::{self, BufWriter, Write};

use clap::CommandFactory;

use crate::cli::{Args, Command, ScanArgs};
use crate::exit::{Exit, Fatal};
use crate::logging;
use crate::plan::{DaemonPlan, Plan};
use crate::recording::Extent;
use crate::recording::listening::To;
use crate::report::{clean, console};

pub mod asked;
pub mod decode;
pub mod doctor;
pub mod exercise;
mod fatal;
pub mod record;
pub mod replay;
pub mod restore;
pub mod run;
pub mod scan;
pub mod simsv;
pub mod simulated;
pub mod status;

/// Runs the command; a failure is reported on standard error.
#[must_use]
pub fn run(args: &Args) -> Exit {
    let ended = logging::start(args.verbose).map_err(Fatal::from).and_then(|()| match &args.command {
        Command::Scan(scan) => run_scan(scan, args.verbose > 0),
        Command::Run(args) => DaemonPlan::new(args).and_then(|plan| run::run(&plan)),
        Command::Restore(args) => restore::run(args),
        Command::Status(status) => status::run(status),
        Command::Doctor(doctor) => doctor::run(doctor),
        Command::Decode { command } => decode::run(command.as_deref()),
        Command::Record(args) => record::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Simsv => simsv::run(),
        Command::Completions { shell } => printed(|out| {
            clap_complete::generate(*shell, &mut Args::command(), "cellscan", out);
            Ok(())
        }),
        Command::Man { command } => man(command.as_deref()),
    });
    ended.unwrap_or_else(|fatal| {
        console::complain("fatal", &fatal.message);
        fatal.exit
    })
}

fn run_scan(args: &ScanArgs, verbose: bool) -> Result<Exit, Fatal> {
    let record = args.record.as_ref().map(|path| To {
        path: path.clone(),
        extent: Extent { keep_identities: args.keep_identities, limit: args.record_limit },
        optional: false,
    });
    let record = record.as_ref();
    match Plan::new(args)? {
        Plan::ListScenarios => printed(simulated::list),
        Plan::Asked(plan) => asked::run(&plan, args.json, args.quiet),
        Plan::Simulated(plan) => simulated::run(&plan, record, args.json, args.quiet, verbose),
        Plan::Gateway(plan) => scan::run(&plan, record, args.json, args.quiet, verbose),
    }
}

fn man(command: Option<&str>) -> Result<Exit, Fatal> {
    let mut program = Args::command();
    program.build();
    let page = match command {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).filter(|found| !found.is_hide_set());
            found.cloned().ok_or_else(|| Fatal::usage(format!("man: found {name:?}, wanted a command")))?
        }
    };
    printed(|out| clap_mangen::Man::new(page).render(out))
}

/// Writes a result to standard output, without characters that control a terminal. A closed output (EPIPE) is no failure; any other
/// failure is a system error.
fn printed(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Exit, Fatal> {
    let mut whole = Vec::new();
    write(&mut whole).map_err(|error| Fatal::system(format!("unable to make the output: {error}")))?;
    let whole = String::from_utf8_lossy(&whole);
    let mut out = BufWriter::new(io::stdout().lock());
    match out.write_all(clean::lines(&whole).as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(Fatal::system(format!("unable to write to standard output: {error}"))),
    }
}
