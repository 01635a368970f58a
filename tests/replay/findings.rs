//! Each finding in a log of a few lines: the analysis names it, with its line, and nothing else.

use cellscan::import::Format;
use cellscan::replay::findings::Kind;

use super::read;

/// A log of the gateway: each line at its second, in the words of the scan or of the connection.
fn gateway(lines: &[(u32, &str)]) -> String {
    let mut log = String::new();
    for (second, words) in lines {
        let (minutes, seconds) = (second / 60, second % 60);
        let words = if words.starts_with("pppd") {
            format!("Jan  1 00:{minutes:02}:{seconds:02} host daemon.err {words}\n")
        } else if words.starts_with("State")
            || words.contains("sv down")
            || words.contains("sv up")
            || words.starts_with("PPP ")
        {
            format!("[1700000000.000] [00:{minutes:02}:{seconds:02}.000] [Cellular Scan - {words}]\n")
        } else {
            format!("[1700000000.000] [00:{minutes:02}:{seconds:02}.000] [Cellular Connection - {words}]\n")
        };
        log.push_str(&words);
    }
    log
}

#[track_caller]
fn must_find(log: &str, format: Format, expected: &[(Kind, u64)]) {
    let found = read(log.as_bytes(), Some(format));
    let findings: Vec<(Kind, u64)> =
        found.analysis.findings.iter().map(|finding| (finding.kind, finding.line)).collect();
    assert_eq!(findings, expected, "{:#?}", found.analysis.findings);
    for finding in &found.analysis.findings {
        assert!(!finding.detail.is_empty() && finding.kind.why().len() > 40, "{finding:?}");
    }
}

const LIST: &str =
    "Line: +COPS: (1,\"A\",\"A\",\"26201\",7),(3,\"B\",\"B\",\"26202\",7),(1,\"A\",\"A\",\"26201\",0)";

/// What every scan begins with: lines 1 to 6.
fn begun() -> Vec<(u32, &'static str)> {
    vec![
        (1, "State 1: Stopping PPP and disabling runsv supervision"),
        (1, "Executing: sv down pppd"),
        (2, "State 2: PPP stopped successfully"),
        (3, "Sending AT command: AT+COPS=?"),
        (30, LIST),
        (30, "Line: OK"),
    ]
}

#[test]
fn a_healthy_scan_has_no_findings() {
    let mut lines = begun();
    lines.extend([
        (31, "State 5: Testing operator A (26201)"),
        (31, "Sending AT command: AT+COPS=1,2,\"26201\""),
        (36, "Line: OK"),
        (36, "State 6: Connected to A"),
        (37, "State 6: A signal strength: 20"),
        (38, "State 8: SELECTED: A (26201) with signal=20"),
        (39, "State 11: Scan complete"),
        (39, "Re-enabling runsv supervision: sv up pppd"),
        (41, "PPP interface detected"),
    ]);
    must_find(&gateway(&lines), Format::Gateway, &[]);
}

#[test]
fn trials_that_cannot_win_are_named() {
    let mut lines = begun();
    lines.extend([
        (31, "State 5: Testing operator A (26201)"),
        (36, "State 6: Connected to A"),
        (37, "State 6: A signal strength: 9"),
        (38, "State 5: Testing operator B (26202)"),
        (48, "State 6: Failed to connect to B"),
        (49, "State 5: Testing operator A (26201)"),
        (55, "State 6: A signal strength: 20"),
        (56, "State 5: Testing operator  ()"),
        (56, "Sending AT command: AT+COPS=1,2,\"\""),
        (57, "Line: +CME ERROR: invalid index"),
        (57, "State 6: Failed to connect to "),
    ]);
    let expected = [(Kind::ForbiddenTried, 10), (Kind::DuplicateTried, 12), (Kind::TrailerTried, 15)];
    must_find(&gateway(&lines), Format::Gateway, &expected);
}

