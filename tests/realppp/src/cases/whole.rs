//! Whole scans, seen by a ping from before to after.

use std::time::{Duration, Instant};

use cellscan_sim::modem::Selection;

use crate::case::Case;
use crate::modem::{AT_PORT, BEST, PORT};
use crate::ping::{INTERVAL, Outage};
use crate::rig::{BY_ID, Gateway, Program, Setup, route, seconds};

/// By this much, and by the interval of the ping at either end, ping and report may differ: the scan looks for the link a few times a
/// second. Ping may also see less by as long as `pppd` took to end: it takes the link away some time after it was asked to.
const DIFFERENCE: Duration = Duration::from_millis(400);

pub(super) fn one_port(case: &mut Case) {
    let gateway = Setup::new().start();
    let scan = gateway.scan(&[]);
    is_as_ping_sees(case, "a scan", &gateway, scan);
}

pub(super) fn two_ports(case: &mut Case) {
    let gateway = Setup::new().two_ports().start();
    let scan = gateway.scan(&[]);
    is_as_ping_sees(case, "a scan", &gateway, scan);
}

/// A second scan begins on the carrier that wins: address and route are those of before.
pub(super) fn again(case: &mut Case) {
    let gateway = Setup::new().two_ports().start();
    let scan = gateway.scan(&[]);
    is_as_ping_sees(case, "the first scan", &gateway, scan);
    let service = ["--service", gateway.service.directory()];
    for (name, ports) in [
        ("a scan by the stable name", vec!["--port", AT_PORT, "--ppp-port", BY_ID]),
        ("a scan that finds the port of pppd itself", vec!["--port", AT_PORT]),
        ("a scan on the port of pppd", vec!["--port", PORT]),
    ] {
        let before = route();
        let scan = Program::start(&[&["scan", "--json"], ports.as_slice(), &service].concat());
        is_as_ping_sees(case, name, &gateway, scan);
        let after = route();
        case.holds(
            &format!("{name} leaves address and route"),
            before == after,
            format!("{before:?}, then {after:?}"),
        );
    }
}

fn is_as_ping_sees(case: &mut Case, name: &str, gateway: &Gateway, mut scan: Program) {
    scan.wait(case, name);
    is_complete(case, name, gateway, &scan);
    // The outage ends with the next answer.
    gateway.must_answer(Instant::now(), name);
    let outages = gateway.ping.outages(scan.began);
    let (reported, down) = (seconds(&scan.report(), "outage_s"), seconds(&scan.report(), "down_s"));
    let seen = outages.first().map(Outage::lasted).unwrap_or_default();
    let most = reported + 2 * INTERVAL + DIFFERENCE;
    let least = reported.saturating_sub(down + 2 * INTERVAL + DIFFERENCE);
    case.holds(
        &format!("{name} reports the outage that ping sees"),
        outages.len() == 1 && (least..=most).contains(&seen),
        format!("by ping {seen:.1?}, reported {reported:.1?}, pppd ended after {down:.1?}"),
    );
}

/// The scan has ended well, and nothing of it is left.
pub(super) fn is_complete(case: &mut Case, name: &str, gateway: &Gateway, scan: &Program) {
    let report = scan.report();
    let complete = scan.code() == Some(0) && report["outcome"] == "complete" && report["link"] == true;
    case.holds(&format!("{name} is complete"), complete && report["selected"] == BEST, scan.summary());
    gateway.must_answer(scan.ended.checked_sub(Duration::from_secs(1)).unwrap_or(scan.ended), name);
    let wrong = gateway.not_well();
    case.holds(&format!("{name} leaves the service up and nothing else"), wrong.is_empty(), wrong.join("; "));
    is_on_best(case, name, gateway);
}

/// The modem is told to stay on the best carrier.
pub(super) fn is_on_best(case: &mut Case, name: &str, gateway: &Gateway) {
    let at = gateway.modem.at();
    let on_best = at.selection == Selection::Manual && at.registered.as_deref() == Some(BEST);
    case.holds(&format!("{name} leaves the modem on the best carrier"), on_best, format!("{at:?}"));
}
