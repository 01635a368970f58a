//! `status`: the state of service, port and link. It changes nothing, also while a scan runs, and tells what it can: a part that is not
//! known has its reason.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cellscan_core::carrier::Plmn;
use serde::Serialize;
use serde_json::Value;

use super::{printed, printed_wrapped};
use crate::cli::StatusArgs;
use crate::clock::Clock;
use crate::control::Request;
use crate::control::client::Asked;
use crate::error::chain;
use crate::event_loop;
use crate::examine::Who;
use crate::examine::port::PortFacts;
use crate::examine::service::ServiceFacts;
use crate::examine::sources::{self, PPP_DIR};
use crate::exit::{Exit, Fatal};
use crate::gateway::remembered;
use crate::link::Interfaces;
use crate::report::clean;
use crate::report::words::{self, counted, shown};
use crate::service::family::Family;
use crate::service::locate::{self, Located};

mod leases;
mod selection;

use leases::Lease;
use selection::Selection;

/// Blanks before the rest of a line on a terminal.
const INDENT: usize = 4;
/// How long a daemon may take to answer; it shares one loop with a scan, and does not block there.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct Status {
    kind: &'static str,
    service: Option<ServiceStatus>,
    scan: Option<Who>,
    port: Option<Port>,
    link: Option<Vec<String>>,
    carriers: Vec<String>,
    #[serde(skip)]
    names: Vec<(Plmn, String)>,
    leases: Vec<Lease>,
    selections: Vec<Selection>,
    daemon: Option<Value>,
    /// The parts that are not known, each with the reason.
    unknown: Vec<String>,
}

#[derive(Serialize)]
struct ServiceStatus {
    dir: PathBuf,
    supervised: Option<bool>,
    state: Option<&'static str>,
    pid: Option<u32>,
    comm: Option<String>,
    want: Option<&'static str>,
}

#[derive(Serialize)]
struct Port {
    path: PathBuf,
    holders: Option<Vec<Who>>,
    locks: Vec<Lock>,
}

#[derive(Serialize)]
struct Lock {
    path: PathBuf,
    pid: Option<u32>,
    alive: bool,
}

/// Prints the state; what cannot be known is named, and is no failure.
///
/// # Errors
/// The output failed.
pub fn run(args: &StatusArgs) -> Result<Exit, Fatal> {
    let status = look(args);
    if args.gateway.json {
        return printed(|out| writeln!(out, "{}", clean::json(&status)?));
    }
    printed_wrapped(INDENT, |out| status.text(out))
}

fn look(args: &StatusArgs) -> Status {
    let mut unknown = Vec::new();
    let named = args.gateway.ppp_port.as_deref().or(args.gateway.port.as_deref());
    let found = locate::locate(args.gateway.service.as_deref(), &locate::default_roots(), named);
    let dir = match found {
        Ok(Some(Located { dir, .. })) => Some(dir),
        Ok(None) => {
            unknown.push(format!("service: {}", locate::NONE));
            None
        }
        Err(error) => {
            unknown.push(format!("service: {}", chain(&error)));
            None
        }
    };
    let facts = dir.and_then(|dir| {
        let facts = ServiceFacts::of(&dir, &args.run_dir);
        facts.map_err(|error| unknown.push(format!("service: {}", chain(&error)))).ok()
    });
    let held = || facts.as_ref().and_then(|facts| facts.ports.first().cloned());
    // A process that the service started may have left it and hold the port: the options of pppd name that port.
    let options = || {
        let facts = facts.as_ref()?;
        sources::follow(&facts.dir, Path::new(PPP_DIR)).options.port_path()
    };
    let port = args.gateway.ppp_port.clone().or_else(held);
    let port = port.or_else(|| args.gateway.port.clone()).or_else(options);
    let family = Family::new(facts.as_ref().map(|facts| facts.dir.as_path()), port.as_deref());
    let link = args.gateway.link().map(Interfaces::named).and_then(|interfaces| {
        let up = interfaces.up(&|pid| family.has(pid));
        up.map_err(|error| unknown.push(format!("link: {}", chain(&error)))).ok()
    });
    if let Some(facts) = &facts {
        let errors = [facts.record.as_ref().err(), facts.supervised.as_ref().err()];
        unknown.extend(errors.into_iter().flatten().map(|error| format!("service: {}", chain(error))));
        unknown.dedup();
    }
    let port = port.map(|path| {
        let facts = PortFacts::of(&path, &args.gateway.lock_dirs());
        let holders = facts.known_holders().map(<[Who]>::to_vec);
        if holders.is_none() {
            unknown.push(format!(
                "port: {} cannot be looked into, and may have it; run it as root",
                counted(facts.unreadable, "process", "processes")
            ));
        }
        let locks = facts.locks.into_iter();
        let locks = locks.map(|lock| Lock { path: lock.path, pid: lock.pid, alive: lock.alive });
        Port { path, holders, locks: locks.collect() }
    });
    let carriers = remembered::read(&args.state_dir).unwrap_or_else(|error| {
        unknown.push(format!("carriers: {}", chain(&error)));
        Vec::new()
    });
    Status {
        kind: "status",
        scan: facts.as_ref().and_then(|facts| facts.claimed_by.clone()),
        service: facts.map(service),
        port,
        link,
        names: remembered::names(&args.state_dir),
        carriers: carriers.iter().map(|carrier| carrier.plmn.to_string()).collect(),
        leases: leases::all(&args.run_dir, &mut unknown),
        selections: selection::all(&args.state_dir, Clock::new().now(), &mut unknown),
        daemon: daemon(&args.run_dir, &mut unknown),
        unknown,
    }
}

