//! The `sv` program: for services whose files are not ours to open, or not where `runsv` keeps them.
//!
//! It is called by argument vector with an absolute path, never by a shell and never so that it waits: `sv` polls
//! every 420 ms and its `ok` for down does not look at what is wanted (sv.c:check). Its exit code is judged first; its
//! text is read only where the status files cannot be, and to tell why it failed. runit's and busybox's do the same and
//! say it differently.

use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use cellscan_core::supervisor::{Remains, ServiceStatus, Signal, Want};
use cellscan_core::time::Instant;

use super::family::{Family, supervisor};
use super::tracked::Tracked;
use super::{Service, ServiceError, Subject, identity_at};
use crate::clock::Clock;
use crate::process::Proc;
use crate::runit::RunitError;
use crate::runit::dir::{ServiceDir, drain, want_of};
use crate::runit::status::StatusRecord;
use crate::runit::sv::{SvProgram, said, text};

/// How long a call may take. It does not wait for anything, and takes 1 to 25 ms.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// How long runsv may leave a `d` unread: it sleeps off a crash for a second, and runs control scripts.
const UNREAD_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of its answer that are looked at; one line is about 100.
const ANSWER_LEN_MAX: u64 = 4_096;
/// The one word that has `u` written whatever the record says, as the last of `tcu` (sv.c: main). The TERM in it is sent by
/// the `d` before it anyway. It waits, by `-w 1` for 1.7 s.
const INSISTENT_UP: &str = "restart";

/// What the backend is made with.
#[derive(Clone, Debug)]
pub struct SvOptions {
    /// The program.
    pub program: SvProgram,
    /// The service directory, by absolute path; `$SVDIR` and built-in defaults then play no part.
    pub dir: PathBuf,
    /// The port that the service's `pppd` uses, where known.
    pub ppp_port: Option<PathBuf>,
    /// A `d` of another process, dead by now, may still wait to be read: the record that is found proves nothing.
    pub is_record_doubtful: bool,
}

/// A service asked through `sv`. A foreign down is not noticed.
#[derive(Debug)]
pub struct Sv {
    options: SvOptions,
    clock: Clock,
    call: Option<Call>,
    opened: Option<Opened>,
    taken: Option<Taken>,
    last: Option<StatusRecord>,
}

/// The service as it was when it was opened.
#[derive(Debug)]
struct Opened {
    /// Where it may be looked into.
    dir: Option<ServiceDir>,
    identity: Option<(u64, u64)>,
    /// Whether its supervisor was looked at.
    is_checked: bool,
}

#[derive(Debug)]
struct Taken {
    tracked: Tracked,
    watch: Option<OwnedFd>,
    asked: Option<Want>,
    /// A `d` of ours may not have been read yet; until when that is waited for.
    unread_down: Option<Instant>,
    /// See [`ServiceStatus::given_back`].
    given_back: Option<bool>,
}

#[derive(Debug)]
struct Call {
    word: &'static str,
    child: Child,
    handle: Option<Proc>,
    deadline: Instant,
}

#[derive(Debug)]
struct Ended {
    word: &'static str,
    code: Option<i32>,
    said: String,
}

impl Sv {
    /// The backend for one service; nothing is run before [`Service::take`].
    #[must_use]
    pub fn new(options: SvOptions) -> Self {
        Self { options, clock: Clock::new(), call: None, opened: None, taken: None, last: None }
    }

    /// Runs `sv word DIR` to its end over as many calls as that takes: exit code and first line. The call that
    /// another question left behind is ended first.
    fn call(&mut self, word: &'static str) -> nb::Result<(Option<i32>, String), ServiceError> {
        loop {
            if self.call.is_none() {
                self.call = Some(self.start(word)?);
            }
            let Some(ended) = self.ended()? else { continue };
            if ended.word == word {
                return Ok((ended.code, ended.said));
            }
        }
    }

    /// The call that runs, once it has ended; `None` where none runs.
    fn ended(&mut self) -> nb::Result<Option<Ended>, ServiceError> {
        let Some(mut call) = self.call.take() else { return Ok(None) };
        match call.child.try_wait() {
            Ok(None) if self.clock.now() < call.deadline => {
                self.call = Some(call);
                Err(nb::Error::WouldBlock)
            }
            Ok(None) => {
                let _gone_already = call.child.kill();
                let _reaped = call.child.wait();
                Err(ServiceError::SvSlow { command: self.shown(call.word) }.into())
            }
            Ok(Some(status)) => {
                let answer = said(&mut call.child, ANSWER_LEN_MAX);
                let said = answer.lines().next().unwrap_or_default().to_owned();
                Ok(Some(Ended { word: call.word, code: status.code(), said }))
            }
            Err(source) => Err(ServiceError::io("wait for", self.options.program.path(), source).into()),
        }
    }

