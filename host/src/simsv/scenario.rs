//! Parses one line of JSON into one scenario.

use std::collections::BTreeMap;

use cellscan_sim::directory::{LogFiles, ServiceFiles};
use cellscan_sim::program::{File, Program};
use cellscan_sim::runsv::Rule;
use cellscan_sim::signal::Signal;
use cellscan_sim::spec;
use cellscan_sim::supervision::{Scenario, Stimulus, Target};
use cellscan_sim::sv::SvCommand;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Line {
    id: String,
    service: Service,
    #[serde(default)]
    stimuli: Vec<Timed>,
    duration: f64,
    #[serde(default)]
    phase_ms: u16,
    #[serde(default)]
    only_impl: Vec<String>,
}

#[derive(Deserialize)]
struct Service {
    run: Option<Spec>,
    finish: Option<Spec>,
    check: Option<Spec>,
    log: Option<Spec>,
    control: Option<BTreeMap<String, Spec>>,
    #[serde(default)]
    down_file: bool,
    #[serde(default)]
    supervise_symlink: bool,
}

/// A script: a program, one per execution, or literal shell.
#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    prog: BTreeMap<String, Value>,
    progs: Option<Vec<BTreeMap<String, Value>>>,
    sh: Option<String>,
    #[serde(default)]
    noexec: bool,
    /// Only for a log service.
    #[serde(default)]
    down_file: bool,
}

#[derive(Deserialize)]
struct Timed {
    at: f64,
    #[serde(flatten)]
    op: Op,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Op {
    Ctl {
        bytes: String,
    },
    CtlLog {
        bytes: String,
    },
    Kill {
        target: String,
        sig: String,
    },
    Sv {
        args: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
    },
    SvSeq {
        cmds: Vec<Vec<String>>,
    },
    Touch {
        path: String,
    },
    Rm {
        path: String,
    },
    Mkscript {
        path: String,
        spec: Spec,
        tag: Option<String>,
    },
    RecreateDir {
        #[serde(default)]
        drop_fifo: bool,
    },
    ReplaceFifo,
    StartRunsv,
    ClockStep {
        delta_ms: i64,
    },
    Poll,
}

pub(super) fn parse(text: &str) -> Result<(String, Scenario), String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let rule = if line.only_impl.iter().any(|name| name.starts_with("busybox")) {
        Rule::Busybox
    } else {
        Rule::Upstream
    };
    let mut stimuli = Vec::new();
    for timed in line.stimuli {
        stimuli.push((whole_ms(timed.at, "at")?, stimulus(timed.op, rule)?));
    }
    let scenario = Scenario {
        service: service(line.service)?,
        rule,
        phase_ms: line.phase_ms,
        stimuli,
        duration_ms: whole_ms(line.duration, "duration")?,
    };
    Ok((line.id, scenario))
}

/// Longer than any scenario; within it the conversion is exact.
const MS_MAX: f64 = 1e12;

fn whole_ms(ms: f64, what: &str) -> Result<u64, String> {
    if !(0.0..=MS_MAX).contains(&ms) {
        return Err(format!("{what}: {ms} is no time in ms"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and MS_MAX, as checked above"
    )]
    Ok(ms.round() as u64)
}

fn service(service: Service) -> Result<ServiceFiles, String> {
    let optional = |spec: Option<Spec>, tag: &str| spec.map(|spec| file(spec, tag)).transpose();
    let control = match service.control.filter(|control| !control.is_empty()) {
        None => None,
        Some(scripts) => {
            let mut control = BTreeMap::new();
            for (name, spec) in scripts {
                let &[byte] = name.as_bytes() else { return Err(format!("control: {name:?} is no byte")) };
                control.insert(byte, file(spec, &format!("ctl-{name}"))?);
            }
            Some(control)
        }
    };
    let log = match service.log {
        None => None,
        Some(spec) => {
            let down = spec.down_file;
            Some(LogFiles { run: Some(file(Spec { noexec: false, ..spec }, "log")?), down })
        }
    };
    Ok(ServiceFiles {
        run: optional(service.run, "run")?,
        finish: optional(service.finish, "finish")?,
        check: optional(service.check.map(|spec| Spec { noexec: false, ..spec }), "check")?,
        control,
        down: service.down_file,
        log,
        supervise_is_link: service.supervise_symlink,
    })
}

fn file(spec: Spec, tag: &str) -> Result<File, String> {
    let programs = if let Some(text) = spec.sh {
        vec![spec::shell(&text).map_err(|error| format!("{tag}: {error}"))?]
    } else {
        let lists = spec.progs.unwrap_or_else(|| vec![spec.prog]);
        let programs: Result<Vec<Program>, String> = lists.iter().map(|pairs| plain(pairs, tag)).collect();
        programs?
    };
    Ok(File { tag: tag.to_owned(), programs, executable: !spec.noexec })
}

fn plain(pairs: &BTreeMap<String, Value>, tag: &str) -> Result<Program, String> {
    let texts: Vec<(&str, String)> = pairs
        .iter()
        .map(|(key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (key.as_str(), text)
        })
        .collect();
    spec::plain(texts.iter().map(|(key, text)| (*key, text.as_str())))
        .map(Program::from)
        .map_err(|error| format!("{tag}: {error}"))
}

fn stimulus(op: Op, rule: Rule) -> Result<Stimulus, String> {
    Ok(match op {
        Op::Ctl { bytes } => Stimulus::Control { log: false, bytes: bytes.into_bytes() },
        Op::CtlLog { bytes } => Stimulus::Control { log: true, bytes: bytes.into_bytes() },
        Op::Kill { target, sig } => {
            let signal = Signal::from_name(&sig).ok_or_else(|| format!("kill: no signal {sig:?}"))?;
            Stimulus::Kill(kill_target(&target)?, signal)
        }
        Op::Sv { args, env } => {
            let svwait = env.get("SVWAIT").and_then(|seconds| seconds.parse().ok());
            Stimulus::Sv(vec![sv(&args, svwait, rule)?])
        }
        Op::SvSeq { cmds } => {
            Stimulus::Sv(cmds.iter().map(|args| sv(args, None, rule)).collect::<Result<_, _>>()?)
        }
        Op::Touch { path } => Stimulus::Touch(path),
        Op::Rm { path } => Stimulus::Remove(path),
        Op::Mkscript { path, spec, tag } => {
            let tag = tag.unwrap_or_else(|| path.clone());
            let file = file(Spec { noexec: false, ..spec }, &tag)?;
            Stimulus::Write(path, file)
        }
        Op::RecreateDir { drop_fifo } => Stimulus::RecreateDirectory(drop_fifo),
        Op::ReplaceFifo => Stimulus::ReplaceFifo,
        Op::StartRunsv => Stimulus::StartRunsv,
        Op::ClockStep { delta_ms } => Stimulus::ClockStep(delta_ms),
        Op::Poll => Stimulus::Poll,
    })
}

fn kill_target(name: &str) -> Result<Target, String> {
    match name {
        "runsv" => Ok(Target::Runsv),
        "cur" => Ok(Target::Current),
        _ => {
            let (tag, number) = name.split_once('#').unwrap_or((name, "1"));
            let number = number.parse().map_err(|_| format!("kill: no target {name:?}"))?;
            Ok(Target::Program(tag.to_owned(), number))
        }
    }
}

fn sv(args: &[String], svwait: Option<u64>, rule: Rule) -> Result<SvCommand, String> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    SvCommand::parse(&words, svwait, rule).ok_or_else(|| format!("sv: {args:?} is no command of sv"))
}
