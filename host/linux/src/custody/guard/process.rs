//! The guard process itself.

use std::ffi::OsString;
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use cellscan_core::supervisor::{Owed, Signal};
use cellscan_core::time::Instant;
use cellscan_custody::guard::{Cause, Guard, Verdict, parse_record};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::stdio::{dup2_stderr, stdin};
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};

use super::hello::Hello;
use crate::clock::Clock;
use crate::custody::claim::ServiceClaim;
use crate::custody::give_back::{RestoreRequest, RestoreTarget};
use crate::custody::lease::RunDir;
use crate::custody::registration::ModemLine;
use crate::error::chain;
use crate::event_loop::{self, timespec};
use crate::process::{Proc, wait_for_end};
use crate::runit::RestoreMethod;
use crate::serial::uucp;

/// After so long it is said that the service was not given back yet, and standard error is let go: the program that reads it
/// may wait for its end. `runsvdir` restarts a dead `runsv` within 6 s, and a `finish` script may take its time.
const SAY_AFTER: Duration = Duration::from_secs(60);
/// How long it waits for the end of a process that was seen to die, or was killed, before the service is asked up.
const END_LIMIT: Duration = Duration::from_secs(1);
/// The same while it still has its lock on the modem: as long as it has not ended that is the lock of a living process, and a `pppd` that
/// is started meanwhile may have the port before the modem is registered again. On a busy machine more than a second was seen.
const LOCKED_END_LIMIT: Duration = Duration::from_secs(20);
/// Where even waiting fails (no memory), it is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// Bytes read from the pipe at once.
const PIECE_LEN: usize = 64;
/// Could not be done, try again (the convention of runit and s6).
const EXIT_SYSTEM: u8 = 111;
/// Wrong use.
const EXIT_USAGE: u8 = 100;
const USAGE: &str = "usage: guard --path DIR|TTY --owed RECORD --parent PID --hello NONCE [--sv|--applet PROGRAM] [--start WORD]... [--run-dir DIR] \
                     [--lock-dir DIR]... [--limit-ms N] [--port|--kept-port TTY --baud BPS]";

#[derive(Debug, Eq, PartialEq)]
struct Orders {
    path: PathBuf,
    /// What is owed until the scan says otherwise.
    owed: Owed,
    method: RestoreMethod,
    parent: u32,
    hello: Hello,
    lock_dirs: Vec<PathBuf>,
    run_dir: Option<PathBuf>,
    limit: Option<Duration>,
    modem: Option<ModemLine>,
}

/// The guard process; `args` are those after [`SUBCOMMAND`](super::SUBCOMMAND). For the command line to call.
///
/// Ends with 0 when the service is as it should be, 111 when it could not begin to watch, 100 on wrong arguments.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(orders) = Orders::parse(args) else {
        complain(USAGE);
        return ExitCode::from(EXIT_USAGE);
    };
    match stand_guard(&orders) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(EXIT_SYSTEM)
        }
    }
}

/// One line on standard error. The process that read it may be dead; that is no reason to stop.
fn complain(what: &str) {
    let _unread = writeln!(io::stderr(), "cellscan guard: {what}");
}

fn stand_guard(orders: &Orders) -> Result<(), String> {
    // Started through /proc/self/exe it would be called `exe`.
    let _for_people_only = rustix::thread::set_name(c"cellscan-guard");
    // A `^C` at the terminal, the end of a login, the stop of our own service: none of them may end the guard.
    let _leader_already = rustix::process::setsid();
    for signal in [SIGINT, SIGHUP, SIGTERM, SIGPIPE] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))
            .map_err(|error| format!("cannot ignore signal {signal}: {error}"))?;
    }
    let subject = RestoreTarget::open(&orders.path, &orders.method).map_err(|error| chain(&error))?;
    // A scan that is dead already has left its number to any other process.
    let is_child = std::os::unix::process::parent_id() == orders.parent;
    let pid = NonZeroU32::new(orders.parent).filter(|_| is_child);
    let parent = pid.and_then(|pid| Proc::open(pid).ok().flatten());
    // Where the scan has died meanwhile this fails, and the end of the pipe says so below.
    let _unread = writeln!(io::stdout(), "{}", orders.hello.line()).and_then(|()| io::stdout().flush());
    let (cause, owed) = match orders.watch(parent.as_ref()) {
        Verdict::Watch | Verdict::Released => return Ok(()),
        Verdict::GiveBack(cause, owed) => (cause, owed),
    };
    if cause == Cause::HeldTooLong {
        orders.end(parent.as_ref());
    }
    if cause != Cause::HandedOver {
        // Its end of the pipe is closed before it can be seen as dead.
        wait_for_end(orders.parent, END_LIMIT);
        if orders.modem.as_ref().and(owed.selection).is_some() {
            orders.wait_for_locks();
        }
    }
    orders.give_back(&subject, cause, owed);
    Ok(())
}

