//! The meaning of the command line, checked before anything is touched.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::time::Duration;

use cellscan_core::carrier::Remembered;
use cellscan_core::scan::scanner::REMEMBERED_MAX;
use cellscan_core::scan::{Policy, Strategy};
use cellscan_core::time::Span;
use cellscan_sim::scenario::{BUILTIN, Builtin, Scenario};

use crate::cli::{PolicyArgs, RunArgs, ScanArgs, ScannedArgs};
use crate::exit::Fatal;
use crate::gateway::plan::{GatewayPlan, GuardPlan, hold_limit};
use crate::link::Interfaces;
use crate::recording::Extent;
use crate::recording::ring::Ring;
use crate::serial::SerialOptions;

mod asked;

pub use asked::AskedPlan;

/// The name that asks for the list of worlds.
const LIST: &str = "list";

/// What `scan` does.
#[derive(Clone, Debug)]
pub enum Plan {
    /// A scan of this gateway.
    Gateway(Box<GatewayPlan>),
    /// A scan by the daemon.
    Asked(AskedPlan),
    /// A scan in a simulated world.
    Simulated(Box<SimulatedPlan>),
    /// The names of the simulated worlds.
    ListScenarios,
}

/// What the daemon does.
#[derive(Clone, Debug)]
pub struct DaemonPlan {
    /// The gateway that it scans.
    pub gateway: GatewayPlan,
    /// How long the link is down before the daemon scans without a request; `None`: it does not.
    pub when_link_down: Option<Duration>,
    /// Where its scans are recorded; `None`: nowhere.
    pub recordings: Option<Ring>,
}

impl DaemonPlan {
    /// Checks the arguments.
    ///
    /// # Errors
    /// An argument is wrong: what was found, and what was wanted.
    pub fn new(args: &RunArgs) -> Result<Self, Fatal> {
        let gateway = gateway(&args.gateway, &args.policy)?;
        if args.when_link_down.is_some() && gateway.link.is_none() {
            return Err(Fatal::usage("--when-link-down: found --link none, wanted an interface to look at"));
        }
        let recordings = args.recordings.clone().map(|dir| Ring {
            dir,
            keep: args.keep_recordings.into(),
            extent: Extent { keep_identities: args.keep_identities, limit: args.record_limit },
        });
        if let Some(Ring { dir, .. }) = &recordings {
            DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| {
                Fatal::usage(format!("--recordings: unable to make {}: {error}", dir.display()))
            })?;
        }
        Ok(Self { gateway, when_link_down: args.when_link_down, recordings })
    }
}

/// A scan in a simulated world.
#[derive(Clone, Debug)]
pub struct SimulatedPlan {
    /// The name of the world.
    pub name: String,
    /// The world.
    pub scenario: Scenario,
    /// It runs in real time.
    pub realtime: bool,
}

impl Plan {
    /// Checks the arguments.
    ///
    /// # Errors
    /// An argument is wrong: what was found, and what was wanted.
    pub fn new(args: &ScanArgs) -> Result<Self, Fatal> {
        let Some(sim) = &args.sim else {
            if args.gateway.port.is_none() {
                return AskedPlan::new(args).map(Self::Asked);
            }
            let plan = gateway(&args.gateway, &args.policy)?;
            return Ok(Self::Gateway(Box::new(plan)));
        };
        match sim.as_deref() {
            Some(LIST) => Ok(Self::ListScenarios),
            name => simulated(args, name),
        }
    }
}

fn gateway(args: &ScannedArgs, how: &PolicyArgs) -> Result<GatewayPlan, Fatal> {
    let Some(port) = &args.port else {
        return Err(Fatal::usage("found no port, wanted --port TTY"));
    };
    let mut serial = SerialOptions::new(port);
    serial.baud = args.baud;
    if !args.lock_dir.is_empty() {
        serial.lock_dirs.clone_from(&args.lock_dir);
    }
    let start = args.start_command.as_deref().unwrap_or_default();
    let mut policy = Policy::DEFAULT;
    apply(how, &mut policy)?;
    Ok(GatewayPlan {
        serial,
        ppp_port: args.ppp_port.clone().unwrap_or_else(|| port.clone()),
        service: args.service.clone(),
        backend: args.backend,
        start: start.split_whitespace().map(OsString::from).collect(),
        link: Some(&args.link).filter(|pattern| *pattern != "none").map(Interfaces::named),
        policy,
        carriers: Some(how.carriers.clone()).filter(|carriers| !carriers.is_empty()),
        state_dir: args.state_dir.clone(),
        run_dir: args.run_dir.clone(),
        guard: GuardPlan::ThisProgram,
        hold_limit: Some(args.hold_limit.unwrap_or_else(|| hold_limit(&policy))),
        unlock_after: args.unlock_after,
        prepare: None,
    })
}

