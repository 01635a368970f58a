//! The modem as its client sees it. Times are milliseconds.

use super::*;

/// A modem and a client that notes when each line arrived.
struct Bench {
    modem: Modem,
    now: u64,
    heard: Vec<u8>,
}

impl Bench {
    #[track_caller]
    fn new(profile: Profile) -> Self {
        let mut modem = Modem::new(profile, 7);
        modem.opened(Instant::ZERO);
        Self { modem, now: 0, heard: Vec::new() }
    }

    fn send(&mut self, text: &str) {
        self.modem.receive(Instant::from_millis(self.now), text.as_bytes());
    }

    fn until(&mut self, millis: u64) {
        while let Some(at) = self.modem.next_event().filter(|at| at.as_millis() <= millis) {
            self.modem.poll(at, &mut self.heard);
        }
        self.now = millis;
        self.modem.poll(Instant::from_millis(millis), &mut self.heard);
    }

    fn after(&mut self, millis: u64) -> String {
        self.until(self.now + millis);
        self.take()
    }

    fn take(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.heard)).into_owned()
    }

    /// The answer to a command and how long its last byte took, however long that is.
    #[track_caller]
    fn ask(&mut self, command: &str) -> (String, u64) {
        let began = self.now;
        let mut done = began;
        self.send(&format!("{command}\r"));
        while self.modem.is_busy() || self.modem.wire.next_due().is_some() {
            let at = self.modem.next_event().expect("a busy modem knows when it ends").as_millis();
            let before = self.heard.len();
            self.until(at);
            done = if self.heard.len() > before { at } else { done };
        }
        let heard = self.take();
        let answer =
            heard.strip_prefix(&format!("{command}\r")).unwrap_or(&heard).trim().replace("\r\n", "|");
        (answer, done - began)
    }

    #[track_caller]
    fn says(&mut self, command: &str, answer: &str) {
        assert_eq!(self.ask(command).0, answer, "to {command}");
    }

    fn fault(&mut self, fault: ModemFault) {
        self.modem.apply(Instant::from_millis(self.now), fault);
    }
}

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
fn registration_is_reported_by_the_domains_it_has() {
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
    assert!(bench.after(6_000).contains("+CEREG: 1,\"1A02\""), "the strongest, by itself");
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
    assert!(!bench.modem.is_usable_for_pppd(), "it does not come back by itself");
}

