//! The inputs of the walk, few enough that it ends: two carriers, five states of the service, and for each command the
//! answers that lead to different states.

use std::num::NonZeroU32;

use cellscan_core::at::command::Command;
use cellscan_core::at::registration::Domain;
use cellscan_core::carrier::Plmn;
use cellscan_core::scan::policy::{NoLink, Timeouts};
use cellscan_core::scan::{Phase, Policy, Refused, Scanner, Strategy};
use cellscan_core::selection::Selection;
use cellscan_core::supervisor::{Owed, Remains, ServiceState, ServiceStatus, Taken, Want};
use cellscan_core::time::Span;

use crate::world::{PortIs, Stimulus, World};

/// A setting of a walk: a policy, the state of the service before, and its possible changes.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) policy: Policy,
    pub(crate) remembered: &'static [&'static str],
    pub(crate) found: ServiceStatus,
    /// What a dead scan has left to do.
    pub(crate) left: Owed,
    pub(crate) services: &'static [ServiceStatus],
    pub(crate) answers: Answers,
}

/// The set of answers of a modem.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answers {
    /// The same, without an operator list: there are no trials.
    NoList,
    /// Every answer is good, except that some come too late.
    Smooth,
    /// The same, with two carriers before the scan that differ in nothing else.
    TwoBefore,
    /// The answers that lead to each state.
    Few,
    /// Also those that lead to each line of code.
    Many,
}

const PID: NonZeroU32 = NonZeroU32::new(343).unwrap();
const STRANGER: NonZeroU32 = NonZeroU32::new(7).unwrap();

const fn service(state: ServiceState, pid: Option<NonZeroU32>, want: Want) -> ServiceStatus {
    ServiceStatus { pid, ..ServiceStatus::new(state, want) }
}

pub(crate) const UP: ServiceStatus = service(ServiceState::Run, Some(PID), Want::Up);
const STOPPING: ServiceStatus = service(ServiceState::Run, Some(PID), Want::Down);
const ONCE: ServiceStatus = service(ServiceState::Run, Some(PID), Want::Once);
pub(crate) const DOWN: ServiceStatus = service(ServiceState::Down, None, Want::Down);
const FOREIGN: ServiceStatus = ServiceStatus { foreign_down: true, ..DOWN };
/// Our requests may still be unread, and the record older than they are.
const UNREAD: ServiceStatus = ServiceStatus { given_back: Some(false), ..UP };
/// Given back, and down since by another client.
const OVERRULED: ServiceStatus = ServiceStatus { given_back: Some(true), ..DOWN };
const ORPHANED: ServiceStatus = ServiceStatus { supervised: false, ..DOWN };

/// Short, so that there are few polls between a begin and its deadline.
const TIMES: Timeouts = Timeouts {
    take: Span::from_secs(1),
    want: Span::from_secs(2),
    down: Span::from_secs(2),
    down_again: Span::from_secs(1),
    term: Span::from_millis(500),
    kill: Span::from_millis(500),
    supervisor: Span::from_secs(1),
    open: Span::from_secs(2),
    read: Span::from_secs(1),
    deregister: Span::from_secs(1),
    search: Span::from_secs(1),
    register: Span::from_secs(1),
    signal: Span::from_secs(1),
    verify: Span::from_secs(1),
    restore: Span::from_secs(1),
    give_back: Span::from_secs(2),
    link: Span::from_secs(1),
};

pub(crate) const POLICY: Policy = Policy {
    strategy: Strategy::Full,
    budget: Span::MAX,
    timeouts: TIMES,
    settle: Span::from_secs(1),
    confirm: Span::from_secs(1),
    samples: 1,
    poll: Span::from_secs(1),
    searches: 1,
    retakes: 0,
    reopens: 0,
    try_forbidden: false,
    deregister: true,
    no_link: NoLink::Warn,
    ..Policy::DEFAULT
};

const QUICK: Policy = Policy { strategy: Strategy::Quick, ..POLICY };
const PLAIN: Setting = Setting {
    name: "a full search, and no failure twice",
    policy: POLICY,
    remembered: &[],
    found: UP,
    left: Owed { want: None, selection: None },
    services: &[UP, STOPPING, DOWN],
    answers: Answers::Few,
};
const OF_ONE: Setting =
    Setting { name: "one remembered carrier", policy: QUICK, remembered: &["00101"], ..PLAIN };
const OF_TWO: Setting = Setting { remembered: &["00101", "00102"], ..OF_ONE };

