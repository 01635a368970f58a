//! Finds commands in the scripts around `pppd` that undo or hinder a scan: by their words, so it only "looks like" it.

use std::path::{Path, PathBuf};

use super::shell::{Statement, Syntax, is_program, statements};

/// A `pppd` that a script starts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Launch {
    /// The line of the script.
    pub line: usize,
    /// It replaces the shell.
    pub exec: bool,
    /// It runs in the background.
    pub background: bool,
    /// Its arguments.
    pub options: Vec<String>,
}

/// The findings in a script.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Script {
    /// Each `pppd` that it starts.
    pub launches: Vec<Launch>,
    /// It sets a trap, which may pass TERM on.
    pub traps: bool,
    /// The longest `sleep` in it, in seconds.
    pub sleeps_s: Option<u32>,
    /// The first line that writes to a serial port, and the port.
    pub writes: Option<(usize, String)>,
    /// The first line that ends each `pppd` by name.
    pub kills: Option<usize>,
}

/// Reads a shell script.
#[must_use]
pub fn script(text: &str) -> Script {
    let found = statements(text, Syntax::Shell);
    let launches = found.iter().filter_map(|statement| {
        let options = statement.arguments_of("pppd")?.to_vec();
        let Statement { line, background, .. } = *statement;
        Some(Launch { line, exec: statement.is_exec() && !background, background, options })
    });
    let sleeps = found.iter().filter_map(|statement| statement.arguments_of("sleep")?.first()?.parse().ok());
    Script {
        launches: launches.collect(),
        traps: found.iter().any(|statement| statement.arguments_of("trap").is_some()),
        sleeps_s: sleeps.max(),
        writes: found.iter().find_map(|statement| Some((statement.line, written_port(statement)?))),
        kills: found.iter().find(|one| kills_by_name(one, &found)).map(|one| one.line),
    }
}

/// The serial port that a command writes to, by a redirection or as an argument of a program that talks to ports.
fn written_port(statement: &Statement) -> Option<String> {
    let is_port = |word: &str| {
        word.strip_prefix("/dev/")
            .is_some_and(|name| is_tty_name(name) || name.starts_with("serial/") || name.contains("modem"))
    };
    let talks = ["stty", "tee", "microcom", "comgt", "gcom", "sms_tool"]
        .iter()
        .any(|program| statement.arguments_of(program).is_some());
    let by_redirection = statement.written.iter().find(|file| is_port(file));
    let by_program = || statement.words.iter().find(|word| talks && is_port(word));
    by_redirection.or_else(by_program).cloned()
}

/// `killall pppd`, `pkill pppd`, `kill $(pidof pppd)`; what is in parentheses is a command of its own on that line.
fn kills_by_name(statement: &Statement, all: &[Statement]) -> bool {
    let bare = |word: &String| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    let names = |words: &[String]| words.iter().any(|word| bare(word) == "pppd");
    let by_name = ["killall", "pkill"];
    if by_name.iter().any(|program| statement.arguments_of(program).is_some_and(names)) {
        return true;
    }
    let looks_up = |other: &Statement| {
        other.line == statement.line
            && names(&other.words)
            && other.words.iter().any(|word| matches!(bare(word).as_str(), "pidof" | "pgrep"))
    };
    statement.arguments_of("kill").is_some() && all.iter().any(looks_up)
}

/// The options of `pppd`, from its arguments and its files, as far as they matter to a scan.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of pppd, set or not")]
pub struct Options {
    /// `nodetach`: it stays the supervisor's child.
    pub nodetach: bool,
    /// `updetach`: it detaches itself once the link is up.
    pub updetach: bool,
    /// `lock`: it honours a UUCP lock.
    pub lock: bool,
    /// `demand`: its interface has an address before there is a link.
    pub demand: bool,
    /// The port, if a word looks like one.
    pub port: Option<String>,
    /// The commands of `connect`, `disconnect` and `init`.
    pub scripts: Vec<String>,
    /// The names after `call`.
    pub calls: Vec<String>,
    /// The names after `file`.
    pub files: Vec<String>,
}

