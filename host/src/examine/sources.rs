//! Reads the scripts and option files around one `pppd`, followed from its `run` script.
//!
//! Other users may own these files: a bounded number is read, each to a bound, and only plain files.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::hazards::{ModemCommand, Options, Script, modem_commands, named_files, script};
use super::shell::Syntax;
use crate::checked;

/// The directory of `pppd` for `call` and for the options of every `pppd`.
pub const PPP_DIR: &str = "/etc/ppp";
/// Largest number of bytes read of one file.
pub const SCRIPT_LEN_MAX: u64 = 64 * 1024;
/// Largest number of files read.
const FILES_MAX: usize = 32;

/// The content of all files that could be read.
#[derive(Debug, Default)]
pub struct Sources {
    /// The `run` script.
    pub run: Script,
    /// The options of `pppd` from all files.
    pub options: Options,
    /// The commands that undo a scan, and their files.
    pub modem: Vec<(PathBuf, ModemCommand)>,
    /// The files that were read.
    pub read: Vec<PathBuf>,
    /// The files that could not be read, and why.
    pub unread: Vec<(PathBuf, String)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Run,
    Options,
    Script(Syntax),
}

/// Reads the `run` script of a service, and the files that it names.
#[must_use]
pub fn follow(service_dir: &Path, ppp_dir: &Path) -> Sources {
    let mut sources = Sources::default();
    let mut seen = HashSet::new();
    let mut queue = VecDeque::from([(service_dir.join("run"), Kind::Run)]);
    let common = ppp_dir.join("options");
    if common.exists() {
        queue.push_back((common, Kind::Options));
    }
    while let Some((path, kind)) = queue.pop_front() {
        if sources.read.len() + sources.unread.len() >= FILES_MAX || !seen.insert(path.clone()) {
            continue;
        }
        let text = match read_bounded(&path) {
            Ok(text) => text,
            Err(error) => {
                sources.unread.push((path, error.to_string()));
                continue;
            }
        };
        let known = sources.options.clone();
        let commands = sources.take_in(&path, kind, &text);
        sources.read.push(path);
        let options = &sources.options;
        let calls = options.calls.iter().skip(known.calls.len()).map(|name| ppp_dir.join("peers").join(name));
        let files = options.files.iter().skip(known.files.len()).map(|name| service_dir.join(name));
        // pppd needs this one no more than its common options.
        let of_the_port = options.port_options().map(|name| ppp_dir.join(name)).filter(|path| path.exists());
        queue.extend(calls.chain(files).chain(of_the_port).map(|path| (path, Kind::Options)));
        let scripts = options.scripts.iter().skip(known.scripts.len()).chain(&commands);
        let named = scripts.flat_map(|command| named_files(command));
        queue.extend(named.map(|(file, syntax)| (service_dir.join(file), Kind::Script(syntax))));
    }
    sources
}

impl Sources {
    /// Adds one file; returns the texts in it that may name scripts.
    fn take_in(&mut self, path: &Path, kind: Kind, text: &str) -> Vec<String> {
        let (syntax, commands) = match kind {
            Kind::Run => {
                self.run = script(text);
                for launch in &self.run.launches {
                    self.options.read(launch.options.iter().map(String::as_str));
                }
                (Syntax::Shell, vec![chat_only(text)])
            }
            Kind::Options => {
                self.options.read_file(text);
                (Syntax::Words, Vec::new())
            }
            Kind::Script(Syntax::Shell) => (Syntax::Shell, vec![chat_only(text)]),
            Kind::Script(Syntax::Words) => (Syntax::Words, Vec::new()),
        };
        let found = modem_commands(text, syntax).into_iter();
        self.modem.extend(found.map(|command| (path.to_path_buf(), command)));
        commands
    }
}

/// The lines of a script that mention `chat`: other programs that it starts do not matter here.
fn chat_only(text: &str) -> String {
    let joined = text.replace("\\\n", " ");
    joined.lines().filter(|line| line.contains("chat ")).collect::<Vec<_>>().join("\n")
}