fn simulated(args: &ScanArgs, name: Option<&str>) -> Result<Plan, Fatal> {
    let (name, mut scenario) = match (name, args.seed) {
        (None, Some(seed)) => (format!("seed-{seed}"), Scenario::from_seed(seed)),
        (None, None) => {
            let first = BUILTIN.first().ok_or_else(|| Fatal::usage("there is no simulated world"))?;
            (first.name.to_owned(), first.scenario())
        }
        (Some(name), seed) => {
            let builtin = Builtin::find(name).ok_or_else(|| unknown(name))?;
            let mut scenario = builtin.scenario();
            scenario.seed = seed.unwrap_or(scenario.seed);
            (name.to_owned(), scenario)
        }
    };
    apply(&args.policy, &mut scenario.policy)?;
    if !args.policy.carriers.is_empty() {
        scenario.remembered = args.policy.carriers.iter().copied().map(Remembered::from).collect();
    }
    Ok(Plan::Simulated(Box::new(SimulatedPlan { name, scenario, realtime: args.realtime })))
}

fn unknown(name: &str) -> Fatal {
    let names: Vec<&str> = BUILTIN.iter().map(|builtin| builtin.name).collect();
    Fatal::usage(format!("--sim: found {name:?}, wanted {LIST} or one of {}", names.join(", ")))
}

/// Typed options override the default policy, or that of a scenario.
fn apply(args: &PolicyArgs, policy: &mut Policy) -> Result<(), Fatal> {
    if args.carriers.len() > REMEMBERED_MAX {
        return Err(Fatal::usage(format!(
            "--carriers: found {}, wanted {REMEMBERED_MAX} at most",
            args.carriers.len()
        )));
    }
    policy.strategy = if args.quick { Strategy::Quick } else { args.strategy.unwrap_or(policy.strategy) };
    if !args.carriers.is_empty() && !matches!(policy.strategy, Strategy::Quick | Strategy::Adaptive(_)) {
        return Err(Fatal::usage("--carriers: wanted only with --quick or --strategy adaptive".to_owned()));
    }
    let times = &mut policy.timeouts;
    for (option, typed, kept) in [
        ("--search-timeout", args.search_timeout, &mut times.search),
        ("--register-timeout", args.register_timeout, &mut times.register),
    ] {
        if typed == Some(Duration::ZERO) {
            return Err(Fatal::usage(format!("{option}: found 0, wanted a second at least")));
        }
        *kept = typed.map_or(*kept, Span::rounded_up);
    }
    times.link = args.link_timeout.map_or(times.link, Span::rounded_up);
    policy.budget = args.budget.map_or(policy.budget, Span::rounded_up);
    policy.confirm = args.confirm.map_or(policy.confirm, Span::rounded_up);
    policy.no_link = args.no_link.unwrap_or(policy.no_link);
    policy.try_forbidden |= args.try_forbidden;
    if policy.budget <= policy.reserve() {
        return Err(Fatal::usage(format!(
            "--budget: found {} s, wanted more than the {} s that restoring the registration and giving the service \
             back may take",
            policy.budget.as_secs(),
            policy.reserve().as_secs()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use cellscan_custody::unlock::UNLOCK_AFTER;
    use clap::Parser;

    use super::*;
    use crate::cli::{Args, Command};

    fn plan(words: &str) -> Result<Plan, Fatal> {
        let words = ["cellscan", "scan"].into_iter().chain(words.split_whitespace());
        let Command::Scan(args) = Args::try_parse_from(words).unwrap().command else { panic!() };
        Plan::new(&args)
    }

    #[test]
    fn the_port_of_pppd_is_the_port_of_the_modem_unless_named() {
        let Ok(Plan::Gateway(plan)) = plan("--port /dev/ttyUSB2 --link none") else { panic!() };
        assert_eq!((plan.ppp_port, plan.link.is_none()), (PathBuf::from("/dev/ttyUSB2"), true));
        assert_eq!((plan.policy, plan.unlock_after), (Policy::DEFAULT, UNLOCK_AFTER));
    }

    #[test]
    fn a_typed_option_overrides_the_policy_of_a_scenario() {
        let Ok(Plan::Simulated(plan)) = plan("--sim=good-enough --budget 4m --search-timeout 1m30s") else {
            panic!()
        };
        assert_eq!(plan.scenario.policy.budget, Span::from_secs(240));
        assert_eq!(plan.scenario.policy.strategy, Strategy::GoodEnough(-75));
        assert_eq!(plan.scenario.policy.timeouts.search, Span::from_secs(90));
    }

    #[test]
    fn a_seed_without_a_name_is_a_random_world() {
        let Ok(Plan::Simulated(plan)) = plan("--sim --seed 7") else { panic!() };
        assert_eq!((plan.name.as_str(), plan.scenario), ("seed-7", Scenario::from_seed(7)));
    }

    #[test]
    fn a_wrong_argument_is_named() {
        let error = plan("--sim=nosuch").unwrap_err().message;
        assert!(error.contains("nosuch") && error.contains("no-network"), "{error}");
        let error = plan("--sim --budget 20s").unwrap_err().message;
        assert!(error.contains("20 s") && error.contains("30 s"), "{error}");
        assert!(plan("--sim --search-timeout 0").is_err());
        let many = "310410,".repeat(8) + "310410";
        assert!(plan(&format!("--sim --quick --carriers {many}")).is_err());
    }
}
