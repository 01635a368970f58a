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
//!
//! There is always room for one more: where the table is full, the oldest connection that has not asked is closed, else the
//! oldest that has been told all and does not read it. The one that watches the scan under way stays.

use std::io;
use std::num::NonZeroU32;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use cellscan_core::time::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::custody::lease::{Claim, LeaseError, RunDir};
use crate::report::Relayed;

pub mod client;
mod connection;
mod door;

use connection::Client;
use door::{Arrival, Door};

/// The socket, in the run directory.
pub const SOCKET: &str = "control";
/// What a daemon claims in the run directory, so that there is one.
const DAEMON: &str = "daemon";
/// Connections at once.
const CLIENTS_MAX: usize = 8;
/// Connections that one turn accepts at most: signals and the scan have their turn between.
const ACCEPTS_MAX: usize = 64;

/// What may be asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "request", deny_unknown_fields)]
pub enum Request {
    /// A scan.
    Scan {
        /// Which; a number is served once, and stays free where its scan touched nothing. `None`: one of its own.
        #[serde(default)]
        id: Option<u32>,
        /// Not asked for by a person: declined while the link works, and for a while after a scan.
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
        /// When an automatic request is served again, from now on; `None`: that is not a matter of time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_in_s: Option<f64>,
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
        /// How long the link may have no address from now on, until the modem is told to choose its carrier by itself; `None`: it has
        /// one, or the rule does not apply.
        unlock_in_s: Option<f64>,
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

/// Why a daemon cannot listen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Its run directory cannot be used.
    #[error("unable to use {}", run_dir.display())]
    Untrusted {
        /// The run directory.
        run_dir: PathBuf,
        /// Why.
        source: LeaseError,
    },
    /// Another daemon has it.
    #[error("another daemon runs in {}{}", run_dir.display(), process(*by))]
    Running {
        /// The run directory.
        run_dir: PathBuf,
        /// Its process, where that can be told.
        by: Option<NonZeroU32>,
    },
    /// The socket cannot be made.
    #[error("unable to listen at {}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

fn process(by: Option<NonZeroU32>) -> String {
    by.map(|pid| format!(", process {pid}")).unwrap_or_default()
}

/// A connection; no two have had the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientId(u64);

/// The socket, and who is connected.
#[derive(Debug)]
pub struct Control {
    door: Door,
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
    pub fn listen(run_dir: &Path) -> Result<Self, ListenError> {
        let untrusted = |source| ListenError::Untrusted { run_dir: run_dir.into(), source };
        let run = RunDir::create(run_dir).map_err(untrusted)?;
        let claim = match run.claim_named(DAEMON).map_err(untrusted)? {
            Claim::Ours(claim) => claim,
            Claim::Theirs(by) => return Err(ListenError::Running { run_dir: run_dir.into(), by }),
        };
        let path = run.path().join(SOCKET);
        let failed = |source| ListenError::Socket { path: path.clone(), source };
        // With the claim in hand it is a dead daemon's.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self {
            door: Door::new(listener),
            path: path.clone(),
            clients: Vec::new(),
            next: 0,
            _claim: claim,
        })
    }

    /// What to wait for.
    pub fn wake_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.door.wake_fd().into_iter().chain(self.clients.iter().filter_map(Client::wake_fd))
    }

    /// When [`Control::turn`] is due at the latest.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        self.clients.iter().filter_map(|client| client.deadline(now)).chain(self.door.deadline()).min()
    }

    /// Takes in who connects and what is asked, and writes what waits.
    pub fn turn(&mut self, now: Instant) -> Vec<(ClientId, Request)> {
        let mut asked = Vec::new();
        for client in &mut self.clients {
            asked.extend(client.turn(now).map(|request| (client.id, request)));
        }
        self.sweep();
        self.accept(now, &mut asked);
        self.sweep();
        asked
    }

    /// Takes in who connects; a request that came with the connection is read at once.
    fn accept(&mut self, now: Instant, asked: &mut Vec<(ClientId, Request)>) {
        for _ in 0..ACCEPTS_MAX {
            match self.door.accept(now) {
                Arrival::Came(stream) => {
                    self.next += 1;
                    let mut client = Client::new(ClientId(self.next), stream, now);
                    asked.extend(client.turn(now).map(|request| (client.id, request)));
                    self.clients.push(client);
                    self.make_room(now, asked);
                }
                Arrival::Lost => {}
                Arrival::None => return,
            }
        }
    }

    /// Closes connections that give way, down to [`CLIENTS_MAX`]. Those that have asked in this turn are beyond that number
    /// until they are answered, [`ACCEPTS_MAX`] at most.
    fn make_room(&mut self, now: Instant, asked: &mut Vec<(ClientId, Request)>) {
        while self.clients.len() > CLIENTS_MAX {
            let ranked = self.clients.iter().enumerate();
            let ranked = ranked.filter_map(|(index, client)| client.gives_way().map(|rank| (rank, index)));
            let Some((_, index)) = ranked.min() else { return };
            let Some(client) = self.clients.get_mut(index) else { return };
            // Its request may have come since it was looked at.
            if let Some(request) = client.turn(now) {
                asked.push((client.id, request));
                continue;
            }
            self.clients.remove(index).make_way();
        }
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
            client.close();
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

#[cfg(test)]
mod tests;
