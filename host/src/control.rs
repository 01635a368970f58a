//! The control socket: how the daemon is asked, by lines of JSON over a Unix socket in the run directory.
//!
//! | request | answers |
//! | --- | --- |
//! | `{"request":"scan","id":7,"automatic":false}` | `accepted` or `declined`, then all that the scan tells, last `done` |
//! | `{"request":"status"}` | `daemon` |
//! | `{"request":"abort"}` | `aborting`: whether there is a scan to end |
//!
//! Each connection has one request, and is closed behind its last answer. Anything else is answered with `error`, which
//! names what was found and what was wanted. The directory is its owner's alone, and so is the socket.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cellscan_core::time::Instant;
use serde::{Deserialize, Serialize};

use crate::exit::{Fatal, chain};
use crate::lease::{Claim, RunDir};
use crate::report::Relayed;

pub mod client;

/// The socket, in the run directory.
pub const SOCKET: &str = "control";
/// What a daemon claims in the run directory, so that there is one.
const DAEMON: &str = "daemon";
/// Connections at once.
const CLIENTS_MAX: usize = 8;
/// Bytes of a request.
const REQUEST_LEN_MAX: usize = 1_024;
/// Bytes that wait for somebody who does not read. A whole scan tells some ten thousand.
const UNREAD_MAX: usize = 256 * 1_024;
/// How long a connection may stay without a request.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// Between two tries to write to somebody who is slow to read.
const WRITE_AGAIN: Duration = Duration::from_millis(100);

/// What may be asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "request", deny_unknown_fields)]
pub enum Request {
    /// A scan.
    Scan {
        /// Which; a number is served once, and stays free where its scan touched nothing. `None`: one of its own.
        #[serde(default)]
        id: Option<u32>,
        /// Nobody asked in person: declined while the link works, and for a while after a scan.
        #[serde(default)]
        automatic: bool,
    },
    /// How the daemon stands.
    Status,
    /// The end of the scan under way.
    Abort,
}

/// What is answered, beside what a scan tells.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Answer {
    /// The scan begins.
    Accepted {
        /// Which request.
        id: u32,
    },
    /// It does not.
    Declined {
        /// `busy`, `repeated`, `cooling_down`, `link_healthy`.
        reason: String,
    },
    /// The last of a scan.
    Done {
        /// What `cellscan scan` would exit with.
        exit: u8,
    },
    /// How the daemon stands.
    Daemon {
        /// Its process.
        pid: u32,
        /// The state of the scan under way, as `state` of `--json` names it; `idle` between scans.
        phase: String,
        /// Scans since it started.
        scans: u32,
        /// The carriers that failed of late and are tried last.
        deny_list: Vec<String>,
    },
    /// The scan under way is told to end.
    Aborting {
        /// There is one.
        scanning: bool,
    },
    /// The request could not be served.
    Error {
        /// Why: what was found, and what was wanted.
        message: String,
        /// What `cellscan scan` would exit with.
        exit: u8,
    },
}

/// Somebody who is connected; no two have had the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientId(u64);

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about one connection")]
struct Client {
    id: ClientId,
    stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    since: Instant,
    asked: bool,
    /// They write no more: nothing to wait for, and who reads no more is told by the write.
    ended: bool,
    closing: bool,
    gone: bool,
}

/// The socket, and who is connected.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
    clients: Vec<Client>,
    next: u64,
    _claim: OwnedFd,
}

impl Control {
    /// Listens in this run directory, which is made where there is none.
    ///
    /// # Errors
    /// Another daemon does, the directory is not to be trusted, or the socket cannot be made.
    pub fn listen(run_dir: &Path) -> Result<Self, Fatal> {
        let untrusted = |error: &dyn std::error::Error| {
            Fatal::system(format!("unable to use {}: {}", run_dir.display(), chain(error)))
        };
        let run = RunDir::create(run_dir).map_err(|error| untrusted(&error))?;
        let claim = match run.claim_named(DAEMON).map_err(|error| untrusted(&error))? {
            Claim::Ours(claim) => claim,
            Claim::Theirs(by) => {
                let by = by.map(|pid| format!(", process {pid}")).unwrap_or_default();
                return Err(Fatal::system(format!("another daemon runs in {}{by}", run_dir.display())));
            }
        };
        let path = run.path().join(SOCKET);
        let failed =
            |error: io::Error| Fatal::system(format!("unable to listen at {}: {error}", path.display()));
        // With the claim in hand it is a dead daemon's.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self { listener, path: path.clone(), clients: Vec::new(), next: 0, _claim: claim })
    }

