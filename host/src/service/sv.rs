//! The `sv` program: for services whose files are not ours to open, or not where `runsv` keeps them.
//!
//! It is called by argument vector with an absolute path, never by a shell and never so that it waits: `sv` polls
//! every 420 ms and its `ok` for down does not look at what is wanted (sv.c:check). Its exit code is judged first; its
//! text is read only where the status files cannot be.

use std::io::Read;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cellscan_core::supervisor::{Remains, ServiceState, ServiceStatus, Signal, Supervisor, Want};
use cellscan_core::time::Instant;

use super::ServiceError;
use super::dir::{ServiceDir, drain};
use super::native::want_of;
use super::status::StatusRecord;
use super::tracked::Tracked;
use crate::clock::Clock;
use crate::link::Link;
use crate::process::Proc;

/// How long a call may take. It does not wait for anything, and takes 1 to 25 ms.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// How long runsv may leave a `d` unread: it sleeps off a crash for a second, and runs control scripts.
const UNREAD_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of its answer that are looked at; one line is about 100.
const ANSWER_LEN_MAX: u64 = 4_096;

/// What the backend is made with.
#[derive(Debug)]
pub struct SvOptions {
    /// The program, by absolute path. It is called as `sv` whatever its file is named, since `sv` takes any other
    /// name for a service.
    pub program: PathBuf,
    /// The service directory, by absolute path; `$SVDIR` and built-in defaults then play no part.
    pub dir: PathBuf,
    /// The port that the service's `pppd` uses, where known.
    pub ppp_port: Option<PathBuf>,
    /// How the link is looked at.
    pub link: Link,
}

/// A service asked through `sv`. A foreign down is not noticed.
#[derive(Debug)]
pub struct Sv {
    options: SvOptions,
    clock: Clock,
    call: Option<Call>,
    held: Option<Held>,
    last: Option<StatusRecord>,
}

#[derive(Debug)]
struct Held {
    tracked: Tracked,
    watch: Option<OwnedFd>,
    asked: Option<Want>,
    /// A `d` of ours may not have been read yet; until when that is waited for.
    unread_down: Option<Instant>,
    _claim: Option<OwnedFd>,
}

#[derive(Debug)]
struct Call {
    word: &'static str,
    child: Child,
    handle: Option<Proc>,
    deadline: Instant,
}

impl Sv {
    /// The backend for one service; nothing is run before [`Supervisor::take`].
    #[must_use]
    pub fn new(options: SvOptions) -> Self {
        Self { options, clock: Clock::new(), call: None, held: None, last: None }
    }