#[test]
fn selections_end_as_the_network_has_it() {
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
fn the_signal_of_the_network_before_stays_until_it_settles() {
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
fn leftovers_are_met_by_the_first_who_opens() {
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
fn the_prefix_is_found_behind_noise_or_not() {
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

#[test]
fn closing_the_port_ends_the_command_unless_dtr_is_ignored() {
    let reopened = |profile| {
        let mut bench = Bench::new(profile);
        bench.send("AT+COPS=2\r");
        bench.until(100);
        bench.modem.closed(Instant::from_millis(100));
        bench.until(5_000);
        bench.modem.opened(Instant::from_millis(5_000));
        bench.take();
        bench.after(100)
    };
    assert_eq!(reopened(Profile::default()), "");
    let deaf = Profile { obeys_dtr: false, queues_while_closed: true, ..Profile::default() };
    assert_eq!(reopened(deaf), "\r\nOK\r\n", "the late answer meets the next who opens");
}

#[test]
fn answers_are_dropped_delayed_cut_and_doubled() {
    let mut bench = Bench::new(Profile::default());
    bench.fault(ModemFault::DropNextAnswer);
    bench.says("AT", "");
    bench.fault(ModemFault::DelayNextAnswer(7_000));
    bench.send("AT+CSQ\r");
    bench.after(5_000);
    bench.send("AT+COPS?\r");
    assert_eq!(
        bench.after(3_100),
        "\r\n+CSQ: 25,99\r\n\r\nOK\r\nAT+COPS?\r\r\n+COPS: 0,0,\"AT&T\",7\r\n\r\nOK\r\n"
    );
    bench.fault(ModemFault::TruncateNextAnswer(6));
    bench.says("AT+CSQ", "+CSQ");
    bench.fault(ModemFault::DuplicateNextFinal);
    bench.says("AT", "OK||OK");
    bench.fault(ModemFault::EchoLost);
    bench.send("AT\r");
    assert_eq!(bench.after(50), "\r\nOK\r\n");
    bench.fault(ModemFault::Garbage(vec![0, 255, b'x']));
    bench.fault(ModemFault::Urc("RING".to_owned()));
    assert_eq!(bench.after(1), "\0\u{fffd}x\r\nRING\r\n");
    bench.fault(ModemFault::DropNextAnswer);
    bench.fault(ModemFault::Heal);
    bench.says("AT", "OK");
}

#[test]
fn a_silent_modem_loses_what_it_hears_and_what_it_would_say() {
    let mut bench = Bench::new(Profile::default());
    bench.send("AT\r");
    bench.fault(ModemFault::Silent { for_ms: 500 });
    bench.after(100);
    bench.send("AT\r");
    assert_eq!(bench.after(1_000), "");
    bench.says("AT", "OK");
}

#[test]
fn a_reset_loses_settings_and_network_and_both_come_back() {
    let mut bench = Bench::new(Profile::default());
    bench.says("ATE0", "OK");
    bench.says("AT+COPS=2", "OK");
    bench.fault(ModemFault::ResetNow);
    bench.send("AT\r");
    assert_eq!(bench.modem.mode(), LineMode::Booting);
    assert_eq!(bench.after(12_000), "\r\n^SYSSTART\r\n\r\n+PBREADY\r\n");
    bench.send("AT\r");
    assert_eq!(bench.after(20), "AT\r\r\nOK\r\n");
    assert!(!bench.modem.is_usable_for_pppd());
    bench.after(6_000);
    assert!(bench.modem.is_usable_for_pppd());
}

#[test]
fn a_lost_network_ends_the_call_and_is_found_again() {
    let mut bench = Bench::new(Profile::default());
    bench.says("ATD*99#", "CONNECT");
    bench.fault(ModemFault::NetworkGone("310410".to_owned()));
    assert!(bench.after(10).contains("NO CARRIER"));
    bench.after(6_000);
    assert_eq!(bench.modem.registered(), Some("311480"), "the strongest that is left");
    bench.fault(ModemFault::NetworkGone("311480".to_owned()));
    bench.fault(ModemFault::NetworkGone("310260".to_owned()));
    bench.after(60_000);
    assert_eq!(bench.modem.registered(), None);
    bench.fault(ModemFault::NetworkBack("310410".to_owned()));
    bench.after(6_000);
    assert_eq!(bench.modem.registered(), Some("310410"));
}

#[test]
fn answers_arrive_byte_by_byte_where_the_line_is_slow() {
    let fragments = Fragments { size: 1, gap_ms: 3 };
    let mut bench = Bench::new(Profile { fragments, ..Profile::default() });
    bench.send("ATE0\r");
    bench.until(14);
    let first = bench.heard.len();
    bench.until(17);
    assert_eq!(bench.heard.len(), first + 1);
    assert_eq!(bench.after(1_000), "ATE0\r\r\nOK\r\n");
    let sent = bench.modem.log().iter().filter(|entry| matches!(entry.what, ModemEvent::Sent(_))).count();
    assert!(sent <= 2, "the journal shows lines, not bytes: {:?}", bench.modem.log());
}

#[test]
fn canned_answers_come_before_all_others() {
    let canned = Canned {
        command: "+CGDCONT?".to_owned(),
        lines: vec!["+CGDCONT: 1,\"IP\",\"Globaldata.iot\"".to_owned()],
        error: None,
        delay_ms: 90,
    };
    let mut bench = Bench::new(Profile { canned: vec![canned], ..Profile::default() });
    assert_eq!(bench.ask("at+cgdcont?"), ("+CGDCONT: 1,\"IP\",\"Globaldata.iot\"||OK".to_owned(), 90));
}

/// A profile drawn from dice, of those that could trip the modem up.
fn drawn_profile(dice: &mut Prng) -> Profile {
    let pick = |dice: &mut Prng| dice.chance(500);
    let mut profile = Profile {
        echo: pick(dice),
        verbose: pick(dice),
        cmee: u8::try_from(dice.below(4)).unwrap_or(0),
        fragments: Fragments { size: usize::try_from(dice.below(4)).unwrap_or(0), gap_ms: dice.below(5) },
        in_data_mode: dice.chance(200),
        obeys_dtr: pick(dice),
        queues_while_closed: pick(dice),
        ppp_noise_every_ms: dice.below(4_000),
        automatic_registration_ms: dice.below(10_000),
        signal_noise: u8::try_from(dice.below(256)).unwrap_or(0),
        boot_ms: dice.below(20_000),
        ..Profile::default()
    };
    profile.delays.jitter = dice.below(1_000);
    profile.while_busy = match dice.below(3) {
        0 => WhileBusy::Abort(AbortAnswer::Ok),
        1 => WhileBusy::Ignore,
        _ => WhileBusy::Buffer,
    };
    profile
}

fn drawn_input(dice: &mut Prng) -> Vec<u8> {
    const LINES: [&str; 10] = [
        "AT+COPS=?\r",
        "AT+COPS=1,2,\"310260\"\r",
        "AT+COPS=0\r\n",
        "ATD*99#\r",
        "+++",
        "AT+CEREG=2\r",
        "AT+CSQ\r",
        "\r",
        "AT\u{e9}+=?,,\"\r",
        "ATE0V1S0=99999999999999\r",
    ];
    if dice.chance(600) {
        let line = LINES[usize::try_from(dice.below(10)).unwrap_or(0)];
        return line.as_bytes().to_vec();
    }
    let length = dice.below(700);
    (0..length).map(|_| u8::try_from(dice.below(256)).unwrap_or(0)).collect()
}

fn drawn_fault(dice: &mut Prng) -> ModemFault {
    match dice.below(8) {
        0 => ModemFault::Silent { for_ms: dice.below(10_000) },
        1 => ModemFault::DropNextAnswer,
        2 => ModemFault::DelayNextAnswer(dice.next_u64()),
        3 => ModemFault::ResetNow,
        4 => ModemFault::LoseRegistration,
        5 => ModemFault::TruncateNextAnswer(usize::try_from(dice.below(99)).unwrap_or(0)),
        6 => ModemFault::NetworkGone("310410".to_owned()),
        _ => ModemFault::Heal,
    }
}

/// A session drawn from `seed`; `fine` also polls at times that nobody asked for.
fn session(seed: u64, fine: bool) -> (Vec<u8>, Vec<ModemLog>) {
    let mut dice = Prng::new(seed);
    let mut modem = Modem::new(drawn_profile(&mut dice), seed);
    let mut now = 0;
    let mut heard = Vec::new();
    for _ in 0..60 {
        let at = Instant::from_millis(now);
        match dice.below(8) {
            0 => modem.opened(at),
            1 => modem.closed(at),
            2 => modem.apply(at, drawn_fault(&mut dice)),
            _ => modem.receive(at, &drawn_input(&mut dice)),
        }
        now += dice.below(20_000);
        if fine {
            modem.poll(Instant::from_millis(now - 1).max(at), &mut heard);
        }
        while let Some(due) = modem.next_event().filter(|due| due.as_millis() <= now) {
            modem.poll(due, &mut heard);
            assert!(modem.next_event().is_none_or(|next| next > due), "seed {seed}: spins at {due}");
        }
        assert!(modem.line.len() <= input::LINE_BYTES_MAX, "seed {seed}");
    }
    (heard, modem.log().to_vec())
}

#[test]
fn no_input_makes_it_panic_or_spin_and_equal_seeds_make_equal_sessions() {
    for seed in 0..300 {
        assert_eq!(session(seed, false), session(seed, false), "seed {seed}");
    }
}

#[test]
fn looking_more_often_changes_nothing_but_the_first_frame_of_noise() {
    for seed in
        (0..200).filter(|seed| !Modem::new(drawn_profile(&mut Prng::new(*seed)), 0).profile.in_data_mode)
    {
        let lines = |fine| {
            let log = session(seed, fine).1;
            log.into_iter().filter(|entry| matches!(entry.what, ModemEvent::Received(_))).collect::<Vec<_>>()
        };
        assert_eq!(lines(false), lines(true), "seed {seed}");
    }
}

#[test]
fn the_end_of_time_is_reached_without_a_spin() {
    let mut modem = Modem::new(Profile { in_data_mode: true, ..Profile::default() }, 0);
    modem.opened(Instant::ZERO);
    modem.apply(Instant::ZERO, ModemFault::DelayNextAnswer(u64::MAX));
    modem.receive(Instant::FAR, b"AT\r+++");
    modem.poll(Instant::FAR, &mut Vec::new());
    modem.poll(Instant::ZERO, &mut Vec::new());
}
