use super::marker::pattern;
use super::*;

/// What an importer that has learned from the whole log tells of it.
fn told(log: &str) -> Vec<String> {
    let mut importer = Learned::new(log.as_bytes());
    let mut told = Vec::new();
    for line in log.lines() {
        importer.line(0, line.as_bytes(), &mut |event| {
            let text = |mark: &str, text: &[u8]| format!("{mark} {}", String::from_utf8_lossy(text));
            told.push(match event.what {
                What::Sent(command) => text(">", command),
                What::Received(line) => text("<", line),
                What::GivenUp => "given up".to_owned(),
                What::Other(_)
                | What::Ended(_)
                | What::Closed
                | What::Note(_)
                | What::Header(_)
                | What::Entry(_)
                | What::Unread(_) => "-".to_owned(),
            });
        });
    }
    told
}

#[test]
fn pairs_of_arrows_and_words_are_learned() {
    for (sent, received) in [
        ("-> ", "<- "),
        (">> ", "<< "),
        ("TX: ", "RX: "),
        ("tx> ", "rx> "),
        ("send: ", "recv: "),
        ("AT>", "AT<"),
        ("DTE → DCE  ", "DCE → DTE  "),
        ("D (1300) modem: write ", "D (1340) modem: read  "),
        ("[modem] out=", "[modem] in="),
        ("Sending command: ", "Answer: "),
        ("", "--> "),
        ("Modem 0x3ffb12: ", "Modem 0x3ffb99: "),
    ] {
        let log = format!(
            "{sent}AT+CSQ\n{received}+CSQ: 14,99\n{received}OK\n{sent}ATI\n{received}Maker\n{received}ERROR\n"
        );
        assert!(Survey::of(log.as_bytes()).is_marked(), "{log}");
        let expected = ["> AT+CSQ", "< +CSQ: 14,99", "< OK", "> ATI", "< Maker", "< ERROR"];
        assert_eq!(told(&log), expected, "{log}");
    }
}

#[test]
fn an_answer_on_the_line_of_its_command_is_read() {
    let log = "AT+CSQ -> +CSQ: 21,99 OK\nAT+CGATT=1 -> ERROR\ncmd AT+CFUN?: +CFUN: 1\ncmd AT: OK\n";
    let expected = [
        "> AT+CSQ",
        "< +CSQ: 21,99",
        "< OK",
        "> AT+CGATT=1",
        "< ERROR",
        "> AT+CFUN?",
        "< +CFUN: 1",
        "> AT",
        "< OK",
    ];
    assert!(Survey::of(log.as_bytes()).is_marked());
    assert_eq!(told(log), expected);
}

#[test]
fn an_echo_and_an_answer_in_one_payload_are_received() {
    let log = "[TX] - AT+CSQ<CR>\n[RX] - AT+CSQ<CR><CR><LF>+CSQ: 15,99<CR><LF><CR><LF>OK<CR><LF>\n";
    assert_eq!(told(log), ["> AT+CSQ", "< AT+CSQ", "< +CSQ: 15,99", "< OK"]);
    let log = "modem:sent AT+CPIN? +0ms\nmodem:recv +CPIN: READY +12ms\nmodem:recv OK +1ms\n";
    assert_eq!(told(log), ["> AT+CPIN?", "< +CPIN: READY", "< OK"], "with the time since the line before");
}

#[test]
fn messages_about_a_command_send_none() {
    let log = "put 'AT+CSQ' behind 2 others\nflush AT+CSQ\nread OK\nput 'AT+COPS?' behind 2 others\nflush AT+COPS?\n\
               no reply in time: AT+COPS? timed out\nfailed to run AT+COPS?\nflush AT\nread OK\n";
    let expected =
        ["> AT+CSQ", "< AT+CSQ", "< OK", "> AT+COPS?", "< AT+COPS?", "given up", "-", "> AT", "< OK"];
    assert_eq!(told(log), expected);
}

#[test]
fn the_word_ok_of_a_program_is_no_result() {
    let log = "tx AT+CFUN=1\nrx OK\n[OK]\nmodem is up: OK\ntx AT\nrx OK\nmodem is up: OK\nexpect (OK)\n";
    assert_eq!(told(log), ["> AT+CFUN=1", "< OK", "-", "-", "> AT", "< OK", "-", "-"]);
}

#[test]
fn a_command_sent_again_is_a_command_and_its_echo_is_none() {
    let log = "> AT\n> AT\n< AT\n< OK\n> AT\n< OK\n";
    assert_eq!(told(log), ["> AT", "> AT", "< AT", "< OK", "> AT", "< OK"]);
    let alike = "modem: AT\nmodem: AT\nmodem: OK\n";
    assert_eq!(told(alike), ["> AT", "< AT", "< OK"], "one marker for both directions");
}

#[test]
fn numbers_and_blanks_of_a_marker_may_change() {
    assert_eq!(pattern(b"rx-line #12 (9/0x1f):   "), b"rx-line #\0 (\0/\0): ");
    let marker = Marker { pattern: pattern(b"rx #2 (1/0): "), ..Marker::default() };
    assert_eq!(marker.fits(false, b"rx #345  (77/8):  OK"), Some(18));
    assert_eq!(marker.fits(false, b"rx #345 (77/8):"), Some(15), "an empty line");
    assert_eq!(marker.fits(true, b"rx #3 (7/8): OK"), None);
    assert_eq!(marker.fits(false, b"rx #x (7/8): OK"), None);
}

#[test]
fn hostile_lines_take_no_longer_than_others_of_their_length() {
    let began = std::time::Instant::now();
    for bytes in [
        "'", "\"", ")", "]", "[", " ", "\t", "\\", "<", "AT", "OK", "AT+", "\\r", "['", ", ", "^", "0", "a b",
    ] {
        let line = format!("x {}y", bytes.repeat(120_000 / bytes.len()));
        let log = format!("x AT\nx OK\n{line}\nx AT{line}\nx +CSQ: {line}\n");
        let _survey = Survey::of(log.get(..65_536).unwrap_or(&log).as_bytes());
        let _told = told(&log);
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}
