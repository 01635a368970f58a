//! The service and its supervisor.

use cellscan_core::supervisor::Want;

use super::Finding;
use crate::error::chain;
use crate::examine::Who;
use crate::examine::service::{File, ServiceFacts};
use crate::report::words;
use crate::runit::RunitError;
use crate::service::ServiceError;
use crate::service::locate::{self, How, Located};

/// Whether exactly one service was found, and which.
#[must_use]
pub fn located(found: &Result<Option<Located>, ServiceError>, unsupervised: &[Who]) -> Finding {
    if let (Ok(None), [pppd, ..]) = (found, unsupervised) {
        return Finding::warning(
            "service",
            format!("process {} (pppd) runs without a supervisor", pppd.pid),
            "scan with --backend unsupervised --start-command 'COMMAND', the command that starts it",
        );
    }
    match found {
        Ok(Some(Located { dir, how: How::ByName })) => Finding::ok("service", dir.display().to_string()),
        Ok(Some(Located { dir, how })) => Finding::ok("service", format!("{}, {how}", dir.display())),
        Ok(None) => Finding::error(
            "service",
            locate::NONE,
            "name it with --service; a pppd without a supervisor needs scan --backend unsupervised --start-command",
        ),
        Err(error) => Finding::error("service", chain(error), "name one with --service"),
    }
}

/// The finding for a service directory that could not be opened.
#[must_use]
pub fn unopened(error: &RunitError) -> Finding {
    Finding::error("supervision", chain(error), remedy_of(error))
}

fn remedy_of(error: &RunitError) -> &'static str {
    if matches!(error, RunitError::Denied { .. }) {
        "run it as root"
    } else if matches!(error, RunitError::Misplaced { .. }) {
        "remove that file, and restart runsv"
    } else if matches!(error, RunitError::NotRunit { .. }) {
        "only runit's runsv, and busybox's, are known"
    } else {
        "link the service into the directory that runsvdir watches, and look whether runsvdir runs"
    }
}

/// All findings for a service that could be opened.
#[must_use]
pub fn all(facts: &ServiceFacts) -> Vec<Finding> {
    let mut findings = vec![supervision(facts), record(facts)];
    findings.extend(process(facts));
    findings.extend(run_file(facts));
    if facts.down_file {
        findings.push(Finding::warning(
            "down file",
            "the file down is there: after a reboot the service stays down",
            "remove it, unless that is meant",
        ));
    }
    if facts.control_t == File::Executable {
        findings.push(Finding::warning(
            "control/t",
            "the script control/t is there: it may keep the TERM from pppd, and runsv waits for it",
            "look whether it exits other than 0 within a second",
        ));
    }
    if let Some(by) = &facts.claimed_by {
        findings.push(Finding::ok("claim", format!("process {} ({}) is scanning", by.pid, by.comm)));
    }
    findings
}

/// Whether a process supervises it.
#[must_use]
pub fn supervision(facts: &ServiceFacts) -> Finding {
    const CHECK: &str = "supervision";
    match &facts.supervised {
        Err(error) => Finding::error(CHECK, chain(error), remedy_of(error)),
        Ok(false) => Finding::error(
            CHECK,
            format!("nobody supervises {}: its record is stale", facts.dir.display()),
            "start runsvdir or runsv; a pppd that still runs is an orphan then",
        ),
        Ok(true) => match &facts.supervisor {
            Some(who) if facts.displaced => Finding::error(
                CHECK,
                format!(
                    "{} ({}) supervises a directory that was deleted or moved: its record is not seen any more",
                    who.comm, who.pid
                ),
                format!("end process {} with TERM, and let runsvdir start another", who.pid),
            ),
            Some(who) => {
                let again = match &facts.restarted_by {
                    Some(runsvdir) => format!("{} {} starts another if it dies", runsvdir.comm, runsvdir.pid),
                    None => "no runsvdir is over it to start another if it dies".to_owned(),
                };
                Finding::ok(
                    CHECK,
                    format!("{} {} has the lock and reads control; {again}", who.comm, who.pid),
                )
            }
            None => Finding::warning(
                CHECK,
                "a process reads control and ok, but no runsv is found that has the lock",
                "run it as root, in the process namespace of the supervisor",
            ),
        },
    }
}

/// The content of the status record.
#[must_use]
pub fn record(facts: &ServiceFacts) -> Finding {
    const CHECK: &str = "status";
    let (record, want) = match (&facts.record, facts.want()) {
        (Ok(record), Some(want)) => (record, want),
        (Ok(_), None) => return Finding::ok(CHECK, "unknown"),
        (Err(error), _) => return Finding::error(CHECK, chain(error), remedy_of(error)),
    };
    let pid = record.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
    let found = format!("{}, wanted {}{pid}", words::service_state(record.state), words::want(want));
    if record.paused {
        return Finding::warning(CHECK, found + ", paused", "continue it with sv cont");
    }
    if record.want_up && !matches!(record.state, cellscan_core::supervisor::ServiceState::Run) {
        return Finding::warning(
            CHECK,
            found + ": it looks like it ends as soon as it is started",
            "read its log; look again in a second",
        );
    }
    if let Some(scan) = &facts.claimed_by {
        return Finding::ok(CHECK, format!("{found}: process {} has it for a scan", scan.pid));
    }
    if want == Want::Down {
        return Finding::ok(CHECK, found + ": a scan leaves it down");
    }
    Finding::ok(CHECK, found)
}

