use std::io::{BufRead, Write};
use std::os::unix::net::UnixStream;

use super::connection::REQUEST_LEN_MAX;
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
fn who_says_nothing_is_let_go_and_no_more_are_let_in_than_there_is_room_for() {
    let (_root, mut control, path) = listening();
    let now = Clock::new().now();
    let streams: Vec<UnixStream> = (0..=CLIENTS_MAX).map(|_| UnixStream::connect(&path).unwrap()).collect();
    control.turn(now);
    assert_eq!(control.clients.len(), CLIENTS_MAX);
    assert_eq!(control.deadline(now), Some(now + REQUEST_LIMIT));
    control.turn(now + REQUEST_LIMIT);
    assert!(control.clients.is_empty());
    let told: Vec<usize> = streams.into_iter().map(|stream| told(stream).len()).collect();
    assert_eq!(told.iter().sum::<usize>(), CLIENTS_MAX, "each is told why, but the one too many");
}

#[test]
fn there_is_one_daemon_and_a_dead_one_is_in_nobodys_way() {
    let (root, control, path) = listening();
    let run_dir = path.parent().unwrap();
    let error = Control::listen(run_dir).unwrap_err();
    assert!(error.message.contains(&format!("process {}", std::process::id())), "{}", error.message);
    drop(control);
    std::fs::write(&path, "left").unwrap();
    assert!(soon(|| Control::listen(run_dir).is_ok()));
    drop(root);
}
