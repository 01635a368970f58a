//! The command of the host: boots a guest for each case, and reports.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use cellscan_tests::support::wait::look_for;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::cases::{CASES, Named};
use crate::{init, rig};

/// Debian's `user-mode-linux`.
const KERNEL: &str = "linux.uml";
const MODULES: &str = "/usr/lib/uml/modules";
/// The variable with the library of `xstate.c`, built by `tests/realppp/run`; without it UML runs where the processor has no AVX-512.
const XSTATE: &str = "REALPPP_XSTATE";
/// The variable with the directory for what cases leave.
const RESULTS: &str = "REALPPP_RESULTS";
/// What the guest's C library must not use: registers that UML does not switch (see `xstate.c`). Its AVX-512 functions need both.
const TUNABLES: &str = "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512VL,-AVX512BW,-AVX512F";
/// The file with the kernel's messages.
const KERNEL_LOG: &str = "kernel.log";
/// The deadline of a guest's first word; it takes a second or two.
const BOOT_MAX: Duration = Duration::from_secs(60);
/// The deadline of a case; a hundred scans take forty minutes.
const CASE_MAX: Duration = Duration::from_secs(2 * 3_600);
/// The variables of this process that a case gets as well.
const PASSED_ON: [&str; 2] = [init::SCANS, init::SEED];

/// `realppp [short|NAME…]`: these cases, or all.
#[expect(clippy::print_stdout, reason = "the command reports here")]
pub(crate) fn run(words: &[String]) -> ExitCode {
    let chosen: Vec<&Named> = match words {
        [] => CASES.iter().collect(),
        [word] if word == "short" => CASES.iter().filter(|case| case.short).collect(),
        [word] if word == "list" => {
            for case in CASES {
                println!("{}", case.name);
            }
            return ExitCode::SUCCESS;
        }
        words => CASES.iter().filter(|case| words.iter().any(|word| case.name.contains(word))).collect(),
    };
    if chosen.is_empty() {
        println!("no case is called so: {words:?}");
        return ExitCode::from(100);
    }
    let place = match Place::find() {
        Ok(place) => place,
        Err(error) => {
            println!("a guest cannot be prepared: {error}");
            return ExitCode::from(111);
        }
    };
    let began = Instant::now();
    let mut failed = 0;
    for case in &chosen {
        match place.run(case) {
            Verdict::Well => {}
            Verdict::Failed => failed += 1,
            // The kernel was installed, so that in CI its silence must not look like success.
            Verdict::NoGuest(why) if env::var("CI").is_ok_and(|value| value == "true") => {
                println!("FAIL {KERNEL} does not run here: {why}");
                return ExitCode::FAILURE;
            }
            Verdict::NoGuest(why) => {
                println!("SKIPPED: {KERNEL} does not run here: {why}");
                return ExitCode::SUCCESS;
            }
        }
    }
    println!("{} cases, {failed} failed, {:.0?}", chosen.len(), began.elapsed());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What came of a case.
#[derive(Debug)]
enum Verdict {
    Well,
    Failed,
    /// It did not begin, for the reason that the kernel gave last.
    NoGuest(String),
}

/// Where things are on the host.
#[derive(Debug)]
struct Place {
    results: PathBuf,
    program: PathBuf,
    this: PathBuf,
    modules: PathBuf,
}

impl Place {
    fn find() -> io::Result<Self> {
        let this = env::current_exe()?;
        let beside = this.parent().unwrap_or_else(|| Path::new("/"));
        let results = env::var_os(RESULTS).map_or_else(|| beside.join("realppp-results"), PathBuf::from);
        fs::create_dir_all(&results)?;
        let modules = fs::read_dir(MODULES)?.flatten().map(|entry| entry.path()).max();
        Ok(Self {
            results: results.canonicalize()?,
            program: env::var_os(rig::PROGRAM)
                .map_or_else(|| beside.join("cellscan"), PathBuf::from)
                .canonicalize()?,
            modules: modules.ok_or(io::ErrorKind::NotFound)?,
            this,
        })
    }

    #[expect(clippy::print_stdout, reason = "the command reports here")]
    fn run(&self, case: &Named) -> Verdict {
        println!("\n== {}", case.name);
        let began = Instant::now();
        let out = self.results.join(case.name);
        let _ = fs::remove_dir_all(&out);
        let booted = fs::create_dir_all(&out).and_then(|()| self.boot(case, &out));
        let mut guest = match booted {
            Ok(guest) => guest,
            Err(error) => return Verdict::NoGuest(error.to_string()),
        };
        let read = |name: &str| fs::read_to_string(out.join(name)).unwrap_or_default();
        let begins =
            look_for(BOOT_MAX, || (out.join(init::SAID).exists() || guest.has_ended()).then_some(()));
        if begins.is_none() || !out.join(init::SAID).exists() {
            let log = read(KERNEL_LOG);
            let why = log
                .lines()
                .find(|line| line.contains("panic") || line.contains("fail"))
                .or_else(|| log.lines().last());
            return Verdict::NoGuest(why.unwrap_or("it says nothing").to_owned());
        }
        let in_time = look_for(CASE_MAX, || guest.has_ended().then_some(())).is_some();
        print!("{}", read(init::SAID));
        if !in_time {
            println!("FAIL it ran for more than {CASE_MAX:?}");
        }
        let well = in_time && read(init::EXIT) == "0";
        let verdict = if well { "well" } else { "FAILED" };
        println!("   {verdict} after {:.1?}; logs in {}", began.elapsed(), out.display());
        if well { Verdict::Well } else { Verdict::Failed }
    }

    fn boot(&self, case: &Named, out: &Path) -> io::Result<Guest> {
        let log = File::create(out.join(KERNEL_LOG))?;
        let mut command = Command::new(KERNEL);
        command.args(["mem=256M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet"]);
        command.args(["con=null", "con0=fd:0,fd:1", TUNABLES]);
        command.arg(format!("uml_dir={}", out.join("uml").display()));
        command.arg(format!("init={}", self.this.display()));
        let path = |name: &str, path: &Path| format!("{name}={}", path.display());
        command.arg(path(init::OUT, out)).arg(path(init::MODULES, &self.modules));
        command.arg(path(rig::PROGRAM, &self.program)).arg(format!("{}={}", init::NAME, case.name));
        for name in PASSED_ON {
            if let Ok(value) = env::var(name) {
                command.arg(format!("{name}={value}"));
            }
        }
        if let Some(library) = env::var_os(XSTATE) {
            command.env("LD_PRELOAD", library);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        Ok(Guest(command.spawn()?))
    }
}

/// A running guest, until it is dropped.
#[derive(Debug)]
struct Guest(Child);

impl Guest {
    fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Its processes are in its group.
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}
