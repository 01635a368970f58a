use std::io::{BufRead, Write};
use std::os::unix::net::UnixStream;

use super::connection::{REQUEST_LEN_MAX, REQUEST_LIMIT};
use super::*;
use crate::clock::Clock;
use crate::soon::soon;

fn listening() -> (tempfile::TempDir, Control, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let run_dir = root.path().join("run");
    let control = Control::listen(&run_dir).unwrap();
    (root, control, run_dir.join(SOCKET))
}

fn told(stream: UnixStream) -> Vec<serde_json::Value> {
    let lines = io::BufReader::new(stream).lines().map(Result::unwrap);
    lines.map(|line| serde_json::from_str(&line).unwrap()).collect()
}

#[test]
fn a_request_is_taken_answered_and_its_connection_closed() {
    let (_root, mut control, path) = listening();
    let now = Clock::new().now();
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"{\"request\":\"sc").unwrap();
    assert!(control.turn(now).is_empty());
    stream.write_all(b"an\",\"id\":7}\nmore").unwrap();
    let asked = control.turn(now);
    let [(client, Request::Scan { id: Some(7), automatic: false })] = asked[..] else { panic!("{asked:?}") };
    control.answer(client, &Answer::Accepted { id: 7 });
    control.relay(client, &Relayed::Said { text: "x".to_owned() });
    control.close(client);
    control.turn(now);
    let told = told(stream);
    assert_eq!((told.len(), &told[0]["kind"], &told[1]["text"]), (2, &"accepted".into(), &"x".into()));
}

#[test]
fn what_is_no_request_is_named() {
    let (_root, mut control, path) = listening();
    let clock = Clock::new();
    for bad in [
        b"hello\n".to_vec(),
        b"{\"request\":\"reboot\"}\n".to_vec(),
        b"{\"request\":\"scan\",\"id\":-1}\n".to_vec(),
        vec![b'x'; REQUEST_LEN_MAX + 1],
        b"\xff\n".to_vec(),
    ] {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(&bad).unwrap();
        assert!(control.turn(clock.now()).is_empty());
        control.turn(clock.now());
        let told = told(stream);
        assert_eq!((told.len(), &told[0]["kind"]), (1, &"error".into()), "{}", bad.escape_ascii());
    }
}

#[test]
fn who_writes_no_more_is_answered_and_not_waited_for() {
    let (_root, mut control, path) = listening();
    let now = Clock::new().now();
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"{\"request\":\"status\"}\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let gone = UnixStream::connect(&path).unwrap();
    drop(gone);
    let asked = control.turn(now);
    assert_eq!((control.clients.len(), control.wake_fds().count()), (1, 1), "the listener alone");
    control.answer(asked[0].0, &Answer::Aborting { scanning: false });
    control.close(asked[0].0);
    control.sweep();
    assert_eq!(told(stream).len(), 1);
}

#[test]
fn who_says_nothing_is_let_go() {
    let (_root, mut control, path) = listening();
    let now = Clock::new().now();
    let streams: Vec<UnixStream> = (0..CLIENTS_MAX).map(|_| UnixStream::connect(&path).unwrap()).collect();
    control.turn(now);
    assert_eq!(control.clients.len(), CLIENTS_MAX);
    assert_eq!(control.deadline(now), Some(now + REQUEST_LIMIT));
    control.turn(now + REQUEST_LIMIT);
    assert!(control.clients.is_empty());
    for stream in streams {
        assert_eq!(told(stream).len(), 1, "each is told why");
    }
}

/// Connects, and asks.
fn asking(path: &Path, request: &str) -> UnixStream {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(format!("{{\"request\":\"{request}\"}}\n").as_bytes()).unwrap();
    stream
}

