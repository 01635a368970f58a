//! The rules of every world: safety during faults, liveness after the last one.

use core::time::Duration;

use cellscan_core::port::Port;
use cellscan_core::scan::{Event, Outcome, Phase};
use cellscan_core::supervisor::Supervisor;
use cellscan_core::time::Instant;

use crate::machine::{RunScript, Supervision};
use crate::modem::{ModemFault, Selection};
use crate::scenario::{Fault, Scenario};
use crate::trace::{Actor, Origin, TraceEvent, Traced};
use crate::world::{Intrusion, Record, World};

mod choice;

/// Within this time after the last fault the gateway must have recovered: a modem boots in 12 s and registers in 6, runsv
/// comes back within 6 s and sleeps for 1, a running scan ends within its budget and waits a minute for the link.
pub const LIVENESS: Duration = Duration::from_secs(120);

/// A scan ends within this time of its request, in every case: the budget, the times before it counts and after
/// it, and the delay by frozen supervisors.
pub const SCAN_TIME_MAX: Duration = Duration::from_secs(900);

/// Within this time a running service holds the port: a restart takes runsv a second, and `finish` may run.
const SETTLED: Duration = Duration::from_secs(10);

/// A violated rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Violation {
    /// The scan sent a byte to the modem while another process held the port.
    Intrusion(Intrusion),
    /// The scan signalled a process outside the service.
    StraySignal(Traced),
    /// The guard requested the service while its scan was running.
    GuardFought(Instant),
    /// Another client asked for down while the scan waited for the link, and the scan took the service once more.
    Overruled(Instant),
    /// Two `pppd` had the service's port at once.
    TwoPppds(Instant),
    /// The scan reports that it gave the service back on this carrier, and the modem was on another, or none.
    WrongCarrier {
        /// As the scan reports.
        selected: String,
        /// As the modem has it.
        registered: Option<String>,
    },
    /// The signal that the scan reports for a carrier is not that carrier's.
    FalseSignal {
        /// The carrier.
        plmn: String,
        /// As reported, dBm.
        dbm: i16,
    },
    /// The scan reports that this carrier refused, and it would have accepted.
    FalseRefusal {
        /// The carrier.
        plmn: String,
        /// As reported.
        code: u16,
    },
    /// The scan chose a carrier, and another that it had measured lasts at a level above it by more than the hysteresis.
    WorseThanAnother {
        /// The chosen carrier.
        selected: String,
        /// Its level as it lasts, dBm.
        dbm: i16,
        /// The other carrier.
        best: String,
        /// Its level as it lasts, dBm.
        best_dbm: i16,
    },
    /// The link was away for longer than the budget.
    BudgetExceeded(Duration),
    /// The scan did not end in time.
    NeverEnded(Phase),
    /// After the last fault the service is not wanted up.
    NotWantedUp,
    /// After the last fault the service does not run.
    NotRunning,
    /// After the last fault the modem stays deregistered, and the report does not mention it.
    Deregistered,
    /// The scan has chosen a carrier and left the modem with these settings of its own, `+CMEE` and the `<format>` of `+COPS`.
    SettingsLeft(u8, u8),
    /// After the last fault the lease is still held.
    LeaseHeld,
    /// The scan has ended, and its lock still exists.
    LockHeld,
    /// Two runs of one scenario differ.
    Undetermined,
}

/// A scenario that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// All events.
    pub record: Record,
    /// The violated rules.
    pub violations: Vec<Violation>,
}

/// Runs a scenario twice and checks every rule.
#[must_use]
pub fn examine(scenario: &Scenario) -> Examination {
    let mut first = live_through(World::new(scenario.clone()));
    let second = live_through(World::new(scenario.clone()));
    if first != second {
        first.violations.push(Violation::Undetermined);
    }
    first
}

