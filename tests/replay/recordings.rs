//! A recording, replayed, is the same scan: through the same machine, bit for bit.

use cellscan::commands::simulated::world;
use cellscan::recording::recorder::Header;
use cellscan::recording::words;
use cellscan::replay::analysis::Analysis;
use cellscan::replay::rerun::Recording;
use cellscan::replay::turns::Shown;
use cellscan_core::scan::{Event, Outcome};
use cellscan_core::time::Instant;
use cellscan_sim::check::SCAN_TIME_MAX;
use cellscan_sim::modem::Select;
use cellscan_sim::scenario::{BUILTIN, Fault, Scenario};

use super::kept::Kept;

/// Worlds drawn from seeds, here; `CELLSCAN_RECORDINGS` asks for more.
const SEEDS: u64 = 400;

/// A world, lived through and recorded: what the scan told with times from the request, and the recording.
fn recorded(scenario: Scenario) -> (Vec<(u64, String)>, Vec<u8>) {
    let origin = Instant::ZERO + scenario.asked_after;
    let kept = Kept::default();
    let (mut world, tape) = world::world(scenario, Some(Box::new(kept.clone())), Header::default())
        .expect("memory can be written");
    world.run_scan(SCAN_TIME_MAX);
    let failed = tape.expect("it is recorded").borrow_mut().finish();
    assert!(failed.is_none(), "{failed:?}");
    let since =
        |at: Instant| u64::try_from(at.duration_since(origin).as_millis()).expect("no scan lasts so long");
    let told = world.told().iter().map(|told| (since(told.at), words::event(&told.event))).collect();
    let recording = kept.0.borrow().clone();
    (told, recording)
}

/// Replays a recording of `name` and compares it with what was told.
#[track_caller]
fn must_be_the_same(name: &str, scenario: Scenario) {
    let (told, log) = recorded(scenario);
    let text = || String::from_utf8_lossy(&log).into_owned();
    let recording = Recording::read(log.as_slice()).expect("bytes in memory can be read");
    assert_eq!(recording.malformed, [0_u64; 0], "{name}\n{}", text());
    let replayed = recording.replay();
    assert!(replayed.difference.is_none(), "{name}: {}\n{}", replayed.difference.expect("see above"), text());
    assert_eq!(replayed.told, told, "{name}\n{}", text());
    assert_eq!(replayed.compared, told.len(), "{name}: every event was compared");
}

/// A recording in virtual time says that each deadline was met exactly. On a machine that is late none is.
fn is_punctual(scenario: &Scenario) -> bool {
    !scenario.faults.iter().any(|timed| matches!(timed.fault, Fault::Late { .. }))
}

#[test]
fn every_built_in_world_is_replayed_bit_for_bit() {
    for builtin in BUILTIN.iter().filter(|builtin| is_punctual(&builtin.scenario())) {
        must_be_the_same(builtin.name, builtin.scenario());
    }
}

#[test]
fn worlds_drawn_from_seeds_are_replayed_bit_for_bit() {
    let seeds =
        std::env::var("CELLSCAN_RECORDINGS").ok().and_then(|count| count.parse().ok()).unwrap_or(SEEDS);
    for seed in 0..seeds {
        let scenario = Scenario::from_seed(seed);
        if is_punctual(&scenario) {
            must_be_the_same(&format!("seed {seed}"), scenario);
        }
    }
}

/// A modem that changes carriers within 1.5 s: no field log has one, and a simulated or a new one may be.
#[test]
fn what_a_quick_modem_did_would_have_been_done_again() {
    let mut scenario = Scenario::default();
    for network in &mut scenario.modem.networks {
        network.registration_ms = 40;
        if !matches!(network.select, Select::Refuse { .. }) {
            network.select = Select::Accept { after_ms: 120 };
        }
    }
    let (told, log) = recorded(scenario);
    assert!(told.iter().any(|(_, words)| words == "selected 310410"), "{told:?}");
    let analysis = Analysis::read(log.as_slice(), None, Shown::Redacted, &mut |_| ())
        .expect("bytes in memory can be read");
    for what_if in analysis.what_if(0) {
        let run = what_if.run.expect("the record shows enough");
        assert_eq!(
            run.report.outcome,
            Some(Outcome::Complete),
            "{:?}: {:?}",
            what_if.alternative,
            run.report
        );
    }
}

#[test]
fn another_answer_is_another_scan() {
    let (told, log) = recorded(Scenario::default());
    let selected = told.iter().find(|(_, words)| words.starts_with("selected ")).expect("one was chosen");
    assert_eq!(selected.1, "selected 310410");
    // The strongest carrier is weak now: it must not be chosen again.
    let text = String::from_utf8(log).expect("a recording is ASCII");
    let text = text.replace("+CSQ: 25,", "+CSQ: 05,").replace(",20,50\\r", ",20,10\\r");
    let replayed = Recording::read(text.as_bytes()).expect("bytes in memory can be read").replay();
    let difference = replayed.difference.expect("it is not the same scan");
    assert!(
        difference.now.contains("AT+COPS=1,2,\"311480\"") || difference.now.contains("311480"),
        "{difference}"
    );
}

#[test]
fn a_recording_cut_off_anywhere_is_replayed_as_far_as_it_goes() {
    let (told, log) = recorded(Scenario::default());
    for cut in (0..log.len()).step_by(97) {
        let recording = Recording::read(&log[..cut]).expect("bytes in memory can be read");
        assert!(recording.malformed.len() <= 1, "only the last line is cut: {:?}", recording.malformed);
        let replayed = recording.replay();
        let same = replayed.told.iter().zip(&told).take_while(|(now, then)| now == then).count();
        assert!(same >= replayed.compared, "cut at {cut}: {:?}", replayed.difference);
    }
}

#[test]
fn what_is_told_last_is_how_the_scan_ended() {
    let (told, log) = recorded(Scenario::default());
    assert_eq!(told.last().map(|(_, words)| words.as_str()), Some("state 0 idle"));
    assert!(!Event::GivenBack.eq(&Event::ForeignDown), "events can be told apart");
    let text = String::from_utf8(log).expect("a recording is ASCII");
    for line in text.lines() {
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
    }
    for mark in ["# policy: strategy=full budget=300000", "sv ask down ok", "> AT+COPS=?\\r", "ppp link up"] {
        assert!(text.contains(mark), "{mark}\n{text}");
    }
}
