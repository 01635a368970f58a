//! Splits scripts and option files into words, as far as that is possible without running them.
//!
//! This is no shell: it knows words, quotes, comments and the ends of commands, and cannot see what a script computes. Its
//! users say "looks like".

use std::collections::HashMap;

/// The program that reads the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Syntax {
    /// A shell script: `;`, `&`, `|`, parentheses and line feeds end a command.
    Shell,
    /// An options file of `pppd` or a script of `chat`: words only, and `AT&F` is one.
    Words,
}

/// One command, or one line of words.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Statement {
    /// Its first line, from 1.
    pub line: usize,
    /// The words, without their quotes.
    pub words: Vec<String>,
    /// The files that it writes to by redirection.
    pub written: Vec<String>,
    /// It ends with `&`.
    pub background: bool,
}

/// Largest number of words after expansion of variables: a small script can name a large value many times.
const EXPANDED_MAX: usize = 4_096;
/// Words before a command that belong to no command.
const KEYWORDS: [&str; 11] =
    ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "command"];
/// Programs that execute the program named in their arguments.
const WRAPPERS: [&str; 14] = [
    "chpst",
    "env",
    "nice",
    "ionice",
    "setsid",
    "nohup",
    "softlimit",
    "setuidgid",
    "envdir",
    "chrt",
    "taskset",
    "stdbuf",
    "busybox",
    "sudo",
];

impl Statement {
    /// Whether it begins with `exec`, so that no shell stays.
    #[must_use]
    pub fn is_exec(&self) -> bool {
        self.command().first().is_some_and(|word| word == "exec")
    }

    /// The arguments of `program`, if this command seems to run it, directly or through one of the usual
    /// wrappers.
    #[must_use]
    pub fn arguments_of(&self, program: &str) -> Option<&[String]> {
        let mut words = self.command();
        if let Some(("exec", rest)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
            words = rest;
        }
        let first = words.first()?;
        let at = if is_program(first, program) {
            0
        } else if WRAPPERS.iter().any(|wrapper| is_program(first, wrapper)) {
            words.iter().position(|word| is_program(word, program))?
        } else {
            return None;
        };
        words.get(at + 1..)
    }

    /// The words from the first one that is neither a keyword nor an assignment.
    fn command(&self) -> &[String] {
        let skipped = |word: &&String| KEYWORDS.contains(&word.as_str()) || assignment(word).is_some();
        let count = self.words.iter().take_while(skipped).count();
        self.words.get(count..).unwrap_or_default()
    }
}

/// Whether the word names this program, with any path.
#[must_use]
pub fn is_program(word: &str, program: &str) -> bool {
    word.rsplit('/').next() == Some(program)
}

/// The commands of a text. A variable that the script sets to a plain word is expanded after that.
#[must_use]
pub fn statements(text: &str, syntax: Syntax) -> Vec<Statement> {
    let (now, found) = (Statement::default(), Vec::new());
    let mut split = Split { syntax, line: 1, now, word: None, writes_to: false, found };
    let mut characters = text.chars().peekable();
    let mut quote = None;
    while let Some(character) = characters.next() {
        if character == '\n' {
            split.line += 1;
        }
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some('\''), _) => split.push(character),
            (_, '\\') => match characters.next() {
                Some('\n') => split.line += 1,
                Some(next) => split.push(next),
                None => {}
            },
            (None, '\'' | '"') => {
                quote = Some(character);
                split.begin();
            }
            (None, '#') if split.word.is_none() => {
                while characters.next_if(|next| *next != '\n').is_some() {}
            }
            (None, '\n') => split.end_statement(false),
            (None, '&') if syntax == Syntax::Shell && split.redirects(characters.peek()) => {
                split.push(character);
            }
            (None, ';' | '|' | '&' | '(' | ')') if syntax == Syntax::Shell => {
                let twice = characters.next_if_eq(&character).is_some();
                split.end_statement(character == '&' && !twice);
            }
            (None, _) if character.is_whitespace() => split.end_word(),
            (Some(_) | None, _) => split.push(character),
        }
    }
    split.end_statement(false);
    if syntax == Syntax::Shell { expanded(split.found) } else { split.found }
}

struct Split {
    syntax: Syntax,
    line: usize,
    now: Statement,
    word: Option<String>,
    /// The last word was a redirection without its file.
    writes_to: bool,
    found: Vec<Statement>,
}

impl Split {
    fn begin(&mut self) {
        if self.now.words.is_empty() && self.word.is_none() {
            self.now.line = self.line;
        }
        self.word.get_or_insert_default();
    }

    fn push(&mut self, character: char) {
        self.begin();
        self.word.get_or_insert_default().push(character);
    }

