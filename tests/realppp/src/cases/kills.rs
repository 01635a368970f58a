//! SIGKILL to a scan, to its guard, and to both.

use std::thread;
use std::time::{Duration, Instant};

use cellscan_sim::modem::Selection;
use cellscan_tests::support::processes::signal;
use rustix::process::Signal;

use super::whole::is_complete;
use crate::case::Case;
use crate::modem::{At, BEST};
use crate::rig::{Gateway, Program, SOON, Setup};

/// From the death of a scan to an answered ping, at most: the guard registers the modem and asks for up, `runsv` sleeps for a second,
/// `pppd` connects; a `pppd` that locks its port meets the guard's lock for up to twenty seconds, and `runsv` starts it again.
pub(super) const BACK_WITHIN: Duration = Duration::from_secs(30);

/// A link that comes late is a finding, one that does not come is the end of the case.
const _: () = assert!(BACK_WITHIN.as_secs() < SOON.as_secs());

/// A scan here takes sixteen seconds and more.
pub(super) fn scan_briefly(case: &mut Case) {
    killed_after(case, &[600, 6_000, 12_000]);
}

pub(super) fn scan(case: &mut Case) {
    killed_after(
        case,
        &[
            100, 300, 600, 900, 1_300, 2_000, 3_000, 4_500, 6_000, 7_000, 8_000, 9_000, 10_000, 11_000,
            12_000, 13_000, 14_000,
        ],
    );
}

fn killed_after(case: &mut Case, instants_ms: &[u64]) {
    let gateway = Setup::new().runsvdir().start();
    let mut longest = (Duration::ZERO, String::new());
    for instant in instants_ms {
        let before = gateway.modem.at();
        let mut scan = gateway.scan(&[]);
        // The sleep sets the instant of the kill; it waits for no condition.
        thread::sleep(Duration::from_millis(*instant).saturating_sub(scan.began.elapsed()));
        let state = scan.state();
        let met = scan.signal(Signal::KILL);
        let died = Instant::now();
        let name = format!("a scan killed after {instant} ms, in state {state},");
        case.holds(&format!("{name} was running"), met, "");
        scan.wait(case, &name);
        let back = link_is_back(case, &name, &gateway, died, &before);
        longest = longest.max((back, state));
    }
    case.figure(format!(
        "the link was back after {:.1?} at the latest, killed in state {}",
        longest.0, longest.1
    ));
}

/// The link answers in time, nothing is left, and the modem is set as before the scan, or as the scan has set it for good.
pub(super) fn link_is_back(
    case: &mut Case,
    name: &str,
    gateway: &Gateway,
    since: Instant,
    before: &At,
) -> Duration {
    // What was on its way when the scan died may still be answered.
    let answered = gateway.must_answer(since + Duration::from_millis(500), name);
    let back = answered - since;
    let wrong = gateway.not_well();
    // A link that had not gone down yet may still go.
    let answered = gateway.must_answer(Instant::now(), name);
    let after = gateway.modem.at();
    let selected = after.selection == Selection::Manual && after.registered.as_deref() == Some(BEST);
    case.holds(
        &format!("{name} leaves a link"),
        back <= BACK_WITHIN && wrong.is_empty(),
        format!("back after {back:.1?}, {:.1?} at the latest; {}", answered - since, wrong.join("; ")),
    );
    case.holds(
        &format!("{name} leaves the modem registered, set as before or on the best"),
        after.registered.is_some() && (after.selection == before.selection || selected),
        format!("{after:?}, before {before:?}"),
    );
    back
}

pub(super) fn guard(case: &mut Case) {
    let gateway = Setup::new().runsvdir().start();
    let mut scan = gateway.scan(&[]);
    scan.comes_to("3");
    let killed = Program::guards().into_iter().filter(|guard| signal(*guard, Signal::KILL)).count();
    case.holds("the guard was killed in the search", killed == 1, killed);
    scan.wait(case, "without a guard");
    is_complete(case, "a scan without a guard", &gateway, &scan);
}

pub(super) fn both_briefly(case: &mut Case) {
    both_killed_in(case, &["5"]);
}

pub(super) fn both(case: &mut Case) {
    both_killed_in(case, &["1", "2b", "3", "5", "6", "9", "9b"]);
}

fn both_killed_in(case: &mut Case, states: &[&str]) {
    let gateway = Setup::new().runsvdir().start();
    for state in states {
        let before = gateway.modem.at();
        let name = format!("guard and scan killed in state {state}");
        let mut scan = gateway.scan(&[]);
        let met = scan.comes_to(state);
        let guards = scan.kill_with_guards();
        scan.wait(case, &name);
        case.holds(&format!("{name}: both were running"), met && guards == 1, format!("guards {guards}"));
        let mut restore = Program::start(&["restore", "--json"]);
        let began = Instant::now();
        restore.wait(case, &format!("{name}, restore"));
        case.holds(&format!("{name}: restore ends well"), restore.code() == Some(0), restore.last_words());
        link_is_back(case, &name, &gateway, began, &before);
    }
}
