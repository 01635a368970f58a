//! A case: what it promises, whether that held, and its figures.

use std::fmt::Display;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cases::CASES;
use crate::init;

/// The results of a case so far.
#[derive(Debug)]
pub(crate) struct Case {
    failed: u32,
    files: u32,
    out: PathBuf,
}

impl Case {
    /// Notes whether a promise held; `detail` is shown with it.
    pub(crate) fn holds(&mut self, promise: &str, holds: bool, detail: impl Display) {
        self.failed += u32::from(!holds);
        say(&format!("{} {promise}: {detail}", if holds { "ok  " } else { "FAIL" }));
    }

    /// Notes something worth reading.
    #[expect(clippy::unused_self, reason = "a figure belongs to a case")]
    pub(crate) fn figure(&self, text: impl Display) {
        say(&format!("     {text}"));
    }

    /// Keeps a text, for the look into a failure.
    pub(crate) fn keep(&mut self, name: &str, text: &str) {
        self.files += 1;
        let plain: String =
            name.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
        let _ = fs::write(self.out.join(format!("{:02}-{plain}.txt", self.files)), text);
    }
}

#[expect(clippy::print_stdout, reason = "process 1 has directed it to a file of the host")]
fn say(line: &str) {
    println!("{line}");
}

/// Runs the case of this name in the guest.
pub(crate) fn run(name: &str) -> ExitCode {
    let found = CASES.iter().find(|case| case.name == name).expect("the host knows the names");
    let out = PathBuf::from(std::env::var_os(init::OUT).expect("the host names its directory"));
    let mut case = Case { failed: 0, files: 0, out };
    // The message of a panic is among what the case says.
    let finished = catch_unwind(AssertUnwindSafe(|| (found.run)(&mut case))).is_ok();
    for entry in fs::read_dir("/run/log").into_iter().flatten().flatten() {
        let _ = fs::copy(entry.path(), case.out.join(entry.file_name()));
    }
    if finished && case.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
