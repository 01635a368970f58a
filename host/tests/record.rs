//! `record` from outside, between Debian's `chat` and a modem on a pseudo-terminal: what the recording contains.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics with its place")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use cellscan::clock::Clock;
use cellscan::event_loop;
use cellscan::recording::{Entry, Timed, Who};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Debian's `chat`, which writes one character at a time.
const CHAT: &str = "/usr/sbin/chat";
/// A whole `chat` takes two seconds; a busy machine needs more.
const SOON: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A modem that echoes, answers OK to every command and CONNECT to a dial string, and then sends PPP frames until the port sends
/// `+++`.
struct Modem {
    path: PathBuf,
    _slave: OwnedFd,
}

impl Modem {
    fn new(serve: impl FnOnce(File) + Send + 'static) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let mut raw = tcgetattr(&master).unwrap();
        raw.make_raw();
        tcsetattr(&master, OptionalActions::Now, &raw).unwrap();
        let path = PathBuf::from(ptsname(&master, Vec::new()).unwrap().into_string().unwrap());
        // Kept open, because the master returns `EIO` while no process has the port open.
        let slave = File::options().read(true).write(true).open(&path).unwrap();
        thread::spawn(move || serve(File::from(master)));
        Self { path, _slave: slave.into() }
    }

    fn of_ppp() -> Self {
        Self::new(|mut port| {
            let (mut line, mut byte, mut data) = (Vec::new(), [0], false);
            while port.read(&mut byte).is_ok_and(|count| count == 1) {
                line.push(byte[0]);
                if data && line.ends_with(b"+++") {
                    data = false;
                    line.clear();
                    port.write_all(b"\r\nOK\r\n").unwrap();
                } else if !data {
                    port.write_all(&byte).unwrap();
                    if byte == [b'\r'] {
                        data = line.starts_with(b"ATD");
                        let said: &[u8] = if data {
                            b"\r\nCONNECT 115200\r\n\x7e\xff\x03\xc0\x23\x02\x01welcome-back-joe\x7e"
                        } else if line.starts_with(b"AT+CCID") {
                            b"\r\n+CCID: 8931681012345678AF9F\r\n\r\nOK\r\n"
                        } else {
                            b"\r\nOK\r\n"
                        };
                        port.write_all(said).unwrap();
                        line.clear();
                    }
                }
            }
        })
    }
}

/// A running `record`, and the port for the other program.
struct Record {
    child: Child,
    port: PathBuf,
    file: PathBuf,
}

impl Record {
    fn begin(root: &Path, modem: &Modem, words: &[&str]) -> Self {
        let (port, file) = (root.join("modem"), root.join("recorded.atlog"));
        fs::create_dir_all(root.join("lock")).unwrap();
        // With any umask, only the owner may read a recording.
        let mut command = Command::new("sh");
        command.args(["-c", "umask 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_cellscan"), "record"]);
        command.arg("--port").arg(&modem.path).arg("--file").arg(&file).arg("--link").arg(&port);
        command.arg("--lock-dir").arg(root.join("lock")).args(words).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("the other program is to use"), "{said}");
        Self { child, port, file }
    }

    /// The bytes of both directions in the recording, and its words; then its text.
    fn end(mut self) -> (Vec<u8>, Vec<u8>, Vec<String>, String) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut ended = None;
        until("record obeys TERM", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
        let text = fs::read_to_string(&self.file).unwrap();
        let (mut sent, mut received, mut words) = (Vec::new(), Vec::new(), Vec::new());
        for timed in text.lines().filter_map(|line| Timed::parse(line.as_bytes()).unwrap()) {
            match timed.entry {
                Entry::Sent(bytes) => sent.extend(bytes),
                Entry::Received(bytes) => received.extend(bytes),
                Entry::Said(Who::Scan, said) => words.push(said),
                Entry::Said(..) => {}
            }
        }
        (sent, received, words, text)
    }

    fn until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        until(what, || holds(&fs::read_to_string(&self.file).unwrap()));
    }
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let clock = Clock::new();
    let deadline = clock.now() + SOON;
    while !holds() {
        assert!(clock.now() < deadline, "not in time: {what}");
        event_loop::wait(&[], Some(clock.now() + LOOK_AGAIN), clock).unwrap();
    }
}

