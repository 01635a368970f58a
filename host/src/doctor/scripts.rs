//! What the scripts around `pppd` look like. What is seen of the running service overrides it.

use super::Finding;
use crate::examine::hazards::{Script, Undoes};
use crate::examine::service::File;
use crate::examine::sources::Sources;

/// Facts known without reading scripts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seen {
    /// The supervisor's child is `pppd` itself.
    pub is_pppd: bool,
    /// The service's process owns a UUCP lock.
    pub has_lock: bool,
    /// The script `finish`.
    pub finish: File,
    /// The longest `sleep` in it, in seconds.
    pub finish_sleeps_s: Option<u32>,
}

/// All findings about the scripts.
#[must_use]
pub fn all(sources: &Sources, seen: Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, why) in &sources.unread {
        let found = format!("{} could not be read: {why}", path.display());
        findings.push(Finding::warning("scripts", found, "look at it by hand"));
    }
    if sources.run.launches.is_empty() {
        if !seen.is_pppd && sources.unread.is_empty() {
            findings.push(Finding::warning(
                "run",
                "looks like the run script starts no pppd",
                "look whether this is the right service",
            ));
        }
    } else {
        findings.extend(exec(sources, seen));
        findings.push(nodetach(sources, seen));
        findings.push(lock(sources, seen));
        findings.extend(demand(sources));
    }
    findings.extend(deeds("run", &sources.run));
    findings.extend(sources.options.outliving().map(|script| {
        Finding::warning(
            "connect",
            format!("looks like `{}` lives on with the port when pppd is told to end", shortened(script)),
            "begin it with exec, as in connect 'exec chat …'",
        )
    }));
    findings.extend(modem(sources));
    findings.extend(finish(seen));
    findings
}

/// What a script does to ports and processes that are not its own.
#[must_use]
pub fn deeds(check: &'static str, script: &Script) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some((line, port)) = &script.writes {
        findings.push(Finding::warning(
            check,
            format!(
                "line {line} looks like it writes to {port}, whichever process has it: into a scan, or another's call"
            ),
            "do it in the connect script of pppd",
        ));
    }
    if let Some(line) = script.kills {
        findings.push(Finding::warning(
            check,
            format!("line {line} looks like it ends each pppd by name, that of another modem too"),
            "take it out: runsv starts one pppd, and ends it",
        ));
    }
    findings
}

fn exec(sources: &Sources, seen: Seen) -> Option<Finding> {
    if seen.is_pppd {
        return None;
    }
    let launch = sources.run.launches.iter().find(|launch| !launch.exec)?;
    let how = if launch.background { "in the background" } else { "without exec" };
    let trap = if sources.run.traps { " (a trap may hand TERM on)" } else { "" };
    Some(Finding::warning(
        "run",
        format!(
            "line {} looks like it starts pppd {how}{trap}: TERM ends the shell, and pppd keeps the port",
            launch.line
        ),
        "write exec before pppd",
    ))
}

fn nodetach(sources: &Sources, seen: Seen) -> Finding {
    if sources.options.nodetach {
        return Finding::ok("nodetach", "pppd is told to stay with its supervisor");
    }
    if sources.options.updetach {
        return Finding::warning(
            "nodetach",
            "looks like pppd is told updetach: it leaves its supervisor once the link is up",
            "replace updetach by nodetach",
        );
    }
    if seen.is_pppd {
        return Finding::ok("nodetach", "not found in what was read, but pppd has not detached itself");
    }
    Finding::warning(
        "nodetach",
        "looks like pppd is started without nodetach: it leaves its supervisor, which cannot stop it then",
        "add nodetach to its options",
    )
}

fn lock(sources: &Sources, seen: Seen) -> Finding {
    if seen.has_lock {
        Finding::ok("lock", "pppd has locked its port")
    } else if sources.options.lock {
        Finding::ok("lock", "pppd is told to lock its port")
    } else {
        Finding::warning(
            "lock",
            "looks like pppd has not the option lock: one that is started in the middle of a scan takes the port",
            "add lock to its options",
        )
    }
}

fn demand(sources: &Sources) -> Option<Finding> {
    sources.options.demand.then(|| {
        Finding::warning(
            "demand",
            "looks like pppd is told demand: its interface has an address before it dials, and a scan takes that for the link",
            "replace demand by persist, or do not rely on --no-link next-best and outage_s",
        )
    })
}

