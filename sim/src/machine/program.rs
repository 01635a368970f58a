//! The behaviour of an executable file, as data.

use std::collections::BTreeMap;

use crate::machine::pppd::PppdProfile;
use crate::signal::Signal;

/// The behaviour of an executed program.
#[derive(Clone, Debug, PartialEq)]
pub enum Program {
    /// A program with a stated life time and stated reactions to signals.
    Plain(Plain),
    /// A shell that executes commands, and neither execs nor forwards signals unless told.
    Shell(Vec<Command>),
    /// Reads its standard input to the end, as `cat >/dev/null` and `svlogd` do.
    Reader,
    /// The kernel cannot execute it: absent, not executable, empty.
    Unrunnable,
    /// A `pppd`.
    Pppd(PppdProfile),
}

/// A program with a stated life time and stated reactions to signals. The default runs for ever and dies of every signal.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plain {
    /// Ends after this many ms; `None`: never.
    pub run_ms: Option<u64>,
    /// Its exit code then.
    pub exit: i32,
    /// Dies of this signal instead of exiting.
    pub dies_of: Option<Signal>,
    /// Its reaction to `SIGTERM`.
    pub term: Term,
    /// Signals that it handles or ignores; they have no effect on it.
    pub unmoved_by: Vec<Signal>,
    /// Double fork: the first process exits 0 after this many ms, its child continues in a session of its own.
    pub detaches_ms: Option<u64>,
    /// Has a child that sleeps for ever and dies of `SIGTERM`.
    pub child: bool,
}

/// The reaction of a program to `SIGTERM`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Term {
    /// Dies of it.
    #[default]
    Dies,
    /// Ignores it.
    Ignores,
    /// Exits after a while.
    Exits {
        /// The exit code.
        code: i32,
        /// The delay, in ms.
        after_ms: u64,
    },
}

/// One command of a shell script.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Runs a program under this tag and waits for it.
    Run(String, Program),
    /// Runs a program under this tag in the background.
    Background(String, Program),
    /// Becomes the program.
    Exec(String, Program),
    /// Waits for all background processes; a trapped signal ends the wait.
    Wait,
    /// Exits; `None`: with the code of the last command.
    Exit(Option<i32>),
    /// From here on `SIGTERM` is ignored, also by processes started later.
    IgnoreTerm,
    /// From here on `SIGTERM` is passed on to the background processes.
    ForwardTerm,
    /// The same; then waits for the background processes and exits.
    ForwardTermThenExit(i32),
    /// From here on `SIGTERM` makes the shell exit, once its current command has ended.
    ExitOnTerm(i32),
}

/// An executable file of a service directory.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The name under which its processes are counted.
    pub tag: String,
    /// The behaviour of the first, the second … execution; the last entry repeats. Never empty in a valid file: an empty
    /// list is [`Program::Unrunnable`].
    pub programs: Vec<Program>,
    /// The owner's execute bit, the only one that `runsv` checks.
    pub executable: bool,
}

impl File {
    /// An executable file with the same behaviour each time.
    #[must_use]
    pub fn new(tag: &str, program: Program) -> Self {
        Self { tag: tag.to_owned(), programs: vec![program], executable: true }
    }

    /// The behaviour of the next execution. Executions are counted by tag and not by file: a rewritten script continues at
    /// the position of the old one.
    pub(crate) fn next(&self, counts: &mut BTreeMap<String, usize>) -> Program {
        if !self.executable {
            return Program::Unrunnable;
        }
        let index = if self.programs.len() > 1 {
            let count = counts.entry(self.tag.clone()).or_default();
            *count += 1;
            (*count - 1).min(self.programs.len() - 1)
        } else {
            0
        };
        self.programs.get(index).cloned().unwrap_or(Program::Unrunnable)
    }
}

impl From<Plain> for Program {
    fn from(plain: Plain) -> Self {
        Self::Plain(plain)
    }
}

impl Program {
    /// Runs for ever, dies of every signal.
    #[must_use]
    pub fn forever() -> Self {
        Self::Plain(Plain::default())
    }

    /// Exits with `code` after `run_ms`.
    #[must_use]
    pub fn exits(run_ms: u64, code: i32) -> Self {
        Self::Plain(Plain { run_ms: Some(run_ms), exit: code, ..Plain::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_of_a_list_repeats() {
        let file = File {
            tag: "run".to_owned(),
            programs: vec![Program::exits(1, 0), Program::exits(2, 0)],
            executable: true,
        };
        let mut counts = BTreeMap::new();
        let runs: Vec<_> = (0..3).map(|_| file.next(&mut counts)).collect();
        assert_eq!(runs, [Program::exits(1, 0), Program::exits(2, 0), Program::exits(2, 0)]);
    }
}
