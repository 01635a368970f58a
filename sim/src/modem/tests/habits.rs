//! Faults of the modem, and its behaviour on the line.

use super::*;

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
    assert_eq!(reopened(deaf), "\r\nOK\r\n", "the next opener gets the late answer");
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
fn a_silent_modem_loses_input_and_output() {
    let mut bench = Bench::new(Profile::default());
    bench.send("AT\r");
    bench.fault(ModemFault::Silent { for_ms: 500 });
    bench.after(100);
    bench.send("AT\r");
    assert_eq!(bench.after(1_000), "");
    bench.says("AT", "OK");
}

#[test]
fn a_reset_loses_settings_and_network_and_it_registers_again() {
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
fn a_lost_network_ends_the_call_and_the_modem_registers_again() {
    let mut bench = Bench::new(Profile::default());
    bench.says("ATD*99#", "CONNECT");
    bench.fault(ModemFault::NetworkGone("310410".to_owned()));
    assert!(bench.after(10).contains("NO CARRIER"));
    bench.after(6_000);
    assert_eq!(bench.modem.registered(), Some("311480"), "the strongest of the others");
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

/// A random profile, of those that could expose faults of the modem.
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

/// A session drawn from `seed`; `fine` also polls between events.
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
fn no_input_causes_a_panic_or_a_busy_loop_and_equal_seeds_give_equal_sessions() {
    for seed in 0..300 {
        assert_eq!(session(seed, false), session(seed, false), "seed {seed}");
    }
}

#[test]
fn polling_more_often_changes_nothing_but_the_first_frame_of_noise() {
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
fn the_end_of_time_is_reached_without_a_busy_loop() {
    let mut modem = Modem::new(Profile { in_data_mode: true, ..Profile::default() }, 0);
    modem.opened(Instant::ZERO);
    modem.apply(Instant::ZERO, ModemFault::DelayNextAnswer(u64::MAX));
    modem.receive(Instant::MAX, b"AT\r+++");
    modem.poll(Instant::MAX, &mut Vec::new());
    modem.poll(Instant::ZERO, &mut Vec::new());
}
