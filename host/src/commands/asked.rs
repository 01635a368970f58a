//! `scan` without a port: asks the daemon for a scan, and prints its answers.

use std::io::{self, Write};
use std::os::fd::AsFd;

use cellscan_core::scan::gate::Declined;
use serde_json::Value;

use crate::clock::Clock;
use crate::control::client::Asked;
use crate::control::{Request, SOCKET};
use crate::event_loop::{self, Signals};
use crate::exit::{Exit, Fatal};
use crate::plan::AskedPlan;
use crate::report::{clean, console, words};

/// How the answers of the daemon are shown.
struct Shown {
    json: bool,
    quiet: bool,
    exit: Option<Exit>,
}

/// Asks the daemon, and waits until its scan has ended. A signal requests the end of the scan.
///
/// # Errors
/// No daemon runs, it went away, or it could not scan.
pub fn run(plan: &AskedPlan, json: bool, quiet: bool) -> Result<Exit, Fatal> {
    let mut signals =
        Signals::catch().map_err(|error| Fatal::system(format!("unable to catch signals: {error}")))?;
    let socket = plan.run_dir.join(SOCKET);
    let failed = |error: io::Error| Fatal::system(format!("unable to ask {}: {error}", socket.display()));
    let request = Request::Scan { id: plan.id, automatic: plan.automatic };
    log::debug!("asking {}: {request:?}", socket.display());
    let Some(mut asked) = Asked::ask(&plan.run_dir, request).map_err(failed)? else {
        return Err(Fatal::usage(format!(
            "found neither a port nor a daemon at {}, wanted --port TTY, or --sim for a simulated one",
            socket.display()
        )));
    };
    let clock = Clock::new();
    let mut shown = Shown { json, quiet, exit: None };
    while !asked.is_closed() {
        for answer in asked.answers().map_err(failed)? {
            log::debug!("answer: {answer}");
            shown.take(&answer)?;
        }
        if asked.is_closed() {
            break;
        }
        event_loop::wait(&[asked.as_fd(), signals.as_fd()], None, clock).map_err(failed)?;
        if let Some(stop) = signals.take() {
            console::complain("note", stop.announcement(false));
            Asked::ask(&plan.run_dir, Request::Abort).map_err(failed)?;
        }
    }
    shown
        .exit
        .ok_or_else(|| Fatal::system("the daemon went away in the middle of the scan; its guard gives back"))
}

impl Shown {
    fn take(&mut self, answer: &Value) -> Result<(), Fatal> {
        let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("kind") {
            "object" if self.json => print(text("line")),
            "said" if !self.quiet => console::relay(text("text")),
            "summary" if !self.json => print(text("text")),
            "done" => self.exit = Some(exit_of(answer)),
            "declined" => {
                let reason = text("reason");
                if self.json {
                    print(&clean::json(answer).unwrap_or_default());
                }
                console::complain("note", &declined(reason, answer));
                // A request that was already served is done; for any other reason a second attempt may succeed.
                self.exit = Some(if reason == "repeated" { Exit::Done } else { Exit::System });
            }
            "error" => return Err(Fatal { message: text("message").to_owned(), exit: exit_of(answer) }),
            _ => {}
        }
        Ok(())
    }
}

/// Why the daemon does not scan, and when it would.
fn declined(reason: &str, answer: &Value) -> String {
    let known = [Declined::Busy, Declined::Repeated, Declined::CoolingDown, Declined::LinkHealthy]
        .into_iter()
        .find(|why| words::declined(*why) == reason);
    let why = known.map_or_else(|| clean::shown(reason), |why| words::declined_for(why).to_owned());
    let again = answer.get("again_in_s").and_then(Value::as_f64);
    let again =
        again.map(|left| format!("; an automatic request is served in {left:.0} s")).unwrap_or_default();
    format!("the daemon declines: {why}{again}")
}

fn exit_of(answer: &Value) -> Exit {
    match answer.get("exit").and_then(Value::as_u64) {
        Some(0) => Exit::Done,
        Some(1) => Exit::NoCarrier,
        Some(2) => Exit::NoLink,
        Some(100) => Exit::Usage,
        _ => Exit::System,
    }
}

/// Prints a line. A reader that closes the output does not end the scan.
fn print(line: &str) {
    let mut out = io::stdout().lock();
    let _nobody_reads = writeln!(out, "{line}").and_then(|()| out.flush());
}
