//! The modem on a pseudo-terminal, in real time, for programs that need a device.
//!
//! One thread waits with `poll(2)` for the client, for the modem's next event and for its owner. `POLLHUP` of the master
//! shows whether a process has the port open; the thread notices an opening within a few milliseconds, a closing at once.
//! It takes a close and an open that come faster than it runs for one client. Unlike a serial port, a pty keeps the bytes
//! that its last user did not read for the next one: a client must handle that anyway.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cellscan_core::time::Instant;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use rustix::time::{ClockId, clock_gettime};

use crate::modem::{Modem, ModemFault, ModemLog, Profile};

#[cfg(test)]
mod tests;

/// The poll interval of a port that no process has open. There is no event for an opening.
const OPEN_POLL: Duration = Duration::from_millis(4);
/// Bytes that the client has not read yet, at most; a pty itself buffers 4 KiB.
const UNSENT_BYTES_MAX: usize = 64 * 1024;
/// How long [`PtyModem::vanish`] waits until the thread has closed the port.
const VANISH_WAIT: Duration = Duration::from_secs(2);

/// A modem on a pty, until this is dropped.
#[derive(Debug)]
pub struct PtyModem {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    link: Option<PathBuf>,
}

#[derive(Debug)]
struct Shared {
    server: Mutex<Server>,
    /// Readable: the server has work.
    wake: OwnedFd,
}

#[derive(Debug)]
struct Server {
    modem: Modem,
    line: Option<Line>,
    clock: Clock,
    entries: Vec<ModemLog>,
    file: Option<File>,
    stop: bool,
}

/// One incarnation of the port.
#[derive(Debug)]
struct Line {
    master: Arc<OwnedFd>,
    slave: PathBuf,
    open: bool,
    unsent: VecDeque<u8>,
}

/// The modem's time is milliseconds since the server was started.
#[derive(Clone, Copy, Debug)]
struct Clock {
    started_ms: u64,
    started_wall: Duration,
}

impl PtyModem {
    /// Serves a modem on a new pty. With `log`, every journal entry is appended to that file as one line:
    /// milliseconds of `CLOCK_MONOTONIC`, seconds of wall-clock time, and what happened.
    ///
    /// # Errors
    ///
    /// The error of the kernel or the file system; nothing is left behind.
    pub fn spawn(profile: Profile, seed: u64, log: Option<PathBuf>) -> io::Result<Self> {
        Self::start(profile, seed, log, None)
    }

    /// As [`spawn`](Self::spawn), under a symbolic link that stays the same when the port comes back under another name, as
    /// udev's `/dev/serial/by-id` does.
    ///
    /// # Errors
    ///
    /// The error of the kernel or the file system.
    pub fn spawn_linked(
        profile: Profile,
        seed: u64,
        log: Option<PathBuf>,
        link: PathBuf,
    ) -> io::Result<Self> {
        Self::start(profile, seed, log, Some(link))
    }

    fn start(profile: Profile, seed: u64, log: Option<PathBuf>, link: Option<PathBuf>) -> io::Result<Self> {
        let file = log.map(|path| File::options().create(true).append(true).open(path)).transpose()?;
        let port = Line::new()?;
        if let Some(link) = &link {
            relink(link, &port.slave)?;
        }
        let server = Server {
            modem: Modem::new(profile, seed),
            line: Some(port),
            clock: Clock::start(),
            entries: Vec::new(),
            file,
            stop: false,
        };
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let shared = Arc::new(Shared { server: Mutex::new(server), wake });
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("pty-modem".to_owned()).spawn(move || for_thread.serve())?;
        Ok(Self { shared, thread: Some(thread), link })
    }

