//! Failures of the field, each as a world of its own in which cellscan's machine must not fail.
//!
//! The numbers F1 … F24 are those of the list in the scan's design: each is a line of a real log. F14 (torn logs) concerns
//! importing and is tested there.

#![expect(clippy::expect_used, reason = "a scenario that cannot be set up fails loudly")]

mod late;
mod modem;
mod service;
mod unlock;

use std::time::Duration;

use cellscan_core::carrier::{Carrier, Plmn, Trial};
use cellscan_core::scan::{Event, Failure, Outcome, Phase};
use cellscan_core::time::Instant;
use cellscan_sim::check::{Examination, examine};
use cellscan_sim::modem::{ModemEvent, Network, Select};
use cellscan_sim::scenario::{Builtin, Fault, Scenario, Timed, When};
use cellscan_sim::trace::{Actor, Origin, TraceEvent};

/// Runs a world in which no rule may be violated.
#[track_caller]
fn live(scenario: &Scenario) -> Examination {
    let examination = examine(scenario);
    assert_eq!(examination.violations, [], "{:#?}", examination.record.told);
    examination
}

fn builtin(name: &str) -> Scenario {
    Builtin::find(name).expect("it is built in").scenario()
}

trait Seen {
    fn outcome(&self) -> Outcome;
    fn selected(&self) -> Option<&str>;
    fn carrier(&self, plmn: &str) -> &Carrier;
    fn tried(&self) -> Vec<String>;
    fn commands(&self) -> Vec<(Instant, String)>;
    fn at(&self, wanted: impl Fn(&Event) -> bool) -> Option<Instant>;
    fn gateway(&self, wanted: impl Fn(&TraceEvent) -> bool) -> Vec<Instant>;
}

impl Seen for Examination {
    fn outcome(&self) -> Outcome {
        self.record.outcome.expect("the scan has ended")
    }

    fn selected(&self) -> Option<&str> {
        self.record.report.selected.as_ref().map(Plmn::as_str)
    }

    #[track_caller]
    fn carrier(&self, plmn: &str) -> &Carrier {
        self.record.carriers.iter().find(|carrier| carrier.plmn.as_str() == plmn).expect("it is listed")
    }

    /// The carriers tried, in order.
    fn tried(&self) -> Vec<String> {
        let begun = self.record.told.iter().filter_map(|told| {
            let Event::TrialBegins(plmn) = told.event else { return None };
            Some(plmn.as_str().to_owned())
        });
        begun.collect()
    }

    /// The commands to the modem, with their times.
    fn commands(&self) -> Vec<(Instant, String)> {
        let heard = self.record.modem.iter().filter_map(|log| {
            let ModemEvent::Received(line) = &log.what else { return None };
            Some((log.at, line.clone()))
        });
        heard.collect()
    }

    /// The time of the scan's first event of a kind.
    fn at(&self, wanted: impl Fn(&Event) -> bool) -> Option<Instant> {
        self.record.told.iter().find(|told| wanted(&told.event)).map(|told| told.at)
    }

    /// The times of an event on the gateway.
    fn gateway(&self, wanted: impl Fn(&TraceEvent) -> bool) -> Vec<Instant> {
        self.record.machine.iter().filter(|traced| wanted(&traced.event)).map(|traced| traced.at).collect()
    }
}

fn enters(phase: Phase) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Moved { to, .. } if *to == phase)
}

fn set_select(scenario: &mut Scenario, plmn: &str, select: &Select) {
    for network in scenario.modem.networks.iter_mut().filter(|network| network.plmn == plmn) {
        network.select = select.clone();
    }
}
