//! `status`: how the service, the port and the link stand. Nothing is touched, also while a scan runs.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::printed;
use crate::cli::StatusArgs;
use crate::examine::Who;
use crate::examine::port::PortFacts;
use crate::examine::service::Standing;
use crate::exit::{Exit, Fatal, chain};
use crate::link;
use crate::remembered;
use crate::report::console;
use crate::report::words::{self, shown};
use crate::service::locate;

#[derive(Serialize)]
struct Status {
    kind: &'static str,
    service: ServiceStatus,
    scan: Option<Who>,
    port: Option<Port>,
    link: Option<Vec<String>>,
    carriers: Vec<String>,
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

/// Tells how it stands.
///
/// # Errors
/// There is no service to tell of, or the output failed.
pub fn run(args: &StatusArgs) -> Result<Exit, Fatal> {
    let unable = |error| Fatal::system(format!("unable to find the service of pppd: {}", chain(&error)));
    let found = locate::find_service(args.gateway.service.as_deref(), &locate::default_roots());
    let Some(dir) = found.map_err(unable)? else {
        return Err(Fatal::system("unable to find the service of pppd: none is called pppd, ppp or pppd-*"));
    };
    let standing = Standing::of(&dir).map_err(unable)?;
    let status = look(args, standing);
    printed(|out| {
        if args.gateway.json {
            serde_json::to_writer(&mut *out, &status)?;
            return writeln!(out);
        }
        status.text(out)
    })
}

fn look(args: &StatusArgs, standing: Standing) -> Status {
    let port = args.gateway.ppp_port.clone().or_else(|| standing.ports.first().cloned());
    let port = port.or_else(|| args.gateway.port.clone());
    let record = standing.record.as_ref().ok();
    for error in standing.record.as_ref().err().into_iter().chain(standing.supervised.as_ref().err()) {
        console::complain("warning", &chain(error));
    }
    Status {
        kind: "status",
        service: ServiceStatus {
            supervised: standing.supervised.as_ref().ok().copied(),
            state: record.map(|record| words::service_state(record.state)),
            pid: record.and_then(|record| record.pid).map(std::num::NonZeroU32::get),
            want: standing.want().map(words::want),
            comm: standing.process.map(|process| process.comm),
            dir: standing.dir,
        },
        scan: standing.claimed_by,
        port: port.map(|path| {
            let facts = PortFacts::of(&path, &args.gateway.lock_dirs());
            let locks = facts.locks.into_iter();
            let locks = locks.map(|lock| Lock { path: lock.path, pid: lock.pid, alive: lock.alive });
            Port { path, holders: facts.holders, locks: locks.collect() }
        }),
        link: args.gateway.link().and_then(|pattern| link::addressed(pattern).ok()),
        carriers: remembered::read(&args.state_dir)
            .unwrap_or_else(|error| {
                console::complain("warning", &format!("nothing is remembered: {}", chain(&error)));
                Vec::new()
            })
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

impl Status {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let service = &self.service;
        let dir = shown(&service.dir.display().to_string());
        match (service.supervised, service.state, service.want) {
            (Some(false), ..) => writeln!(out, "service: {dir}: nobody supervises it")?,
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
            None => writeln!(out, "port: none is held, and none was named")?,
            Some(port) => {
                let name = |who: &Who| format!("{} ({})", who.pid, shown(&who.comm));
                let holders: Vec<String> = port.holders.iter().map(name).collect();
                let holders = if holders.is_empty() { "nobody".to_owned() } else { holders.join(", ") };
                writeln!(out, "port: {}: held by {holders}", shown(&port.path.display().to_string()))?;
                for lock in &port.locks {
                    let owner = lock.pid.map_or_else(|| "nobody".to_owned(), |pid| format!("process {pid}"));
                    let gone = if lock.alive { "" } else { ", left behind" };
                    writeln!(out, "lock: {}: {owner}{gone}", shown(&lock.path.display().to_string()))?;
                }
            }
        }
        match &self.link {
            None => writeln!(out, "link: not looked at")?,
            Some(names) if names.is_empty() => writeln!(out, "link: down")?,
            Some(names) => writeln!(out, "link: up, {}", shown(&names.join(", ")))?,
        }
        let carriers = if self.carriers.is_empty() { "none".to_owned() } else { self.carriers.join(", ") };
        writeln!(out, "carriers of the last complete scan, likeliest last: {carriers}")
    }
}
