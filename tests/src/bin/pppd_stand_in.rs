//! A stand-in for `pppd`: opens a tty, holds it, ends on TERM, and logs the times. Copied as `pppd` it is one for
//! every program that goes by names.
//!
//! `pppd [--log FILE] [--delay-ms N] [--lock DIR] [--dies-after-ms N] [--ignore-term] [--child-holds-ms N]
//! [--send TEXT] TTY`, or `--hold-after PID N` for the child that gets the tty as its standard input.
//!
//! Exit codes are those of `pppd` 2.4.9 (`pppd.h`): 2 wrong options, 5 told to end, 6 the tty is locked, 7 it cannot
//! be opened, 16 it hung up.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cellscan_tests::support::clock::monotonic_ms;
use cellscan_tests::support::processes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use signal_hook::consts::SIGTERM;

const WRONG_OPTIONS: u8 = 2;
const TOLD_TO_END: u8 = 5;
const LOCKED: u8 = 6;
const CANNOT_OPEN: u8 = 7;
const HUNG_UP: u8 = 16;

#[derive(Debug, Default)]
struct Options {
    tty: PathBuf,
    log: Option<PathBuf>,
    delay: Duration,
    locks: Option<PathBuf>,
    dies_after: Duration,
    ignores_term: bool,
    child_holds_ms: Option<u64>,
    send: Option<String>,
    hold_after: Option<(u32, Duration)>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let mut millis = || words.next()?.parse().ok().map(Duration::from_millis);
            match word.as_str() {
                "--delay-ms" => options.delay = millis()?,
                "--dies-after-ms" => options.dies_after = millis()?,
                "--child-holds-ms" => options.child_holds_ms = words.next()?.parse().ok(),
                "--hold-after" => {
                    let parent = words.next()?.parse().ok()?;
                    let millis = words.next()?.parse().ok()?;
                    options.hold_after = Some((parent, Duration::from_millis(millis)));
                }
                "--ignore-term" => options.ignores_term = true,
                "--log" => options.log = Some(words.next()?.into()),
                "--lock" => options.locks = Some(words.next()?.into()),
                "--send" => options.send = words.next(),
                _ if word.starts_with("--") => return None,
                _ => options.tty = word.into(),
            }
        }
        (options.hold_after.is_some() || !options.tty.as_os_str().is_empty()).then_some(options)
    }

    /// One line in one write, so that lines of several processes do not mix.
    fn note(&self, what: &str) {
        let Some(path) = &self.log else {
            return;
        };
        let line = format!("{} {} {what}\n", monotonic_ms(), std::process::id());
        if let Ok(mut file) = File::options().create(true).append(true).open(path) {
            // A log that cannot be written shows in the test that reads it.
            let _ = file.write_all(line.as_bytes());
        }
    }
}

fn main() -> ExitCode {
    let Some(options) = Options::parse(env::args().skip(1)) else {
        return ExitCode::from(WRONG_OPTIONS);
    };
    if let Some((parent, time)) = options.hold_after {
        hold_after(&options, parent, time);
        return ExitCode::SUCCESS;
    }
    let Ok(term) = told_to_end() else {
        return ExitCode::from(WRONG_OPTIONS);
    };
    options.note("start");
    let code = dial(&options, &term);
    if code != LOCKED
        && let Some(lock) = lock_path(&options)
    {
        let _ = fs::remove_file(lock);
    }
    options.note(&format!("exit {code}"));
    ExitCode::from(code)
}

/// A stream that becomes readable when TERM comes.
fn told_to_end() -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGTERM, write)?;
    Ok(read)
}

fn dial(options: &Options, term: &UnixStream) -> u8 {
    if !options.delay.is_zero() && options.waits_out_delay(term) {
        return TOLD_TO_END;
    }
    if let Some(owner) = lock_path(options).and_then(|path| take_lock(&path).err()) {
        options.note(&format!("locked {owner}"));
        return LOCKED;
    }
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let tty = match rustix::fs::open(&options.tty, flags, Mode::empty()) {
        Ok(tty) => tty,
        Err(error) => {
            options.note(&format!("unopened {error}"));
            return CANNOT_OPEN;
        }
    };
    options.note("opened");
    if let Some(millis) = options.child_holds_ms {
        start_child(options, &tty, millis);
    }
    if let Some(text) = &options.send {
        let _ = rustix::io::write(&tty, text.as_bytes());
    }
    hold(options, &tty, term)
}

