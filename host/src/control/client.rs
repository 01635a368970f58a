//! The other end of the socket: `cellscan scan` and `status` where a daemon runs.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use super::{Request, SOCKET};

/// Bytes of one answer: a list of carriers in one object.
const LINE_LEN_MAX: usize = 1 << 20;

/// A daemon that was asked.
#[derive(Debug)]
pub struct Asked {
    stream: UnixStream,
    input: Vec<u8>,
    closed: bool,
}

impl Asked {
    /// Asks the daemon of this run directory; `None` where none listens.
    ///
    /// # Errors
    /// The socket is there and cannot be used.
    pub fn ask(run_dir: &Path, request: Request) -> io::Result<Option<Self>> {
        let mut stream = match UnixStream::connect(run_dir.join(SOCKET)) {
            Ok(stream) => stream,
            Err(error) => {
                let none_listens = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
                return if none_listens.contains(&error.kind()) { Ok(None) } else { Err(error) };
            }
        };
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        stream.set_nonblocking(true)?;
        Ok(Some(Self { stream, input: Vec::new(), closed: false }))
    }

    /// The answers that are there now, without waiting for more.
    ///
    /// # Errors
    /// The connection broke, or what came is no answer.
    pub fn answers(&mut self) -> io::Result<Vec<Value>> {
        let mut bytes = [0; 4_096];
        while !self.closed && self.input.len() < LINE_LEN_MAX {
            match self.stream.read(&mut bytes) {
                Ok(0) => self.closed = true,
                Ok(count) => self.input.extend_from_slice(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let whole = self.input.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole == 0 && (self.input.len() >= LINE_LEN_MAX || self.closed && !self.input.is_empty()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "found no whole line, wanted an answer"));
        }
        let lines: Vec<u8> = self.input.drain(..whole).collect();
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(io::Error::from)).collect()
    }

    /// The daemon has said all.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed && self.input.is_empty()
    }
}

impl AsFd for Asked {
    /// Readable when there is an answer.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
