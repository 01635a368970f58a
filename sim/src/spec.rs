//! Programs in the notation of the recorded scenarios: `key=value` lists and small shell scripts.

use core::fmt;

use crate::machine::program::{Command, Plain, Program, Term};
use crate::signal::Signal;

/// Why a program could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SpecError {
    /// An unknown key, or an invalid value.
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// A line of shell without a model here.
    Shell(String),
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { key, value } => write!(f, "program: {key}={value} is not understood"),
            Self::Shell(line) => write!(f, "shell: {line:?} has no model"),
        }
    }
}

impl core::error::Error for SpecError {}

/// Reads a program out of its `key=value` pairs.
///
/// # Errors
/// An unknown key, or an invalid value.
pub fn plain<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Plain, SpecError> {
    let mut plain = Plain::default();
    for (key, value) in pairs {
        let wrong = || SpecError::Value { key: key.to_owned(), value: value.to_owned() };
        match key {
            "run" => {
                plain.run_ms = value.parse::<i64>().map_err(|_| wrong()).map(|ms| u64::try_from(ms).ok())?;
            }
            "exit" => plain.exit = value.parse().map_err(|_| wrong())?,
            "sig" => {
                let number = value.parse().map_err(|_| wrong())?;
                plain.dies_of =
                    if number == 0 { None } else { Some(Signal::from_number(number).ok_or_else(wrong)?) };
            }
            "term" => plain.term = term(value).ok_or_else(wrong)?,
            "fork" => plain.detaches_ms = Some(value.parse().map_err(|_| wrong())?),
            "child" => plain.child = value != "0",
            // runsv notices neither a session of its own nor a line in a log file.
            "setsid" | "ready" | "evlog" => {}
            "hup" | "int" | "quit" | "usr1" | "usr2" | "alrm" | "cont" => match value {
                "default" => {}
                "log" | "ignore" => {
                    plain.unmoved_by.push(Signal::from_name(&key.to_uppercase()).ok_or_else(wrong)?);
                }
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        }
    }
    Ok(plain)
}

/// `default`, `ignore` or `exit:CODE:DELAY_MS`.
fn term(value: &str) -> Option<Term> {
    match value {
        "default" => Some(Term::Dies),
        "ignore" => Some(Term::Ignores),
        _ => {
            let mut parts = value.strip_prefix("exit")?.split(':').skip(1);
            let code = parts.next().map_or(Some(0), |code| code.parse().ok())?;
            let after_ms = parts.next().map_or(Some(0), |ms| ms.parse().ok())?;
            Some(Term::Exits { code, after_ms })
        }
    }
}

/// Reads a shell script of simple commands; `@PROG@` stands for the program that [`plain`] describes.
///
/// # Errors
/// A line without a model here: an error is better than a wrong interpretation.
pub fn shell(text: &str) -> Result<Program, SpecError> {
    let mut commands = Vec::new();
    for line in lines(text) {
        let line = line.trim();
        // One `&` ends a command; two are a conjunction, for which there is no model.
        let (line, background) = match line.strip_suffix('&') {
            Some(line) if !line.ends_with('&') => (line.trim(), true),
            _ => (line, false),
        };
        for (index, part) in split_background(line).into_iter().rev().enumerate().rev() {
            commands.extend(simple(part, background && index == 0 || index > 0)?);
        }
    }
    Ok(Program::Shell(commands))
}

/// The text between newlines and semicolons, except for those in quotes.
fn lines(text: &str) -> Vec<&str> {
    let mut quote = None;
    let ends = |c: char| {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None => return c == '\n' || c == ';',
            Some(_) => {}
        }
        false
    };
    text.split(ends).collect()
}

/// `a & b` is a command in the background and another one.
fn split_background(line: &str) -> Vec<&str> {
    if line.contains("&&") || line.contains("||") || line.starts_with("trap ") {
        return vec![line];
    }
    line.split(" & ").map(str::trim).collect()
}

