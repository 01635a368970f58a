//! The guard: a small process that gives the service back when the scan dies before it could.
//!
//! ```text
//! scan ──spawns──► guard --service-dir DIR --want u      before the first `d`
//!   │                │ own session, deaf to INT, HUP, TERM; says `g` once it is ready
//!   │ pipe ────────► │ blocks reading
//!   │ `r` ─────────► │ released: ends, 0
//!   │ `f` ─────────► │ somebody else has asked for down: nothing to give back any more
//!   ╳ (end of file)─► removes the scan's UUCP locks, writes `u` into supervise/control, until the record shows it;
//!                    then removes the scan's lease
//! ```
//!
//! It is the program itself, started anew from `/proc/self/exe`, so that nothing else has to be installed. The
//! pipe's other end is closed on exec, so no child of the scan keeps it open.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use cellscan_core::supervisor::{ServiceState, Want};
use rustix::event::PollFlags;
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};

use crate::clock::Clock;
use crate::event_loop::{timespec, wait_one};
use crate::exit::chain;
use crate::lease::RunDir;
use crate::process::Proc;
use crate::serial::uucp;
use crate::service::dir::{ServiceDir, drain};
use crate::service::native::byte_of;
use crate::service::status::StatusRecord;

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "guard";
/// How long the guard may take until it is ready. It starts in about 2 ms; a loaded gateway may need a second.
pub const READY_LIMIT: Duration = Duration::from_secs(10);
/// How long a released guard is waited for, so that it leaves no zombie.
const END_LIMIT: Duration = Duration::from_secs(1);
/// How long the guard tries. `runsvdir` restarts a dead `runsv` within 6 s, and a `finish` script may take its time.
pub const GIVE_BACK_LIMIT: Duration = Duration::from_secs(60);
/// How often the byte is written again while the record does not show it.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

const READY: u8 = b'g';
const RELEASED: u8 = b'r';
const FOREIGN_DOWN: u8 = b'f';
const FOREIGN_UP: u8 = b'w';
/// Could not be done, try again (the convention of runit and s6).
const EXIT_SYSTEM: u8 = 111;
/// Wrong use.
const EXIT_USAGE: u8 = 100;

/// How the guard is started.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GuardOptions {
    /// The program that answers to [`SUBCOMMAND`]; `None` is this one.
    pub program: Option<PathBuf>,
    /// Where the scan's UUCP locks are, to be removed after its death.
    pub lock_dirs: Vec<PathBuf>,
}

/// Why there is no guard.
#[derive(Debug)]
#[non_exhaustive]
pub enum GuardError {
    /// It could not be started; for this program itself `/proc` has to be mounted.
    Spawn {
        /// What was started.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// It did not get ready within [`READY_LIMIT`], or ended at once; its reason is on standard error.
    NotReady,
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn { program, .. } => {
                write!(f, "cannot start {} {SUBCOMMAND}", program.display())
            }
            Self::NotReady => write!(f, "the guard did not get ready"),
        }
    }
}

impl std::error::Error for GuardError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Spawn { source, .. } => Some(source),
            Self::NotReady => None,
        }
    }
}

/// A running guard. Dropped without [`Guard::release`], it gives the service back.
#[derive(Debug)]
pub struct Guard {
    child: Child,
    pipe: ChildStdin,
}

