//! `doctor`: checks, reports what it found and what to do, and with `--exercise` takes the service down and up once.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use cellscan_core::scan::Policy;
use serde::Serialize;

use super::exercise::{self, Exercise};
use super::{printed, styled};
use crate::cli::DoctorArgs;
use crate::custody::guard::GuardOptions;
use crate::custody::lease::LeaseOptions;
use crate::custody::{Held, HeldOptions};
use crate::doctor::permissions::{self, Places, Wanted};
use crate::doctor::port::Known;
use crate::doctor::{Finding, Level, leases, port, scripts, service, system};
use crate::error::chain;
use crate::examine;
use crate::examine::Who;
use crate::examine::hazards::script;
use crate::examine::modem::{self, Answer};
use crate::examine::port::PortFacts;
use crate::examine::service::{File, ServiceFacts};
use crate::examine::sources::{self, PPP_DIR, Sources};
use crate::exit::{Exit, Fatal};
use crate::gateway::plan::hold_limit;
use crate::link::Interfaces;
use crate::report::words::counted;
use crate::report::{clean, console, wrap};
use crate::runit::sv::SvProgram;
use crate::serial::SerialOptions;
use crate::serial::tty;
use crate::service::family::Family;
use crate::service::locate::{self, LocateOptions};

/// Columns of a level and the blank behind it: the rest of a line stands below what was found.
const INDENT: usize = 9;

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

