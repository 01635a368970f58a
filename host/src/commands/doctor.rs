//! `doctor`: looks, says what it found and what to do, and with `--exercise` tries.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use cellscan_core::scan::Policy;
use serde::Serialize;

use super::exercise::{self, Exercise};
use super::printed;
use crate::cli::DoctorArgs;
use crate::custody::guard::GuardOptions;
use crate::custody::lease::LeaseOptions;
use crate::custody::{Held, HeldOptions};
use crate::doctor::permissions::{self, Places, Wanted};
use crate::doctor::{Finding, Level, leases, port, scripts, service, system};
use crate::error::chain;
use crate::examine;
use crate::examine::hazards::script;
use crate::examine::modem::{self, Answer};
use crate::examine::port::PortFacts;
use crate::examine::service::{File, Standing};
use crate::examine::sources::{self, PPP_DIR, Sources};
use crate::exit::{Exit, Fatal};
use crate::gateway::plan::hold_limit;
use crate::link::Interfaces;
use crate::report::clean;
use crate::runit::sv::SvProgram;
use crate::serial::SerialOptions;
use crate::serial::tty;
use crate::service::family::Family;
use crate::service::locate::{self, LocateOptions};

#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    #[serde(flatten)]
    finding: &'a Finding,
}

#[derive(Serialize)]
struct Sum {
    kind: &'static str,
    errors: usize,
    warnings: usize,
    exercise: Option<Exercise>,
}

/// Checks everything.
///
/// # Errors
/// The output failed, or signals cannot be caught for the exercise.
pub fn run(args: &DoctorArgs) -> Result<Exit, Fatal> {
    let lock_dirs = args.gateway.lock_dirs();
    let mut findings = machine(&lock_dirs);
    let named_port = args.gateway.ppp_port.as_deref().or(args.gateway.port.as_deref());
    let found = locate::locate(args.gateway.service.as_deref(), &locate::default_roots(), named_port);
    findings.push(service::located(&found));
    let dir = found.ok().flatten().map(|found| found.dir);
    let standing =
        dir.as_deref().map(|dir| Standing::of(dir, &args.run_dir)).and_then(|standing| match standing {
            Ok(standing) => Some(standing),
            Err(error) => {
                findings.push(service::unopened(&error));
                None
            }
        });
    let mut space = vec![PathBuf::from("/run")];
    let mut sources = Sources::default();
    if let Some(standing) = &standing {
        findings.extend(service::all(standing));
        sources = sources::follow(&standing.dir, Path::new(PPP_DIR));
        space.push(standing.dir.join("supervise"));
    }
    findings.extend(leases::all(&args.run_dir, &examine::leases::all(&args.run_dir)));
    let ppp_port = ppp_port(args, standing.as_ref(), &sources);
    let at_port = args.gateway.port.clone().or_else(|| ppp_port.clone());
    let ppp_facts = ppp_port.as_ref().map(|path| PortFacts::of(path, &lock_dirs));
    if let Some(standing) = &standing {
        let finish = standing.dir.join("finish");
        let finish =
            (standing.finish != File::Missing).then(|| sources::read_bounded(&finish).ok()).flatten();
        let seen = scripts::Seen {
            is_pppd: standing.is_pppd(),
            has_lock: has_lock(standing, ppp_facts.as_ref()),
            finish: standing.finish,
            finish_sleeps_s: finish.and_then(|text| script(&text).sleeps_s),
        };
        findings.extend(scripts::all(&sources, seen));
    }
    findings.extend(ports(args, standing.as_ref(), ppp_facts.as_ref(), at_port.as_deref()));
    if let Some(pattern) = args.gateway.link() {
        let up = standing.as_ref().is_some_and(|standing| standing.process.is_some());
        let family = Family::new(dir.as_deref(), ppp_port.as_deref());
        let found = Interfaces::named(pattern).up(&|pid| family.has(pid));
        findings.push(port::link(pattern, &found, up));
    }
    findings.extend(open_to_others(
        args,
        standing.as_ref(),
        &lock_dirs,
        [ppp_port.as_deref(), at_port.as_deref()],
    ));
    space.push(args.run_dir.clone());
    space.extend(lock_dirs);
    findings.extend(system::spaces(&space));
    let mut exercised = None;
    if args.exercise {
        let (finding, exercise) =
            exercise(args, dir.zip(standing.as_ref()), ppp_port, count(&findings, Level::Error))?;
        findings.push(finding);
        exercised = exercise;
    }
    tell(&findings, exercised, args.gateway.json)
}

