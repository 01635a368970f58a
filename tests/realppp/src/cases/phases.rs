//! A scan that begins while `pppd` is at something, or that meets one of the ways in which people start it.

use std::fs;
use std::time::{Duration, Instant};

use cellscan_sim::modem::Calls;
use cellscan_tests::support::wait::look_for;

use super::whole::{is_complete, is_on_best};
use crate::case::Case;
use crate::modem::{HOME, PORT, quick};
use crate::rig::{Gateway, SOON, Setup, left_behind, pppds, processes_named, seconds};

/// How long a connection takes here: long enough for a scan to begin meanwhile.
const DIAL_MS: u64 = 4_000;
/// `pppd` asks its peer to end (RFC 1661 §5.5) twice, three seconds apart, and ends without an answer.
const MUTE_MIN: Duration = Duration::from_secs(5);

pub(super) fn connecting(case: &mut Case) {
    let mut profile = quick();
    profile.delays.dial = DIAL_MS;
    let gateway = Setup::new().profile(profile).start();
    for (name, chats) in [("a scan before the chat", false), ("a scan in the middle of the chat", true)] {
        let before = pppds();
        gateway.modem.hang_up();
        let begun = look_for(SOON, || {
            let new = pppds();
            let there = !new.is_empty() && !new.iter().any(|pid| before.contains(pid));
            (there && processes_named("chat").is_empty() != chats).then_some(())
        });
        case.holds(&format!("{name} meets a pppd that connects"), begun.is_some(), gateway.brief());
        scan_is_complete(case, name, &gateway);
    }
}

pub(super) fn holding_off(case: &mut Case) {
    let gateway = Setup::new().options("persist\nholdoff 30\nmaxfail 0").start();
    gateway.modem.all_calls(Calls::Refused);
    gateway.modem.hang_up();
    let failed =
        || fs::read_to_string("/run/log/pppd.log").is_ok_and(|log| log.contains("Connect script failed"));
    case.holds(
        "pppd holds off",
        look_for(SOON, || failed().then_some(())).is_some(),
        "its connect script has failed",
    );
    let mut scan = gateway.scan(&[]);
    let searches = scan.comes_to("3");
    gateway.modem.all_calls(Calls::Ppp);
    case.holds("a scan takes a pppd that holds off", searches, scan.state());
    scan.wait(case, "a scan in the hold-off");
    is_complete(case, "a scan in the hold-off", &gateway, &scan);
}

pub(super) fn mute_peer(case: &mut Case) {
    let gateway = Setup::new().start();
    gateway.modem.calls(HOME, Calls::Mute);
    let mut scan = gateway.scan(&[]);
    scan.wait(case, "a mute peer");
    let down = seconds(&scan.report(), "down_s");
    case.holds("pppd is given the time that it takes", down >= MUTE_MIN, format!("down after {down:.1?}"));
    is_complete(case, "a scan with a mute peer", &gateway, &scan);
}

pub(super) fn persisting(case: &mut Case) {
    let gateway = Setup::new().options("persist\nholdoff 5\nmaxfail 0").start();
    scan_is_complete(case, "a scan", &gateway);
}

/// `runsv` believes that `pppd` has died, and starts another one each second, which finds the port locked.
pub(super) fn detaching(case: &mut Case) {
    let gateway = Setup::new().run("exec pppd call gateway").start();
    let mut scan = gateway.scan(&[]);
    scan.wait(case, "a pppd that detaches");
    let report = scan.report();
    let complete = scan.code() == Some(0) && report["outcome"] == "complete";
    case.holds("a scan with a pppd that detaches is complete", complete, scan.summary());
    gateway.must_answer(Instant::now(), "after the scan");
    let left = left_behind();
    case.holds("it leaves nothing", left.is_empty(), left.join("; "));
    is_on_best(case, "it", &gateway);
}

pub(super) fn behind_a_shell(case: &mut Case) {
    for (name, script) in [
        ("a shell that waits for pppd", "pppd call gateway nodetach\n"),
        (
            "a shell that hands TERM on",
            "pppd call gateway nodetach & pid=$!\ntrap 'kill $pid' TERM\nwait $pid\nwait $pid\n",
        ),
        ("a shell that starts pppd again", "while true; do pppd call gateway nodetach; sleep 3; done\n"),
    ] {
        let gateway = Setup::new().run(script).start();
        scan_is_complete(case, name, &gateway);
    }
}

pub(super) fn without_a_peers_file(case: &mut Case) {
    let options =
        "115200 nocrtscts noauth lock noipdefault ipcp-accept-local ipcp-accept-remote defaultroute";
    let logs = "debug logfile /run/log/pppd.log connect 'exec /usr/sbin/chat -v -f /etc/chatscripts/gateway'";
    let gateway = Setup::new().run(&format!("exec pppd {PORT} {options} {logs} nodetach")).start();
    scan_is_complete(case, "a scan", &gateway);
}

fn scan_is_complete(case: &mut Case, name: &str, gateway: &Gateway) {
    let mut scan = gateway.scan(&[]);
    scan.wait(case, name);
    is_complete(case, name, gateway, &scan);
}
