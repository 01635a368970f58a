//! The `sv` program: for services whose files are not ours to open, or not where `runsv` keeps them.
//!
//! It is called by argument vector with an absolute path, never by a shell and never so that it waits: `sv` polls
//! every 420 ms and its `ok` for down does not look at what is wanted (sv.c:check). Its exit code is judged first; its
//! text is read only where the status files cannot be, and to tell why it failed. runit's and busybox's do the same and
//! say it differently.

use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use cellscan_core::scan::Selection;
use cellscan_core::supervisor::{Remains, ServiceStatus, Signal, Supervisor, Want};
use cellscan_core::time::Instant;

use super::ServiceError;
use super::family::{Family, supervisor};
use super::held::{Custody, LeaseOptions, Subject};
use super::tracked::Tracked;
use crate::clock::Clock;
use crate::custody::claim::{Claimable, ServiceClaim};
use crate::custody::guard::GuardOptions;
use crate::link::Link;
use crate::process::Proc;
use crate::runit::dir::want_of;
use crate::runit::dir::{ServiceDir, drain};
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
#[derive(Debug)]
pub struct SvOptions {
    /// The program.
    pub program: SvProgram,
    /// The service directory, by absolute path; `$SVDIR` and built-in defaults then play no part.
    pub dir: PathBuf,
    /// The port that the service's `pppd` uses, where known.
    pub ppp_port: Option<PathBuf>,
    /// Whether a guard process gives the service back when this process dies, and how.
    pub guard: Option<GuardOptions>,
    /// Where a lease is kept for whoever comes after this process and its guard, if there is to be one.
    pub lease: Option<LeaseOptions>,
    /// How the link is looked at.
    pub link: Link,
}

impl SvOptions {
    /// The service alone: no guard, no lease, and nobody waits for a link.
    #[must_use]
    pub fn new(program: SvProgram, dir: PathBuf) -> Self {
        Self { program, dir, ppp_port: None, guard: None, lease: None, link: Link::none() }
    }
}

/// A service asked through `sv`. A foreign down is not noticed.
#[derive(Debug)]
pub struct Sv {
    options: SvOptions,
    clock: Clock,
    call: Option<Call>,
    /// Until what goes with it has been looked at.
    claim: Option<ServiceClaim>,
    held: Option<Held>,
    last: Option<StatusRecord>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Held {
    tracked: Tracked,
    watch: Option<OwnedFd>,
    asked: Option<Want>,
    /// A `d` of ours may not have been read yet; until when that is waited for.
    unread_down: Option<Instant>,
    custody: Custody,
    claim: Option<ServiceClaim>,
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
    /// The backend for one service; nothing is run before [`Supervisor::take`].
    #[must_use]
    pub fn new(options: SvOptions) -> Self {
        Self {
            options,
            clock: Clock::new(),
            call: None,
            claim: None,
            held: None,
            last: None,
            notes: Vec::new(),
        }
    }

    /// What to wait for; see [`Service::wake_fds`](super::Service::wake_fds).
    #[must_use]
    pub fn wake_fds(&self) -> Vec<BorrowedFd<'_>> {
        let mut fds: Vec<BorrowedFd<'_>> = self.options.link.fd().into_iter().collect();
        fds.extend(self.call.as_ref().and_then(|call| call.handle.as_ref()).and_then(Proc::fd));
        if let Some(held) = &self.held {
            fds.extend(held.watch.as_ref().map(AsFd::as_fd));
            fds.extend(held.tracked.wake_fds());
            fds.extend(held.custody.wake_fd());
        }
        fds
    }