/// Reads at most [`SCRIPT_LEN_MAX`] bytes of a plain file as text.
///
/// # Errors
/// It cannot be read, is no plain file, or holds no text.
pub fn read_bounded(path: &Path) -> io::Result<String> {
    let file = checked::open_followed(path)?;
    let mut bytes = Vec::new();
    file.take(SCRIPT_LEN_MAX).read_to_end(&mut bytes)?;
    if bytes.contains(&0) {
        return Err(io::Error::other("a program and no script"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn place(dir: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn files_are_followed_from_run_over_peers_and_connect_to_the_chat_script() {
        let dir = tempfile::tempdir().unwrap();
        let chat = dir.path().join("isp.chat");
        let peer = format!("connect \"/usr/sbin/chat -v -f {}\"\nnodetach\n", chat.display());
        place(
            dir.path(),
            &[
                ("service/run", "#!/bin/sh\nexec pppd call isp\n"),
                ("ppp/peers/isp", &peer),
                ("ppp/options", "lock\n"),
                ("isp.chat", "'' ATZ\nOK AT+COPS=0\nOK ATD*99#\n"),
            ],
        );
        let sources = follow(&dir.path().join("service"), &dir.path().join("ppp"));
        assert!(sources.options.lock && sources.options.nodetach);
        assert_eq!(sources.read.len(), 4, "{sources:?}");
        let found: Vec<_> = sources.modem.iter().map(|(path, one)| (path, one.line, one.command)).collect();
        assert_eq!(found, [(&chat, 1, "ATZ"), (&chat, 2, "AT+COPS=")]);
        assert!(sources.unread.is_empty());
    }

    #[test]
    fn the_options_of_the_port_are_read() {
        let names = [
            ("/dev/ttyUSB0", "options.ttyUSB0"),
            ("ttyUSB0", "options.ttyUSB0"),
            ("/dev/serial/by-id/usb-X-if00", "options.serial.by-id.usb-X-if00"),
        ];
        for (port, name) in names {
            let dir = tempfile::tempdir().unwrap();
            place(
                dir.path(),
                &[
                    ("service/run", "#!/bin/sh\nexec pppd call isp nodetach\n"),
                    ("ppp/peers/isp", &format!("{port}\n115200\n")),
                    (&format!("ppp/{name}"), "lock\ninit \"chat '' ATZ OK\"\n"),
                    ("ppp/options.ttyUSB9", "updetach\n"),
                ],
            );
            let sources = follow(&dir.path().join("service"), &dir.path().join("ppp"));
            assert!(sources.options.lock && !sources.options.updetach, "{port}: {sources:?}");
            let found: Vec<_> = sources.modem.iter().map(|(path, one)| (path, one.command)).collect();
            assert_eq!(found, [(&dir.path().join("ppp").join(name), "ATZ")]);
            assert!(sources.unread.is_empty(), "pppd does not miss a file of this kind, nor do we");
        }
    }

    #[test]
    fn hostile_files_are_harmless() {
        let dir = tempfile::tempdir().unwrap();
        let service = dir.path().join("service");
        place(dir.path(), &[("service/run", "exec pppd file loop call ../../x file . connect '/dev/zero'")]);
        place(dir.path(), &[("service/loop", "file loop file run call isp\n")]);
        let sources = follow(&service, &dir.path().join("ppp"));
        assert!(sources.read.len() + sources.unread.len() <= FILES_MAX);
        assert!(sources.unread.iter().any(|(path, _)| path == Path::new("/dev/zero")));
        let many = (0..1_000).map(|n| format!("file f{n}")).collect::<Vec<_>>().join(" ");
        place(dir.path(), &[("service/run", &format!("exec pppd {many}"))]);
        let sources = follow(&service, &dir.path().join("ppp"));
        assert!((2..=FILES_MAX).contains(&(sources.unread.len() + sources.read.len())));
        fs::write(service.join("run"), vec![b'a'; 1 << 20]).unwrap();
        assert_eq!(read_bounded(&service.join("run")).unwrap().len() as u64, SCRIPT_LEN_MAX);
    }

    #[test]
    fn a_missing_run_script_is_reported() {
        let sources = follow(Path::new("/nonexistent"), Path::new("/nonexistent"));
        assert_eq!(sources.unread.len(), 1);
    }
}
