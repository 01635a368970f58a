//! cellscan around a real `pppd`: each case in a User Mode Linux of its own, as an ordinary process.
//!
//! ```text
//!  host    realppp ── boots for each case ──► linux.uml
//!  guest   realppp, process 1 ──► realppp case NAME ──┬── runsv ── pppd ── chat          the service
//!                                                     ├── cellscan scan, its guard      the program under test
//!                                                     ├── the simulator's modem ── pppd  a call, in a network of its own
//!                                                     └── ping through ppp0
//! ```
//!
//! One program for the three: it is process 1 of the guest, a case, or the command of the host. `tests/realppp/run` builds and
//! starts it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fixture that cannot be set up must fail the case at that line"
)]

mod case;
mod cases;
mod host;
mod init;
mod modem;
mod ping;
mod rig;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    if std::process::id() == 1 {
        init::run();
    }
    match words.split_first() {
        Some((word, [name])) if word == init::CASE => case::run(name),
        _ => host::run(&words),
    }
}