    /// The path that a client opens: the link where there is one, else the slave. The slave does not exist while the
    /// port has [vanished](Self::vanish); the path is empty then where there is no link.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.link.clone().or_else(|| self.slave()).unwrap_or_default()
    }

    /// The slave's device node; `None` while the port has vanished.
    #[must_use]
    pub fn slave(&self) -> Option<PathBuf> {
        self.shared.lock().line.as_ref().map(|line| line.slave.clone())
    }

    /// Applies a fault to the modem, now.
    pub fn apply(&self, fault: ModemFault) {
        self.with(|modem, now| modem.apply(now, fault));
    }

    /// Calls `with` on the modem, at its present time.
    pub fn with<T>(&self, act: impl FnOnce(&mut Modem, Instant) -> T) -> T {
        let mut server = self.shared.lock();
        let now = server.clock.now();
        let result = act(&mut server.modem, now);
        server.write_log();
        drop(server);
        self.shared.wake();
        result
    }

    /// The journal so far, in the modem's time; see [`monotonic_ms`](Self::monotonic_ms).
    #[must_use]
    pub fn log(&self) -> Vec<ModemLog> {
        let mut server = self.shared.lock();
        server.write_log();
        server.entries.clone()
    }

    /// `CLOCK_MONOTONIC` in milliseconds at an instant of the modem's time.
    #[must_use]
    pub fn monotonic_ms(&self, at: Instant) -> u64 {
        self.shared.lock().clock.started_ms.saturating_add(at.as_millis())
    }

    /// Whether a process has the port open, as far as the server knows.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.lock().line.as_ref().is_some_and(|line| line.open)
    }

    /// The port goes away, as a USB modem's does: reads and writes of a process that has it open fail with `EIO`, the link
    /// and the device node are gone. The modem itself continues; apply [`ModemFault::ResetNow`] if it should not.
    ///
    /// # Errors
    ///
    /// The link could not be removed, or the server did not close the port in time.
    pub fn vanish(&self) -> io::Result<()> {
        let mut server = self.shared.lock();
        let now = server.clock.now();
        let master = server.line.take().map(|line| Arc::downgrade(&line.master));
        server.modem.closed(now);
        drop(server);
        self.shared.wake();
        if let Some(link) = &self.link {
            fs::remove_file(link)?;
        }
        let deadline = std::time::Instant::now() + VANISH_WAIT;
        while master.as_ref().is_some_and(|master| master.strong_count() > 0) {
            if std::time::Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// The port comes back, as another pty under the same link. Does nothing where it exists.
    ///
    /// # Errors
    ///
    /// The error of the kernel or the file system; the port is still gone then.
    pub fn reappear(&self) -> io::Result<()> {
        let mut server = self.shared.lock();
        if server.line.is_some() {
            return Ok(());
        }
        let line = Line::new()?;
        if let Some(link) = &self.link {
            relink(link, &line.slave)?;
        }
        server.line = Some(line);
        drop(server);
        self.shared.wake();
        Ok(())
    }
}

impl Drop for PtyModem {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
        if let Some(link) = &self.link {
            // Gone already while the port has vanished.
            let _ = fs::remove_file(link);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // Full means that a wake-up is waiting already.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    fn serve(&self) {
        loop {
            let mut server = self.lock();
            if server.stop {
                return;
            }
            server.turn();
            let timeout = server.timeout();
            let watched = server.line.as_ref().filter(|line| line.open);
            let master = watched.map(|line| Arc::clone(&line.master));
            let wanted = match watched {
                Some(line) if !line.unsent.is_empty() => PollFlags::IN | PollFlags::OUT,
                _ => PollFlags::IN,
            };
            drop(server);
            let mut fds = vec![PollFd::new(&self.wake, PollFlags::IN)];
            fds.extend(master.as_ref().map(|master| PollFd::new(master, wanted)));
            // An interrupted wait is handled like any other: the next turn asks the kernel again.
            let _ = poll(&mut fds, timeout.as_ref());
            let _ = rustix::io::read(&self.wake, &mut [0_u8; 8]);
        }
    }
}

impl Server {
    /// Transfers bytes both ways and notices opens and closes.
    fn turn(&mut self) {
        let now = self.clock.now();
        let Some(line) = &mut self.line else {
            self.modem.poll(now, &mut Vec::new());
            self.write_log();
            return;
        };
        let state = ready(line.master.as_fd());
        let hung_up = state.contains(PollFlags::HUP);
        let readable = state.contains(PollFlags::IN);
        // A client that opens, writes and closes between two polls still counts.
        if !line.open && (!hung_up || readable) {
            line.open = true;
            self.modem.opened(now);
        }
        let mut taken = [0_u8; 4_096];
        if readable && let Ok(length) = rustix::io::read(&*line.master, &mut taken) {
            self.modem.receive(now, taken.get(..length).unwrap_or_default());
        }
        if line.open && hung_up && !ready(line.master.as_fd()).contains(PollFlags::IN) {
            line.open = false;
            line.unsent.clear();
            self.modem.closed(now);
        }
        let mut said = Vec::new();
        self.modem.poll(now, &mut said);
        let room = UNSENT_BYTES_MAX.saturating_sub(line.unsent.len());
        line.unsent.extend(said.into_iter().take(room));
        line.send();
        self.write_log();
    }

    /// Until the next turn at the latest; `None`: until something happens.
    fn timeout(&self) -> Option<Timespec> {
        let next = self.modem.next_event().map(|at| at.duration_since(self.clock.now()));
        let look = self.line.as_ref().filter(|line| !line.open).map(|_| OPEN_POLL);
        let wait = next.into_iter().chain(look).min()?;
        // Rounded up, since the clock below counts whole milliseconds.
        Timespec::try_from(wait + Duration::from_micros(500)).ok()
    }

    fn write_log(&mut self) {
        for entry in self.modem.take_log() {
            if let Some(file) = &mut self.file {
                let line = self.clock.line(&entry);
                // A full disk of a test shows in the files that the test reads, not in the modem.
                let _ = file.write_all(line.as_bytes());
            }
            self.entries.push(entry);
        }
    }
}

impl Line {
    fn new() -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
        let slave = PathBuf::from(ptsname(&master, Vec::new())?.to_string_lossy().into_owned());
        // No echo and no line editing before a client could set it; this lasts as long as the master.
        let peer =
            ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        let mut settings = tcgetattr(&peer)?;
        settings.make_raw();
        tcsetattr(&peer, OptionalActions::Now, &settings)?;
        Ok(Self { master: Arc::new(master), slave, open: false, unsent: VecDeque::new() })
    }

    fn send(&mut self) {
        while self.open && !self.unsent.is_empty() {
            let (front, _) = self.unsent.as_slices();
            match rustix::io::write(&*self.master, front) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
    }
}

impl Clock {
    fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started_ms: monotonic_ms(), started_wall: wall }
    }

    fn now(self) -> Instant {
        Instant::from_millis(monotonic_ms().saturating_sub(self.started_ms))
    }

    fn line(self, entry: &ModemLog) -> String {
        let millis = entry.at.as_millis();
        let wall = self.started_wall + Duration::from_millis(millis);
        let monotonic = self.started_ms.saturating_add(millis);
        format!("{monotonic} {}.{:03} {}\n", wall.as_secs(), wall.subsec_millis(), entry.what)
    }
}

/// What the master is ready for at this moment.
fn ready(master: BorrowedFd<'_>) -> PollFlags {
    let mut fds = [PollFd::from_borrowed_fd(master, PollFlags::IN)];
    let _ = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    fds[0].revents()
}

fn monotonic_ms() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000).saturating_add(u64::try_from(time.tv_nsec / 1_000_000).unwrap_or_default())
}

/// Points `link` at `target`, in one step where it pointed elsewhere.
fn relink(link: &Path, target: &Path) -> io::Result<()> {
    let mut next = link.as_os_str().to_owned();
    next.push(".next");
    let _ = fs::remove_file(&next);
    std::os::unix::fs::symlink(target, &next)?;
    fs::rename(&next, link)
}
