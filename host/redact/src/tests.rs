//! What is kept and what is not, line by line.

use super::*;

/// A dialogue, `>` to the modem and `<` from it, each line with its end; the output in the same form.
fn written(dialogue: &[&str]) -> Vec<String> {
    let mut redactor = Redactor::new();
    let line = |redactor: &mut Redactor, text: &str| {
        let (to, rest) = text.split_at(2);
        let bytes = [rest.as_bytes(), b"\r"].concat();
        let passed = if to == "> " { redactor.sent(&bytes) } else { redactor.received(&bytes) };
        format!("{to}{}", String::from_utf8_lossy(&passed.text).trim_end_matches('\r'))
    };
    dialogue.iter().map(|text| line(&mut redactor, text)).collect()
}

#[track_caller]
fn must_be(dialogue: &[(&str, &str)]) {
    let (given, expected): (Vec<&str>, Vec<&str>) = dialogue.iter().copied().unzip();
    assert_eq!(written(&given), expected);
}

#[track_caller]
fn stays(dialogue: &[&str]) {
    assert_eq!(written(dialogue), dialogue);
}

#[test]
fn what_a_scan_needs_is_kept() {
    stays(&[
        "> AT",
        "< AT",
        "< OK",
        "> AT+CMEE=2",
        "> AT+CPIN?",
        "< +CPIN: READY",
        "< +CPIN: SIM PIN2",
        "> AT+COPS=3,2",
        "> AT+COPS=?",
        "< +COPS: (2,\"AT&T\",\"AT&T\",\"310410\",7),(1,\"T-Mobile\",\"TMO\",\"310260\",7),,(0,1,2,3,4),(0,1,2)",
        "< (1,\"Verizon Wireless\",\"VZW\",\"311480\",7),",
        "> AT+COPS=1,2,\"310410\"",
        "< +CME ERROR: 32",
        "< +CME ERROR: no network service",
        "< CME ERROR: 30",
        "> AT+COPS?",
        "< +COPS: 1,2,\"003300310030003400310030\",7",
        "< +COPS: 1,1,0056005A0057,7",
        "> AT+C5GREG?",
        "< +C5GREG: 2,1,\"46550B\",\"000170C23\",11",
        "< +CEREG: 11, 78FE, 20 ,14419E ,7",
        "> AT+CSQ",
        "< +CSQ: 25,99",
        "> AT+CESQ",
        "< +CESQ: 99,99,255,255,20,80",
        "> +++",
        "> ATH",
        "< NO CARRIER",
        "< CONNECT 150000000",
    ]);
}

#[test]
fn vendors_signal_commands_and_model_names_are_kept() {
    stays(&["> ATI", "< Manufacturer: SIMCOM INCORPORATED", "< Model: SIM7600E-H", "< OK"]);
    stays(&["> AT+QCSQ", "< +QCSQ: \"LTE\",-52,-81,195,-10", "> AT^HCSQ?", "< ^HCSQ: \"LTE\",60,54,121,23"]);
    stays(&["> AT!GSTATUS?", "< !GSTATUS: ", "< PCC RxM RSSI: -51     RSRP (dBm): -80", "< OK"]);
    stays(&["> AT+UCGED?", "< +UCGED: 2", "< 6,4,001,01", "< 2525,5,25,50,2b67,69f6bc7,111,18d8", "< OK"]);
    stays(&["> AT^SMONI", "< ^SMONI: 4G,6300,20,10,10,FDD,262,02,BF75,0345,350,33,-94,-7,CONN"]);
}

#[test]
fn settings_of_the_modem_are_kept_except_for_addresses() {
    stays(&[
        "> ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0",
        "> AT+CFUN=1;+CGATT=1",
        "> AT+QCFG=\"usbnet\"",
        "> AT+IPR=115200",
    ]);
    must_be(&[
        (
            "> AT+CGDCONT=1,\"IP\",\"net.apn\",\"10.64.64.64\",0,0",
            "> AT+CGDCONT=1,\"IP\",\"net.apn\",\"00.00.00.00\",0,0",
        ),
        ("< +CGPADDR: 1,\"10.64.3.7\"", "< +CGPADDR: 1,\"00.00.0.0\""),
    ]);
}