/// Runs all checks.
///
/// # Errors
/// The output failed, or signals cannot be caught for the exercise.
pub fn run(args: &DoctorArgs) -> Result<Exit, Fatal> {
    let lock_dirs = args.gateway.lock_dirs();
    let mut findings = machine(&lock_dirs);
    let named_port = args.gateway.ppp_port.as_deref().or(args.gateway.port.as_deref());
    let found = locate::locate(args.gateway.service.as_deref(), &locate::default_roots(), named_port);
    let ports: Vec<&Path> = named_port.into_iter().collect();
    let unsupervised =
        if matches!(found, Ok(None)) { examine::service::unsupervised(&ports) } else { Vec::new() };
    findings.push(service::located(&found, &unsupervised));
    let dir = found.ok().flatten().map(|found| found.dir);
    let facts =
        dir.as_deref().map(|dir| ServiceFacts::of(dir, &args.run_dir)).and_then(|facts| match facts {
            Ok(facts) => Some(facts),
            Err(error) => {
                findings.push(service::unopened(&error));
                None
            }
        });
    let mut space = vec![PathBuf::from("/run")];
    let mut sources = Sources::default();
    if let Some(facts) = &facts {
        findings.extend(service::all(facts));
        sources = sources::follow(&facts.dir, Path::new(PPP_DIR));
        space.push(facts.dir.join("supervise"));
    }
    let of_pppd = unsupervised.first().and_then(|pppd| std::num::NonZeroU32::new(pppd.pid));
    let of_pppd = of_pppd.and_then(|pid| crate::process::ports_of(pid).into_iter().next());
    let ppp_port = ppp_port(args, facts.as_ref(), &sources).or(of_pppd);
    let at_port = args.gateway.port.clone().or_else(|| ppp_port.clone());
    let ppp_facts = ppp_port.as_ref().map(|path| PortFacts::of(path, &lock_dirs));
    if let Some(facts) = &facts {
        let finish = facts.dir.join("finish");
        let finish = (facts.finish != File::Missing).then(|| sources::read_bounded(&finish).ok()).flatten();
        let seen = scripts::Seen {
            is_pppd: facts.is_pppd(),
            has_lock: has_lock(facts, ppp_facts.as_ref()),
            finish: facts.finish,
            finish_sleeps_s: finish.as_ref().and_then(|text| script(text).sleeps_s),
        };
        findings.extend(scripts::all(&sources, seen));
        findings.extend(finish.map(|text| scripts::deeds("finish", &script(&text))).unwrap_or_default());
    }
    let known = known(facts.as_ref(), &unsupervised);
    findings.extend(self::ports(args, facts.as_ref(), ppp_facts.as_ref(), at_port.as_deref(), &known));
    let runs = facts.as_ref().is_some_and(|facts| facts.process.is_some());
    let mut dark = !runs;
    if let Some(pattern) = args.gateway.link() {
        let family = Family::new(dir.as_deref(), ppp_port.as_deref());
        let found = Interfaces::named(pattern).up(&|pid| family.has(pid));
        dark = found.as_ref().map_or(!runs, Vec::is_empty);
        findings.push(port::link(pattern, &found, runs));
    }
    findings.extend(leases::all(&args.run_dir, &examine::leases::all(&args.run_dir), dark));
    findings.extend(open_to_others(
        args,
        facts.as_ref(),
        &lock_dirs,
        [ppp_port.as_deref(), at_port.as_deref()],
    ));
    space.push(args.run_dir.clone());
    space.extend(lock_dirs);
    findings.extend(system::spaces(&space));
    let mut exercised = None;
    if args.exercise {
        let (finding, exercise) =
            exercise(args, dir.zip(facts.as_ref()), ppp_port, count(&findings, Level::Error))?;
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

/// Files that another user may read, change or remove.
fn open_to_others(
    args: &DoctorArgs,
    facts: Option<&ServiceFacts>,
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
    items.extend(facts.map(|facts| permissions::of_service(&facts.dir)).unwrap_or_default());
    // Each device once: `pppd` and the dialogue may use the same one.
    let mut devices: Vec<PathBuf> =
        ports.iter().flatten().filter_map(|port| port.canonicalize().ok()).collect();
    devices.dedup();
    let devices = devices.into_iter().filter(|device| tty::device_of(device).is_ok());
    items.extend(devices.map(|device| ("port", device, Wanted::Device)));
    permissions::all(&items, args.recordings.as_deref(), rustix::process::geteuid().as_raw())
}

/// The port of `pppd`: as named, as held, or as its options name it.
fn ppp_port(args: &DoctorArgs, facts: Option<&ServiceFacts>, sources: &Sources) -> Option<PathBuf> {
    let held = || facts.and_then(|facts| facts.ports.first().cloned());
    let told = || sources.options.port_path();
    args.gateway.ppp_port.clone().or_else(held).or_else(|| args.gateway.port.clone()).or_else(told)
}

fn has_lock(facts: &ServiceFacts, port: Option<&PortFacts>) -> bool {
    let pid = facts.process.as_ref().map(|process| process.pid);
    pid.is_some() && port.is_some_and(|port| port.locks.iter().any(|lock| lock.pid == pid))
}

/// The port of `pppd`, the port of the dialogue if it is another one, and the modem.
fn ports(
    args: &DoctorArgs,
    facts: Option<&ServiceFacts>,
    ppp: Option<&PortFacts>,
    at_port: Option<&Path>,
    known: &Known,
) -> Vec<Finding> {
    let Some(at_port) = at_port else { return vec![port::unknown()] };
    let mut findings: Vec<Finding> = ppp.map(|facts| port::all(facts, known)).unwrap_or_default();
    let same = |facts: &PortFacts| facts.path == at_port || facts.real == at_port.canonicalize().ok();
    let shared = ppp.is_some_and(same);
    let at = match ppp {
        Some(facts) if shared => facts.clone(),
        Some(_) | None => {
            let facts = PortFacts::of(at_port, &args.gateway.lock_dirs());
            findings.extend(port::all(&facts, known));
            facts
        }
    };
    if at.not_a_tty.is_none() && at.accessible {
        let answer = match not_to_be_asked(facts, &at, shared) {
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

/// Whose the holders of a port are.
fn known(facts: Option<&ServiceFacts>, unsupervised: &[Who]) -> Known {
    let family = |who: &Option<Who>| who.as_ref().map(|who| family(who.pid)).unwrap_or_default();
    Known {
        service: facts.map(|facts| family(&facts.process)),
        scan: facts.map(|facts| family(&facts.claimed_by)).unwrap_or_default(),
        unsupervised: unsupervised.iter().map(|who| who.pid).collect(),
    }
}

/// A process and its descendants.
fn family(pid: u32) -> Vec<u32> {
    let Some(first) = std::num::NonZeroU32::new(pid) else { return Vec::new() };
    let descendants = crate::process::descendants(first);
    std::iter::once(pid).chain(descendants.iter().map(|proc| proc.pid().get())).collect()
}

/// Why the port must not be opened, if that could disturb another process.
fn not_to_be_asked(facts: Option<&ServiceFacts>, at: &PortFacts, shared: bool) -> Option<&'static str> {
    if facts.is_some_and(|facts| facts.claimed_by.is_some()) {
        Some("a scan runs")
    } else if !at.is_free() {
        Some("the port is in use")
    } else if at.unreadable > 0 {
        Some("whether the port is in use cannot be seen")
    } else if shared && facts.is_some_and(|facts| facts.record.as_ref().is_ok_and(|record| record.want_up)) {
        Some("pppd may open the port at any moment")
    } else {
        None
    }
}

fn exercise(
    args: &DoctorArgs,
    service: Option<(PathBuf, &ServiceFacts)>,
    ppp_port: Option<PathBuf>,
    errors: usize,
) -> Result<(Finding, Option<Exercise>), Fatal> {
    const CHECK: &str = "exercise";
    let not_done =
        |why: &str, remedy: &str| Ok((Finding::warning(CHECK, format!("not done: {why}"), remedy), None));
    let Some((dir, facts)) = service.filter(|_| errors == 0) else {
        return not_done("there are errors", "resolve them first");
    };
    if !facts.record.as_ref().is_ok_and(|record| record.want_up) {
        return not_done("the service is not wanted up", "bring it up with sv up");
    }
    if facts.claimed_by.is_some() {
        return not_done("a scan runs", "try again when it has ended");
    }
    let options = LocateOptions {
        backend: args.backend,
        // By the name under which it was found: if that name comes to mean another directory, that one is not changed.
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
        // No byte goes to the modem, so there is nothing to restore in it.
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
    if json {
        printed(|out| {
            for finding in findings {
                writeln!(out, "{}", clean::json(&Line { kind: "check", finding })?)?;
            }
            let sum = Sum { kind: "doctor", errors, warnings, exercise };
            writeln!(out, "{}", clean::json(&sum)?)
        })?;
    } else {
        // What is wrong comes first: the rest may be off the screen.
        let mut sorted: Vec<&Finding> = findings.iter().collect();
        sorted.sort_by_key(|finding| Reverse(finding.level));
        let columns = wrap::columns(std::io::stdout());
        let line = |finding: &&Finding| {
            let line = finding.line();
            let line =
                columns.map_or_else(|| line.clone(), |columns| wrap::wrapped(&line, columns, 0, INDENT));
            let word = finding.level.word();
            let style = console::style(word);
            line.replacen(word, &format!("{style}{word}{style:#}"), 1)
        };
        let mut lines: Vec<String> = sorted.iter().map(line).collect();
        let (errors, warnings) =
            (counted(errors, "error", "errors"), counted(warnings, "warning", "warnings"));
        lines.push(format!("{errors}, {warnings}"));
        styled(&lines.join("\n"))?;
    }
    Ok(if errors == 0 { Exit::Done } else { Exit::Unsound })
}
