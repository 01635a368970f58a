//! The answers of the modem.

use super::*;

#[test]
fn the_default_modem_repeats_the_recorded_scan() {
    let mut bench = Bench::new(Profile::default());
    assert_eq!(bench.ask("AT+COPS=2"), ("OK".to_owned(), 1_440));
    let list = "+COPS: (1,\"T-Mobile\",\"T-Mobile\",\"310260\",7),(1,\"Verizon\",\"Verizon\",\"311480\",7),\
                (1,\"AT&T\",\"AT&T\",\"310410\",7),(1,\"313 100\",\"313 100\",\"313100\",7),\
                (1,\"T-Mobile\",\"T-Mobile\",\"310260\",0),,(0,1,2,3,4),(0,1,2)||OK";
    assert_eq!(bench.ask("AT+COPS=?"), (list.to_owned(), 59_516));
    assert_eq!(bench.ask("AT+COPS=1,2,\"310260\""), ("OK".to_owned(), 8_340));
    assert_eq!(bench.ask("AT+CSQ"), ("+CSQ: 16,99||OK".to_owned(), 1_020));
    assert_eq!(bench.ask("AT+COPS=1,2,\"311480\""), ("OK".to_owned(), 5_450));
    bench.says("AT+CSQ", "+CSQ: 22,99||OK");
    bench.says("AT+COPS=1,2,\"313100\"", "+CME ERROR: no network service");
    bench.says("AT+COPS=1,2,\"310410\"", "OK");
    bench.says("AT+COPS=3,2", "OK");
    bench.after(400);
    bench.says("AT+COPS?", "+COPS: 1,2,\"310410\",7||OK");
}

#[test]
fn identity_and_settings_are_obeyed() {
    let mut bench = Bench::new(Profile::default());
    bench.says("ATI", "Cinterion|PLS63-W|REVISION 01.202||OK");
    bench.says("AT+CPIN?", "+CPIN: READY||OK");
    bench.says("AT+CMEE=0", "OK");
    bench.says("AT+COPS=1,2,\"99999\"", "ERROR");
    bench.says("at+cmee=1", "OK");
    bench.says("AT+COPS=1,2,\"99999\"", "+CME ERROR: 30");
    bench.says("AT+COPS=1,2,\"\"", "+CME ERROR: 21");
    bench.says("AT+NOSUCH", "ERROR");
    bench.says("ATE0", "OK");
    bench.send("AT\r");
    assert_eq!(bench.after(1_000), "\r\nOK\r\n", "no echo");
    bench.send("ATV0\r");
    assert_eq!(bench.after(1_000), "0\r");
    bench.send("AT+CMEE?\r");
    assert_eq!(bench.after(1_000), "+CMEE: 1\r\n0\r");
    bench.send("ATZ\r");
    assert_eq!(bench.after(1_000), "\r\nOK\r\n");
    bench.says("AT+CMEE?", "+CMEE: 2||OK");
}

#[test]
fn registration_is_reported_by_the_supported_domains() {
    let domains =
        [DomainSupport::Fixed(3), DomainSupport::Unsupported, DomainSupport::Follows, DomainSupport::Follows];
    let mut bench = Bench::new(Profile { domains, ..Profile::default() });
    bench.says("AT+CREG?", "+CREG: 0,3||OK");
    bench.says("AT+CGREG?", "ERROR");
    bench.says("AT+CEREG?", "+CEREG: 0,1||OK");
    bench.says("AT+CEREG=2", "OK");
    bench.says("AT+CEREG?", "+CEREG: 2,1,\"1A02\",\"01234502\",7||OK");
    bench.says("AT+COPS=2", "OK||+CEREG: 0");
    bench.says("AT+COPS?", "+COPS: 2||OK");
    bench.says("AT+COPS=0", "OK||+CEREG: 2");
    bench.says("AT+COPS?", "+COPS: 0||OK");
    assert!(bench.after(6_000).contains("+CEREG: 1,\"1A02\""), "the strongest, automatically");
    assert_eq!(bench.modem.registered(), Some("310410"));
}

#[test]
fn a_refused_selection_leaves_the_modem_in_manual_mode_without_a_network() {
    let mut bench = Bench::new(Profile::default());
    bench.says("AT+COPS=1,2,\"313100\"", "+CME ERROR: no network service");
    assert_eq!((bench.modem.registered(), bench.modem.selection()), (None, Selection::Manual));
    bench.says("AT+COPS?", "+COPS: 1||OK");
    bench.says("AT+CEREG?", "+CEREG: 0,3||OK");
    bench.says("AT+CSQ", "+CSQ: 25,99||OK");
    bench.after(600_000);
    assert!(!bench.modem.is_usable_for_pppd(), "it does not register again without a command");
}

