//! A command times out, and its answer comes late: at whatever moment, it changes no result.
//!
//! Exhaustive over the moments: between two events of an undisturbed scan nothing is decided, so that it suffices to let the
//! answer arrive just before, at and just after each event; every [`STEP`] in between is tried too.

use super::*;
use cellscan_core::scan::Policy;
use cellscan_core::time::Span;
use cellscan_sim::modem::{AbortAnswer, ModemFault, WhileBusy};
use cellscan_sim::world::{Record, World};
use std::collections::BTreeSet;

/// The distance of two tried moments, besides those next to an event.
const STEP: Duration = Duration::from_millis(10);

/// The result of each carrier, and the chosen one: the data that a late answer could change.
#[derive(Debug, PartialEq)]
struct Results {
    outcome: Option<Outcome>,
    selected: Option<Plmn>,
    trials: Vec<(Plmn, Trial)>,
}

fn live_once(scenario: &Scenario) -> Record {
    let mut world = World::new(scenario.clone());
    world.run_scan(Duration::from_secs(1_200));
    world.record()
}

fn results(record: &Record) -> Results {
    Results {
        outcome: record.outcome,
        selected: record.report.selected,
        trials: record.carriers.iter().map(|carrier| (carrier.plmn, carrier.trial)).collect(),
    }
}

/// From the time-out of `given_up` to the end of the second command after it, `AT` not counted.
fn window(record: &Record, given_up: &str) -> (Instant, Instant) {
    let heard: Vec<_> = record
        .modem
        .iter()
        .filter_map(|log| {
            let ModemEvent::Received(line) = &log.what else { return None };
            Some((log.at, line.as_str()))
        })
        .collect();
    let at = heard.iter().position(|(_, line)| *line == given_up).expect("it was sent");
    let following: Vec<_> =
        heard[at + 1..].iter().filter(|(_, line)| *line != "AT").map(|(at, _)| *at).collect();
    (heard[at].0, *following.get(2).expect("there is more behind it"))
}

/// The moments to try, as times after the request.
fn moments(record: &Record, scenario: &Scenario, (from, to): (Instant, Instant)) -> BTreeSet<Duration> {
    let requested = Instant::ZERO + scenario.asked_after;
    let events = record.modem.iter().map(|log| log.at).chain(record.told.iter().map(|told| told.at));
    let mut moments = BTreeSet::new();
    for at in events.filter(|at| *at >= from && *at <= to) {
        let after = at.duration_since(requested);
        moments.extend([-1_i64, 0, 1].iter().filter_map(|shift| {
            Some(Duration::from_millis(u64::try_from(after.as_millis()).ok()?.checked_add_signed(*shift)?))
        }));
    }
    let mut at = from;
    while at < to {
        moments.insert(at.duration_since(requested));
        at = at + STEP;
    }
    moments
}

/// The quirks of a modem that decide the effect of a byte sent too early.
fn habits() -> impl Iterator<Item = (bool, WhileBusy)> {
    let busy = [WhileBusy::Buffer, WhileBusy::Ignore, WhileBusy::Abort(AbortAnswer::Nothing)];
    [true, false].into_iter().flat_map(move |echo| busy.map(|busy| (echo, busy)))
}

/// Runs `undisturbed` with `late` arriving at each moment after the time-out of `given_up`.
fn at_every_moment(undisturbed: &Scenario, given_up: &str, timeout: Duration, late: &[u8]) {
    let record = live_once(undisturbed);
    let expected = results(&record);
    assert_eq!(expected.outcome, Some(Outcome::Complete));
    let (sent, to) = window(&record, given_up);
    let moments = moments(&record, undisturbed, (sent + timeout, to));
    assert!(moments.len() > 100, "{} moments", moments.len());
    for moment in moments {
        let mut scenario = undisturbed.clone();
        let arrives = Fault::Modem(ModemFault::Garbage(late.to_vec()));
        scenario.faults.push(Timed { when: When::After(moment), fault: arrives });
        let record = live_once(&scenario);
        assert_eq!(
            results(&record),
            expected,
            "{} arrived {} ms after the request, echo {}, {:?}\n{}",
            late.escape_ascii(),
            moment.as_millis(),
            scenario.modem.echo,
            scenario.modem.while_busy,
            dialogue(&record)
        );
    }
}

/// The dialogue, for a failing test.
fn dialogue(record: &Record) -> String {
    let lines: Vec<_> = record.modem.iter().map(|log| format!("{} {}", log.at, log.what)).collect();
    lines.join("\n")
}

const LATE_OK: &[u8] = b"\r\nOK\r\n";
const LATE_ERROR: &[u8] = b"\r\n+CME ERROR: no network service\r\n";
const SELECT: &str = "AT+COPS=1,2,\"310260\"";

/// A selection that is never answered; the test supplies the late answer.
fn silent_selection(echo: bool, while_busy: WhileBusy) -> (Scenario, Duration) {
    let mut scenario = builtin("field");
    set_select(&mut scenario, "310260", &Select::Silent { busy_ms: 9_000 });
    scenario.modem.echo = echo;
    scenario.modem.while_busy = while_busy;
    let timeout = Duration::from_secs(20);
    scenario.policy.timeouts.register = Span::rounded_up(timeout);
    (scenario, timeout)
}

#[test]
fn a_late_ok_of_a_selection_changes_no_result() {
    for (echo, busy) in habits() {
        let (scenario, timeout) = silent_selection(echo, busy);
        at_every_moment(&scenario, SELECT, timeout, LATE_OK);
    }
}

