//! A scan by the daemon, and the options of `scan` that it allows.

use std::path::PathBuf;

use clap::{Command, CommandFactory};

use crate::cli::typed::Typed;
use crate::cli::{Args, ScanArgs};
use crate::exit::Fatal;

/// The options that the request carries, or that decide how answers are shown. For the rest the daemon goes by its own
/// options, so any other option is refused.
const USED: [&str; 6] = ["run_dir", "request", "automatic", "json", "quiet", "verbose"];

/// A scan by the daemon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AskedPlan {
    /// The directory of its control socket.
    pub run_dir: PathBuf,
    /// The number of the request; `None`: the daemon chooses one.
    pub id: Option<u32>,
    /// A program asks, not a user.
    pub automatic: bool,
}

impl AskedPlan {
    /// Checks the arguments of a scan without a port.
    ///
    /// # Errors
    /// An option was typed that the daemon would ignore.
    pub fn new(args: &ScanArgs) -> Result<Self, Fatal> {
        refuse_what_is_ignored(&args.typed)?;
        Ok(Self { run_dir: args.gateway.run_dir.clone(), id: args.request, automatic: args.automatic })
    }
}

fn refuse_what_is_ignored(typed: &Typed) -> Result<(), Fatal> {
    let program = Args::command();
    let ignored: Vec<&str> = options(&program, "scan")
        .filter(|(id, _)| typed.contains(id) && !USED.contains(id))
        .map(|(_, name)| name)
        .collect();
    if ignored.is_empty() {
        return Ok(());
    }
    let of_daemon: Vec<&str> =
        options(&program, "run").map(|(_, name)| name).filter(|name| ignored.contains(name)).collect();
    let mut wanted = vec!["--port TTY for a scan of this process".to_owned()];
    if !of_daemon.is_empty() {
        wanted.push(format!("{} for `cellscan run`", list(&of_daemon)));
    }
    if ignored.contains(&"record") {
        wanted.push("--recordings DIR for `cellscan run`".to_owned());
    }
    Err(Fatal::usage(format!(
        "{}: found no --port, so that the daemon is asked, which scans by its own options; wanted {}",
        list(&ignored),
        wanted.join(", or ")
    )))
}

/// The id and the name of each option of a command.
fn options<'a>(program: &'a Command, command: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of_command = program.find_subcommand(command).into_iter().flat_map(Command::get_arguments);
    of_command.map(|arg| {
        let id = arg.get_id().as_str();
        (id, arg.get_long().unwrap_or(id))
    })
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("--{name}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::exit::Exit;
    use crate::plan::Plan;

    /// Options of `scan` that the daemon ignores, and how each is typed. A default value counts as typed too.
    const REFUSED: [(&str, &str); 24] = [
        ("ppp_port", "--ppp-port /dev/ttyUSB0"),
        ("baud", "--baud 115200"),
        ("service", "--service pppd"),
        ("backend", "--backend auto"),
        ("start_command", "--start-command pppd"),
        ("link", "--link ppp*"),
        ("lock_dir", "--lock-dir /var/lock"),
        ("state_dir", "--state-dir /var/lib/cellscan"),
        ("hold_limit", "--hold-limit 9m"),
        ("unlock_after", "--unlock-after 10m"),
        ("budget", "--budget 300s"),
        ("strategy", "--strategy full"),
        ("quick", "--quick"),
        ("carriers", "--quick --carriers 310410"),
        ("confirm", "--confirm 5s"),
        ("search_timeout", "--search-timeout 180s"),
        ("register_timeout", "--register-timeout 45s"),
        ("link_timeout", "--link-timeout 60s"),
        ("no_link", "--no-link warn"),
        ("try_forbidden", "--try-forbidden"),
        ("wide", "--wide"),
        ("record", "--record scan.atlog"),
        ("keep_identities", "--record scan.atlog --keep-identities"),
        ("record_limit", "--record scan.atlog --record-limit 5000"),
    ];
    /// Options that select another kind of scan, or need one of those.
    const OF_OTHER_PLANS: [&str; 4] = ["port", "sim", "realtime", "seed"];

    fn plan(words: &str) -> Result<Plan, Fatal> {
        let words = ["cellscan", "scan"].into_iter().chain(words.split_whitespace());
        let crate::cli::Command::Scan(args) = Args::try_parse_from(words).unwrap().command else { panic!() };
        Plan::new(&args)
    }

    #[test]
    fn each_option_of_scan_is_either_used_or_refused_when_the_daemon_scans() {
        let mut program = Args::command();
        program.build();
        let scan = program.find_subcommand("scan").unwrap();
        let mut known: Vec<&str> = scan.get_arguments().map(|arg| arg.get_id().as_str()).collect();
        known.retain(|id| *id != "help");
        let refused = REFUSED.iter().map(|(id, _)| *id).chain(OF_OTHER_PLANS);
        let mut listed: Vec<&str> = refused.chain(USED).collect();
        known.sort_unstable();
        listed.sort_unstable();
        assert_eq!(known, listed, "a new option must be in one of the lists");
    }

    #[test]
    fn an_option_that_the_daemon_would_ignore_is_refused_and_named() {
        for (id, words) in REFUSED {
            let fatal = plan(words).unwrap_err();
            assert_eq!(fatal.exit, Exit::Usage, "{words}");
            let name = format!("--{}", id.replace('_', "-"));
            assert!(fatal.message.contains(&name), "{words}: {}", fatal.message);
            assert!(fatal.message.contains("wanted --port TTY"), "{words}: {}", fatal.message);
            assert!(plan(&format!("--port /dev/ttyUSB2 {words}")).is_ok(), "{words}");
        }
    }

    #[test]
    fn all_refused_options_are_named_with_the_command_they_belong_to() {
        let message = plan("--service pppd --quick --record scan.atlog").unwrap_err().message;
        assert!(message.starts_with("--service, --quick, --record: found no --port"), "{message}");
        assert!(message.contains("or --service, --quick for `cellscan run`"), "{message}");
        assert!(message.ends_with("or --recordings DIR for `cellscan run`"), "{message}");
    }

    #[test]
    fn options_of_the_request_and_of_the_output_are_used() {
        let words = "--run-dir /run/c --request 7 --automatic --json --quiet -v";
        let Ok(Plan::Asked(plan)) = plan(words) else { panic!() };
        assert_eq!(plan, AskedPlan { run_dir: "/run/c".into(), id: Some(7), automatic: true });
    }
}