    /// Takes in what woke the loop; see [`Service::woken`](super::Service::woken).
    pub fn woken(&mut self) {
        self.options.link.woken();
        if let Some(held) = &mut self.held {
            if let Some(watch) = &held.watch {
                drain(watch);
            }
            held.tracked.woken();
            held.custody.woken(&mut self.notes);
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
        let found = self.held.as_ref().and_then(|held| held.tracked.path());
        found.or(self.options.ppp_port.as_deref())
    }

    /// What people should know; see [`Service::notes`](super::Service::notes).
    pub fn notes(&mut self) -> Vec<String> {
        core::mem::take(&mut self.notes)
    }

    fn end(&mut self, is_as_found: bool) {
        self.claim = None;
        if let Some(Held { custody, claim, .. }) = self.held.take() {
            // The guard claims the service where it has to give it back.
            drop(claim);
            custody.end(is_as_found, &mut self.notes);
        }
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

    /// A `d` of another process, dead by now, may still wait to be read: what the record says proves nothing.
    pub(crate) fn distrust_record(&mut self) {
        if let Some(held) = &mut self.held {
            held.unread_down = Some(Instant::ZERO);
        }
    }

    fn failed(&self, word: &str, code: Option<i32>, said: String) -> ServiceError {
        let trouble = text::trouble(&said, &self.options.dir);
        trouble.unwrap_or_else(|| ServiceError::Sv { command: self.shown(word), said, code })
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
                Err(error @ ServiceError::Misplaced { .. }) => return Err(error.into()),
                Err(_) => {}
            }
        }
        let (code, said) = self.call("status")?;
        if let Some(record) = text::status(&said, &self.options.dir.to_string_lossy()) {
            self.last = Some(record);
            return Ok((true, record));
        }
        match (self.failed("status", code, said), self.last) {
            (ServiceError::NotSupervised { .. }, Some(record)) => Ok((false, record)),
            (error, _) => Err(error.into()),
        }
    }

    fn status_now(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        let (supervised, record) = self.look()?;
        let asked = self.held.as_ref().and_then(|held| held.asked);
        if let (Some(held), true) = (&mut self.held, supervised) {
            let runsv = supervisor(&self.options.dir, record.pid);
            held.tracked.supervised_by(runsv);
            held.tracked.note_service(record.pid, runsv);
        }
        let want = want_of(&record, asked, true);
        let is_shown = supervised && asked.is_some_and(|asked| asked != Want::Down && asked == want);
        if let Some(held) = self.held.as_mut().filter(|held| is_shown && held.unread_down.is_none()) {
            held.custody.given_back();
        }
        Ok(ServiceStatus { supervised, state: record.state, pid: record.pid, want, foreign_down: false })
    }

    /// The word that asks for up. `sv up` writes nothing while the record says "want up", also where a `d` of ours still
    /// waits to be read: the service would then stay down for good (sv.c: control). So the `d` is seen first, as long
    /// as that may take. Where it is not (runsv is frozen) [`INSISTENT_UP`] is written behind it.
    fn word_for_up(&mut self) -> nb::Result<&'static str, ServiceError> {
        if let Some(decided @ ("up" | INSISTENT_UP)) = self.call.as_ref().map(|call| call.word) {
            return Ok(decided);
        }
        let Some(until) = self.held()?.unread_down else { return Ok("up") };
        let (supervised, record) = self.look()?;
        let unread = supervised && record.want_up;
        if unread && self.clock.now() < until {
            return Err(nb::Error::WouldBlock);
        }
        self.held()?.unread_down = None;
        Ok(if unread { INSISTENT_UP } else { "up" })
    }

    /// The claim, before anything is looked at: what another scan has left for a moment is not what was found.
    fn claim(&mut self) -> Result<(), ServiceError> {
        if self.claim.is_some() {
            return Ok(());
        }
        let (path, dir) = (&self.options.dir, ServiceDir::open(&self.options.dir).ok());
        let claimable = Claimable::at(path, dir.as_ref());
        let run_dir = self.options.lease.as_ref().map(|lease| lease.run_dir.as_path());
        self.claim = Some(claimable.claim(run_dir, &mut self.notes)?);
        if let Some(dir) = dir.filter(|dir| dir.is_displaced(dir.supervisor().as_ref())) {
            // A `d` would be obeyed, and an `up` after it is held for needless: the record says up for ever.
            return Err(ServiceError::Replaced { path: dir.path().into() });
        }
        Ok(())
    }

    fn try_take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        self.claim()?;
        let status = self.status_now()?;
        if !status.supervised {
            return Err(ServiceError::NotSupervised { path: self.options.dir.clone() }.into());
        }
        let identity = Claimable::at(&self.options.dir, None).identity;
        let mut tracked = Tracked::new(self.options.ppp_port.clone());
        let runsv = supervisor(&self.options.dir, status.pid);
        tracked.supervised_by(runsv);
        tracked.note_service(status.pid, runsv);
        if runsv.is_some() {
            tracked.survey_service()?;
        }
        let dir = ServiceDir::open(&self.options.dir).ok();
        let watch = dir.as_ref().and_then(|dir| dir.watch().ok());
        let way = self.options.program.way();
        let subject = Subject {
            path: dir.as_ref().map_or(self.options.dir.as_path(), ServiceDir::path),
            identity,
            dir: dir.as_ref(),
            way: &way,
            ppp_port: tracked.path(),
        };
        let (guard, lease) = (self.options.guard.as_ref(), self.options.lease.as_ref());
        let custody = Custody::begin(guard, lease, subject, status, &mut self.notes)?;
        let want = custody.found();
        let claim = self.claim.take();
        self.held = Some(Held { tracked, watch, asked: None, unread_down: None, custody, claim });
        Ok(ServiceStatus { want, ..status })
    }

    fn held(&mut self) -> Result<&mut Held, ServiceError> {
        self.held.as_mut().ok_or(ServiceError::NotTaken)
    }
}

