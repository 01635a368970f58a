//! The port, the modem behind it, and the link.

use super::Finding;
use crate::examine::Who;
use crate::examine::modem::Answer;
use crate::examine::port::PortFacts;
use crate::link::LinkError;
use crate::report::words;

/// Which of the holders of a port are known, by process id.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Those of the service; `None`: which service it is, or whether there is one, is not known.
    pub service: Option<Vec<u32>>,
    /// Those of a scan that has claimed the service.
    pub scan: Vec<u32>,
    /// A `pppd` that no supervisor keeps.
    pub unsupervised: Vec<u32>,
}

/// All findings about one port.
#[must_use]
pub fn all(facts: &PortFacts, known: &Known) -> Vec<Finding> {
    let shown = facts.path.display();
    let Some(real) = &facts.real else {
        let found = format!("{shown}: there is no such file");
        return vec![Finding::error("port", found, "plug the modem in, or name its port with --port")];
    };
    if let Some(why) = &facts.not_a_tty {
        let found = format!("{shown} is no port: {why}");
        return vec![Finding::error("port", found, "name the tty of the modem with --port")];
    }
    let mut findings = Vec::new();
    let leads = if real == &facts.path { String::new() } else { format!(" → {}", real.display()) };
    if facts.is_stable() {
        findings.push(Finding::ok("port", format!("{shown}{leads}")));
    } else {
        let found = format!("{shown} may be another modem's after it is plugged in anew");
        findings.push(Finding::warning("port", found, "use its name below /dev/serial/by-id"));
    }
    if !facts.accessible {
        let found = format!("we may not open {shown}");
        findings.push(Finding::error("port access", found, "run it as root, or join the group of the port"));
    }
    findings.push(holders(facts, known));
    findings.extend(locks(facts));
    findings
}

fn holders(facts: &PortFacts, known: &Known) -> Finding {
    const CHECK: &str = "port holder";
    let port = facts.path.display();
    let names = |of: &[&Who]| {
        of.iter().map(|who| format!("{} ({})", who.pid, who.comm)).collect::<Vec<_>>().join(", ")
    };
    let of = |pids: &[u32]| facts.holders.iter().filter(|who| pids.contains(&who.pid)).collect::<Vec<_>>();
    let ours = of(known.service.as_deref().unwrap_or_default());
    let scan = of(&known.scan);
    let alone = of(&known.unsupervised);
    let others: Vec<&Who> = facts
        .holders
        .iter()
        .filter(|who| !ours.contains(who) && !scan.contains(who) && !alone.contains(who))
        .collect();
    if let Some(manager) = others.iter().find(|who| who.comm == "ModemManager") {
        return Finding::warning(
            CHECK,
            format!("ModemManager ({}) has {port}, and sends to it at any time", manager.pid),
            "have it let go: ENV{ID_MM_DEVICE_IGNORE}=\"1\" in a rule of udev, or `mmcli --inhibit-device`, or stop it",
        );
    }
    if !others.is_empty() && known.service.is_none() && known.unsupervised.is_empty() {
        let found = format!("{} has {port}; whose it is is not known without the service", names(&others));
        return Finding::warning(CHECK, found, "see the service first");
    }
    if !others.is_empty() {
        let found = format!("{} has {port}, and does not belong to the service", names(&others));
        return Finding::warning(CHECK, found, "end it: a scan waits for it, and gives up in the end");
    }
    if !scan.is_empty() {
        return Finding::ok(CHECK, format!("{} has {port} for a scan", names(&scan)));
    }
    if !ours.is_empty() {
        return Finding::ok(CHECK, format!("{} of the service has {port}", names(&ours)));
    }
    if !alone.is_empty() {
        return Finding::ok(CHECK, format!("{} has {port}, without a supervisor", names(&alone)));
    }
    if facts.unreadable > 0 {
        let processes = words::counted(facts.unreadable, "process", "processes");
        let found = format!("{processes} cannot be looked into, and may have it");
        return Finding::warning(CHECK, found, "run it as root");
    }
    Finding::ok(CHECK, format!("no process has {port}"))
}

fn locks(facts: &PortFacts) -> Vec<Finding> {
    let finding = |lock: &crate::serial::uucp::FoundLock| {
        let shown = lock.path.display();
        match lock.pid {
            Some(pid) if lock.alive => {
                Finding::ok("port lock", format!("{shown}: process {pid}, which lives"))
            }
            Some(pid) if lock.reused => Finding::warning(
                "port lock",
                format!("{shown}: an earlier process {pid}; another has its number now"),
                "none: cellscan removes it; a pppd refuses to start until it is removed",
            ),
            Some(pid) => Finding::warning(
                "port lock",
                format!("{shown}: process {pid}, which has ended"),
                "none: the next program that locks the port removes it",
            ),
            None => Finding::warning(
                "port lock",
                format!("{shown} names no process"),
                "remove it, unless a program is creating it just now",
            ),
        }
    };
    facts.locks.iter().map(finding).collect()
}

/// The finding if no port is known.
#[must_use]
pub fn unknown() -> Finding {
    Finding::warning("port", "no port was named, and the service holds none", "name it with --port")
}

