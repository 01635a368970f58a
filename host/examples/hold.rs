//! Takes a service and holds it down until it is killed; its guard then gives the service back.
//!
//! `cargo run --example hold -- /etc/service/pppd`, and `kill -9` it.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use cellscan::custody::guard::{self, GuardOptions};
use cellscan::custody::{Held, HeldOptions};
use cellscan::service::native::{Native, NativeOptions};
use cellscan_core::supervisor::{Owed, Supervisor, Want};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(word) if word == guard::SUBCOMMAND => guard::main(args),
        Some(dir) => hold(dir.into(), &args.map(PathBuf::from).collect::<Vec<_>>()),
        None => ExitCode::from(100),
    }
}

fn hold(dir: PathBuf, lock_dirs: &[PathBuf]) -> ExitCode {
    let guard = Some(GuardOptions { lock_dirs: lock_dirs.to_vec(), ..GuardOptions::default() });
    let native = Native::new(NativeOptions { dir, ppp_port: None });
    let mut native = Held::new(Box::new(native), HeldOptions { guard, ..HeldOptions::default() });
    let taken = nb::block!(native.take()).and_then(|_found| {
        native.owe(Owed { want: Some(Want::Up), selection: None });
        nb::block!(native.ask(Want::Down))
    });
    if let Err(error) = taken {
        let _nobody_listens = writeln!(io::stderr(), "hold: fatal: {error}");
        return ExitCode::from(111);
    }
    let port = PathBuf::from("/dev/ttyHELD");
    let _locks = cellscan::serial::uucp::UucpLocks::take(lock_dirs, &[&port]);
    let _nobody_listens = writeln!(io::stdout(), "held").and_then(|()| io::stdout().flush());
    // Until the other end closes, or the read fails.
    let _end = io::stdin().read(&mut [0]);
    ExitCode::SUCCESS
}