impl Options {
    /// Adds the options in these words.
    pub fn read<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word {
                "nodetach" | "-detach" => self.nodetach = true,
                "updetach" => self.updetach = true,
                "lock" => self.lock = true,
                "demand" => self.demand = true,
                "connect" | "disconnect" | "init" => keep(&mut self.scripts, words.next()),
                "call" => keep(&mut self.calls, words.next()),
                "file" => keep(&mut self.files, words.next()),
                // With or without `/dev/` (pppd/tty.c:setdevname).
                _ if word.starts_with("/dev/") || is_tty_name(word) => {
                    self.port.get_or_insert_with(|| word.to_owned());
                }
                _ => {}
            }
        }
    }

    /// Adds the options in a file.
    pub fn read_file(&mut self, text: &str) {
        let lines = statements(text, Syntax::Words);
        self.read(lines.iter().flat_map(|line| &line.words).map(String::as_str));
    }

    /// The path of the port in the options.
    #[must_use]
    pub fn port_path(&self) -> Option<PathBuf> {
        self.port.as_ref().map(|name| Path::new("/dev").join(name))
    }

    /// The name of the file with the options of the port, in the directory of `pppd` (`options_for_tty` in pppd/options.c): it reads
    /// that file where there is one.
    #[must_use]
    pub fn port_options(&self) -> Option<String> {
        let port = self.port.as_deref()?;
        let name = port.split_once("/dev/").map_or(port, |(_, name)| name);
        Some(format!("options.{}", name.replace('/', ".")))
    }

    /// The commands of `connect` and the like after which `chat`, or a script, seems to live on when `pppd` gets a TERM: `pppd`
    /// starts them by `sh -c`, and passes the TERM to that shell only.
    pub fn outliving(&self) -> impl Iterator<Item = &str> {
        let outlives = |script: &&String| {
            let commands = statements(script, Syntax::Shell);
            commands.last().is_some_and(|last| !last.is_exec())
        };
        self.scripts.iter().filter(outlives).map(String::as_str)
    }
}

/// A bound that no real configuration reaches; a hostile one must not fill the screen.
fn keep(kept: &mut Vec<String>, word: Option<&str>) {
    const KEPT_MAX: usize = 32;
    if let Some(word) = word.filter(|word| kept.len() < KEPT_MAX && kept.iter().all(|known| known != word)) {
        kept.push(word.to_owned());
    }
}

fn is_tty_name(word: &str) -> bool {
    let rest = word.strip_prefix("tty").unwrap_or_default();
    rest.starts_with(|first: char| first.is_ascii_uppercase())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The files that a command names as scripts of `chat` (`-f FILE`), and the command itself if it is a script.
#[must_use]
pub fn named_files(command: &str) -> Vec<(String, Syntax)> {
    let mut found = Vec::new();
    for statement in statements(command, Syntax::Shell) {
        if let Some(arguments) = statement.arguments_of("chat") {
            let mut words = arguments.iter();
            while let Some(word) = words.next() {
                let file = word.strip_prefix("-f").filter(|rest| !rest.is_empty());
                let file =
                    file.or_else(|| if word == "-f" { words.next().map(String::as_str) } else { None });
                found.extend(file.map(|file| (file.to_owned(), Syntax::Words)));
            }
            continue;
        }
        let program = statement.words.iter().find(|word| *word != "exec" && !is_program(word, "sh"));
        found.extend(program.filter(|word| word.starts_with('/')).map(|word| (word.clone(), Syntax::Shell)));
    }
    found
}

/// How a command to the modem undoes a scan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Undoes {
    /// It selects an operator, or lets the modem select one.
    Selection,
    /// It resets the modem's settings.
    Settings,
    /// It turns the radio off or restarts the modem.
    Radio,
}

/// A command to the modem that undoes the result of a scan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModemCommand {
    /// Its line.
    pub line: usize,
    /// The command, as far as it matters here.
    pub command: &'static str,
    /// How it undoes a scan.
    pub undoes: Undoes,
}

/// The commands in a text that undo a scan, each once.
#[must_use]
pub fn modem_commands(text: &str, syntax: Syntax) -> Vec<ModemCommand> {
    let mut found: Vec<ModemCommand> = Vec::new();
    for statement in statements(text, syntax) {
        for word in &statement.words {
            for (command, undoes) in in_word(&word.to_ascii_uppercase()) {
                if found.iter().all(|known| known.command != command) {
                    found.push(ModemCommand { line: statement.line, command, undoes });
                }
            }
        }
    }
    found
}