/// Runs a world: the scan, then the time in which the gateway must recover.
#[must_use]
pub fn live_through<P: Port, S: Supervisor>(mut world: World<P, S>) -> Examination {
    let scenario = world.scenario().clone();
    let mut violations = Vec::new();
    let end = Instant::ZERO + scenario.asked_after + SCAN_TIME_MAX + time_late(&scenario);
    while !(world.scan_has_ended() && world.faults_are_over()) {
        let Some(next) = world.next_event().filter(|next| *next <= end) else { break };
        world.advance_to(next);
        if world.machine().live_pppds() > 1 && one_pppd_is_due(&scenario) {
            violations.push(Violation::TwoPppds(next));
            break;
        }
    }
    if !world.scan_has_ended() {
        violations.push(Violation::NeverEnded(world.scanner().phase()));
    }
    world.heal();
    let well = world.now() + LIVENESS + latest(&scenario);
    world.advance_to(well);
    let running = running_within(&mut world, SETTLED);
    if !running && running_is_due(&scenario) {
        violations.push(Violation::NotRunning);
    }
    safety(&world, &scenario, &mut violations);
    liveness(&world, &scenario, &mut violations);
    Examination { record: world.record(), violations }
}

/// Whether only the scan can have caused two `pppd` at once.
fn one_pppd_is_due(scenario: &Scenario) -> bool {
    let started_by_others =
        scenario.faults.iter().any(|timed| matches!(timed.fault, Fault::SecondPppd | Fault::RunsvDies(_)));
    let leaves_orphans = scenario.machine.pppd.detaches
        || matches!(&scenario.machine.supervision, Supervision::Runsv(runsv) if runsv.run != RunScript::Execs);
    !started_by_others && !leaves_orphans
}

fn safety<P: Port, S: Supervisor>(world: &World<P, S>, scenario: &Scenario, violations: &mut Vec<Violation>) {
    violations.extend(world.intrusions().into_iter().map(Violation::Intrusion));
    violations.extend(world.machine().stray_signals().cloned().map(Violation::StraySignal));
    let report = world.report();
    if world.scanner_is_alive() {
        // After the end of its scan the guard may be asked to continue.
        let mut told = world.told().iter();
        let ended = told.find(|told| matches!(told.event, Event::Finished(_))).map(|told| told.at);
        let machine = world.machine();
        let mut asked = machine
            .trace()
            .iter()
            .filter(|traced| matches!(traced.event, TraceEvent::Control { by: Actor::Guard, .. }));
        let early = asked.find(|asked| ended.is_none_or(|ended| asked.at < ended));
        violations.extend(early.map(|asked| Violation::GuardFought(asked.at)));
    }
    violations.extend(overruled(world, scenario).map(Violation::Overruled));
    if report.outcome == Some(Outcome::Complete)
        && radio_is_steady(scenario)
        && let (Some(selected), Some(handed)) = (report.selected, world.handed().last())
        && handed.registered.as_deref() != Some(selected.as_str())
    {
        let registered = handed.registered.clone();
        violations.push(Violation::WrongCarrier { selected: selected.as_str().to_owned(), registered });
    }
    choice::check(world, scenario, violations);
    if let Some((from, to)) = away(world).filter(|_| supervisor_is_steady(scenario)) {
        let away = to.duration_since(from);
        // From here on the scan restores and gives back. It is not responsible for delays of its own process.
        let last_part = from + scenario.policy.budget.saturating_sub(scenario.policy.reserve());
        if away > Duration::from(scenario.policy.budget) + world.held_back(last_part, to) {
            violations.push(Violation::BudgetExceeded(away));
        }
    }
}

