//! Scenarios drawn from a seed. Each seed switches whole kinds of faults off, so that rare ones also occur alone and
//! in pairs.

use core::time::Duration;

use cellscan_core::carrier::{Plmn, Remembered};
use cellscan_core::scan::policy::{NoLink, Timeouts};
use cellscan_core::scan::{Phase, Policy, Strategy};
use cellscan_core::time::Span;

use crate::machine::pppd::{Chat, PppdProfile, PppdTerm};
use crate::machine::runsv::Rule;
use crate::machine::{ControlScript, MachineProfile, RunScript, RunsvProfile, Supervision};
use crate::modem::in_dbm;
use crate::modem::{
    AbortAnswer, DomainSupport, Fragments, LineEnding, ModemFault, Network, Prefix, Profile, Select,
    WhileBusy,
};
use crate::prng::Prng;
use crate::signal::Signal;

use super::{Fault, Scenario, Timed, When};

/// A kind of fault that a seed switches on or off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the faults they draw are documented where they are defined")]
pub enum Kind {
    ModemSilence,
    ModemLateAnswers,
    ModemNoise,
    ModemResets,
    ModemRadio,
    Port,
    RunsvDies,
    RunsvFreezes,
    SecondClient,
    ForeignDown,
    PppdSignals,
    Strangers,
    SecondPppd,
    StatusLost,
    Clock,
    Lateness,
    ScannerKilled,
    GuardKilled,
    Abort,
}

impl Kind {
    /// Each of them.
    pub const ALL: [Self; 19] = [
        Self::ModemSilence,
        Self::ModemLateAnswers,
        Self::ModemNoise,
        Self::ModemResets,
        Self::ModemRadio,
        Self::Port,
        Self::RunsvDies,
        Self::RunsvFreezes,
        Self::SecondClient,
        Self::ForeignDown,
        Self::PppdSignals,
        Self::Strangers,
        Self::SecondPppd,
        Self::StatusLost,
        Self::Clock,
        Self::Lateness,
        Self::ScannerKilled,
        Self::GuardKilled,
        Self::Abort,
    ];

    fn draw(self, dice: &mut Prng) -> Fault {
        match self {
            Self::ModemSilence => Fault::Modem(match dice.below(2) {
                0 => ModemFault::Silent { for_ms: dice.range(100, 40_000) },
                _ => ModemFault::DropNextAnswer,
            }),
            Self::ModemLateAnswers => Fault::Modem(ModemFault::DelayNextAnswer(dice.range(500, 120_000))),
            Self::ModemNoise => Fault::Modem(match dice.below(6) {
                0 => ModemFault::Garbage((0..dice.range(1, 300)).map(|_| small(dice, 0, 255)).collect()),
                1 => ModemFault::TruncateNextAnswer(size(dice, 0, 39)),
                2 => ModemFault::DuplicateNextFinal,
                3 => ModemFault::EchoLost,
                4 => ModemFault::Urc("+CREG: 2".to_owned()),
                _ => ModemFault::Urc("NO CARRIER".to_owned()),
            }),
            Self::ModemResets => Fault::Modem(ModemFault::ResetNow),
            Self::ModemRadio => Fault::Modem(match dice.below(3) {
                0 => ModemFault::LoseRegistration,
                1 => ModemFault::NetworkGone("310410".to_owned()),
                _ => ModemFault::Signal { plmn: "311480".to_owned(), rssi: small(dice, 0, 31) },
            }),
            Self::Port => Fault::PortVanishes(Duration::from_millis(dice.range(50, 30_000))),
            Self::RunsvDies => Fault::RunsvDies(Duration::from_millis(dice.range(2_800, 6_000))),
            Self::RunsvFreezes => Fault::RunsvFreezes(Duration::from_millis(dice.range(200, 20_000))),
            Self::SecondClient => match dice.below(3) {
                0 => Fault::ControlByte(b'u'),
                1 => Fault::Sv("up"),
                _ => Fault::Sv("restart"),
            },
            Self::ForeignDown => match dice.below(3) {
                0 => Fault::ControlByte(b'd'),
                1 => Fault::Sv("down"),
                _ => Fault::ControlByte(b'o'),
            },
            Self::PppdSignals => {
                Fault::PppdSignalled(if dice.chance(500) { Signal::Kill } else { Signal::Term })
            }
            Self::Strangers => Fault::Stranger(Duration::from_millis(dice.range(100, 60_000))),
            Self::SecondPppd => Fault::SecondPppd,
            Self::StatusLost => Fault::StatusLost(u32::from(small(dice, 1, 4))),
            Self::Clock => Fault::ClockStep(if dice.chance(500) { 3_600_000 } else { -3_600_000 }),
            Self::Lateness => {
                // From a busy disk to a swapping machine: each order of magnitude equally likely.
                let by_max_ms = 10_000 >> dice.below(13);
                Fault::Late {
                    lasts: Duration::from_millis(dice.range(500, 180_000)),
                    by_max: Duration::from_millis(dice.range(1, by_max_ms)),
                }
            }
            Self::ScannerKilled => Fault::ScannerKilled,
            Self::GuardKilled => Fault::GuardKilled,
            Self::Abort => Fault::Abort,
        }
    }
}