fn machine(lock_dirs: &[PathBuf]) -> Vec<Finding> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    vec![
        system::user(rustix::process::geteuid().as_raw()),
        system::clock(seconds),
        system::sv(SvProgram::find().as_ref()),
        system::roots(&locate::default_roots()),
        system::lock_dirs(&system::lock_dir_facts(lock_dirs)),
    ]
}

/// What another user may read, change or take away.
fn open_to_others(
    args: &DoctorArgs,
    standing: Option<&Standing>,
    lock_dirs: &[PathBuf],
    ports: [Option<&Path>; 2],
) -> Vec<Finding> {
    let places = Places {
        run_dir: &args.run_dir,
        state_dir: &args.state_dir,
        recordings: args.recordings.as_deref(),
        lock_dirs,
    };
    let mut items = permissions::items(&places);
    items.extend(standing.map(|standing| permissions::of_service(&standing.dir)).unwrap_or_default());
    // Each device once: `pppd` and the dialogue may share it.
    let mut devices: Vec<PathBuf> =
        ports.iter().flatten().filter_map(|port| port.canonicalize().ok()).collect();
    devices.dedup();
    let devices = devices.into_iter().filter(|device| tty::device_of(device).is_ok());
    items.extend(devices.map(|device| ("port", device, Wanted::Device)));
    permissions::all(&items, args.recordings.as_deref(), rustix::process::geteuid().as_raw())
}

/// The port of `pppd`: as named, as held, as the options look like.
fn ppp_port(args: &DoctorArgs, standing: Option<&Standing>, sources: &Sources) -> Option<PathBuf> {
    let held = || standing.and_then(|standing| standing.ports.first().cloned());
    let told = || sources.options.port_path();
    args.gateway.ppp_port.clone().or_else(held).or_else(|| args.gateway.port.clone()).or_else(told)
}

fn has_lock(standing: &Standing, port: Option<&PortFacts>) -> bool {
    let pid = standing.process.as_ref().map(|process| process.pid);
    pid.is_some() && port.is_some_and(|port| port.locks.iter().any(|lock| lock.pid == pid))
}

/// The port of `pppd`, the port for the dialogue where that is another, and the modem.
fn ports(
    args: &DoctorArgs,
    standing: Option<&Standing>,
    ppp: Option<&PortFacts>,
    at_port: Option<&Path>,
) -> Vec<Finding> {
    let Some(at_port) = at_port else { return vec![port::unknown()] };
    let service = standing.map(family).unwrap_or_default();
    let mut findings: Vec<Finding> = ppp.map(|facts| port::all(facts, &service)).unwrap_or_default();
    let same = |facts: &PortFacts| facts.path == at_port || facts.real == at_port.canonicalize().ok();
    let shared = ppp.is_some_and(same);
    let at = match ppp {
        Some(facts) if shared => facts.clone(),
        Some(_) | None => {
            let facts = PortFacts::of(at_port, &args.gateway.lock_dirs());
            findings.extend(port::all(&facts, &service));
            facts
        }
    };
    if at.not_a_tty.is_none() && at.accessible {
        let answer = match not_to_be_asked(standing, &at, shared) {
            Some(why) => Answer::NotAsked(why),
            None => modem::ask(&SerialOptions {
                baud: args.baud,
                lock_dirs: args.gateway.lock_dirs(),
                ..SerialOptions::new(at_port)
            }),
        };
        findings.push(port::modem(&answer));
    }
    findings
}