/// When the scan asked for the service again although, since it had given it back, another client's down was on record.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other events say nothing of who wants the service")]
fn overruled<P: Port, S: Supervisor>(world: &World<P, S>, scenario: &Scenario) -> Option<Instant> {
    /// From the record to the scan's next look at it, where nothing is late.
    const LOOK: Duration = Duration::from_secs(1);
    let mut given_back =
        world.told().iter().filter(|told| told.event == Event::GivenBack).map(|told| told.at);
    let mut next_given_back = given_back.next();
    let (mut is_ours, mut asked, mut recorded) = (true, false, None);
    for Traced { at, event } in world.machine().trace() {
        if next_given_back.is_some_and(|given| given <= *at) {
            (is_ours, asked, recorded) = (false, false, None);
            next_given_back = given_back.next();
        }
        match event {
            TraceEvent::Control { by: Actor::Client, .. } => {
                let seen_by = recorded.map(|recorded: Instant| recorded + LOOK + latest(scenario));
                if seen_by.is_some_and(|seen| seen < *at) {
                    return Some(*at);
                }
                (is_ours, asked, recorded) = (true, false, None);
            }
            TraceEvent::Control { by: Actor::Other, bytes } if !is_ours => {
                match bytes.iter().rev().find(|byte| b"udox".contains(byte)) {
                    Some(b'd' | b'x') => asked = true,
                    Some(_) => (asked, recorded) = (false, None),
                    None => {}
                }
            }
            TraceEvent::Status { log: false, record, .. } if asked => {
                recorded = if record.want_up { None } else { recorded.or(Some(*at)) };
            }
            // The next runsv knows nothing of that wish.
            TraceEvent::Ended { origin: Origin::Runsv, .. } => (asked, recorded) = (false, None),
            _ => {}
        }
    }
    None
}

fn liveness<P: Port, S: Supervisor>(
    world: &World<P, S>,
    scenario: &Scenario,
    violations: &mut Vec<Violation>,
) {
    let machine = world.machine();
    // On a full disk the record stays as it was; the process table decides.
    let record_is_old = scenario.faults.iter().any(|timed| matches!(timed.fault, Fault::StatusLost(_)));
    let wanted_up =
        machine.status().is_none_or(|record| record.want_up || (record_is_old && machine.live_pppds() > 0));
    // Where the guard was killed too, the lease stays for the next start and for `restore`.
    let given_back = world.scanner_is_alive() && world.report().given_back;
    let left_to_the_lease = guard_is_killed(scenario) && !machine.is_guarded() && machine.lease().is_some();
    if up_is_due(scenario) && !wanted_up && !left_to_the_lease {
        violations.push(Violation::NotWantedUp);
    }
    let (_, selection) = world.modem_state();
    let said = world.report().restored == Some(false) || !world.scanner_is_alive();
    if selection == Selection::Deregistered && !said && scenario.modem.selection != Selection::Deregistered {
        violations.push(Violation::Deregistered);
    }
    let formats = world.modem_formats();
    let ended_well = world.scanner_is_alive() && world.report().outcome == Some(Outcome::Complete);
    // Nothing else tells a modem's name format than an operator's name.
    let known = scenario.modem.registered.is_some();
    // The rest of the budget is for giving the service back.
    let limit = scenario.policy.budget.saturating_sub(scenario.policy.reserve());
    let had_time = away(world).is_some_and(|(from, to)| to.saturating_since(from) < limit);
    if ended_well && known && had_time && modem_answers(scenario) && formats != (scenario.modem.cmee, 0) {
        violations.push(Violation::SettingsLeft(formats.0, formats.1));
    }
    // A pppd without a supervisor has no guard, as the README says.
    let unguarded = machine.is_unsupervised() && !given_back;
    if machine.lease().is_some() && !unguarded && !left_to_the_lease {
        violations.push(Violation::LeaseHeld);
    }
    if world.scanner_is_alive() && machine.lock_owner() == Some(machine.client()) {
        violations.push(Violation::LockHeld);
    }
}

fn guard_is_killed(scenario: &Scenario) -> bool {
    scenario.faults.iter().any(|timed| timed.fault == Fault::GuardKilled)
}

/// Whether no client except the scan requested anything but up.
fn up_is_due(scenario: &Scenario) -> bool {
    let found_down = matches!(&scenario.machine.supervision, Supervision::Runsv(runsv) if runsv.down);
    let asked_down = scenario.faults.iter().any(|timed| {
        matches!(timed.fault, Fault::ControlByte(byte) if !matches!(byte, b'u' | b't' | b'h'))
            || matches!(timed.fault, Fault::Sv(words) if !words.contains("up") && !words.contains("restart"))
    });
    !found_down && !asked_down
}