    /// What to wait for; see [`Service::wake_fds`](super::Service::wake_fds).
    #[must_use]
    pub fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        let mut fds: Vec<BorrowedFd<'_>> = self.options.link.fd().into_iter().collect();
        fds.extend(self.call.as_ref().and_then(|call| call.handle.as_ref()).and_then(Proc::fd));
        if let Some(held) = &self.held {
            fds.extend(held.watch.as_ref().map(AsFd::as_fd));
            fds.extend(held.tracked.wake_fds());
        }
        fds
    }

    /// Takes in what woke the loop; see [`Service::woken`](super::Service::woken).
    pub fn woken(&mut self) {
        self.options.link.woken();
        if let Some(held) = &mut self.held {
            let _only_a_wake_up = held.watch.as_ref().map(drain);
            held.tracked.prune();
        }
        if let Some(call) = &mut self.call {
            // Its answer is fetched by whoever asks next; until then its end need not wake anybody again.
            if call.handle.as_ref().is_some_and(Proc::is_gone) {
                call.handle = None;
            }
        }
    }

    /// The port that the service uses; see [`Service::ppp_port`](super::Service::ppp_port).
    #[must_use]
    pub fn ppp_port(&self) -> Option<&Path> {
        let found = self.held.as_ref().and_then(|held| held.tracked.port());
        found.or(self.options.ppp_port.as_deref())
    }

    /// Runs `sv word DIR` to its end over as many calls as that takes: exit code and first line. The call that
    /// another question left behind is ended first.
    fn call(&mut self, word: &'static str) -> nb::Result<(Option<i32>, String), ServiceError> {
        loop {
            let Some(mut call) = self.call.take() else {
                self.call = Some(self.start(word)?);
                continue;
            };
            let command = self.command(call.word);
            match call.child.try_wait() {
                Ok(None) if self.clock.now() < call.deadline => {
                    self.call = Some(call);
                    return Err(nb::Error::WouldBlock);
                }
                Ok(None) => {
                    let _gone_already = call.child.kill();
                    let _reaped = call.child.wait();
                    return Err(ServiceError::SvSlow { command }.into());
                }
                Ok(Some(status)) if call.word == word => return Ok((status.code(), answer(call.child))),
                Ok(Some(_)) => {}
                Err(source) => {
                    return Err(ServiceError::io("wait for", &self.options.program, source).into());
                }
            }
        }
    }

    fn start(&self, word: &'static str) -> Result<Call, ServiceError> {
        let program = &self.options.program;
        let mut command = Command::new(program);
        command.arg0("sv").arg(word).arg(&self.options.dir).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| ServiceError::io("start", program, source))?;
        let handle = NonZeroU32::new(child.id()).and_then(|pid| Proc::open(pid).ok().flatten());
        Ok(Call { word, child, handle, deadline: self.clock.now() + CALL_LIMIT })
    }

    fn command(&self, word: &str) -> String {
        format!("{} {word} {}", self.options.program.display(), self.options.dir.display())
    }

    /// The record: from the files, or from the text.
    fn look(&mut self) -> nb::Result<(bool, StatusRecord), ServiceError> {
        if self.call.as_ref().is_none_or(|call| call.word != "status") {
            let files = ServiceDir::open(&self.options.dir)
                .and_then(|dir| Ok((dir.is_supervised()?, dir.read_status()?)));
            if let Ok((supervised, record)) = files {
                self.last = Some(record);
                return Ok((supervised, record));
            }
        }
        let (code, said) = self.call("status")?;
        let name = self.options.dir.to_string_lossy();
        if let Some(record) = parse_text(&said, &name) {
            self.last = Some(record);
            return Ok((true, record));
        }
        // runit: `runsv not running`; busybox: the text of ENXIO.
        let nobody = said.contains("runsv not running") || said.contains("No such device or address");
        match self.last {
            Some(record) if nobody => Ok((false, record)),
            None if nobody => Err(ServiceError::NotSupervised { path: self.options.dir.clone() }.into()),
            Some(_) | None => Err(ServiceError::Sv { command: self.command("status"), said, code }.into()),
        }
    }

    fn status_now(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        let (supervised, record) = self.look()?;
        let asked = self.held.as_ref().and_then(|held| held.asked);
        if let (Some(held), Some(pid), true) = (&mut self.held, record.pid, supervised) {
            held.tracked.note_service(pid, None);
        }
        let want = want_of(&record, asked, true);
        Ok(ServiceStatus { supervised, state: record.state, pid: record.pid, want, foreign_down: false })
    }

    /// `sv up` writes nothing while the record says "want up", also where a `d` of ours still waits to be read: the
    /// service would then stay down for good (sv.c: control). So the `d` is seen first, as long as that may take.
    fn wait_for_unread_down(&mut self) -> nb::Result<(), ServiceError> {
        let Some(until) = self.held()?.unread_down else { return Ok(()) };
        let (supervised, record) = self.look()?;
        if supervised && record.want_up && self.clock.now() < until {
            return Err(nb::Error::WouldBlock);
        }
        self.held()?.unread_down = None;
        Ok(())
    }

    fn held(&mut self) -> Result<&mut Held, ServiceError> {
        self.held.as_mut().ok_or(ServiceError::NotTaken)
    }
}

/// The first line of what it said, on standard output or else on standard error. Not waited for: a child of `sv`
/// (a `check` script's) may hold the pipe open.
fn answer(mut child: Child) -> String {
    let mut said = Vec::new();
    if let Some(stdout) = child.stdout.take()
        && rustix::io::ioctl_fionbio(&stdout, true).is_ok()
    {
        let _as_far_as_it_goes = stdout.take(ANSWER_LEN_MAX).read_to_end(&mut said);
    }
    if let (true, Some(stderr)) = (said.is_empty(), child.stderr.take())
        && rustix::io::ioctl_fionbio(&stderr, true).is_ok()
    {
        let _as_far_as_it_goes = stderr.take(ANSWER_LEN_MAX).read_to_end(&mut said);
    }
    String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
}

