//! Worlds with a name, for `scan --sim=NAME`, for tests, and for demonstrations.

use core::time::Duration;

use cellscan_core::carrier::{Plmn, Remembered};
use cellscan_core::scan::policy::NoLink;
use cellscan_core::scan::{Phase, Policy, Strategy};
use cellscan_core::time::Span;

use crate::machine::pppd::{Chat, PppdProfile, PppdTerm};
use crate::machine::{MachineProfile, RunScript, RunsvProfile, Supervision};
use crate::modem::{ModemFault, Network, Profile, Select, WhileBusy};

use super::{Fault, Scenario, Timed};

/// A world with a name.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its description, in one line.
    pub about: &'static str,
    /// The exit code of `cellscan scan` in it: 0 a carrier was chosen, 1 none was, 2 one was and its link did not come up, 111 the
    /// service could not be taken.
    pub exit: u8,
    make: fn() -> Scenario,
}

impl Builtin {
    /// The scenario.
    #[must_use]
    pub fn scenario(&self) -> Scenario {
        (self.make)()
    }

    /// The one of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        BUILTIN.iter().find(|builtin| builtin.name == name)
    }
}

const fn new(name: &'static str, exit: u8, make: fn() -> Scenario, about: &'static str) -> Builtin {
    Builtin { name, about, exit, make }
}

/// All of them; the first is what `--sim` alone runs.
pub const BUILTIN: &[Builtin] = &[
    new(
        "field",
        0,
        Scenario::default,
        "the recorded scan: five entries, four carriers, one listed twice, one that refuses",
    ),
    new("forbidden", 0, forbidden, "two of the carriers in reach are forbidden: they are not tried"),
    new(
        "elsewhere",
        0,
        elsewhere,
        "the modem answers OK for the strongest carrier and registers with another: the next best is taken",
    ),
    new(
        "late-answer",
        0,
        late_answer,
        "a selection is answered after its time-out: no result goes to the wrong carrier",
    ),
    new(
        "answers-shift",
        0,
        answers_shift,
        "as recorded on a gateway: selections take 5 s longer than their time-out, and every answer went to the next carrier",
    ),
    new(
        "late-refusal",
        1,
        late_refusal,
        "as recorded on a gateway: the only carrier refuses after its time-out, and the next scan took that for its own answer",
    ),
    new("slow-pppd", 0, slow_pppd, "pppd takes 9 s to end, and its chat keeps the port for 4 s more"),
    new("no-exec", 0, no_exec, "the run script does not exec: TERM kills a shell and pppd keeps the port"),
    new("second-client", 0, second_client, "another client runs `sv up` in the middle of the search"),
    new("port-vanishes", 0, port_vanishes, "the modem's USB port goes away for 8 s during a trial"),
    new(
        "runsv-dies",
        0,
        runsv_dies,
        "runsv is killed during the search; its successor knows nothing of `down`",
    ),
    new(
        "crash-loop",
        2,
        crash_loop,
        "pppd ends at once after every start, and runsv sleeps when it gets the request",
    ),
    new("late-machine", 0, late_machine, "a busy machine: every due event comes up to two seconds later"),
    new("good-enough", 0, good_enough, "the first carrier above -75 dBm ends the trials"),
    new("quick", 0, quick, "remembered carriers only: no search"),
    new(
        "adaptive",
        0,
        adaptive,
        "a remembered carrier is weaker than it was: the network is searched after all",
    ),
    new(
        "next-best",
        2,
        next_best,
        "no link comes up over the best, nor over the others, for which the service is taken again",
    ),
    new("modem-silent", 1, modem_silent, "the modem does not answer"),
    new("sim-locked", 1, sim_locked, "the SIM wants a PIN"),
    new("no-network", 1, no_network, "no network is in reach"),
    new(
        "all-refuse",
        1,
        all_refuse,
        "every carrier refuses, the one from before too: no registration is left to restore",
    ),
    new("budget", 1, budget, "the search takes longer than the link may be away"),
    new(
        "stranger",
        111,
        stranger,
        "a process outside the service holds the port: it is named, and nothing is touched",
    ),
    new("aborted", 1, aborted, "the scan is aborted during a trial"),
    new(
        "second-client-insists",
        1,
        second_client_insists,
        "another client runs `sv up` again and again: the scan yields",
    ),
    new(
        "supervisor-hangs",
        111,
        supervisor_hangs,
        "runsv is frozen: nothing is taken, the service stays as it is",
    ),
];

fn recorded(change: impl FnOnce(&mut Vec<Network>)) -> Scenario {
    let mut modem = Profile::default();
    change(&mut modem.networks);
    Scenario { modem, ..Scenario::default() }
}