impl Orders {
    fn parse(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let (mut path, mut owed, mut parent, mut hello, mut run_dir) = (None, None, None, None, None);
        let (mut limit, mut line, mut baud) = (None, None, None);
        let (mut lock_dirs, mut sv, mut start) = (Vec::new(), None, Vec::new());
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            let value = args.next()?;
            match name.to_str()? {
                "--path" => path = Some(PathBuf::from(value)),
                "--owed" => owed = Some(parse_record(value.as_bytes())?),
                "--parent" => parent = Some(value.to_str()?.parse().ok()?),
                "--hello" => hello = Some(Hello::parse(value.to_str()?)?),
                "--sv" => sv = Some(RestoreMethod::Sv { program: value.into(), applet: false }),
                "--applet" => sv = Some(RestoreMethod::Sv { program: value.into(), applet: true }),
                "--start" => start.push(value.into_string().ok()?),
                "--run-dir" => run_dir = Some(PathBuf::from(value)),
                "--lock-dir" => lock_dirs.push(PathBuf::from(value)),
                "--limit-ms" => limit = Some(Duration::from_millis(value.to_str()?.parse().ok()?)),
                "--port" => line = Some((PathBuf::from(value), false)),
                "--kept-port" => line = Some((PathBuf::from(value), true)),
                "--baud" => baud = Some(value.to_str()?.parse().ok()?),
                _ => return None,
            }
        }
        let method = match (sv, start.is_empty()) {
            (None, true) => RestoreMethod::Control,
            (Some(sv), true) => sv,
            (None, false) => RestoreMethod::Start { command: start },
            (Some(_), false) => return None,
        };
        let modem = match (line, baud) {
            (Some((port, kept_free)), Some(baud)) => Some(ModemLine { port, baud, kept_free }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        let (path, owed, parent, hello) = (path?, owed?, parent?, hello?);
        Some(Self { path, owed, method, parent, hello, lock_dirs, run_dir, limit, modem })
    }

    /// Until the scan says that it is done, dies, or has held the service for too long.
    fn watch(&self, parent: Option<&Proc>) -> Verdict {
        let clock = Clock::new();
        let mut guard = Guard::new(self.owed, self.limit.map(|limit| clock.now() + limit));
        loop {
            let fds = [Some(stdin()), parent.and_then(Proc::fd)];
            let fds: Vec<_> = fds.into_iter().flatten().collect();
            let Ok(ready) = event_loop::wait(&fds, guard.next_deadline(), clock) else {
                let _rest = rustix::event::poll(&mut [], Some(&timespec(TRY_AGAIN)));
                continue;
            };
            // What the scan has said before its end comes first.
            let verdict = if ready.is_ready(0) {
                let mut piece = [0; PIECE_LEN];
                match rustix::io::read(stdin(), &mut piece) {
                    Ok(0) => guard.ended(),
                    Ok(count) => guard.bytes(piece.get(..count).unwrap_or_default()),
                    Err(Errno::INTR | Errno::AGAIN) => Verdict::Watch,
                    Err(_) => guard.ended(),
                }
            } else if is_silent(clock) {
                if ready.is_ready(1) { guard.ended() } else { guard.timeout(clock.now()) }
            } else {
                Verdict::Watch
            };
            if verdict != Verdict::Watch {
                return verdict;
            }
        }
    }

    /// Gives back what is owed, however long that takes, and removes the lease.
    fn give_back(&self, subject: &RestoreTarget, cause: Cause, owed: Owed) {
        // No scan is to find what is half given back, nor `restore` to do the same at the same time. Where another was
        // quicker it goes by the lease; where there is none it is given back all the same.
        let mut claim = self.claim(subject);
        if cause != Cause::HandedOver {
            self.remove_locks();
        }
        let mut request = RestoreRequest {
            want: owed.want,
            limit: Some(SAY_AFTER),
            modem: self.modem.as_ref().zip(owed.selection),
            lock_dirs: &self.lock_dirs,
        };
        let mut settled = subject.settle(&request, || self.is_adopted(subject));
        if let (Some(Err(why)), Some(modem)) = (settled.registration, &self.modem) {
            complain(&format!(
                "the registration of the modem at {} was not restored: {why}",
                modem.port.display()
            ));
        }
        if !settled.given_back {
            complain(&format!("{}: not given back yet; it is asked on", self.path.display()));
            let null = open("/dev/null", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
            let _kept = null.and_then(|null| dup2_stderr(&null));
            (request.limit, request.modem) = (None, None);
            settled = subject.settle(&request, || self.is_adopted(subject));
        }
        if cause != Cause::HandedOver {
            self.remove_locks();
        }
        if claim.is_none() {
            claim = self.claim(subject);
        }
        // In another's hands the lease is theirs.
        if settled.given_back && claim.is_some_and(|claim| !claim.is_contested()) {
            self.remove_lease(subject, owed.want.is_some());
        }
        if cause != Cause::HandedOver {
            // Its locks were not those of a dead process until now; the claim is gone, so that this keeps no scan out.
            self.wait_for_locks();
            self.remove_locks();
        }
    }

    /// Waits for the end of a scan that has closed its end of the pipe and still has locks: it is dying. One that lives on without
    /// its guard has closed its port, and removed them.
    fn wait_for_locks(&self) {
        let has_locks = |dir: &PathBuf| uucp::locks_of(dir, self.parent.cast_signed()).next().is_some();
        if self.lock_dirs.iter().any(has_locks) {
            wait_for_end(self.parent, LOCKED_END_LIMIT);
        }
    }

    /// Removes the locks of a scan that is dead.
    fn remove_locks(&self) {
        for lock_dir in &self.lock_dirs {
            let _none = uucp::remove_locks_of(lock_dir, self.parent.cast_signed());
        }
    }

    /// Kills a scan that is stopped or astray: its own budget should have ended it long ago.
    fn end(&self, parent: Option<&Proc>) {
        let held = self.limit.unwrap_or_default().as_secs();
        complain(&format!("process {} has held {} for {held} s: killed", self.parent, self.path.display()));
        if let Some(Err(error)) = parent.map(|parent| parent.signal(Signal::Kill)) {
            complain(&format!("it cannot be killed: {error}"));
        }
    }

    /// Whether another scan has taken the service since, and with it what was found. The lease of a dead one is no such thing.
    fn is_adopted(&self, owed: &RestoreTarget) -> bool {
        let (Some(run_dir), Some(identity)) = (&self.run_dir, owed.identity()) else { return false };
        let lease = RunDir::open(run_dir).and_then(|run| run.map_or(Ok(None), |run| run.read(identity)));
        lease.is_ok_and(|lease| {
            lease.is_some_and(|lease| lease.pid.get() != self.parent && lease.is_owner_alive())
        })
    }

    /// `None`: another process of this user has it in hand. It is not waited for.
    fn claim(&self, owed: &RestoreTarget) -> Option<ServiceClaim> {
        let run = self.run_dir.as_ref().and_then(|run_dir| RunDir::open(run_dir).ok().flatten());
        owed.claim(run.as_ref()).ok()
    }

    /// One that another scan has left is only removed once the service was asked for, and seen given back.
    fn remove_lease(&self, owed: &RestoreTarget, asked: bool) {
        let (Some(run_dir), Some(identity)) = (&self.run_dir, owed.identity()) else { return };
        let is_ours = |run: &RunDir| {
            run.read(identity).is_ok_and(|lease| lease.is_some_and(|lease| lease.pid.get() == self.parent))
        };
        let removed = RunDir::open(run_dir).and_then(|run| match run {
            Some(run) if asked || is_ours(&run) => run.remove(identity),
            Some(_) | None => Ok(()),
        });
        if let Err(error) = removed {
            complain(&format!("the lease stays: {}", chain(&error)));
        }
    }
}

/// Whether the scan has said nothing that was not read. Looked at again: it may have spoken and died since the wait.
fn is_silent(clock: Clock) -> bool {
    event_loop::wait(&[stdin()], Some(Instant::ZERO), clock).is_ok_and(|ready| !ready.is_ready(0))
}

#[cfg(test)]
mod tests {
    use cellscan_core::selection::Selection;
    use cellscan_core::supervisor::Want;

    use super::*;

    fn parse(words: &str) -> Option<Orders> {
        Orders::parse(words.split(' ').map(OsString::from))
    }

    #[test]
    fn orders_are_complete_or_none() {
        let orders =
            parse("--path /s --owed -- --parent 7 --hello 7.1 --lock-dir /a --lock-dir /b --limit-ms 1500")
                .unwrap();
        assert_eq!((orders.owed, orders.parent, orders.lock_dirs.len()), (Owed::default(), 7, 2));
        assert_eq!(
            (orders.method, orders.limit),
            (RestoreMethod::Control, Some(Duration::from_millis(1_500)))
        );
        let orders = parse(
            "--path /s --owed o- --parent 7 --hello 7.1 --applet /bin/busybox --kept-port /t --baud 9600",
        )
        .unwrap();
        assert_eq!(orders.method, RestoreMethod::Sv { program: "/bin/busybox".into(), applet: true });
        assert_eq!(orders.modem, Some(ModemLine { port: "/t".into(), baud: 9_600, kept_free: true }));
        let owed = Owed { want: Some(Want::Up), selection: Some(Selection::Automatic) };
        assert_eq!(parse("--path /s --owed u0 --parent 7 --hello 7.1").unwrap().owed, owed);
        for bad in [
            "--path /s --owed --",
            "--path /s --owed d- --parent 7 --hello 7.1",
            "--owed -- --parent 7 --hello 7.1",
            "--path /s --owed -- --parent 7",
            "--path /s --owed -- --parent 7 --hello g",
            "--path /s --owed -- --parent x --hello 7.1",
            "--path /s --owed -- --parent 7 --hello 7.1 --what",
            "--path /s --owed -- --parent 7 --hello 7.1 --what 3",
            "--path /s --owed -- --parent 7 --hello 7.1 --port /t",
            "--path /s --owed -- --parent 7 --hello 7.1 --sv /a --start /b",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
