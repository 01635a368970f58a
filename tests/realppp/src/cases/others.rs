//! SIGKILL to what a scan works with: `pppd`, and `runsv` under `runsvdir`.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use cellscan_tests::support::Want;
use cellscan_tests::support::processes::{holders, signal};
use cellscan_tests::support::wait::look_for;
use rustix::process::Signal;

use super::whole::is_complete;
use crate::case::Case;
use crate::modem::PORT;
use crate::rig::{SOON, Setup, left_behind, pppds, processes_named};

/// Instants after the service was given back: `pppd` is not there yet, sleeps before its chat, connects, is up.
const INTO_GIVING_BACK: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(1_500), Duration::from_millis(2_200)];

pub(super) fn pppd(case: &mut Case) {
    let gateway = Setup::new().runsvdir().start();
    for after in INTO_GIVING_BACK {
        let name = format!("pppd killed {after:?} after it was given back");
        let mut scan = gateway.scan(&[]);
        scan.comes_to("10");
        // The sleep sets the instant of the kill; it waits for no condition.
        thread::sleep(after);
        let killed = pppds().into_iter().filter(|pid| signal(*pid, Signal::KILL)).count();
        scan.wait(case, &name);
        case.figure(format!("{name}: {killed} killed"));
        gateway.must_answer(Instant::now(), &name);
        is_complete(case, &name, &gateway, &scan);
    }
    let name = "pppd killed as the scan begins";
    let mut scan = gateway.scan(&[]);
    scan.comes_to("1");
    let killed = pppds().into_iter().filter(|pid| signal(*pid, Signal::KILL)).count();
    case.figure(format!("{name}: {killed} killed"));
    scan.wait(case, name);
    is_complete(case, name, &gateway, &scan);
}

pub(super) fn runsv(case: &mut Case) {
    let gateway = Setup::new().runsvdir().start();
    for state in ["1", "3", "5", "8", "9b", "10", "10b"] {
        let name = format!("runsv killed in state {state}");
        let mut scan = gateway.scan(&[]);
        let met = scan.comes_to(state);
        let killed = processes_named("runsv").into_iter().filter(|pid| signal(*pid, Signal::KILL)).count();
        case.holds(&format!("{name}: it was"), met && killed == 1, killed);
        scan.wait(case, &name);
        case.holds(&format!("{name}: the scan ends well"), scan.code() == Some(0), scan.summary());
        // runsvdir looks each five seconds. A pppd that the dead runsv had started keeps the link, and that of its successor finds the
        // port locked, each second anew.
        let is_back = || {
            let wanted = gateway.service.status().is_some_and(|status| status.want == Want::Up);
            wanted && processes_named("runsv").len() == 1 && holders(Path::new(PORT)).len() == 1
        };
        let back = look_for(SOON, || is_back().then_some(()));
        case.holds(
            &format!("{name}: it is back, wants pppd up, and one has the port"),
            back.is_some(),
            gateway.brief(),
        );
        let left = left_behind();
        case.holds(&format!("{name}: nothing is left"), left.is_empty(), left.join("; "));
        gateway.must_answer(Instant::now(), &name);
    }
}