#[test]
fn an_answer_under_another_command_is_named_where_it_came() {
    let lines = [
        (0, "Sending AT command: AT+CSQ"),
        (0, "Line: AT+CSQ"),
        (1, "Line: +CSQ: 9,99"),
        (1, "Line: OK"),
        (2, "State 5: Testing operator A (26201)"),
        (2, "Sending AT command: AT+COPS=1,2,\"26201\""),
        (3, "Line: AT+COPS=1,2,\"26201\""),
        (12, "State 6: Failed to connect to A"),
        (13, "Sending AT command: AT+COPS=1,2,\"26203\""),
        (14, "Line: +CME ERROR: no network service"),
    ];
    must_find(&gateway(&lines), Format::Gateway, &[(Kind::LateAnswer, 10)]);
}

#[test]
fn a_scan_that_leaves_the_modem_deregistered_or_skips_every_carrier_is_named() {
    let mut lines = vec![(0, "Sending AT command: AT+COPS=2"), (0, "Line: OK")];
    let begun = begun();
    lines.extend(&begun[..3]);
    lines.extend([(3, "Sending AT command: AT+COPS=2"), (4, "Line: OK")]);
    lines.extend(&begun[3..]);
    lines.extend([
        (31, "State 5: Skipping globally blacklisted: A (26201)"),
        (32, "State 8: No suitable operator found"),
        (33, "State 12: Scan failed"),
        (33, "Re-enabling runsv supervision after failure: sv up pppd"),
        (40, "pppd[9]: Connect script failed"),
        (60, "pppd[9]: Connect script failed"),
    ]);
    let expected =
        [(Kind::DenyListExhausted, 13), (Kind::LeftDeregistered, 14), (Kind::ChatFailingAfterScan, 16)];
    must_find(&gateway(&lines), Format::Gateway, &expected);
}

#[test]
fn carriers_with_equal_measurements_are_named() {
    let mut lines = begun();
    for (second, words) in [
        (31, "State 6: A signal strength: 16"),
        (32, "State 6: B signal strength: 18"),
        (33, "State 6: C signal strength: 17"),
    ] {
        lines.push((second, words));
    }
    lines.push((34, "State 8: Best operator: B (signal=18)"));
    must_find(&gateway(&lines), Format::Gateway, &[(Kind::SignalTooEarly, 10)]);
}

#[test]
fn fights_over_the_service_are_named() {
    let lines = [
        (1, "Killing runsv pppd (PID: 1)"),
        (4, "Killing runsv pppd (PID: 2)"),
        (8, "Killing runsv pppd (PID: 3)"),
    ];
    must_find(&gateway(&lines), Format::Gateway, &[(Kind::SupervisorBattle, 3)]);
    let mut lines = begun();
    lines.push((31, "pppd[9]: Connect script failed"));
    must_find(&gateway(&lines), Format::Gateway, &[(Kind::SecondClient, 7)]);
    let lines = [
        (1, "pppd[9]: not replacing default route to wlan0 [192.0.2.1]"),
        (2, "Stopping PPPD (cellular_reset=false)"),
        (100, "pppd[9]: not replacing default route to wlan0 [192.0.2.1]"),
        (160, "Stopping PPPD (cellular_reset=false)"),
    ];
    must_find(&gateway(&lines), Format::Gateway, &[(Kind::PppdKilledAfterUp, 2)]);
}

#[test]
fn storms_and_ports_that_go_away_are_named() {
    let lines = [
        (1, "Scan requested by network manager"),
        (1, "SCAN REQUESTED"),
        (60, "SCAN REQUESTED"),
        (120, "SCAN REQUESTED"),
        (180, "pppd[9]: Failed to open /dev/ttyACM0: No such file or directory"),
        (185, "pppd[9]: Failed to open /dev/ttyACM0: No such file or directory"),
    ];
    must_find(&gateway(&lines), Format::Gateway, &[(Kind::RescanStorm, 4), (Kind::PortVanished, 5)]);
}

#[test]
fn a_pppd_that_ends_right_after_its_connect_is_named_without_a_clock() {
    let log = "Connect: ppp0 <--> /dev/ttyACM0\nFinish Pppd runit service...\nStart Pppd runit service...\n";
    must_find(log, Format::Svlogd, &[(Kind::PppdKilledAfterUp, 2)]);
}
