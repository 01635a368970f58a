//! One connection to the control socket: the one request that it may have, and what is told to it.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use cellscan_core::time::Instant;
use serde::Serialize;

use super::{Answer, ClientId, Request};

/// Bytes of a request.
pub(super) const REQUEST_LEN_MAX: usize = 1_024;
/// Bytes that wait for somebody who does not read. A whole scan tells some ten thousand.
const UNREAD_MAX: usize = 256 * 1_024;
/// How long a connection may stay without a request.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// One connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about one connection")]
pub(super) struct Client {
    pub(super) id: ClientId,
    pub(super) stream: UnixStream,
    input: Vec<u8>,
    pub(super) output: Vec<u8>,
    pub(super) since: Instant,
    pub(super) asked: bool,
    /// They write no more: nothing to wait for, and who reads no more is told by the write.
    pub(super) ended: bool,
    pub(super) closing: bool,
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
            gone: false,
        }
    }

    pub(super) fn turn(&mut self, now: Instant) -> Option<Request> {
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

    pub(super) fn flush(&mut self) {
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
