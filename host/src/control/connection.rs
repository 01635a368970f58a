//! One connection to the control socket: the one request that it may have, and what is told to it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use cellscan_core::time::Instant;
use serde::Serialize;

use super::{Answer, ClientId, Request};

/// Bytes of a request.
pub(super) const REQUEST_LEN_MAX: usize = 1_024;
/// Bytes that wait for a client that does not read. A whole scan tells some ten thousand.
const UNREAD_MAX: usize = 256 * 1_024;
/// How long a connection may stay without a request.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection that has been told all may take to read it.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(10);
/// Between two tries to write to a client that is slow to read.
pub(super) const WRITE_AGAIN: Duration = Duration::from_millis(100);
/// Reads of one turn, so that a connection that writes without end does not keep it.
const READS_MAX: usize = 8;

/// One connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about one connection")]
pub(super) struct Client {
    pub(super) id: ClientId,
    stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    since: Instant,
    asked: bool,
    /// They write no more: nothing to wait for, and who reads no more is told by the write.
    ended: bool,
    /// They have been told all.
    closing: bool,
    /// When a turn first saw that.
    told_all: Option<Instant>,
    gone: bool,
}

impl Client {
    pub(super) const fn new(id: ClientId, stream: UnixStream, since: Instant) -> Self {
        Self {
            id,
            stream,
            input: Vec::new(),
            output: Vec::new(),
            since,
            asked: false,
            ended: false,
            closing: false,
            told_all: None,
            gone: false,
        }
    }

    /// What to wait for: a request. Who has asked is not waited for: what more they write is of no use, and that they have
    /// left is told by the next write.
    pub(super) fn wake_fd(&self) -> Option<BorrowedFd<'_>> {
        (!self.asked && !self.ended).then(|| self.stream.as_fd())
    }

    /// When a turn is due at the latest.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        if !self.output.is_empty() {
            Some(now + WRITE_AGAIN)
        } else if self.asked {
            None
        } else {
            Some(self.since + REQUEST_LIMIT)
        }
    }

    /// Whether it is closed where another needs its place, and in which order: first who has not asked, then who has been told
    /// all and does not read it. Who waits for an answer keeps the place.
    pub(super) const fn gives_way(&self) -> Option<u8> {
        match (self.asked, self.closing) {
            (false, _) => Some(0),
            (true, true) => Some(1),
            (true, false) => None,
        }
    }

    /// Closes it in favour of another.
    pub(super) fn make_way(mut self) {
        if !self.asked {
            self.refuse("found no request while others waited, wanted one line".to_owned());
        }
    }

    /// There is nothing more to tell.
    pub(super) fn close(&mut self) {
        self.closing = true;
        self.flush();
    }

    pub(super) fn turn(&mut self, now: Instant) -> Option<Request> {
        self.flush();
        if self.closing && now >= *self.told_all.get_or_insert(now) + LAST_WORDS_LIMIT {
            self.gone = true;
        }
        self.read();
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

    fn read(&mut self) {
        let mut bytes = [0; 256];
        for _ in 0..READS_MAX {
            if self.ended {
                return;
            }
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
                    return;
                }
            }
        }
    }

    fn refuse(&mut self, message: String) {
        self.asked = true;
        self.write(&Answer::Error { message, exit: crate::exit::Exit::Usage.code() });
        self.closing = true;
    }

    pub(super) fn write(&mut self, object: &impl Serialize) {
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

    pub(super) fn is_over(&self) -> bool {
        self.gone || self.closing && self.output.is_empty()
    }
}