    /// `2>&1` and `&>file` are words, and no `&` of a background command.
    fn redirects(&self, next: Option<&char>) -> bool {
        next == Some(&'>') || self.word.as_ref().is_some_and(|word| word.ends_with(['>', '<']))
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            let redirects = self.syntax == Syntax::Shell && word.contains(['<', '>']);
            if core::mem::take(&mut self.writes_to) {
                self.now.written.push(word);
            } else if let Some((_, file)) = word.rsplit_once('>').filter(|_| redirects) {
                self.writes_to = file.is_empty();
                self.now.written.extend((!file.is_empty()).then(|| file.to_owned()));
            } else if !redirects {
                self.now.words.push(word);
            }
        }
    }

    fn end_statement(&mut self, background: bool) {
        self.end_word();
        self.writes_to = false;
        let ended = core::mem::take(&mut self.now);
        if !ended.words.is_empty() {
            self.found.push(Statement { background, ..ended });
        }
    }
}

/// Expands variables set before. A value of several words becomes several words.
fn expanded(mut found: Vec<Statement>) -> Vec<Statement> {
    let mut set: HashMap<String, String> = HashMap::new();
    let mut left = EXPANDED_MAX;
    for statement in &mut found {
        let words = core::mem::take(&mut statement.words);
        for word in words {
            match variable(&word).and_then(|name| set.get(name)) {
                Some(value) => {
                    let before = statement.words.len();
                    statement.words.extend(value.split_whitespace().take(left).map(str::to_owned));
                    left -= statement.words.len() - before;
                }
                None => statement.words.push(word),
            }
        }
        for file in &mut statement.written {
            if let Some(value) = variable(file).and_then(|name| set.get(name)) {
                file.clone_from(value);
            }
        }
        for word in &statement.words {
            let Some((name, value)) = assignment(word) else { break };
            set.insert(name.to_owned(), value.to_owned());
        }
    }
    found
}

fn variable(word: &str) -> Option<&str> {
    let name = word.strip_prefix('$')?;
    let name = name.strip_prefix('{').map_or(Some(name), |inner| inner.strip_suffix('}'))?;
    is_name(name).then_some(name)
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    word.split_once('=').filter(|(name, _)| is_name(name))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(text: &str) -> Vec<Statement> {
        statements(text, Syntax::Shell)
    }

    #[test]
    fn commands_end_as_in_a_shell_and_have_their_line() {
        let found = shell("#!/bin/sh\nexec 2>&1\nsleep 1 && \\\n  exec pppd 'a b' \"c;d\" # no\nx &\n");
        let lines: Vec<_> = found.iter().map(|one| (one.line, one.words.join("|"), one.background)).collect();
        assert_eq!(
            lines,
            [
                (2, "exec".to_owned(), false),
                (3, "sleep|1".to_owned(), false),
                (4, "exec|pppd|a b|c;d".to_owned(), false),
                (5, "x".to_owned(), true),
            ]
        );
    }

    #[test]
    fn a_program_is_found_after_exec_wrappers_and_assignments_only() {
        for (text, exec, arguments) in [
            ("exec /usr/sbin/pppd call isp", true, "call isp"),
            ("pppd nodetach", false, "nodetach"),
            ("LANG=C exec chpst -e ./env pppd nodetach", true, "nodetach"),
            ("if pppd nodetach", false, "nodetach"),
            ("PPPD=/usr/sbin/pppd; OPTS='call isp'; exec \"$PPPD\" ${OPTS}", true, "call isp"),
        ] {
            let found = shell(text);
            let last = found.last().unwrap();
            assert_eq!(last.is_exec(), exec, "{text}");
            assert_eq!(last.arguments_of("pppd").unwrap().join(" "), arguments, "{text}");
        }
        for text in ["echo pppd", "exec 2>&1", "exec chat -f pppd.chat", "killall pppd", "# exec pppd"] {
            assert!(shell(text).iter().all(|one| one.arguments_of("pppd").is_none()), "{text}");
        }
    }

    #[test]
    fn a_file_of_words_has_no_operators() {
        let found = statements("'' AT&F OK\n# ATZ\nconnect \"chat -f x; y\"", Syntax::Words);
        assert_eq!(found[0].words, ["", "AT&F", "OK"]);
        assert_eq!((found[1].line, found[1].words[1].as_str()), (3, "chat -f x; y"));
    }

    #[test]
    fn hostile_text_is_read_in_bounded_time() {
        for text in ["'", "\"\\", "\\", "$", "${", "&&&&", "((((", "\0\u{1b}[2J", "A=$A\n$A $A", "#"] {
            for syntax in [Syntax::Shell, Syntax::Words] {
                assert!(statements(text, syntax).len() <= text.len(), "{text:?}");
            }
        }
        let large = format!("A='{}'\n{}", "x ".repeat(8_000), "$A ".repeat(8_000));
        assert!(shell(&large).iter().map(|one| one.words.len()).sum::<usize>() < 20_000);
        let doubling = "A='x x'\n".to_owned() + &"A=\"$A $A\"\n".repeat(1_000);
        assert!(shell(&doubling).iter().all(|one| one.words.len() < 8));
    }
}