#[test]
fn a_late_error_of_a_selection_changes_no_result() {
    for (echo, busy) in habits() {
        let (scenario, timeout) = silent_selection(echo, busy);
        at_every_moment(&scenario, SELECT, timeout, LATE_ERROR);
    }
}

/// A search that is not answered within its time-out; the second one is.
fn silent_search(echo: bool, while_busy: WhileBusy) -> (Scenario, Duration) {
    let mut scenario = builtin("field");
    scenario.modem.echo = echo;
    scenario.modem.while_busy = while_busy;
    scenario.modem.delays.search = 9_000;
    for network in &mut scenario.modem.networks {
        network.long.push_str(" Communications, Inc.");
    }
    let timeout = Duration::from_secs(12);
    scenario.policy.timeouts.search = Span::rounded_up(timeout);
    scenario.faults =
        vec![Timed::during(Phase::WaitResults, 1_000, Fault::Modem(ModemFault::DropNextAnswer))];
    (scenario, timeout)
}

/// The list of the modem, longer than the line buffer, and its `OK`.
fn late_list(networks: &[Network]) -> Vec<u8> {
    let one = |network: &Network| {
        format!(
            "({},\"{}\",\"{}\",\"{}\",{})",
            network.stat,
            network.long,
            network.short,
            network.plmn,
            network.act.unwrap_or(0)
        )
    };
    let list: Vec<_> = networks.iter().map(one).collect();
    let list = format!("\r\n+COPS: {},,(0,1,2,3,4),(0,1,2)\r\n\r\nOK\r\n", list.join(","));
    assert!(list.len() > cellscan_core::at::line::LINE_LEN_MAX);
    list.into_bytes()
}

#[test]
fn a_late_list_changes_no_result() {
    for (echo, busy) in habits() {
        let (scenario, timeout) = silent_search(echo, busy);
        at_every_moment(&scenario, "AT+COPS=?", timeout, &late_list(&scenario.modem.networks));
    }
}

#[test]
fn a_late_ok_or_error_of_a_search_changes_no_result() {
    for (echo, busy) in habits() {
        let (scenario, timeout) = silent_search(echo, busy);
        at_every_moment(&scenario, "AT+COPS=?", timeout, LATE_OK);
        at_every_moment(&scenario, "AT+COPS=?", timeout, LATE_ERROR);
    }
}

/// The dBm that a trial measured.
fn measured(carrier: &Carrier) -> Option<i16> {
    match carrier.trial {
        Trial::Registered(strength) => strength.rssi_dbm,
        Trial::Untried | Trial::Refused(_) | Trial::TimedOut | Trial::Lost => None,
    }
}

#[test]
fn each_carrier_gets_its_own_answers_where_the_log_shows_them_at_the_next() {
    for (echo, busy) in habits() {
        let mut scenario = builtin("answers-shift");
        scenario.modem.echo = echo;
        scenario.modem.while_busy = busy;
        let hasty = live(&scenario);
        assert_eq!(hasty.selected(), Some("99901"), "echo {echo}, {busy:?}");
        assert_eq!(hasty.carrier("99902").trial, Trial::Refused(Some(30)));
        for plmn in ["99903", "99904"] {
            // Slower than the time-out: its own answer, or none, and never another carrier's.
            assert_eq!(hasty.carrier(plmn).trial, Trial::TimedOut, "{plmn}, echo {echo}, {busy:?}");
        }
        scenario.policy.timeouts = Policy::DEFAULT.timeouts;
        let patient = live(&scenario);
        let dbm = ["99901", "99902", "99903", "99904"].map(|plmn| measured(patient.carrier(plmn)));
        assert_eq!(dbm, [Some(-75), None, Some(-81), Some(-87)], "echo {echo}, {busy:?}");
    }
}

#[test]
fn a_refusal_after_the_end_of_its_scan_is_not_taken_for_the_next_scans() {
    // Within the time-out of the line, and after it: a modem that is busy for longer ends the
    // second scan too, with the measurements until then.
    for after_ms in [42_000, 100_000] {
        for (echo, busy) in habits() {
            let mut scenario = builtin("late-refusal");
            scenario.modem.echo = echo;
            scenario.modem.while_busy = busy;
            scenario.modem.obeys_dtr = false;
            scenario.modem.queues_while_closed = true;
            set_select(&mut scenario, "99903", &Select::Refuse { after_ms, code: 30 });
            let mut world = World::new(scenario);
            world.run_scan(Duration::from_secs(900));
            let first = world.report().outcome;
            assert!(matches!(first, Some(Outcome::Failed(_))), "{first:?}");
            // The gateway waited 30 s; the modem, which reads nothing while it tries, is done by then or soon after.
            let pause = Duration::from_millis(after_ms).max(Duration::from_secs(30));
            world.advance_to(world.now() + pause);
            world.request(2);
            world.run_scan(Duration::from_secs(900));
            let record = world.record();
            let dbm = |plmn: &str| {
                measured(
                    record
                        .carriers
                        .iter()
                        .find(|carrier| carrier.plmn.as_str() == plmn)
                        .expect("it is listed"),
                )
            };
            let context = format!("{after_ms} ms, echo {echo}, {busy:?}\n{}", dialogue(&record));
            let complete = record.outcome == Some(Outcome::Complete);
            let silent = record.outcome == Some(Outcome::Failed(Failure::ModemSilent));
            assert!(complete || (silent && after_ms == 100_000), "{context}");
            let expected = [Some(-83), Some(-73), None, complete.then_some(-63)];
            assert_eq!(["99901", "99902", "99903", "99904"].map(dbm), expected, "{context}");
        }
    }
}