const PHASES: [Phase; 12] = [
    Phase::StopPpp,
    Phase::StopPppWaitSv,
    Phase::VerifyStopped,
    Phase::Prepare,
    Phase::WaitResults,
    Phase::TestCarrier,
    Phase::WaitSignal,
    Phase::ConnectBest,
    Phase::VerifyCarrier,
    Phase::StartPpp,
    Phase::WaitPpp,
    Phase::Failed,
];

impl Scenario {
    /// The scenario of a seed: the same in every build of this version.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let dice = &mut Prng::new(seed);
        let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|_| dice.chance(180)).collect();
        let mut faults = Vec::new();
        for kind in kinds {
            for _ in 0..dice.range(1, 3) {
                let when = if dice.chance(500) {
                    When::After(Duration::from_millis(dice.below(150_000)))
                } else {
                    let phase = PHASES[size(dice, 0, PHASES.len() - 1)];
                    When::In(phase, Duration::from_millis(dice.below(3_000)))
                };
                faults.push(Timed { when, fault: kind.draw(dice) });
            }
        }
        let mut scenario = Self {
            seed,
            machine: machine(dice),
            modem: modem(dice),
            policy: policy(dice),
            remembered: Vec::new(),
            asked_after: Duration::from_millis(dice.range(0, 30_000)),
            faults,
        };
        if dice.chance(200) {
            remember(dice, &mut scenario);
        }
        scenario
    }
}

/// An adaptive or a quick scan that remembers some carriers, as they were or stronger.
fn remember(dice: &mut Prng, scenario: &mut Scenario) {
    for network in &scenario.modem.networks {
        if let Some(plmn) = Plmn::parse(network.plmn.as_bytes()).ok().filter(|_| dice.chance(600)) {
            let steps = network.rssi.saturating_add(small(dice, 0, 5)).min(31);
            let level = in_dbm(steps);
            scenario.remembered.push(Remembered { plmn, rssi_dbm: Some(level).filter(|_| dice.chance(700)) });
        }
    }
    scenario.policy.strategy = if dice.chance(700) { Strategy::Adaptive(-81) } else { Strategy::Quick };
}

fn machine(dice: &mut Prng) -> MachineProfile {
    let run = match dice.below(8) {
        0 => RunScript::Stays,
        1 => RunScript::Forwards,
        _ => RunScript::Execs,
    };
    let runsv = RunsvProfile {
        rule: if dice.chance(200) { Rule::Busybox } else { Rule::Upstream },
        run,
        finish_ms: dice.chance(200).then(|| dice.range(1, 3_000)),
        control_t: dice
            .chance(50)
            .then(|| ControlScript { takes_ms: dice.range(1, 1_500), vetoes: dice.chance(300) }),
        down: dice.chance(50),
        supervise_is_link: dice.chance(300),
        has_port: dice.chance(20),
    };
    let supervision = if dice.chance(80) { Supervision::Unsupervised } else { Supervision::Runsv(runsv) };
    let pppd = PppdProfile {
        opens_after_ms: dice.range(5, 200),
        link_after_ms: dice.range(500, 6_000),
        term: match dice.below(12) {
            0 => PppdTerm::Ignored,
            1 => PppdTerm::FirstLost(dice.range(10, 2_000)),
            2 => PppdTerm::Ends(dice.range(5_000, 15_000)),
            _ => PppdTerm::Ends(dice.range(1, 1_500)),
        },
        lock: dice.chance(800),
        chat: match dice.below(8) {
            0 => Chat::Outlives(dice.range(100, 12_000)),
            1 => Chat::OutlivesConnect(dice.range(100, 45_000)),
            _ => Chat::EndsFirst,
        },
        detaches: false,
        crashes_after_ms: dice.chance(40).then(|| dice.range(0, 1_500)),
        leaves_child_ms: dice.chance(150).then(|| dice.range(20, 8_000)),
        ..PppdProfile::default()
    };
    MachineProfile { supervision, pppd, registered: true, other_pppd: dice.chance(500) }
}

