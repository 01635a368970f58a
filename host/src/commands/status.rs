//! `status`: the state of service, port and link. It changes nothing, also while a scan runs.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::printed;
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
use crate::report::words::{self, shown};
use crate::report::{clean, console};
use crate::service::family::Family;
use crate::service::locate::{self, Located};

mod selection;

use selection::Selection;

/// How long a daemon may take to answer; it shares one loop with a scan, and does not block there.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct Status {
    kind: &'static str,
    service: ServiceStatus,
    scan: Option<Who>,
    port: Option<Port>,
    link: Option<Vec<String>>,
    carriers: Vec<String>,
    selections: Vec<Selection>,
    daemon: Option<Value>,
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
    holders: Vec<Who>,
    locks: Vec<Lock>,
}

#[derive(Serialize)]
struct Lock {
    path: PathBuf,
    pid: Option<u32>,
    alive: bool,
}

/// Prints the state.
///
/// # Errors
/// No service was found, or the output failed.
pub fn run(args: &StatusArgs) -> Result<Exit, Fatal> {
    let unable = |error: &dyn std::error::Error| {
        Fatal::system(format!("unable to find the service of pppd: {}", chain(error)))
    };
    let port = args.gateway.ppp_port.as_deref().or(args.gateway.port.as_deref());
    let found = locate::locate(args.gateway.service.as_deref(), &locate::default_roots(), port);
    let Some(Located { dir, .. }) = found.map_err(|error| unable(&error))? else {
        return Err(Fatal::system(format!("unable to find the service of pppd: {}", locate::NONE)));
    };
    let facts = ServiceFacts::of(&dir, &args.run_dir).map_err(|error| unable(&error))?;
    let status = look(args, facts);
    printed(|out| {
        if args.gateway.json {
            return writeln!(out, "{}", clean::json(&status)?);
        }
        status.text(out)
    })
}

fn look(args: &StatusArgs, facts: ServiceFacts) -> Status {
    let port = args.gateway.ppp_port.clone().or_else(|| facts.ports.first().cloned());
    let port = port.or_else(|| args.gateway.port.clone());
    // A process that the service started may have left it and hold the port: the options of pppd name that port.
    let port = port.or_else(|| sources::follow(&facts.dir, Path::new(PPP_DIR)).options.port_path());
    let record = facts.record.as_ref().ok();
    for error in facts.record.as_ref().err().into_iter().chain(facts.supervised.as_ref().err()) {
        console::complain("warning", &chain(error));
    }
    let family = Family::new(Some(&facts.dir), port.as_deref());
    let interfaces = args.gateway.link().map(Interfaces::named);
    Status {
        kind: "status",
        service: ServiceStatus {
            supervised: facts.supervised.as_ref().ok().copied(),
            state: record.map(|record| words::service_state(record.state)),
            pid: record.and_then(|record| record.pid).map(std::num::NonZeroU32::get),
            want: facts.want().map(words::want),
            comm: facts.process.map(|process| process.comm),
            dir: facts.dir,
        },
        scan: facts.claimed_by,
        port: port.map(|path| {
            let facts = PortFacts::of(&path, &args.gateway.lock_dirs());
            let locks = facts.locks.into_iter();
            let locks = locks.map(|lock| Lock { path: lock.path, pid: lock.pid, alive: lock.alive });
            Port { path, holders: facts.holders, locks: locks.collect() }
        }),
        link: interfaces.and_then(|interfaces| interfaces.up(&|pid| family.has(pid)).ok()),
        carriers: remembered::read(&args.state_dir)
            .unwrap_or_else(|error| {
                console::complain("warning", &format!("nothing is remembered: {}", chain(&error)));
                Vec::new()
            })
            .iter()
            .map(|carrier| carrier.plmn.to_string())
            .collect(),
        selections: selection::all(&args.state_dir, Clock::new().now()),
        daemon: daemon(&args.run_dir),
    }
}

/// The daemon's status; `None` if no daemon runs.
fn daemon(run_dir: &Path) -> Option<Value> {
    let answer = ask(run_dir).unwrap_or_else(|error| {
        console::complain("warning", &format!("the daemon does not answer: {error}"));
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
        let service = &self.service;
        let dir = shown(&service.dir.display().to_string());
        match (service.supervised, service.state, service.want) {
            (Some(false), ..) => writeln!(out, "service: {dir}: no process supervises it")?,
            (_, Some(state), Some(want)) => {
                let of = service.comm.as_ref().map(|comm| format!(" ({})", shown(comm))).unwrap_or_default();
                let pid = service.pid.map(|pid| format!(", process {pid}{of}")).unwrap_or_default();
                writeln!(out, "service: {dir}: {state}, wanted {want}{pid}")?;
            }
            _ => writeln!(out, "service: {dir}: unknown")?,
        }
        match &self.scan {
            Some(who) => writeln!(out, "scan: running, process {} ({})", who.pid, shown(&who.comm))?,
            None => writeln!(out, "scan: none")?,
        }
        match &self.port {
            None => writeln!(out, "port: unknown: none is held, named or in the options of pppd")?,
            Some(port) => {
                let name = |who: &Who| format!("{} ({})", who.pid, shown(&who.comm));
                let holders: Vec<String> = port.holders.iter().map(name).collect();
                let holders = if holders.is_empty() { "no process".to_owned() } else { holders.join(", ") };
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
            let (pid, scans, phase) = (number("pid"), number("scans"), shown(text("phase")));
            writeln!(
                out,
                "daemon: process {pid}, {phase}, {scans} scans; tried last for now: {}",
                shown(&denied)
            )?;
            if let Some(left) = daemon.get("unlock_in_s").and_then(Value::as_f64) {
                writeln!(
                    out,
                    "daemon: no address; in {left:.0} s it tells the modem to choose its carrier by itself"
                )?;
            }
        }
        for selection in &self.selections {
            selection.text(out)?;
        }
        let carriers = if self.carriers.is_empty() { "none".to_owned() } else { self.carriers.join(", ") };
        writeln!(out, "carriers of the last complete scan, likeliest last: {carriers}")
    }
}
