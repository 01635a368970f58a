//! Data mode with a network behind it, and a modem with two ports.

use super::*;

fn carrying() -> Bench {
    Bench::new(Profile { carries_calls: true, ..Profile::default() })
}

impl Bench {
    fn download(&mut self, bytes: &[u8]) {
        self.modem.download(Instant::from_millis(self.now), bytes);
    }
}

#[test]
fn a_call_hands_on_what_either_side_sends() {
    let mut bench = carrying();
    assert_eq!(bench.modem.call(), None);
    bench.says("ATD*99#", "CONNECT");
    assert_eq!(bench.modem.call(), Some(1));
    bench.send("~to the network\r");
    assert_eq!(bench.modem.take_upload(), b"~to the network\r");
    assert_eq!(bench.modem.take_upload(), b"", "it is taken once");
    bench.download(b"~from the network\r");
    assert_eq!(bench.after(1), "~from the network\r", "as it is, and at once");
    assert_eq!(bench.after(60_000), "", "it makes no noise of its own");
}

#[test]
fn a_call_ends_with_dtr_with_ath_with_the_registration_and_by_the_network() {
    let mut bench = carrying();
    bench.says("ATD*99#", "CONNECT");
    bench.download(b"unread");
    bench.modem.closed(Instant::from_millis(bench.now));
    assert_eq!(bench.modem.call(), None);
    bench.modem.opened(Instant::from_millis(bench.now));
    assert_eq!(bench.after(100), "", "what the call has brought ends with it");

    bench.says("ATD*99#", "CONNECT");
    assert_eq!(bench.modem.call(), Some(2), "another call");
    bench.fault(ModemFault::HangUp);
    assert_eq!((bench.after(1).as_str(), bench.modem.call()), ("\r\nNO CARRIER\r\n", None));
    bench.fault(ModemFault::HangUp);
    assert_eq!(bench.after(1), "", "without a call there is nothing to end");

    bench.says("ATD*99#", "CONNECT");
    bench.fault(ModemFault::LoseRegistration);
    assert_eq!((bench.after(1).as_str(), bench.modem.call()), ("\r\nNO CARRIER\r\n", None));

    bench.after(10_000);
    bench.says("ATD*99#", "CONNECT");
    bench.after(1_000);
    bench.send("+++");
    assert_eq!(bench.after(1_000), "\r\nOK\r\n");
    assert_eq!((bench.modem.mode(), bench.modem.call()), (LineMode::Command, Some(4)), "it is held");
    bench.says("ATO", "CONNECT");
    assert_eq!(bench.modem.call(), Some(4), "the same call");
    bench.after(1_000);
    bench.send("+++");
    bench.after(1_000);
    bench.says("ATH", "OK");
    assert_eq!(bench.modem.call(), None);
}

#[test]
fn a_network_may_register_and_give_no_ppp() {
    let mut bench = carrying();
    let calls = |calls| ModemFault::Calls { plmn: "310410".to_owned(), calls };
    bench.fault(calls(Calls::Refused));
    assert!(!bench.modem.is_usable_for_pppd());
    bench.says("ATD*99#", "NO CARRIER");
    bench.fault(calls(Calls::Mute));
    assert!(!bench.modem.is_usable_for_pppd());
    bench.says("ATD*99#", "CONNECT");
    bench.send("hello?");
    bench.download(b"hello");
    assert_eq!((bench.after(1_000).as_str(), bench.modem.take_upload().as_slice()), ("", b"".as_slice()));
    bench.fault(calls(Calls::Ppp));
    bench.send("hello?");
    bench.download(b"hello");
    assert_eq!(
        (bench.after(1).as_str(), bench.modem.take_upload().as_slice()),
        ("hello", b"hello?".as_slice())
    );
    assert!(bench.modem.is_usable_for_pppd());

    let mut noisy = Bench::new(Profile::default());
    noisy.fault(calls(Calls::Mute));
    noisy.says("ATD*99#", "CONNECT");
    assert_eq!(noisy.after(60_000), "", "no noise of a network that is mute");
}

#[test]
fn the_ports_of_a_modem_share_its_registration_and_nothing_else() {
    let mut ports = Ports::new(Profile { carries_calls: true, ..Profile::default() }, 7, 2);
    let mut heard = [Vec::new(), Vec::new()];
    let mut now = 0;
    let mut run = |ports: &mut Ports, asked: &[(usize, &str)], millis: u64| {
        for (port, text) in asked {
            ports.port(Instant::from_millis(now), *port).receive(Instant::from_millis(now), text.as_bytes());
        }
        now += millis;
        while let Some(at) = ports.next_event().filter(|at| at.as_millis() <= now) {
            ports.poll(at, &mut heard);
        }
        heard.each_mut().map(|heard| String::from_utf8(std::mem::take(heard)).expect("text"))
    };
    let call = |ports: &mut Ports, port| ports.port(Instant::ZERO, port).call();
    (0..2).for_each(|port| ports.port(Instant::ZERO, port).opened(Instant::ZERO));
    let [dialling, other] = run(&mut ports, &[(0, "ATE0\r"), (1, "ATE0\r")], 100);
    assert!(dialling.ends_with("OK\r\n") && other.ends_with("OK\r\n"), "{dialling:?} {other:?}");
    let [dialling, _] = run(&mut ports, &[(0, "ATD*99#\r")], 100);
    assert_eq!(dialling, "\r\nCONNECT\r\n");
    let [_, other] = run(&mut ports, &[(1, "AT+COPS?\r")], 100);
    assert!(other.contains("AT&T"), "the other port answers during the call: {other}");
    assert_eq!((call(&mut ports, 0), call(&mut ports, 1)), (Some(1), None));
    let [dialling, _] = run(&mut ports, &[(1, "AT+COPS=2\r")], 2_000);
    assert_eq!((dialling.as_str(), call(&mut ports, 0)), ("\r\nNO CARRIER\r\n", None));
    run(&mut ports, &[(1, "AT+COPS=1,2,\"311480\"\r")], 10_000);
    let [dialling, _] = run(&mut ports, &[(0, "AT+COPS?\r")], 100);
    assert!(dialling.contains("Verizon"), "{dialling}");
}