fn network(dice: &mut Prng, plmn: &str, name: &str) -> Network {
    let select = match dice.below(10) {
        0 => Select::Refuse { after_ms: dice.range(100, 12_000), code: 30 },
        1 => Select::Silent { busy_ms: dice.range(1_000, 90_000) },
        2 => Select::AcceptLate {
            registered_after_ms: dice.range(1_000, 10_000),
            after_ms: dice.range(10_000, 90_000),
        },
        _ => Select::Accept { after_ms: dice.range(200, 12_000) },
    };
    Network {
        stat: if dice.chance(100) { 3 } else { 1 },
        select,
        registration_ms: dice.below(4_000),
        roaming: dice.chance(200),
        ..Network::new(plmn, name, small(dice, 2, 31))
    }
}

/// A first impression: the signal falls to its lasting level within five seconds of the `OK`, as in the field logs.
fn fade(dice: &mut Prng, network: &mut Network) {
    if dice.chance(600) {
        let after_ms = dice.range(200, 4_800_u64.saturating_sub(network.registration_ms));
        network.later = Some((after_ms, network.rssi.saturating_sub(small(dice, 1, 14)).max(2)));
    }
}

fn modem(dice: &mut Prng) -> Profile {
    let mut networks: Vec<Network> =
        [("310410", "AT&T"), ("311480", "Verizon"), ("310260", "T-Mobile"), ("313100", "FirstNet")]
            .into_iter()
            .filter(|_| dice.chance(850))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(plmn, name)| network(dice, plmn, name))
            .collect();
    if dice.chance(400) {
        for network in &mut networks {
            fade(dice, network);
        }
    }
    if let Some(twice) = networks.first().cloned().filter(|_| dice.chance(300)) {
        networks.push(Network { act: Some(0), ..twice });
    }
    let registered = networks
        .iter()
        .find(|network| matches!(network.select, Select::Accept { .. }) && network.stat != 3)
        .map(|network| network.plmn.clone());
    let mut profile = Profile {
        echo: dice.chance(700),
        while_busy: match dice.below(5) {
            0 => WhileBusy::Ignore,
            1 => WhileBusy::Abort(AbortAnswer::Ok),
            2 => WhileBusy::Abort(AbortAnswer::Aborted),
            3 => WhileBusy::Abort(AbortAnswer::Nothing),
            _ => WhileBusy::Buffer,
        },
        line_ending: match dice.below(4) {
            0 => LineEnding::CrCrLf,
            1 => LineEnding::Trailing,
            _ => LineEnding::CrLf,
        },
        fragments: if dice.chance(300) {
            Fragments { size: size(dice, 1, 20), gap_ms: dice.range(0, 3) }
        } else {
            Fragments::default()
        },
        leftover_input: if dice.chance(200) { b"AT+CO".to_vec() } else { Vec::new() },
        leftover_output: if dice.chance(200) { b"\r\nOK\r\n+CREG: 1\r\n".to_vec() } else { Vec::new() },
        prefix: if dice.chance(300) { Prefix::Strict } else { Prefix::Find },
        in_data_mode: dice.chance(60),
        cesq: dice.chance(600),
        searches_refused: u32::from(dice.chance(100)),
        registered,
        networks,
        signal_settle_ms: dice.below(500),
        signal_unknown_ms: if dice.chance(200) { dice.range(100, 4_000) } else { 0 },
        ..Profile::default()
    };
    profile.delays.search = dice.range(2_000, 120_000);
    profile.delays.signal = dice.range(10, 1_200);
    profile.delays.jitter = dice.below(200);
    if dice.chance(200) {
        profile.domains = [
            DomainSupport::Fixed(3),
            DomainSupport::Unsupported,
            DomainSupport::Follows,
            DomainSupport::Unsupported,
        ];
    }
    profile
}

fn policy(dice: &mut Prng) -> Policy {
    let register = seconds(dice, 8, 45);
    Policy {
        timeouts: Timeouts { register, ..Timeouts::DEFAULT },
        strategy: if dice.chance(200) { Strategy::GoodEnough(-75) } else { Strategy::Full },
        budget: seconds(dice, 90, 400),
        samples: small(dice, 1, 3),
        retakes: small(dice, 0, 3),
        reopens: small(dice, 0, 3),
        searches: small(dice, 1, 2),
        try_forbidden: dice.chance(200),
        deregister: dice.chance(900),
        no_link: if dice.chance(200) { NoLink::NextBest } else { NoLink::Warn },
        ..Policy::DEFAULT
    }
}

fn small(dice: &mut Prng, low: u8, high: u8) -> u8 {
    u8::try_from(dice.range(u64::from(low), u64::from(high))).unwrap_or(high)
}

fn seconds(dice: &mut Prng, low: u32, high: u32) -> Span {
    Span::from_secs(u32::try_from(dice.range(u64::from(low), u64::from(high))).unwrap_or(high))
}

fn size(dice: &mut Prng, low: usize, high: usize) -> usize {
    usize::try_from(dice.range(low as u64, high as u64)).unwrap_or(high)
}
