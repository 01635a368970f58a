//! The driver of a caller that moves the bytes itself: whole scans against the simulated modem are in `tests/`.

use super::*;
use crate::scan::gate::Origin;
use crate::scan::{Outcome, Phase};
use crate::supervisor::{Levels, OwnPpp};

type Bare<'a> = Driver<SansIo, OwnPpp<&'a Levels>>;

/// A scan that has opened its port and has `AT` to send.
fn opened(levels: &Levels) -> (Bare<'_>, Instant) {
    let mut driver = Driver::new(SansIo::new(), OwnPpp::new(levels), Policy::DEFAULT);
    let mut now = Instant::ZERO;
    driver.request(now, Request { id: 1, origin: Origin::Manual });
    while !driver.transmit().starts_with(b"AT\r") {
        driver.transmitted(usize::MAX);
        while driver.poll(now).is_ok() {}
        if driver.transmit().is_empty() {
            now = driver.next_deadline().unwrap();
        }
    }
    (driver, now)
}

#[test]
fn bytes_that_were_sent_in_parts_are_not_sent_again() {
    let levels = Levels::new();
    let (mut driver, _now) = opened(&levels);
    driver.transmitted(1);
    assert_eq!(driver.transmit(), b"T\r");
    driver.transmitted(2);
    assert_eq!(driver.transmit(), b"");
    driver.transmitted(9);
    assert_eq!(driver.transmit(), b"", "more than there were");
}

#[test]
fn bytes_that_come_while_the_port_is_closed_are_no_answer() {
    let levels = Levels::new();
    levels.has_uart.set(true);
    let mut driver = Driver::new(SansIo::new(), OwnPpp::new(&levels), Policy::DEFAULT);
    driver.request(Instant::ZERO, Request { id: 1, origin: Origin::Manual });
    while driver.poll(Instant::ZERO).is_ok() {}
    assert_eq!(driver.scanner().phase(), Phase::StopPppWaitSv, "the PPP has the UART");
    let before = driver.scanner().clone();
    driver.receive(Instant::ZERO, b"\r\nOK\r\n+COPS: 0\r\n");
    assert_eq!(driver.scanner(), &before);
}

#[test]
fn a_line_that_lost_bytes_is_no_answer_and_the_next_one_is() {
    let levels = Levels::new();
    let (mut driver, now) = opened(&levels);
    driver.transmitted(3);
    driver.receive(now, b"\r\nO");
    driver.damaged();
    driver.receive(now, b"K\r\n");
    let next = driver.next_deadline().unwrap();
    while driver.poll(next).is_ok() {}
    assert_ne!(driver.transmit(), b"AT+CMEE?\r", "half an OK is no answer");
    let mut now = next;
    for _ in 0..10 {
        if driver.transmit().is_empty() {
            now = driver.next_deadline().unwrap();
        } else {
            driver.transmitted(usize::MAX);
            driver.receive(now, b"\r\nOK\r\n");
        }
        while driver.poll(now).is_ok() {}
        if driver.transmit() == b"AT+CMEE?\r" {
            return;
        }
    }
    panic!("a whole OK is an answer: {:?}", driver.scanner().phase());
}

#[test]
fn a_lost_port_is_opened_again_without_what_was_left_to_send() {
    let levels = Levels::new();
    let (mut driver, mut now) = opened(&levels);
    driver.lost(now);
    assert!(!driver.is_open());
    while !driver.is_open() {
        while driver.poll(now).is_ok() {}
        if !driver.is_open() {
            now = driver.next_deadline().unwrap();
        }
    }
    driver.transmitted(0);
    assert!(driver.transmit().len() <= b"AT\r".len(), "{:?}", driver.transmit());
}

#[test]
fn a_caller_that_never_sends_gets_its_ppp_back() {
    let levels = Levels::new();
    let (mut driver, mut now) = opened(&levels);
    loop {
        match driver.poll(now) {
            Ok(Event::Finished(outcome)) => break assert!(matches!(outcome, Outcome::Failed(_))),
            Ok(_) | Err(nb::Error::Other(_)) => {}
            Err(nb::Error::WouldBlock) => now = driver.next_deadline().unwrap(),
        }
    }
    assert!(levels.wanted.get());
}