impl Options {
    /// Whether TERM came before the delay was over.
    fn waits_out_delay(&self, term: &UnixStream) -> bool {
        let until = Instant::now() + self.delay;
        while Instant::now() < until {
            if wait(&mut [PollFd::new(term, PollFlags::IN)], Some(until)) && came(term) {
                self.note("term");
                if !self.ignores_term {
                    return true;
                }
            }
        }
        false
    }
}

/// Reads and drops input until TERM comes or the line is gone.
fn hold(options: &Options, tty: &OwnedFd, term: &UnixStream) -> u8 {
    let mut ends_at = None;
    loop {
        let mut fds = [PollFd::new(tty, PollFlags::IN), PollFd::new(term, PollFlags::IN)];
        let _ = wait(&mut fds, ends_at);
        let tty_ready = !fds[0].revents().is_empty();
        if ends_at.is_some_and(|at| Instant::now() >= at) {
            return TOLD_TO_END;
        }
        if tty_ready
            && matches!(rustix::io::read(tty, &mut [0_u8; 1_024]), Ok(0) | Err(rustix::io::Errno::IO))
        {
            options.note("hangup");
            return HUNG_UP;
        }
        if came(term) {
            options.note(if options.ignores_term { "ignored" } else { "term" });
            if !options.ignores_term {
                ends_at = ends_at.or_else(|| Some(Instant::now() + options.dies_after));
            }
        }
    }
}

/// Waits for one of `fds`, or for the time; returns whether it was one of `fds`.
fn wait(fds: &mut [PollFd<'_>], until: Option<Instant>) -> bool {
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    poll(fds, left.as_ref()).is_ok_and(|ready| ready > 0)
}

fn came(term: &UnixStream) -> bool {
    rustix::io::read(term.as_fd(), &mut [0_u8; 16]).is_ok_and(|length| length > 0)
}

/// Starts a process that holds the tty longer than this one: `chat` beside this program, where it exists.
fn start_child(options: &Options, tty: &OwnedFd, millis: u64) {
    let Ok(own) = env::current_exe() else {
        return;
    };
    let chat = Some(own.with_file_name("chat")).filter(|chat| chat.exists()).unwrap_or(own);
    let Ok(tty) = tty.try_clone() else {
        return;
    };
    let mut command = Command::new(chat);
    command.args(["--hold-after", &std::process::id().to_string(), &millis.to_string()]);
    if let Some(log) = &options.log {
        command.arg("--log").arg(log);
    }
    // Not waited for: it must outlive this process.
    if let Err(error) = command.stdin(Stdio::from(tty)).spawn() {
        options.note(&format!("childless {error}"));
    }
}

fn hold_after(options: &Options, parent: u32, time: Duration) {
    options.note("child");
    let parent = i32::try_from(parent).ok().and_then(Pid::from_raw);
    if let Some(parent) = parent.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) {
        let _ = wait(&mut [PollFd::new(&parent, PollFlags::IN)], None);
    }
    options.note("child-alone");
    thread::sleep(time);
    options.note("child-exit");
}

/// `LCK..<name>` of the tty's own name, or of what a link to it points at, as `pppd` names it.
fn lock_path(options: &Options) -> Option<PathBuf> {
    let directory = options.locks.as_ref()?;
    let device = fs::canonicalize(&options.tty).unwrap_or_else(|_| options.tty.clone());
    let name = device.strip_prefix("/dev").unwrap_or(&device).to_string_lossy().replace('/', "_");
    Some(directory.join(format!("LCK..{name}")))
}

/// Takes the lock, also from a dead owner; or returns its owner.
fn take_lock(path: &Path) -> Result<(), u32> {
    // Twice: once to remove a dead owner's lock, once without it.
    for _ in 0..2 {
        if let Ok(mut file) = File::options().write(true).create_new(true).open(path) {
            let _ = writeln!(file, "{:>10}", std::process::id());
            return Ok(());
        }
        let text = fs::read_to_string(path).unwrap_or_default();
        let owner = text.trim().parse().unwrap_or(0);
        if owner == 0 || processes::is_alive(owner) {
            return Err(owner);
        }
        let _ = fs::remove_file(path);
    }
    Err(0)
}