fn modem(sources: &Sources) -> Vec<Finding> {
    let finding = |(path, found): &(std::path::PathBuf, crate::examine::hazards::ModemCommand)| {
        let what = match found.undoes {
            Undoes::Selection => "selects an operator",
            Undoes::Settings => "resets the modem's settings",
            Undoes::Radio => "restarts the modem or its radio",
        };
        Finding::warning(
            "modem script",
            format!(
                "{}:{} looks like it {what} ({}), which undoes a scan",
                path.display(),
                found.line,
                found.command
            ),
            "take it out",
        )
    };
    sources.modem.iter().map(finding).collect()
}

fn finish(seen: Seen) -> Option<Finding> {
    match (seen.finish, seen.finish_sleeps_s) {
        (File::Missing, _) => None,
        (File::NotExecutable, _) => Some(Finding::warning(
            "finish",
            "the finish script may not be executed: runsv fails to run it at each end of pppd",
            "chmod +x it, or remove it",
        )),
        (File::Executable, Some(seconds)) if seconds > 0 => Some(Finding::warning(
            "finish",
            format!("looks like the finish script sleeps {seconds} s: that much is added to each outage"),
            "let it end at once",
        )),
        (File::Executable, _) => {
            Some(Finding::ok("finish", "there is a finish script: its time is added to each outage"))
        }
    }
}

fn shortened(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let short: String = text.chars().take(SHOWN_MAX).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use crate::examine::hazards::{Options, modem_commands, script};
    use crate::examine::shell::Syntax;

    const UNSEEN: Seen =
        Seen { is_pppd: false, has_lock: false, finish: File::Missing, finish_sleeps_s: None };

    fn sources(run: &str) -> Sources {
        let run = script(run);
        let mut options = Options::default();
        for launch in &run.launches {
            options.read(launch.options.iter().map(String::as_str));
        }
        Sources { run, options, ..Sources::default() }
    }

    fn lines(run: &str, seen: Seen) -> Vec<String> {
        all(&sources(run), seen).iter().map(Finding::line).collect()
    }

    #[test]
    fn a_script_without_hazards_is_ok() {
        let findings = all(&sources("#!/bin/sh\nexec pppd nodetach lock connect 'exec chat -f x'\n"), UNSEEN);
        assert!(findings.iter().all(|finding| finding.level == Level::Ok), "{findings:?}");
    }

    #[test]
    fn each_hazard_has_a_line() {
        let found = lines("#!/bin/sh\npppd connect 'chat -f x' updetach\n", UNSEEN);
        for part in ["run: line 2", "updetach", "has not the option lock", "connect: looks like `chat -f x`"]
        {
            assert!(found.iter().any(|line| line.starts_with("warning") && line.contains(part)), "{found:?}");
        }
        let found = lines("exec pppd nodetach lock demand idle 60", UNSEEN);
        assert!(found.iter().any(|line| line.starts_with("warning  demand: ")), "{found:?}");
        let found = lines("killall pppd\necho ATZ > /dev/ttyUSB2\nexec pppd nodetach lock\n", UNSEEN);
        for part in ["line 1 looks like it ends each pppd", "line 2 looks like it writes to /dev/ttyUSB2"] {
            assert!(
                found.iter().any(|line| line.starts_with("warning  run: ") && line.contains(part)),
                "{found:?}"
            );
        }
        assert!(lines("exec true", UNSEEN)[0].contains("starts no pppd"));
        assert!(lines("trap x TERM; pppd &", UNSEEN)[0].contains("in the background (a trap may"));
    }

    #[test]
    fn facts_about_the_running_service_override_the_script() {
        let seen = Seen { is_pppd: true, has_lock: true, ..UNSEEN };
        assert!(lines("#!/bin/sh\npppd\n", seen).iter().all(|line| line.starts_with("ok")));
    }

    #[test]
    fn commands_that_undo_a_scan_and_a_slow_finish_are_warnings() {
        let command = modem_commands("'' AT+COPS=0", Syntax::Words).remove(0);
        let modem = vec![("/etc/chatscripts/isp".into(), command)];
        let sources = Sources { modem, ..sources("exec pppd nodetach lock") };
        let seen = Seen { finish: File::Executable, finish_sleeps_s: Some(5), ..UNSEEN };
        let found: Vec<String> = all(&sources, seen).iter().map(Finding::line).collect();
        assert!(
            found
                .iter()
                .any(|line| line.contains("/etc/chatscripts/isp:1 looks like it selects an operator"))
        );
        assert!(found.iter().any(|line| line.contains("sleeps 5 s")), "{found:?}");
    }
}