#[test]
fn a_dial_string_is_masked_except_for_a_service_code() {
    stays(&["> ATD*99***1#", "> ATDT*99#", "> ATDT#777", "> atd*98*16#"]);
    must_be(&[
        ("> ATD0151234567;", "> ATD0000000000;"),
        ("> ATDP 01 51-23", "> ATDP 00 00-00"),
        ("> ATE0DT5550199", "> ATE0DT0000000"),
        ("> ATD>\"joe\"", "> ATD>\"***\""),
    ]);
}

#[test]
fn pins_and_passwords_are_masked_in_every_notation() {
    must_be(&[
        ("> AT+CMEE=1;+CPIN=\"2222\"", "> AT+CMEE=1;+CPIN=\"0000\""),
        ("> AT +CPIN = 2222", "> AT +CPIN = 0000"),
        ("> at+cpin=1234,5678", "> at+cpin=0000,0000"),
        ("> AT+CPIN 1234", "> AT+CPIN 0000"),
        ("> AATE0+CPIN=1234", "> AATE0+CPIN=0000"),
        ("> AT+CLCK=\"SC\",1,\"1234\"", "> AT+CLCK=\"**\",0,\"0000\""),
        ("> AT+CPWD=SC,1234,5678", "> AT+CPWD=**,0000,0000"),
        ("> AT+CGAUTH=1,2,\"joe\",\"pass word\"", "> AT+CGAUTH=0,0,\"***\",\"**** ****\""),
        ("> AT+CGAUTH=1,2,joe,secret1", "> AT+CGAUTH=0,0,***,******0"),
        ("> AT^AUTHDATA=1,2,\"x\",\"secret\",\"joe\"", "> AT^AUTHDATA=0,0,\"*\",\"******\",\"***\""),
        ("> AT#PDPAUTH=1,1,\"joe\",\"s3cret\"", "> AT#PDPAUTH=0,0,\"***\",\"*0****\""),
        ("> AT#PASSW=\"s3cret\"", "> AT#PASSW=\"*0****\""),
        ("> AT+CSTT=\"apn\",\"joe\",\"secret\"", "> AT+CSTT=\"***\",\"***\",\"******\""),
        ("> AT+UPSD=0,3,\"secret\"", "> AT+UPSD=0,3,\"******\""),
        ("> AT+XGAUTH=1,1,joe,secret", "> AT+XGAUTH=0,0,***,******"),
        ("> AT^SGAUTH=1,1,\"joe\",\"secret\"", "> AT^SGAUTH=0,0,\"***\",\"******\""),
        ("> AT$QCPDPP=1,2,\"secret\",\"joe\"", "> AT$QCPDPP=0,0,\"******\",\"***\""),
        ("> AT+NEWVENDOR=1,secret,\"s\",42", "> AT+NEWVENDOR=1,******,\"*\",40"),
        ("< AT+CPIN=\"2222\"", "< AT+CPIN=\"0000\""),
        ("< +CGAUTH: 1,1,joe,secret", "< +CGAUTH: 0,0,***,******"),
        ("> secret", "> ******"),
    ]);
}

#[test]
fn identities_are_masked_in_every_notation() {
    must_be(&[
        ("< 460020123456789", "< 400000000000000"),
        ("< +CCID: 8931681012345678AF9F", "< +CCID: 8000000000000000**0*"),
        ("< 8931681012345678AF9F", "< 8000000000000000**0*"),
        ("< 35-880800-123456-7", "< 30-000000-000000-0"),
        ("< IMEI: 358088001234567", "< IMEI: 000000000000000"),
        ("< +CNUM: ,\"015112345\",129", "< +CNUM: ,\"000000000\",100"),
        ("< +CLIP: \"+4915112345678\",145", "< +CLIP: \"+0000000000000\",100"),
        ("< call from +15551234567 now", "< call from +00000000000 now"),
        ("< +15551234567", "< +00000000000"),
        ("< +CPBF: 1,\"0151234\",129,\"Joe\"", "< +CPBF: 1,\"0000000\",100,\"***\""),
        ("> AT#RFSTS", "> AT#RFSTS"),
        (
            "< #RFSTS: \"262 02\",66536,-95,\"262021234567890\"",
            "< #RFSTS: \"262 02\",66530,-95,\"262000000000000\"",
        ),
        ("< +CSQ: 460020123456789", "< +CSQ: 460000000000000"),
        ("< +CSQ: 12,99+CCID: 8931", "< +CSQ: 12,99+****: 0000"),
    ]);
}