    /// What to wait for.
    pub fn wake_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let writing = self.clients.iter().filter(|client| !client.ended);
        core::iter::once(self.listener.as_fd()).chain(writing.map(|client| client.stream.as_fd()))
    }

    /// When [`Control::turn`] is due at the latest.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let due = |client: &Client| {
            if !client.output.is_empty() {
                Some(now + WRITE_AGAIN)
            } else if client.asked {
                None
            } else {
                Some(client.since + REQUEST_LIMIT)
            }
        };
        self.clients.iter().filter_map(due).min()
    }

    /// Takes in who connects and what is asked, and writes what waits.
    pub fn turn(&mut self, now: Instant) -> Vec<(ClientId, Request)> {
        while let Ok((stream, _)) = self.listener.accept() {
            // Whoever is one too many finds the connection closed.
            if self.clients.len() < CLIENTS_MAX && stream.set_nonblocking(true).is_ok() {
                self.next += 1;
                self.clients.push(Client::new(ClientId(self.next), stream, now));
            }
        }
        let mut asked = Vec::new();
        for client in &mut self.clients {
            if let Some(request) = client.turn(now) {
                asked.push((client.id, request));
            }
        }
        self.sweep();
        asked
    }

    /// Closes the connections of those who have been told all.
    pub fn sweep(&mut self) {
        self.clients.retain(|client| !client.is_over());
    }

    /// Answers one of them.
    pub fn answer(&mut self, to: ClientId, answer: &Answer) {
        self.write(to, answer);
    }

    /// Tells one of them what a scan tells.
    pub fn relay(&mut self, to: ClientId, told: &Relayed) {
        self.write(to, told);
    }

    /// There is nothing more to tell: the connection closes once all is read.
    pub fn close(&mut self, to: ClientId) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.id == to) {
            client.closing = true;
            client.flush();
        }
    }

    fn write(&mut self, to: ClientId, object: &impl Serialize) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.id == to) {
            client.write(object);
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.path);
    }
}

impl Client {
    const fn new(id: ClientId, stream: UnixStream, since: Instant) -> Self {
        Self {
            id,
            stream,
            input: Vec::new(),
            output: Vec::new(),
            since,
            asked: false,
            ended: false,
            closing: false,
            gone: false,
        }
    }

    fn turn(&mut self, now: Instant) -> Option<Request> {
        self.flush();
        let mut bytes = [0; 256];
        while !self.ended {
            match self.stream.read(&mut bytes) {
                Ok(0) => self.ended = true,
                Ok(count) if !self.asked && self.input.len() <= REQUEST_LEN_MAX => {
                    self.input.extend_from_slice(bytes.get(..count).unwrap_or_default());
                }
                // One request a connection.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.gone |= error.kind() != io::ErrorKind::WouldBlock;
                    break;
                }
            }
        }
        if self.asked {
            return None;
        }
        let Some(end) = self.input.iter().position(|byte| *byte == b'\n') else {
            if self.input.len() > REQUEST_LEN_MAX {
                self.refuse(format!("found more than {REQUEST_LEN_MAX} bytes, wanted a request on one line"));
            } else if self.ended {
                self.gone = true;
            } else if now >= self.since + REQUEST_LIMIT {
                self.refuse(format!(
                    "found no request within {} s, wanted one line",
                    REQUEST_LIMIT.as_secs()
                ));
            }
            return None;
        };
        self.asked = true;
        match serde_json::from_slice(self.input.get(..end).unwrap_or_default()) {
            Ok(request) => Some(request),
            Err(error) => {
                self.refuse(format!("found no request: {error}; wanted scan, status or abort"));
                None
            }
        }
    }

    fn refuse(&mut self, message: String) {
        self.asked = true;
        self.write(&Answer::Error { message, exit: crate::exit::Exit::Usage.code() });
        self.closing = true;
    }

    fn write(&mut self, object: &impl Serialize) {
        // Strings, numbers, booleans and lists of them: there is nothing in it that cannot be written.
        let line = serde_json::to_vec(object).unwrap_or_default();
        if self.output.len() + line.len() >= UNREAD_MAX {
            self.gone = true;
            return;
        }
        self.output.extend(line);
        self.output.push(b'\n');
        self.flush();
    }

    fn flush(&mut self) {
        while !self.output.is_empty() && !self.gone {
            match self.stream.write(&self.output) {
                Ok(0) => self.gone = true,
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.gone = true,
            }
        }
    }

    fn is_over(&self) -> bool {
        self.gone || self.closing && self.output.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

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
        let [(client, Request::Scan { id: Some(7), automatic: false })] = asked[..] else {
            panic!("{asked:?}")
        };
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
        let streams: Vec<UnixStream> =
            (0..=CLIENTS_MAX).map(|_| UnixStream::connect(&path).unwrap()).collect();
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
}