impl Supervisor for Sv {
    type Error = ServiceError;

    fn take(&mut self) -> nb::Result<ServiceStatus, ServiceError> {
        self.held = None;
        let taken = self.try_take();
        if matches!(taken, Err(nb::Error::Other(_))) {
            self.claim = None;
        }
        taken
    }

    fn ask(&mut self, want: Want) -> nb::Result<(), ServiceError> {
        let word = match want {
            Want::Up => self.word_for_up()?,
            // Written whatever the record says: that never holds an `o`.
            Want::Once => "once",
            Want::Down => "down",
        };
        let held = self.held()?;
        held.tracked.look();
        if want == Want::Down {
            held.custody.touch();
            // What was asked for before says nothing from here on, also while `sv` runs.
            held.asked = None;
        }
        let (code, said) = self.call(word)?;
        let waited_in_vain = word == INSISTENT_UP && said.starts_with("timeout: ");
        if code != Some(0) && !waited_in_vain {
            return Err(self.failed(word, code, said).into());
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
        self.held()?.tracked.remains().ok_or(nb::Error::WouldBlock)
    }

    fn signal(&mut self, signal: Signal) -> nb::Result<(), ServiceError> {
        let path = self.options.dir.clone();
        let sent = self.held()?.tracked.signal(signal);
        Ok(sent.map_err(|source| ServiceError::io("signal", &path, source))?)
    }

    fn note(&mut self, selection: Option<Selection>) {
        if let Some(held) = &mut self.held {
            held.custody.note(selection);
        }
    }

    fn noted(&self) -> Option<Selection> {
        self.held.as_ref()?.custody.noted()
    }

    fn link_up(&mut self) -> nb::Result<bool, ServiceError> {
        let family = Family::new(Some(&self.options.dir), self.ppp_port());
        Ok(self.options.link.is_up(&|pid| family.has(pid)).map_err(ServiceError::Link)?)
    }

    fn hand_over(&mut self) -> nb::Result<(), ServiceError> {
        let untouched = self.held.as_ref().is_none_or(|held| !held.custody.is_touched());
        self.end(untouched);
        Ok(())
    }

    /// What still runs is waited for: no process is left behind.
    fn release(&mut self) -> nb::Result<(), ServiceError> {
        let is_touched = self.held.as_ref().is_some_and(|held| held.custody.is_touched());
        // The answer of a `status` that is under way is for the question below.
        if !is_touched || self.call.as_ref().is_some_and(|call| call.word != "status") {
            self.ended()?;
        }
        let touched = self.held.as_ref().filter(|held| held.custody.is_touched());
        let is_as_found = match touched.map(|held| held.custody.found()) {
            Some(found) => match self.status_now() {
                Ok(status) => status.supervised && [Want::Up, found].contains(&status.want),
                Err(nb::Error::WouldBlock) => return Err(nb::Error::WouldBlock),
                Err(nb::Error::Other(_)) => false,
            },
            None => true,
        };
        self.end(is_as_found);
        Ok(())
    }
}
