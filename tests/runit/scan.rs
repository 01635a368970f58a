//! A successful scan, and obstacles to it.

use cellscan_sim::modem::ModemEvent;
use cellscan_sim::pty::PtyModem;
use cellscan_tests::support::{Bench, RunScript, StandIn, Workbench, processes, wait_until};

use super::by_hand::ByHand;
use super::running::{Running, on_bench, quick_modem, scan, text};
use super::{SCAN, SOON};

fn workbench() -> Workbench {
    Workbench::new().modem(quick_modem()).pppd(StandIn {
        lock: true,
        dies_after_ms: 150,
        ..StandIn::default()
    })
}

fn up(bench: Bench) -> Bench {
    let _pppd = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    bench
}

/// When the modem received the first command, on the clock of `pppd`'s own log.
fn first_byte_ms(bench: &Bench) -> u64 {
    let log = bench.modem().log();
    let first = log.iter().find(|entry| matches!(entry.what, ModemEvent::Received(_))).expect("it was asked");
    bench.modem().monotonic_ms(first.at)
}

fn starts(bench: &Bench) -> usize {
    bench.events().iter().filter(|event| event.what == "start").count()
}

#[test]
fn a_scan_takes_the_service_down_once_and_up_once_and_never_shares_the_port() {
    let bench = up(workbench().start());
    let before = bench.status().pid;
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    assert!(bench.status().is_held_down() && !processes::is_alive(before));
    let ended = scan.end();
    ended.must_be_complete(&bench);
    let after = bench.wait_for_holder(SOON, Some(before));
    bench.wait_until(SOON, "the record names the new pppd", || {
        bench.status().is_up() && bench.status().pid == after
    });
    assert_eq!(starts(&bench), 2, "{}", bench.story());

    let events = bench.events();
    let at = |what: &str| events.iter().find(|event| event.what == what).expect("it happened").at_ms;
    let (term, exit) = (at("term"), at("exit"));
    assert!(first_byte_ms(&bench) >= exit, "not a byte before its process was gone: {}", bench.story());
    let free_ms = ended.json["port_free_s"].as_f64().expect("a number") * 1_000.0;
    let own_ms = exit - term;
    println!("pppd took {own_ms} ms to end; the port was free {free_ms:.0} ms after down was asked");
    assert!(free_ms >= 150.0, "it takes that long");

    let trial = ["5", "6", "7"];
    let expected = ["1", "1b", "2", "2b", "3", "4", "7"];
    let states = ended.states();
    assert_eq!(states[..7], expected, "{states:?}");
    assert_eq!(states[7..10], trial, "{states:?}");
    assert_eq!(states[states.len() - 6..], ["8", "9", "9b", "10", "10b", "11"], "{states:?}");
}

#[test]
fn sv_status_before_during_and_after_a_scan_is_as_in_the_field() {
    let bench = up(workbench().start());
    assert!(text(&bench.sv(&["status"])).starts_with("run: "), "{}", bench.story());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    let during = bench.sv(&["status"]);
    assert!(
        text(&during).starts_with("down: ") && text(&during).contains("normally up"),
        "{}",
        text(&during)
    );
    scan.end().must_be_complete(&bench);
    bench.wait_until(SOON, "run", || text(&bench.sv(&["status"])).starts_with("run: "));
}

#[test]
fn an_up_by_a_second_client_during_the_scan_is_noticed_and_the_scan_goes_on() {
    let mut modem = quick_modem();
    modem.delays.search = 2_500;
    let bench = up(workbench().modem(modem).start());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    assert!(bench.sv(&["up"]).status.success());
    let ended = scan.end();
    ended.must_be_complete(&bench);
    assert!(ended.json["interruptions"].as_u64() >= Some(1), "{:#?}", ended.lines);
    bench.wait_until(SOON, "up", || bench.status().is_up());
}

#[test]
fn a_scan_works_with_a_run_script_that_does_not_exec() {
    let bench = workbench().run(RunScript::Shell).start();
    let before = bench.wait_for_holder(SOON, None);
    let scan = Running::start(scan(&bench));
    let ended = scan.end();
    ended.must_be_complete(&bench);
    assert!(!processes::is_alive(before), "the pppd behind the shell was ended");
    let _next = bench.wait_for_holder(SOON, Some(before));
    assert!(
        first_byte_ms(&bench)
            >= bench.events().iter().find(|event| event.what == "exit").expect("it ended").at_ms
    );
}

