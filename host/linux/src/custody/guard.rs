//! The guard: a small process that gives the service back when the scan cannot.
//!
//! ```text
//! scan ──spawns──► guard --path DIR --owed u-         before the lease and the first `d`
//!   │                │ own session, deaf to INT, HUP, TERM; says which language it speaks once it is ready
//!   │ pipe ────────► │ watches the pipe and the scan's pidfd, for as long as a hold may last; silence says nothing
//!   │ messages ────► │ what `cellscan_custody::guard` knows: what is owed from now on, released, handed over
//!   ╳ end of file ─► │ takes over the scan's UUCP locks where the modem is to be restored, else removes them;
//!                    │ gives the service back, until the record shows it, however long that takes; restores the
//!                    │ registration meanwhile; then removes locks and lease
//! ```
//!
//! What decides is [`cellscan_custody::guard::Guard`] and [`cellscan_custody::hand_back::HandBack`], which the simulator runs as
//! well. A scan that holds the service for longer than it may (stopped, or astray) is killed first: the limit is kept here,
//! where nothing of the scan's can stand in its way.
//!
//! "Wanted up" comes at once where that leaves the modem to the guard for a while: where its line is another, or the `pppd`
//! locks it. Such a `pppd` meets the guard's lock, ends, and is started again each second until the registration is
//! restored. One that was not seen to lock would take the port from under the guard, and stay without a link: there the
//! modem comes first, for twenty seconds at most.
//!
//! It is the program itself, started anew from `/proc/self/exe`, so that nothing else has to be installed. The
//! pipe's other end is closed on exec, so no child of the scan keeps it open.

use std::ffi::OsString;
use std::io::Write;
use std::num::NonZeroU32;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cellscan_core::supervisor::Owed;
use cellscan_custody::guard::{Message, record};

pub use super::error::GuardError;
use super::registration::ModemLine;
use crate::process::{Prepare, Proc, wait_for_end};
use crate::runit::RestoreMethod;

mod hello;
mod process;

use hello::{Hello, Otherwise};
pub use process::main;

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "guard";
/// How long the guard may take until it is ready. It starts in about 2 ms; a loaded gateway may need a second.
pub const READY_LIMIT: Duration = Duration::from_secs(10);
/// How long a released guard is waited for; one that takes longer is left to [`reap_ended`].
const END_LIMIT: Duration = Duration::from_secs(1);

/// How the guard is started.
#[derive(Clone, Debug, Default)]
pub struct GuardOptions {
    /// The program that answers to [`SUBCOMMAND`]; `None` is this one.
    pub program: Option<PathBuf>,
    /// Where the scan's UUCP locks are, to be removed after its death.
    pub lock_dirs: Vec<PathBuf>,
    /// How long the service may be held; `None`: as long as the scan lives.
    pub limit: Option<Duration>,
    /// Where the modem is asked to restore its registration; `None`: it is not asked.
    pub modem: Option<ModemLine>,
    /// It writes nothing to standard error: that is not ours.
    pub quiet: bool,
    /// What is done to its command before it is started.
    pub prepare: Option<Prepare>,
}

/// What is guarded.
#[derive(Clone, Copy, Debug)]
pub struct Guarded<'a> {
    /// The service directory; without a supervisor the port.
    pub path: &'a Path,
    /// How it is given back.
    pub method: &'a RestoreMethod,
    /// Where the modem is asked to restore its registration; `None`: it is not asked.
    pub modem: Option<&'a ModemLine>,
    /// Where this process keeps its lease, if it does.
    pub run_dir: Option<&'a Path>,
    /// What is owed so far: a scan that is killed before the guard is ready tells it nothing, and a guard that knows of no debt
    /// removes the lease.
    pub owed: Owed,
}

/// Guards that were let go and had not ended by then. No thread waits for them: this may be another's process.
static ENDING: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Waits for the guards that have ended since they were let go, without waiting for those that have not: they would stay zombies
/// in a process that lives on. Whether there are any that have not.
pub fn reap_ended() -> bool {
    let mut ending = ENDING.lock().unwrap_or_else(PoisonError::into_inner);
    ending.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    !ending.is_empty()
}

/// A running guard. Dropped without [`Guard::release`], it gives the service back.
#[derive(Debug)]
pub struct Guard {
    child: Option<Child>,
    pipe: ChildStdin,
    pid: u32,
    handle: Option<Proc>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let ending = self.child.take();
        ENDING.lock().unwrap_or_else(PoisonError::into_inner).extend(ending);
        let _it_may_be_ending = reap_ended();
    }
}