/// Whether a process of the service holds the port at some moment of this time.
fn running_within<P: Port, S: Supervisor>(world: &mut World<P, S>, span: Duration) -> bool {
    let end = world.now() + span;
    loop {
        if world.machine().holders().iter().any(|holder| holder.origin == Origin::Service) {
            return true;
        }
        let Some(next) = world.next_event().filter(|next| *next <= end) else { return false };
        world.advance_to(next);
    }
}

/// Whether the scan is responsible if no `pppd` holds the port. It is not where `pppd` ends by itself, where a dead runsv
/// or another client's signal leaves an old `pppd` that blocks the next one, or where no process restarts an ended one.
fn running_is_due(scenario: &Scenario) -> bool {
    let execs =
        matches!(&scenario.machine.supervision, Supervision::Runsv(runsv) if runsv.run == RunScript::Execs);
    let by_others = scenario.faults.iter().any(|timed| match timed.fault {
        Fault::RunsvDies(_) => true,
        Fault::PppdSignalled(_) | Fault::Sv(_) | Fault::ControlByte(_) | Fault::ScannerKilled => !execs,
        Fault::Modem(_)
        | Fault::PortVanishes(_)
        | Fault::RunsvFreezes(_)
        | Fault::Stranger(_)
        | Fault::SecondPppd
        | Fault::StatusLost(_)
        | Fault::ClockStep(_)
        | Fault::Late { .. }
        | Fault::GuardKilled
        | Fault::Abort => false,
    });
    let supervised = !matches!(scenario.machine.supervision, Supervision::Unsupervised);
    supervised
        && up_is_due(scenario)
        && !by_others
        && !guard_is_killed(scenario)
        && scenario.machine.pppd.crashes_after_ms.is_none()
}

/// Whether the modem stays on the selected network and reports true values.
fn radio_is_steady(scenario: &Scenario) -> bool {
    !scenario.faults.iter().any(|timed| {
        matches!(
            timed.fault,
            Fault::Modem(
                ModemFault::ResetNow
                    | ModemFault::LoseRegistration
                    | ModemFault::NetworkGone(_)
                    | ModemFault::Signal { .. }
                    | ModemFault::Garbage(_)
                    | ModemFault::TruncateNextAnswer(_)
            )
        )
    })
}

/// Whether the modem answers as its profile says and before a read times out, and the port stays. An answer may be late in several
/// of its pieces.
fn modem_answers(scenario: &Scenario) -> bool {
    latest(scenario) * 4 < scenario.policy.timeouts.read.into()
        && !scenario
            .faults
            .iter()
            .any(|timed| matches!(timed.fault, Fault::Modem(_) | Fault::PortVanishes(_)))
}

fn supervisor_is_steady(scenario: &Scenario) -> bool {
    !scenario.faults.iter().any(|timed| {
        matches!(timed.fault, Fault::RunsvDies(_) | Fault::RunsvFreezes(_) | Fault::ScannerKilled)
    })
}

/// From the first request for down to the service given back, for the ended scan.
fn away<P: Port, S: Supervisor>(world: &World<P, S>) -> Option<(Instant, Instant)> {
    let told = world.told();
    let asked =
        told.iter().find(|told| matches!(told.event, Event::Moved { to: Phase::StopPppWaitSv, .. }))?;
    let back = told.iter().find(|told| told.event == Event::GivenBack)?;
    Some((asked.at, back.at))
}

/// The times in which every event may be late, and the longest delay.
fn lateness(scenario: &Scenario) -> impl Iterator<Item = (Duration, Duration)> {
    scenario.faults.iter().filter_map(|timed| {
        let Fault::Late { lasts, by_max } = timed.fault else { return None };
        Some((lasts, by_max))
    })
}

/// The time that lateness adds to a scan, at most: during lateness the scan may make no progress.
fn time_late(scenario: &Scenario) -> Duration {
    lateness(scenario).map(|(lasts, by_max)| lasts + by_max).sum()
}

/// The longest delay of an event that was put off before the last fault ended.
fn latest(scenario: &Scenario) -> Duration {
    lateness(scenario).map(|(_, by_max)| by_max).max().unwrap_or_default()
}