#[test]
fn a_chat_that_keeps_the_tty_is_ended_before_the_first_byte() {
    let pppd = StandIn { child_holds_ms: Some(60_000), ..StandIn::default() };
    let bench = workbench().pppd(pppd).start();
    bench.wait_until(SOON, "pppd and its child hold the port", || bench.holders().len() == 2);
    Running::start(scan(&bench)).end().must_be_complete(&bench);
}

#[test]
fn a_modem_with_two_ports_is_asked_on_one_while_pppd_uses_the_other() {
    let bench = up(workbench().start());
    let at = PtyModem::spawn(quick_modem(), 7, None).expect("a second port");
    let mut command = bench.cellscan();
    command.arg("scan").arg("--service").arg(bench.service());
    command.arg("--port").arg(at.path()).arg("--ppp-port").arg(bench.port()).args(["--link", "none"]);
    let ended = Running::start(on_bench(command, &bench)).end();
    ended.must_be_complete(&bench);
    let asked =
        at.log().iter().any(|entry| matches!(&entry.what, ModemEvent::Received(line) if line == "AT+COPS=?"));
    assert!(asked);
    let ours = bench.modem().log();
    assert!(
        !ours.iter().any(|entry| matches!(entry.what, ModemEvent::Received(_))),
        "not a byte on the other"
    );
    bench.wait_until(SOON, "started once more", || starts(&bench) == 2);
}

#[test]
fn a_scan_works_without_sv_on_the_path() {
    let bench = up(workbench().start());
    let mut command = scan(&bench);
    command.env("PATH", bench.root().join("nothing-here"));
    Running::start(command).end().must_be_complete(&bench);
}

#[test]
fn a_scan_works_with_the_sv_backend() {
    let bench = up(workbench().start());
    let mut command = scan(&bench);
    command.args(["--backend", "sv"]);
    Running::start(command).end().must_be_complete(&bench);
    bench.wait_until(SOON, "up", || bench.status().is_up());
}

#[test]
fn without_runit_the_pppd_on_the_port_is_ended_and_started_again() {
    let by_hand = ByHand::start(workbench());
    let (bench, first) = (&by_hand.bench, by_hand.first);
    Running::start(by_hand.scan()).end().must_be_complete(bench);
    by_hand.must_be_started_again(first);
}

#[test]
fn a_port_that_vanishes_during_the_scan_is_reopened_by_its_stable_name() {
    let mut modem = quick_modem();
    modem.delays.search = 2_000;
    let bench = up(workbench().modem(modem).start());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    bench.modem().vanish().expect("it vanishes");
    wait_until(SOON, "it was noticed", || scan.lines().iter().any(|line| line.contains("went away")));
    bench.modem().reappear().expect("it comes back");
    let ended = scan.end();
    ended.must_be_complete(&bench);
    assert_eq!(ended.json["reopens"], 1, "{:#?}", ended.lines);
}

#[test]
fn a_second_scan_at_the_same_time_changes_nothing() {
    let mut modem = quick_modem();
    modem.delays.search = 3_000;
    let bench = up(workbench().modem(modem).start());
    let first = Running::start(scan(&bench));
    first.wait_for_state(&bench, "3");
    let second = Running::start(scan(&bench)).end();
    assert_eq!(second.code, Some(111), "{:#?}", second.lines);
    assert!(second.lines.iter().any(|line| line.contains("is scanning already")), "{:#?}", second.lines);
    first.end().must_be_complete(&bench);
    bench.wait_until(SCAN, "up", || bench.status().is_up());
}

#[test]
fn a_stranger_that_opens_the_port_during_the_scan_is_waited_for_and_not_touched() {
    let mut modem = quick_modem();
    modem.delays.search = 2_500;
    let bench = up(workbench().modem(modem).start());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    let port = std::fs::File::open(bench.port()).expect("root may open what is exclusive");
    let mut stranger = std::process::Command::new("sleep").arg("1").stdin(port).spawn().expect("sleep");
    let ended = scan.end();
    ended.must_be_complete(&bench);
    assert!(ended.json["interruptions"].as_u64() >= Some(1), "{:#?}", ended.lines);
    assert_eq!(stranger.wait().expect("it ends by itself").code(), Some(0));
}