impl Guard {
    /// Starts the guard of a service and waits until it is on its post, a few milliseconds.
    ///
    /// # Errors
    /// It could not be started, did not get ready, or is no guard of this version. There is no guard then, and nothing should be asked down.
    pub fn spawn(guarded: Guarded<'_>, options: &GuardOptions) -> Result<Self, GuardError> {
        let _others_are_ending = reap_ended();
        let own = PathBuf::from("/proc/self/exe");
        let program = options.program.clone().unwrap_or(own);
        let hello = Hello::new();
        let mut command = Command::new(&program);
        command.arg0("cellscan").arg(SUBCOMMAND).args(arguments(guarded, options, &hello));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir("/");
        if options.quiet {
            command.stderr(Stdio::null());
        }
        if let Some(prepare) = options.prepare {
            prepare(&mut command);
        }
        let failed = |source| GuardError::Spawn { program: program.clone(), source };
        let mut child = command.spawn().map_err(failed)?;
        let (Some(pipe), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(GuardError::NotReady);
        };
        let said = hello.expect(&mut stdout, READY_LIMIT);
        let Err(Otherwise(found)) = said else {
            let handle = NonZeroU32::new(child.id()).and_then(|pid| Proc::open(pid).ok().flatten());
            let pid = child.id();
            return Ok(Self { child: Some(child), pipe, pid, handle });
        };
        let _gone_already = child.kill();
        let _reaped = child.wait();
        if found.is_empty() {
            return Err(GuardError::NotReady);
        }
        Err(GuardError::Stranger { program, found, wanted: hello.line() })
    }

    /// Tells it something; a guard that is dead is noticed by [`Guard::is_gone`].
    pub fn tell(&mut self, message: Message) {
        let _dead = self.pipe.write_all(&message.bytes());
    }

    /// Lets it go: the service is as it was found.
    pub fn release(mut self) {
        self.tell(Message::Released);
        wait_for_end(self.pid, END_LIMIT);
    }

    /// The scan has ended and the service was not seen as it was found: the guard goes on giving it back.
    pub fn hand_over(mut self) {
        self.tell(Message::HandedOver);
    }

    /// Whether its process has ended.
    #[must_use]
    pub fn is_gone(&mut self) -> bool {
        match &self.handle {
            Some(handle) => handle.is_gone(),
            None => self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None))),
        }
    }

    /// Readable once its process has ended.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.handle.as_ref().and_then(Proc::fd)
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }
}

fn arguments(guarded: Guarded<'_>, options: &GuardOptions, hello: &Hello) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    let mut add = |name: &str, value: OsString| words.extend([name.into(), value]);
    add("--path", guarded.path.into());
    add("--owed", record(guarded.owed).into());
    add("--parent", std::process::id().to_string().into());
    add("--hello", hello.nonce().into());
    match guarded.method {
        RestoreMethod::Control => {}
        RestoreMethod::Sv { program, applet } => {
            add(if *applet { "--applet" } else { "--sv" }, program.into());
        }
        RestoreMethod::Start { command } => command.iter().for_each(|word| add("--start", word.into())),
    }
    if let Some(dir) = guarded.run_dir {
        add("--run-dir", dir.into());
    }
    options.lock_dirs.iter().for_each(|dir| add("--lock-dir", dir.into()));
    if let Some(limit) = options.limit {
        add("--limit-ms", limit.as_millis().to_string().into());
    }
    if let Some(modem) = guarded.modem {
        add(if modem.kept_free { "--kept-port" } else { "--port" }, modem.port.clone().into());
        add("--baud", modem.baud.to_string().into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_that_does_not_get_ready_is_an_error() {
        let guarded = Guarded {
            path: Path::new("/"),
            method: &RestoreMethod::Control,
            modem: None,
            run_dir: None,
            owed: Owed::default(),
        };
        let program = Some(PathBuf::from("/bin/true"));
        let options = GuardOptions { program, ..GuardOptions::default() };
        let error = Guard::spawn(guarded, &options).unwrap_err();
        assert!(matches!(error, GuardError::NotReady));
        // `echo` says what it was given, the nonce too.
        for program in ["/bin/echo", "/bin/false"] {
            let options = GuardOptions { program: Some(program.into()), ..GuardOptions::default() };
            let error = Guard::spawn(guarded, &options).unwrap_err();
            let is_stranger = matches!(error, GuardError::Stranger { .. });
            assert_eq!(is_stranger, program == "/bin/echo", "{error}");
        }
        let options = GuardOptions { program: Some("/nonexistent".into()), ..GuardOptions::default() };
        let error = Guard::spawn(guarded, &options).unwrap_err();
        assert!(matches!(error, GuardError::Spawn { .. }));
    }
}