impl Guard {
    /// Starts the guard for a service and waits until it is on its post, a few milliseconds. `run_dir` is where this
    /// process has written its lease, if it has.
    ///
    /// # Errors
    /// It could not be started or did not get ready. There is no guard then, and nothing should be asked down.
    pub fn spawn(
        service_dir: &Path,
        want: Want,
        options: &GuardOptions,
        run_dir: Option<&Path>,
    ) -> Result<Self, GuardError> {
        let own = PathBuf::from("/proc/self/exe");
        let program = options.program.clone().unwrap_or(own);
        let mut command = Command::new(&program);
        command.arg0("cellscan").arg(SUBCOMMAND).arg("--service-dir").arg(service_dir);
        command.args(["--want", letter(want), "--parent", &std::process::id().to_string()]);
        if let Some(dir) = run_dir {
            command.arg("--run-dir").arg(dir);
        }
        for dir in &options.lock_dirs {
            command.arg("--lock-dir").arg(dir);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir("/");
        let failed = |source| GuardError::Spawn { program: program.clone(), source };
        let mut child = command.spawn().map_err(failed)?;
        let (Some(pipe), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(GuardError::NotReady);
        };
        let said = wait_one(stdout.as_fd(), PollFlags::IN, READY_LIMIT, Clock::new());
        let mut byte = [0];
        if said == Ok(true) && stdout.read_exact(&mut byte).is_ok() && byte == [READY] {
            return Ok(Self { child, pipe });
        }
        let _gone_already = child.kill();
        let _reaped = child.wait();
        Err(GuardError::NotReady)
    }

    /// Lets it go: the service is as it was found.
    pub fn release(mut self) {
        // A guard that is dead already can do no harm.
        let _dead = self.pipe.write_all(&[RELEASED]);
        wait_for_end(self.child.id(), END_LIMIT);
        let _reaped = self.child.try_wait();
    }

    /// Tells it that somebody else wants the service down (should we die, it stays down), or up again.
    pub fn foreign_down(&mut self, wanted: bool) {
        let _dead = self.pipe.write_all(&[if wanted { FOREIGN_DOWN } else { FOREIGN_UP }]);
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

const fn letter(want: Want) -> &'static str {
    match want {
        Want::Up => "u",
        Want::Once => "o",
        Want::Down => "d",
    }
}

#[derive(Debug, Eq, PartialEq)]
struct Orders {
    service_dir: PathBuf,
    want: Want,
    parent: i32,
    lock_dirs: Vec<PathBuf>,
    run_dir: Option<PathBuf>,
}

impl Orders {
    fn parse(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let (mut service_dir, mut want, mut parent) = (None, None, None);
        let (mut lock_dirs, mut run_dir) = (Vec::new(), None);
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            let value = args.next()?;
            match name.to_str()? {
                "--service-dir" => service_dir = Some(PathBuf::from(value)),
                "--want" if value == OsStr::new("u") => want = Some(Want::Up),
                "--want" if value == OsStr::new("o") => want = Some(Want::Once),
                "--parent" => parent = Some(value.to_str()?.parse().ok()?),
                "--run-dir" => run_dir = Some(PathBuf::from(value)),
                "--lock-dir" => lock_dirs.push(PathBuf::from(value)),
                _ => return None,
            }
        }
        Some(Self { service_dir: service_dir?, want: want?, parent: parent?, lock_dirs, run_dir })
    }
}

/// The guard process itself; `args` are those after [`SUBCOMMAND`]. For the command line to call.
///
/// Ends with 0 when the service is as it should be, 111 when it could not be given back, 100 on wrong arguments.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(orders) = Orders::parse(args) else {
        complain(
            "usage: guard --service-dir DIR --want u|o --parent PID [--run-dir DIR] [--lock-dir DIR]...",
        );
        return ExitCode::from(EXIT_USAGE);
    };
    match stand_guard(&orders) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            complain(&format!("{}: could not be given back", orders.service_dir.display()));
            ExitCode::from(EXIT_SYSTEM)
        }
        Err(error) => {
            complain(&error);
            ExitCode::from(EXIT_SYSTEM)
        }
    }
}

/// One line on standard error. Whoever read it may be dead; that is no reason to stop.
fn complain(what: &str) {
    let _nobody_listens = writeln!(io::stderr(), "cellscan guard: {what}");
}

fn stand_guard(orders: &Orders) -> Result<bool, String> {
    // A `^C` at the terminal, the end of a login, the stop of our own service: none of them may end the guard.
    let _leader_already = rustix::process::setsid();
    for signal in [SIGINT, SIGHUP, SIGTERM, SIGPIPE] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))
            .map_err(|error| format!("cannot ignore signal {signal}: {error}"))?;
    }
    let dir = ServiceDir::open(&orders.service_dir).map_err(|error| error.to_string())?;
    io::stdout().write_all(&[READY]).and_then(|()| io::stdout().flush()).map_err(|e| e.to_string())?;
    let mut foreign_down = false;
    let mut byte = [0];
    loop {
        match rustix::io::read(rustix::stdio::stdin(), &mut byte) {
            Ok(1) if byte == [RELEASED] => return Ok(true),
            Ok(1) => foreign_down = byte == [FOREIGN_DOWN],
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => break,
        }
    }
    // The parent's end of the pipe is closed by its death, and closed before it can be seen as dead.
    wait_for_end(orders.parent.unsigned_abs(), AGAIN_AFTER);
    for lock_dir in &orders.lock_dirs {
        let _none = uucp::remove_locks_of(lock_dir, orders.parent);
    }
    let done = foreign_down || give_back(&dir, orders.want, GIVE_BACK_LIMIT, || orders.is_adopted(&dir));
    if done {
        orders.remove_lease(&dir);
    }
    Ok(done)
}

impl Orders {
    /// Whether another scan has taken the service since, and with it what was found.
    fn is_adopted(&self, dir: &ServiceDir) -> bool {
        let Some(run_dir) = &self.run_dir else { return false };
        let lease =
            RunDir::open(run_dir).and_then(|run| run.map_or(Ok(None), |run| run.read(dir.identity())));
        lease.is_ok_and(|lease| lease.is_some_and(|lease| lease.pid.get() != self.parent.unsigned_abs()))
    }