    fn start(&self, word: &'static str) -> Result<Call, ServiceError> {
        let mut command = self.options.program.command();
        if word == INSISTENT_UP {
            // It waits, the others do not.
            command.args(["-w", "1"]);
        }
        command.arg(word).arg(&self.options.dir);
        let path = self.options.program.path();
        let child = command.spawn().map_err(|source| ServiceError::io("start", path, source))?;
        let handle = NonZeroU32::new(child.id()).and_then(|pid| Proc::open(pid).ok().flatten());
        Ok(Call { word, child, handle, deadline: self.clock.now() + CALL_LIMIT })
    }

    fn shown(&self, word: &str) -> String {
        format!("{} {word} {}", self.options.program, self.options.dir.display())
    }

    fn failed(&self, word: &str, code: Option<i32>, said: String) -> ServiceError {
        let trouble = text::trouble(&said, &self.options.dir);
        match trouble {
            Some(trouble) => trouble.into(),
            None => ServiceError::Sv { command: self.shown(word), said, code },
        }
    }

    /// The record: from the files, or from the text.
    fn look(&mut self) -> nb::Result<(bool, StatusRecord), ServiceError> {
        if self.call.as_ref().is_none_or(|call| call.word != "status") {
            let files = ServiceDir::open(&self.options.dir)
                .and_then(|dir| Ok((dir.is_supervised()?, dir.read_status()?)));
            match files {
                Ok((supervised, record)) => {
                    self.last = Some(record);
                    return Ok((supervised, record));
                }
                // `sv` would open what is not to be opened.
                Err(error @ RunitError::Misplaced { .. }) => return Err(ServiceError::from(error).into()),
                Err(_) => {}
            }
        }
        let (code, said) = self.call("status")?;
        if let Some(record) = text::status(&said, &self.options.dir.to_string_lossy()) {
            self.last = Some(record);
            return Ok((true, record));
        }
        match (self.failed("status", code, said), self.last) {
            (ServiceError::Runit(RunitError::NotSupervised { .. }), Some(record)) => Ok((false, record)),
            (error, _) => Err(error.into()),
        }
    }

    fn status_now(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        let (supervised, record) = self.look()?;
        let asked = self.taken.as_ref().and_then(|taken| taken.asked);
        if let (Some(taken), true) = (&mut self.taken, supervised) {
            let runsv = supervisor(&self.options.dir, record.pid);
            taken.tracked.supervised_by(runsv);
            taken.tracked.note_service(record.pid, runsv);
        }
        let want = want_of(&record, asked, true);
        let mut given_back = None;
        if let Some(taken) = &mut self.taken {
            taken.seen(supervised, &record);
            given_back = taken.given_back;
        }
        let seen = ServiceStatus::new(record.state, want);
        Ok(ServiceStatus { supervised, pid: record.pid, given_back, ..seen })
    }

    /// The word that asks for up. `sv up` writes nothing while the record says "want up", also where a `d` of ours still
    /// waits to be read: the service would then stay down for good (sv.c: control). So the `d` is seen first, as long
    /// as that may take. Where it is not (runsv is frozen) [`INSISTENT_UP`] is written behind it.
    fn word_for_up(&mut self) -> nb::Result<&'static str, ServiceError> {
        if let Some(decided @ ("up" | INSISTENT_UP)) = self.call.as_ref().map(|call| call.word) {
            return Ok(decided);
        }
        let Some(until) = self.taken()?.unread_down else { return Ok("up") };
        let (supervised, record) = self.look()?;
        let unread = supervised && record.want_up;
        if unread && self.clock.now() < until {
            return Err(nb::Error::WouldBlock);
        }
        self.taken()?.unread_down = None;
        Ok(if unread { INSISTENT_UP } else { "up" })
    }

    fn try_take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        let status = self.status_now()?;
        if !status.supervised {
            return Err(ServiceError::not_supervised(&self.options.dir).into());
        }
        let mut tracked = Tracked::new(self.options.ppp_port.clone());
        let runsv = supervisor(&self.options.dir, status.pid);
        tracked.supervised_by(runsv);
        tracked.note_service(status.pid, runsv);
        if runsv.is_some() {
            tracked.survey_service()?;
        }
        let dir = self.opened.as_ref().and_then(|opened| opened.dir.as_ref());
        let watch = dir.and_then(|dir| dir.watch().ok());
        let unread_down = self.options.is_record_doubtful.then_some(Instant::ZERO);
        self.taken = Some(Taken { tracked, watch, asked: None, unread_down, given_back: None });
        Ok(status)
    }

    fn taken(&mut self) -> Result<&mut Taken, ServiceError> {
        self.taken.as_mut().ok_or(ServiceError::NotTaken)
    }
}

