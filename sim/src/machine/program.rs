//! What a file that can be executed does, as data.

use std::collections::BTreeMap;

use crate::machine::pppd::PppdProfile;
use crate::signal::Signal;

/// What an executed program does.
#[derive(Clone, Debug, PartialEq)]
pub enum Program {
    /// A program whose life and signals are stated.
    Plain(Plain),
    /// A shell that works through commands, and neither execs nor forwards signals unless told.
    Shell(Vec<Command>),
    /// Reads its standard input to the end, as `cat >/dev/null` and `svlogd` do.
    Reader,
    /// The kernel refuses to execute it: absent, not executable, empty.
    Unrunnable,
    /// A `pppd`.
    Pppd(PppdProfile),
}

/// A program whose life and signals are stated. The default one runs for ever and dies of every signal.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plain {
    /// Ends by itself after this many ms; `None`: never.
    pub run_ms: Option<u64>,
    /// The exit code then.
    pub exit: i32,
    /// Dies of this signal instead of exiting.
    pub dies_of: Option<Signal>,
    /// What it does on `SIGTERM`.
    pub term: Term,
    /// Signals that it blocks and notes, or ignores; they do nothing to it.
    pub unmoved_by: Vec<Signal>,
    /// Double fork: the first process exits 0 after this many ms, its child goes on in a session of its own.
    pub detaches_ms: Option<u64>,
    /// Has a child that sleeps for ever and dies of `SIGTERM`.
    pub child: bool,
}

/// What a program does on `SIGTERM`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Term {
    /// Dies of it.
    #[default]
    Dies,
    /// Goes on.
    Ignores,
    /// Exits after a while.
    Exits {
        /// The exit code.
        code: i32,
        /// How long it takes, in ms.
        after_ms: u64,
    },
}

/// One command of a shell script.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Runs a program under this tag and waits for it.
    Run(String, Program),
    /// Runs a program under this tag and goes on.
    Background(String, Program),
    /// Becomes the program.
    Exec(String, Program),
    /// Waits for all that was put into the background; a trapped signal ends the wait.
    Wait,
    /// Exits; `None`: with the code of the last command.
    Exit(Option<i32>),
    /// From here on `SIGTERM` is ignored, by what is started later too.
    IgnoreTerm,
    /// From here on `SIGTERM` is passed on to what is in the background.
    ForwardTerm,
    /// The same, and then waits for what is in the background and exits.
    ForwardTermThenExit(i32),
    /// From here on `SIGTERM` makes the shell exit, once the command that it waits for has ended.
    ExitOnTerm(i32),
}

/// A file of a service directory that may be executed.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The name under which its processes are counted.
    pub tag: String,
    /// What the first, the second … execution does; the last entry repeats. Never empty in a valid file: an empty
    /// list is [`Program::Unrunnable`].
    pub programs: Vec<Program>,
    /// The owner's execute bit, which is all that `runsv` looks at.
    pub executable: bool,
}

impl File {
    /// An executable file that does the same each time.
    #[must_use]
    pub fn new(tag: &str, program: Program) -> Self {
        Self { tag: tag.to_owned(), programs: vec![program], executable: true }
    }

    /// What the next execution does. A list is counted by its tag and not by its file: a script that is written anew
    /// goes on in its list where the old one was.
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