fn set_select(networks: &mut [Network], plmn: &str, select: &Select) {
    for network in networks.iter_mut().filter(|network| network.plmn == plmn) {
        network.select = select.clone();
    }
}

fn forbidden() -> Scenario {
    recorded(|networks| {
        for network in
            networks.iter_mut().filter(|network| matches!(network.plmn.as_str(), "310260" | "313100"))
        {
            network.stat = 3;
        }
    })
}

fn elsewhere() -> Scenario {
    let mut scenario = recorded(|networks| {
        let elsewhere = Select::AcceptButRegistersElsewhere { after_ms: 6_000, plmn: "311480".to_owned() };
        set_select(networks, "310410", &elsewhere);
    });
    scenario.modem.registered = Some("311480".to_owned());
    scenario
}

fn late_answer() -> Scenario {
    let mut scenario = recorded(|networks| {
        let late = Select::AcceptLate { registered_after_ms: 60_000, after_ms: 61_000 };
        set_select(networks, "310260", &late);
    });
    scenario.policy.timeouts.register = Span::from_secs(10);
    scenario
}

/// Four carriers and one of them twice, as in the recording; none is a real one.
fn four_carriers(rssi: [u8; 4], select: [Select; 4]) -> Vec<Network> {
    let names = [("99901", "Alder"), ("99902", "Birch"), ("99903", "Cedar"), ("99904", "Dogwood")];
    let one = |((plmn, name), (rssi, select)): ((&str, &str), (u8, Select))| Network {
        select,
        ..Network::new(plmn, name, rssi)
    };
    names.into_iter().zip(rssi.into_iter().zip(select)).map(one).collect()
}

/// `+CSQ` was answered after 21 s, after two selections: this modem reads further input when it has answered.
fn answers_shift() -> Scenario {
    let slow = Select::Accept { after_ms: 15_650 };
    let select = [
        Select::Accept { after_ms: 5_100 },
        Select::Refuse { after_ms: 5_100, code: 30 },
        slow.clone(),
        slow,
    ];
    let mut scenario = recorded(|networks| {
        *networks = four_carriers([19, 20, 16, 13], select);
        // The last is listed twice.
        networks.extend(networks.last().map(|last| Network { act: Some(0), ..last.clone() }));
    });
    scenario.modem.registered = Some("99901".to_owned());
    scenario.modem.selection = crate::modem::Selection::Manual;
    scenario.modem.delays.search = 99_415;
    scenario.policy.timeouts.register = Span::from_secs(10);
    scenario.policy.budget = Span::from_secs(600);
    scenario
}

/// The other carriers were on a deny list; here they are back in reach when the next scan begins.
fn late_refusal() -> Scenario {
    let accept = Select::Accept { after_ms: 5_000 };
    let refuse = Select::Refuse { after_ms: 42_000, code: 30 };
    let mut scenario = recorded(|networks| {
        *networks = four_carriers([15, 20, 18, 25], [accept.clone(), accept.clone(), refuse, accept]);
        for network in networks.iter_mut() {
            network.present = network.plmn == "99903";
        }
    });
    scenario.modem.registered = None;
    scenario.modem.delays.search = 71_650;
    scenario.policy.timeouts.register = Span::from_secs(10);
    let back = |plmn: &str| Timed::after(150, Fault::Modem(ModemFault::NetworkBack(plmn.to_owned())));
    scenario.faults = ["99901", "99902", "99904"].map(back).to_vec();
    scenario
}

fn with_pppd(pppd: PppdProfile, runsv: RunsvProfile) -> Scenario {
    let machine =
        MachineProfile { supervision: Supervision::Runsv(runsv), pppd, ..MachineProfile::default() };
    Scenario { machine, ..Scenario::default() }
}

fn slow_pppd() -> Scenario {
    let pppd =
        PppdProfile { term: PppdTerm::Ends(9_000), chat: Chat::Outlives(4_000), ..PppdProfile::default() };
    with_pppd(pppd, RunsvProfile::default())
}

fn no_exec() -> Scenario {
    with_pppd(PppdProfile::default(), RunsvProfile { run: RunScript::Stays, ..RunsvProfile::default() })
}

fn crash_loop() -> Scenario {
    let pppd = PppdProfile { crashes_after_ms: Some(150), ..PppdProfile::default() };
    let mut scenario = with_pppd(pppd, RunsvProfile::default());
    scenario.policy.timeouts.link = Span::from_secs(10);
    scenario
}

fn second_client() -> Scenario {
    Scenario {
        faults: vec![Timed::during(Phase::WaitResults, 20_000, Fault::Sv("up"))],
        ..Scenario::default()
    }
}

