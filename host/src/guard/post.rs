//! The guard process itself.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use cellscan_core::scan::Selection;
use cellscan_core::supervisor::{Signal, Want};
use cellscan_core::time::Instant;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::stdio::stdin;
use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};

use super::{FOREIGN_DOWN, FOREIGN_UP, MODEM, MODEM_LEN, READY, RELEASED, read_note};
use crate::clock::Clock;
use crate::event_loop::wait_one;
use crate::exit::chain;
use crate::give_back::{Estate, Owed, Way};
use crate::lease::{Claim, RunDir};
use crate::process::{Proc, wait_for_end};
use crate::registration::ModemLine;
use crate::serial::uucp;

/// How long the guard tries. `runsvdir` restarts a dead `runsv` within 6 s, and a `finish` script may take its time.
const GIVE_BACK_LIMIT: Duration = Duration::from_secs(60);
/// How long it waits for the end of a process that was seen to die, or was killed.
const END_LIMIT: Duration = Duration::from_secs(1);
/// Could not be done, try again (the convention of runit and s6).
const EXIT_SYSTEM: u8 = 111;
/// Wrong use.
const EXIT_USAGE: u8 = 100;
const USAGE: &str = "usage: guard --path DIR|TTY --want u|o --parent PID [--sv|--applet PROGRAM] [--start WORD]... [--run-dir DIR] \
                     [--lock-dir DIR]... [--limit-ms N] [--port|--kept-port TTY --baud BPS]";

#[derive(Debug, Eq, PartialEq)]
struct Orders {
    path: PathBuf,
    want: Want,
    way: Way,
    parent: u32,
    lock_dirs: Vec<PathBuf>,
    run_dir: Option<PathBuf>,
    limit: Option<Duration>,
    modem: Option<ModemLine>,
}

/// How the watch ended.
enum Watched {
    /// The scan is done with the service.
    Released,
    /// It is dead, or held the service for too long.
    Ended { foreign_down: bool, selection: Option<Selection> },
}

/// The guard process; `args` are those after [`SUBCOMMAND`](super::SUBCOMMAND). For the command line to call.
///
/// Ends with 0 when the service is as it should be, 111 when it could not be given back, 100 on wrong arguments.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(orders) = Orders::parse(args) else {
        complain(USAGE);
        return ExitCode::from(EXIT_USAGE);
    };
    match stand_guard(&orders) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            complain(&format!("{}: could not be given back", orders.path.display()));
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
    // Started through /proc/self/exe it would be called `exe`.
    let _for_people_only = rustix::thread::set_name(c"cellscan-guard");
    // A `^C` at the terminal, the end of a login, the stop of our own service: none of them may end the guard.
    let _leader_already = rustix::process::setsid();
    for signal in [SIGINT, SIGHUP, SIGTERM, SIGPIPE] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))
            .map_err(|error| format!("cannot ignore signal {signal}: {error}"))?;
    }
    let owed = Owed::open(&orders.path, &orders.way).map_err(|error| chain(&error))?;
    let parent = NonZeroU32::new(orders.parent).and_then(|pid| Proc::open(pid).ok().flatten());
    io::stdout().write_all(&[READY]).and_then(|()| io::stdout().flush()).map_err(|e| e.to_string())?;
    let Watched::Ended { foreign_down, selection } = orders.watch(parent.as_ref()) else { return Ok(true) };
    // The parent's end of the pipe is closed by its death, and closed before it can be seen as dead.
    wait_for_end(orders.parent, END_LIMIT);
    // No scan is to find what is half given back, nor `restore` to do the same at the same time. Where somebody was
    // quicker they go by the lease; where there is none it is given back all the same.
    let claim = orders.claim(&owed);
    for lock_dir in &orders.lock_dirs {
        let _none = uucp::remove_locks_of(lock_dir, orders.parent.cast_signed());
    }
    let estate = Estate {
        want: (!foreign_down).then_some(orders.want),
        limit: GIVE_BACK_LIMIT,
        modem: orders.modem.as_ref().zip(selection),
        lock_dirs: &orders.lock_dirs,
    };
    let settled = owed.settle(&estate, || orders.is_adopted(&owed));
    if let (Some(Err(why)), Some(modem)) = (settled.registration, &orders.modem) {
        complain(&format!(
            "the registration of the modem at {} was not restored: {why}",
            modem.port.display()
        ));
    }
    let done = settled.given_back;
    // In anybody else's hands the lease is theirs.
    if done && matches!(claim, Some(Claim::Ours(_))) {
        orders.remove_lease(&owed);
    }
    Ok(done)
}

