//! The rules of the choice: whose signal is reported, and which carrier is the best.

use cellscan_core::carrier::{Carrier, Trial};
use cellscan_core::port::Port;
use cellscan_core::scan::policy::NoLink;
use cellscan_core::scan::{Event, Outcome, Strategy};
use cellscan_core::supervisor::Supervisor;
use cellscan_core::time::Span;

use crate::modem::{Network, Select, in_dbm};
use crate::scenario::Scenario;
use crate::world::World;

use super::{Violation, away, modem_answers, radio_is_steady};

/// With less than 25 s left of the budget a scan begins nothing new, since the last registration may take that; a second reading takes
/// up to 7 s more (`Policy::confirm`, and `+CSQ`).
const LAST_READING: Span = Span::from_secs(32);

/// The rules that a steady radio allows to check.
pub(super) fn check<P: Port, S: Supervisor>(
    world: &World<P, S>,
    scenario: &Scenario,
    violations: &mut Vec<Violation>,
) {
    if !radio_is_steady(scenario) || scenario.modem.signal_noise > 0 {
        return;
    }
    for carrier in world.scanner().carriers() {
        let mut networks = of(scenario, carrier);
        if let Trial::Refused(Some(code)) = carrier.trial
            && !networks.clone().any(|network| matches!(network.select, Select::Refuse { .. }))
        {
            let plmn = carrier.plmn.as_str().to_owned();
            violations.push(Violation::FalseRefusal { plmn, code });
        }
        let Trial::Registered(strength) = carrier.trial else { continue };
        let Some(dbm) = strength.rssi_dbm else { continue };
        let steps = |network: &Network| [network.rssi, lasting(network)];
        if !networks.any(|network| steps(network).iter().any(|steps| in_dbm(*steps) == dbm)) {
            let plmn = carrier.plmn.as_str().to_owned();
            violations.push(Violation::FalseSignal { plmn, dbm });
        }
    }
    violations.extend(worse_than_another(world, scenario));
}

/// The chosen carrier, where another that registered in its trial lasts at a level above it by more than the hysteresis. Signals in the
/// swarm fall within five seconds of the selection, or stay.
fn worse_than_another<P: Port, S: Supervisor>(world: &World<P, S>, scenario: &Scenario) -> Option<Violation> {
    let report = world.report();
    let policy = &scenario.policy;
    let limit = policy.budget.saturating_sub(policy.reserve()).saturating_sub(LAST_READING);
    let had_time = away(world).is_some_and(|(from, to)| to.saturating_since(from) < limit);
    let is_whole = report.outcome == Some(Outcome::Complete)
        && policy.strategy == Strategy::Full
        && policy.no_link == NoLink::Warn
        && report.interruptions == 0
        && report.reopens == 0
        && had_time
        && world.scanner_is_alive()
        && modem_answers(scenario);
    let chosen = report.selected.filter(|_| is_whole)?;
    // One that the modem could not stay on was left for another.
    if world.told().iter().any(|told| matches!(told.event, Event::Lost(_))) {
        return None;
    }
    let level = |carrier: &Carrier| of(scenario, carrier).map(lasting).max().map(in_dbm);
    let carriers = world.scanner().carriers();
    let own = carriers.iter().find(|carrier| carrier.plmn == chosen).and_then(level)?;
    let known =
        |carrier: &&Carrier| matches!(carrier.trial, Trial::Registered(strength) if strength.is_known());
    let best =
        carriers.iter().filter(known).filter_map(|carrier| Some((level(carrier)?, carrier.plmn))).max()?;
    (best.0 > own.saturating_add(policy.ranking.hysteresis_db)).then(|| Violation::WorseThanAnother {
        selected: chosen.as_str().to_owned(),
        dbm: own,
        best: best.1.as_str().to_owned(),
        best_dbm: best.0,
    })
}

fn of<'a>(scenario: &'a Scenario, carrier: &Carrier) -> impl Iterator<Item = &'a Network> + Clone {
    let plmn = carrier.plmn;
    scenario.modem.networks.iter().filter(move |network| network.plmn == plmn.as_str())
}

/// The `<rssi>` that lasts.
fn lasting(network: &Network) -> u8 {
    network.later.map_or(network.rssi, |(_, rssi)| rssi)
}
