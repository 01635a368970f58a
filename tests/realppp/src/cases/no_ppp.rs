//! A carrier that registers, and gives no PPP.

use std::time::Instant;

use cellscan_sim::modem::Calls;

use crate::case::Case;
use crate::modem::{BEST, HOME};
use crate::rig::{Gateway, Program, Setup, left_behind};

/// A third of the usual minute: this `pppd` connects in three seconds.
const NEXT_BEST: [&str; 4] = ["--no-link", "next-best", "--link-timeout", "15s"];

pub(super) fn mute(case: &mut Case) {
    passed_over(case, Calls::Mute);
}

pub(super) fn refusing(case: &mut Case) {
    passed_over(case, Calls::Refused);
}

fn passed_over(case: &mut Case, calls: Calls) {
    let gateway = Setup::new().start();
    gateway.modem.calls(BEST, calls);
    let scan = scanned(case, &gateway, &NEXT_BEST);
    let report = scan.report();
    let on_other = scan.code() == Some(0) && report["link"] == true && report["selected"] == HOME;
    case.holds("the scan ends on the other carrier, with a link", on_other, scan.summary());
    gateway.must_answer(Instant::now(), "on the other carrier");
    let wrong = gateway.not_well();
    case.holds("it leaves the service up and nothing else", wrong.is_empty(), wrong.join("; "));
    let at = gateway.modem.at();
    case.holds(
        "the modem is on the other carrier",
        at.registered.as_deref() == Some(HOME),
        format!("{at:?}"),
    );
}

pub(super) fn warned(case: &mut Case) {
    let gateway = Setup::new().start();
    gateway.modem.calls(BEST, Calls::Mute);
    let scan = scanned(case, &gateway, &["--link-timeout", "15s"]);
    let report = scan.report();
    let told = scan.code() == Some(0) && report["link"] == false && report["selected"] == BEST;
    case.holds("the scan says that there is no link", told && report["given_back"] == true, scan.summary());
    let left = left_behind();
    case.holds("it leaves nothing", left.is_empty(), left.join("; "));
    gateway.modem.calls(BEST, Calls::Ppp);
    gateway.modem.hang_up();
    gateway.must_answer(Instant::now(), "once the carrier speaks PPP");
}

pub(super) fn nowhere(case: &mut Case) {
    let gateway = Setup::new().start();
    gateway.modem.all_calls(Calls::Mute);
    let scan = scanned(case, &gateway, &NEXT_BEST);
    let report = scan.report();
    let ends = matches!(scan.code(), Some(0 | 1)) && report["given_back"] == true && report["link"] == false;
    case.holds("the scan ends and gives the service back", ends, scan.summary());
    let left = left_behind();
    case.holds("it leaves nothing", left.is_empty(), left.join("; "));
    gateway.modem.all_calls(Calls::Ppp);
    gateway.modem.hang_up();
    gateway.must_answer(Instant::now(), "once a carrier speaks PPP");
}

fn scanned(case: &mut Case, gateway: &Gateway, more: &[&str]) -> Program {
    let mut scan = gateway.scan(more);
    scan.wait(case, "scan");
    scan
}