#[test]
fn the_oldest_connection_that_has_not_asked_gives_way_and_is_told_so() {
    let (_root, mut control, path) = listening();
    let now = Clock::new().now();
    let idle: Vec<UnixStream> = (0..CLIENTS_MAX).map(|_| UnixStream::connect(&path).unwrap()).collect();
    assert!(control.turn(now).is_empty());
    let one_more = asking(&path, "status");
    let asked = control.turn(now);
    let [(client, Request::Status)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(control.clients.len(), CLIENTS_MAX);
    control.answer(client, &Answer::Aborting { scanning: false });
    control.close(client);
    control.sweep();
    assert_eq!(told(one_more)[0]["kind"], "aborting");
    let mut idle = idle.into_iter();
    let first = told(idle.next().unwrap());
    assert!(first[0]["message"].as_str().unwrap().contains("while others waited"), "{first:?}");
    // The others may still ask.
    for mut stream in idle {
        stream.write_all(b"{\"request\":\"abort\"}\n").unwrap();
    }
    assert_eq!(control.turn(now).len(), CLIENTS_MAX - 1);
}

#[test]
fn a_request_among_two_hundred_idle_connections_is_read_in_the_turn_in_which_it_is_accepted() {
    let (_root, mut control, path) = listening();
    let now = Clock::new().now();
    let connect = |count: usize| (0..count).map(|_| UnixStream::connect(&path).unwrap()).collect::<Vec<_>>();
    let mut open = connect(50);
    let _waiting = asking(&path, "abort");
    open.extend(connect(150));
    let asked: Vec<_> = (0..200usize.div_ceil(ACCEPTS_MAX)).flat_map(|_| control.turn(now)).collect();
    assert!(matches!(asked[..], [(_, Request::Abort)]), "{asked:?}");
    assert!(control.clients.len() <= CLIENTS_MAX, "{}", control.clients.len());
    drop(open);
}

#[test]
fn who_has_asked_keeps_the_place_until_answered_and_many_that_ask_at_once_are_all_answered() {
    let (_root, mut control, path) = listening();
    let now = Clock::new().now();
    let watcher = asking(&path, "scan");
    let [(watching, Request::Scan { .. })] = control.turn(now)[..] else { panic!() };
    let many: Vec<UnixStream> = (0..4 * CLIENTS_MAX).map(|_| asking(&path, "status")).collect();
    let asked = control.turn(now);
    assert_eq!(asked.len(), many.len());
    for (client, _) in asked {
        control.answer(client, &Answer::Aborting { scanning: true });
        control.close(client);
    }
    control.sweep();
    for stream in many {
        assert_eq!(told(stream).len(), 1);
    }
    assert_eq!(control.clients.len(), 1, "the one that watches");
    control.answer(watching, &Answer::Done { exit: 0 });
    control.close(watching);
    control.sweep();
    assert_eq!(told(watcher)[0]["kind"], "done");
}

#[test]
fn who_reads_nothing_keeps_neither_the_place_nor_the_wakeups() {
    let (_root, mut control, path) = listening();
    let now = Clock::new().now();
    let deaf: Vec<UnixStream> = (0..CLIENTS_MAX).map(|_| asking(&path, "scan")).collect();
    let long = Relayed::Said { text: "x".repeat(64 * 1_024) };
    for (client, _) in control.turn(now) {
        // More than the kernel takes for a reader that does not come, and less than is kept for one.
        for _ in 0..6 {
            control.relay(client, &long);
        }
        control.close(client);
    }
    control.turn(now);
    assert_eq!(control.clients.len(), CLIENTS_MAX);
    let _more = asking(&path, "status");
    assert_eq!(control.turn(now).len(), 1, "one of the deaf gave way");
    assert_eq!(control.clients.len(), CLIENTS_MAX);
    control.turn(now + REQUEST_LIMIT);
    assert_eq!(control.clients.len(), 1, "the deaf are let go");
    assert_eq!(control.deadline(now), None);
    drop(deaf);
}

#[test]
fn who_goes_on_writing_wakes_the_daemon_no_more() {
    let (_root, mut control, path) = listening();
    let now = Clock::new().now();
    let mut stream = asking(&path, "scan");
    assert_eq!(control.turn(now).len(), 1);
    stream.write_all(&vec![b'x'; 60_000]).unwrap();
    assert_eq!(control.wake_fds().count(), 1, "the listener alone");
    let mut writer = UnixStream::connect(&path).unwrap();
    writer.write_all(&vec![b'x'; 60_000]).unwrap();
    control.turn(now);
    assert_eq!(control.wake_fds().count(), 1, "refused, and what it wrote beyond that is not read");
}

#[test]
fn there_is_one_daemon_and_a_dead_one_is_in_nobodys_way() {
    let (root, control, path) = listening();
    let run_dir = path.parent().unwrap();
    let error = Control::listen(run_dir).unwrap_err();
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    drop(control);
    std::fs::write(&path, "left").unwrap();
    assert!(soon(|| Control::listen(run_dir).is_ok()));
    drop(root);
}
