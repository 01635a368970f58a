//! The pty from the view of a client. Waits are on conditions.

use std::io::Read;

use super::*;
use crate::modem::{Delays, ModemEvent};

fn quick() -> Profile {
    let delays = Delays { echo: 0, attention: 1, read: 1, signal: 1, settings: 1, ..Delays::default() };
    Profile { delays, ..Profile::default() }
}

fn open(path: &Path) -> File {
    File::options().read(true).write(true).open(path).expect("the slave opens")
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "not within 10 s: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Reads until `end` has come.
fn read_to(port: &mut File, end: &str) -> String {
    let mut heard = String::new();
    let mut buffer = [0_u8; 256];
    while !heard.ends_with(end) {
        let length = port.read(&mut buffer).expect("the modem speaks");
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    heard
}

#[test]
fn a_client_gets_the_modems_answers_without_terminal_processing() {
    let modem = PtyModem::spawn(quick(), 1, None).expect("a pty");
    let mut port = open(&modem.path());
    port.write_all(b"AT+CSQ\r").expect("the port takes it");
    assert_eq!(read_to(&mut port, "OK\r\n"), "AT+CSQ\r\r\n+CSQ: 25,99\r\n\r\nOK\r\n");
    modem.apply(ModemFault::Urc("RING".to_owned()));
    assert_eq!(read_to(&mut port, "RING\r\n"), "\r\nRING\r\n");
}

#[test]
fn the_modem_notices_when_the_last_client_closes() {
    let modem = PtyModem::spawn(quick(), 1, None).expect("a pty");
    let first = open(&modem.path());
    let second = open(&modem.path());
    wait_until("open", || modem.is_open());
    drop(first);
    assert!(modem.is_open());
    drop(second);
    wait_until("closed", || !modem.is_open());
    let mut port = open(&modem.path());
    port.write_all(b"AT\r").expect("the port takes it");
    drop(port);
    wait_until("the bytes of a client that closed at once arrived", || {
        modem.log().iter().any(|entry| entry.what == ModemEvent::Received("AT".to_owned()))
    });
}

#[test]
fn a_vanished_port_gives_errors_and_comes_back_under_its_link() {
    let link = std::env::temp_dir().join(format!("cellscan-pty-{}", std::process::id()));
    let modem = PtyModem::spawn_linked(quick(), 1, None, link.clone()).expect("a pty");
    let mut port = open(&link);
    wait_until("open", || modem.is_open());
    modem.vanish().expect("the port goes");
    assert!(fs::symlink_metadata(&link).is_err());
    assert_eq!(port.write(b"AT\r").map_err(|error| error.raw_os_error()), Err(Some(5)), "EIO");
    modem.reappear().expect("the port comes back");
    let mut port = open(&link);
    port.write_all(b"AT\r").expect("the port takes it");
    assert_eq!(read_to(&mut port, "OK\r\n"), "AT\r\r\nOK\r\n");
    drop(modem);
    assert!(fs::symlink_metadata(&link).is_err());
}

#[test]
fn the_thread_and_the_port_end_with_the_server() {
    let modem = PtyModem::spawn(quick(), 1, None).expect("a pty");
    let mut port = open(&modem.path());
    let shared = Arc::downgrade(&modem.shared);
    drop(modem);
    assert_eq!(shared.strong_count(), 0);
    assert!(port.write(b"AT\r").is_err());
}