#[test]
fn the_recording_contains_no_secret_that_chat_sends() {
    if !Path::new(CHAT).exists() {
        println!("SKIPPED: no {CHAT} (package ppp)");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let modem = Modem::of_ppp();
    let record = Record::begin(root.path(), &modem, &[]);
    let port = File::options().read(true).write(true).open(&record.port).unwrap();
    let script = [
        "",
        "AT",
        "OK",
        "AT+CMEE=1;+CPIN=\"2468\"",
        "OK",
        "AT+CGAUTH=1,1,\"joe\",\"s3cret\"",
        "OK",
        "AT#PDPAUTH=1,1,joe,s3cret",
        "OK",
        "AT+CCID",
        "OK",
        "ATDT0151234567",
        "CONNECT",
        "\\d\\c",
    ];
    let chat = Command::new(CHAT)
        .args(["-t", "30"])
        .args(script)
        .stdin(port.try_clone().unwrap())
        .stdout(port.try_clone().unwrap())
        .stderr(Stdio::null())
        .status();
    assert!(chat.unwrap().success(), "chat completed its script");
    // As pppd writes it: the password of PAP (RFC 1334 §2.2.1) in a frame, in two halves.
    let mut port = port;
    for half in [b"\x7e\xff\x03\xc0\x23\x01\x01\x00\x0f\x03joe\x06s3c".as_slice(), b"ret\xaa\x55\x7e"] {
        port.write_all(half).unwrap();
        port.flush().unwrap();
    }
    port.write_all(b"+++").unwrap();
    record.until("the OK to +++", |text| text.contains("scan data sent"));
    port.write_all(b"AT+CSQ\r").unwrap();
    record.until("the command behind data mode", |text| text.contains("AT+CSQ"));
    let mode = fs::metadata(&record.file).unwrap().permissions().mode() & 0o777;
    let (sent, received, words, text) = record.end();
    for direction in [&sent, &received] {
        let shown = String::from_utf8_lossy(direction).into_owned();
        for secret in ["2468", "joe", "s3c", "ret", "51234567", "168101", "AF9F", "welcome"] {
            assert!(!shown.contains(secret), "{secret} is in {shown:?}\n{text}");
        }
    }
    let sent = String::from_utf8_lossy(&sent).into_owned();
    for kept in ["AT+CMEE=1;+CPIN=\"0000\"\r", "ATDT0000000000\r", "AT+CSQ\r"] {
        assert!(sent.contains(kept), "{kept:?} is in {sent:?}");
    }
    assert!(words.iter().any(|said| said.starts_with("data sent ")), "{words:?}");
    assert_eq!(mode, 0o600, "whatever the umask");
}

#[test]
fn a_modem_that_babbles_does_not_fill_the_disk() {
    let root = tempfile::tempdir().unwrap();
    let modem = Modem::new(|mut port| while port.write_all(b"+BABBLE: 12345\r\n").is_ok() {});
    let record = Record::begin(root.path(), &modem, &["--record-limit", "20000"]);
    record.until("the limit", |text| text.contains("scan left-out from here on"));
    let (_, received, words, text) = record.end();
    let left_out = words.last().and_then(|said| said.strip_prefix("left-out bytes sent 0 received "));
    let left_out = left_out.and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    assert!(left_out.is_some_and(|count| count > 0), "{words:?}");
    assert!(text.len() <= 20_500 && received.len() > 10_000, "{} {}", text.len(), received.len());
    assert!(!text.contains("12345"), "a number of no known answer is masked");
}