/// Reads `run: NAME: (pid 33) 2s, want down, got TERM; run: log: …` (`sv.c:svstatus_print`). `None` for anything else.
fn parse_text(line: &str, name: &str) -> Option<StatusRecord> {
    let (state, rest) = line.split_once(": ")?;
    let state = match state {
        "run" => ServiceState::Run,
        "down" => ServiceState::Down,
        "finish" => ServiceState::Finish,
        _ => return None,
    };
    let rest = rest.strip_prefix(name)?.strip_prefix(": ")?;
    let rest = rest.split(';').next()?;
    let pid = rest.strip_prefix("(pid ").and_then(|rest| rest.split_once(')')?.0.parse().ok());
    let has = |what| rest.split(", ").skip(1).any(|word| word == what);
    // `want up` is printed only without a process, `want down` only with one.
    let want_up = if state == ServiceState::Down { has("want up") } else { !has("want down") };
    let (paused, got_term) = (has("paused"), has("got TERM"));
    Some(StatusRecord { tai_seconds: 0, nanos: 0, pid, paused, want_up, got_term, state })
}

impl Supervisor for Sv {
    type Error = ServiceError;

    fn take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        self.held = None;
        let status = self.status_now()?;
        if !status.supervised {
            return Err(ServiceError::NotSupervised { path: self.options.dir.clone() }.into());
        }
        // Where the directory may not be looked into, nobody else but `sv` can tell either.
        let claim = match ServiceDir::open(&self.options.dir) {
            Ok(dir) => Some(dir.claim()?),
            Err(_) => None,
        };
        let identity = std::fs::metadata(&self.options.dir).ok().map(|meta| (meta.dev(), meta.ino()));
        let mut tracked = Tracked::new(self.options.ppp_port.clone(), identity);
        if let Some(pid) = status.pid {
            tracked.note_service(pid, None);
        }
        tracked.find_port();
        tracked.note_detached();
        let watch = ServiceDir::open(&self.options.dir).ok().and_then(|dir| dir.watch().ok());
        self.held = Some(Held { tracked, watch, asked: None, unread_down: None, _claim: claim });
        Ok(status)
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), ServiceError> {
        let word = match want {
            Want::Up => "up",
            Want::Once => "once",
            Want::Down => "down",
        };
        if want != Want::Down && self.call.is_none() {
            self.wait_for_unread_down()?;
        }
        self.held()?.tracked.note_descendants();
        let (code, said) = self.call(word)?;
        if code != Some(0) {
            return Err(ServiceError::Sv { command: self.command(word), said, code }.into());
        }
        let until = self.clock.now() + UNREAD_LIMIT;
        let held = self.held()?;
        held.asked = Some(want);
        held.unread_down = (want == Want::Down).then_some(until);
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        self.status_now()
    }

    fn remains(&mut self) -> nb::Result<Remains, ServiceError> {
        Ok(self.held()?.tracked.remains())
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), ServiceError> {
        let path = self.options.dir.clone();
        let sent = self.held()?.tracked.signal(signal);
        Ok(sent.map_err(|source| ServiceError::io("signal", &path, source))?)
    }

    fn link_up(&mut self) -> nb::Result<bool, ServiceError> {
        Ok(self.options.link.is_up().map_err(ServiceError::Link)?)
    }

    fn release(&mut self) -> nb::Result<(), ServiceError> {
        self.held = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (ServiceState, u32, bool, bool) {
        let record = parse_text(line, "/sv/a").unwrap();
        (record.state, record.pid.map_or(0, NonZeroU32::get), record.want_up, record.got_term)
    }

    #[test]
    fn the_lines_that_sv_prints_are_read() {
        use ServiceState::{Down, Finish, Run};
        assert_eq!(read("run: /sv/a: (pid 33) 2s"), (Run, 33, true, false));
        assert_eq!(read("down: /sv/a: 0s, normally up"), (Down, 0, false, false));
        assert_eq!(read("down: /sv/a: 0s, normally up, want up"), (Down, 0, true, false));
        assert_eq!(read("run: /sv/a: (pid 343) 1s, want down, got TERM"), (Run, 343, false, true));
        assert_eq!(read("finish: /sv/a: (pid 721) 2s, want down"), (Finish, 721, false, false));
        assert_eq!(read("run: /sv/a: (pid 7) 1s; run: log: (pid 6) 1s, want down"), (Run, 7, true, false));
    }

    #[test]
    fn what_sv_says_of_trouble_is_no_status() {
        for line in [
            "",
            "fail: /sv/a: runsv not running",
            "warning: /sv/a: unable to open supervise/ok",
            "run: b: 2s",
        ] {
            assert_eq!(parse_text(line, "/sv/a"), None, "{line}");
        }
    }
}
