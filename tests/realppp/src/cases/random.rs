//! Scans in a row, half of them killed at a random instant.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use cellscan_sim::prng::Prng;
use rustix::process::Signal;

use super::kills::link_is_back;
use crate::case::Case;
use crate::init::{SCANS, SEED};
use crate::rig::Setup;

/// Somewhat longer than a scan takes.
const SCAN_MS: u64 = 18_000;

pub(super) fn kills(case: &mut Case) {
    let number =
        |name: &str, otherwise: u64| env::var(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let (scans, seed) = (number(SCANS, 100), number(SEED, 1));
    case.figure(format!("{SCANS}={scans} {SEED}={seed}"));
    let mut dice = Prng::new(seed);
    let gateway = Setup::new().runsvdir().start();
    let (mut killed, mut whole) = (Duration::ZERO, Duration::ZERO);
    let mut kills = 0;
    for turn in 1..=scans {
        let before = gateway.modem.at();
        let instant = Duration::from_millis(dice.below(SCAN_MS));
        let kill = dice.chance(500) || turn == 1;
        let mut scan = gateway.scan(&[]);
        if kill {
            // The sleep sets the instant of the kill; it waits for no condition.
            thread::sleep(instant);
        }
        let state = scan.state();
        let met = kill && scan.signal(Signal::KILL);
        let died = Instant::now();
        scan.wait(case, &format!("turn {turn}"));
        let (name, since) = if met {
            (format!("turn {turn}, killed after {instant:.1?} in state {state},"), died)
        } else {
            case.holds(&format!("turn {turn} ends well"), scan.code() == Some(0), scan.summary());
            // The link is up at the end of a scan: the first ping after it counts.
            (format!("turn {turn}"), scan.ended)
        };
        let back = link_is_back(case, &name, &gateway, since, &before);
        kills += u32::from(met);
        if met { killed = killed.max(back) } else { whole = whole.max(back) }
    }
    case.figure(format!(
        "{scans} scans, {kills} killed: the link was back after {killed:.1?} at the latest, {whole:.1?} after a whole scan"
    ));
}