fn second_client_insists() -> Scenario {
    let up = |seconds| Timed::after(seconds, Fault::Sv("up"));
    Scenario { faults: vec![up(10), up(20), up(30), up(40)], ..Scenario::default() }
}

fn port_vanishes() -> Scenario {
    let gone = Fault::PortVanishes(Duration::from_secs(8));
    Scenario { faults: vec![Timed::during(Phase::TestCarrier, 2_000, gone)], ..Scenario::default() }
}

fn runsv_dies() -> Scenario {
    let dies = Fault::RunsvDies(Duration::from_millis(3_400));
    Scenario { faults: vec![Timed::during(Phase::WaitResults, 10_000, dies)], ..Scenario::default() }
}

fn late_machine() -> Scenario {
    let late = Fault::Late { lasts: Duration::from_secs(600), by_max: Duration::from_secs(2) };
    Scenario { faults: vec![Timed::after(0, late)], ..Scenario::default() }
}

fn good_enough() -> Scenario {
    Scenario {
        policy: Policy { strategy: Strategy::GoodEnough(-75), ..Policy::DEFAULT },
        ..Scenario::default()
    }
}

fn quick() -> Scenario {
    let remembered = [("311480", None), ("310410", None)].into_iter().filter_map(remembered).collect();
    let policy = Policy { strategy: Strategy::Quick, ..Policy::DEFAULT };
    Scenario { policy, remembered, ..Scenario::default() }
}

fn remembered((digits, rssi_dbm): (&str, Option<i16>)) -> Option<Remembered> {
    Some(Remembered { plmn: Plmn::parse(digits.as_bytes()).ok()?, rssi_dbm })
}

/// The likeliest of the remembered carriers is weaker than it was, and the network is searched.
fn adaptive() -> Scenario {
    let remembered =
        [("310410", Some(-63)), ("310260", Some(-65))].into_iter().filter_map(remembered).collect();
    let policy = Policy { strategy: Strategy::Adaptive(-75), ..Policy::DEFAULT };
    let mut scenario = Scenario { policy, remembered, ..Scenario::default() };
    for network in &mut scenario.modem.networks {
        if network.plmn == "310410" {
            (network.rssi, network.rsrp) = (18, 36);
        }
    }
    scenario
}

fn next_best() -> Scenario {
    let mut scenario =
        with_pppd(PppdProfile { link_after_ms: 100_000, ..PppdProfile::default() }, RunsvProfile::default());
    scenario.policy.no_link = NoLink::NextBest;
    scenario.policy.timeouts.link = Span::from_secs(20);
    scenario
}

fn modem_silent() -> Scenario {
    let deaf = Fault::Modem(ModemFault::Silent { for_ms: 300_000 });
    Scenario { faults: vec![Timed::after(0, deaf)], ..Scenario::default() }
}

fn sim_locked() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.modem.sim = Some("SIM PIN".to_owned());
    scenario.modem.registered = None;
    scenario
}

fn no_network() -> Scenario {
    let mut scenario = recorded(Vec::clear);
    scenario.modem.registered = None;
    scenario
}

fn all_refuse() -> Scenario {
    recorded(|networks| {
        for network in networks.iter_mut() {
            network.select = Select::Refuse { after_ms: 600, code: 30 };
        }
    })
}

fn budget() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.modem.delays.search = 170_000;
    scenario.modem.while_busy = WhileBusy::Abort(crate::modem::AbortAnswer::Aborted);
    scenario.policy.budget = Span::from_secs(90);
    scenario
}

fn stranger() -> Scenario {
    let stranger = Fault::Stranger(Duration::from_secs(600));
    Scenario { faults: vec![Timed::after(0, stranger)], ..Scenario::default() }
}

fn aborted() -> Scenario {
    Scenario { faults: vec![Timed::during(Phase::TestCarrier, 1_500, Fault::Abort)], ..Scenario::default() }
}

fn supervisor_hangs() -> Scenario {
    let hangs = Fault::RunsvFreezes(Duration::from_secs(12));
    Scenario { faults: vec![Timed::after(0, hangs)], ..Scenario::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::examine;
    use cellscan_core::scan::Outcome;

    #[test]
    fn each_world_ends_with_its_exit_code_and_violates_no_rule() {
        for builtin in BUILTIN {
            let examination = examine(&builtin.scenario());
            assert_eq!(examination.violations, [], "{}", builtin.name);
            let complete = examination.record.outcome == Some(Outcome::Complete);
            assert_eq!(
                complete,
                matches!(builtin.exit, 0 | 2),
                "{}: {:?}",
                builtin.name,
                examination.record.report
            );
        }
    }
}