/// The settings of the walks. Each adds one kind of event to the plain one, since the combinations multiply; together they
/// cover all rules and the table of moves.
pub(crate) const SETTINGS: &[Setting] = &[
    PLAIN,
    Setting {
        name: "a second search",
        policy: Policy { searches: 2, ..POLICY },
        services: &[DOWN],
        answers: Answers::Smooth,
        ..PLAIN
    },
    Setting {
        name: "a search that finds nothing, and the port and the service go away once",
        policy: Policy { retakes: 1, reopens: 1, ..POLICY },
        services: &[UP, DOWN],
        answers: Answers::NoList,
        ..PLAIN
    },
    Setting {
        name: "no link: the next best",
        policy: Policy { no_link: NoLink::NextBest, ..POLICY },
        services: &[UP, DOWN],
        ..PLAIN
    },
    Setting {
        name: "no link: the next of two remembered carriers",
        policy: Policy { no_link: NoLink::NextBest, ..QUICK },
        services: &[UP, DOWN],
        answers: Answers::Smooth,
        ..OF_TWO
    },
    Setting {
        name: "the first that is good enough",
        policy: Policy { strategy: Strategy::GoodEnough(-90), ..POLICY },
        services: &[DOWN],
        ..PLAIN
    },
    Setting {
        name: "an adaptive scan with a remembered carrier, and a search after it",
        policy: Policy { strategy: Strategy::Adaptive(-90), ..POLICY },
        services: &[DOWN],
        ..OF_ONE
    },
    Setting { name: "one remembered carrier, and every answer", answers: Answers::Many, ..OF_ONE },
    Setting {
        name: "another client, or the supervisor's death, once",
        policy: Policy { retakes: 1, ..QUICK },
        services: &[UP, DOWN, ORPHANED],
        ..OF_ONE
    },
    Setting {
        name: "two remembered carriers, and the port goes away once",
        policy: Policy { reopens: 1, ..QUICK },
        services: &[DOWN],
        answers: Answers::Smooth,
        ..OF_TWO
    },
    Setting {
        name: "two remembered carriers, the modem on either",
        services: &[DOWN],
        answers: Answers::TwoBefore,
        ..OF_TWO
    },
    Setting {
        name: "two remembered carriers, and another client once",
        policy: Policy { retakes: 1, ..QUICK },
        services: &[UP, DOWN],
        answers: Answers::Smooth,
        ..OF_TWO
    },
    Setting { name: "another client wants it down", services: &[UP, DOWN, FOREIGN], ..OF_ONE },
    Setting {
        name: "a budget that is soon spent",
        policy: Policy { budget: Span::from_secs(7), ..QUICK },
        services: &[DOWN],
        answers: Answers::NoList,
        ..OF_ONE
    },
    Setting { name: "a supervisor that proves what it says", services: &[UNREAD, DOWN, OVERRULED], ..OF_ONE },
    Setting {
        name: "a dead scan has left its service down, and its modem deregistered",
        found: DOWN,
        left: Owed { want: Some(Want::Up), selection: Some(Selection::Automatic) },
        services: &[UP, DOWN, FOREIGN],
        ..OF_ONE
    },
    Setting { name: "found down", found: DOWN, services: &[UP, DOWN], ..OF_ONE },
    Setting { name: "found wanted once", found: ONCE, services: &[ONCE, DOWN], ..OF_ONE },
];

const LIST: &str = "+COPS: (1,\"A\",\"A\",\"00101\",7),(2,\"B\",\"B\",\"00102\",7),,(0,1,2,3,4),(0,1,2)";

pub(crate) fn plmn(digits: &str) -> Plmn {
    Plmn::parse(digits.as_bytes()).expect("five digits")
}

/// All possible inputs of `scanner` in this world.
pub(crate) fn offered(setting: &Setting, scanner: &Scanner, world: &World) -> Vec<Stimulus> {
    let mut offered = vec![Stimulus::Start, Stimulus::Restore];
    let phase = scanner.phase();
    if phase == Phase::Idle {
        return offered;
    }
    let refusals = [Refused::Take, Refused::Ask, Refused::Signal, Refused::Release];
    offered.extend([Stimulus::Time, Stimulus::Abort]);
    offered.extend(refusals.map(Stimulus::Refused));
    if phase == Phase::StopPpp {
        offered.push(Stimulus::Taken(Taken { status: setting.found, owed: setting.left }));
    }
    let watch = scanner.watch();
    if watch.service {
        offered.extend(setting.services.iter().copied().map(Stimulus::Service));
    }
    if watch.remains {
        let (service, stranger) = (Some(PID), Some(STRANGER));
        let remains =
            [Remains::default(), Remains { service, stranger: None }, Remains { service: None, stranger }];
        offered.extend(remains.map(Stimulus::Remains));
    }
    if watch.link {
        offered.extend([Stimulus::Link(true), Stimulus::Link(false)]);
    }
    match world.port {
        PortIs::Closed => {}
        PortIs::AskedFor => offered.extend([Stimulus::PortOpened, Stimulus::PortLost]),
        PortIs::Open => {
            offered.push(Stimulus::PortLost);
            let lines = lines(setting.answers, world.sent());
            // A list read twice would count without end.
            let listed = !scanner.carriers().is_empty();
            offered
                .extend(lines.iter().filter(|line| !(listed && **line == LIST)).copied().map(Stimulus::Line));
        }
    }
    offered
}