fn simple(line: &str, background: bool) -> Result<Option<Command>, SpecError> {
    let refused = || SpecError::Shell(line.to_owned());
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    if let Some(trap) = line.strip_prefix("trap ") {
        return trap_command(trap).map(Some).ok_or_else(refused);
    }
    if line.contains("&&") || line.contains("||") || line.contains('|') || line.contains('`') {
        return Err(refused());
    }
    let words: Vec<&str> = line.split_whitespace().filter(|word| !is_redirection(word)).collect();
    let (execs, words) = match words.split_first() {
        Some((&"exec", rest)) => (true, rest),
        _ => (false, words.as_slice()),
    };
    let Some((&first, rest)) = words.split_first() else { return Ok(None) };
    let mut tag = first.to_owned();
    let program = match first {
        "@PROG@" => {
            let (name, pairs) = rest.split_first().ok_or_else(refused)?;
            (*name).clone_into(&mut tag);
            let pairs: Option<Vec<_>> = pairs.iter().map(|pair| pair.split_once('=')).collect();
            plain(pairs.ok_or_else(refused)?)?.into()
        }
        "sleep" => {
            let seconds: f64 = rest.first().and_then(|word| word.parse().ok()).ok_or_else(refused)?;
            let span = core::time::Duration::try_from_secs_f64(seconds).map_err(|_| refused())?;
            Program::exits(u64::try_from(span.as_millis()).map_err(|_| refused())?, 0)
        }
        "cat" | "read" | "svlogd" => Program::Reader,
        "false" => Program::exits(0, 1),
        "true" | ":" | "echo" | "printf" | "touch" | "date" | "cd" | "export" | "umask" | "set" | "mkdir" => {
            return Ok(None);
        }
        "wait" => return Ok(Some(Command::Wait)),
        "exit" => {
            let code = rest.first().map(|code| code.parse()).transpose().map_err(|_| refused())?;
            return Ok(Some(Command::Exit(code)));
        }
        _ if first.contains('=') => return Ok(None),
        _ => return Err(refused()),
    };
    Ok(Some(match (execs, background) {
        (true, _) => Command::Exec(tag, program),
        (false, true) => Command::Background(tag, program),
        (false, false) => Command::Run(tag, program),
    }))
}

fn is_redirection(word: &str) -> bool {
    word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['>', '<'])
}

fn trap_command(trap: &str) -> Option<Command> {
    let (action, signals) = trap.trim().strip_prefix(['\'', '"'])?.split_once(['\'', '"'])?;
    if !signals.split_whitespace().any(|signal| matches!(signal, "TERM" | "15" | "SIGTERM")) {
        return None;
    }
    let action = action.trim();
    if action.is_empty() || action == ":" {
        return Some(Command::IgnoreTerm);
    }
    if action.starts_with("kill ") {
        return match action.split_once("exit") {
            None => Some(Command::ForwardTerm),
            // Without a wait it would leave its children behind, for which there is no model.
            Some((before, _)) if !before.contains("wait") => None,
            Some((_, code)) => Some(Command::ForwardTermThenExit(exit_code(code)?)),
        };
    }
    Some(Command::ExitOnTerm(exit_code(action.strip_prefix("exit")?)?))
}

fn exit_code(text: &str) -> Option<i32> {
    let text = text.trim();
    if text.is_empty() { Some(0) } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_does_not_exec_runs_its_program_as_a_child() {
        let Ok(Program::Shell(commands)) = shell("@PROG@ run evlog=@EV@\nexit 0") else { panic!("refused") };
        assert_eq!(commands, [Command::Run("run".to_owned(), Program::forever()), Command::Exit(Some(0))]);
    }

    #[test]
    fn redirections_are_ignored() {
        let Ok(Program::Shell(commands)) = shell("exec cat >/dev/null") else { panic!("refused") };
        assert_eq!(commands, [Command::Exec("cat".to_owned(), Program::Reader)]);
    }

    #[test]
    fn a_line_without_a_model_is_refused() {
        assert_eq!(shell("test -e x && exit 1"), Err(SpecError::Shell("test -e x && exit 1".to_owned())));
        assert!(matches!(plain([("rum", "1")]), Err(SpecError::Value { .. })));
    }

    #[test]
    fn a_forwarding_shell_is_understood() {
        let Ok(Program::Shell(exits)) = shell("trap 'kill $p; wait $p; exit 3' TERM; wait") else {
            panic!("refused")
        };
        assert_eq!(exits, [Command::ForwardTermThenExit(3), Command::Wait]);
        let Ok(Program::Shell(commands)) = shell("trap 'kill $p' TERM\n@PROG@ run & p=$!\nwait $p; wait")
        else {
            panic!("refused")
        };
        assert_eq!(
            commands,
            [
                Command::ForwardTerm,
                Command::Background("run".to_owned(), Program::forever()),
                Command::Wait,
                Command::Wait
            ]
        );
    }
}