    /// With the claim in hand: a scan that has it by now goes by the lease, and writes its own in its place.
    fn remove_lease(&self, dir: &ServiceDir) {
        let Some(run_dir) = &self.run_dir else { return };
        let Ok(_claim) = dir.claim() else { return };
        if self.is_adopted(dir) {
            return;
        }
        let removed =
            RunDir::open(run_dir).and_then(|run| run.map_or(Ok(()), |run| run.remove(dir.identity())));
        if let Err(error) = removed {
            complain(&format!("the lease stays: {}", chain(&error)));
        }
    }
}

fn wait_for_end(pid: u32, limit: Duration) {
    let proc = NonZeroU32::new(pid).and_then(|pid| Proc::open(pid).ok().flatten());
    if let Some(fd) = proc.as_ref().and_then(Proc::fd) {
        let _lives_on = wait_one(fd, PollFlags::IN, limit, Clock::new());
    }
}

/// Writes the byte until the record shows it, or until `is_adopted`: somebody else sees to it; `false` when it never did.
pub(crate) fn give_back(
    dir: &ServiceDir,
    want: Want,
    limit: Duration,
    is_adopted: impl Fn() -> bool,
) -> bool {
    let clock = Clock::new();
    let limit = clock.now() + limit;
    let watch = dir.watch().ok();
    while clock.now() < limit {
        if is_adopted() {
            return true;
        }
        if !dir.is_still_named() {
            // The name has another supervisor, which starts what it finds there.
            return true;
        }
        // Written at least once whatever the record says: a `d` of the dead scan may still be unread.
        let sent = dir.send(byte_of(want)).is_ok();
        if is_obeyed(dir, want, sent, watch.as_ref(), clock) {
            return true;
        }
    }
    false
}

/// Looks for [`AGAIN_AFTER`] whether the record shows what is wanted.
fn is_obeyed(dir: &ServiceDir, want: Want, sent: bool, watch: Option<&OwnedFd>, clock: Clock) -> bool {
    let again = clock.now() + AGAIN_AFTER;
    let mut rewritten = false;
    loop {
        let left = again.saturating_since(clock.now());
        if let Some(watch) = watch {
            let _seen_below = wait_one(watch.as_fd(), PollFlags::IN, left, clock);
            rewritten |= drain(watch).rewrites > 0;
        } else {
            // Without inotify nothing wakes us: the record is read when the second is over.
            let _nothing = rustix::event::poll(&mut [], Some(&timespec(left)));
            rewritten = true;
        }
        let shown = |record: StatusRecord| match want {
            Want::Up => record.want_up,
            Want::Once => record.state == ServiceState::Run || rewritten,
            Want::Down => !record.want_up,
        };
        // A byte that has been read is obeyed in the same turn, and the record is rewritten for it. Where it could
        // not be sent, a new `runsv` may have brought the service up by itself.
        let read = dir.unread() == Some(0) && (rewritten || !sent);
        if read && dir.is_supervised().unwrap_or(false) && dir.read_status().is_ok_and(shown) {
            return true;
        }
        if clock.now() >= again {
            return false;
        }
    }
}

/// Whether `/proc` is there, without which this program cannot start itself as a guard.
///
/// # Errors
/// The program cannot be read there.
pub fn check_own_program() -> io::Result<PathBuf> {
    fs::read_link("/proc/self/exe")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Option<Orders> {
        Orders::parse(words.split(' ').map(OsString::from))
    }

    #[test]
    fn orders_are_complete_or_none() {
        let orders = parse("--service-dir /s --want u --parent 7 --lock-dir /a --lock-dir /b").unwrap();
        assert_eq!((orders.want, orders.parent, orders.lock_dirs.len()), (Want::Up, 7, 2));
        for bad in [
            "--service-dir /s --want u",
            "--service-dir /s --want d --parent 7",
            "--want u --parent 7",
            "--service-dir /s --want u --parent x",
            "--service-dir /s --want u --parent 7 --what",
            "--service-dir /s --want u --parent 7 --what 3",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_guard_that_does_not_get_ready_is_an_error() {
        let program = Some(PathBuf::from("/bin/true"));
        let options = GuardOptions { program, ..GuardOptions::default() };
        let error = Guard::spawn(Path::new("/"), Want::Up, &options, None).unwrap_err();
        assert!(matches!(error, GuardError::NotReady));
        let options = GuardOptions { program: Some("/nonexistent".into()), ..GuardOptions::default() };
        let error = Guard::spawn(Path::new("/"), Want::Up, &options, None).unwrap_err();
        assert!(matches!(error, GuardError::Spawn { .. }));
    }
}
