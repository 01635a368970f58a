//! The `run` script of a service, and the arguments of what it starts.

use std::path::Path;

/// How a `run` script starts `pppd`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum RunScript {
    /// `exec ./pppd …`, as it should be: the child of `runsv` is `pppd`.
    #[default]
    Exec,
    /// `./pppd …` without `exec`: TERM ends the shell, and `pppd` lives on with the port.
    Shell,
    /// A shell that hands TERM on and waits.
    Trap,
    /// `pppd` in the background in a session of its own, as without `nodetach`: `runsv` believes that it died.
    Detach,
    /// Any other; `@PPPD@` stands for `./pppd` and its arguments.
    Custom(String),
}

impl RunScript {
    pub(crate) fn text(&self, pppd: &str) -> String {
        let body = match self {
            Self::Exec => format!("exec {pppd}\n"),
            // A last command could be executed in place of the shell; two are not.
            Self::Shell => format!("{pppd}\nexit $?\n"),
            Self::Trap => {
                format!("trap 'kill -TERM $pid' TERM\n{pppd} &\npid=$!\nwait $pid\nwait $pid\nexit $?\n")
            }
            Self::Detach => format!("setsid {pppd} &\nexit 0\n"),
            Self::Custom(text) => return text.replace("@PPPD@", pppd),
        };
        format!("#!/bin/sh\nexec 2>&1\n{body}")
    }
}

/// The behaviour of the stand-in for `pppd`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StandIn {
    /// Milliseconds from its start until it opens the port.
    pub delay_ms: u64,
    /// It respects and writes a lock file, as `pppd` does with its option `lock`.
    pub lock: bool,
    /// Milliseconds from TERM to its end.
    pub dies_after_ms: u64,
    /// TERM does nothing.
    pub ignores_term: bool,
    /// It has a child, like `chat`, that keeps the port this many milliseconds longer than itself.
    pub child_holds_ms: Option<u64>,
    /// The text that it writes to the port after opening it.
    pub send: Option<String>,
}

impl StandIn {
    /// Arguments as words of a shell.
    pub(crate) fn arguments(&self, port: &Path, log: &Path, locks: &Path) -> String {
        let mut words = vec!["--log".to_owned(), quoted(&log.to_string_lossy())];
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        if self.delay_ms > 0 {
            option("--delay-ms", self.delay_ms.to_string());
        }
        if self.lock {
            option("--lock", quoted(&locks.to_string_lossy()));
        }
        if self.dies_after_ms > 0 {
            option("--dies-after-ms", self.dies_after_ms.to_string());
        }
        if let Some(millis) = self.child_holds_ms {
            option("--child-holds-ms", millis.to_string());
        }
        if let Some(text) = &self.send {
            option("--send", quoted(text));
        }
        if self.ignores_term {
            words.push("--ignore-term".to_owned());
        }
        words.push(quoted(&port.to_string_lossy()));
        words.join(" ")
    }
}

/// A quoted word of a shell, for any text.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