/// The process that the supervisor started.
#[must_use]
pub fn process(facts: &ServiceFacts) -> Option<Finding> {
    let process = facts.process.as_ref()?;
    let finding = if facts.is_pppd() {
        Finding::ok("process", format!("{} is pppd itself", process.pid))
    } else {
        Finding::warning(
            "process",
            format!("{} is {}, not pppd: it may end and leave pppd with the port", process.pid, process.comm),
            "start pppd by exec, with nodetach",
        )
    };
    Some(finding)
}

fn run_file(facts: &ServiceFacts) -> Option<Finding> {
    match facts.run {
        File::Executable => None,
        File::Missing => Some(Finding::error("run", "there is no run script", "write one")),
        File::NotExecutable => {
            Some(Finding::error("run", "the run script may not be executed", "chmod +x it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use cellscan_core::supervisor::ServiceState;

    use super::super::Level;
    use super::*;
    use crate::runit::status::StatusRecord;

    fn who(comm: &str) -> Who {
        Who { pid: 7, comm: comm.to_owned() }
    }

    fn running() -> StatusRecord {
        let pid = NonZeroU32::new(7);
        let (state, want_up) = (ServiceState::Run, true);
        StatusRecord { tai_seconds: 0, nanos: 0, pid, paused: false, want_up, got_term: false, state }
    }

    fn healthy() -> ServiceFacts {
        ServiceFacts {
            dir: "/s/pppd".into(),
            supervised: Ok(true),
            supervisor: Some(who("runsv")),
            restarted_by: Some(who("runsvdir")),
            displaced: false,
            record: Ok(running()),
            process: Some(who("pppd")),
            ports: Vec::new(),
            claimed_by: None,
            down_file: false,
            run: File::Executable,
            finish: File::Missing,
            control_t: File::Missing,
        }
    }

    fn worst(facts: &ServiceFacts) -> Level {
        all(facts).iter().map(|finding| finding.level).max().unwrap()
    }

    #[test]
    fn a_healthy_service_has_nothing_but_ok() {
        assert_eq!(worst(&healthy()), Level::Ok);
        assert!(supervision(&healthy()).found.ends_with("runsvdir 7 starts another if it dies"));
        let alone = supervision(&ServiceFacts { restarted_by: None, ..healthy() });
        assert!(alone.level == Level::Ok && alone.found.contains("no runsvdir"), "{alone:?}");
        let record = StatusRecord { want_up: false, pid: None, state: ServiceState::Down, ..running() };
        assert_eq!(worst(&ServiceFacts { record: Ok(record), process: None, ..healthy() }), Level::Ok);
    }

    #[test]
    fn a_fact_that_keeps_a_scan_from_working_is_an_error() {
        let denied = || RunitError::Denied { path: "/s".into(), source: std::io::ErrorKind::NotFound.into() };
        for facts in [
            ServiceFacts { supervised: Ok(false), ..healthy() },
            ServiceFacts { supervised: Err(denied()), ..healthy() },
            ServiceFacts { record: Err(denied()), ..healthy() },
            ServiceFacts { displaced: true, ..healthy() },
            ServiceFacts { run: File::Missing, ..healthy() },
            ServiceFacts { run: File::NotExecutable, ..healthy() },
        ] {
            assert_eq!(worst(&facts), Level::Error, "{facts:?}");
        }
        assert!(unopened(&denied()).line().ends_with("; run it as root"));
    }

    #[test]
    fn a_fact_that_only_hinders_a_scan_is_a_warning() {
        let flapping = StatusRecord { state: ServiceState::Down, pid: None, ..running() };
        for facts in [
            ServiceFacts { down_file: true, ..healthy() },
            ServiceFacts { control_t: File::Executable, ..healthy() },
            ServiceFacts { process: Some(who("sh")), ..healthy() },
            ServiceFacts { supervisor: None, ..healthy() },
            ServiceFacts { record: Ok(flapping), process: None, ..healthy() },
            ServiceFacts { record: Ok(StatusRecord { paused: true, ..running() }), ..healthy() },
        ] {
            assert_eq!(worst(&facts), Level::Warning, "{facts:?}");
        }
    }

    #[test]
    fn no_service_one_service_and_several_differ() {
        let found = |how| Ok(Some(Located { dir: "/s/wwan".into(), how }));
        assert_eq!(located(&found(How::ByName), &[]).line(), "ok       service: /s/wwan");
        let by_runsv = "ok       service: /s/wwan, found by its runsv, the only one that runs a pppd";
        assert_eq!(located(&found(How::ByRunsv), &[]).line(), by_runsv);
        assert_eq!(located(&Ok(None), &[]).level, Level::Error);
        let alone = located(&Ok(None), &[who("pppd")]).line();
        assert!(alone.starts_with("warning") && alone.contains("--backend unsupervised"), "{alone}");
        let several = Err(ServiceError::Ambiguous { found: vec!["/s/pppd".into(), "/s/pppd-b".into()] });
        let line = located(&several, &[]).line();
        assert!(line.starts_with("error") && line.contains("/s/pppd /s/pppd-b"), "{line}");
    }

    #[test]
    fn control_characters_in_a_name_are_not_printed() {
        let line = process(&ServiceFacts { process: Some(who("\u{1b}[2J")), ..healthy() }).unwrap().line();
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}