#[test]
fn selections_end_as_the_network_defines() {
    let with = |select| {
        let mut profile = Profile::default();
        profile.networks[0].select = select;
        Bench::new(profile)
    };
    let select = "AT+COPS=1,2,\"310260\"";
    let mut bench = with(Select::Silent { busy_ms: 30_000 });
    assert_eq!(bench.ask(select), (String::new(), 2), "the echo alone");
    bench.says("AT", "OK");

    let mut bench = with(Select::AcceptButRegistersElsewhere { after_ms: 1_000, plmn: "311480".to_owned() });
    bench.says(select, "OK");
    bench.after(300);
    assert_eq!(bench.modem.registered(), Some("311480"));

    let mut bench = with(Select::AcceptLate { registered_after_ms: 3_000, after_ms: 40_000 });
    bench.send(&format!("{select}\r"));
    bench.after(3_000);
    assert_eq!(bench.modem.registered(), Some("310260"));
    assert!(!bench.after(36_000).contains("OK"));
    assert!(bench.after(1_001).contains("OK"));
}

#[test]
fn the_signal_of_the_previous_network_stays_until_it_settles() {
    let mut profile = Profile { signal_settle_ms: 4_000, ..Profile::default() };
    profile.delays.signal = 50;
    profile.networks[0].registration_ms = 0;
    let mut bench = Bench::new(profile.clone());
    bench.says("AT+COPS=1,2,\"310260\"", "OK");
    bench.says("AT+CSQ", "+CSQ: 25,99||OK");
    bench.after(4_000);
    bench.says("AT+CSQ", "+CSQ: 16,99||OK");
    bench.says("AT+CESQ", "+CESQ: 99,99,255,255,20,32||OK");

    let mut bench = Bench::new(Profile { signal_unknown_ms: 4_000, ..profile });
    bench.says("AT+COPS=1,2,\"310260\"", "OK");
    bench.says("AT+CSQ", "+CSQ: 99,99||OK");
}

#[test]
fn input_while_busy_waits_or_is_lost_or_aborts() {
    let mut bench = Bench::new(Profile::default());
    bench.send("AT+COPS=?\r\n");
    bench.after(1_000);
    bench.send("AT\r");
    assert_eq!(bench.after(50_000), "", "not even an echo");
    assert!(bench.after(10_000).ends_with("\r\nOK\r\n\nAT\r\r\nOK\r\n"), "one after the other");

    let mut bench = Bench::new(Profile { while_busy: WhileBusy::Ignore, ..Profile::default() });
    bench.send("AT+COPS=?\r");
    bench.after(1_000);
    bench.send("AT\r");
    assert_eq!(bench.after(90_000).matches("OK").count(), 1);

    let while_busy = WhileBusy::Abort(AbortAnswer::Aborted);
    let mut bench = Bench::new(Profile { while_busy, ..Profile::default() });
    bench.send("AT+COPS=?\r\n");
    bench.after(124);
    bench.send("x");
    bench.after(1);
    assert!(bench.modem.is_busy(), "in the first 125 ms a character is ignored");
    bench.send("\r");
    assert_eq!(bench.after(10), "\r\nABORTED\r\n");
    bench.says("AT", "OK");
}

#[test]
fn the_first_opener_gets_leftover_bytes() {
    let profile = Profile {
        leftover_input: b"AT+CO".to_vec(),
        leftover_output: b"\r\n+CREG: 2\r\n".to_vec(),
        prefix: Prefix::Strict,
        ..Profile::default()
    };
    let mut bench = Bench::new(profile);
    bench.send("AT\r");
    assert_eq!(bench.after(100), "\r\n+CREG: 2\r\nAT\r\r\nERROR\r\n");
    bench.says("AT", "OK");
}

#[test]
fn the_prefix_is_found_after_noise_or_not_as_the_profile_says() {
    let mut bench = Bench::new(Profile::default());
    bench.says("AATQ0", "OK");
    bench.says("x", "");
    let mut bench = Bench::new(Profile { prefix: Prefix::Strict, ..Profile::default() });
    bench.says("AATQ0", "ERROR");
}

#[test]
fn data_mode_ends_by_escape_and_by_closing() {
    let mut bench = Bench::new(Profile::default());
    bench.says("ATD*99#", "CONNECT");
    assert_eq!(bench.modem.mode(), LineMode::Data);
    bench.send("AT\r");
    let noise = bench.after(3_500);
    assert!(noise.contains('~') && !noise.contains("OK"), "{noise:?}");
    bench.send("+++");
    assert!(bench.after(1_000).contains("OK"));
    bench.says("ATO", "CONNECT");
    bench.after(1_500);
    bench.send("++");
    bench.send("+x");
    bench.after(2_000);
    assert_eq!(bench.modem.mode(), LineMode::Data, "no silence after it, no escape");
    bench.modem.closed(Instant::from_millis(bench.now));
    assert_eq!(bench.modem.mode(), LineMode::Command);

    let mut bench = Bench::new(Profile { in_data_mode: true, obeys_dtr: false, ..Profile::default() });
    bench.modem.closed(Instant::from_millis(5));
    bench.modem.opened(Instant::from_millis(10));
    bench.now = 2_000;
    bench.send("+++");
    bench.after(1_000);
    bench.says("ATH", "OK");
    bench.says("ATO", "NO CARRIER");
}