/// The service's process and what descends from it.
fn family(standing: &Standing) -> Vec<u32> {
    let Some(pid) = standing.process.as_ref().and_then(|process| std::num::NonZeroU32::new(process.pid))
    else {
        return Vec::new();
    };
    let descendants = crate::process::descendants(pid);
    std::iter::once(pid.get()).chain(descendants.iter().map(|proc| proc.pid().get())).collect()
}

/// A port is opened only where nobody can be hindered by it.
fn not_to_be_asked(standing: Option<&Standing>, at: &PortFacts, shared: bool) -> Option<&'static str> {
    if standing.is_some_and(|standing| standing.claimed_by.is_some()) {
        Some("a scan runs")
    } else if !at.is_free() {
        Some("the port is in use")
    } else if at.unreadable > 0 {
        Some("whether the port is in use cannot be seen")
    } else if shared
        && standing.is_some_and(|standing| standing.record.as_ref().is_ok_and(|record| record.want_up))
    {
        Some("pppd may open the port at any moment")
    } else {
        None
    }
}

fn exercise(
    args: &DoctorArgs,
    service: Option<(PathBuf, &Standing)>,
    ppp_port: Option<PathBuf>,
    errors: usize,
) -> Result<(Finding, Option<Exercise>), Fatal> {
    const CHECK: &str = "exercise";
    let not_done =
        |why: &str, remedy: &str| Ok((Finding::warning(CHECK, format!("not done: {why}"), remedy), None));
    let Some((dir, standing)) = service.filter(|_| errors == 0) else {
        return not_done("there are errors", "see to them first");
    };
    if !standing.record.as_ref().is_ok_and(|record| record.want_up) {
        return not_done("the service is not wanted up", "bring it up with sv up");
    }
    if standing.claimed_by.is_some() {
        return not_done("a scan runs", "try again when it has ended");
    }
    let options = LocateOptions {
        backend: args.backend,
        // By the name it was found by: should that come to mean another directory, it is not given back there.
        service: dir.to_str().map(str::to_owned).or_else(|| args.gateway.service.clone()),
        ppp_port,
        ..LocateOptions::new()
    };
    let held = HeldOptions {
        guard: Some(GuardOptions {
            lock_dirs: args.gateway.lock_dirs(),
            limit: Some(hold_limit(&Policy::DEFAULT)),
            ..GuardOptions::default()
        }),
        // Not a byte goes to the modem: there is nothing to restore in it.
        lease: Some(LeaseOptions {
            run_dir: args.run_dir.clone(),
            lock_dirs: args.gateway.lock_dirs(),
            modem: None,
        }),
        ..HeldOptions::default()
    };
    match locate::choose(options) {
        Ok(choice) => {
            let (finding, exercise) = exercise::run(Held::new(choice.service, held), &dir)?;
            Ok((finding, Some(exercise)))
        }
        Err(error) => Ok((Finding::error(CHECK, chain(&error), "see the lines above"), None)),
    }
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

fn tell(findings: &[Finding], exercise: Option<Exercise>, json: bool) -> Result<Exit, Fatal> {
    let errors = count(findings, Level::Error);
    let warnings = count(findings, Level::Warning);
    printed(|out| {
        for finding in findings {
            if json {
                writeln!(out, "{}", clean::json(&Line { kind: "check", finding })?)?;
            } else {
                writeln!(out, "{}", finding.line())?;
            }
        }
        if json {
            let sum = Sum { kind: "doctor", errors, warnings, exercise };
            return writeln!(out, "{}", clean::json(&sum)?);
        }
        let counted =
            |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        writeln!(out, "{}, {}", counted(errors, "error"), counted(warnings, "warning"))
    })?;
    Ok(if errors == 0 { Exit::Done } else { Exit::Unsound })
}
