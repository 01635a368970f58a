//! One module per command.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use clap::CommandFactory;

use crate::cli::{Args, Command, ScanArgs};
use crate::exit::{Exit, Fatal};
use crate::logging;
use crate::plan::{DaemonPlan, Plan};
use crate::recording::Extent;
use crate::recording::listening::{STDOUT, To};
use crate::report::{Style, clean, console, json, wrap};

pub mod asked;
pub mod at;
pub mod decode;
pub mod doctor;
pub mod exercise;
mod fatal;
pub mod ports;
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
        Command::Scan(scan) => run_scan(scan, args.verbose),
        Command::Run(daemon) => {
            DaemonPlan::new(daemon).and_then(|plan| run::run(&plan, logging::shown(args.verbose)))
        }
        Command::Restore(args) => restore::run(args),
        Command::Status(status) => status::run(status),
        Command::Doctor(doctor) => doctor::run(doctor),
        Command::Decode { command } => decode::run(command.as_deref()),
        Command::Ports(args) => ports::run(args),
        Command::At(args) => at::run(args),
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
        if args.command.is_json() {
            // Who reads objects learns of it too; a closed output changes nothing.
            let _closed = printed(|out| writeln!(out, "{}", json::fatal(fatal.exit.code(), &fatal.message)));
        }
        fatal.exit
    })
}

fn run_scan(args: &ScanArgs, verbose: u8) -> Result<Exit, Fatal> {
    let shown = logging::shown(verbose);
    let record = match &args.record {
        Some(path) => Some(To {
            path: Some(path.clone()),
            extent: Extent { keep_identities: args.keep_identities, limit: args.record_limit },
            optional: false,
            shown,
        }),
        None => To::show(shown),
    };
    let aside = args.record.as_deref() == Some(Path::new(STDOUT));
    if aside && args.json {
        return Err(Fatal::usage(
            "--record -: found --json too, wanted one of them: both write to standard output",
        ));
    }
    let record = record.as_ref();
    let (json, quiet, wide) = (args.json, args.quiet, args.wide);
    let style = Style { json, quiet, wide, aside, bar: verbose == 0, ..Style::default() };
    match Plan::new(args)? {
        Plan::ListScenarios => printed(simulated::list),
        Plan::Asked(plan) => asked::run(&plan, json, quiet),
        Plan::Simulated(plan) => simulated::run(&plan, record, style),
        Plan::Gateway(plan) => scan::run(&plan, record, style),
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

/// As [`printed`]; on a terminal lines are broken at blanks, and the rest is indented by so many columns.
fn printed_wrapped(
    indent: usize,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Exit, Fatal> {
    printed(|out| {
        let Some(columns) = wrap::columns(io::stdout()) else { return write(out) };
        let mut whole = Vec::new();
        write(&mut whole)?;
        writeln!(out, "{}", wrap::lines(&String::from_utf8_lossy(&whole), columns, indent))
    })
}

/// Writes a result to standard output, without characters that control a terminal. A closed output (EPIPE) is no failure; any other
/// failure is a system error.
fn printed(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Exit, Fatal> {
    let mut whole = Vec::new();
    write(&mut whole).map_err(|error| Fatal::system(format!("unable to make the output: {error}")))?;
    let whole = String::from_utf8_lossy(&whole);
    let mut out = BufWriter::new(io::stdout().lock());
    written(out.write_all(clean::lines(&whole).as_bytes()).and_then(|()| out.flush()))
}

/// Writes lines with colours of our own, where a terminal wants them. Text from others in them has been cleaned.
fn styled(text: &str) -> Result<Exit, Fatal> {
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    written(writeln!(out, "{text}").and_then(|()| out.flush()))
}

fn written(result: io::Result<()>) -> Result<Exit, Fatal> {
    match result {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(Fatal::system(format!("unable to write to standard output: {error}"))),
    }
}
