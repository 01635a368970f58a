//! The guard beside its scan: the service after the death of the guard, and after a scan that ended without having seen the service
//! given back.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use cellscan_custody::guard::PROTOCOL;
use cellscan_sim::modem::ModemEvent;
use cellscan_tests::support::{Bench, StandIn, Want, Workbench, leases, processes, wait_until};
use rustix::process::Signal;

use super::ends::{must_be_up_again, started};
use super::lease::guard_of;
use super::running::{Running, quick_modem, scan};
use super::{SCAN, SOON};

/// The successor of this guard.
fn next_guard(bench: &Bench, scan: u32, before: u32) -> u32 {
    bench.wait_for(SCAN, "another guard", || {
        processes::children_with(scan, "guard").into_iter().find(|pid| *pid != before)
    })
}

fn kill(bench: &Bench, pid: u32) {
    assert!(processes::signal(pid, Signal::KILL));
    bench.wait_until(SOON, "it is dead", || !processes::is_alive(pid));
}

/// What the program says as a guard with these words, once it is ready or has ended, and how it ended where it did.
fn says_as_guard(bench: &Bench, words: &[&str]) -> (String, Option<i32>) {
    let mut command = bench.cellscan();
    command.arg("guard").arg("--path").arg(bench.service()).args(["--owed", "--"]).args(words);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let pipe = child.stdin.take().expect("a pipe");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("UTF-8");
    // Nothing is owed.
    drop(pipe);
    (line, child.wait().expect("it ends").code())
}

#[test]
fn a_guard_says_which_version_it_speaks_and_the_nonce_that_it_was_given() {
    let bench = Workbench::new().modem(quick_modem()).start();
    let before = bench.wait_for_holder(SOON, None);
    let (line, code) = says_as_guard(&bench, &["--parent", "1", "--hello", "47.11"]);
    assert_eq!((line.as_str(), code), (format!("cellscan-guard {PROTOCOL} 47.11\n").as_str(), Some(0)));
    for words in [&["--parent", "1"][..], &["--parent", "1", "--hello", "g"]] {
        assert_eq!(says_as_guard(&bench, words), (String::new(), Some(100)), "{words:?}");
    }
    bench.wait_until(SOON, "untouched", || bench.status().is_up() && bench.status().pid == before);
}

/// A process in the place of a scan: it has asked for down, locks the modem, ends its pipe to the guard, and is there for three seconds
/// more, as a killed scan is on a busy machine.
const DIES_SLOWLY: &str = r#"
    mkfifo "$ROOT/pipe"
    "$CELLSCAN" guard --path "$SERVICE" --owed u0 --parent $$ --hello 1 \
        --lock-dir "$LOCKS" --kept-port "$PORT" --baud 115200 < "$ROOT/pipe" > "$ROOT/hello" &
    exec 3> "$ROOT/pipe"
    until [ -s "$ROOT/hello" ]; do sleep 0.02; done
    printf d > "$SERVICE/supervise/control"
    until [ "$(od -An -tu4 -j12 -N4 "$SERVICE/supervise/status" | tr -d ' ')" = 0 ]; do sleep 0.02; done
    printf '%10d\n' $$ > "$LOCKS/LCK..${PORT##*/}"
    exec 3>&-
    sleep 3
"#;

#[test]
fn a_scan_that_takes_seconds_to_die_leaves_no_lock_and_its_modem_registered() {
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(quick_modem()).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let program = bench.cellscan().get_program().to_owned();
    let mut scan = Command::new("sh");
    scan.args(["-c", DIES_SLOWLY]).env("ROOT", bench.root()).env("CELLSCAN", program);
    scan.env("SERVICE", bench.service()).env("LOCKS", bench.locks()).env("PORT", bench.port());
    assert!(scan.status().expect("it starts").success());
    must_be_up_again(&bench, before);
    let registers =
        |what: &ModemEvent| matches!(what, ModemEvent::Received(command) if command == "AT+COPS=0");
    assert!(bench.modem().log().iter().any(|entry| registers(&entry.what)), "{}", bench.story());
}

#[test]
fn a_dead_guard_is_replaced_once_and_its_death_is_reported() {
    let (bench, before, scan) = started("3");
    let first = guard_of(&bench, scan.pid());
    kill(&bench, first);
    let second = next_guard(&bench, scan.pid(), first);
    let said = |what: &str| scan.lines().iter().any(|line| line.contains(what));
    bench.wait_until(SOON, "it is said", || said(&format!("process {second} guards now")));
    // The successor knows what to restore.
    scan.signal(Signal::KILL);
    must_be_up_again(&bench, before);
}

#[test]
fn after_a_second_dead_guard_only_the_lease_is_left_and_that_is_reported() {
    let (bench, before, scan) = started("3");
    let first = guard_of(&bench, scan.pid());
    kill(&bench, first);
    let second = next_guard(&bench, scan.pid(), first);
    let said = |what: &str| scan.lines().iter().any(|line| line.contains(what));
    bench.wait_until(SOON, "it is ready", || said(&format!("process {second} guards now")));
    kill(&bench, second);
    bench.wait_until(SOON, "it is said", || said("the second one: the lease on disk alone is left"));
    assert_eq!(leases(&bench).len(), 1);
    // The scan itself gives the service back.
    scan.end().must_be_complete(&bench);
    must_be_up_again(&bench, before);
}

#[test]
fn a_scan_that_does_not_see_its_service_given_back_hands_it_to_its_guard() {
    let mut modem = quick_modem();
    modem.delays.search = 2_000;
    let pppd = StandIn { lock: true, ..StandIn::default() };
    let bench = Workbench::new().modem(modem).pppd(pppd).start();
    let before = bench.wait_for_holder(SOON, None);
    bench.wait_until(SOON, "up", || bench.status().is_up());
    let scan = Running::start(scan(&bench));
    scan.wait_for_state(&bench, "3");
    let guard = guard_of(&bench, scan.pid());
    // runsv is stopped for longer than a scan waits for it.
    let runsv = bench.runsv_pid().expect("it runs");
    assert!(processes::signal(runsv, Signal::STOP));
    let said = |what: &str| scan.lines().iter().any(|line| line.contains(what));
    let patience = SCAN + Duration::from_secs(60);
    wait_until(patience, "handed over", || {
        said(&format!("its guard, process {guard}, goes on asking for it"))
    });
    wait_until(SOON, "the scan ends", || !processes::is_alive(scan.pid()));
    assert!(processes::is_alive(guard), "{}", bench.story());
    assert_eq!((bench.status().want, leases(&bench).len()), (Want::Down, 1));
    assert!(processes::signal(runsv, Signal::CONT));
    // Its lock counts as that of a dead process also before it is reaped.
    drop(scan);
    must_be_up_again(&bench, before);
}
