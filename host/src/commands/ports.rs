//! `ports`: which ports of modems there are, who has them, and which answer `AT`.

use std::io::{self, Write};

use serde::Serialize;

use super::printed;
use crate::cli::PortsArgs;
use crate::examine::Who;
use crate::examine::modem::{self, Answer};
use crate::examine::ports::{self, Found};
use crate::exit::{Exit, Fatal};
use crate::report::clean;
use crate::report::words::shown;

/// One object of `--json`.
#[derive(Serialize)]
struct Port {
    kind: &'static str,
    path: String,
    device: String,
    ppp: bool,
    holders: Option<Vec<Who>>,
    locked_by: Option<u32>,
    answers: Option<bool>,
    not_asked: Option<&'static str>,
}

/// Lists the ports.
///
/// # Errors
/// The output failed.
pub fn run(args: &PortsArgs) -> Result<Exit, Fatal> {
    let found = ports::all(&args.line.lock_dirs());
    let look = |found: &Found| {
        let not_asked = found.not_to_be_asked().or_else(|| args.no_ask.then_some("not asked for"));
        let answer = match not_asked {
            Some(why) => Answer::NotAsked(why),
            None => modem::ask(&args.line.serial(&found.facts.path)),
        };
        port(found, &answer)
    };
    // One after the other: each is told as soon as it is known.
    let mut suggested = Suggested::default();
    for found in &found {
        let port = look(found);
        printed(|out| if args.json { writeln!(out, "{}", clean::json(&port)?) } else { port.text(out) })?;
        suggested.take(port);
    }
    if args.json {
        return Ok(Exit::Done);
    }
    printed(|out| suggested.text(out, found.is_empty()))
}

fn port(found: &Found, answer: &Answer) -> Port {
    let facts = &found.facts;
    let (answers, not_asked) = match answer {
        Answer::Ok => (Some(true), None),
        Answer::NotAsked(why) => (None, Some(*why)),
        Answer::Noise(_) | Answer::Silence => (Some(false), None),
        Answer::Failed(_) => (None, Some("it could not be opened")),
    };
    let device = facts.real.as_ref().unwrap_or(&facts.path).display().to_string();
    Port {
        kind: "port",
        path: facts.path.display().to_string(),
        device,
        ppp: found.is_ppp,
        holders: facts.known_holders().map(<[Who]>::to_vec),
        locked_by: facts.locks.iter().find(|lock| lock.alive).and_then(|lock| lock.pid),
        answers,
        not_asked,
    }
}

impl Port {
    /// The name, and below it what is known: a name below `/dev/serial/by-id` fills a line.
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let device = if self.device == self.path { String::new() } else { format!("{}, ", self.device) };
        let ppp = if self.ppp { "pppd's, " } else { "" };
        let holder = match (&self.holders, self.locked_by) {
            (None, _) => "who has it cannot be seen (run it as root)".to_owned(),
            (Some(holders), Some(pid)) if holders.is_empty() => format!("locked by process {pid}"),
            (Some(holders), _) => match holders.as_slice() {
                [] => "free".to_owned(),
                [who, ..] => format!("held by process {} ({})", who.pid, shown(&who.comm)),
            },
        };
        let answers = match (self.answers, self.not_asked) {
            (Some(true), _) => "answers AT".to_owned(),
            (Some(false), _) => "does not answer AT".to_owned(),
            (None, Some(why)) => format!("not asked: {why}"),
            (None, None) => "not asked".to_owned(),
        };
        writeln!(out, "{}", shown(&self.path))?;
        writeln!(out, "    {device}{ppp}{holder}; {answers}")
    }
}

/// The ports for a scan, where there is no doubt.
#[derive(Default)]
struct Suggested {
    at: Vec<String>,
    ppp: Vec<String>,
}

impl Suggested {
    fn take(&mut self, port: Port) {
        if port.ppp {
            self.ppp.push(port.path);
        } else if port.answers == Some(true) {
            self.at.push(port.path);
        }
    }

    fn text(&self, out: &mut dyn Write, is_empty: bool) -> io::Result<()> {
        if is_empty {
            return writeln!(out, "no port of a modem was found: plug it in, or load its driver");
        }
        match (self.at.as_slice(), self.ppp.as_slice()) {
            ([at, ..], [ppp, ..]) => {
                writeln!(
                    out,
                    "next: cellscan doctor --port {} \\\n          --ppp-port {}",
                    shown(at),
                    shown(ppp)
                )
            }
            ([], [ppp]) => writeln!(out, "next: cellscan doctor --port {}", shown(ppp)),
            ([at], []) => writeln!(out, "next: cellscan doctor --port {}", shown(at)),
            _ => Ok(()),
        }
    }
}