/// The finding about the modem's answer.
#[must_use]
pub fn modem(answer: &Answer) -> Finding {
    const CHECK: &str = "modem";
    match answer {
        Answer::Ok => Finding::ok(CHECK, "answers AT with OK"),
        Answer::NotAsked(why) => Finding::ok(CHECK, format!("not asked: {why}")),
        Answer::Silence => Finding::error(
            CHECK,
            "no answer to AT",
            "look whether this is the modem's AT port; power the modem off and on",
        ),
        Answer::Noise(count) => Finding::error(
            CHECK,
            format!("{count} bytes, and no OK among them"),
            "look whether this is the modem's AT port, and whether its speed is --baud",
        ),
        Answer::Failed(why) => {
            Finding::error(CHECK, format!("could not be asked: {why}"), "see the port above")
        }
    }
}

/// The finding about interfaces that are up with an address. `up`: the service runs.
#[must_use]
pub fn link(pattern: &str, found: &Result<Vec<String>, LinkError>, up: bool) -> Finding {
    const CHECK: &str = "link";
    match found {
        Err(error) => Finding::warning(CHECK, crate::error::chain(error), "use scan --link none"),
        Ok(names) if !names.is_empty() => Finding::ok(CHECK, format!("{} has an address", names.join(", "))),
        Ok(_) if up => Finding::warning(
            CHECK,
            format!("no interface {pattern} of the service has an address, while it runs"),
            "look into the log of pppd; another name is told with --link",
        ),
        Ok(_) => Finding::ok(CHECK, format!("no interface {pattern} of the service has an address")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use crate::serial::uucp::FoundLock;

    fn healthy() -> PortFacts {
        PortFacts {
            path: "/dev/serial/by-id/usb-x".into(),
            real: Some("/dev/ttyUSB2".into()),
            not_a_tty: None,
            accessible: true,
            holders: vec![Who { pid: 7, comm: "pppd".to_owned() }],
            unreadable: 0,
            locks: vec![FoundLock {
                path: "/l/LCK..ttyUSB2".into(),
                pid: Some(7),
                alive: true,
                reused: false,
            }],
        }
    }

    fn known() -> Known {
        Known { service: Some(vec![7]), ..Known::default() }
    }

    fn holder(facts: &PortFacts, known: &Known) -> String {
        holders(facts, known).line()
    }

    #[test]
    fn a_scan_is_named_and_nobody_is_told_to_end_it() {
        let facts = PortFacts { holders: vec![Who { pid: 9, comm: "cellscan".to_owned() }], ..healthy() };
        let line = holder(&facts, &Known { scan: vec![9], ..known() });
        assert!(line.starts_with("ok") && line.ends_with("for a scan"), "{line}");
    }

    #[test]
    fn without_a_service_no_holder_is_called_a_stranger() {
        let line = holder(&healthy(), &Known::default());
        assert!(line.contains("not known") && !line.contains("end it"), "{line}");
        let alone = Known { unsupervised: vec![7], ..Known::default() };
        assert!(holder(&healthy(), &alone).starts_with("ok"));
    }

    #[test]
    fn modem_manager_is_named_with_the_way_in_which_it_lets_go() {
        let facts = PortFacts { holders: vec![Who { pid: 9, comm: "ModemManager".to_owned() }], ..healthy() };
        let line = holder(&facts, &known());
        assert!(line.contains("ID_MM_DEVICE_IGNORE") && line.contains("--inhibit-device"), "{line}");
    }

    fn worst(facts: &PortFacts) -> Level {
        all(facts, &known()).iter().map(|finding| finding.level).max().unwrap()
    }

    #[test]
    fn a_port_that_the_service_or_no_process_holds_is_ok() {
        assert_eq!(worst(&healthy()), Level::Ok);
        assert_eq!(worst(&PortFacts { holders: Vec::new(), ..healthy() }), Level::Ok);
    }

    #[test]
    fn an_unusable_port_is_an_error_and_a_doubtful_one_a_warning() {
        for facts in [
            PortFacts { real: None, ..healthy() },
            PortFacts { not_a_tty: Some("it is a directory".to_owned()), ..healthy() },
            PortFacts { accessible: false, ..healthy() },
        ] {
            assert_eq!(worst(&facts), Level::Error, "{facts:?}");
        }
        let lock = |pid| vec![FoundLock { path: "/l/LCK..x".into(), pid, alive: false, reused: false }];
        for facts in [
            PortFacts { path: "/dev/ttyUSB2".into(), ..healthy() },
            PortFacts { holders: vec![Who { pid: 8, comm: "minicom".to_owned() }], ..healthy() },
            PortFacts { holders: Vec::new(), unreadable: 3, ..healthy() },
            PortFacts { locks: lock(Some(9)), ..healthy() },
            PortFacts { locks: lock(None), ..healthy() },
        ] {
            assert_eq!(worst(&facts), Level::Warning, "{facts:?}");
        }
    }

    #[test]
    fn a_modem_that_does_not_answer_is_an_error() {
        for (answer, level) in [
            (Answer::Ok, Level::Ok),
            (Answer::NotAsked("held"), Level::Ok),
            (Answer::Silence, Level::Error),
            (Answer::Noise(3), Level::Error),
            (Answer::Failed("busy".to_owned()), Level::Error),
        ] {
            assert_eq!(modem(&answer).level, level, "{answer:?}");
        }
    }

    #[test]
    fn a_missing_link_is_a_warning_only_while_the_service_runs() {
        assert_eq!(link("ppp*", &Ok(vec!["ppp0".to_owned()]), true).level, Level::Ok);
        assert_eq!(link("ppp*", &Ok(Vec::new()), true).level, Level::Warning);
        assert_eq!(link("ppp*", &Ok(Vec::new()), false).level, Level::Ok);
        assert_eq!(link("ppp*", &Err(LinkError::NoAnswer), true).level, Level::Warning);
    }
}