fn service(facts: ServiceFacts) -> ServiceStatus {
    let record = facts.record.as_ref().ok();
    ServiceStatus {
        supervised: facts.supervised.as_ref().ok().copied(),
        state: record.map(|record| words::service_state(record.state)),
        pid: record.and_then(|record| record.pid).map(std::num::NonZeroU32::get),
        want: facts.want().map(words::want),
        comm: facts.process.map(|process| process.comm),
        dir: facts.dir,
    }
}

/// The daemon's status; `None` if no daemon runs.
fn daemon(run_dir: &Path, unknown: &mut Vec<String>) -> Option<Value> {
    let answer = ask(run_dir).unwrap_or_else(|error| {
        unknown.push(format!("daemon: it does not answer: {error}"));
        None
    });
    answer.filter(|answer| answer.get("kind").is_some_and(|kind| kind == "daemon"))
}

fn ask(run_dir: &Path) -> io::Result<Option<Value>> {
    let clock = Clock::new();
    let until = clock.now() + ANSWER_LIMIT;
    let Some(mut asked) = Asked::ask(run_dir, Request::Status)? else { return Ok(None) };
    while !asked.is_closed() && clock.now() < until {
        if let Some(answer) = asked.answers()?.into_iter().next() {
            return Ok(Some(answer));
        }
        event_loop::wait(&[asked.as_fd()], Some(until), clock)?;
    }
    Err(io::Error::from(io::ErrorKind::TimedOut))
}

impl Status {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.service {
            Some(service) => service.text(out)?,
            None => writeln!(out, "service: not known")?,
        }
        match &self.scan {
            Some(who) => writeln!(out, "scan: running, process {} ({})", who.pid, shown(&who.comm))?,
            None => writeln!(out, "scan: none")?,
        }
        match &self.port {
            None => writeln!(out, "port: unknown: none is held, named or in the options of pppd")?,
            Some(port) => {
                let name = |who: &Who| format!("{} ({})", who.pid, shown(&who.comm));
                let holders = match &port.holders {
                    None => "a process that cannot be seen, or none".to_owned(),
                    Some(holders) if holders.is_empty() => "no process".to_owned(),
                    Some(holders) => holders.iter().map(name).collect::<Vec<_>>().join(", "),
                };
                writeln!(out, "port: {}: held by {holders}", shown(&port.path.display().to_string()))?;
                for lock in &port.locks {
                    let owner =
                        lock.pid.map_or_else(|| "no process".to_owned(), |pid| format!("process {pid}"));
                    let gone = if lock.alive { "" } else { ", stale" };
                    writeln!(out, "lock: {}: {owner}{gone}", shown(&lock.path.display().to_string()))?;
                }
            }
        }
        match &self.link {
            None => writeln!(out, "link: not looked at")?,
            Some(names) if names.is_empty() => writeln!(out, "link: down")?,
            Some(names) => writeln!(out, "link: up, {}", shown(&names.join(", ")))?,
        }
        if let Some(daemon) = &self.daemon {
            let text = |key: &str| daemon.get(key).and_then(Value::as_str).unwrap_or_default();
            let number = |key: &str| daemon.get(key).and_then(Value::as_u64).unwrap_or_default();
            let denied: Vec<&str> = daemon
                .get("deny_list")
                .and_then(Value::as_array)
                .map(|list| list.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            let denied = if denied.is_empty() { "none".to_owned() } else { denied.join(", ") };
            let (pid, phase) = (number("pid"), shown(text("phase")));
            let scans = usize::try_from(number("scans")).unwrap_or(usize::MAX);
            writeln!(
                out,
                "daemon: process {pid}, {phase}, {}; tried last for now: {}",
                counted(scans, "scan", "scans"),
                shown(&denied)
            )?;
            if let Some(left) = daemon.get("unlock_in_s").and_then(Value::as_f64) {
                writeln!(
                    out,
                    "daemon: no address; in {left:.0} s it tells the modem to choose its carrier by itself"
                )?;
            }
        }
        for lease in &self.leases {
            lease.text(out)?;
        }
        for selection in &self.selections {
            selection.text(out)?;
        }
        let named = |digits: &String| {
            let name = self.names.iter().find(|(plmn, _)| plmn.as_str() == digits);
            name.map_or_else(|| digits.clone(), |(plmn, name)| words::named(Some(name), *plmn))
        };
        let carriers: Vec<String> = self.carriers.iter().map(named).collect();
        let carriers = if carriers.is_empty() { "none".to_owned() } else { carriers.join(", ") };
        writeln!(out, "carriers of the last complete scan, likeliest last: {carriers}")?;
        self.unknown.iter().try_for_each(|part| writeln!(out, "not known: {}", shown(part)))
    }
}

impl ServiceStatus {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let dir = shown(&self.dir.display().to_string());
        match (self.supervised, self.state, self.want) {
            (Some(false), ..) => writeln!(out, "service: {dir}: no process supervises it"),
            (_, Some(state), Some(want)) => {
                let of = self.comm.as_ref().map(|comm| format!(" ({})", shown(comm))).unwrap_or_default();
                let pid = self.pid.map(|pid| format!(", process {pid}{of}")).unwrap_or_default();
                writeln!(out, "service: {dir}: {state}, wanted {want}{pid}")
            }
            _ => writeln!(out, "service: {dir}: its state is not known"),
        }
    }
}