/// The possible answers of a modem after this command, late or not.
const fn lines(answers: Answers, sent: Option<Command>) -> &'static [&'static str] {
    use Answers::{Few, Many, NoList, Smooth, TwoBefore};
    let Some(command) = sent else { return &["OK"] };
    match (command, answers) {
        // The other domains are left out: sixteen sets of unknown domains would be sixteen walks.
        // Another error format than the scan wants multiplies the states: one set of answers has it.
        (Command::Attention | Command::Registration(Domain::Packet | Domain::FiveG | Domain::Circuit), _)
        | (Command::Deregister | Command::Select(_) | Command::Sim, Smooth | TwoBefore)
        | (
            Command::ErrorFormat
            | Command::SetErrorFormat(_)
            | Command::SetNameFormat(_)
            | Command::SelectAutomatically
            | Command::Identify
            | Command::VendorSignal(_),
            Smooth | TwoBefore | NoList | Few,
        ) => &["OK"],
        (Command::ErrorFormat, Many) => &["+CMEE: 0", "OK", "ERROR"],
        (Command::SetErrorFormat(_) | Command::SetNameFormat(_) | Command::SelectAutomatically, Many) => {
            &["OK", "ERROR"]
        }
        (Command::Deregister | Command::Select(_), NoList | Few | Many) => &["OK", "+CME ERROR: 30"],
        (Command::Sim, NoList | Few) => &["+CPIN: READY", "+CPIN: SIM PIN", "OK"],
        (Command::Sim, Many) => &["+CPIN: READY", "+CPIN: SIM PIN", "OK", "+CME ERROR: 10"],
        (Command::CurrentOperator, TwoBefore) => {
            &["+COPS: 1,2,\"00101\",7", "+COPS: 0,2,\"00101\",7", "+COPS: 0,2,\"00102\",7", "OK"]
        }
        (Command::CurrentOperator, Smooth | NoList | Few) => {
            &["+COPS: 1,2,\"00101\",7", "+COPS: 0,2,\"00102\",7", "OK"]
        }
        (Command::CurrentOperator, Many) => {
            &["+COPS: 0", "+COPS: 1,2,\"00101\",7", "+COPS: 0,2,\"00102\",7", "OK", "ERROR"]
        }
        (Command::Operators, NoList) => &["+COPS: ,,(0-4),(0-2)", "OK", "+CME ERROR: 30"],
        (Command::Operators, Smooth | TwoBefore | Few | Many) => {
            &[LIST, "+COPS: ,,(0-4),(0-2)", "OK", "+CME ERROR: 30"]
        }
        (Command::Registration(Domain::Eps), Smooth | TwoBefore) => &["+CEREG: 0,1", "OK"],
        (Command::Registration(Domain::Eps), NoList | Few) => &["+CEREG: 0,1", "+CEREG: 0,3", "OK"],
        (Command::Registration(Domain::Eps), Many) => {
            &["+CEREG: 0,1", "+CEREG: 0,3", "+CEREG: 0,2", "OK", "ERROR"]
        }
        (Command::Signal, Smooth | TwoBefore | NoList | Few) => &["+CSQ: 20,99", "OK"],
        (Command::Signal, Many) => &["+CSQ: 20,99", "+CSQ: 99,99", "OK", "ERROR"],
        (Command::SignalExtended, Smooth | TwoBefore | NoList | Few) => &["ERROR"],
        (Command::SignalExtended, Many) => &["+CESQ: 99,99,255,255,20,50", "OK", "ERROR"],
        (Command::Identify, Many) => &["Quectel", "OK"],
        (Command::VendorSignal(_), Many) => &["+QCSQ: \"LTE\",-62,-92,93,-14", "OK", "ERROR"],
    }
}