impl Taken {
    /// What a record proves about the last request. An `o` is not seen in it: that the service runs is.
    fn seen(&mut self, supervised: bool, record: &StatusRecord) {
        if !supervised || self.given_back != Some(false) {
            return;
        }
        match self.asked {
            Some(Want::Down) if !record.want_up => self.given_back = None,
            Some(Want::Up) if record.want_up && self.unread_down.is_none() => self.given_back = Some(true),
            Some(Want::Once) if record.runs() && self.unread_down.is_none() => self.given_back = Some(true),
            Some(Want::Up | Want::Once | Want::Down) | None => {}
        }
    }
}

impl Service for Sv {
    fn open(&mut self) -> Result<Subject<'_>, ServiceError> {
        let dir = ServiceDir::open(&self.options.dir).ok();
        let identity = identity_at(&self.options.dir);
        self.opened = Some(Opened { dir, identity, is_checked: false });
        self.subject()
    }

    fn subject(&self) -> Result<Subject<'_>, ServiceError> {
        let opened = self.opened.as_ref().ok_or(ServiceError::NotTaken)?;
        let dir = opened.dir.as_ref();
        let found = self.taken.as_ref().and_then(|taken| taken.tracked.path());
        Ok(Subject {
            path: dir.map_or(self.options.dir.as_path(), ServiceDir::path),
            identity: opened.identity,
            dir,
            method: Some(self.options.program.restore_method()),
            ppp_port: found.or(self.options.ppp_port.as_deref()),
        })
    }

    fn take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        let opened = self.opened.as_mut().ok_or(ServiceError::NotTaken)?;
        let is_checked = core::mem::replace(&mut opened.is_checked, true);
        let dir = opened.dir.as_ref().filter(|_| !is_checked);
        if let Some(dir) = dir.filter(|dir| dir.is_displaced(dir.supervisor().as_ref())) {
            // A `d` would be obeyed, and an `up` after it is held for needless: the record says up for ever.
            return Err(ServiceError::Replaced { path: dir.path().into() }.into());
        }
        self.try_take()
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), ServiceError> {
        self.taken()?.given_back = Some(false);
        let word = match want {
            Want::Up => self.word_for_up()?,
            // Written whatever the record says: that never holds an `o`.
            Want::Once => "once",
            Want::Down => "down",
        };
        let taken = self.taken()?;
        taken.tracked.look();
        if want == Want::Down {
            // What was asked for before says nothing from here on, also while `sv` runs.
            taken.asked = None;
        }
        let (code, said) = self.call(word)?;
        let waited_in_vain = word == INSISTENT_UP && said.starts_with("timeout: ");
        if code != Some(0) && !waited_in_vain {
            return Err(self.failed(word, code, said).into());
        }
        let until = self.clock.now() + UNREAD_LIMIT;
        let taken = self.taken()?;
        taken.asked = Some(want);
        taken.unread_down = (want == Want::Down).then_some(until);
        Ok(())
    }

    fn status(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        self.status_now()
    }

    fn remains(&mut self) -> nb::Result<Remains, ServiceError> {
        self.taken()?.tracked.remains().ok_or(nb::Error::WouldBlock)
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), ServiceError> {
        let path = self.options.dir.clone();
        let sent = self.taken()?.tracked.signal(signal);
        Ok(sent.map_err(|source| ServiceError::io("signal", &path, source))?)
    }

    /// A call that still runs is waited for: no process is left behind.
    fn finish_calls(&mut self) -> nb::Result<(), ServiceError> {
        self.ended()?;
        Ok(())
    }

    fn let_go(&mut self) {
        (self.opened, self.taken) = (None, None);
    }

    fn family(&self) -> Family {
        let found = self.taken.as_ref().and_then(|taken| taken.tracked.path());
        Family::new(Some(&self.options.dir), found.or(self.options.ppp_port.as_deref()))
    }

    fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        let call = self.call.as_ref().and_then(|call| call.handle.as_ref()).and_then(Proc::fd);
        let mut fds: Vec<BorrowedFd<'_>> = call.into_iter().collect();
        if let Some(taken) = &self.taken {
            fds.extend(taken.watch.as_ref().map(AsFd::as_fd));
            fds.extend(taken.tracked.wake_fds());
        }
        fds
    }

    fn woken(&mut self) {
        if let Some(taken) = &mut self.taken {
            if let Some(watch) = &taken.watch {
                drain(watch);
            }
            taken.tracked.woken();
        }
        if let Some(call) = &mut self.call {
            // Its answer is fetched by the caller that asks next; until then its end need not wake the loop again.
            if call.handle.as_ref().is_some_and(Proc::is_gone) {
                call.handle = None;
            }
        }
    }
}