impl Orders {
    fn parse(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let (mut path, mut want, mut parent, mut run_dir) = (None, None, None, None);
        let (mut limit, mut line, mut baud) = (None, None, None);
        let (mut lock_dirs, mut sv, mut start) = (Vec::new(), None, Vec::new());
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            let value = args.next()?;
            match name.to_str()? {
                "--path" => path = Some(PathBuf::from(value)),
                "--want" if value == OsStr::new("u") => want = Some(Want::Up),
                "--want" if value == OsStr::new("o") => want = Some(Want::Once),
                "--parent" => parent = Some(value.to_str()?.parse().ok()?),
                "--sv" => sv = Some(Way::Sv { program: value.into(), applet: false }),
                "--applet" => sv = Some(Way::Sv { program: value.into(), applet: true }),
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
        let way = match (sv, start.is_empty()) {
            (None, true) => Way::Control,
            (Some(sv), true) => sv,
            (None, false) => Way::Start { command: start },
            (Some(_), false) => return None,
        };
        let modem = match (line, baud) {
            (Some((port, kept_free)), Some(baud)) => Some(ModemLine { port, baud, kept_free }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        Some(Self { path: path?, want: want?, way, parent: parent?, lock_dirs, run_dir, limit, modem })
    }

    /// Until the scan says that it is done, dies, or has held the service for too long, which ends it.
    fn watch(&self, parent: Option<&Proc>) -> Watched {
        let clock = Clock::new();
        let limit = self.limit.map(|limit| clock.now() + limit);
        let (mut foreign_down, mut selection) = (false, None);
        loop {
            if limit.is_some_and(|limit| clock.now() >= limit) {
                self.end(parent);
                return Watched::Ended { foreign_down, selection };
            }
            match next_byte(limit, clock) {
                Some(RELEASED) => return Watched::Released,
                Some(FOREIGN_DOWN) => foreign_down = true,
                Some(FOREIGN_UP) => foreign_down = false,
                Some(MODEM) => {
                    let mut note = [b' '; MODEM_LEN];
                    for byte in &mut note {
                        *byte = next_byte(limit, clock).unwrap_or(b' ');
                    }
                    selection = read_note(note);
                }
                Some(_) => {}
                None if limit.is_some_and(|limit| clock.now() >= limit) => {}
                None => return Watched::Ended { foreign_down, selection },
            }
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

    /// Whether another scan has taken the service since, and with it what was found.
    fn is_adopted(&self, owed: &Owed) -> bool {
        let (Some(run_dir), Some(identity)) = (&self.run_dir, owed.identity()) else { return false };
        let lease = RunDir::open(run_dir).and_then(|run| run.map_or(Ok(None), |run| run.read(identity)));
        lease.is_ok_and(|lease| lease.is_some_and(|lease| lease.pid.get() != self.parent))
    }

    fn claim(&self, owed: &Owed) -> Option<Claim> {
        match (owed.dir(), &self.run_dir) {
            (Some(dir), _) => dir.claim().ok().map(|claim| Claim::Ours(Some(claim))),
            (None, Some(run_dir)) => owed.claim(&RunDir::open(run_dir).ok()??).ok(),
            (None, None) => None,
        }
    }

    fn remove_lease(&self, owed: &Owed) {
        let (Some(run_dir), Some(identity)) = (&self.run_dir, owed.identity()) else { return };
        let removed = RunDir::open(run_dir).and_then(|run| run.map_or(Ok(()), |run| run.remove(identity)));
        if let Err(error) = removed {
            complain(&format!("the lease stays: {}", chain(&error)));
        }
    }
}

/// The next byte of the scan; `None` at the end of file and at the limit.
fn next_byte(limit: Option<Instant>, clock: Clock) -> Option<u8> {
    loop {
        if let Some(limit) = limit {
            let left = limit.saturating_since(clock.now());
            if wait_one(stdin(), PollFlags::IN, left, clock) != Ok(true) {
                return None;
            }
        }
        let mut byte = [0];
        match rustix::io::read(stdin(), &mut byte) {
            Ok(1) => return byte.first().copied(),
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Option<Orders> {
        Orders::parse(words.split(' ').map(OsString::from))
    }

    #[test]
    fn orders_are_complete_or_none() {
        let orders =
            parse("--path /s --want u --parent 7 --lock-dir /a --lock-dir /b --limit-ms 1500").unwrap();
        assert_eq!((orders.want, orders.parent, orders.lock_dirs.len()), (Want::Up, 7, 2));
        assert_eq!((orders.way, orders.limit), (Way::Control, Some(Duration::from_millis(1_500))));
        let orders =
            parse("--path /s --want o --parent 7 --applet /bin/busybox --kept-port /t --baud 9600").unwrap();
        assert_eq!(orders.way, Way::Sv { program: "/bin/busybox".into(), applet: true });
        assert_eq!(orders.modem, Some(ModemLine { port: "/t".into(), baud: 9_600, kept_free: true }));
        for bad in [
            "--path /s --want u",
            "--path /s --want d --parent 7",
            "--want u --parent 7",
            "--path /s --want u --parent x",
            "--path /s --want u --parent 7 --what",
            "--path /s --want u --parent 7 --what 3",
            "--path /s --want u --parent 7 --port /t",
            "--path /s --want u --parent 7 --sv /a --start /b",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
