//! A modem on a pseudo-terminal that answers until the network is searched, and from then on writes without end, as fast as the
//! pseudo-terminal takes it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// What it writes once it floods.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flood {
    /// Letters, and never the end of a line.
    NoNewline,
    /// Unsolicited lines.
    Unsolicited,
    /// One operator list that does not end.
    EndlessList,
    /// All that it is sent, over and over.
    EchoStorm,
    /// Random bytes, but for digits.
    Binary,
}

impl Flood {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::NoNewline, Self::Unsolicited, Self::EndlessList, Self::EchoStorm, Self::Binary];

    /// What is written next; `heard`: all that was sent so far.
    fn piece(self, heard: &[u8], written: u64) -> Vec<u8> {
        match self {
            Self::NoNewline => vec![b'x'; PIECE_LEN],
            Self::Unsolicited => b"\r\n+CREG: 2\r\n\r\n^RSSI: 12\r\n\r\nRING\r\n".repeat(PIECE_LEN / 32),
            Self::EndlessList => {
                let start: &[u8] = if written == 0 { b"\r\n+COPS: " } else { b"," };
                let entries = (0..PIECE_LEN / 32)
                    .map(|entry| format!("(1,\"N{entry}\",\"n\",\"{:06}\",7)", entry + 200_100));
                [start, entries.collect::<Vec<_>>().join(",").as_bytes()].concat()
            }
            Self::EchoStorm => heard.repeat(PIECE_LEN / heard.len().max(1) + 1),
            Self::Binary => noise(written),
        }
    }
}

/// Bytes of one piece, about.
const PIECE_LEN: usize = 4_096;
/// How long the thread waits for the pseudo-terminal before it looks whether it is to end.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// xorshift64 of Marsaglia, from this place on, without digits: one alone on its line is a result (`ATV0`), and would end the search.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let bytes = (0..PIECE_LEN / 8).flat_map(|_| next());
    bytes.map(|byte| if byte.is_ascii_digit() { byte | 0x80 } else { byte }).collect()
}

/// The modem, until this is dropped.
#[derive(Debug)]
pub struct FloodingModem {
    path: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    written: AtomicU64,
}

impl FloodingModem {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// When there is no pseudo-terminal.
    #[must_use]
    #[track_caller]
    pub fn start(flood: Flood) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("a pseudo-terminal");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it is ours");
        let path = ptsname(&master, Vec::new()).expect("it has a name").to_string_lossy().into_owned();
        // Raw, before a client had the time to say so; this lasts as long as the master.
        let peer = ioctl_tiocgptpeer(&master, flags).expect("its other end");
        let mut raw = tcgetattr(&peer).expect("it is a tty");
        raw.make_raw();
        tcsetattr(&peer, OptionalActions::Now, &raw).expect("it is a tty");
        let status = fcntl_getfl(&master).expect("it is open");
        fcntl_setfl(&master, status | OFlags::NONBLOCK).expect("it is open");
        let shared = Arc::new(Shared::default());
        let served = Arc::clone(&shared);
        let thread = thread::Builder::new().name("flood".to_owned());
        let thread = thread.spawn(move || served.serve(&master, flood)).expect("a thread");
        Self { path: path.into(), shared, thread: Some(thread) }
    }

    /// What a client opens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the flood that the pseudo-terminal has taken.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }
}

impl Drop for FloodingModem {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self, master: &OwnedFd, flood: Flood) {
        let (mut heard, mut line, mut floods) = (Vec::new(), Vec::new(), false);
        let mut waiting: Vec<u8> = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let mut taken = [0; 4_096];
            // Neither bytes nor a client: both are looked at again.
            let count = rustix::io::read(master, &mut taken).unwrap_or(0);
            for byte in &taken[..count] {
                if *byte == b'\r' {
                    let answer = answer(&line);
                    floods |= answer.is_none();
                    waiting.extend(answer.filter(|_| !floods).unwrap_or_default());
                    line.clear();
                } else {
                    line.push(*byte);
                }
            }
            // An echo of what came since the last reset of the modem, and of no more than one piece holds.
            heard.extend_from_slice(&taken[..count]);
            heard.drain(..heard.len().saturating_sub(PIECE_LEN));
            if floods && waiting.is_empty() {
                waiting = flood.piece(&heard, self.written.load(Ordering::Relaxed));
            }
            match rustix::io::write(master, &waiting) {
                Ok(count) => {
                    waiting.drain(..count);
                    if floods {
                        self.written.fetch_add(count as u64, Ordering::Relaxed);
                    }
                }
                // Full, or no process has the other end open.
                Err(_) => wait(master, !waiting.is_empty()),
            }
            if waiting.is_empty() && !floods {
                wait(master, false);
            }
        }
    }
}

fn wait(master: &OwnedFd, to_write: bool) {
    let flags = if to_write { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
    let mut fds = [PollFd::from_borrowed_fd(master.as_fd(), flags)];
    let _looked_at_again = poll(&mut fds, Some(&LOOK));
    if fds[0].revents().contains(PollFlags::HUP) {
        // HUP is ready all the time, until a process opens the other end.
        thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// What a registered modem answers, its echo first; `None`: the network is to be searched.
fn answer(command: &[u8]) -> Option<Vec<u8>> {
    let said: &[u8] = match command {
        b"AT+COPS=?" => return None,
        b"AT+CPIN?" => b"\r\n+CPIN: READY\r\n",
        b"AT+COPS?" => b"\r\n+COPS: 0,2,\"310410\",7\r\n",
        b"AT+CREG?" => b"\r\n+CREG: 0,1\r\n",
        b"AT+CGREG?" => b"\r\n+CGREG: 0,1\r\n",
        b"AT+CEREG?" => b"\r\n+CEREG: 0,1\r\n",
        b"AT+CSQ" => b"\r\n+CSQ: 20,99\r\n",
        b"" => return Some(b"\r".to_vec()),
        _ => b"",
    };
    Some([command, b"\r", said, b"\r\nOK\r\n"].concat())
}