#[test]
fn text_after_a_word_is_masked_except_for_the_name_of_a_modem() {
    must_be(&[
        ("> ATI", "> ATI"),
        ("< password: Qqqq", "< password: ****"),
        ("< Revision: 02.000 A", "< Revision: 00.000 A"),
        ("< user=joe", "< user=***"),
        ("< Quectel", "< Quectel"),
        ("< EC25", "< EC25"),
    ]);
}

#[test]
fn an_operator_list_broken_anywhere_is_kept_and_other_lines_in_it_are_masked() {
    stays(&[
        "> AT+COPS=?",
        "< +COPS: (2,\"T-Mob",
        "< ile 1\",\"TMO\",\"310260",
        "< \",7),",
        "< ,(1,\"A\",\"A\",\"310410\",7)",
        "< OK",
    ]);
    must_be(&[
        ("> AT+COPS=?", "> AT+COPS=?"),
        ("< 262010123456789", "< 200000000000000"),
        ("< +COPS: (2,\"A\",\"A\",\"310410\",7)", "< +COPS: (2,\"A\",\"A\",\"310410\",7)"),
        ("< 262010123456789", "< 200000000000000"),
        ("> \"secret 12345", "> \"****** 00000"),
    ]);
}

#[test]
fn the_text_of_a_message_is_masked_up_to_the_next_line_that_a_scan_needs() {
    must_be(&[
        ("> AT+COPS=?", "> AT+COPS=?"),
        (
            "< +CMT: \"+4915112345678\",,\"24/01/01,10:00:00\"",
            "< +CMT: \"+0000000000000\",,\"00/00/00,00:00:00\"",
        ),
        ("< The code is 4711", "< *** **** ** 0000"),
        ("< AT home: joe", "< AT ****: ***"),
        ("< +secret", "< +******"),
        ("< OK boss", "< OK ****"),
        ("< +COPS: (2,\"A\",\"A\",\"310410\",7)", "< +COPS: (2,\"A\",\"A\",\"310410\",7)"),
        ("< (1,\"B\",\"B\",\"310260\",7)", "< (1,\"B\",\"B\",\"310260\",7)"),
        ("< OK", "< OK"),
        ("< +CMGR: 0,,22", "< +CMGR: 0,,20"),
        ("< 07919471060040340409", "< 00000000000000000000"),
        ("< OK", "< OK"),
        ("> AT+CMGS=\"0151234\"", "> AT+CMGS=\"0000000\""),
        ("< > ", "< > "),
        ("> AT+COPS=1,2,\"31041\" is text", "> **+****=0,0,\"00000\" ** ****"),
        ("> \u{1a}AT+CSQ", "> \u{1a}AT+CSQ"),
    ]);
    must_be(&[
        ("< +CUSD: 0,\"Your number is 0151", "< +CUSD: 0,\"**** ****** ** 0000"),
        ("< bye joe\",15", "< *** ***\",00"),
        ("< +CSQ: 12,99", "< +CSQ: 12,99"),
    ]);
}

#[test]
fn what_was_masked_when_it_was_sent_is_masked_in_its_echo_and_in_a_text_that_begins_alike() {
    must_be(&[
        ("> WWjq", "> ****"),
        ("< WWjq", "< ****"),
        ("< +CMGL: 1,1,\"WWjj\",22", "< +CMGL: 1,1,\"****\",20"),
        ("< WWjj", "< ****"),
        ("< OK", "< OK"),
        ("> OKxj", "> ****"),
        ("< OK", "< OK"),
    ]);
}