fn in_word(word: &str) -> Vec<(&'static str, Undoes)> {
    let after = |start: &str| word.split(start).skip(1).map(str::to_owned).collect::<Vec<_>>();
    let mut found = Vec::new();
    // A query changes nothing, and 3 only sets the format of the answer (3GPP TS 27.007 §7.3).
    if after("+COPS=").iter().any(|rest| !rest.starts_with('?') && !rest.starts_with('3')) {
        found.push(("AT+COPS=", Undoes::Selection));
    }
    let resets = word.match_indices("ATZ").any(|(at, _)| {
        let before = word.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(char::is_alphanumeric)
    });
    if resets {
        found.push(("ATZ", Undoes::Settings));
    }
    if word.contains("AT") && word.contains("&F") {
        found.push(("AT&F", Undoes::Settings));
    }
    // Setting full functionality again changes nothing; with `,1` the modem restarts (3GPP TS 27.007 §8.2).
    if after("+CFUN=")
        .iter()
        .any(|rest| !rest.starts_with('?') && (!rest.starts_with('1') || rest.starts_with("1,")))
    {
        found.push(("AT+CFUN=", Undoes::Radio));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_is_found_with_and_without_exec() {
        let good = script("#!/bin/sh\nexec 2>&1\nexec pppd call isp nodetach\n");
        assert!(good.launches[0].exec && good.launches[0].line == 3 && !good.traps);
        let shell = script("#!/bin/sh\ntrap 'kill $pid' TERM\npppd call isp nodetach &\nwait\n");
        assert!(!shell.launches[0].exec && shell.launches[0].background && shell.traps);
        assert!(script("exec svlogd ./log").launches.is_empty());
        assert_eq!(script("sleep 3\n/bin/sleep 12; sleep x").sleeps_s, Some(12));
    }

    #[test]
    fn a_script_that_writes_to_a_port_is_found_with_its_line() {
        for (text, port) in [
            ("echo AT > /dev/ttyUSB2", Some("/dev/ttyUSB2")),
            ("printf 'ATZ\\r' >/dev/ttyACM0; sleep 1", Some("/dev/ttyACM0")),
            ("stty -F /dev/ttyUSB2 raw", Some("/dev/ttyUSB2")),
            ("echo x | tee /dev/serial/by-id/usb-x-if02", Some("/dev/serial/by-id/usb-x-if02")),
            ("exec pppd /dev/ttyUSB2 nodetach 2>/dev/null", None),
            ("exec 2>&1; echo started > /dev/console", None),
        ] {
            let found = script(&format!("#!/bin/sh\n{text}\n")).writes;
            assert_eq!(found, port.map(|port| (2, port.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_script_that_ends_every_pppd_by_name_is_found_with_its_line() {
        for text in [
            "killall pppd",
            "killall -9 pppd || true",
            "pkill -x pppd",
            "kill $(pidof pppd)",
            "kill `pidof pppd`",
        ] {
            assert_eq!(script(&format!("#!/bin/sh\n{text}\n")).kills, Some(2), "{text}");
        }
        for text in ["killall chat", "kill $pid", "exec pppd", "pidof pppd && exit 0"] {
            assert_eq!(script(&format!("#!/bin/sh\n{text}\n")).kills, None, "{text}");
        }
    }

    #[test]
    fn options_are_read_from_words_and_files() {
        let mut options = Options::default();
        options.read(["call", "isp", "ttyUSB2", "115200", "file", "/etc/ppp/more"]);
        assert!(!options.demand);
        options.read_file(
            "# lock\nnodetach\nlock\ndemand\nconnect '/usr/sbin/chat -v -f /etc/chatscripts/isp'\nttyACM0\n",
        );
        assert!(options.nodetach && options.lock && options.demand && !options.updetach);
        assert_eq!(options.port_path().as_deref(), Some(Path::new("/dev/ttyUSB2")));
        assert_eq!((options.calls.as_slice(), options.files.len()), (&["isp".to_owned()][..], 1));
        assert_eq!(options.outliving().count(), 1);
        assert_eq!(named_files(&options.scripts[0]), [("/etc/chatscripts/isp".to_owned(), Syntax::Words)]);
    }

    #[test]
    fn the_number_of_scripts_is_bounded() {
        let mut options = Options::default();
        options.read_file(&"connect a connect b ".repeat(1_000));
        assert_eq!(options.scripts, ["a", "b"]);
        options.read_file(&(0..1_000).map(|n| format!("connect c{n}")).collect::<Vec<_>>().join(" "));
        assert_eq!(options.scripts.len(), 32);
    }

    #[test]
    fn a_chat_that_is_executed_ends_with_pppd() {
        let outlives = |script: &str| {
            let scripts = vec![script.to_owned()];
            Options { scripts, ..Options::default() }.outliving().count() == 1
        };
        assert!(outlives("chat -f x") && outlives("/etc/ppp/dial.sh"));
        assert!(!outlives("exec chat -f x") && !outlives("sleep 1; exec chat -fx") && !outlives(""));
        assert_eq!(named_files("sleep 1; exec chat -v -fx"), [("x".to_owned(), Syntax::Words)]);
        assert_eq!(named_files("/etc/ppp/dial.sh up"), [("/etc/ppp/dial.sh".to_owned(), Syntax::Shell)]);
    }

    #[test]
    fn commands_that_undo_a_scan_are_found_once_with_their_line() {
        let text = "ABORT BUSY\n'' ATZ\nOK at+cops=0\nOK AT+COPS=1,2,\"310410\"\nOK AT+CFUN=1,1\nOK AT&F0\n";
        let found: Vec<_> =
            modem_commands(text, Syntax::Words).iter().map(|one| (one.line, one.command)).collect();
        assert_eq!(found, [(2, "ATZ"), (3, "AT+COPS="), (5, "AT+CFUN="), (6, "AT&F")]);
    }

    #[test]
    fn queries_formats_comments_and_other_words_undo_nothing() {
        let text = "# ATZ\n'' AT+COPS=? OK AT+COPS? OK AT+COPS=3,2 OK AT+CFUN? OK AT+CFUN=1 OK ATE0 OK WATZ OK ATD*99#";
        assert_eq!(modem_commands(text, Syntax::Words), []);
    }
}
