use super::*;

fn read(log: &str) -> Vec<(u64, Option<Millis>, String)> {
    let mut gateway = Gateway::default();
    let mut found = Vec::new();
    for (number, line) in (1..).zip(log.lines()) {
        gateway.line(number, line.as_bytes(), &mut |event| {
            let what = match event.what {
                What::Sent(text) => format!("> {}", text.escape_ascii()),
                What::Received(text) => format!("< {}", text.escape_ascii()),
                What::Ended(result) => format!("= {}", result.escape_ascii()),
                What::GivenUp => "given up".to_owned(),
                What::Closed => "closed".to_owned(),
                What::Note(Note::Chosen(which)) => {
                    format!("chosen {} {}", which.name.escape_ascii(), which.plmn.escape_ascii())
                }
                What::Note(Note::State(_)) => return,
                What::Note(note) => format!("{note:?}"),
                What::Header(_) | What::Entry(_) => panic!("a line of a recording: {event:?}"),
                What::Other(text) => format!("other {}", text.escape_ascii()),
                What::Unread(why) => why.name().to_owned(),
            };
            found.push((event.line, event.at, what));
        });
    }
    found
}

fn words(log: &str) -> Vec<String> {
    read(log).into_iter().map(|(.., what)| what).collect()
}

#[test]
fn the_clock_is_the_up_time_and_a_line_without_a_stamp_has_the_last_time() {
    let log = "[1763689858.649] [00:00:20.937] [Cellular Connection - Sending AT command: AT+COPS?]\n\
               [Cellular Connection - Line: +COPS: 1,2,\"310260\",7]\n\
               [00:00:21] [Cellular Connection - Line: OK]";
    assert_eq!(
        read(log),
        [
            (1, Some(20_937), "> AT+COPS?".to_owned()),
            (2, Some(20_937), "< +COPS: 1,2,\\\"310260\\\",7".to_owned()),
            (3, Some(21_000), "< OK".to_owned()),
        ]
    );
}

#[test]
fn a_record_inside_another_is_read_and_the_rest_is_torn() {
    let log = "[1764094[17640947.710] [1764094777.710] [00:00:20.503] [Cellular Connection - Line: OK]\n\
               >[1764095079.015] [00:05:19.013] [Cellular Connection - Line: AT+CSQ]\n\
               [1764094777.610] [00:00:20.403] [Cellular Connection - COPS set to numeric m[1764094777.711] [00:00:20.504] [Cellular Connection - Sending AT command: AT+COPS?]\n\
               cell operator[1764095073.901] [00:05:13.899] [Cellular Scan - State 12: Scan failed]\n\
               [1767051869.081] [00:00:18.135]18.135] [Cellular Connection - resp";
    assert_eq!(
        words(log),
        [
            "torn",
            "< OK",
            "other >",
            "< AT+CSQ",
            "torn",
            "> AT+COPS?",
            "other cell operator",
            "Failed",
            "torn"
        ]
    );
}

#[test]
fn carriers_are_read_with_or_without_name_and_digits() {
    let of = |text: &'static str| {
        let found = carrier(text.as_bytes());
        (str::from_utf8(found.name).unwrap(), str::from_utf8(found.plmn).unwrap())
    };
    assert_eq!(of("AT&T (310410) with signal=25"), ("AT&T", "310410"));
    assert_eq!(of("Verizon Wireless (signal=19)"), ("Verizon Wireless", ""));
    assert_eq!(of(" ()"), ("", ""));
    assert_eq!(of("A (b) c (26202)"), ("A (b) c", "26202"));
}

#[test]
fn a_step_of_the_scan_ends_the_command_before_it() {
    let log = "[00:01:26] [Cellular Connection - Sending AT command: AT+COPS=?]\n\
               [00:02:15] [Cellular Scan - State 4: Operator list received]\n\
               [00:02:15] [Cellular Scan - State 8: Best operator: T-Mobile US (signal=25)]";
    assert_eq!(words(log), ["> AT+COPS=?", "= OK", "Listed", "chosen T-Mobile US "]);
}

#[test]
fn lines_of_syslog_in_between_are_read() {
    let log = "Nov 25 18:19:41 host daemon.err pppd[2010]: Connect script failed\n\
               Nov 25 18:26:12 host daemon.err pppd[4165]: Failed to open /dev/ttyACM0: No such file or directory";
    assert_eq!(words(log), ["Pppd(ConnectFailed)", "PortGone"]);
}

#[test]
fn a_whole_answer_in_a_torn_record_is_read() {
    let log = "[1.0] [00:00:21.336] [Cellular Connection - Sending AT command: AT+COPS?]\n\
               [176705.045] [00:00:21.442] [Cellulare: +COPS: 1,2,\"311480\",7]\n\
               [176705.045] [00:00:21.442] [Cellulare: +COPS: 1,2,\"3114]";
    let found = words(log);
    assert_eq!(found.iter().filter(|what| what.starts_with('<')).count(), 1, "{found:?}");
}

#[test]
fn an_up_time_of_many_hours_is_told_from_what_is_left_of_two_stamps() {
    let torn =
        "[1767051872.300] [00:00:21.354] [NETMGR] x\n[17600:00:21.565] [Cellular Connec] [00:00:21.570] x\n";
    let events = read_all(torn);
    assert!(events.iter().any(|event| event.contains("Torn")), "{events:?}");
    let sound = "[1767051872.300] [123:00:21.354] [NETMGR] x\n[1767051872.300] [123:00:21.565] [NETMGR] x\n";
    let events = read_all(sound);
    assert!(!events.iter().any(|event| event.contains("Torn")), "{events:?}");
}

/// The events of a log, as debug text.
fn read_all(log: &str) -> Vec<String> {
    let (mut gateway, mut events) = (Gateway::default(), Vec::new());
    for (number, line) in (1..).zip(log.lines()) {
        gateway.line(number, line.as_bytes(), &mut |event| events.push(format!("{event:?}")));
    }
    events
}