#[test]
fn bytes_of_data_mode_are_counted_until_it_ends() {
    let pap = b"\x7e\xff\x03\xc0\x23\x01\x01\x00\x0f\x03joe\x06secret\x7e";
    let ends: [(&[&[u8]], &str); 3] = [
        (&[b"<\r\nNO CARRIER\r\n", b">AT+CSQ\r"], "\r\nCONNECT 150000\rNO CARRIER\r\n>AT+CSQ\r"),
        (&[b">+++", b"<\r\nOK\r\n", b">ATH\r"], "\r\nCONNECT 150000\rOK\r\n>ATH\r"),
        (&[b">AT+CFUN=1\r"], "\r\nCONNECT 150000\r>AT+CFUN=1\r"),
    ];
    for (pieces, expected) in ends {
        let mut redactor = Redactor::new();
        let mut text = redactor.received(b"\r\nCONNECT 150000\r\n").text;
        let (mut data, mut sent) = (1, 0);
        for _ in 0..3 {
            let passed = redactor.sent(pap);
            assert!(passed.text.is_empty() && !passed.ended);
            (data, sent) = (data + passed.data, sent + pap.len());
        }
        for piece in pieces {
            let passed =
                if piece[0] == b'>' { redactor.sent(&piece[1..]) } else { redactor.received(&piece[1..]) };
            if piece[0] == b'>' && !passed.text.is_empty() {
                text.push(b'>');
            }
            text.extend(&passed.text);
            data += passed.data;
        }
        assert_eq!(String::from_utf8_lossy(&text), expected);
        assert!(data >= i64::try_from(sent).unwrap(), "{data} of {sent}");
    }
}

#[test]
fn the_output_does_not_depend_on_the_size_of_pieces() {
    let dialogue: [&[u8]; 7] = [
        b">ATE0;+CPIN=\"1234\"\rATD*99***1#\r",
        b"<\r\n+CMT: \"+49151\",,\"x\"\r\nsecret 12345\r\nOK\r\n\xff+COPS: (2,\"A\",\"A\",\"310410\",7)\r\n",
        b"<\r\nCONNECT\r\n\x7e\xff}#secret\x7e",
        b">\x7e\xff\x03\xc0\x23secret\x7e",
        b"<\r\nNO CARRIER\r\n+CSQ: 12,99\r\n",
        b">secret\rAT+CSQ\r",
        b"<262010123456789\r\n",
    ];
    let whole = |size: usize| {
        let mut redactor = Redactor::new();
        let (mut text, mut data) = ([Vec::new(), Vec::new()], 0);
        for piece in dialogue {
            for part in piece[1..].chunks(size) {
                let to = usize::from(piece[0] == b'>');
                let passed = if to == 1 { redactor.sent(part) } else { redactor.received(part) };
                text[to].extend(passed.text);
                data += passed.data;
            }
        }
        (text, data)
    };
    let at_once = whole(usize::MAX);
    for size in 1..20 {
        assert_eq!(whole(size), at_once, "in pieces of {size}");
    }
    let text = String::from_utf8_lossy(&at_once.0.concat()).into_owned();
    assert!(!text.contains("secret") && !text.contains("1234"), "{text}");
}

#[test]
fn a_turn_of_a_log_is_redacted_with_its_answer() {
    let mut answer = ["+CMGR: 0,,22", "0791947106004034", "CONNECT", "secret=1"].map(str::to_owned);
    let (mut command, mut result) =
        (Some("AT+CMGR=1;+CPIN=1234".to_owned()), Some("+CME ERROR: 16".to_owned()));
    turn(&mut command, &mut answer, &mut result);
    assert_eq!(command.as_deref(), Some("AT+CMGR=1;+CPIN=0000"));
    assert_eq!(answer, ["+CMGR: 0,,20", "0000000000000000", "CONNECT", "******=0"]);
    assert_eq!(result.as_deref(), Some("+CME ERROR: 16"));
}
